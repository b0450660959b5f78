//! Guidance that is learnt: what a teacher says with it, a student says at once (Meng et al. 2022, "On distillation of
//! guided diffusion models", section 3.1, at one scale of guidance).

use std::path::Path;

use burn::tensor::{Device, Tensor};
use engine::{ModelFiles, ModelInfo};
use models::wan::WanText;

use super::Denoiser;
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
    /// A folder that is no model, or one that has no guidance to learn.
    pub fn open(folder: &Path, tokenizer: &PromptTokenizer, device: &Device) -> Result<Self> {
        let files = ModelFiles::Folder { path: folder.into(), variant: None };
        let info = ModelInfo::read(&files).map_err(TrainError::part("the teacher"))?;
        let guidance_scale = info.native.guidance_scale;
        if !diffusion::is_guided(guidance_scale) {
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

    /// The velocity with guidance, free of gradients. `x_t` is `[batch, channels, frames, height, width]`, `timesteps` are
    /// `[batch, frames]`, `context` is the teacher's own, `[batch, max_length, text_dim]`.
    pub fn velocity(&self, x_t: &Tensor<5>, timesteps: &Tensor<2>, context: Tensor<3>) -> Tensor<5> {
        let transformer = &self.denoiser.transformer;
        let [batch, length, features] = context.dims();
        let says = |context: Tensor<3>| {
            let text: WanText = transformer.read(context);
            transformer.forward(x_t.clone(), timesteps.clone(), &text)
        };
        let towards = says(context);
        let away = says(self.nothing.clone().expand([batch, length, features]));
        away.clone() + (towards - away) * self.guidance_scale
    }

    /// What it makes of prompts, `[batch, max_length, text_dim]`.
    pub fn context(
        &self,
        prompts: &[&str],
        tokenizer: &PromptTokenizer,
        device: &Device,
    ) -> Result<Tensor<3>> {
        self.denoiser.context(prompts, tokenizer, device)
    }
}
