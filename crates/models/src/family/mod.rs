//! Families of models: what an engine may ask of a denoiser, an autoencoder or a text encoder without knowing whose it
//! is. A family that is added gets a variant in each enum here, and nothing outside changes.
//!
//! The configuration of a part is known before its weights are read, and says what they will take: sizes, bytes, the
//! grid of tokens.

mod autoencoder;
mod denoiser;
mod image_encoder;
mod text_encoder;

use nn::{Pack, Packing};

pub use autoencoder::{Autoencoder, AutoencoderConfig, DecoderStream, EncoderStream};
pub use denoiser::{Denoiser, DenoiserConfig, Text};
pub use image_encoder::{ImageEncoder, ImageEncoderConfig};
pub use text_encoder::{TextEncoder, TextEncoderConfig};

use crate::{
    Result,
    weights::{Checkpoint, Naming, Source, Weights},
};

/// A part of a model before its weights are read.
pub trait PartConfig {
    /// How the files with its weights are called.
    const NAMING: Naming;

    /// About how many parameters a part of these sizes has, without building it.
    fn large_parameters(&self) -> f64;

    /// Fails unless `source` holds the weights of this part, as far as headers tell.
    fn check_weights(&self, source: Source<'_>) -> Result<()>;
}

/// `empty` with its weights.
fn filled<M: Checkpoint + Pack>(empty: M, source: Source<'_>, packing: Option<Packing>) -> Result<M> {
    Weights::of(&empty, source)?.fill_as(empty, "", packing)
}

/// Fails unless `source` holds the weights of `empty`.
fn checked<M: Checkpoint>(empty: &M, source: Source<'_>) -> Result<()> {
    Weights::of(empty, source).map(|_| ())
}

/// A family, by what its pipelines do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Wan 2.1 and 2.2, and kinora-tiny.
    Wan,
}

/// The clip that a family was published to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedClip {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Frames.
    pub num_frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// How strongly to follow the prompt.
    pub guidance_scale: f64,
}

impl Family {
    /// The classes of pipelines in diffusers that are served.
    pub const PIPELINES: [(&'static str, Self); 2] =
        [("WanPipeline", Self::Wan), ("WanImageToVideoPipeline", Self::Wan)];

    /// The family of a pipeline of diffusers.
    pub fn of_pipeline(class: &str) -> Option<Self> {
        Self::PIPELINES.into_iter().find_map(|(name, family)| (name == class).then_some(family))
    }

    /// The longest prompt that its denoisers are given, in tokens.
    pub fn max_sequence_length(self) -> usize {
        match self {
            Self::Wan => crate::wan::MAX_SEQUENCE_LENGTH,
        }
    }

    /// The clip that its models are at their best with; `expand_timesteps` is whether each latent frame has a timestep
    /// of its own.
    pub fn published_clip(self, expand_timesteps: bool) -> PublishedClip {
        match (self, expand_timesteps) {
            // Wan 2.1, and Wan 2.2 with two experts.
            (Self::Wan, false) => {
                PublishedClip { width: 832, height: 480, num_frames: 81, fps: 16.0, guidance_scale: 5.0 }
            }
            // Wan 2.2 TI2V.
            (Self::Wan, true) => {
                PublishedClip { width: 1280, height: 704, num_frames: 121, fps: 24.0, guidance_scale: 5.0 }
            }
        }
    }
}
