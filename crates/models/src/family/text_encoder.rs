//! Text encoders of any family.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use nn::Packing;

use super::{PartConfig, checked, filled};
use crate::{
    ModelConfig, Result,
    umt5::{Umt5Config, Umt5Encoder},
    weights::{Naming, Source, Weights},
};

/// As many times are the attention scores of UMT5 in memory at once.
const SCORES_ALIVE: usize = 4;
/// Values of a token, in as many copies, that are alive at once in a layer of UMT5.
const TOKEN_ALIVE: usize = 8;

/// What a text encoder is, as its `config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub enum TextEncoderConfig {
    /// UMT5.
    Umt5(Umt5Config),
}

/// A text encoder with its weights.
#[derive(Debug)]
pub enum TextEncoder {
    /// UMT5.
    Umt5(Box<Umt5Encoder>),
}

impl TextEncoderConfig {
    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    ///
    /// # Errors
    /// Text that is no configuration, or that of a class that is not served.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        Umt5Config::from_json(path, text).map(Self::Umt5)
    }

    /// Features of a token.
    pub fn dim(&self) -> usize {
        let Self::Umt5(config) = self;
        config.d_model
    }

    /// Fails if an id is beyond the vocabulary.
    ///
    /// # Errors
    /// The first such id.
    pub fn check_ids(&self, ids: &[usize]) -> Result<()> {
        let Self::Umt5(config) = self;
        config.check_ids(ids)
    }

    /// Whether it takes more memory than all else, for a moment: such encoders are read layer by layer.
    pub fn is_large(&self) -> bool {
        const MANY_PARAMETERS: f64 = 1e8;
        self.large_parameters() >= MANY_PARAMETERS
    }

    /// About how many bytes reading `prompts` of so many tokens takes, besides the weights.
    pub fn activation_bytes(&self, prompts: usize, tokens: usize) -> usize {
        let Self::Umt5(config) = self;
        // Scores of every head, before and after the softmax, and what goes into them.
        let scores = SCORES_ALIVE * config.num_heads * tokens;
        let of_a_token = scores + 3 * config.d_ff + TOKEN_ALIVE * config.d_model;
        (size_of::<f32>() * prompts * tokens).saturating_mul(of_a_token)
    }

    /// Bytes of its largest layer, of so many for a weight, with one of its tensors as it was read.
    pub fn largest_layer(&self, bytes: u64) -> u64 {
        let Self::Umt5(config) = self;
        let inner = (config.num_heads * config.d_kv) as u64;
        let (dim, hidden) = (config.d_model as u64, config.d_ff as u64);
        bytes * (4 * dim * inner + 3 * dim * hidden) + 4 * dim * hidden.max(inner)
    }

    /// What [`TextEncoder::context`] would make of prompts, with no more than one layer of the weights in memory.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn context_streamed(
        &self,
        source: Source<'_>,
        packing: Option<Packing>,
        prompts: &[Vec<usize>],
        length: usize,
        device: &Device,
    ) -> Result<Tensor<3>> {
        let Self::Umt5(config) = self;
        let empty = Umt5Encoder::new(config, device)?;
        let mut weights = Weights::of(&empty, source)?;
        empty.context_from(&mut weights, packing, prompts, length, device)
    }

    /// The part with its weights, packed as they are read if that is asked for.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load(&self, source: Source<'_>, packing: Option<Packing>, device: &Device) -> Result<TextEncoder> {
        let Self::Umt5(config) = self;
        let encoder = filled(Umt5Encoder::new(config, device)?, source, packing)?;
        Ok(TextEncoder::Umt5(Box::new(encoder)))
    }
}

impl PartConfig for TextEncoderConfig {
    const NAMING: Naming = Naming::TRANSFORMERS;

    fn large_parameters(&self) -> f64 {
        let Self::Umt5(config) = self;
        config.large_parameters()
    }

    fn check_weights(&self, source: Source<'_>) -> Result<()> {
        let Self::Umt5(config) = self;
        checked(&Umt5Encoder::new(config, &Device::flex())?, source)
    }
}

impl TextEncoder {
    /// The features of prompts as denoisers read them: `[prompts, length, dim]`, zeros behind a prompt's last token.
    /// `prompts` are ids below the vocabulary's size, no more than `length` of each.
    pub fn context(&self, prompts: &[Vec<usize>], length: usize, device: &Device) -> Tensor<3> {
        let Self::Umt5(encoder) = self;
        encoder.context(prompts, length, device)
    }
}
