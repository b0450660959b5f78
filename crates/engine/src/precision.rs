//! How exactly the model computes.

use clap::ValueEnum;
use nn::Packing;
use serde::{Deserialize, Serialize};

/// The number format of the inputs of matrix products; sums are f32 always.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits: slower, for comparing with other implementations
    F32,
    /// 16 bits
    Bf16,
    /// 8 bits in the blocks of the denoiser, 16 elsewhere: the fastest, and a quarter of the memory
    Int8,
}

impl Precision {
    /// What is computed in where this is asked for: kernels for less than 32 bits need AVX2; see [`nn::has_kernels`].
    pub fn computed_in(self) -> Self {
        if nn::has_kernels() { self } else { Self::F32 }
    }

    /// Runs `work` with products in this format.
    pub(crate) fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        let precision = match self.computed_in() {
            Self::F32 => nn::Precision::F32,
            Self::Bf16 | Self::Int8 => nn::Precision::Bf16,
        };
        nn::with_precision(precision, work)
    }

    /// How the weights of the denoiser's blocks are packed, if they are.
    pub(crate) fn packing(self) -> Option<Packing> {
        match self.computed_in() {
            Self::F32 => None,
            Self::Bf16 => Some(Packing::Bf16),
            Self::Int8 => Some(Packing::Int8),
        }
    }
}

/// The name that flags and JSON have.
impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}
