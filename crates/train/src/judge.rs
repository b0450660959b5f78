//! `kinora train judge`: the recogniser that the judge finds things with, on clips that no other training shows.
//!
//! The world draws an endless stream of lessons: a frame of a clip, and the exact truth about it. Most of them are
//! spoilt. What is spoilt a little, as generated clips are, has to be named all the same; what is blurred or melted
//! so that it could be anything has to be called unclear.

mod args;
mod damage;
mod lesson;
mod loss;
mod objective;
mod sketch;
mod targets;

pub use args::JudgeArgs;

use burn::tensor::Device;
use judge::recogniser::Recogniser;

use crate::{
    error::Result,
    fingerprint::Inputs,
    observer::Observer,
    run_args::RunSettings,
    trainer::{self, Outcome},
};

/// Trains the recogniser; `output/recogniser` is what it exports.
///
/// # Errors
/// Settings that make no sense, and those of [`trainer::train`].
pub fn train(args: &JudgeArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check()?;
    let device = Device::flex();
    let model = Recogniser::new(&device.clone().autodiff()).init_weights(args.run.seed);
    let objective = objective::JudgeObjective::new(args, device);
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, Inputs::new())?, observer)
}
