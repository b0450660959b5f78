//! `config.json` of the image encoder.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    ModelConfig, Result,
    config::{require, require_positive, require_size},
};

const CLASS: &str = "CLIPVisionModel";

/// Configuration of `CLIPVisionModel`; the default is that of transformers (ViT-B/32).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClipVisionConfig {
    /// Features of a token.
    pub hidden_size: usize,
    /// Hidden features of the feed-forward layers.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of every attention.
    pub num_attention_heads: usize,
    /// Channels of a picture: 3.
    pub num_channels: usize,
    /// Sides of the picture that it sees, in pixels.
    pub image_size: usize,
    /// Sides of the squares that become tokens, in pixels.
    pub patch_size: usize,
    /// The activation of the feed-forward layers: `gelu` or `quick_gelu`.
    pub hidden_act: String,
    /// Added to the variance in every norm.
    pub layer_norm_eps: f64,
}

impl Default for ClipVisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 32,
            hidden_act: "quick_gelu".to_owned(),
            layer_norm_eps: 1e-5,
        }
    }
}

impl ClipVisionConfig {
    /// About how many parameters a model of these sizes has, without building it: those of the large matrices.
    pub fn large_parameters(&self) -> f64 {
        let Self { hidden_size, intermediate_size, num_hidden_layers, patch_size, .. } = self;
        let [dim, hidden, layers, patch] =
            [hidden_size, intermediate_size, num_hidden_layers, patch_size].map(|&size| size as f64);
        let tokens = self.tokens() as f64;
        dim * (3.0 * patch * patch + tokens) + layers * dim * (4.0 * dim + 2.0 * hidden)
    }

    /// Tokens of a picture: its squares, and one for all of it.
    pub fn tokens(&self) -> usize {
        1 + (self.image_size / self.patch_size).pow(2)
    }
}

impl ModelConfig for ClipVisionConfig {
    const CLASS: &'static str = CLASS;

    fn header(&self) -> Vec<(&'static str, Value)> {
        vec![("architectures", json!([CLASS])), ("model_type", "clip_vision_model".into())]
    }

    fn class_in(json: &Map<String, Value>) -> Option<String> {
        json.get("architectures")?.as_array()?.first()?.as_str().map(str::to_owned)
    }

    fn check(&self) -> Result<()> {
        let positive: [(&'static str, usize); 6] = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("image_size", self.image_size),
            ("patch_size", self.patch_size),
        ];
        for (field, value) in positive {
            require_size(CLASS, field, value)?;
        }
        require(CLASS, "num_channels", self.num_channels, "3", self.num_channels == 3)?;
        let (dim, heads) = (self.hidden_size, self.num_attention_heads);
        require(
            CLASS,
            "hidden_size",
            dim,
            format!("a multiple of the {heads} heads"),
            dim.is_multiple_of(heads),
        )?;
        let (side, patch) = (self.image_size, self.patch_size);
        let fits = side >= patch && side <= 1 << 12;
        require(CLASS, "image_size", side, format!("from the patch size {patch} to {}", 1 << 12), fits)?;
        let layers = self.num_hidden_layers;
        require(CLASS, "num_hidden_layers", layers, "2 or more: the last but one is read", layers > 1)?;
        let known = ["gelu", "quick_gelu"].contains(&self.hidden_act.as_str());
        require(CLASS, "hidden_act", &self.hidden_act, "\"gelu\" or \"quick_gelu\"", known)?;
        require_positive(CLASS, "layer_norm_eps", self.layer_norm_eps)
    }
}
