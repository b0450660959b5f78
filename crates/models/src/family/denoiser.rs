//! Denoisers of any family.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use nn::{Pack, Packing};

use super::{PartConfig, checked, filled};
use crate::{
    ModelConfig, Result,
    wan::{WanText, WanTransformer3d, WanTransformer3dConfig},
    weights::{Naming, Source},
};

/// Values of a token that are alive at once in a block of Wan's denoiser, besides the hidden features of its
/// feed-forward layer: with the kernels of this program, which write a layer's activation and gate as they come; and with
/// burn's operations, which have the hidden features twice, before and after the activation.
const TOKEN_ALIVE: usize = 4;
const TOKEN_ALIVE_IN_BURN: usize = 8;

/// What a denoiser is, as its `config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub enum DenoiserConfig {
    /// Wan's.
    Wan(WanTransformer3dConfig),
}

/// A denoiser with its weights.
#[derive(Debug)]
pub enum Denoiser {
    /// Wan's.
    Wan(WanTransformer3d),
}

/// What a denoiser looks at of a text.
#[derive(Clone, Debug)]
pub enum Text {
    /// Wan's.
    Wan(WanText),
}

impl DenoiserConfig {
    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    ///
    /// # Errors
    /// Text that is no configuration, or that of a class that is not served.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        WanTransformer3dConfig::from_json(path, text).map(Self::Wan)
    }

    /// Channels of the latents that go in and of what comes out.
    pub fn channels(&self) -> [usize; 2] {
        let Self::Wan(config) = self;
        [config.latent_channels(), config.out_channels]
    }

    /// Channels that go in behind the latents and are none.
    pub fn shown_channels(&self) -> usize {
        let Self::Wan(config) = self;
        config.shown_channels
    }

    /// Whether each channel of the latents is a fine one: preconditioned, with a `data_std`. Empty for models that have none.
    pub fn fine_channels(&self) -> Vec<bool> {
        let Self::Wan(config) = self;
        config.data_std.iter().map(Option::is_some).collect()
    }

    /// Features of a token of the context.
    pub fn context_dim(&self) -> usize {
        let Self::Wan(config) = self;
        config.text_dim
    }

    /// Features of the image encoder whose pictures it looks at, in models of image to video that have one; and for how many
    /// tokens of all pictures together it has positions, where it tells the first frame from the last.
    pub fn pictures(&self) -> Option<(usize, Option<usize>)> {
        let Self::Wan(config) = self;
        config.image_dim.map(|dim| (dim, config.pos_embed_seq_len))
    }

    /// Latent frames, rows and columns that make one token.
    pub fn patch_size(&self) -> [usize; 3] {
        let Self::Wan(config) = self;
        config.patch_size
    }

    /// Blocks, one behind the other.
    pub fn num_layers(&self) -> usize {
        let Self::Wan(config) = self;
        config.num_layers
    }

    /// The same with other many blocks.
    #[must_use]
    pub fn with_layers(&self, num_layers: usize) -> Self {
        let Self::Wan(config) = self;
        Self::Wan(WanTransformer3dConfig { num_layers, ..config.clone() })
    }

    /// A denoiser of zeros, packed if that is asked for: to measure how long it takes.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn zeros(&self, packing: Option<Packing>, device: &Device) -> Result<Denoiser> {
        let Self::Wan(config) = self;
        let mut model = WanTransformer3d::new(config, device)?;
        packing.into_iter().for_each(|packing| model.pack(packing));
        Ok(Denoiser::Wan(model))
    }

    /// The most tokens along one axis.
    pub fn reach(&self) -> usize {
        let Self::Wan(config) = self;
        config.rope_max_seq_len
    }

    /// Tokens along time, height and width for latents of `[frames, height, width]`.
    ///
    /// # Errors
    /// Latents that cannot be cut into patches, or reach beyond the positions.
    pub fn token_grid(&self, latents: [usize; 3]) -> Result<[usize; 3]> {
        let Self::Wan(config) = self;
        config.token_grid(latents)
    }

    /// About how many bytes one call takes besides the weights, which are packed or not.
    pub fn activation_bytes(&self, token_grid: [usize; 3], packed: bool) -> usize {
        let Self::Wan(config) = self;
        let of_a_token = match packed {
            true => config.ffn_dim + TOKEN_ALIVE * config.dim(),
            false => 2 * config.ffn_dim + TOKEN_ALIVE_IN_BURN * config.dim(),
        };
        token_grid.iter().fold(size_of::<f32>() * of_a_token, |bytes, &tokens| bytes.saturating_mul(tokens))
    }

    /// Bytes of what [`Denoiser::read`] keeps of a text of so many tokens; packed, it is in 16 bits.
    pub fn text_bytes(&self, tokens: usize, packed: bool) -> usize {
        let Self::Wan(config) = self;
        let keys_and_values = 2 * config.num_layers * config.dim();
        let bytes = if packed { 2 } else { size_of::<f32>() };
        [tokens, bytes].iter().fold(keys_and_values, |product, &factor| product.saturating_mul(factor))
    }

    /// Values of the largest tensor among the weights.
    pub fn largest_tensor(&self) -> u64 {
        let Self::Wan(config) = self;
        (config.dim() as u64).saturating_mul(config.ffn_dim as u64)
    }

    /// The part with its weights, packed as they are read if that is asked for.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load(&self, source: Source<'_>, packing: Option<Packing>, device: &Device) -> Result<Denoiser> {
        let Self::Wan(config) = self;
        filled(WanTransformer3d::new(config, device)?, source, packing).map(Denoiser::Wan)
    }
}

impl PartConfig for DenoiserConfig {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn large_parameters(&self) -> f64 {
        let Self::Wan(config) = self;
        config.large_parameters()
    }

    fn check_weights(&self, source: Source<'_>) -> Result<()> {
        let Self::Wan(config) = self;
        checked(&WanTransformer3d::new(config, &Device::flex())?, source)
    }
}

impl Denoiser {
    /// What the denoiser looks at of a text, `[batch, tokens, context_dim]`, at every step.
    pub fn read(&self, context: Tensor<3>) -> Text {
        self.read_with_pictures(context, None)
    }

    /// The same beside features of pictures, `[batch, tokens, dim]`.
    pub fn read_with_pictures(&self, context: Tensor<3>, pictures: Option<Tensor<3>>) -> Text {
        let Self::Wan(model) = self;
        Text::Wan(model.read_with_pictures(context, pictures))
    }

    /// The model's answer to noisy latents; see [`WanTransformer3d::forward`] for the shapes.
    pub fn forward(&self, latents: Tensor<5>, timestep: Tensor<2>, text: &Text) -> Tensor<5> {
        let (Self::Wan(model), Text::Wan(text)) = (self, text);
        model.forward(latents, timestep, text)
    }
}
