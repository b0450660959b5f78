//! Autoencoders of any family.

use std::path::Path;

use burn::tensor::{Device, FloatDType, Tensor};
use nn::{Pack, Packing};

use super::{PartConfig, checked};
use crate::{
    ModelConfig, Result, wan,
    wan::{AutoencoderKlWan, AutoencoderKlWanConfig},
    weights::{Naming, Source},
};

/// What an autoencoder is, as its `config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub enum AutoencoderConfig {
    /// Wan's.
    Wan(AutoencoderKlWanConfig),
}

/// An autoencoder with its weights.
#[derive(Debug)]
pub enum Autoencoder {
    /// Wan's.
    Wan(AutoencoderKlWan),
}

/// Decodes latent frame after latent frame, in memory that does not grow with the clip.
#[derive(Debug)]
pub enum DecoderStream<'a> {
    /// Wan's.
    Wan(wan::DecoderStream<'a>),
}

impl AutoencoderConfig {
    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    ///
    /// # Errors
    /// Text that is no configuration, or that of a class that is not served.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        AutoencoderKlWanConfig::from_json(path, text).map(Self::Wan)
    }

    /// Channels of the latents.
    pub fn z_dim(&self) -> usize {
        let Self::Wan(config) = self;
        config.z_dim
    }

    /// Frames, rows and columns of pixels that make one latent.
    pub fn scale_factors(&self) -> [usize; 3] {
        let Self::Wan(config) = self;
        [config.scale_factor_temporal, config.scale_factor_spatial, config.scale_factor_spatial]
    }

    /// About which share of the parameters is the decoder's.
    pub fn decoder_share(&self) -> f64 {
        let Self::Wan(config) = self;
        config.decoder_share()
    }

    /// Latent `[frames, height, width]` of a clip of `[frames, height, width]`.
    ///
    /// # Errors
    /// A clip that is not a whole number of latents.
    pub fn latent_size(&self, video: [usize; 3]) -> Result<[usize; 3]> {
        let Self::Wan(config) = self;
        config.latent_size(video)
    }

    /// The autoencoder without its encoder, whose weights are read to be checked alone: for what only decodes.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load_decoder(
        &self,
        source: Source<'_>,
        packing: Option<Packing>,
        device: &Device,
    ) -> Result<Autoencoder> {
        let Self::Wan(config) = self;
        AutoencoderKlWan::load_decoder(config, source, packing, device).map(Autoencoder::Wan)
    }

    /// A decoder of zeros, packed if that is asked for: to measure how long it takes.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn zero_decoder(&self, packing: Option<Packing>, device: &Device) -> Result<Autoencoder> {
        let Self::Wan(config) = self;
        let mut vae = AutoencoderKlWan::new(config, device)?.without_encoder();
        packing.into_iter().for_each(|packing| vae.pack(packing));
        Ok(Autoencoder::Wan(vae))
    }

    /// About how many bytes a [`DecoderStream`] needs besides the weights, for a video of any length of `[height,
    /// width]` pixels.
    pub fn decoder_stream_bytes(&self, size: [usize; 2], kept: FloatDType) -> usize {
        let Self::Wan(config) = self;
        config.decoder_stream_bytes(size, kept)
    }
}

impl PartConfig for AutoencoderConfig {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn large_parameters(&self) -> f64 {
        let Self::Wan(config) = self;
        config.large_parameters()
    }

    fn check_weights(&self, source: Source<'_>) -> Result<()> {
        let Self::Wan(config) = self;
        checked(&AutoencoderKlWan::new(config, &Device::flex())?, source)
    }
}

impl Autoencoder {
    /// Latents as the decoder sees them, from those that the denoiser sees.
    pub fn denormalize(&self, latents: Tensor<5>) -> Tensor<5> {
        let Self::Wan(vae) = self;
        vae.denormalize(latents)
    }

    /// A decoder whose memory does not grow with the clip; it keeps frames that it will look back at as `kept`.
    pub fn decoder_stream(&self, kept: FloatDType) -> DecoderStream<'_> {
        let Self::Wan(vae) = self;
        DecoderStream::Wan(vae.decoder_stream(kept))
    }
}

impl DecoderStream<'_> {
    /// The frames of the clip's next latent frame, `[batch, z_dim, 1, height, width]`, not normalised: `[batch, 3,
    /// frames, ..]` about -1 to 1.
    pub fn decode(&mut self, latents: Tensor<5>) -> Tensor<5> {
        let Self::Wan(stream) = self;
        stream.decode(latents)
    }
}
