//! Activations, axes in another order, gated residuals and rotary embedding.

use burn_flex::FlexTensor;
use kernels::pointwise::{self, Activation};

use super::{View, tensor};

pub(super) fn activate(activation: Activation, x: View<'_>) -> FlexTensor {
    tensor(x.dims, pointwise::activate(activation, x.values))
}

pub(super) fn activate_backward(activation: Activation, x: View<'_>, grad: &[f32]) -> FlexTensor {
    tensor(x.dims, pointwise::activate_backward(activation, x.values, grad))
}

pub(super) fn permute(x: View<'_>, axes: &[usize]) -> FlexTensor {
    let dims: Vec<usize> = axes.iter().map(|&axis| x.dims[axis]).collect();
    tensor(&dims, pointwise::permute(x.values, x.dims, axes))
}

pub(super) fn gated_residual(x: View<'_>, y: View<'_>, gate: View<'_>) -> FlexTensor {
    rows_for_each_sample(x, gate);
    tensor(x.dims, pointwise::gated_residual(x.values, y.values, gate.values, x.last()))
}

/// The gradients by `y` and `gate`; that by `x` is `grad` itself.
pub(super) fn gated_residual_backward(
    x: View<'_>,
    y: View<'_>,
    gate: View<'_>,
    grad: &[f32],
) -> [FlexTensor; 2] {
    let [dy, d_gate] = pointwise::gated_residual_backward(grad, y.values, gate.values, x.last());
    [tensor(x.dims, dy), tensor(gate.dims, d_gate)]
}

pub(super) fn rope(x: View<'_>, angles: [View<'_>; 2]) -> FlexTensor {
    rotate(x.dims, x.values, angles, false)
}

/// The gradient by `x`: turned back.
pub(super) fn rope_backward(x: View<'_>, angles: [View<'_>; 2], grad: &[f32]) -> FlexTensor {
    rotate(x.dims, grad, angles, true)
}

fn rotate(dims: &[usize], x: &[f32], [cos, sin]: [View<'_>; 2], inverse: bool) -> FlexTensor {
    tensor(dims, pointwise::rope(x, cos.values, sin.values, dims[2], dims[3], inverse))
}

/// # Panics
/// Unless each sample of `x` has rows of its own in `rows`: the kernels know no samples.
pub(super) fn rows_for_each_sample(x: View<'_>, rows: View<'_>) {
    assert_eq!(x.dims[0], rows.dims[0], "rows of {:?} for each sample of {:?}", rows.dims, x.dims);
}
