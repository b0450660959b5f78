//! One layer of the text encoder (`UMT5Block`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, RmsNorm};

use super::{
    attention::{Masked, Umt5Attention},
    config::Umt5Config,
};

/// Self-attention and a gated feed-forward layer, each on normed input and added to it.
#[derive(Module, Debug)]
pub(super) struct Umt5Block {
    attention: Umt5Attention,
    attention_norm: RmsNorm,
    feed_forward: GatedFeedForward,
    feed_forward_norm: RmsNorm,
}

nn::pack_parts!(Umt5Block { attention, feed_forward });

impl Umt5Block {
    pub fn new(config: &Umt5Config, device: &Device) -> Self {
        let norm = || RmsNorm::new(config.d_model, config.layer_norm_epsilon, device);
        Self {
            attention: Umt5Attention::new(config, device),
            attention_norm: norm(),
            feed_forward: GatedFeedForward::new(config, device),
            feed_forward_norm: norm(),
        }
    }

    /// `[batch, tokens, d_model]` to the same.
    pub fn forward(&self, x: Tensor<3>, masked: &Masked) -> Tensor<3> {
        let x = x.clone() + self.attention.forward(self.attention_norm.forward(x), masked);
        x.clone() + self.feed_forward.forward(self.feed_forward_norm.forward(x))
    }
}

/// `wo(gelu(wi_0 x) * wi_1 x)` (Shazeer 2020).
#[derive(Module, Debug)]
struct GatedFeedForward {
    wi_0: Linear,
    wi_1: Linear,
    wo: Linear,
}

nn::pack_parts!(GatedFeedForward { wi_0, wi_1, wo });

impl GatedFeedForward {
    fn new(config: &Umt5Config, device: &Device) -> Self {
        let linear = |inputs, outputs| Linear::new(inputs, outputs, false, device);
        Self {
            wi_0: linear(config.d_model, config.d_ff),
            wi_1: linear(config.d_model, config.d_ff),
            wo: linear(config.d_ff, config.d_model),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.wo.forward(self.wi_0.forward_gelu(x.clone()) * self.wi_1.forward(x))
    }
}
