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
    error::{Result, TrainError},
    random::{Purpose, noise, rng},
    schedule::Ramp,
};

/// What noises latents and denoises them.
pub struct Renoised<'a> {
    model: OwnSampler,
    vae: &'a Autoencoder,
    /// The range of the noise, as a share of all.
    noise: Ramp,
    device: Device,
}

impl<'a> Renoised<'a> {
    /// The pipeline in `folder`, whose latents are those of `vae`.
    ///
    /// # Errors
    /// A folder that is no model, or a model of other latents or of another kind of noise.
    pub fn open(folder: &Path, vae: &'a Autoencoder, noise: Ramp, device: &Device) -> Result<Self> {
        const FLAG: &str = "--denoised-by";
        let model = OwnSampler::open(FLAG, folder, device)?;
        let (channels, found) = (vae.config().z_dim(), model.info.autoencoder.z_dim());
        if found != channels {
            return Err(TrainError::Setting {
                flag: FLAG,
                expected: format!("a model of the {channels} channels of --vae"),
                found: format!("one of {found} channels in {}", folder.display()),
            });
        }
        Ok(Self { model, vae, noise, device: device.clone() })
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
        let made = self.model.denoised([x_0, noise], level, &[prompt])?;
        Ok(self.vae.denormalize(made))
    }
}
