//! The linear layer.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::{
    fused::{Op, apply2, apply3},
    precision::in_bf16,
};

/// `x Wᵀ + b`, with PyTorch's layout of `W`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// A layer of zeros.
    pub fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([outputs, inputs], device)),
            bias: bias.then(|| Param::from_tensor(Tensor::zeros([outputs], device))),
        }
    }

    /// `[.., in]` to `[.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }
}

/// `x Wᵀ + b` over the last dimension: `x` is `[.., in]`, `weight` `[out, in]`, `bias` `[out]`.
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    if in_bf16(&x) {
        return match bias {
            Some(bias) => apply3(Op::LinearBias, x, weight, bias),
            None => apply2(Op::Linear, x, weight),
        };
    }
    let mut dims = x.dims();
    let [outputs, inputs] = weight.dims();
    let rows = dims.iter().product::<usize>() / inputs;
    let y = x.reshape([rows, inputs]).matmul(weight.transpose());
    let y = match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    };
    dims[D - 1] = outputs;
    y.reshape(dims)
}
