//! `kinora train planner`: what draws where things go before anything is seen, from prompts, on scenes of the world without end.
//!
//! No frame is rendered: a scene's [tracks](models::tracks) are some hundred numbers, so that millions of scenes can be learnt from
//! where the denoiser of pictures sees some thousands of clips. It is trained as that one is, as a rectified flow on timelines.

mod args;
mod batch;
mod objective;
mod sketch;

pub use args::PlannerArgs;

use burn::{module::Module, tensor::Device};
use models::{ModelConfig, wan::WanTransformer3d};

use crate::{
    error::{Result, TrainError},
    fingerprint::Inputs,
    memory::{self, Needs},
    observer::Observer,
    run_args::RunSettings,
    text::read_encoder,
    tokenizer::PromptTokenizer,
    trainer::{self, Outcome},
};

/// Trains a planner for the text encoder of a model; `output/planner` is what it exports.
///
/// # Errors
/// Settings that make no sense, a model without a text encoder, and those of [`trainer::train`].
pub fn train(args: &PlannerArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check()?;
    let device = Device::flex();
    let text_encoder = read_encoder(&args.text_encoder, &device)
        .map_err(TrainError::part("reading --text-encoder"))?
        .no_grad();
    let tokenizer = PromptTokenizer::for_world(args.max_sequence_length)?;
    let config = args.transformer(text_encoder.config().d_model);
    config.check().map_err(TrainError::part("the planner's sizes"))?;
    let tokens = (args.latent_frames() * args.code().things) as f64;
    let sample = memory::transformer_sample(&config, tokens, args.max_sequence_length);
    Needs {
        parameters: config.large_parameters(),
        batch: args.batch_scenes as f64 * sample,
        data: memory::SCENE * args.evaluate_scenes as f64,
    }
    .check("--batch-scenes, --num-layers, --ffn-dim or the number of heads")?;
    let model = WanTransformer3d::new(&config, &device.clone().autodiff())
        .map_err(TrainError::part::<models::Error>("building the planner"))?
        .init_weights(args.run.seed);
    let objective = objective::PlannerObjective::new(args, text_encoder, tokenizer, device);
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, Inputs::new())?, observer)
}
