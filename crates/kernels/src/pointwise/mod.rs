//! Operations that pass over memory once: activations, norms, adaLN modulation, rotary embedding, axes in another order.
//!
//! They are limited by memory, so what meets in a block is fused. Written in plain Rust over
//! sixteen lanes and compiled for the widest vectors of the machine.

mod activation;
mod channel_norm;
mod modulate;
mod norm;
mod permute;
mod rope;
pub mod scalar;
#[cfg(test)]
mod tests;

pub use activation::{Activation, activate, activate_backward};
pub(crate) use activation::{CUBIC, TWO_SQRT_2_OVER_PI};
pub use channel_norm::{channel_rms_norm, channel_rms_norm_backward, channel_rms_norm_bf16};
pub use modulate::{gated_residual, gated_residual_backward};
pub use norm::{layer_norm_modulate, layer_norm_modulate_backward, rms_norm, rms_norm_backward};
pub use permute::permute;
pub use rope::{rms_norm_rope, rope};
