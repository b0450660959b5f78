//! `kinora train denoiser`: the transformer and the text encoder, jointly and from nothing, on
//! latents (rectified flow, Liu et al. 2022; Lipman et al. 2022).

mod args;
mod batch;
mod buckets;
mod close_ups;
mod export;
mod loss;
mod naming;
mod objective;
mod sample;
mod truth;

pub use args::DenoiserArgs;
pub use loss::flow_loss;
pub use naming::Naming;

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use models::{
    ModelConfig,
    umt5::{Umt5Config, Umt5Encoder},
    wan::{AutoencoderKlWanConfig, WanTransformer3d, WanTransformer3dConfig},
    weights::load,
};

use crate::{
    error::{Result, TrainError},
    fingerprint::Inputs,
    latents,
    run_args::RunSettings,
    stop::Stop,
    tokenizer::PromptTokenizer,
    trainer::{self, Outcome},
};

/// All that is trained here.
#[derive(Module, Debug)]
pub struct Denoiser {
    /// Predicts the velocity.
    pub transformer: WanTransformer3d,
    /// Makes the context out of the prompt.
    pub text_encoder: Umt5Encoder,
    /// Names what is where, if that is a task.
    pub naming: Option<Naming>,
}

impl Denoiser {
    /// The denoiser of the pipeline in `folder`.
    ///
    /// # Errors
    /// Parts that are missing or do not fit their configuration.
    pub fn read(folder: &Path, device: &Device) -> Result<Self> {
        let [transformer, text_encoder] = ["transformer", "text_encoder"].map(|part| folder.join(part));
        let read = || -> models::Result<Self> {
            let sizes = WanTransformer3dConfig::load(&transformer)?;
            let text_sizes = Umt5Config::load(&text_encoder)?;
            Ok(Self {
                transformer: load(WanTransformer3d::new(&sizes, device)?, &transformer)?,
                text_encoder: load(Umt5Encoder::new(&text_sizes, device)?, &text_encoder)?,
                naming: None,
            })
        };
        read().map_err(TrainError::part("reading the denoiser"))
    }

    /// The context of prompts, `[batch, max_length, text_dim]`; zeros where there is padding.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn context(
        &self,
        prompts: &[&str],
        tokenizer: &PromptTokenizer,
        device: &Device,
    ) -> Result<Tensor<3>> {
        let ids = prompts.iter().map(|prompt| tokenizer.encode(prompt)).collect::<Result<Vec<_>>>()?;
        Ok(self.text_encoder.context(&ids, tokenizer.max_length(), device))
    }
}

/// Trains a denoiser; `output/model` is the whole pipeline that it exports.
///
/// # Errors
/// Settings that make no sense, latents that are missing or not whole, and those of [`trainer::train`].
pub fn train(args: &DenoiserArgs, stop: Stop<'_>) -> Result<Outcome> {
    args.check()?;
    let vae = AutoencoderKlWanConfig::load(&args.vae).map_err(TrainError::part("the autoencoder"))?;
    latents::check_source(&args.latents, &args.vae, vae.z_dim)?;
    latents::check_whole(&args.latents, args.allow_partial)?;
    let tokenizer = PromptTokenizer::for_world(args.text.max_sequence_length)?;
    let device = Device::flex();
    let trained = device.clone().autodiff();
    let part = |what| TrainError::part::<models::Error>(what);
    let seed = args.run.seed;
    let model = Denoiser {
        transformer: WanTransformer3d::new(&args.transformer(vae.z_dim), &trained)
            .map_err(part("building the transformer"))?
            .init_weights(seed),
        text_encoder: Umt5Encoder::new(&args.text.config(tokenizer.vocab_size()), &trained)
            .map_err(part("building the text encoder"))?
            .init_weights(seed.wrapping_add(1)),
        naming: args.names().then(|| Naming::new(args.transformer(vae.z_dim).dim(), &trained)),
    };
    let objective = objective::DenoiserObjective::new(args, &vae, tokenizer, device)?;
    // With its scale; a decoder that was trained further does not count.
    let contents = latents::contents(&args.latents, &vae)?;
    let inputs = Inputs::from(["latents", "vae"].map(|flag| (flag.to_owned(), contents.clone())));
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, inputs)?, stop)
}
