//! `kinora train judge`: the networks that the judge sees with, on clips that no other training shows.
//!
//! The world draws an endless stream of lessons: clips, and the exact truth about them. Most of them are spoilt. What is
//! spoilt a little, as generated clips are, has to be named all the same; what is blurred or melted so that it could be
//! anything has to be called unclear.

mod answers;
mod args;
mod damage;
mod lesson;
mod loss;
mod objective;
mod sketch;
mod targets;

pub use args::JudgeArgs;

use ::judge::Network;
use burn::tensor::Device;

use crate::{
    error::Result,
    fingerprint::Inputs,
    observer::Observer,
    run_args::RunSettings,
    trainer::{self, Outcome},
};

/// Trains the networks; `output/judge` is what it exports.
///
/// # Errors
/// Settings that make no sense, and those of [`trainer::train`].
pub fn train(args: &JudgeArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check()?;
    let device = Device::flex();
    let objective = objective::JudgeObjective::new(args, device.clone());
    let trained = device.autodiff();
    // A run that goes on has its weights.
    let model = if args.run.resume { Network::new(&trained) } else { objective.first_network(&trained)? };
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, Inputs::new())?, observer)
}
