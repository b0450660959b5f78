//! Latents as a denoiser leaves them: noised in part and denoised again, so that their clips are still known.
//!
//! A decoder that has seen nothing but its encoder's latents draws what a denoiser leaves undone in them, such as grain in what
//! moves. One that is shown these beside the clips that they were learns to draw the clip (LTX-Video, HaCohen et al. 2024, has the
//! decoder take the last step of the denoising).

use std::path::Path;

use burn::tensor::{Device, Tensor};
use models::family::Autoencoder;
use rand::{Rng, seq::IndexedRandom};

use crate::{
    dataset::Item,
    denoiser::OwnSampler,
    error::Result,
    random::{Purpose, noise, rng},
    schedule::Ramp,
    setting,
};

/// What noises latents and denoises them.
pub struct Renoised<'a> {
    model: OwnSampler,
    vae: &'a Autoencoder,
    /// The range of the noise, as a share of all.
    noise: Ramp,
    /// How many channels stay as they are.
    kept: usize,
    device: Device,
}

impl<'a> Renoised<'a> {
    /// The pipeline in `folder`, whose autoencoder is `vae`.
    ///
    /// # Errors
    /// A folder that is no model, a model of another kind of noise, or no channel to be made anew.
    pub fn open(
        folder: &Path,
        vae: &'a Autoencoder,
        (noise, kept): (Ramp, usize),
        device: &Device,
    ) -> Result<Self> {
        let model = OwnSampler::open("--denoised-by", folder, device)?;
        let channels = vae.config().z_dim();
        setting::require("--kept-channels", format!("less than {channels}"), kept, kept < channels)?;
        Ok(Self { model, vae, noise, kept, device: device.clone() })
    }

    /// One of an item's captions; nothing if it has none.
    pub fn caption<'b>(&self, item: &'b Item, seed: u64, index: u64) -> &'b str {
        let mut random = rng(seed, Purpose::Denoised, index);
        item.captions.choose(&mut random).map_or("", String::as_str)
    }

    /// Latents `[1, channels, frames, height, width]` as the encoder gave them, noised and denoised by what `prompt` says. `seed` and
    /// `index` choose how much noise there is, and which.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses, or what the sampler fails at.
    pub fn latents(&self, latents: Tensor<5>, prompt: &str, seed: u64, index: u64) -> Result<Tensor<5>> {
        let mut random = rng(seed, Purpose::Denoised, index);
        let level = self.noise.at(random.random::<f64>());
        let x_0 = self.vae.config().normalize(latents);
        let noise = noise(seed, Purpose::Denoised, index).tensor(x_0.dims(), &self.device);
        let made = self.model.denoised([x_0, noise], level, self.kept, &[prompt])?;
        Ok(self.vae.denormalize(made))
    }
}
