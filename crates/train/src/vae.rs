//! `kinora train vae`: the video autoencoder, whose code is measured, and whose decoder learns on crops of stills and clips.

mod args;
mod batch;
mod code;
mod loss;
mod objective;

pub use args::VaeArgs;
pub use loss::{LossWeights, psnr, reconstruction_loss};

use burn::tensor::Device;
use models::{ModelConfig, family::AutoencoderConfig, kinora::AutoencoderKinora};

use crate::{
    dataset::{self, BYTES_PER_PIXEL, Subset},
    error::{Result, TrainError},
    fingerprint::Inputs,
    latents,
    memory::{self, Needs},
    observer::Observer,
    run_args::RunSettings,
    trainer::{self, Outcome},
};

/// Trains an autoencoder; `output/vae` is what it exports.
///
/// # Errors
/// Settings that make no sense, a data set that is missing or not whole, and those of [`trainer::train`].
pub fn train(args: &VaeArgs, observer: &dyn Observer) -> Result<Outcome> {
    args.check_widths()?;
    let config = args.config();
    config.check().map_err(TrainError::part("the autoencoder's sizes"))?;
    args.check(&config)?;
    dataset::check_whole(&args.data, args.allow_partial)?;
    let items = Subset::ALL.map(|subset| dataset::count(&args.data.join(subset.name())));
    let items = items.into_iter().sum::<Result<usize>>()?;
    Needs {
        parameters: config.large_parameters(),
        batch: memory::autoencoder_batch(&config, args.batch_pixels),
        data: memory::ITEM * items as f64,
    }
    .check("--batch-pixels, --width or --num-res-blocks")?;
    let device = Device::flex();
    let objective = objective::VaeObjective::new(args, device.clone())?;
    let mut model = AutoencoderKinora::new(&config, &device.clone().autodiff())
        .map_err(TrainError::part("building the autoencoder"))?;
    // A run that goes on has its code.
    if !args.run.resume {
        let like = args.like.as_ref().map(|folder| {
            let config = AutoencoderConfig::load(folder).map_err(TrainError::part("--like"))?;
            latents::read_vae(folder, &config, &device)
        });
        let like = like.transpose()?.map(|like| code::Like::new(like, &args.like_channels)).transpose()?;
        let code = code::measure(objective.clips(), &config, like.as_ref(), &device)?;
        model = model.init_weights(&code, args.run.seed);
    }
    let mut inputs = Inputs::from([("data".to_owned(), dataset::contents(&args.data, BYTES_PER_PIXEL)?)]);
    if let Some(folder) = &args.denoised {
        let config = AutoencoderConfig::Kinora(config);
        inputs.insert("denoised".to_owned(), latents::contents(folder, &config)?);
    }
    trainer::train(&objective, model, &args.run, &RunSettings::new(args, inputs)?, observer)
}
