//! Attention.

use burn_flex::FlexTensor;
use kernels::attention::{
    Attention, Bias, PackedKeys, Saved, attention, attention_backward, attention_biased,
};

use super::{View, tensor};

/// The result, and the log-sum-exp for the backward pass.
pub(super) fn forward(q: View<'_>, k: View<'_>, v: View<'_>) -> (FlexTensor, FlexTensor) {
    let shape = shape(q, k);
    let (out, lse) = attention(&shape, q.values, k.values, v.values);
    (tensor(q.dims, out), tensor(&[shape.lse_len()], lse))
}

pub(super) fn forward_to(q: View<'_>, keys: &PackedKeys) -> FlexTensor {
    tensor(q.dims, keys.attend(q.values))
}

pub(super) fn forward_biased(
    q: View<'_>,
    k: View<'_>,
    v: View<'_>,
    by_distance: View<'_>,
    by_key: View<'_>,
) -> FlexTensor {
    let bias = Bias { scale: 1.0, by_distance: by_distance.values, by_key: by_key.values };
    tensor(q.dims, attention_biased(&shape(q, k), q.values, k.values, v.values, bias))
}

/// The gradients by `q`, `k` and `v`.
pub(super) fn backward([q, k, v]: [View<'_>; 3], out: &[f32], lse: &[f32], grad: &[f32]) -> [FlexTensor; 3] {
    let saved = Saved { q: q.values, k: k.values, v: v.values, out, lse };
    let [dq, dk, dv] = attention_backward(&shape(q, k), saved, grad);
    [tensor(q.dims, dq), tensor(k.dims, dk), tensor(v.dims, dv)]
}

fn shape(q: View<'_>, k: View<'_>) -> Attention {
    let [batch, queries, heads, head_dim] = [q.dims[0], q.dims[1], q.dims[2], q.dims[3]];
    Attention { batch, queries, keys: k.dims[1], heads, head_dim }
}
