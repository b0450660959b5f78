//! A model on disk or in the program: its files, and what they say about it.

mod embedded;
mod files;
mod info;
mod sizes;

pub use files::ModelFiles;
pub use info::{ModelInfo, NativeClip, Prompts};
pub(crate) use sizes::check_sizes;
