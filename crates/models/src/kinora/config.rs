//! `config.json` of the autoencoder.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::upsampler;
use crate::{
    ModelConfig, Result,
    config::{diffusers_class, require, require_finite, require_positive, require_size},
    latents,
};

const CLASS: &str = "AutoencoderKinora";
/// Pixels on a side of a block, as the code sees it.
const SIDE: usize = 8;
/// How many times as large the decoder may draw.
const UPSCALES: [usize; 3] = [1, 2, 4];
/// Frames that a block may have at most.
const MOST_FRAMES: usize = 16;
/// Squares of so many pixels a side become channels where the decoder sees pixels.
pub(super) const PIXEL_PATCH: usize = 2;

/// Sizes of [`AutoencoderKinora`](super::AutoencoderKinora); the default is that of kinora-tiny.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoencoderKinoraConfig {
    /// Channels of the latents.
    pub z_dim: usize,
    /// Frames of a block.
    pub scale_factor_temporal: usize,
    /// Channels of the decoder where it sees latents.
    pub width: usize,
    /// Residual blocks of the decoder.
    pub num_res_blocks: usize,
    /// Channels of the decoder where it sees pixels.
    pub pixel_width: usize,
    /// How many times as wide and as high as the code's pictures the video is. If that is more than once, the code sees the video
    /// made so many times smaller, and an upsampler draws what is decoded larger.
    pub upscale: usize,
    /// Channels of the upsampler at the size of the code's pictures, and at half of it.
    pub upsampler_widths: [usize; 2],
    /// Residual blocks of the upsampler, at half of the size of the code's pictures.
    pub upsampler_blocks: usize,
    /// Mean of each latent channel.
    pub latents_mean: Vec<f64>,
    /// Standard deviation of each latent channel.
    pub latents_std: Vec<f64>,
}

impl Default for AutoencoderKinoraConfig {
    fn default() -> Self {
        Self {
            z_dim: 28,
            scale_factor_temporal: 2,
            width: 160,
            num_res_blocks: 6,
            pixel_width: 32,
            upscale: 1,
            upsampler_widths: [32, 64],
            upsampler_blocks: 3,
            latents_mean: vec![0.0; 28],
            latents_std: vec![1.0; 28],
        }
    }
}

impl AutoencoderKinoraConfig {
    /// Frames, rows and columns of pixels that make one latent.
    pub fn scale_factors(&self) -> [usize; 3] {
        [self.scale_factor_temporal, self.side(), self.side()]
    }

    /// The same for videos as small as the code sees them.
    pub fn without_upsampler(&self) -> Self {
        Self { upscale: 1, ..self.clone() }
    }

    /// Rows and columns of a block of the video.
    fn side(&self) -> usize {
        SIDE * self.upscale
    }

    /// Frames, rows and columns of a block as the code sees it.
    pub fn code_block(&self) -> [usize; 3] {
        [self.scale_factor_temporal, SIDE, SIDE]
    }

    /// A clip `[batch, colours, frames, height, width]` as the code sees it: each pixel the mean of a square of them.
    pub fn as_coded(&self, video: Tensor<5>) -> Tensor<5> {
        let upscale = self.upscale;
        if upscale == 1 {
            return video;
        }
        let [batch, colours, frames, height, width] = video.dims();
        let [h, w] = [height / upscale, width / upscale];
        let squares: Tensor<4> = video.reshape([batch * colours * frames * h, upscale, w, upscale]);
        squares.mean_dims(&[1, 3]).reshape([batch, colours, frames, h, w])
    }

    /// Numbers of a block of pixels in three colours, as the code sees it.
    pub fn block_values(&self) -> usize {
        3 * self.code_block().into_iter().product::<usize>()
    }

    /// About how many parameters a model of these sizes has.
    pub fn large_parameters(&self) -> f64 {
        let [code, decoder] = self.halves();
        code + decoder
    }

    /// About which share of the parameters is the decoder's.
    pub fn decoder_share(&self) -> f64 {
        let [code, decoder] = self.halves();
        decoder / (code + decoder)
    }

    fn halves(&self) -> [f64; 2] {
        let [z, width, blocks, pixels] =
            [self.z_dim, self.width, self.num_res_blocks, self.pixel_width].map(|size| size as f64);
        let values = self.block_values() as f64;
        let of_latents = 27.0 * z * width + 18.0 * blocks * width * width + width * values;
        let of_pixels = 18.0 * (3 * PIXEL_PATCH * PIXEL_PATCH) as f64 * pixels;
        let of_upsampler = if self.upscale > 1 { upsampler::large_parameters(self) } else { 0.0 };
        [z * values, z * values + of_latents + of_pixels + of_upsampler]
    }

    /// Latents as the denoiser sees them: `(latents - latents_mean) / latents_std` by channel.
    pub fn normalize(&self, latents: Tensor<5>) -> Tensor<5> {
        latents::normalize(latents, self.statistics())
    }

    /// Latents as the decoder sees them: the inverse of [`normalize`](Self::normalize).
    pub fn denormalize(&self, latents: Tensor<5>) -> Tensor<5> {
        latents::denormalize(latents, self.statistics())
    }

    /// Mean and standard deviation of each latent channel.
    pub fn statistics(&self) -> [&[f64]; 2] {
        [&self.latents_mean, &self.latents_std]
    }

    /// Latent `[frames, height, width]` of a clip of `[frames, height, width]`.
    ///
    /// # Errors
    /// Frames that are not one and whole blocks, or sides that are no multiples of the side of a block.
    pub fn latent_size(&self, video: [usize; 3]) -> Result<[usize; 3]> {
        latents::latent_size(CLASS, [self.scale_factor_temporal, self.side()], video)
    }

    /// Video `[frames, height, width]` of latents of `[frames, height, width]`.
    pub fn video_size(&self, latents: [usize; 3]) -> [usize; 3] {
        latents::video_size([self.scale_factor_temporal, self.side()], latents)
    }
}

impl ModelConfig for AutoencoderKinoraConfig {
    const CLASS: &'static str = CLASS;

    fn header(&self) -> Vec<(&'static str, Value)> {
        vec![("_class_name", CLASS.into())]
    }

    fn class_in(json: &Map<String, Value>) -> Option<String> {
        diffusers_class(json)
    }

    fn check(&self) -> Result<()> {
        let Self { z_dim, width, num_res_blocks, pixel_width, upsampler_widths, upsampler_blocks, .. } =
            *self;
        let sizes = [
            ("upsampler_widths", upsampler_widths[0]),
            ("upsampler_widths", upsampler_widths[1]),
            ("upsampler_blocks", upsampler_blocks),
            ("z_dim", z_dim),
            ("width", width),
            ("num_res_blocks", num_res_blocks),
            ("pixel_width", pixel_width),
        ];
        for (field, size) in sizes {
            require_size(CLASS, field, size)?;
        }
        let time = self.scale_factor_temporal;
        let fits = (1..=MOST_FRAMES).contains(&time);
        require(CLASS, "scale_factor_temporal", time, format!("1 to {MOST_FRAMES}"), fits)?;
        require(CLASS, "upscale", self.upscale, "1, 2 or 4", UPSCALES.contains(&self.upscale))?;
        let most = self.block_values();
        require(CLASS, "z_dim", z_dim, format!("at most {most}, the values of a block"), z_dim <= most)?;
        for (field, values) in [("latents_mean", &self.latents_mean), ("latents_std", &self.latents_std)] {
            require(
                CLASS,
                field,
                values.len(),
                format!("{z_dim} numbers, one for each channel"),
                values.len() == z_dim,
            )?;
        }
        self.latents_mean.iter().try_for_each(|&mean| require_finite(CLASS, "latents_mean", mean))?;
        self.latents_std.iter().try_for_each(|&std| require_positive(CLASS, "latents_std", std))
    }
}
