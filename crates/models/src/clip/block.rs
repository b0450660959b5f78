//! One layer of the image encoder (`CLIPEncoderLayer`).

use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{gelu, sigmoid},
    },
};
use nn::{LayerNorm, Linear, attention};

use super::config::ClipVisionConfig;

/// Self-attention and a feed-forward layer, each on normed input and added to it.
#[derive(Module, Debug)]
pub(super) struct ClipBlock {
    layer_norm1: LayerNorm,
    self_attn: ClipAttention,
    layer_norm2: LayerNorm,
    mlp: ClipMlp,
}

nn::pack_parts!(ClipBlock { self_attn, mlp });

impl ClipBlock {
    pub fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let norm = || LayerNorm::new(config.hidden_size, config.layer_norm_eps, device);
        Self {
            layer_norm1: norm(),
            self_attn: ClipAttention::new(config, device),
            layer_norm2: norm(),
            mlp: ClipMlp::new(config, device),
        }
    }

    /// `[batch, tokens, dim]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.self_attn.forward(self.layer_norm1.forward(x));
        x.clone() + self.mlp.forward(self.layer_norm2.forward(x))
    }
}

#[derive(Module, Debug)]
struct ClipAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
}

nn::pack_parts!(ClipAttention { q_proj, k_proj, v_proj, out_proj });

impl ClipAttention {
    fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let linear = || Linear::new(config.hidden_size, config.hidden_size, true, device);
        Self {
            q_proj: linear(),
            k_proj: linear(),
            v_proj: linear(),
            out_proj: linear(),
            heads: config.num_attention_heads,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, dim] = x.dims();
        let split = |x: Tensor<3>| x.reshape([batch, tokens, self.heads, dim / self.heads]);
        let [q, k, v] =
            [&self.q_proj, &self.k_proj, &self.v_proj].map(|layer| split(layer.forward(x.clone())));
        self.out_proj.forward(attention(q, k, v).flatten(2, 3))
    }
}

#[derive(Module, Debug)]
struct ClipMlp {
    fc1: Linear,
    fc2: Linear,
    /// Whether its activation is the quick one, `x sigmoid(1.702 x)`.
    is_quick: bool,
}

nn::pack_parts!(ClipMlp { fc1, fc2 });

impl ClipMlp {
    fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let (dim, hidden) = (config.hidden_size, config.intermediate_size);
        Self {
            fc1: Linear::new(dim, hidden, true, device),
            fc2: Linear::new(hidden, dim, true, device),
            is_quick: config.hidden_act == "quick_gelu",
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.fc1.forward(x);
        let x = if self.is_quick { x.clone() * sigmoid(x * 1.702) } else { gelu(x) };
        self.fc2.forward(x)
    }
}
