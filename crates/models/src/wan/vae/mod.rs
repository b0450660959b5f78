//! The video autoencoder (`AutoencoderKLWan`): causal in time, 4 frames to one latent frame.
//!
//! ```text
//! video ─ pixel patches ─► encoder ─ 1×1 conv ─► mean, logvar
//! latents ─ 1×1 conv ─► decoder ─ pixel patches ─► video
//! ```
//!
//! diffusers runs the first frame alone and then 4 frames at a time, with a cache in front of every
//! convolution. That equals one causal pass over the whole clip. Both are the same code here: layers
//! take the frames to come and their [`Past`], which for a clip in one piece (training) is empty,
//! and for a [`DecoderStream`] or an [`EncoderStream`] is what they have seen before. diffusers'
//! first chunk shows in three places: time is resampled from the second frame on (the first stands
//! for itself), a temporal upsampling does not see the first frame, and shortcuts treat the first
//! frame as the last of a group.

mod blocks;
mod config;
mod decoder;
mod encoder;
mod past;
mod resample;
mod shortcut;
mod stream;
#[cfg(test)]
mod tests;
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::CausalConv3d;

pub use config::AutoencoderKlWanConfig;
pub use stream::{DecoderStream, EncoderStream};

use self::{decoder::WanDecoder3d, encoder::WanEncoder3d, past::Past};
use crate::{
    ModelConfig, Result,
    init::{self, Start},
    weights::{Checkpoint, Naming},
};

/// `AutoencoderKLWan`, in the layout of Wan 2.1 or of Wan 2.2 (`is_residual`).
#[derive(Module, Debug)]
pub struct AutoencoderKlWan {
    encoder: Option<WanEncoder3d>,
    quant_conv: CausalConv3d,
    post_quant_conv: CausalConv3d,
    decoder: WanDecoder3d,
    #[module(skip)]
    config: AutoencoderKlWanConfig,
}

nn::pack_parts!(AutoencoderKlWan { encoder, quant_conv, post_quant_conv, decoder });

/// The latents of a clip as a diagonal Gaussian.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// `[batch, z_dim, frames, height, width]`
    pub mean: Tensor<5>,
    /// The logarithm of the variance, within -30 and 20.
    pub logvar: Tensor<5>,
}

impl Posterior {
    /// `mean + std * noise`, where `noise` is standard normal and of the shape of `mean`.
    pub fn sample(&self, noise: Tensor<5>) -> Tensor<5> {
        self.mean.clone() + self.logvar.clone().mul_scalar(0.5).exp() * noise
    }
}

impl AutoencoderKlWan {
    /// A model of zeros; [`init_weights`](Self::init_weights) or a checkpoint fills it.
    pub fn new(config: &AutoencoderKlWanConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let z = config.z_dim;
        let pointwise = |channels| CausalConv3d::new([channels; 2], [1; 3], [1; 3], [0; 3], device);
        Ok(Self {
            encoder: Some(WanEncoder3d::new(config, device)),
            quant_conv: pointwise(2 * z),
            post_quant_conv: pointwise(z),
            decoder: WanDecoder3d::new(config, device),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &AutoencoderKlWanConfig {
        &self.config
    }

    /// The same without the encoder, whose memory is freed: for what only decodes.
    pub fn without_encoder(self) -> Self {
        Self { encoder: None, ..self }
    }

    /// Latents of a clip; of a still, if it has one frame.
    ///
    /// `video` is `[batch, 3, frames, height, width]` within -1 and 1, of a size that
    /// [`latent_size`](AutoencoderKlWanConfig::latent_size) accepts.
    ///
    /// # Panics
    /// After [`without_encoder`](Self::without_encoder).
    pub fn encode(&self, video: Tensor<5>) -> Posterior {
        self.encode_after(video, &mut Past::of_whole_clip())
    }

    fn encode_after(&self, video: Tensor<5>, past: &mut Past) -> Posterior {
        let encoder = self.encoder.as_ref().expect("an autoencoder that encodes has its encoder");
        let x = encoder.forward(shortcut::patchify(video, self.config.pixel_patch()), past);
        let moments = self.quant_conv.forward(x); // [batch, 2 * z_dim, frames, height, width]
        let z = self.config.z_dim;
        Posterior {
            mean: moments.clone().narrow(1, 0, z),
            logvar: moments.narrow(1, z, z).clamp(-30.0, 20.0),
        }
    }

    /// The clip of latents `[batch, z_dim, frames, height, width]`, not normalised: `[batch, 3,
    /// 1 + 4 (frames - 1), ..]` about -1 to 1. Not clamped, for training; see
    /// [`decode_clamped`](Self::decode_clamped).
    pub fn decode(&self, latents: Tensor<5>) -> Tensor<5> {
        self.decode_after(latents, &mut Past::of_whole_clip())
    }

    fn decode_after(&self, latents: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let x = self.decoder.forward(self.post_quant_conv.forward(latents), past);
        shortcut::unpatchify(x, self.config.pixel_patch())
    }

    /// [`decode`](Self::decode), within -1 and 1.
    pub fn decode_clamped(&self, latents: Tensor<5>) -> Tensor<5> {
        self.decode(latents).clamp(-1.0, 1.0)
    }

    /// Latents as the denoiser sees them: `(latents - latents_mean) / latents_std` by channel.
    pub fn normalize(&self, latents: Tensor<5>) -> Tensor<5> {
        self.config.normalize(latents)
    }

    /// Latents as the decoder sees them: the inverse of [`normalize`](Self::normalize).
    pub fn denormalize(&self, latents: Tensor<5>) -> Tensor<5> {
        self.config.denormalize(latents)
    }

    /// First weights as published for Wan: PyTorch's defaults for convolutions, and attentions that
    /// add no more than a constant.
    pub fn init_weights(self, seed: u64) -> Self {
        let fan_in = init::fan_ins(&self);
        init::fill(self, seed, |key, _| match key.rsplit_once('.') {
            Some((_, "gamma")) => Start::Constant(1.0),
            Some((layer, "weight")) if layer.ends_with(".proj") => Start::Constant(0.0),
            Some((layer, _)) => Start::torch_default(fan_in[layer]),
            None => Start::Constant(0.0),
        })
    }
}

impl Checkpoint for AutoencoderKlWan {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn key(&self, path: &str) -> String {
        let key = path.replace("sampler.conv.", "sampler.resample.1.");
        if self.config.is_residual {
            return key;
        }
        encoder::flat_key(&key, self.config.num_res_blocks).replace(".upsampler.", ".upsamplers.0.")
    }
}
