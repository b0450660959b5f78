//! Norms, alone and with what follows them.

use burn_flex::FlexTensor;
use kernels::pointwise;

use super::{
    View,
    pointwise::{rope_backward, rows_for_each_sample},
    tensor, values,
};

pub(super) fn rms_norm(x: View<'_>, weight: View<'_>, eps: f32) -> FlexTensor {
    tensor(x.dims, pointwise::rms_norm(x.values, weight.values, eps))
}

/// The gradients by `x` and `weight`.
pub(super) fn rms_norm_backward(
    x: View<'_>,
    weight: View<'_>,
    eps: f32,
    grad: &[f32],
) -> [Option<FlexTensor>; 2] {
    let [dx, dw] = pointwise::rms_norm_backward(grad, x.values, weight.values, eps);
    [Some(tensor(x.dims, dx)), Some(tensor(weight.dims, dw))]
}

pub(super) fn rms_norm_rope(
    x: View<'_>,
    weight: View<'_>,
    [cos, sin]: [View<'_>; 2],
    eps: f32,
) -> FlexTensor {
    let y = pointwise::rms_norm_rope(x.values, weight.values, eps, cos.values, sin.values, x.last());
    tensor(x.dims, y)
}

/// The gradients by `x` and `weight`.
pub(super) fn rms_norm_rope_backward(
    x: View<'_>,
    weight: View<'_>,
    angles: [View<'_>; 2],
    eps: f32,
    grad: &[f32],
) -> [Option<FlexTensor>; 2] {
    rms_norm_backward(x, weight, eps, values(&rope_backward(x, angles, grad)))
}

pub(super) fn channel_rms_norm(x: View<'_>, gamma: View<'_>, silu: bool, rounded: bool) -> FlexTensor {
    let (x, dims) = ((x.values, gamma.values, positions(x)), x.dims);
    match rounded {
        true => tensor(dims, pointwise::channel_rms_norm_bf16(x.0, x.1, x.2, silu)),
        false => tensor(dims, pointwise::channel_rms_norm(x.0, x.1, x.2, silu)),
    }
}

/// The gradients by `x` and `gamma`.
pub(super) fn channel_rms_norm_backward(
    x: View<'_>,
    gamma: View<'_>,
    silu: bool,
    grad: &[f32],
) -> Vec<Option<FlexTensor>> {
    let [dx, d_gamma] =
        pointwise::channel_rms_norm_backward(grad, x.values, gamma.values, positions(x), silu);
    vec![Some(tensor(x.dims, dx)), Some(tensor(gamma.dims, d_gamma))]
}

pub(super) fn layer_norm_modulate(x: View<'_>, shift: View<'_>, scale: View<'_>, eps: f32) -> FlexTensor {
    rows_for_each_sample(x, shift);
    tensor(x.dims, pointwise::layer_norm_modulate(x.values, shift.values, scale.values, x.last(), eps))
}

/// The gradients by `x`, `shift` and `scale`.
pub(super) fn layer_norm_modulate_backward(
    x: View<'_>,
    scale: View<'_>,
    eps: f32,
    grad: &[f32],
) -> Vec<Option<FlexTensor>> {
    let [dx, d_shift, d_scale] =
        pointwise::layer_norm_modulate_backward(grad, x.values, scale.values, x.last(), eps);
    vec![Some(tensor(x.dims, dx)), Some(tensor(scale.dims, d_shift)), Some(tensor(scale.dims, d_scale))]
}

/// Of `[batch, channels, ..]`, those behind the channels.
fn positions(x: View<'_>) -> usize {
    x.dims[2..].iter().product()
}
