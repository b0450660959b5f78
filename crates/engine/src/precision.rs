//! How exactly the model computes.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The number format of the inputs of matrix products; sums are f32 always.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits: slower, for comparing with other implementations
    F32,
    /// 16 bits where the processor has such products, 32 elsewhere
    Bf16,
}

impl Precision {
    /// Runs `work` with products in this format.
    pub(crate) fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        let precision = match self {
            Self::F32 => nn::Precision::F32,
            Self::Bf16 => nn::Precision::Bf16,
        };
        nn::with_precision(precision, work)
    }
}

/// The name that flags and JSON have.
impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}
