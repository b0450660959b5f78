//! The Wan family (Wan Team 2025, "Wan: Open and Advanced Large-Scale Video Generative Models"):
//! denoiser and video autoencoder, as `WanTransformer3DModel` and `AutoencoderKLWan` in diffusers.

mod attention;
mod block;
mod details;
mod embed;
mod image;
mod neighbours;
mod patch;
mod pooled;
mod precondition;
mod rope;
#[cfg(test)]
mod tests;
mod transformer;
mod transformer_config;
mod vae;

pub use transformer::{WanText, WanTransformer3d};
pub use transformer_config::WanTransformer3dConfig;
pub use vae::{AutoencoderKlWan, AutoencoderKlWanConfig, DecoderStream, EncoderStream, Posterior};

/// The longest prompt that the denoiser is given, in tokens: that of diffusers' `WanPipeline`.
pub const MAX_SEQUENCE_LENGTH: usize = 512;
