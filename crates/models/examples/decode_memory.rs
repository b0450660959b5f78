//! Peak memory and time of decoding one clip with the autoencoder of Wan 2.1 and random weights:
//!
//! `cargo run --release -p kinora-models --example decode_memory -- 256x256 17 [whole] [f32]`
//!
//! Streamed with frames kept in bf16, unless all of the clip (`whole`) or `f32` is asked for.

use std::{fs, time::Instant};

use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use models::wan::{AutoencoderKlWan, AutoencoderKlWanConfig};
use nn::{Pack, Packing, Precision, with_precision};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().unwrap_or_else(|| "256x256".into());
    let num_frames = arguments.next().map_or(17, |frames| frames.parse::<usize>().expect("frames"));
    let flags = arguments.collect::<Vec<_>>();
    let asked = |flag: &str| flags.iter().any(|given| given == flag);
    let (width, height) = size.split_once('x').expect("WIDTHxHEIGHT");
    let [width, height] = [width, height].map(|side| side.parse::<usize>().expect("pixels"));

    let config = AutoencoderKlWanConfig::default();
    let [frames, rows, columns] = config.latent_size([num_frames, height, width]).expect("a possible size");
    let device = Device::flex();
    let mut vae = AutoencoderKlWan::new(&config, &device).expect("valid").init_weights(0).without_encoder();
    if !asked("f32") {
        vae.pack(Packing::Bf16);
    }
    let shape = [1, config.z_dim, frames, rows, columns];
    let latents = Tensor::<5>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    println!("{size}, {num_frames} frames; before: {}", peak());

    let (precision, kept) = match asked("f32") {
        true => (Precision::F32, FloatDType::F32),
        false => (Precision::Bf16, FloatDType::BF16),
    };
    let start = Instant::now();
    with_precision(precision, || {
        if asked("whole") {
            drop(vae.decode(latents).into_data());
            return;
        }
        let mut stream = vae.decoder_stream(kept);
        for frame in latents.split(1, 2) {
            drop(stream.decode(frame).into_data());
            println!("  {:6.1} s, {}", start.elapsed().as_secs_f64(), peak());
        }
    });
    println!("{:.1} s, {}", start.elapsed().as_secs_f64(), peak());
}

/// The most memory that the process had so far.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("peak unknown".into(), |peak| format!("peak {}", peak.trim()))
}
