//! Single layers, as the models call them: `benches/compare.py` runs them beside PyTorch's.

use burn::{
    module::Param,
    tensor::{Device, Distribution, FloatDType, Tensor},
};
use nn::{CausalConv3d, Linear, Pack, Packing};
use serde::Deserialize;

#[path = "layers/given.rs"]
mod given;
#[path = "../../../benches/worker.rs"]
mod worker;

#[derive(Deserialize)]
#[serde(tag = "subject", rename_all = "lowercase")]
enum Layer {
    Linear { rows: usize, inputs: usize, outputs: usize, backward: bool },
    Attention { tokens: usize, heads: usize, head_dim: usize },
    Conv3d { inputs: usize, outputs: usize, size: [usize; 3], kernel: [usize; 3] },
}

fn main() {
    worker::serve(prepare);
}

fn prepare(layer: Layer, packing: Option<Packing>) -> worker::Work {
    let device = Device::flex();
    match layer {
        Layer::Linear { rows, inputs, outputs, backward } => {
            let device = if backward { device.autodiff() } else { device };
            let mut layer = Linear::new(inputs, outputs, true, &device);
            layer.weight = random([outputs, inputs], &device).into();
            layer.bias = Some(Param::from_tensor(random([outputs], &device)));
            let x = random([rows, inputs], &device);
            if !backward {
                packing.into_iter().for_each(|packing| layer.pack(packing));
                return Box::new(move || drop(layer.forward(x.clone())));
            }
            let x = x.require_grad();
            let gradient = Tensor::ones([rows, outputs], &device);
            Box::new(move || drop(given::loss(layer.forward(x.clone()), gradient.clone()).backward()))
        }
        Layer::Attention { tokens, heads, head_dim } => {
            let [q, k, v] = std::array::from_fn(|_| random([1, tokens, heads, head_dim], &device));
            Box::new(move || drop(nn::attention(q.clone(), k.clone(), v.clone())))
        }
        Layer::Conv3d { inputs, outputs, size: [frames, height, width], kernel: [kt, kh, kw] } => {
            // Earlier frames, not zeros, stand in front.
            let padding = [0, kh / 2, kw / 2];
            let mut layer = CausalConv3d::new([inputs, outputs], [kt, kh, kw], [1; 3], padding, &device);
            layer.weight = random([outputs, inputs, kt, kh, kw], &device).into();
            packing.into_iter().for_each(|packing| layer.pack(packing));
            // As the autoencoder hands them over.
            let x = random([1, inputs, frames + kt - 1, height, width], &device);
            let x = if layer.reads_bf16() { x.cast(FloatDType::BF16) } else { x };
            Box::new(move || drop(layer.forward(x.clone())))
        }
    }
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}
