//! The linear layer.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use kernels::pointwise::Activation;

use crate::{
    Pack, PackedLinear, Packing, WeightSource,
    activation::gelu_tanh,
    fused::{Op, apply1, apply2, apply3},
    pack::{take, take_from},
    parameter::zeros,
    precision::in_bf16,
};

/// `x Wᵀ + b`, with PyTorch's layout of `W`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// Takes the place of `weight`, which then is empty.
    #[module(skip)]
    packed: Option<PackedLinear>,
}

impl Linear {
    /// A layer of zeros.
    pub fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: zeros([outputs, inputs], device),
            bias: bias.then(|| zeros([outputs], device)),
            packed: None,
        }
    }

    /// `[.., in]` to `[.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match &self.packed {
            Some(packed) => self.forward_packed(x, packed, None),
            None => linear(x, self.weight.val(), self.bias.as_ref().map(Param::val)),
        }
    }

    /// [`forward`](Self::forward), then GELU (in its tanh form).
    pub fn forward_gelu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match &self.packed {
            Some(packed) => self.forward_packed(x, packed, Some(Activation::GeluTanh)),
            None => gelu_tanh(self.forward(x)),
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
        if self.packed.is_none() {
            let dims = self.weight.dims();
            self.packed = take(&mut self.weight, |values| PackedLinear::new(values, dims, packing));
        }
    }

    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let dims = self.weight.dims();
        self.packed =
            take_from(&mut self.weight, path, source, |values| PackedLinear::new(values, dims, packing))?;
        Ok(())
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
