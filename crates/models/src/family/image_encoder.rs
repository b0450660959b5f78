//! Image encoders of any family.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use nn::Packing;

use super::{PartConfig, checked, filled};
use crate::{
    ModelConfig, Result,
    clip::{self, ClipVision, ClipVisionConfig},
    weights::{Naming, Source},
};

/// Values of a token, in as many copies, that are alive at once in a layer of CLIP, besides its feed-forward layer's.
const TOKEN_ALIVE: usize = 8;

/// What an image encoder is, as its `config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageEncoderConfig {
    /// The vision half of CLIP.
    Clip(ClipVisionConfig),
}

/// An image encoder with its weights.
#[derive(Debug)]
pub enum ImageEncoder {
    /// The vision half of CLIP.
    Clip(Box<ClipVision>),
}

impl ImageEncoderConfig {
    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    ///
    /// # Errors
    /// Text that is no configuration, or that of a class that is not served.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        ClipVisionConfig::from_json(path, text).map(Self::Clip)
    }

    /// Features of a token.
    pub fn dim(&self) -> usize {
        let Self::Clip(config) = self;
        config.hidden_size
    }

    /// Tokens of a picture.
    pub fn tokens(&self) -> usize {
        let Self::Clip(config) = self;
        config.tokens()
    }

    /// Sides of the picture that it sees, in pixels.
    pub fn side(&self) -> usize {
        let Self::Clip(config) = self;
        config.image_size
    }

    /// About how many bytes looking at a picture takes, besides the weights.
    pub fn activation_bytes(&self) -> usize {
        let Self::Clip(config) = self;
        let scores = config.num_attention_heads * config.tokens();
        let of_a_token = 2 * scores + 3 * config.intermediate_size + TOKEN_ALIVE * config.hidden_size;
        (size_of::<f32>() * config.tokens()).saturating_mul(of_a_token)
    }

    /// The part with its weights, packed as they are read if that is asked for.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load(
        &self,
        source: Source<'_>,
        packing: Option<Packing>,
        device: &Device,
    ) -> Result<ImageEncoder> {
        let Self::Clip(config) = self;
        let encoder = filled(ClipVision::new(config, device)?, source, packing)?;
        Ok(ImageEncoder::Clip(Box::new(encoder)))
    }
}

impl PartConfig for ImageEncoderConfig {
    const NAMING: Naming = Naming::TRANSFORMERS;

    fn large_parameters(&self) -> f64 {
        let Self::Clip(config) = self;
        config.large_parameters()
    }

    fn check_weights(&self, source: Source<'_>) -> Result<()> {
        let Self::Clip(config) = self;
        checked(&ClipVision::new(config, &Device::flex())?, source)
    }
}

impl ImageEncoder {
    /// What denoisers look at of a picture, `[side, side, 3]`, values from 0 to 1: `[1, tokens, dim]`.
    pub fn look(&self, picture: &[f32], device: &Device) -> Tensor<3> {
        let Self::Clip(encoder) = self;
        encoder.forward(clip::normed(picture, encoder.config().image_size, device))
    }
}
