//! A training step of the denoiser, as the trainer does it: the loss, its gradients and AdamW, with
//! f32 master weights. `benches/compare.py` runs it beside PyTorch's.

use burn::tensor::{Device, Distribution, Tensor};
use models::wan::{WanTransformer3d, WanTransformer3dConfig};
use nn::Packing;
use serde::Deserialize;
use train::{
    optim::{AdamW, AdamWConfig, LrScale},
    parameters::{add_gradients, entries, gather, scatter},
};

#[path = "../../../benches/worker.rs"]
mod worker;

/// As PyTorch's AdamW has them by default.
const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
const LEARNING_RATE: f64 = 1e-4;

#[derive(Deserialize)]
struct Step {
    config: WanTransformer3dConfig,
    batch: usize,
    latents: [usize; 3],
    text_tokens: usize,
}

fn main() {
    worker::serve(prepare);
}

fn prepare(case: Step, _: Option<Packing>) -> worker::Work {
    let Step { config, batch, latents: [frames, height, width], text_tokens } = case;
    let device = Device::flex().autodiff();
    // As `kinora train` does.
    kernels::memory::set_freed(kernels::memory::Freed::Kept);
    let mut model = WanTransformer3d::new(&config, &device).expect("a valid configuration").init_weights(0);
    let latents = random([batch, config.in_channels, frames, height, width], &device);
    let timestep = Tensor::full([batch, 1], 500.0, &device);
    let context = random([batch, text_tokens, config.text_dim], &device);
    let velocity = random([batch, config.out_channels, frames, height, width], &device);

    let mut weights = gather(&model).expect("readable weights");
    let mut adamw = AdamW::new(ADAMW, &entries(&model), |_| LrScale::Absolute);
    let mut step = 0;
    Box::new(move || {
        let predicted = model.forward(latents.clone(), timestep.clone(), &model.read(context.clone()));
        let loss = (predicted - velocity.clone()).square().mean();
        let mut gradients = vec![0.0; weights.len()];
        add_gradients(&model, &mut loss.backward(), 1.0, &mut gradients).expect("readable gradients");
        step += 1;
        adamw.step(&mut weights, &gradients, 1.0, LEARNING_RATE, step);
        model = scatter(model.clone(), &weights);
    })
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}
