//! The linear layer.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use kernels::pointwise::Activation;

use crate::{
    Pack, PackedLinear, Packing, Weight, WeightSource,
    activation::gelu_tanh,
    fused::{Op, apply1, apply2, apply3},
    parameter::zeros,
    precision::in_bf16,
};

/// `x Wᵀ + b`, with PyTorch's layout of `W`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Weight<2, PackedLinear>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// A layer of zeros.
    pub fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: Weight::zeros([outputs, inputs], device),
            bias: bias.then(|| zeros([outputs], device)),
        }
    }

    /// `[.., in]` to `[.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match &self.weight {
            Weight::Packed(packed) => self.forward_packed(x, packed, None),
            Weight::Dense(weight) => linear(x, weight.val(), self.bias.as_ref().map(Param::val)),
        }
    }

    /// [`forward`](Self::forward), then GELU (in its tanh form).
    pub fn forward_gelu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match &self.weight {
            Weight::Packed(packed) => self.forward_packed(x, packed, Some(Activation::GeluTanh)),
            Weight::Dense(_) => gelu_tanh(self.forward(x)),
        }
    }

    fn forward_packed<const D: usize>(
        &self,
        x: Tensor<D>,
        weight: &PackedLinear,
        activation: Option<Activation>,
    ) -> Tensor<D> {
        let op = Op::PackedLinear { weight: weight.clone(), activation };
        match &self.bias {
            Some(bias) => apply2(op, x, bias.val()),
            None => apply1(op, x),
        }
    }
}

impl Pack for Linear {
    fn pack(&mut self, packing: Packing) {
        self.weight.pack(|values, dims| PackedLinear::new(values, dims, packing));
    }

    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error> {
        self.weight.pack_from(path, source, |values, dims| PackedLinear::new(values, dims, packing))
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
