//! A model on disk or in the program: its files, and what they say about it.

mod embedded;
mod files;
mod info;
mod sizes;

pub use files::ModelFiles;
pub(crate) use files::PartName;
pub use info::{Expert, ModelInfo, NativeClip, NumValues, Prompts};
pub(crate) use info::{GUIDANCE, is_guidance};
