//! The models of a Wan-style video generator: text encoder, video autoencoder and denoiser.
//!
//! ```text
//! prompt ids ── umt5::Umt5Encoder ──► context ─┐ (and a picture ── clip::ClipVision, for image to video)
//! noise ─────► wan::WanTransformer3d ◄─────────┘   (called once a step by a sampler)
//! latents ───► wan::AutoencoderKlWan::decode ──► frames
//! ```
//!
//! [`kinora`] is an autoencoder of our own. [`family`] is what an engine asks of them without knowing which they are.
//!
//! Configurations are the `config.json` of diffusers and transformers, field for field, and
//! [`weights`] reads and writes their safetensors files. Every model agrees with diffusers 0.42.1
//! and transformers to 1e-4 of its largest output; the tests compare with recorded outputs.

#![forbid(unsafe_code)]

pub mod clip;
pub mod config;
mod error;
pub mod family;
#[cfg(test)]
mod golden;
pub mod init;
pub mod kinora;
mod latents;
pub mod tracks;
pub mod umt5;
pub mod wan;
pub mod weights;

pub use config::ModelConfig;
pub use error::{Error, Result};
