//! `config.json` of the autoencoder.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ModelConfig, Result,
    config::{diffusers_class, diffusers_header, require, require_finite, require_positive, require_size},
    latents,
};

const CLASS: &str = "AutoencoderKLWan";

/// Configuration of `AutoencoderKLWan`; the default is that of Wan 2.1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoencoderKlWanConfig {
    /// Channels of the encoder before `dim_mult`.
    pub base_dim: usize,
    /// Channels of the decoder before `dim_mult`; those of the encoder if absent.
    pub decoder_base_dim: Option<usize>,
    /// Channels of the latents.
    pub z_dim: usize,
    /// Factor of the channels at each scale; the resolution halves between two scales.
    pub dim_mult: Vec<usize>,
    /// Residual blocks at each scale of the encoder; the decoder has one more.
    pub num_res_blocks: usize,
    /// Scales with attention; must be empty.
    pub attn_scales: Vec<f64>,
    /// Whether time halves too, between each two scales of the encoder.
    pub temperal_downsample: Vec<bool>,
    /// Drop-out of the residual blocks when diffusers trains them; not applied here.
    pub dropout: f64,
    /// Mean of each latent channel.
    pub latents_mean: Vec<f64>,
    /// Standard deviation of each latent channel.
    pub latents_std: Vec<f64>,
    /// The layout of Wan 2.2, with shortcuts around every scale.
    pub is_residual: bool,
    /// Channels of the encoder's input, pixel patches included.
    pub in_channels: usize,
    /// Channels of the decoder's output, pixel patches included.
    pub out_channels: usize,
    /// Side of the square of pixels that becomes channels; 1 if absent.
    pub patch_size: Option<usize>,
    /// Video frames for each latent frame after the first.
    pub scale_factor_temporal: usize,
    /// Pixels for each latent pixel, on a side.
    pub scale_factor_spatial: usize,
}

impl Default for AutoencoderKlWanConfig {
    fn default() -> Self {
        Self {
            base_dim: 96,
            decoder_base_dim: None,
            z_dim: 16,
            dim_mult: vec![1, 2, 4, 4],
            num_res_blocks: 2,
            attn_scales: Vec::new(),
            temperal_downsample: vec![false, true, true],
            dropout: 0.0,
            latents_mean: vec![
                -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
                -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
            ],
            latents_std: vec![
                2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652,
                1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
            ],
            is_residual: false,
            in_channels: 3,
            out_channels: 3,
            patch_size: None,
            scale_factor_temporal: 4,
            scale_factor_spatial: 8,
        }
    }
}

impl AutoencoderKlWanConfig {
    /// About how many parameters a model of these sizes has, without building it: the 3x3x3 convolutions whose inputs
    /// and outputs are of one scale, four of them in the middle, and what joins encoder and decoder to the latents.
    pub fn large_parameters(&self) -> f64 {
        let [encoder, decoder] = self.halves();
        5.0 * (self.z_dim as f64).powi(2) + encoder + decoder
    }

    /// About which share of the parameters is the decoder's.
    pub fn decoder_share(&self) -> f64 {
        let [encoder, decoder] = self.halves();
        decoder / (encoder + decoder)
    }

    /// The parameters of encoder and decoder, as [`large_parameters`](Self::large_parameters) counts them.
    fn halves(&self) -> [f64; 2] {
        let blocks = self.num_res_blocks as f64;
        let of_half = |base: usize, convolutions: f64| {
            let convolution = |&mult: &usize| 27.0 * (base as f64 * mult as f64).powi(2);
            let scales = self.dim_mult.iter().map(convolution).sum::<f64>();
            convolutions * scales + 4.0 * self.dim_mult.last().map_or(0.0, convolution)
        };
        let decoder = of_half(self.decoder_base_dim.unwrap_or(self.base_dim), 2.0 * blocks + 1.0);
        [of_half(self.base_dim, 2.0 * blocks - 1.0), decoder]
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
    /// Fails unless frames are `1 + temporal * k` and the sides multiples of the spatial factor.
    pub fn latent_size(&self, video: [usize; 3]) -> Result<[usize; 3]> {
        latents::latent_size(CLASS, self.scale(), video)
    }

    /// Video `[frames, height, width]` of latents of `[frames, height, width]`.
    pub fn video_size(&self, latents: [usize; 3]) -> [usize; 3] {
        latents::video_size(self.scale(), latents)
    }

    /// Frames and pixels of a side for each latent.
    fn scale(&self) -> [usize; 2] {
        [self.scale_factor_temporal, self.scale_factor_spatial]
    }

    pub(super) fn pixel_patch(&self) -> usize {
        self.patch_size.unwrap_or(1)
    }

    /// Channels of the encoder: of its input layer, then of every scale.
    pub(super) fn encoder_dims(&self) -> Vec<usize> {
        [1].iter().chain(&self.dim_mult).map(|mult| self.base_dim * mult).collect()
    }

    /// Channels of the decoder: of its input layer, then of every scale.
    pub(super) fn decoder_dims(&self) -> Vec<usize> {
        let base = self.decoder_base_dim.unwrap_or(self.base_dim);
        self.dim_mult.last().into_iter().chain(self.dim_mult.iter().rev()).map(|mult| base * mult).collect()
    }
}

impl ModelConfig for AutoencoderKlWanConfig {
    const CLASS: &'static str = CLASS;

    fn header(&self) -> Vec<(&'static str, Value)> {
        diffusers_header(CLASS)
    }

    fn class_in(json: &Map<String, Value>) -> Option<String> {
        diffusers_class(json)
    }

    fn check(&self) -> Result<()> {
        let positive: [(&'static str, usize); 7] = [
            ("base_dim", self.base_dim),
            ("decoder_base_dim", self.decoder_base_dim.unwrap_or(1)),
            ("z_dim", self.z_dim),
            ("num_res_blocks", self.num_res_blocks),
            ("patch_size", self.pixel_patch()),
            ("dim_mult", self.dim_mult.iter().copied().min().unwrap_or(0)),
            ("dim_mult", self.dim_mult.iter().copied().max().unwrap_or(0)),
        ];
        for (field, value) in positive {
            require_size(CLASS, field, value)?;
        }
        let none = "[]: attention inside the scales is not served";
        require(CLASS, "attn_scales", &self.attn_scales, none, self.attn_scales.is_empty())?;

        let scales = "at most 8 scales";
        require(CLASS, "dim_mult", &self.dim_mult, scales, self.dim_mult.len() <= 8)?;
        let halvings = self.dim_mult.len() - 1;
        let times = &self.temperal_downsample;
        let one_each = format!("{halvings} values, one for each step between two scales of `dim_mult`");
        require(CLASS, "temperal_downsample", times, one_each, times.len() == halvings)?;
        let time = 1 << times.iter().filter(|&&halves| halves).count();
        let at_most = "at most two true values: clips are cut into groups of 4 frames";
        require(CLASS, "temperal_downsample", times, at_most, time <= 4)?;
        let found = self.scale_factor_temporal;
        require(
            CLASS,
            "scale_factor_temporal",
            found,
            format!("{time} by `temperal_downsample`"),
            found == time,
        )?;
        let (found, space) = (self.scale_factor_spatial, self.pixel_patch() << halvings);
        let by = format!("{space} by `dim_mult` and `patch_size`");
        require(CLASS, "scale_factor_spatial", found, by, found == space)?;

        let pixels = 3 * self.pixel_patch().pow(2);
        let rgb = format!("{pixels}: red, green and blue of every pixel of a patch");
        require(CLASS, "in_channels", self.in_channels, rgb.clone(), self.in_channels == pixels)?;
        require(CLASS, "out_channels", self.out_channels, rgb, self.out_channels == pixels)?;
        for (field, values) in [("latents_mean", &self.latents_mean), ("latents_std", &self.latents_std)] {
            let many = format!("{} values, one for each latent channel", self.z_dim);
            require(CLASS, field, values, many, values.len() == self.z_dim)?;
        }
        self.latents_mean.iter().try_for_each(|&mean| require_finite(CLASS, "latents_mean", mean))?;
        self.latents_std.iter().try_for_each(|&std| require_positive(CLASS, "latents_std", std))?;
        require_finite(CLASS, "dropout", self.dropout)?;
        self.check_layout()
    }
}

impl AutoencoderKlWanConfig {
    /// What each layout asks of the channels.
    fn check_layout(&self) -> Result<()> {
        if !self.is_residual {
            let dims = self.decoder_dims();
            let even = dims[1..dims.len() - 1].iter().all(|dim| dim.is_multiple_of(2));
            return require(CLASS, "decoder_base_dim", dims, "even channels, which upsampling halves", even);
        }
        let (down, up) = (self.encoder_dims(), self.decoder_dims());
        let halvings = self.dim_mult.len() - 1;
        for scale in 0..self.dim_mult.len() {
            let time = |at: usize| if self.temperal_downsample[at] { 2 } else { 1 };
            let factor = if scale < halvings { 4 * time(scale) } else { 1 };
            let even = (down[scale] * factor).is_multiple_of(down[scale + 1]);
            require(
                CLASS,
                "dim_mult",
                &self.dim_mult,
                "factors that a shortcut can average into each other",
                even,
            )?;
            if scale < halvings {
                let factor = 4 * time(halvings - 1 - scale);
                let even = (up[scale + 1] * factor).is_multiple_of(up[scale]);
                require(
                    CLASS,
                    "dim_mult",
                    &self.dim_mult,
                    "factors that a shortcut can repeat into each other",
                    even,
                )?;
            }
        }
        Ok(())
    }
}
