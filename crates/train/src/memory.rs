//! Whether a training fits into the memory that there is: told before the first step.
//!
//! The figures were measured as the largest resident size of whole runs of two steps, with sizes and batches varied one
//! at a time: bytes for each parameter, and for each number of a layer that waits for its backward pass.

use models::{kinora::AutoencoderKinoraConfig, umt5::Umt5Config, wan::WanTransformer3dConfig};

use crate::error::{Result, TrainError};

/// Of each parameter: weights twice, their gradients twice, two moments, the averages, and a copy at checkpoints.
const PARAMETER: f64 = 32.0;

/// The program itself, and what belongs to no batch.
const PROGRAM: f64 = 100e6;

/// What the measured sizes are multiplied with, to be on the safe side.
const MARGIN: f64 = 1.1;

/// About how many bytes a training needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// How many numbers are trained.
    pub parameters: f64,
    /// What a batch keeps for its backward pass.
    pub batch: f64,
    /// Data that is in memory all the while.
    pub data: f64,
}

impl Needs {
    fn bytes(&self) -> f64 {
        MARGIN * (PROGRAM + PARAMETER * self.parameters + self.batch + self.data)
    }

    /// Fails if that is more than there is; `flags` are those that would lower it.
    ///
    /// # Errors
    /// [`TrainError::Memory`].
    pub fn check(&self, flags: &'static str) -> Result<()> {
        match kernels::memory::limit() {
            Some(limit) if self.bytes() > limit.bytes as f64 => Err(TrainError::Memory {
                needed: gib(self.bytes()),
                limit: limit.source.to_string(),
                available: gib(limit.bytes as f64),
                flags,
            }),
            _ => Ok(()),
        }
    }
}

/// Freed memory stays for the next allocation: every step of a training allocates and frees the same large blocks. To be
/// said again when the engine, which has a rule of its own, has made clips in between.
pub fn keep_freed() {
    kernels::memory::set_freed(kernels::memory::Freed::Kept);
}

/// In words.
pub fn gib(bytes: f64) -> String {
    format!("{:.1} GiB", bytes / f64::from(1 << 30))
}

/// What a batch of `pixels` keeps in the decoder of an autoencoder.
pub fn autoencoder_batch(config: &AutoencoderKinoraConfig, pixels: usize) -> f64 {
    /// Of each pixel in three colours, of each channel where pixels are seen, and of each channel of a block at each latent.
    const PIXEL: f64 = 220.0;
    const PIXEL_CHANNEL: f64 = 4.4;
    const BLOCK_CHANNEL: f64 = 15.0;
    /// Of each channel of the upsampler, where it is as large as the code's pictures.
    const UPSAMPLER_CHANNEL: f64 = 24.0;
    let latents = pixels as f64 / config.scale_factors().iter().product::<usize>() as f64;
    let small = pixels as f64 / (config.upscale as f64).powi(2);
    let of_upsampler = match config.upscale {
        1 => 0.0,
        _ => UPSAMPLER_CHANNEL * config.upsampler_widths[0] as f64 / config.scale_factor_temporal as f64,
    };
    let of_blocks = BLOCK_CHANNEL * (config.width * (config.num_res_blocks + 1)) as f64;
    pixels as f64 * PIXEL
        + small * (PIXEL_CHANNEL * config.pixel_width as f64 + of_upsampler)
        + latents * of_blocks
}

/// What a sample of so many tokens, with a prompt of so many, keeps in a transformer.
pub fn transformer_sample(config: &WanTransformer3dConfig, tokens: f64, prompt: usize) -> f64 {
    /// In each layer, of each feature of a token and of each hidden one.
    const FEATURE: f64 = 83.0;
    const HIDDEN: f64 = 6.0;
    /// In each layer, of each feature of a token of the prompt, its text encoder included.
    const PROMPT: f64 = 95.0;
    let (dim, hidden, layers) = (config.dim() as f64, config.ffn_dim as f64, config.num_layers as f64);
    let prompt = prompt.min(LONGEST_CAPTION) as f64;
    layers * (tokens * (FEATURE * dim + HIDDEN * hidden) + prompt * PROMPT * dim)
}

/// What a caption of at most so many tokens keeps in a text encoder.
pub fn caption(config: &Umt5Config, tokens: usize) -> f64 {
    /// In each layer, of each feature of a token.
    const FEATURE: f64 = 108.0;
    FEATURE * (config.num_layers * config.d_model) as f64 * tokens.min(LONGEST_CAPTION) as f64
}

/// Batches are as long as their longest caption, and none of the world's has more tokens.
const LONGEST_CAPTION: usize = 96;

/// What an item of a data set takes in memory, with its captions.
pub const ITEM: f64 = 2e3;

/// What a scene takes whose captions are drawn as they are needed.
pub const SCENE: f64 = 6e3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{denoiser::DenoiserArgs, text::TextSize, vae::VaeArgs};

    /// The largest resident sizes, in megabytes, of runs with 17-frame clips of 128x128 and the default sizes but for
    /// what is said.
    #[test]
    fn predictions_are_near_what_was_measured_and_not_below_it() {
        let near = |measured: f64, needs: Needs| {
            let predicted = needs.bytes() / 1e6;
            let share = predicted / measured;
            assert!((1.0..1.4).contains(&share), "{predicted:.0} MB of {measured} MB");
        };
        let vae = |parameters, args: VaeArgs| {
            let batch = autoencoder_batch(&args.config(), args.batch_pixels);
            Needs { parameters, batch, data: 0.0 }
        };
        // Measured with blocks of 4 frames.
        let args = VaeArgs { z_dim: 48, block_frames: 4, ..VaeArgs::default() };
        near(685.0, vae(3.18e6, args.clone()));
        near(1213.0, vae(3.18e6, VaeArgs { batch_pixels: 2 * args.batch_pixels, ..args.clone() }));
        near(1041.0, vae(11.81e6, VaeArgs { width: 320, ..args.clone() }));
        near(1207.0, vae(3.2e6, VaeArgs { pixel_width: 128, ..args }));

        let denoiser = |parameters, args: DenoiserArgs, samples: f64, tokens: f64| {
            let batch = samples * transformer_sample(&args.transformer(12, 4), tokens, 48);
            Needs { parameters, batch, data: 0.0 }
        };
        let args = DenoiserArgs::default();
        near(1054.0, denoiser(10.49e6, args.clone(), 8.0, 320.0));
        near(2968.0, denoiser(10.49e6, args.clone(), 32.0, 320.0));
        near(1864.0, denoiser(18.93e6, DenoiserArgs { num_layers: 16, ..args.clone() }, 8.0, 320.0));
        near(1310.0, denoiser(14.70e6, DenoiserArgs { ffn_dim: 2048, ..args.clone() }, 8.0, 320.0));
        near(4011.0, denoiser(10.49e6, args, 160.0, 64.0));

        let text = |parameters, size: TextSize, captions: f64| {
            let batch = captions * caption(&size.config(1000), 48);
            Needs { parameters, batch, data: 500.0 * SCENE }
        };
        near(416.0, text(1.39e6, TextSize::default(), 128.0));
        near(1440.0, text(1.39e6, TextSize::default(), 512.0));
        near(837.0, text(5.39e6, TextSize { text_dim: 512, ..TextSize::default() }, 128.0));
    }
}
