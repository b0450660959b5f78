//! `config.json` of the text encoder.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Error, ModelConfig, Result,
    config::{require, require_finite, require_positive, require_size},
};

const CLASS: &str = "UMT5EncoderModel";

/// Configuration of `UMT5EncoderModel`; the default is that of transformers (`umt5-small`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Umt5Config {
    /// Ids of the tokenizer.
    pub vocab_size: usize,
    /// Features of a token.
    pub d_model: usize,
    /// Features of a head.
    pub d_kv: usize,
    /// Hidden features of the feed-forward layers.
    pub d_ff: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads of every attention.
    pub num_heads: usize,
    /// Classes of distance between tokens, half of them for each direction.
    pub relative_attention_num_buckets: usize,
    /// From this distance on all tokens are in the last class.
    pub relative_attention_max_distance: usize,
    /// Drop-out when transformers trains the model; not applied here.
    pub dropout_rate: f64,
    /// Added to the mean square in every norm.
    pub layer_norm_epsilon: f64,
    /// Factor of the first weights.
    pub initializer_factor: f64,
    /// The feed-forward layer: `gated-gelu`.
    pub feed_forward_proj: String,
    /// The id of padding.
    pub pad_token_id: usize,
    /// The id that ends a text.
    pub eos_token_id: usize,
}

impl Default for Umt5Config {
    fn default() -> Self {
        Self {
            vocab_size: 250_112,
            d_model: 512,
            d_kv: 64,
            d_ff: 1024,
            num_layers: 8,
            num_heads: 6,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            dropout_rate: 0.1,
            layer_norm_epsilon: 1e-6,
            initializer_factor: 1.0,
            feed_forward_proj: "gated-gelu".to_owned(),
            pad_token_id: 0,
            eos_token_id: 1,
        }
    }
}

impl Umt5Config {
    /// About how many parameters a model of these sizes has, without building it: those of the large matrices. A few
    /// norms come on top.
    pub fn large_parameters(&self) -> f64 {
        let Self { vocab_size, d_model, d_kv, d_ff, num_layers, num_heads, .. } = self;
        let [vocabulary, dim, head, hidden, layers, heads] =
            [vocab_size, d_model, d_kv, d_ff, num_layers, num_heads].map(|&size| size as f64);
        let buckets = self.relative_attention_num_buckets as f64;
        vocabulary * dim + layers * (4.0 * dim * heads * head + 3.0 * dim * hidden + buckets * heads)
    }

    /// Fails if an id is beyond the vocabulary.
    pub fn check_ids(&self, ids: &[usize]) -> Result<()> {
        match ids.iter().find(|&&id| id >= self.vocab_size) {
            None => Ok(()),
            Some(id) => Err(Error::Input {
                class: CLASS,
                what: "a token id",
                expected: format!(
                    "less than `vocab_size` {}: tokenizer and text encoder must match",
                    self.vocab_size
                ),
                found: id.to_string(),
            }),
        }
    }
}

impl ModelConfig for Umt5Config {
    const CLASS: &'static str = CLASS;

    fn header(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("architectures", json!([CLASS])),
            ("model_type", "umt5".into()),
            ("is_encoder_decoder", true.into()),
        ]
    }

    fn class_in(json: &Map<String, Value>) -> Option<String> {
        json.get("architectures")?.as_array()?.first()?.as_str().map(str::to_owned)
    }

    fn check(&self) -> Result<()> {
        let positive: [(&'static str, usize); 8] = [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("d_kv", self.d_kv),
            ("d_ff", self.d_ff),
            ("num_layers", self.num_layers),
            ("num_heads", self.num_heads),
            ("relative_attention_num_buckets", self.relative_attention_num_buckets),
            ("relative_attention_max_distance", self.relative_attention_max_distance),
        ];
        for (field, value) in positive {
            require_size(CLASS, field, value)?;
        }
        let padding = "less than `vocab_size`";
        require(CLASS, "pad_token_id", self.pad_token_id, padding, self.pad_token_id < self.vocab_size)?;
        let gated = "\"gated-gelu\", which every published UMT5 has";
        let activation = &self.feed_forward_proj;
        require(CLASS, "feed_forward_proj", activation, gated, activation == "gated-gelu")?;
        let buckets = self.relative_attention_num_buckets;
        let fourfold = "a multiple of 4: two directions, near and far";
        require(
            CLASS,
            "relative_attention_num_buckets",
            buckets,
            fourfold,
            buckets > 0 && buckets.is_multiple_of(4),
        )?;
        let far = self.relative_attention_max_distance;
        let beyond = format!("more than {}, where the near distances end", buckets / 4);
        require(CLASS, "relative_attention_max_distance", far, beyond, far > buckets / 4)?;
        require_finite(CLASS, "dropout_rate", self.dropout_rate)?;
        require_finite(CLASS, "initializer_factor", self.initializer_factor)?;
        require_positive(CLASS, "layer_norm_epsilon", self.layer_norm_epsilon)
    }
}
