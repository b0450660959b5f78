//! What conditions the denoiser: timestep and text (`WanTimeTextImageEmbedding`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, gelu_tanh, silu};

use super::{image::ImageEmbedding, pooled::PooledText, transformer_config::WanTransformer3dConfig};

/// The slowest sinusoid turns once in this many timesteps, over 2 pi.
const MAX_PERIOD: f32 = 10_000.0;

/// The embedded timestep, as the blocks read it.
#[derive(Debug)]
pub(super) struct Condition {
    /// `[batch, groups, dim]`
    pub time: Tensor<3>,
    /// `[batch, groups, 6, dim]`: shift, scale and gate of the self-attention, then of the
    /// feed-forward layer.
    pub modulation: Tensor<4>,
}

#[derive(Module, Debug)]
pub(super) struct ConditionEmbedder {
    time_embedder: Mlp,
    time_proj: Linear,
    text_embedder: Mlp,
    pooled_text: Option<PooledText>,
    image_embedder: Option<ImageEmbedding>,
    freq_dim: usize,
}

nn::pack_parts!(ConditionEmbedder { time_embedder, time_proj, text_embedder, pooled_text, image_embedder });

impl ConditionEmbedder {
    pub fn new(config: &WanTransformer3dConfig, device: &Device) -> Self {
        let dim = config.dim();
        Self {
            time_embedder: Mlp::new(config.freq_dim, dim, device),
            time_proj: Linear::new(dim, 6 * dim, true, device),
            text_embedder: Mlp::new(config.text_dim, dim, device),
            pooled_text: config.pooled_text.then(|| PooledText::new(dim, device)),
            image_embedder: config
                .image_dim
                .map(|image| ImageEmbedding::new(image, dim, config.pos_embed_seq_len, device)),
            freq_dim: config.freq_dim,
        }
    }

    /// Of `timestep`, `[batch, groups]`, and what [`pool_text`](Self::pool_text) made of a text.
    pub fn forward(&self, timestep: Tensor<2>, pooled: Option<Tensor<3>>) -> Condition {
        let [batch, groups] = timestep.dims();
        let time = self.time_embedder.forward(sinusoids(timestep, self.freq_dim), silu); // [batch, groups, dim]
        let time = match pooled {
            Some(pooled) => time + pooled,
            None => time,
        };
        let modulation = self.time_proj.forward(silu(time.clone())); // [batch, groups, 6 * dim]
        let [.., dim] = time.dims();
        Condition { time, modulation: modulation.reshape([batch, groups, 6, dim]) }
    }

    /// What all of an embedded text says, `[batch, 1, dim]`, in models that ask for it.
    pub fn pool_text(&self, context: &Tensor<3>) -> Option<Tensor<3>> {
        self.pooled_text.as_ref().map(|pooled| pooled.forward(context.clone()))
    }

    /// Features of pictures, `[batch, image_tokens, image_dim]`, as `[batch, image_tokens, dim]`, in models that look at them.
    pub fn embed_image(&self, features: Tensor<3>) -> Option<Tensor<3>> {
        self.image_embedder.as_ref().map(|embedder| embedder.forward(features))
    }

    /// A text, `[batch, text_tokens, text_dim]`, as `[batch, text_tokens, dim]`.
    pub fn embed_text(&self, context: Tensor<3>) -> Tensor<3> {
        self.text_embedder.forward(context, gelu_tanh)
    }
}

/// Two linear layers with an activation between them.
#[derive(Module, Debug)]
struct Mlp {
    linear_1: Linear,
    linear_2: Linear,
}

nn::pack_parts!(Mlp { linear_1, linear_2 });

impl Mlp {
    fn new(inputs: usize, dim: usize, device: &Device) -> Self {
        Self {
            linear_1: Linear::new(inputs, dim, true, device),
            linear_2: Linear::new(dim, dim, true, device),
        }
    }

    fn forward(&self, x: Tensor<3>, activation: fn(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        self.linear_2.forward(activation(self.linear_1.forward(x)))
    }
}

/// `[batch, groups]` to `[batch, groups, freq_dim]`: cosines, then sines (Vaswani et al. 2017).
fn sinusoids(timestep: Tensor<2>, freq_dim: usize) -> Tensor<3> {
    let half = freq_dim / 2;
    let frequencies =
        (0..half).map(|i| (-MAX_PERIOD.ln() * i as f32 / half as f32).exp()).collect::<Vec<_>>();
    let frequencies = Tensor::<1>::from_floats(frequencies.as_slice(), &timestep.device());
    let angles = timestep.unsqueeze_dim::<3>(2) * frequencies.reshape([1, 1, half]);
    Tensor::cat(vec![angles.clone().cos(), angles.sin()], 2)
}

/// The rows of a learnt table plus what the timestep says: `table` is `[1, N, dim]`, `time`
/// `[batch, groups, N or 1, dim]`, each result `[batch, groups, dim]`.
pub(super) fn table_rows<const N: usize>(table: Tensor<3>, time: Tensor<4>) -> [Tensor<3>; N] {
    let rows = time + table.unsqueeze_dim::<4>(1); // [batch, groups, N, dim]
    std::array::from_fn(|row| rows.clone().narrow(2, row, 1).squeeze_dim(2))
}
