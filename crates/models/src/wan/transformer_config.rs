//! `config.json` of the denoiser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Error, ModelConfig, Result,
    config::{diffusers_class, diffusers_header, require, require_positive, require_size},
};

const CLASS: &str = "WanTransformer3DModel";
/// The class of one with `data_std`, `neighbours`, `pooled_text`, `shown_channels` or `detail_channels`, which diffusers does not have.
const OWN_CLASS: &str = "KinoraTransformer3DModel";
/// Beyond it, products of sizes would overflow before the weights could be compared with them.
const LARGEST_DIM: usize = 1 << 48;
/// Details are for small models.
const MOST_DETAILS: usize = 1 << 12;
const QK_NORM: &str = "rms_norm_across_heads";

/// Configuration of `WanTransformer3DModel`; the default is Wan 2.1 with 14 B parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WanTransformer3dConfig {
    /// Latent frames, rows and columns that make one token.
    pub patch_size: [usize; 3],
    /// Heads of every attention.
    pub num_attention_heads: usize,
    /// Features of a head; `num_attention_heads * attention_head_dim` is the model's dimension.
    pub attention_head_dim: usize,
    /// Channels of the latents.
    pub in_channels: usize,
    /// Channels of the velocity.
    pub out_channels: usize,
    /// Features of the text encoder's output.
    pub text_dim: usize,
    /// Features of the sinusoidal timestep embedding.
    pub freq_dim: usize,
    /// Hidden features of the feed-forward layers.
    pub ffn_dim: usize,
    /// Transformer blocks.
    pub num_layers: usize,
    /// Whether a layer norm stands before the cross-attention.
    pub cross_attn_norm: bool,
    /// How queries and keys are normed: `rms_norm_across_heads`.
    pub qk_norm: Option<String>,
    /// Added to the variance in every norm.
    pub eps: f64,
    /// Features of the image encoder of an image-to-video variant (Wan 2.1).
    pub image_dim: Option<usize>,
    /// Features of the image keys and values of an image-to-video variant.
    pub added_kv_proj_dim: Option<usize>,
    /// The most tokens along one axis.
    pub rope_max_seq_len: usize,
    /// Tokens of the pictures of an image-to-video variant that tells two of them apart, the first frame and the last.
    pub pos_embed_seq_len: Option<usize>,
    /// The standard deviation of each channel of the latents, null for those in which the network answers the velocity
    /// itself; empty for Wan's. With it the class is `KinoraTransformer3DModel`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_std: Vec<Option<f64>>,
    /// Whether each block is told of the tokens at the same place one frame before and one behind. With it the class is
    /// `KinoraTransformer3DModel`, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub neighbours: bool,
    /// Whether all of the text is added to the embedded timestep. With it the class is `KinoraTransformer3DModel`, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pooled_text: bool,
    /// How many of the channels that come in, the last ones, show where things are ([`tracks`](crate::tracks)) and are no latents. With
    /// them the class is `KinoraTransformer3DModel`, too.
    #[serde(skip_serializing_if = "is_zero")]
    pub shown_channels: usize,
    /// Channels of the convolutions that say of single latents what their tokens do not; 0 is none. With
    /// them the class is `KinoraTransformer3DModel`, too.
    #[serde(skip_serializing_if = "is_zero")]
    pub detail_channels: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Default for WanTransformer3dConfig {
    fn default() -> Self {
        Self {
            patch_size: [1, 2, 2],
            num_attention_heads: 40,
            attention_head_dim: 128,
            in_channels: 16,
            out_channels: 16,
            text_dim: 4096,
            freq_dim: 256,
            ffn_dim: 13824,
            num_layers: 40,
            cross_attn_norm: true,
            qk_norm: Some(QK_NORM.to_owned()),
            eps: 1e-6,
            image_dim: None,
            added_kv_proj_dim: None,
            rope_max_seq_len: 1024,
            pos_embed_seq_len: None,
            data_std: Vec::new(),
            neighbours: false,
            pooled_text: false,
            shown_channels: 0,
            detail_channels: 0,
        }
    }
}

impl WanTransformer3dConfig {
    /// About how many parameters a model of these sizes has, without building it: patches, embedders, and in each layer
    /// two attentions and a feed-forward layer. A few biases, norms and tables come on top.
    pub fn large_parameters(&self) -> f64 {
        let Self { in_channels, out_channels, text_dim, freq_dim, ffn_dim, num_layers, .. } = self;
        let [inputs, outputs, text, frequencies, hidden, layers] =
            [in_channels, out_channels, text_dim, freq_dim, ffn_dim, num_layers].map(|&size| size as f64);
        let dim = self.num_attention_heads as f64 * self.attention_head_dim as f64;
        let patch = self.patch_size.iter().map(|&side| side as f64).product::<f64>();
        let matrices = if self.neighbours { 10.0 } else { 8.0 };
        dim * (patch * (inputs + outputs) + text + frequencies + 8.0 * dim)
            + layers * dim * (matrices * dim + 2.0 * hidden)
    }

    /// Whether diffusers has a class of such models.
    pub fn is_diffusers(&self) -> bool {
        let is_wide = self.shown_channels > 0 || self.detail_channels > 0;
        self.data_std.is_empty() && !self.neighbours && !self.pooled_text && !is_wide
    }

    /// Channels that come in and are latents, or stand beside them in models of image to video.
    pub fn latent_channels(&self) -> usize {
        self.in_channels - self.shown_channels
    }

    /// Numbers that the network says of each latent: the velocity, or an answer and a gate for each of its channels.
    pub(super) fn answers(&self) -> usize {
        if self.data_std.is_empty() { self.out_channels } else { 2 * self.out_channels }
    }

    /// Features of a token.
    pub fn dim(&self) -> usize {
        self.num_attention_heads * self.attention_head_dim
    }

    /// Tokens along time, height and width for latents of `[frames, height, width]`.
    ///
    /// Fails if the latents cannot be cut into patches or reach beyond the rotary positions.
    pub fn token_grid(&self, latents: [usize; 3]) -> Result<[usize; 3]> {
        let error = |expected: String| Error::Input {
            class: CLASS,
            what: "the size of the latents [frames, height, width]",
            expected,
            found: format!("{latents:?}"),
        };
        if (0..3).any(|axis| latents[axis] == 0 || !latents[axis].is_multiple_of(self.patch_size[axis])) {
            return Err(error(format!("multiples of the patch size {:?}", self.patch_size)));
        }
        let grid = self.patches(latents);
        if grid.iter().any(|&tokens| tokens > self.rope_max_seq_len) {
            return Err(error(format!("at most {} patches on each axis", self.rope_max_seq_len)));
        }
        Ok(grid)
    }

    /// [`token_grid`](Self::token_grid) of a size that has been checked.
    pub(super) fn patches(&self, [frames, height, width]: [usize; 3]) -> [usize; 3] {
        let [pt, ph, pw] = self.patch_size;
        [frames / pt, height / ph, width / pw]
    }
}

impl ModelConfig for WanTransformer3dConfig {
    const CLASS: &'static str = CLASS;

    fn class(&self) -> &'static str {
        if self.is_diffusers() { CLASS } else { OWN_CLASS }
    }

    fn header(&self) -> Vec<(&'static str, Value)> {
        diffusers_header(self.class())
    }

    fn class_in(json: &Map<String, Value>) -> Option<String> {
        diffusers_class(json)
    }

    fn check(&self) -> Result<()> {
        let positive: [(&'static str, usize); 9] = [
            ("patch_size", self.patch_size.into_iter().fold(1, usize::saturating_mul)),
            ("num_attention_heads", self.num_attention_heads),
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("text_dim", self.text_dim),
            ("freq_dim", self.freq_dim),
            ("ffn_dim", self.ffn_dim),
            ("num_layers", self.num_layers),
            ("rope_max_seq_len", self.rope_max_seq_len),
        ];
        for (field, value) in positive {
            require_size(CLASS, field, value)?;
        }
        let head_dim = self.attention_head_dim;
        let even = "an even number: rotary embedding and sinusoids pair features up";
        require(CLASS, "attention_head_dim", head_dim, even, head_dim > 0 && head_dim.is_multiple_of(2))?;
        require(CLASS, "freq_dim", self.freq_dim, even, self.freq_dim.is_multiple_of(2))?;
        let dim = self.num_attention_heads.checked_mul(head_dim).filter(|&dim| dim <= LARGEST_DIM);
        let least = format!("such that all heads together have at most {LARGEST_DIM} features");
        require(CLASS, "attention_head_dim", head_dim, least, dim.is_some())?;
        require_positive(CLASS, "eps", self.eps)?;
        let (planes, most) = (self.shown_channels, self.in_channels - 1);
        require(
            CLASS,
            "shown_channels",
            planes,
            format!("fewer than `in_channels`: at most {most}"),
            planes <= most,
        )?;
        let most = format!("0 for none, or at most {MOST_DETAILS}");
        let details = self.detail_channels;
        require(CLASS, "detail_channels", details, most, details <= MOST_DETAILS)?;
        let (stds, channels) = (self.data_std.len(), self.latent_channels());
        let each = format!("none, or one for each of {channels} channels, of as many that come out");
        let fits = stds == 0 || (stds == channels && channels == self.out_channels);
        require(CLASS, "data_std", stds, each, fits)?;
        self.data_std.iter().flatten().try_for_each(|&std| require_positive(CLASS, "data_std", std))?;
        let normed = self.qk_norm.as_deref() == Some(QK_NORM);
        require(CLASS, "qk_norm", &self.qk_norm, format!("{QK_NORM:?}"), normed)?;
        let (image, added) = (self.image_dim, self.added_kv_proj_dim);
        image.map_or(Ok(()), |dim| require_size(CLASS, "image_dim", dim))?;
        let expected = format!("{:?}, as `image_dim` is {image:?}", image.map(|_| self.dim()));
        require(CLASS, "added_kv_proj_dim", added, expected, added == image.map(|_| self.dim()))?;
        let Some(tokens) = self.pos_embed_seq_len else { return Ok(()) };
        require_size(CLASS, "pos_embed_seq_len", tokens)?;
        let expected = "null without `image_dim`, or else an even number: tokens of two pictures";
        let fits = image.is_some() && tokens.is_multiple_of(2);
        require(CLASS, "pos_embed_seq_len", tokens, expected, fits)
    }
}
