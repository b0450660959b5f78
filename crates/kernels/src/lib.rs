//! CPU compute for video diffusion: matrix products, attention, 3-D convolution, norms and
//! activations, forward and backward, without any tensor library.
//!
//! Every operation is a folder: `mod.rs` has the safe entry that checks lengths, `scalar.rs` the
//! readable definition that the tests hold the fast paths against, on every instruction set (see
//! [`Isa`]) that the machine has. Where an instruction set has products of its own, they have a
//! file of theirs; all else is loops in plain Rust that are compiled for each. Products round
//! their inputs to bf16 and sum in f32, or quantise them to 8 bits and sum exactly; everything
//! else is f32.
//!
//! Results do not depend on the number of threads: work is cut by output, and no sum is split.

#[cfg(target_arch = "x86_64")]
mod amx;
pub mod attention;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod conv3d;
mod isa;
mod lanes;
pub mod matmul;
pub mod memory;
pub mod pointwise;
mod setting;
mod shared;
mod stored;
pub mod threads;

pub use isa::{Isa, isa};
pub use setting::{SettingError, check_settings};
pub use stored::Stored;
