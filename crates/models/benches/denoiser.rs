//! One forward pass of the denoiser, with random weights or those that all sides share:
//! `benches/compare.py` runs it beside diffusers'.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use models::{
    wan::{WanTransformer3d, WanTransformer3dConfig},
    weights,
};
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
    /// A folder with weights and inputs.
    given: Option<PathBuf>,
    /// The file for what the first run computes.
    output: Option<PathBuf>,
}

fn main() {
    worker::serve(prepare);
}

fn prepare(case: Forward, packing: Option<Packing>) -> worker::Work {
    let Forward { config, batch, latents: [frames, height, width], text_tokens, given, mut output } = case;
    let device = Device::flex();
    let model = WanTransformer3d::new(&config, &device).expect("a valid configuration");
    let mut model = match &given {
        Some(folder) => weights::load(model, folder).expect("weights of this configuration"),
        None => model.init_weights(0),
    };
    packing.into_iter().for_each(|packing| model.pack(packing));
    // As the engine does while it denoises, when it has given back what it has read.
    kernels::memory::set_freed(kernels::memory::Freed::Kept);
    let latents = [batch, config.in_channels, frames, height, width];
    let context = [batch, text_tokens, config.text_dim];
    let (latents, context) = match &given {
        Some(folder) => (
            read(&folder.join("latents.f32"), latents, &device),
            read(&folder.join("context.f32"), context, &device),
        ),
        None => (random(latents, &device), random(context, &device)),
    };
    let timestep = Tensor::full([batch, 1], 500.0, &device);
    let text = model.read(context);
    Box::new(move || {
        let velocity = model.forward(latents.clone(), timestep.clone(), &text);
        if let Some(path) = output.take() {
            write(&path, velocity);
        }
    })
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// 32-bit numbers without a header, as Python's side writes them.
fn read<const D: usize>(path: &Path, shape: [usize; D], device: &Device) -> Tensor<D> {
    let bytes = fs::read(path).expect("numbers for all sides");
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers.iter().copied().map(f32::from_ne_bytes).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn write<const D: usize>(path: &Path, tensor: Tensor<D>) {
    let numbers = tensor.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
    let bytes = numbers.into_iter().flat_map(f32::to_ne_bytes).collect::<Vec<_>>();
    fs::write(path, bytes).expect("room for an output");
}
