//! The sizes of the text encoder.

use clap::Args;
use models::{umt5::Umt5Config, wan::MAX_SEQUENCE_LENGTH};
use serde::{Deserialize, Serialize};

use crate::{error::Result, setting};

/// How large the text encoder is, and how long its prompts are.
#[derive(Args, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSize {
    /// Features of a text token
    #[arg(long, default_value_t = Self::default().text_dim)]
    pub text_dim: usize,
    /// Layers of the text encoder
    #[arg(long, default_value_t = Self::default().text_layers)]
    pub text_layers: usize,
    /// Heads of the text encoder
    #[arg(long, default_value_t = Self::default().text_heads)]
    pub text_heads: usize,
    /// Tokens of every prompt, padding included
    #[arg(long, default_value_t = Self::default().max_sequence_length)]
    pub max_sequence_length: usize,
}

impl Default for TextSize {
    fn default() -> Self {
        Self { text_dim: 256, text_layers: 2, text_heads: 4, max_sequence_length: 48 }
    }
}

impl TextSize {
    /// The text encoder's configuration for so many ids.
    pub fn config(&self, vocab_size: usize) -> Umt5Config {
        Umt5Config {
            vocab_size,
            d_model: self.text_dim,
            d_kv: self.text_dim / self.text_heads.max(1),
            d_ff: 2 * self.text_dim,
            num_layers: self.text_layers,
            num_heads: self.text_heads,
            ..Umt5Config::default()
        }
    }

    /// Checks what the model's own check does not see.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let (length, heads) = (self.max_sequence_length, self.text_heads);
        let expected = format!("2 to {MAX_SEQUENCE_LENGTH}, the longest prompts of a Wan pipeline");
        setting::require(
            "--max-sequence-length",
            expected,
            length,
            (2..=MAX_SEQUENCE_LENGTH).contains(&length),
        )?;
        let fits = heads > 0 && self.text_dim.is_multiple_of(heads);
        setting::require("--text-heads", "a divisor of --text-dim", heads, fits)
    }
}
