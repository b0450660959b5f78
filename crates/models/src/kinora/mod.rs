//! The autoencoder of kinora-tiny: a linear code of blocks of pixels, and a network that draws what the code leaves out.
//!
//! ```text
//! video ─ blocks of 2 frames × 8×8 pixels ─ linear ─► latents
//! latents ─┬─ linear ───────────────────────────────────────┐
//!          └─ convolutions at the size of the latents ─ 1×1 ─┴─ + ─ blocks ─┬──────────────────────┬─ + ─► video
//!                                                                          └─ two convolutions ───┘
//! ```
//!
//! The code is the principal components of the blocks: the best linear code of its size, known in closed form. A decoder
//! begins as its inverse, and learns only the rest, as the residual autoencoders of DC-AE do (Chen et al. 2024). Nearly all
//! of its work is at the size of the latents, a 64th of the pixels, so that it learns much in little time. The first frame
//! is a block of its own, in which it stands still; of two latent frames before it, the decoder sees where things come from.
//!
//! Where the code sees pictures smaller than they are (`upscale`), an upsampler draws what is decoded larger: a picture of four
//! times the pixels is no more work for a denoiser.

mod blocks;
mod config;
mod decoder;
mod pixels;
#[cfg(test)]
mod tests;
mod upsampler;

pub use config::AutoencoderKinoraConfig;

use burn::{
    module::Module,
    tensor::{DType, Device, FloatDType, Tensor},
};
use nn::Linear;

use self::{
    blocks::into_blocks,
    decoder::{Decoder, PAST, Past},
};
use crate::{
    ModelConfig, Result,
    init::{self, Start},
    weights::{Checkpoint, Naming},
};

/// `AutoencoderKinora`.
#[derive(Module, Debug)]
pub struct AutoencoderKinora {
    encoder: Option<Linear>,
    decoder: Decoder,
    #[module(skip)]
    config: AutoencoderKinoraConfig,
}

nn::pack_parts!(AutoencoderKinora { decoder });

/// Decodes latent frame after latent frame; equals [`decode`](AutoencoderKinora::decode) to rounding.
#[derive(Clone, Debug)]
pub struct DecoderStream<'a> {
    vae: &'a AutoencoderKinora,
    past: Past,
}

/// A linear code of blocks.
#[derive(Clone, Debug)]
pub struct Code {
    /// Of a block's values, `[z_dim, values]`.
    pub encode: Vec<f32>,
    /// `[z_dim]`
    pub encode_bias: Vec<f32>,
    /// Of a latent's channels, `[values, z_dim]`.
    pub decode: Vec<f32>,
    /// `[values]`
    pub decode_bias: Vec<f32>,
}

impl AutoencoderKinora {
    /// A model of zeros; [`init_weights`](Self::init_weights) or a checkpoint fills it.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn new(config: &AutoencoderKinoraConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let values = config.block_values();
        Ok(Self {
            encoder: Some(Linear::new(values, config.z_dim, true, device)),
            decoder: Decoder::new(config, device),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &AutoencoderKinoraConfig {
        &self.config
    }

    /// The same without the encoder: for what only decodes.
    pub fn without_encoder(self) -> Self {
        Self { encoder: None, ..self }
    }

    /// The same, of the same weights, for videos as small as the code sees them.
    pub fn without_upsampler(&self) -> Self {
        let mut small = self.clone();
        small.decoder.upsampler = None;
        small.config = self.config.without_upsampler();
        small
    }

    /// The values of blocks of a clip, each of so many frames, rows and columns, `[blocks, values]`: what a code is
    /// measured on.
    pub fn blocks(video: Tensor<5>, block: [usize; 3]) -> Tensor<2> {
        into_blocks(video, block).flatten(0, 3)
    }

    /// Latents of a clip, `[batch, z_dim, frames', height', width']`; of a still, if it has one frame.
    ///
    /// `video` is `[batch, 3, frames, height, width]` within -1 and 1, of a size that
    /// [`latent_size`](AutoencoderKinoraConfig::latent_size) accepts.
    ///
    /// # Panics
    /// After [`without_encoder`](Self::without_encoder).
    pub fn encode(&self, video: Tensor<5>) -> Tensor<5> {
        let encoder = self.encoder.as_ref().expect("an autoencoder that encodes has its encoder");
        let blocks = into_blocks(self.config.as_coded(video), self.config.code_block());
        encoder.forward(blocks).permute([0, 4, 1, 2, 3])
    }

    /// The clip of latents `[batch, z_dim, frames, height, width]`, not normalised: `[batch, 3, 1 + (frames -
    /// 1) scale_factor_temporal, ..]`, about -1 to 1. Not clamped, for training.
    pub fn decode(&self, latents: Tensor<5>) -> Tensor<5> {
        self.decoder.forward(latents, &mut Past::default())
    }

    /// [`decode`](Self::decode) as large as the code sees pictures: what the upsampler sees, if there is one.
    pub fn decode_small(&self, latents: Tensor<5>) -> Tensor<5> {
        self.decoder.decode(latents, Vec::new())
    }

    /// What [`decode_small`](Self::decode_small) gives, drawn larger; as it is, without an upsampler.
    pub fn upsample(&self, decoded: Tensor<5>) -> Tensor<5> {
        match &self.decoder.upsampler {
            Some(upsampler) => upsampler.forward(decoded, None),
            None => decoded,
        }
    }

    /// Latents of the nearest clip, by the code alone, that shows the pixels of `video` where `mask` is 1; both are `[batch, 3,
    /// frames, height, width]`, of the clip's size.
    ///
    /// # Panics
    /// After [`without_encoder`](Self::without_encoder).
    pub fn pin(&self, latents: Tensor<5>, video: Tensor<5>, mask: Tensor<5>) -> Tensor<5> {
        let encoder = self.encoder.as_ref().expect("an autoencoder that encodes has its encoder");
        let block = self.config.code_block();
        let drawn = self.decoder.code(latents.clone());
        let [video, mask] = [video, mask].map(|x| into_blocks(self.config.as_coded(x), block));
        let change = (video - drawn) * mask;
        // What changes alone is encoded: what the code cannot hold stays as it is.
        let without_bias = encoder.forward(change.clone()) - encoder.forward(change.zeros_like());
        latents + without_bias.permute([0, 4, 1, 2, 3])
    }

    /// A decoder whose memory does not grow with the clip.
    pub fn decoder_stream(&self) -> DecoderStream<'_> {
        DecoderStream { vae: self, past: Past::default() }
    }

    /// First weights: the network adds nothing to what `code` gives.
    pub fn init_weights(self, code: &Code, seed: u64) -> Self {
        const START_AS_NOTHING: [&str; 3] = ["conv_out", "pixels_out", "conv2"];
        let fan_ins = init::fan_ins(&self);
        init::fill(self, seed, |key, _| match (key, key.rsplit_once('.')) {
            ("encoder.weight", _) => Start::Given(code.encode.clone()),
            ("encoder.bias", _) => Start::Given(code.encode_bias.clone()),
            ("decoder.code.weight", _) => Start::Given(code.decode.clone()),
            ("decoder.code.bias", _) => Start::Given(code.decode_bias.clone()),
            (_, Some((_, "gamma"))) => Start::Constant(1.0),
            (_, Some((layer, _))) if START_AS_NOTHING.iter().any(|end| layer.ends_with(end)) => {
                Start::Constant(0.0)
            }
            (_, Some((layer, _))) => Start::torch_default(fan_ins[layer]),
            (_, None) => Start::Constant(0.0),
        })
    }
}

impl AutoencoderKinoraConfig {
    /// About how many bytes a [`DecoderStream`] needs besides the weights, for a video of any length of `[height, width]`
    /// pixels: copies of the frames of one latent frame, and layers at the size of the latents.
    pub fn decoder_stream_bytes(&self, size: [usize; 2], kept: FloatDType) -> usize {
        /// Copies in 32 bits that are alive at once.
        const FRAMES_ALIVE: f64 = 8.0;
        const LAYERS_ALIVE: f64 = 6.0;
        let [time, space, _] = self.scale_factors().map(|factor| factor as f64);
        let drawn = size.iter().map(|&side| side as f64).product::<f64>();
        let pixels = drawn / (self.upscale as f64).powi(2);
        let (frames, latents) = (3.0 * time * drawn, drawn / (space * space));
        let layers = latents * (LAYERS_ALIVE * self.width as f64 + 2.0 * self.block_values() as f64);
        let pixel_layers = time * pixels / 4.0 * 2.0 * self.pixel_width as f64;
        let upsampler_layers = match self.upscale {
            1 => 0.0,
            _ => pixels * LAYERS_ALIVE * self.upsampler_widths[0] as f64,
        };
        let alive =
            size_of::<f32>() as f64 * (FRAMES_ALIVE * frames + layers + pixel_layers + upsampler_layers);
        let past = DType::from(kept).size() as f64 * PAST as f64 * latents * self.z_dim as f64;
        (alive + past) as usize // saturates
    }
}

impl DecoderStream<'_> {
    /// The frames of the clip's next latent frame `[batch, z_dim, 1, height, width]`, not normalised: `[batch, 3,
    /// frames, ..]` about -1 to 1, one frame at the start and then those of a block.
    pub fn decode(&mut self, latents: Tensor<5>) -> Tensor<5> {
        assert_eq!(latents.dims()[2], 1, "a stream decodes one latent frame at a time");
        self.vae.decoder.forward(latents, &mut self.past)
    }
}

impl Checkpoint for AutoencoderKinora {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn key(&self, path: &str) -> String {
        path.to_owned()
    }
}
