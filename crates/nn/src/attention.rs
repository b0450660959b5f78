//! Scaled dot-product attention.

use burn::tensor::{Tensor, activation::softmax};

use crate::{
    fused::{Op, apply3},
    precision::in_bf16,
};

/// `softmax(q kᵀ / sqrt(head_dim)) v` for every head.
///
/// `q` is `[batch, queries, heads, head_dim]`, `k` and `v` are `[batch, keys, heads, head_dim]`;
/// the result has the shape of `q`.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    if in_bf16(&q) {
        return apply3(Op::Attention, q, k, v);
    }
    let [.., head_dim] = q.dims();
    let (q, k, v) = (q.swap_dims(1, 2), k.swap_dims(1, 2), v.swap_dims(1, 2)); // [batch, heads, tokens, head_dim]
    let scores = q.matmul(k.transpose()).div_scalar((head_dim as f64).sqrt());
    softmax(scores, 3).matmul(v).swap_dims(1, 2)
}
