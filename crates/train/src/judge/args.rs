//! The flags of `kinora train judge`.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{error::Result, run_args::RunArgs, setting};

/// How long to train, and on how much at a time.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeArgs {
    /// Lessons of a batch, each a frame
    #[arg(long, default_value_t = Self::default().batch_lessons)]
    pub batch_lessons: usize,
    /// Lessons to evaluate on
    #[arg(long, default_value_t = Self::default().evaluate_lessons)]
    pub evaluate_lessons: usize,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for JudgeArgs {
    fn default() -> Self {
        Self { batch_lessons: 16, evaluate_lessons: 128, run: RunArgs::default() }
    }
}

impl JudgeArgs {
    /// Checks each setting by itself.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        setting::count("--batch-lessons", self.batch_lessons as u64)?;
        setting::count("--evaluate-lessons", self.evaluate_lessons as u64)
    }
}
