//! Tensor operations and layers of the video models, with fast paths on the CPU.
//!
//! Layers keep PyTorch's parameter names and layouts (`weight` of a linear layer is `[out, in]`),
//! so that the path of a parameter in a model is its key in a diffusers checkpoint. A new layer
//! holds zeros: a model's `init_weights` or a checkpoint fills it.
//!
//! On burn's CPU backend the hot operations run on the `kernels` crate, forward and backward; on
//! every other device they are burn's own operations.

#![forbid(unsafe_code)]

mod activation;
mod attention;
mod conv;
mod fused;
mod linear;
mod modulate;
mod norm;
mod pack;
mod parameter;
mod permute;
mod precision;
mod rope;
mod weight;

pub use activation::{gelu_tanh, silu};
pub use attention::{KeysValues, attention, attention_biased};
pub use conv::{CausalConv3d, Conv2d, Conv3d, causal_conv3d, conv2d, conv3d};
pub use kernels::Stored;
pub use linear::{Linear, linear};
pub use modulate::{gated_residual, layer_norm_modulate};
pub use norm::{ChannelRmsNorm, LayerNorm, RmsNorm, channel_rms_norm, layer_norm, rms_norm};
pub use pack::{Pack, PackedKernel, PackedLinear, Packing, WeightSource, join};
pub use parameter::zeros;
pub use permute::permute;
pub use precision::{Precision, has_kernels, with_precision};
pub use rope::{rms_norm_rope, rope};
pub use weight::Weight;
