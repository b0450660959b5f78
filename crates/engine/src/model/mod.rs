//! A model on disk or in the program: its files, and what they say about it.

mod embedded;
mod files;
mod info;
mod sizes;

pub use files::ModelFiles;
pub(crate) use files::{TEXT_ENCODER, TRANSFORMER, VAE};
pub(crate) use info::{GUIDANCE, is_guidance};
pub use info::{ModelInfo, NativeClip, Prompts};
pub(crate) use sizes::{WeightSizes, check_sizes};
