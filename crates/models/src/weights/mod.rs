//! Reading and writing weights: safetensors files with the keys of diffusers and transformers.
//!
//! Nothing is silent: a missing tensor, an unused one, another shape or a damaged file is an error
//! that names file and tensor, and so is a number that is infinite or undefined. Values are read from
//! f32, bf16 or f16.

mod files;
mod format;
mod header;
mod keys;
mod load;
mod save;
mod source;
#[cfg(test)]
mod tests;

pub use files::{Naming, Precedence, find, variants};
pub use header::header;
pub use keys::{Checkpoint, Parameter, parameters};
pub use load::{Weights, load, load_bytes, load_from, load_packed};
pub use save::{Precision, save, save_folder, to_bytes};
pub use source::{Source, shard_index};
