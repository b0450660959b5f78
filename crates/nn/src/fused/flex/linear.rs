//! Linear layers.

use burn_flex::FlexTensor;
use kernels::{
    matmul::{
        Epilogue,
        Layout::{Plain, Transposed},
        Sizes, linear_bf16, linear_int8, matmul, matmul_and_row_sums,
    },
    pointwise::Activation,
};

use super::{View, tensor, zeros};
use crate::PackedLinear;

pub(super) fn forward(x: View<'_>, weight: View<'_>, bias: Option<View<'_>>) -> FlexTensor {
    let (a, b) = ((x.values, Plain), (weight.values, Transposed));
    let y = matmul(sizes(x, weight), a, b, bias.map(|bias| bias.values));
    tensor(&with_last(x.dims, weight.dims[0]), y)
}

pub(super) fn forward_packed(
    x: View<'_>,
    weight: &PackedLinear,
    bias: Option<View<'_>>,
    activation: Option<Activation>,
) -> FlexTensor {
    let epilogue = Epilogue { bias: bias.map(|bias| bias.values), activation, residual: None };
    let y = match weight {
        PackedLinear::Bf16(weight) => linear_bf16(x.values, weight, epilogue),
        PackedLinear::Int8(weight) => linear_int8(x.values, weight, epilogue),
    };
    tensor(&with_last(x.dims, weight.outputs()), y)
}

/// The gradients by `x` and `weight`.
pub(super) fn backward(
    x: View<'_>,
    weight: View<'_>,
    grad: &[f32],
    wanted: &[bool],
) -> Vec<Option<FlexTensor>> {
    let dw = wanted[1].then(|| {
        tensor(weight.dims, matmul(of_weight(x, weight), (grad, Transposed), (x.values, Plain), None))
    });
    vec![wanted[0].then(|| by_input(x, weight, grad)), dw]
}

/// The gradients by `x`, `weight` and `bias`; the last two are sums over the same rows, and made together.
pub(super) fn backward_bias(
    x: View<'_>,
    weight: View<'_>,
    bias: View<'_>,
    grad: &[f32],
    wanted: &[bool],
) -> Vec<Option<FlexTensor>> {
    let mut db = zeros(bias.dims);
    let dw = matmul_and_row_sums(of_weight(x, weight), (grad, Transposed), (x.values, Plain), &mut db);
    let dx = wanted[0].then(|| by_input(x, weight, grad));
    vec![dx, Some(tensor(weight.dims, dw)), Some(tensor(bias.dims, db))]
}

fn by_input(x: View<'_>, weight: View<'_>, grad: &[f32]) -> FlexTensor {
    let Sizes { m, n, k } = sizes(x, weight);
    tensor(x.dims, matmul(Sizes { m, n: k, k: n }, (grad, Plain), (weight.values, Plain), None))
}

/// Of the product that makes `y`: `m` rows of `x`, `n` outputs, `k` inputs.
fn sizes(x: View<'_>, weight: View<'_>) -> Sizes {
    let [n, k] = [weight.dims[0], weight.dims[1]];
    Sizes { m: x.values.len() / k, n, k }
}

/// Of the product that makes the gradient by the weight.
fn of_weight(x: View<'_>, weight: View<'_>) -> Sizes {
    let Sizes { m, n, k } = sizes(x, weight);
    Sizes { m: n, n: k, k: m }
}

fn with_last(dims: &[usize], outputs: usize) -> Vec<usize> {
    let mut dims = dims.to_vec();
    *dims.last_mut().expect("a linear layer takes at least one dimension") = outputs;
    dims
}
