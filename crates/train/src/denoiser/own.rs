//! A model and its own sampler, as they make clips: for what learns from what a model makes.

use std::{path::Path, sync::Arc};

use burn::tensor::{Device, Tensor};
use diffusion::{Levels, Sampler, Step, flow_velocity, sample_euler, sample_unipc, unobserved};
use engine::{ModelFiles, ModelInfo};

use super::Denoiser;
use crate::{
    error::{Result, TrainError},
    tokenizer::PromptTokenizer,
};

/// A rectified flow that stays as it is.
pub struct OwnSampler {
    pub info: Arc<ModelInfo>,
    denoiser: Denoiser,
    tokenizer: PromptTokenizer,
    device: Device,
}

impl OwnSampler {
    /// The pipeline in `folder`, which `flag` named.
    ///
    /// # Errors
    /// A folder that is no model, or one of another kind of noise or that is shown pictures.
    pub fn open(flag: &'static str, folder: &Path, device: &Device) -> Result<Self> {
        let files = ModelFiles::Folder { path: folder.into(), variant: None };
        let info = ModelInfo::read(&files).map_err(TrainError::part(flag))?;
        let sampler = info.scheduler.sampler().ok();
        let is_flow = matches!(sampler, Some(Sampler::Euler | Sampler::UniPc));
        if info.sees_beside() || !is_flow {
            return Err(TrainError::Setting {
                flag,
                expected: "a rectified flow that makes clips of text alone".into(),
                found: format!("another model in {}", folder.display()),
            });
        }
        let denoiser = Denoiser::read(folder, device)?;
        let tokenizer = PromptTokenizer::for_world(info.max_sequence_length)?;
        Ok(Self { info, denoiser, tokenizer, device: device.clone() })
    }

    /// What it makes of normalised latents `[batch, channels, frames, height, width]` whose share `level` is `noise`: 1 for clips
    /// of nothing but the prompts, one for each. Without guidance. The first `kept` channels, fewer than all, come out as they are: at each level
    /// it sees them with as much noise as all others, and goes the straight way back. A model that is shown tracks is shown these
    /// `planes`, `[batch, planes, frames, height, width]`, or nothing.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses, or what the sampler fails at.
    pub fn denoised(
        &self,
        [latents, noise]: [Tensor<5>; 2],
        level: f64,
        kept: usize,
        prompts: &[&str],
        planes: Option<&Tensor<5>>,
    ) -> Result<Tensor<5>> {
        let [batch, channels, frames, height, width] = latents.dims();
        let straight = (kept > 0).then(|| flow_velocity(latents.clone(), noise.clone()).narrow(1, 0, kept));
        let scheduler = &self.info.scheduler;
        let part = |what| TrainError::part::<diffusion::Error>(what);
        let levels = Levels::of_frames(&vec![level as f32; frames], [height, width]);
        let steps = self.info.native.num_inference_steps;
        let schedule = levels.schedule(&scheduler.schedule(steps).map_err(part("the model's schedule"))?);
        let sampler = scheduler.sampler().map_err(part("the model's sampler"))?;
        let Denoiser { transformer, .. } = &self.denoiser;
        let text = transformer.read(self.denoiser.context(prompts, &self.tokenizer, &self.device)?);
        let velocity = |x: Tensor<5>, step: Step| {
            let timesteps = Tensor::full([batch, frames], step.timestep, &self.device);
            let seen = match planes {
                Some(planes) => Tensor::cat(vec![x, planes.clone()], 1),
                None => x,
            };
            let made = transformer.forward(seen, timesteps, &text);
            Ok(match &straight {
                Some(straight) => {
                    Tensor::cat(vec![straight.clone(), made.narrow(1, kept, channels - kept)], 1)
                }
                None => made,
            })
        };
        let denoise = sampler.prediction().denoiser(velocity);
        let start = levels.start(latents, noise, &schedule);
        match sampler {
            Sampler::Euler => sample_euler(denoise, start, &schedule, unobserved),
            _ => sample_unipc(denoise, start, &schedule, unobserved),
        }
    }
}
