//! The flags of `kinora train vae`; their defaults are of kinora-tiny's size.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use models::wan::AutoencoderKlWanConfig;
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
    /// Channels of the encoder at full resolution
    #[arg(long, default_value_t = Self::default().base_dim)]
    pub base_dim: usize,
    /// Channels of the decoder at full resolution
    #[arg(long, default_value_t = Self::default().decoder_base_dim)]
    pub decoder_base_dim: usize,
    /// Channels of the latents
    #[arg(long, default_value_t = Self::default().z_dim)]
    pub z_dim: usize,
    /// Factors of the channels at each scale; resolution halves between two scales
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().dim_mult)]
    pub dim_mult: Vec<usize>,
    /// Residual blocks at each scale
    #[arg(long, default_value_t = Self::default().num_res_blocks)]
    pub num_res_blocks: usize,
    /// Whether scales have shortcuts, as in Wan 2.2
    #[arg(long, action = ArgAction::Set, default_value_t = Self::default().is_residual)]
    pub is_residual: bool,
    /// Side of the square of pixels that becomes channels
    #[arg(long, default_value_t = Self::default().patch_size)]
    pub patch_size: usize,
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
    /// Train the decoder alone (of the weights that --init-from gives): latents stay valid
    #[arg(long)]
    #[serde(default)]
    pub freeze_encoder: bool,
    /// Train the encoder alone, to give the principal components of blocks of the pictures: an encoder that
    /// fills all channels, for a decoder to be trained with --freeze-encoder
    #[arg(long, conflicts_with = "freeze_encoder")]
    #[serde(default)]
    pub freeze_decoder: bool,
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
            base_dim: 24,
            decoder_base_dim: 48,
            z_dim: 12,
            // With shortcuts the last two scales must be equal: the last has no resampling to even it out.
            dim_mult: vec![1, 2, 2],
            num_res_blocks: 1,
            is_residual: true,
            patch_size: 2,
            crop: 64,
            clip_frames: vec![5, 9, 17],
            still_share: Ramp { start: 0.9, end: 0.1 },
            batch_pixels: 17 * 64 * 64 * 2,
            freeze_encoder: false,
            freeze_decoder: false,
            evaluate_clips: 4,
            loss: LossWeights::default(),
            run: RunArgs::default(),
        }
    }
}

impl VaeArgs {
    /// The model's configuration; its latents are not measured yet, so they count as normal.
    pub fn config(&self) -> AutoencoderKlWanConfig {
        let halvings = self.dim_mult.len().saturating_sub(1);
        // Time halves twice, and last: the first scales see every frame.
        let temperal_downsample = (0..halvings).map(|scale| scale + 2 >= halvings).collect::<Vec<_>>();
        AutoencoderKlWanConfig {
            base_dim: self.base_dim,
            decoder_base_dim: Some(self.decoder_base_dim),
            z_dim: self.z_dim,
            dim_mult: self.dim_mult.clone(),
            num_res_blocks: self.num_res_blocks,
            scale_factor_temporal: 1 << temperal_downsample.iter().filter(|&&halves| halves).count(),
            scale_factor_spatial: self.patch_size << halvings,
            temperal_downsample,
            latents_mean: vec![0.0; self.z_dim],
            latents_std: vec![1.0; self.z_dim],
            is_residual: self.is_residual,
            in_channels: 3 * self.patch_size.pow(2),
            out_channels: 3 * self.patch_size.pow(2),
            patch_size: (self.patch_size > 1).then_some(self.patch_size),
            ..AutoencoderKlWanConfig::default()
        }
    }

    /// Checks what the model's own check does not see.
    ///
    /// # Errors
    /// Crops that the model cannot take, or an empty list.
    pub(super) fn check(&self, config: &AutoencoderKlWanConfig) -> Result<()> {
        let refuse =
            |flag, expected: String, found: String| Err(TrainError::Setting { flag, expected, found });
        self.loss.check()?;
        setting::count("--evaluate-clips", self.evaluate_clips as u64)?;
        if self.freeze_encoder && self.run.init_from.is_empty() && !self.run.resume {
            return refuse("--freeze-encoder", "a trained encoder: --init-from RUN".into(), "none".into());
        }
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
        let check = |args: VaeArgs| args.check(&args.config()).map_err(|error| error.to_string());
        check(VaeArgs::default()).unwrap();
        let loss = LossWeights::default();
        for (args, flag) in [
            (VaeArgs { evaluate_clips: 0, ..VaeArgs::default() }, "--evaluate-clips is 0"),
            (VaeArgs { batch_pixels: 64 * 64 - 1, ..VaeArgs::default() }, "--batch-pixels is 4095"),
            (VaeArgs { freeze_encoder: true, ..VaeArgs::default() }, "--freeze-encoder is none"),
            (VaeArgs { crop: 1 << 32, ..VaeArgs::default() }, "--batch-pixels"),
            (
                VaeArgs { loss: LossWeights { kl_weight: f64::NAN, ..loss }, ..VaeArgs::default() },
                "--kl-weight is NaN",
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
