//! The flags of `kinora train judge`.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{error::Result, run_args::RunArgs, setting};

/// How long to train, and on how much at a time.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeArgs {
    /// Frames of a batch: as many lessons as that makes
    #[arg(long, default_value_t = Self::default().batch_frames)]
    pub batch_frames: usize,
    /// Lessons to evaluate on
    #[arg(long, default_value_t = Self::default().evaluate_lessons)]
    pub evaluate_lessons: usize,
    /// From the beginning mostly whole clips, for networks that know things already: parts, which show more of them, come
    /// first otherwise
    #[arg(long)]
    #[serde(default)]
    pub whole_clips: bool,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for JudgeArgs {
    fn default() -> Self {
        Self { batch_frames: 70, evaluate_lessons: 96, whole_clips: false, run: RunArgs::default() }
    }
}

impl JudgeArgs {
    /// Checks each setting by itself.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        setting::count("--batch-frames", self.batch_frames as u64)?;
        setting::count("--evaluate-lessons", self.evaluate_lessons as u64)
    }
}
