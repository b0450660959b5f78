//! Scaled dot-product attention.

use std::{fmt, sync::Arc};

use burn::tensor::{Int, Tensor, TensorData, activation::softmax};
use kernels::attention::{Attention, PackedKeys};

use crate::{
    fused::{Op, apply1, apply3, apply5},
    precision::in_bf16,
};

/// Scores that burn's own operations hold at once: 128 MiB of f32.
const MOST_SCORES: usize = 1 << 25;

/// `softmax(q kᵀ / sqrt(head_dim)) v` for every head.
///
/// `q` is `[batch, queries, heads, head_dim]`, `k` and `v` are `[batch, keys, heads, head_dim]`;
/// the result has the shape of `q`.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    if in_bf16(&q) {
        return apply3(Op::Attention, q, k, v);
    }
    let [batch, queries, heads, head_dim] = q.dims();
    let keys = k.dims()[1];
    let (q, k, v) = (q.swap_dims(1, 2), k.swap_dims(1, 2).transpose(), v.swap_dims(1, 2)); // [batch, heads, ..]
    // Queries do not see each other: a block of them at a time keeps the scores small.
    let block = (MOST_SCORES / (batch * heads * keys).max(1)).clamp(1, queries.max(1));
    let blocks = (0..queries).step_by(block).map(|start| {
        let q = q.clone().narrow(2, start, block.min(queries - start));
        let scores = q.matmul(k.clone()).div_scalar((head_dim as f64).sqrt());
        softmax(scores, 3).matmul(v.clone())
    });
    Tensor::cat(blocks.collect(), 2).swap_dims(1, 2)
}

/// Keys and values that are looked at again and again, by other queries each time.
#[derive(Clone)]
pub enum KeysValues {
    /// As they are, each `[batch, keys, heads, head_dim]`: where gradients are wanted, or the kernels do not serve.
    Dense(Box<[Tensor<4>; 2]>),
    /// As the kernels read them, which is done once.
    Packed(Arc<PackedKeys>),
}

impl KeysValues {
    /// Of `k` and `v`, `[batch, keys, heads, head_dim]`; the precision of this thread decides how they are kept.
    pub fn new(k: Tensor<4>, v: Tensor<4>) -> Self {
        if !in_bf16(&k) || k.is_autodiff() || v.is_autodiff() {
            return Self::Dense(Box::new([k, v]));
        }
        let [batch, keys, heads, head_dim] = k.dims();
        let shape = Attention { batch, queries: 0, keys, heads, head_dim };
        let [k, v] = [k, v].map(|x| x.into_data().try_into_vec::<f32>().expect("kernels serve f32"));
        Self::Packed(Arc::new(PackedKeys::new(&shape, &k, &v)))
    }

    /// [`attention`] of `q`, `[batch, queries, heads, head_dim]`, over these.
    pub fn attend(&self, q: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Dense(keys_values) => {
                let [k, v] = &**keys_values;
                attention(q, k.clone(), v.clone())
            }
            Self::Packed(keys) => apply1(Op::AttentionTo { keys: keys.clone() }, q),
        }
    }
}

impl fmt::Debug for KeysValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense(keys_values) => write!(f, "keys and values {:?}", keys_values[0].dims()),
            Self::Packed(keys) => write!(f, "packed keys and values, {:?}", keys.shape(0)),
        }
    }
}

/// `softmax(q kᵀ + by_distance + by_key) v` for every head: UMT5's attention, whose scores are not scaled.
///
/// `q`, `k`, `v` and the result are as in [`attention`]. `by_distance`, `[heads, queries + keys - 1]`, is the bias of a
/// key that stands `1 - queries` places behind its query, and so on to `keys - 1` places. `by_key`, `[batch, keys]`,
/// is very negative for padding.
pub fn attention_biased(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    by_distance: Tensor<2>,
    by_key: Tensor<2>,
) -> Tensor<4> {
    // The kernel has no gradient: training goes through burn's operations.
    if in_bf16(&q) && !q.is_autodiff() {
        return apply5(Op::AttentionBiased, q, k, v, by_distance, by_key);
    }
    let [_, queries, heads, _] = q.dims();
    let keys = k.dims()[1];
    let (q, k, v) = (q.swap_dims(1, 2), k.swap_dims(1, 2).transpose(), v.swap_dims(1, 2)); // [batch, heads, ..]
    let distances = (0..queries).rev().flat_map(|first| first..first + keys).map(|distance| distance as i64);
    let distances = TensorData::new(distances.collect::<Vec<_>>(), [queries * keys]);
    let distances = Tensor::<1, Int>::from_data(distances, &q.device());
    let bias = by_distance.select(1, distances).reshape([1, heads, queries, keys]);
    let scores = q.matmul(k) + bias + by_key.unsqueeze_dims::<4>(&[1, 2]);
    softmax(scores, 3).matmul(v).swap_dims(1, 2)
}
