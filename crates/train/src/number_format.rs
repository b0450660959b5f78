//! The number formats that flags choose between.

use std::fmt;

use clap::ValueEnum;
use models::weights;
use serde::{Deserialize, Serialize};

/// The number format of products, or of exported weights.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// 32 bits
    F32,
    /// 16 bits; products have f32 sums, where the processor has such products
    Bf16,
}

impl fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl NumberFormat {
    /// Runs `work` with products in this format; their backward passes follow.
    pub fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        let precision = match self {
            Self::F32 => nn::Precision::F32,
            Self::Bf16 => nn::Precision::Bf16,
        };
        nn::with_precision(precision, work)
    }

    /// As a model is made videos with.
    pub(crate) fn generated(self) -> engine::Precision {
        match self {
            Self::F32 => engine::Precision::F32,
            Self::Bf16 => engine::Precision::Bf16,
        }
    }

    /// As weights are saved.
    pub(crate) fn saved(self) -> weights::Precision {
        match self {
            Self::F32 => weights::Precision::F32,
            Self::Bf16 => weights::Precision::Bf16,
        }
    }
}
