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
    added: Option<AddedKeys>,
    heads: usize,
}

nn::pack_parts!(WanAttention { to_q, to_k, to_v, to_out, added });

/// Keys and values of pictures, beside those of the text.
#[derive(Module, Debug)]
struct AddedKeys {
    add_k_proj: Linear,
    add_v_proj: Linear,
    norm_added_k: RmsNorm,
}

nn::pack_parts!(AddedKeys { add_k_proj, add_v_proj });

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
            added: None,
            heads: config.num_attention_heads,
        }
    }

    /// The same, which looks at pictures too where the model has such keys and values.
    pub fn with_pictures(config: &WanTransformer3dConfig, device: &Device) -> Self {
        let dim = config.dim();
        let added = config.added_kv_proj_dim.map(|inputs| AddedKeys {
            add_k_proj: Linear::new(inputs, dim, true, device),
            add_v_proj: Linear::new(inputs, dim, true, device),
            norm_added_k: RmsNorm::new(dim, config.eps, device),
        });
        Self { added, ..Self::new(config, device) }
    }

    /// Among the tokens of `x`, `[batch, tokens, dim]`.
    pub fn attend_self(&self, x: Tensor<3>, rope: &RopeTable) -> Tensor<3> {
        let q = rope.apply(&self.norm_q, self.split(self.to_q.forward(x.clone())));
        let k = rope.apply(&self.norm_k, self.split(self.to_k.forward(x.clone())));
        let v = self.split(self.to_v.forward(x));
        self.join(attention(q, k, v))
    }

    /// From the tokens of `x` to a text, of which `text` holds what [`keys_values`](Self::keys_values) made, and to pictures, of
    /// which `picture` holds what [`picture_keys_values`](Self::picture_keys_values) did.
    pub fn attend_cross(&self, x: Tensor<3>, text: &KeysValues, picture: Option<&KeysValues>) -> Tensor<3> {
        let q = self.split(self.norm_q.forward(self.to_q.forward(x)));
        self.join(match picture {
            Some(picture) => text.attend(q.clone()) + picture.attend(q),
            None => text.attend(q),
        })
    }

    /// The keys and values of pictures, `[batch, image_tokens, dim]`.
    pub fn picture_keys_values(&self, pictures: Tensor<3>) -> Option<KeysValues> {
        let AddedKeys { add_k_proj, add_v_proj, norm_added_k } = self.added.as_ref()?;
        let k = self.split(norm_added_k.forward(add_k_proj.forward(pictures.clone())));
        Some(KeysValues::new(k, self.split(add_v_proj.forward(pictures))))
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
