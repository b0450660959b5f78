//! The subcommands of `kinora train`.

use clap::Subcommand;

use crate::{
    compact, compact::CompactArgs, dataset, dataset::DataArgs, denoiser, denoiser::DenoiserArgs,
    error::Result, interrupt, latents, latents::LatentsArgs, text, text::TextArgs, vae, vae::VaeArgs,
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
    /// Express an autoencoder's latents in fewer channels, uncorrelated and of one size
    Compact(CompactArgs),
    /// Train the text encoder alone, to read what captions say of each thing
    Text(Box<TextArgs>),
    /// Train the transformer and the text encoder on latents
    Denoiser(Box<DenoiserArgs>),
}

/// Runs a subcommand. Ctrl-C finishes the step in hand and saves it.
///
/// # Errors
/// See [`crate::TrainError`].
pub fn run(command: TrainCommand) -> Result<()> {
    interrupt::listen();
    match command {
        TrainCommand::Data(args) => dataset::make(&args),
        TrainCommand::Vae(args) => vae::train(&args).map(drop),
        TrainCommand::Latents(args) => latents::make(&args),
        TrainCommand::Compact(args) => compact::compact(&args).map(drop),
        TrainCommand::Text(args) => text::train(&args).map(drop),
        TrainCommand::Denoiser(args) => denoiser::train(&args).map(drop),
    }
}
