//! The calibration: how long this machine takes for a token, a pixel and a weight of a model.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use burn::tensor::{Device, Tensor};
use models::{
    family::{AutoencoderConfig, DenoiserConfig, PartConfig},
    weights::Source,
};
use nn::Packing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ModelInfo, Precision, Result, cache, finite::values, pipeline::kept_frames};

/// Seconds that computing takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rates {
    /// A token in a layer of the denoiser, but for attention.
    pub token: f64,
    /// A token that looks at another one, in a layer of the denoiser.
    pub pair: f64,
    /// A pixel of a frame, decoded.
    pub pixel: f64,
    /// The same of a small video, which is made without an upsampler.
    #[serde(default)]
    pub small_pixel: f64,
}

/// Tokens that are measured: few, of which attention is a small part, and many.
const FEW: [usize; 3] = [3, 16, 16];
const MANY: [usize; 3] = [3, 32, 32];
/// Sides of the picture that is decoded, in latents, and how many latent frames of it.
const SIDE: usize = 16;
const LATENT_FRAMES: usize = 2;

impl Rates {
    /// Those of a model at a precision: from the disk, or measured now, which takes some seconds, and kept there.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn of(info: &ModelInfo, precision: Precision, device: &Device) -> Result<Self> {
        let threads = kernels::threads::available();
        let made_of = format!(
            "{} {:?} {:?} {precision} {:?} {threads}",
            env!("CARGO_PKG_VERSION"),
            info.denoiser(),
            info.autoencoder,
            kernels::isa()
        );
        let key = format!("{:x}", Sha256::digest(made_of));
        let list = cache::rates();
        if let Some(known) = list.as_deref().and_then(|list| read(list).remove(&key)) {
            return Ok(known);
        }
        let rates = precision.scope(|| {
            let (token, pair) = layer_seconds(info, precision, device)?;
            let pixel = pixel_seconds(&info.autoencoder, precision, device)?;
            let small = info.autoencoder.without_upsampler();
            let small_pixel = match small == info.autoencoder {
                true => pixel,
                false => pixel_seconds(&small, precision, device)?,
            };
            Ok::<_, crate::Error>(Self { token, pair, pixel, small_pixel })
        })?;
        if let Some(list) = list {
            let mut all = read(&list);
            all.insert(key, rates);
            cache::store(&list, serde_json::to_string_pretty(&all).unwrap_or_default().as_bytes());
        }
        Ok(rates)
    }
}

/// Of one layer of zeros: for a token, and for a token that looks at another one. Few tokens and many tell the two
/// apart, as the first grow with the tokens and the second with their square.
fn layer_seconds(info: &ModelInfo, precision: Precision, device: &Device) -> Result<(f64, f64)> {
    let denoiser = info.denoiser();
    let layer = denoiser.with_layers(1).zeros(precision.packing(), device)?;
    let for_each_token = |grid: [usize; 3]| {
        let [frames, height, width] = std::array::from_fn(|axis| grid[axis] * denoiser.patch_size()[axis]);
        let latents = Tensor::<5>::zeros([1, denoiser.channels()[0], frames, height, width], device);
        let context = Tensor::<3>::zeros([1, info.max_sequence_length, denoiser.context_dim()], device);
        let timestep = Tensor::<2>::full([1, 1], 500.0, device);
        let text = layer.read(context);
        let call = || values(layer.forward(latents.clone(), timestep.clone(), &text));
        least_seconds(call) / count(grid)
    };
    let [few, many] = [FEW, MANY].map(for_each_token);
    let pair = ((many - few) / (count(MANY) - count(FEW))).max(0.0);
    Ok(((few - pair * count(FEW)).max(0.0), pair))
}

fn count(grid: [usize; 3]) -> f64 {
    grid.iter().product::<usize>() as f64
}

/// Of a small picture of zeros.
fn pixel_seconds(config: &AutoencoderConfig, precision: Precision, device: &Device) -> Result<f64> {
    let decoder = config.zero_decoder(precision.packing().map(|_| Packing::Bf16), device)?;
    let latent = Tensor::<5>::zeros([1, config.z_dim(), 1, SIDE, SIDE], device);
    let decode = || {
        let mut stream = decoder.decoder_stream(kept_frames(precision));
        (0..LATENT_FRAMES).for_each(|_| drop(values(stream.decode(latent.clone()))));
    };
    let [time, down, across] = config.scale_factors();
    let frames = 1 + (LATENT_FRAMES - 1) * time;
    Ok(least_seconds(decode) / (frames * SIDE * down * SIDE * across) as f64)
}

/// Seconds for each weight of a part, read and packed: of the largest tensor in its files, or of the start of it.
///
/// # Errors
/// Weights that cannot be read.
pub(crate) fn seconds_for_a_value(
    config: &DenoiserConfig,
    mut source: Source<'_>,
    precision: Precision,
    device: &Device,
) -> Result<f64> {
    const MOST: usize = 16 << 20;
    let largest = source.keys().max_by_key(|key| source.len(key)).map(str::to_owned);
    let Some(largest) = largest else { return Ok(0.0) };
    let count = source.len(&largest).clamp(1, MOST);
    let start = Instant::now();
    source.read_part(&largest, 0..count.min(source.len(&largest)), |_| ())?;
    let read = start.elapsed().as_secs_f64() / count as f64;
    let start = Instant::now();
    let layer = config.with_layers(1);
    drop(layer.zeros(precision.packing(), device)?);
    Ok(read + start.elapsed().as_secs_f64() / layer.large_parameters())
}

/// The least of a few runs, of which the first makes everything ready.
fn least_seconds<R>(run: impl Fn() -> R) -> f64 {
    const RUNS: usize = 3;
    let timed = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(timed).fold(f64::INFINITY, f64::min)
}

/// A list that is damaged or not there is an empty one.
fn read(list: &Path) -> BTreeMap<String, Rates> {
    fs::read(list).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}
