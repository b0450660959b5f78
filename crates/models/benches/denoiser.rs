//! One forward pass of the denoiser with random weights: `benches/compare.py` runs it beside
//! diffusers'.

use burn::tensor::{Device, Distribution, Tensor};
use models::wan::{WanTransformer3d, WanTransformer3dConfig};
use nn::{Pack, Packing};
use serde::Deserialize;

#[path = "../../../benches/worker.rs"]
mod worker;

#[derive(Deserialize)]
struct Forward {
    config: WanTransformer3dConfig,
    batch: usize,
    latents: [usize; 3],
    text_tokens: usize,
}

fn main() {
    worker::serve(prepare);
}

fn prepare(case: Forward, packing: Option<Packing>) -> worker::Work {
    let Forward { config, batch, latents: [frames, height, width], text_tokens } = case;
    let device = Device::flex();
    let mut model = WanTransformer3d::new(&config, &device).expect("a valid configuration").init_weights(0);
    packing.into_iter().for_each(|packing| model.pack(packing));
    let latents = random([batch, config.in_channels, frames, height, width], &device);
    let timestep = Tensor::full([batch, 1], 500.0, &device);
    let context = random([batch, text_tokens, config.text_dim], &device);
    Box::new(move || drop(model.forward(latents.clone(), timestep.clone(), context.clone())))
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}
