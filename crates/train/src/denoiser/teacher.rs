//! Guidance that is learnt: what a teacher says with it, a student says at once (Meng et al. 2022, "On distillation of
//! guided diffusion models", section 3.1, at one scale of guidance).

use std::path::Path;

use burn::tensor::{Device, Tensor};
use engine::{ModelFiles, ModelInfo};

use super::{Denoiser, Noised};
use crate::{
    error::{Result, TrainError},
    tokenizer::PromptTokenizer,
};

/// A denoiser that stays as it is, with its guidance.
pub struct Teacher {
    denoiser: Denoiser,
    guidance_scale: f64,
    /// Of the empty prompt, `[1, max_length, text_dim]`.
    nothing: Tensor<3>,
}

impl Teacher {
    /// The pipeline in a folder, with the guidance that it has as its own.
    ///
    /// # Errors
    /// A folder that is no model, or, if it `needs_guidance`, one that has none to learn.
    pub fn open(
        folder: &Path,
        needs_guidance: bool,
        tokenizer: &PromptTokenizer,
        device: &Device,
    ) -> Result<Self> {
        let files = ModelFiles::Folder { path: folder.into(), variant: None };
        let info = ModelInfo::read(&files).map_err(TrainError::part("the teacher"))?;
        let guidance_scale = info.native.guidance_scale;
        if needs_guidance && !diffusion::is_guided(guidance_scale) {
            return Err(TrainError::Setting {
                flag: "--teacher",
                expected: "a model with a guidance of more than 1".into(),
                found: format!("{} in {}", guidance_scale, folder.display()),
            });
        }
        let denoiser = Denoiser::read(folder, device)?;
        let nothing = denoiser.context(&[""], tokenizer, device)?;
        Ok(Self { denoiser, guidance_scale, nothing })
    }

    /// The velocity with guidance, free of gradients.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn velocity(
        &self,
        Noised { x_t, timesteps, .. }: &Noised,
        prompts: &[&str],
        tokenizer: &PromptTokenizer,
        device: &Device,
    ) -> Result<Tensor<5>> {
        let Denoiser { transformer, .. } = &self.denoiser;
        let context = self.denoiser.context(prompts, tokenizer, device)?;
        if !diffusion::is_guided(self.guidance_scale) {
            return Ok(transformer.forward(x_t.clone(), timesteps.clone(), &transformer.read(context)));
        }
        let nothing = self.nothing.clone().expand(context.dims());
        let says = |context| transformer.forward(x_t.clone(), timesteps.clone(), &transformer.read(context));
        let (towards, away) = (says(context), says(nothing));
        Ok(away.clone() + (towards - away) * self.guidance_scale)
    }
}
