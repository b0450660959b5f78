//! Pointwise activations.

use burn::tensor::{Tensor, activation};
use kernels::pointwise::Activation;

use crate::{
    fused::{Op, apply1},
    precision::on_cpu,
};

/// GELU in its tanh form: `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))` (Hendrycks & Gimpel 2016).
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_cpu(&x) { apply1(Op::Activate(Activation::GeluTanh), x) } else { plain_gelu_tanh(x) }
}

pub(crate) fn plain_gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::gelu_approximate(x)
}

/// SiLU, `x * sigmoid(x)`.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_cpu(&x) { apply1(Op::Activate(Activation::Silu), x) } else { activation::silu(x) }
}
