//! The text encoder: UMT5 (Chung et al. 2023; `UMT5EncoderModel` in transformers).
//!
//! ```text
//! ids ─ embedding ─► (norm, attention with a learnt bias by distance, norm, gated GELU) × n ─ norm ─►
//! ```

mod attention;
mod block;
mod config;
mod first_biases;
#[cfg(test)]
mod tests;

use std::iter::repeat_n;

use burn::{
    module::{Module, Param},
    tensor::{Device, Int, Tensor, TensorData, module, ops::PadMode},
};
use nn::{Packing, RmsNorm};

pub use config::Umt5Config;

use self::{attention::Masked, block::Umt5Block};
use crate::{
    ModelConfig, Result,
    init::{self, Start},
    weights::{Checkpoint, Naming, Weights},
};

/// `UMT5EncoderModel`.
#[derive(Module, Debug)]
pub struct Umt5Encoder {
    shared: Embedding,
    encoder: Umt5Stack,
    #[module(skip)]
    config: Umt5Config,
}

nn::pack_parts!(Umt5Encoder { encoder });

#[derive(Module, Debug)]
struct Umt5Stack {
    block: Vec<Umt5Block>,
    final_layer_norm: RmsNorm,
}

nn::pack_parts!(Umt5Stack { block });

impl Umt5Encoder {
    /// A model of zeros; [`init_weights`](Self::init_weights) or a checkpoint fills it.
    pub fn new(config: &Umt5Config, device: &Device) -> Result<Self> {
        config.check()?;
        Ok(Self {
            shared: Embedding::new(config.vocab_size, config.d_model, device),
            encoder: Umt5Stack {
                block: (0..config.num_layers).map(|_| Umt5Block::new(config, device)).collect(),
                final_layer_norm: RmsNorm::new(config.d_model, config.layer_norm_epsilon, device),
            },
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &Umt5Config {
        &self.config
    }

    /// The features of every token, `[batch, tokens, d_model]`.
    ///
    /// `input_ids` is `[batch, tokens]`, each below `vocab_size`; `mask` is `[batch, tokens]`, 1 for
    /// a token and 0 for padding, which no token attends to.
    pub fn forward(&self, input_ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<3> {
        let [_, tokens] = input_ids.dims();
        let masked = Masked::new(&self.config, tokens, mask);
        let mut x = self.shared.forward(input_ids); // [batch, tokens, d_model]
        for block in &self.encoder.block {
            x = block.forward(x, &masked);
        }
        self.encoder.final_layer_norm.forward(x)
    }

    /// The features of prompts as Wan hands them to the denoiser: `[prompts, length, d_model]`, zeros behind a
    /// prompt's last token. `prompts` are ids below `vocab_size`, without padding and no more than `length` of each.
    ///
    /// No token attends to padding, so no more of it is encoded than makes all prompts as long as the longest.
    pub fn context(&self, prompts: &[Vec<usize>], length: usize, device: &Device) -> Tensor<3> {
        let batch = Batch::new(&self.config, prompts, device);
        let features = self.forward(batch.ids.clone(), batch.mask.clone());
        batch.context(features, length)
    }

    /// [`context`](Self::context) of the encoder that `weights` would make of this one, packed if that is asked for,
    /// with no more than one of its layers in memory: each is read when it is needed, and is gone after it.
    ///
    /// Fails if the weights cannot be read.
    pub fn context_from(
        self,
        weights: &mut Weights<'_>,
        packing: Option<Packing>,
        prompts: &[Vec<usize>],
        length: usize,
        device: &Device,
    ) -> Result<Tensor<3>> {
        let Batch { ids, mask } = Batch::new(&self.config, prompts, device);
        let [count, tokens] = ids.dims();
        let rows: Vec<i64> =
            ids.clone().into_data().convert::<i64>().try_into_vec().expect("converted to i64");
        let rows: Vec<usize> = rows.into_iter().map(|id| id as usize).collect();
        let embedded = weights.rows("shared.weight", &rows, self.config.d_model)?;
        let shape = [count, tokens, self.config.d_model];
        let mut x = Tensor::<3>::from_data(TensorData::new(embedded, shape), device);

        let masked = Masked::new(&self.config, tokens, mask.clone());
        for (index, block) in self.encoder.block.into_iter().enumerate() {
            let path = format!("encoder.block.{index}");
            x = weights.fill_as(block, &path, packing)?.forward(x, &masked);
        }
        let norm = weights.fill(self.encoder.final_layer_norm, "encoder.final_layer_norm")?;
        Ok(Batch { ids, mask }.context(norm.forward(x), length))
    }

    /// First weights as in transformers (after Mesh TensorFlow): attention scores are not scaled, so
    /// queries start smaller. Only the biases of the attention start as windows on neighbouring words.
    pub fn init_weights(self, seed: u64) -> Self {
        let config = self.config.clone();
        let Umt5Config { d_model, d_kv, d_ff, num_heads, initializer_factor, .. } = config;
        let normal = |variance: usize| Start::Normal(initializer_factor / (variance as f64).sqrt());
        let layer = |key: &str| key.split('.').find_map(|part| part.parse::<usize>().ok()).unwrap_or(0);
        init::fill(self, seed, |key, _| match key.rsplit('.').nth(1) {
            Some("relative_attention_bias") => Start::Given(first_biases::first_biases(layer(key), &config)),
            Some("shared") => normal(1),
            Some("q") => normal(d_model * d_kv),
            Some("o") => normal(num_heads * d_kv),
            Some("wo") => normal(d_ff),
            Some("layer_norm" | "final_layer_norm") => Start::Constant(initializer_factor as f32),
            _ => normal(d_model),
        })
    }
}

/// Prompts of one length, which is that of the longest.
struct Batch {
    ids: Tensor<2, Int>, // [prompts, tokens]
    mask: Tensor<2>,     // 1 for a token, 0 for padding
}

impl Batch {
    fn new(config: &Umt5Config, prompts: &[Vec<usize>], device: &Device) -> Self {
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let pads = |prompt: &Vec<usize>| longest - prompt.len();
        let ids = prompts.iter().flat_map(|prompt| {
            prompt.iter().copied().chain(repeat_n(config.pad_token_id, pads(prompt))).map(|id| id as i64)
        });
        let mask = prompts
            .iter()
            .flat_map(|prompt| repeat_n(1.0_f32, prompt.len()).chain(repeat_n(0.0, pads(prompt))));
        let shape = [prompts.len(), longest];
        let ids = TensorData::new(ids.collect::<Vec<_>>(), shape);
        let mask = TensorData::new(mask.collect::<Vec<_>>(), shape);
        Self { ids: Tensor::from_data(ids, device), mask: Tensor::from_data(mask, device) }
    }

    /// Features `[prompts, tokens, d_model]` as Wan hands them on: `[prompts, length, d_model]`, zeros behind a prompt.
    fn context(self, features: Tensor<3>, length: usize) -> Tensor<3> {
        let [_, tokens] = self.mask.dims();
        let features = features * self.mask.unsqueeze_dim::<3>(2);
        features.pad([(0, length - tokens), (0, 0)], PadMode::Constant(0.0))
    }
}

impl Checkpoint for Umt5Encoder {
    const NAMING: Naming = Naming::TRANSFORMERS;

    fn key(&self, path: &str) -> String {
        path.replace(".attention.", ".layer.0.SelfAttention.")
            .replace(".attention_norm.", ".layer.0.layer_norm.")
            .replace(".feed_forward.", ".layer.1.DenseReluDense.")
            .replace(".feed_forward_norm.", ".layer.1.layer_norm.")
    }

    fn copies(key: &str) -> &'static [&'static str] {
        if key == "shared.weight" { &["encoder.embed_tokens.weight"] } else { &[] }
    }
}

/// A table with a row for every id.
#[derive(Module, Debug)]
struct Embedding {
    weight: Param<Tensor<2>>, // [rows, features]
}

impl Embedding {
    fn new(rows: usize, features: usize, device: &Device) -> Self {
        Self { weight: nn::zeros([rows, features], device) }
    }

    /// `[a, b]` to `[a, b, features]`.
    fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        module::embedding(self.weight.val(), ids)
    }
}
