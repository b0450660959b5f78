//! `kinora train denoiser`: the transformer and the text encoder, jointly and from nothing, on
//! latents (rectified flow, Liu et al. 2022; Lipman et al. 2022).

mod args;
mod batch;
mod buckets;
mod close_ups;
mod emphasis;
mod export;
mod judged;
mod moving;
mod naming;
mod noised;
mod objective;
mod own;
mod sample;
mod teacher;
mod truth;

pub use args::DenoiserArgs;
pub use naming::Naming;
pub use noised::Noised;
pub(crate) use own::OwnSampler;

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use models::{
    ModelConfig,
    family::AutoencoderConfig,
    umt5::{Umt5Config, Umt5Encoder},
    wan::{WanTransformer3d, WanTransformer3dConfig},
    weights::load,
};

use self::buckets::Buckets;
use crate::{
    dataset::{self, Subset},
    error::{Result, TrainError},
    fingerprint::Inputs,
    latents,
    memory::{self, Needs},
    observer::Observer,
    parameters::to_vec,
    run_args::RunSettings,
    text::read_encoder,
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
            Ok(Self {
                transformer: load(WanTransformer3d::new(&sizes, device)?, &transformer)?,
                text_encoder: read_encoder(&text_encoder, device)?,
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
        tokenizer.context(&self.text_encoder, prompts, device)
    }
}

/// Trains a denoiser; `output/model` is the whole pipeline that it exports.
///
/// # Errors
/// Settings that make no sense, latents that are missing or not whole, and those of [`trainer::train`].
pub fn train(args: &DenoiserArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check()?;
    let vae = AutoencoderConfig::load(&args.vae).map_err(TrainError::part("the autoencoder"))?;
    latents::check_source(&args.latents, &args.vae, vae.z_dim())?;
    latents::check_whole(&args.latents, args.allow_partial)?;
    let tokenizer = PromptTokenizer::for_world(args.text.max_sequence_length)?;
    let device = Device::flex();
    let data_std = match &args.reference {
        // What is learnt from its own samples stays what it was to the latents.
        Some(reference) => {
            let config = WanTransformer3dConfig::load(&reference.join("transformer"));
            config.map_err(TrainError::part("--reference"))?.data_std
        }
        None => data_std(args, &vae, &device)?,
    };
    let transformer =
        WanTransformer3dConfig { data_std, ..args.transformer(vae.z_dim(), vae.scale_factors()[0]) };
    let text = args.text.config(tokenizer.vocab_size());
    transformer.check().map_err(TrainError::part("the transformer's sizes"))?;
    text.check().map_err(TrainError::part("the text encoder's sizes"))?;
    needs(args, &transformer, &text)?.check(
        "--batch-clips, --batch-stills, --batch-close-ups, --num-layers, --ffn-dim or the number of heads",
    )?;
    let trained = device.clone().autodiff();
    let part = |what| TrainError::part::<models::Error>(what);
    let seed = args.run.seed;
    let model = Denoiser {
        transformer: WanTransformer3d::new(&transformer, &trained)
            .map_err(part("building the transformer"))?
            .init_weights(seed),
        text_encoder: Umt5Encoder::new(&text, &trained)
            .map_err(part("building the text encoder"))?
            .init_weights(seed.wrapping_add(1)),
        naming: args.names().then(|| Naming::new(transformer.dim(), &trained)),
    };
    let objective = objective::DenoiserObjective::new(args, &vae, tokenizer, device)?;
    // With its scale; a decoder that was trained further does not count.
    let contents = latents::contents(&args.latents, &vae)?;
    let mut inputs = Inputs::from(["latents", "vae"].map(|flag| (flag.to_owned(), contents.clone())));
    if let Some(judged) = &args.judged {
        inputs.insert("judged".to_owned(), latents::contents(judged, &vae)?);
    }
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, inputs)?, observer)
}

/// How large each channel of the latents that is preconditioned is, as a root mean square over some clips; empty if none is.
fn data_std(args: &DenoiserArgs, vae: &AutoencoderConfig, device: &Device) -> Result<Vec<Option<f64>>> {
    const CLIPS: usize = 64;
    let Some(plain) = args.preconditioned_after else { return Ok(Vec::new()) };
    let clips = Buckets::open(&args.latents, Subset::Clips, vae, device)?;
    let items = clips.largest();
    let items = &items[..items.len().min(CLIPS)];
    let frames = clips.latents.store().items()[items[0]].size[0];
    let squares = clips.normalized(items, frames)?.square();
    let means = to_vec(squares.swap_dims(0, 1).flatten::<2>(1, 4).mean_dim(1))?;
    let std = |(channel, mean): (usize, f32)| (channel >= plain).then(|| f64::from(mean).sqrt());
    Ok(means.into_iter().enumerate().map(std).collect())
}

/// What the largest batch of the latents takes.
fn needs(args: &DenoiserArgs, transformer: &WanTransformer3dConfig, text: &Umt5Config) -> Result<Needs> {
    let (mut batch, mut items) = (0.0_f64, 0);
    let sample = |size: [usize; 3]| {
        let positions = size.iter().map(|&side| side as f64).product::<f64>();
        let tokens = positions / (args.latent_patch as f64).powi(2);
        memory::transformer_sample(transformer, tokens, args.text.max_sequence_length)
    };
    let judged = args.judged.as_ref().map(|folder| (folder, Subset::Clips, args.batch_clips));
    for (folder, subset, samples) in [
        (&args.latents, Subset::Clips, args.batch_clips),
        (&args.latents, Subset::Stills, args.batch_stills),
        (&args.latents, Subset::Validation, args.batch_clips.min(args.evaluate_clips)),
    ]
    .into_iter()
    .chain(judged)
    {
        let found = dataset::items(&folder.join(subset.name()))?;
        let largest = found.iter().map(|item| sample(item.size)).fold(0.0, f64::max);
        batch = batch.max(samples as f64 * largest);
        items += found.len();
    }
    let close_up = sample([1, args.close_up_side, args.close_up_side]);
    Ok(Needs {
        parameters: transformer.large_parameters() + text.large_parameters(),
        batch: batch.max(args.batch_close_ups as f64 * close_up),
        data: memory::ITEM * items as f64,
    })
}
