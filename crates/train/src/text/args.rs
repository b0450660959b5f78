//! The flags of `kinora train text`.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::TextSize;
use crate::{error::Result, run_args::RunArgs, setting};

/// What to train, on what, and how.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextArgs {
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub size: TextSize,
    /// Scenes whose captions are read; each is put into new words whenever it is drawn
    #[arg(long, default_value_t = Self::default().scenes)]
    pub scenes: usize,
    /// Captions of a batch
    #[arg(long, default_value_t = Self::default().batch_captions)]
    pub batch_captions: usize,
    /// Scenes of held-out combinations to evaluate on, with a caption in each language
    #[arg(long, default_value_t = Self::default().evaluate_scenes)]
    pub evaluate_scenes: usize,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for TextArgs {
    fn default() -> Self {
        Self {
            size: TextSize::default(),
            scenes: 20_000,
            batch_captions: 128,
            evaluate_scenes: 256,
            run: RunArgs::default(),
        }
    }
}

impl TextArgs {
    /// Checks what the model's own checks do not see.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        self.size.check()?;
        for (flag, count) in [
            ("--scenes", self.scenes),
            ("--batch-captions", self.batch_captions),
            ("--evaluate-scenes", self.evaluate_scenes),
        ] {
            setting::count(flag, count as u64)?;
        }
        Ok(())
    }
}
