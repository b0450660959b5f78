//! The subcommands of `kinora train`.

use clap::Subcommand;

use crate::{dataset, dataset::DataArgs, error::Result, interrupt, vae, vae::VaeArgs};

/// What to train.
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum TrainCommand {
    /// Render clips and stills of the procedural world to train on
    Data(DataArgs),
    /// Train the video autoencoder
    Vae(VaeArgs),
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
    }
}
