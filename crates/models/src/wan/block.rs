//! One layer of the denoiser (`WanTransformerBlock`).

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use nn::{KeysValues, LayerNorm, Linear, gated_residual, layer_norm_modulate};

use super::{
    attention::WanAttention,
    embed::{Condition, table_rows},
    neighbours::Neighbours,
    rope::RopeTable,
    transformer_config::WanTransformer3dConfig,
};

/// Self-attention, cross-attention to the text, feed-forward; the timestep shifts, scales and gates
/// the first and the last.
#[derive(Module, Debug)]
pub(super) struct WanTransformerBlock {
    neighbours: Option<Neighbours>,
    attn1: WanAttention,
    attn2: WanAttention,
    norm2: Option<LayerNorm>,
    ffn: FeedForward,
    scale_shift_table: Param<Tensor<3>>, // [1, 6, dim]
    eps: f64,
}

nn::pack_parts!(WanTransformerBlock { neighbours, attn1, attn2, ffn });

impl WanTransformerBlock {
    pub fn new(config: &WanTransformer3dConfig, device: &Device) -> Self {
        let dim = config.dim();
        Self {
            neighbours: config.neighbours.then(|| Neighbours::new(dim, config.eps, device)),
            attn1: WanAttention::new(config, device),
            attn2: WanAttention::with_pictures(config, device),
            norm2: config.cross_attn_norm.then(|| LayerNorm::new(dim, config.eps, device)),
            ffn: FeedForward::new([dim, config.ffn_dim, dim], device),
            scale_shift_table: nn::zeros([1, 6, dim], device),
            eps: config.eps,
        }
    }

    /// The keys and values of `context`, `[batch, text_tokens, dim]`, for the cross-attention.
    pub fn keys_values(&self, context: Tensor<3>) -> KeysValues {
        self.attn2.keys_values(context)
    }

    /// The same of pictures, `[batch, image_tokens, dim]`, in models that look at them.
    pub fn picture_keys_values(&self, pictures: Tensor<3>) -> Option<KeysValues> {
        self.attn2.picture_keys_values(pictures)
    }

    /// `[batch, tokens, dim]` to the same, of so many `frames` of tokens; `text` and `picture` are the keys
    /// and values of what is looked at.
    pub fn forward(
        &self,
        x: Tensor<3>,
        frames: usize,
        condition: &Condition,
        text: &KeysValues,
        picture: Option<&KeysValues>,
        rope: &RopeTable,
    ) -> Tensor<3> {
        let [shift, scale, gate, ffn_shift, ffn_scale, ffn_gate] =
            table_rows(self.scale_shift_table.val(), condition.modulation.clone());

        let x = match &self.neighbours {
            Some(neighbours) => neighbours.forward(x, frames),
            None => x,
        };
        let normed = layer_norm_modulate(x.clone(), shift, scale, self.eps);
        let x = gated_residual(x, self.attn1.attend_self(normed, rope), gate);

        let normed = match &self.norm2 {
            Some(norm) => norm.forward(x.clone()),
            None => x.clone(),
        };
        let x = x + self.attn2.attend_cross(normed, text, picture);

        let normed = layer_norm_modulate(x.clone(), ffn_shift, ffn_scale, self.eps);
        gated_residual(x, self.ffn.forward(normed), ffn_gate)
    }
}

/// Two linear layers with a GELU between them.
#[derive(Module, Debug)]
pub(super) struct FeedForward {
    pub proj_in: Linear,
    pub proj_out: Linear,
}

nn::pack_parts!(FeedForward { proj_in, proj_out });

impl FeedForward {
    pub fn new([inputs, hidden, outputs]: [usize; 3], device: &Device) -> Self {
        Self {
            proj_in: Linear::new(inputs, hidden, true, device),
            proj_out: Linear::new(hidden, outputs, true, device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.proj_out.forward(self.proj_in.forward_gelu(x))
    }
}
