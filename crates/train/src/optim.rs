//! Optimisation of a flat list of parameters: few passes over memory, in parallel, with the same
//! result for any number of threads.

mod adamw;
mod clip;
mod ema;
mod muon;

pub use adamw::{AdamW, AdamWConfig, LrScale};
pub use clip::{clip_factor, global_norm};
pub use ema::Ema;

/// Numbers that one task works on: fixed, so that sums do not depend on the number of threads.
pub(crate) const CHUNK: usize = 1 << 15;
