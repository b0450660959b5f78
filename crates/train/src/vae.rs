//! `kinora train vae`: the video autoencoder on crops of stills and clips.

mod args;
mod batch;
mod loss;
mod objective;
mod principal;

pub use args::VaeArgs;
pub use loss::{LossWeights, psnr, reconstruction_loss};

use burn::tensor::Device;
use models::{ModelConfig, wan::AutoencoderKlWan};

use crate::{
    error::{Result, TrainError},
    run_args,
    trainer::{self, Outcome},
};

/// Trains an autoencoder; `output/vae` is what it exports.
///
/// # Errors
/// Settings that make no sense, a missing data set, and those of [`trainer::train`].
pub fn train(args: &VaeArgs) -> Result<Outcome> {
    let config = args.config();
    config.check().map_err(TrainError::part("the autoencoder's sizes"))?;
    args.check(&config)?;
    let device = Device::flex();
    let objective = objective::VaeObjective::new(args, device.clone())?;
    let model = AutoencoderKlWan::new(&config, &device.autodiff())
        .map_err(TrainError::part("building the autoencoder"))?
        .init_weights(args.run.seed);
    trainer::train(&objective, model, &args.run, &run_args::settings(args)?)
}
