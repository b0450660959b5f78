//! Attention with a learnt bias for every class of distance (`UMT5Attention`).

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor, TensorData},
};
use nn::{Linear, attention_biased};

use super::{Embedding, config::Umt5Config};

/// Added to the scores of padding: after the softmax nothing of it is left.
const PADDING_SCORE: f64 = 1e9;

/// What all layers share: who stands how far from whom, and who is padding.
#[derive(Debug)]
pub(super) struct Masked {
    buckets: Tensor<2, Int>, // [1, 2 tokens - 1], from the farthest key on the left to the farthest on the right
    padding: Tensor<2>,      // [batch, keys]
}

impl Masked {
    pub fn new(config: &Umt5Config, tokens: usize, mask: Tensor<2>) -> Self {
        let tokens = tokens as i64;
        let buckets = (1 - tokens..tokens).map(|distance| bucket(distance, config)).collect::<Vec<_>>();
        let shape = [1, buckets.len()];
        Self {
            buckets: Tensor::from_data(TensorData::new(buckets, shape), &mask.device()),
            padding: mask.sub_scalar(1.0).mul_scalar(PADDING_SCORE),
        }
    }
}

/// The class of a distance: exact when near, logarithmic when far, separate for each direction.
pub(super) fn bucket(distance: i64, config: &Umt5Config) -> i64 {
    let one_way = (config.relative_attention_num_buckets / 2) as i64;
    let near = one_way / 2;
    let direction = if distance > 0 { one_way } else { 0 };
    let distance = distance.abs();
    if distance < near {
        return direction + distance;
    }
    let span = (config.relative_attention_max_distance as f64 / near as f64).ln() as f32;
    let far = (distance as f32 / near as f32).ln() / span * (one_way - near) as f32;
    direction + (near + far as i64).min(one_way - 1)
}

/// Self-attention with unscaled scores.
#[derive(Module, Debug)]
pub(super) struct Umt5Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    relative_attention_bias: Embedding, // [buckets, heads]
    heads: usize,
}

nn::pack_parts!(Umt5Attention { q, k, v, o });

impl Umt5Attention {
    pub fn new(config: &Umt5Config, device: &Device) -> Self {
        let inner = config.num_heads * config.d_kv;
        let linear = || Linear::new(config.d_model, inner, false, device);
        Self {
            q: linear(),
            k: linear(),
            v: linear(),
            o: Linear::new(inner, config.d_model, false, device),
            relative_attention_bias: Embedding::new(
                config.relative_attention_num_buckets,
                config.num_heads,
                device,
            ),
            heads: config.num_heads,
        }
    }

    /// `[batch, tokens, d_model]` to the same.
    pub fn forward(&self, x: Tensor<3>, masked: &Masked) -> Tensor<3> {
        let q = self.split(self.q.forward(x.clone()));
        let k = self.split(self.k.forward(x.clone()));
        let v = self.split(self.v.forward(x));
        let bias = self.relative_attention_bias.forward(masked.buckets.clone()); // [1, 2 tokens - 1, heads]
        let bias = bias.squeeze_dim::<2>(0).transpose(); // [heads, 2 tokens - 1]
        self.o.forward(attention_biased(q, k, v, bias, masked.padding.clone()).flatten(2, 3))
    }

    /// `[batch, tokens, heads * d_kv]` to `[batch, tokens, heads, d_kv]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, tokens, inner] = x.dims();
        x.reshape([batch, tokens, self.heads, inner / self.heads])
    }
}
