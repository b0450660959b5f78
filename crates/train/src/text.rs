//! `kinora train text`: the text encoder alone, on captions of the world.
//!
//! A denoiser can tell whose colour is whose if the features of "red" in "a red ball left of a blue cube" tell that it is
//! the ball's, and that the ball is on the left. Its own loss teaches that to the text encoder slowly, as most of a
//! picture is about something else. So the words about a thing are asked here for all there is to tell of it, and a
//! linear layer on their features has to answer: what it is, what it does, and where in the first and in the last frame
//! it is seen. (Published text encoders come with such knowledge from text without end.) The layer is not part of the
//! exported model.

mod args;
mod objective;
mod picture;
mod size;
mod sketch;

pub use args::TextArgs;
pub use size::TextSize;

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use models::{
    ModelConfig,
    umt5::{Umt5Config, Umt5Encoder},
    weights::load,
};
use nn::Linear;

use self::picture::all_answers;
use crate::{
    error::{Result, TrainError},
    fingerprint::Inputs,
    memory::{self, Needs},
    observer::Observer,
    run_args::RunSettings,
    tokenizer::PromptTokenizer,
    trainer::{self, Outcome},
};

/// All that is trained here.
#[derive(Module, Debug)]
pub struct TextReader {
    /// Makes features out of captions.
    pub text_encoder: Umt5Encoder,
    to_answers: Linear,
}

impl TextReader {
    /// A layer of zeros, for which all answers are equally likely, on an encoder.
    pub fn new(text_encoder: Umt5Encoder, device: &Device) -> Self {
        let to_answers = Linear::new(text_encoder.config().d_model, all_answers(), true, device);
        Self { text_encoder, to_answers }
    }

    /// The reader with the text encoder of the pipeline in `folder`.
    ///
    /// # Errors
    /// A text encoder that is missing or does not fit its configuration.
    pub fn read(folder: &Path, device: &Device) -> Result<Self> {
        let encoder = read_encoder(&folder.join("text_encoder"), device);
        Ok(Self::new(encoder.map_err(TrainError::part("reading the text encoder"))?, device))
    }

    /// The logits of all answers, `[batch, tokens, answers]`, from features of `text_dim`.
    fn answer(&self, features: Tensor<3>) -> Tensor<3> {
        self.to_answers.forward(features)
    }
}

/// The text encoder in `folder`.
///
/// # Errors
/// One that is missing or does not fit its configuration.
pub fn read_encoder(folder: &Path, device: &Device) -> models::Result<Umt5Encoder> {
    load(Umt5Encoder::new(&Umt5Config::load(folder)?, device)?, folder)
}

/// Trains a text encoder; `output/text_encoder` is what it exports, and a denoiser that starts from `output` has it.
///
/// # Errors
/// Settings that make no sense, and those of [`trainer::train`].
pub fn train(args: &TextArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check()?;
    let tokenizer = PromptTokenizer::for_world(args.size.max_sequence_length)?;
    let config = args.size.config(tokenizer.vocab_size());
    config.check().map_err(TrainError::part("the text encoder's sizes"))?;
    Needs {
        parameters: config.large_parameters(),
        batch: args.batch_captions as f64 * memory::caption(&config, args.size.max_sequence_length),
        data: memory::SCENE * (args.scenes as f64 + args.evaluate_scenes as f64),
    }
    .check("--batch-captions, --scenes, --text-dim or --text-layers")?;
    let device = Device::flex();
    let trained = device.clone().autodiff();
    let text_encoder = Umt5Encoder::new(&config, &trained)
        .map_err(TrainError::part::<models::Error>("building the text encoder"))?
        .init_weights(args.run.seed.wrapping_add(1));
    let model = TextReader::new(text_encoder, &trained);
    let objective = objective::TextObjective::new(args, tokenizer, device);
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, Inputs::new())?, observer)
}
