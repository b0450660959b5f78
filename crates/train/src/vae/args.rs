//! The flags of `kinora train vae`; their defaults are of kinora-tiny's size.

use std::path::PathBuf;

use clap::Args;
use models::kinora::AutoencoderKinoraConfig;
use serde::{Deserialize, Serialize};

use super::LossWeights;
use crate::{
    error::{Result, TrainError},
    run_args::RunArgs,
    schedule::Ramp,
    setting,
};

/// What to train, on what, and how.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaeArgs {
    /// Folder that `kinora train data` made
    #[arg(long, default_value_os_t = Self::default().data)]
    pub data: PathBuf,
    /// Train on what there is of a data set that is not whole
    #[arg(long)]
    #[serde(default)]
    pub allow_partial: bool,
    /// Channels of the latents
    #[arg(long, default_value_t = Self::default().z_dim)]
    pub z_dim: usize,
    /// Frames of a block, that make one latent
    #[arg(long, default_value_t = Self::default().block_frames)]
    #[serde(default = "four_frames")]
    pub block_frames: usize,
    /// Channels of the decoder where it sees latents
    #[arg(long, default_value_t = Self::default().width)]
    pub width: usize,
    /// Residual blocks of the decoder
    #[arg(long, default_value_t = Self::default().num_res_blocks)]
    pub num_res_blocks: usize,
    /// Channels of the decoder where it sees pixels
    #[arg(long, default_value_t = Self::default().pixel_width)]
    pub pixel_width: usize,
    /// How many times as wide and as high as the code's pictures videos are: the code sees them made so many times smaller, so that
    /// a denoiser has no more to do, and an upsampler draws what is decoded larger
    #[arg(long, default_value_t = Self::default().upscale)]
    #[serde(default = "as_the_code")]
    pub upscale: usize,
    /// Channels of the upsampler, at the size of the code's pictures and at half of it
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().upsampler_widths)]
    #[serde(default = "upsampler_widths")]
    pub upsampler_widths: Vec<usize>,
    /// Residual blocks of the upsampler
    #[arg(long, default_value_t = Self::default().upsampler_blocks)]
    #[serde(default = "upsampler_blocks")]
    pub upsampler_blocks: usize,
    /// Train the upsampler alone; the rest stays as it is in --init-from
    #[arg(long)]
    #[serde(default)]
    pub upsampler_only: bool,
    /// Folder of an autoencoder whose latents the first channels are to be: a denoiser of it can be trained on with
    /// more channels
    #[arg(long)]
    #[serde(default)]
    pub like: Option<PathBuf>,
    /// Which channels of that autoencoder's; all if not given. Where its blocks have other numbers of frames, latents of
    /// stills are made alike
    #[arg(long, value_delimiter = ',', requires = "like")]
    #[serde(default)]
    pub like_channels: Vec<usize>,
    /// Folder of latents that `kinora train latents --denoised-by` made of these data: the decoder is shown them beside its own
    /// encoder's, so that it learns to draw what the denoiser leaves undone
    #[arg(long)]
    #[serde(default)]
    pub denoised: Option<PathBuf>,
    /// Share of batches that are of these
    #[arg(long, default_value_t = Self::default().denoised_share)]
    #[serde(default)]
    pub denoised_share: f64,
    /// Side of the crops to train on, in pixels
    #[arg(long, default_value_t = Self::default().crop)]
    pub crop: usize,
    /// Frames of the clips to train on, drawn evenly
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().clip_frames)]
    pub clip_frames: Vec<usize>,
    /// Share of batches that are stills, over the run
    #[arg(long, default_value_t = Self::default().still_share)]
    pub still_share: Ramp,
    /// Pixels of a batch: frames x height x width x samples
    #[arg(long, default_value_t = Self::default().batch_pixels)]
    pub batch_pixels: usize,
    /// Standard deviation of the noise that the decoder has to put up with in latents
    #[arg(long, default_value_t = Self::default().latent_noise)]
    pub latent_noise: f64,
    /// Held-out clips to evaluate on, at full size
    #[arg(long, default_value_t = Self::default().evaluate_clips)]
    pub evaluate_clips: usize,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    pub loss: LossWeights,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for VaeArgs {
    fn default() -> Self {
        Self {
            data: "kinora-data".into(),
            allow_partial: false,
            z_dim: 28,
            block_frames: 2,
            width: 160,
            num_res_blocks: 6,
            pixel_width: 32,
            upscale: 1,
            upsampler_widths: upsampler_widths(),
            upsampler_blocks: upsampler_blocks(),
            upsampler_only: false,
            like: None,
            like_channels: Vec::new(),
            denoised: None,
            denoised_share: 0.6,
            crop: 96,
            clip_frames: vec![9, 17],
            still_share: Ramp { start: 0.15, end: 0.15 },
            batch_pixels: 17 * 96 * 96 * 8,
            latent_noise: 0.03,
            evaluate_clips: 24,
            loss: LossWeights::default(),
            run: RunArgs::default(),
        }
    }
}

/// What runs without the flag had.
fn four_frames() -> usize {
    4
}

/// What runs without the flag had.
fn as_the_code() -> usize {
    1
}

fn upsampler_widths() -> Vec<usize> {
    AutoencoderKinoraConfig::default().upsampler_widths.into()
}

fn upsampler_blocks() -> usize {
    AutoencoderKinoraConfig::default().upsampler_blocks
}

impl VaeArgs {
    /// The model's configuration; the denoiser is to see latents as they are.
    pub fn config(&self) -> AutoencoderKinoraConfig {
        AutoencoderKinoraConfig {
            z_dim: self.z_dim,
            scale_factor_temporal: self.block_frames,
            width: self.width,
            num_res_blocks: self.num_res_blocks,
            pixel_width: self.pixel_width,
            upscale: self.upscale,
            upsampler_widths: [0, 1].map(|at| self.upsampler_widths.get(at).copied().unwrap_or(0)),
            upsampler_blocks: self.upsampler_blocks,
            latents_mean: vec![0.0; self.z_dim],
            latents_std: vec![1.0; self.z_dim],
        }
    }

    /// Checks what the configuration is made of.
    ///
    /// # Errors
    /// Another number of widths than two.
    pub(super) fn check_widths(&self) -> Result<()> {
        let widths = &self.upsampler_widths;
        setting::require("--upsampler-widths", "two numbers", format!("{widths:?}"), widths.len() == 2)
    }

    /// Checks what the model's own check does not see.
    ///
    /// # Errors
    /// Crops that the model cannot take, or an empty list.
    pub(super) fn check(&self, config: &AutoencoderKinoraConfig) -> Result<()> {
        let refuse =
            |flag, expected: String, found: String| Err(TrainError::Setting { flag, expected, found });
        self.loss.check()?;
        setting::count("--evaluate-clips", self.evaluate_clips as u64)?;
        setting::not_negative("--latent-noise", self.latent_noise)?;
        setting::share("--denoised-share", self.denoised_share)?;
        let begins = self.run.has_weights();
        for (flag, given) in
            [("--upsampler-only", self.upsampler_only), ("--denoised", self.denoised.is_some())]
        {
            let expected = "an autoencoder whose code it is about: --init-from";
            setting::require(flag, expected, "given without --init-from", begins || !given)?;
        }
        let learns = !self.upsampler_only || self.upscale > 1;
        setting::require("--upsampler-only", "an --upscale of more than 1", self.upscale, learns)?;
        if self.clip_frames.is_empty() {
            return refuse("--clip-frames", "at least one number".into(), "empty".into());
        }
        for &frames in self.clip_frames.iter().chain(&[1]) {
            if let Err(error) = config.latent_size([frames, self.crop, self.crop]) {
                return refuse(
                    "--clip-frames or --crop",
                    error.to_string(),
                    format!("{frames}, {}", self.crop),
                );
            }
        }
        match self.crop.checked_mul(self.crop) {
            Some(smallest) if smallest <= self.batch_pixels => Ok(()),
            _ => {
                let expected = format!("at least one crop, {0} x {0}", self.crop);
                refuse("--batch-pixels", expected, self.batch_pixels.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trained_is_named() {
        let check = |args: VaeArgs| {
            args.check_widths().and_then(|()| args.check(&args.config())).map_err(|error| error.to_string())
        };
        let next = RunArgs { init_from: vec!["run".into()], ..RunArgs::default() };
        check(VaeArgs::default()).unwrap();
        let loss = LossWeights::default();
        for (args, flag) in [
            (VaeArgs { evaluate_clips: 0, ..VaeArgs::default() }, "--evaluate-clips is 0"),
            (VaeArgs { batch_pixels: 96 * 96 - 1, ..VaeArgs::default() }, "--batch-pixels is 9215"),
            (VaeArgs { latent_noise: -1.0, ..VaeArgs::default() }, "--latent-noise is -1"),
            (VaeArgs { crop: 60, ..VaeArgs::default() }, "--crop"),
            (VaeArgs { upscale: 2, crop: 72, ..VaeArgs::default() }, "--crop"),
            (VaeArgs { upsampler_only: true, run: next, ..VaeArgs::default() }, "--upsampler-only is 1"),
            (
                VaeArgs { upsampler_only: true, upscale: 2, crop: 64, ..VaeArgs::default() },
                "without --init-from",
            ),
            (VaeArgs { denoised: Some("latents".into()), ..VaeArgs::default() }, "without --init-from"),
            (VaeArgs { upsampler_widths: vec![8], ..VaeArgs::default() }, "--upsampler-widths is [8]"),
            (VaeArgs { denoised_share: 1.5, ..VaeArgs::default() }, "--denoised-share is 1.5"),
            (VaeArgs { crop: 1 << 32, ..VaeArgs::default() }, "--batch-pixels"),
            (
                VaeArgs { loss: LossWeights { l1_weight: f64::NAN, ..loss }, ..VaeArgs::default() },
                "--l1-weight is NaN",
            ),
            (
                VaeArgs {
                    loss: LossWeights { l1_weight: 0.0, mse_weight: 0.0, gradient_weight: 0.0, ..loss },
                    ..VaeArgs::default()
                },
                "one above 0",
            ),
        ] {
            let message = check(args).unwrap_err();
            assert!(message.contains(flag), "{message}");
        }
    }
}
