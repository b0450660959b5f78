//! Latents as a denoiser leaves them: noised in part and denoised again, so that their clips are still known.
//!
//! A decoder that has seen nothing but its encoder's latents draws what a denoiser leaves undone in them, such as grain in what
//! moves. One that is shown these beside the clips that they were learns to draw the clip (LTX-Video, HaCohen et al. 2024, has the
//! decoder take the last step of the denoising).

use std::{path::Path, sync::Arc};

use burn::tensor::{Device, Tensor};
use diffusion::{Levels, Sampler, sample_euler, sample_unipc, unobserved};
use engine::{ModelFiles, ModelInfo};
use models::family::Autoencoder;
use rand::{Rng, seq::IndexedRandom};

use crate::{
    dataset::Item,
    denoiser::Denoiser,
    error::{Result, TrainError},
    random::{Purpose, noise, rng},
    schedule::Ramp,
    tokenizer::PromptTokenizer,
};

/// What noises latents and denoises them.
pub struct Renoised<'a> {
    denoiser: Denoiser,
    info: Arc<ModelInfo>,
    tokenizer: PromptTokenizer,
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
        let files = ModelFiles::Folder { path: folder.into(), variant: None };
        let info = ModelInfo::read(&files).map_err(TrainError::part("--denoised-by"))?;
        let is_flow =
            info.scheduler.sampler().is_ok_and(|own| matches!(own, Sampler::Euler | Sampler::UniPc));
        let channels = vae.config().z_dim();
        if info.autoencoder.z_dim() != channels || info.sees_beside() || !is_flow {
            return Err(TrainError::Setting {
                flag: "--denoised-by",
                expected: format!("a rectified flow of the {channels} channels of --vae"),
                found: format!("one of {} channels in {}", info.autoencoder.z_dim(), folder.display()),
            });
        }
        let denoiser = Denoiser::read(folder, device)?;
        let tokenizer = PromptTokenizer::for_world(info.max_sequence_length)?;
        Ok(Self { denoiser, info, tokenizer, vae, noise, device: device.clone() })
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
        let dims = x_0.dims();
        let [_, _, frames, height, width] = dims;
        let noise = noise(seed, Purpose::Denoised, index).tensor(dims, &self.device);
        let steps = self.info.native.num_inference_steps;
        let scheduler = &self.info.scheduler;
        let part = |what| TrainError::part::<diffusion::Error>(what);
        let levels = Levels::of_frames(&vec![level as f32; frames], [height, width]);
        let schedule = levels.schedule(&scheduler.schedule(steps).map_err(part("the model's schedule"))?);
        let sampler = scheduler.sampler().map_err(part("the model's sampler"))?;
        let Denoiser { transformer, .. } = &self.denoiser;
        let text = transformer.read(self.denoiser.context(&[prompt], &self.tokenizer, &self.device)?);
        let velocity = |x: Tensor<5>, step: diffusion::Step| {
            let timesteps = Tensor::full([1, frames], step.timestep, &self.device);
            Ok(transformer.forward(x, timesteps, &text))
        };
        let denoise = sampler.prediction().denoiser(velocity);
        let start = levels.start(x_0, noise, &schedule);
        let made: Result<Tensor<5>> = match sampler {
            Sampler::Euler => sample_euler(denoise, start, &schedule, unobserved),
            _ => sample_unipc(denoise, start, &schedule, unobserved),
        };
        Ok(self.vae.denormalize(made?))
    }
}
