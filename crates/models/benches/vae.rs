//! Decoding of one clip with random weights, frame after frame: `benches/compare.py` runs it beside
//! diffusers', which does so too.

use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use models::wan::{AutoencoderKlWan, AutoencoderKlWanConfig};
use nn::{Pack, Packing};
use serde::Deserialize;

#[path = "../../../benches/worker.rs"]
mod worker;

#[derive(Deserialize)]
struct Decode {
    config: AutoencoderKlWanConfig,
    latents: [usize; 3],
}

fn main() {
    worker::serve(prepare);
}

fn prepare(case: Decode, packing: Option<Packing>) -> worker::Work {
    let Decode { config, latents: [frames, height, width] } = case;
    let device = Device::flex();
    let model = AutoencoderKlWan::new(&config, &device).expect("a valid configuration").init_weights(0);
    // As the engine has it for videos from text.
    let mut model = model.without_encoder();
    packing.into_iter().for_each(|packing| model.pack(packing));
    let shape = [1, config.z_dim, frames, height, width];
    let latents = Tensor::<5>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let kept = if packing.is_none() { FloatDType::F32 } else { FloatDType::BF16 };
    let scale = config.scale_factor_spatial;
    let bytes = config.decoder_stream_bytes([scale * height, scale * width], kept);
    Box::new(move || {
        // As the program does before it decodes large videos.
        if bytes >= 1 << 30 {
            kernels::memory::set_freed(kernels::memory::Freed::GivenBack);
            kernels::memory::set_large_pages(false);
        }
        let mut stream = model.decoder_stream(kept);
        let frames = (0..frames).map(|frame| stream.decode(latents.clone().narrow(2, frame, 1)));
        drop(Tensor::cat(frames.collect(), 2));
    })
}
