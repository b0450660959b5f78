//! The subcommands of `kinora train`.

use clap::Subcommand;

use crate::{
    dataset, dataset::DataArgs, denoiser, denoiser::DenoiserArgs, error::Result, judge, judge::JudgeArgs,
    latents, latents::LatentsArgs, memory, observer::Observer, planner, planner::PlannerArgs, samples,
    samples::SamplesArgs, text, text::TextArgs, vae, vae::VaeArgs,
};

/// What to train.
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum TrainCommand {
    /// Render clips and stills of the procedural world to train on
    Data(DataArgs),
    /// Train the video autoencoder
    Vae(Box<VaeArgs>),
    /// Encode every clip and still once
    Latents(LatentsArgs),
    /// Train the text encoder alone, to read what captions say of each thing
    Text(Box<TextArgs>),
    /// Train what draws where things go before anything is seen
    Planner(Box<PlannerArgs>),
    /// Train what the judge sees with
    Judge(Box<JudgeArgs>),
    /// Make clips with a model, and have them judged, for it to learn from
    Samples(SamplesArgs),
    /// Train the transformer and the text encoder on latents
    Denoiser(Box<DenoiserArgs>),
}

/// Runs a subcommand. When a stop is asked for, the step in hand is finished and saved.
///
/// # Errors
/// [`TrainError::Stopped`](crate::TrainError::Stopped) if it was stopped before its end, and all others of
/// [`crate::TrainError`].
pub fn run(command: TrainCommand, observer: &dyn Observer) -> Result<()> {
    memory::keep_freed();
    match command {
        TrainCommand::Data(args) => dataset::make(&args, observer),
        TrainCommand::Vae(args) => vae::train(&args, observer)?.whole(),
        TrainCommand::Latents(args) => latents::make(&args, observer),
        TrainCommand::Text(args) => text::train(&args, observer)?.whole(),
        TrainCommand::Planner(args) => planner::train(&args, observer)?.whole(),
        TrainCommand::Judge(args) => judge::train(&args, observer)?.whole(),
        TrainCommand::Samples(args) => samples::make(&args, observer),
        TrainCommand::Denoiser(args) => denoiser::train(&args, observer)?.whole(),
    }
}
