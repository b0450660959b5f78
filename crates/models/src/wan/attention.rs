//! Attention among tokens and from tokens to text (`WanAttention`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{KeysValues, Linear, RmsNorm, attention};

use super::{rope::RopeTable, transformer_config::WanTransformer3dConfig};

/// Multi-head attention with queries and keys RMS-normed over all heads together.
#[derive(Module, Debug)]
pub(super) struct WanAttention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Vec<Linear>, // one: upstream keeps a drop-out beside it
    norm_q: RmsNorm,
    norm_k: RmsNorm,
    heads: usize,
}

nn::pack_parts!(WanAttention { to_q, to_k, to_v, to_out });

impl WanAttention {
    pub fn new(config: &WanTransformer3dConfig, device: &Device) -> Self {
        let dim = config.dim();
        let linear = || Linear::new(dim, dim, true, device);
        let norm = || RmsNorm::new(dim, config.eps, device);
        Self {
            to_q: linear(),
            to_k: linear(),
            to_v: linear(),
            to_out: vec![linear()],
            norm_q: norm(),
            norm_k: norm(),
            heads: config.num_attention_heads,
        }
    }

    /// Among the tokens of `x`, `[batch, tokens, dim]`.
    pub fn attend_self(&self, x: Tensor<3>, rope: &RopeTable) -> Tensor<3> {
        let q = rope.apply(&self.norm_q, self.split(self.to_q.forward(x.clone())));
        let k = rope.apply(&self.norm_k, self.split(self.to_k.forward(x.clone())));
        let v = self.split(self.to_v.forward(x));
        self.join(attention(q, k, v))
    }

    /// From the tokens of `x` to a text, of which `text` holds what [`keys_values`](Self::keys_values) made.
    pub fn attend_cross(&self, x: Tensor<3>, text: &KeysValues) -> Tensor<3> {
        let q = self.split(self.norm_q.forward(self.to_q.forward(x)));
        self.join(text.attend(q))
    }

    /// The keys and values of `context`, `[batch, text_tokens, dim]`.
    pub fn keys_values(&self, context: Tensor<3>) -> KeysValues {
        let k = self.split(self.norm_k.forward(self.to_k.forward(context.clone())));
        let v = self.split(self.to_v.forward(context));
        KeysValues::new(k, v)
    }

    /// `[batch, tokens, dim]` to `[batch, tokens, heads, head_dim]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, tokens, dim] = x.dims();
        x.reshape([batch, tokens, self.heads, dim / self.heads])
    }

    /// Back to `[batch, tokens, dim]`, through the output layer.
    fn join(&self, x: Tensor<4>) -> Tensor<3> {
        self.to_out.iter().fold(x.flatten(2, 3), |x, linear| linear.forward(x))
    }
}
