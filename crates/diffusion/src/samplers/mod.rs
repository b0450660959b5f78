//! Samplers: from noise to data, one short function each.
//!
//! They share one form. `denoise(x_t, step)` answers which data the model sees in the latents at the start of `step`
//! (models answer otherwise; [`Prediction`](crate::Prediction) translates). `after_step(step, latents)` is called with
//! the latents at the end of each step; it returns those to go on with, or breaks with the error that the sampler then
//! returns. That one hook reports progress and cancels.
//!
//! What is known from the start is a `denoise` that answers it: see [`Levels::hold`](crate::Levels::hold).

mod ddim;
mod ddpm;
mod euler;
mod unipc;

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{Prediction, Schedule, Step};
pub use ddim::sample_ddim;
pub use ddpm::{Variance, sample_ddpm};
pub use euler::sample_euler;
pub use unipc::sample_unipc;

/// An `after_step` that changes nothing and never stops.
pub fn unobserved<const D: usize, E>(_: Step, latents: Tensor<D>) -> ControlFlow<E, Tensor<D>> {
    ControlFlow::Continue(latents)
}

/// The loop of every sampler: `advance` takes the latents over each step, `after_step` sees the result.
fn walk<const D: usize, E>(
    schedule: &Schedule,
    mut latents: Tensor<D>,
    mut after_step: impl FnMut(Step, Tensor<D>) -> ControlFlow<E, Tensor<D>>,
    mut advance: impl FnMut(Step, Tensor<D>) -> Result<Tensor<D>, E>,
) -> Result<Tensor<D>, E> {
    for step in schedule.steps() {
        match after_step(step, advance(step, latents)?) {
            ControlFlow::Continue(next) => latents = next,
            ControlFlow::Break(stopped) => return Err(stopped),
        }
    }
    Ok(latents)
}

/// The samplers by name, as users choose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// [`sample_euler`].
    Euler,
    /// [`sample_unipc`].
    UniPc,
    /// [`sample_ddpm`].
    Ddpm,
    /// [`sample_ddim`].
    Ddim,
}

impl Sampler {
    /// Every sampler.
    pub const ALL: [Self; 4] = [Self::Euler, Self::UniPc, Self::Ddpm, Self::Ddim];

    /// The name that [`FromStr`] and serde read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euler => "euler",
            Self::UniPc => "unipc",
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
        }
    }

    /// What the models answer that diffusers runs with this sampler.
    pub fn prediction(self) -> Prediction {
        match self {
            Self::Euler | Self::UniPc => Prediction::Velocity,
            Self::Ddpm | Self::Ddim => Prediction::Epsilon,
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Sampler {
    type Err = UnknownSampler;

    fn from_str(name: &str) -> Result<Self, UnknownSampler> {
        Self::ALL
            .into_iter()
            .find(|sampler| sampler.name() == name)
            .ok_or_else(|| UnknownSampler(name.to_owned()))
    }
}

/// No sampler has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown sampler '{0}': expected one of {names}", names = Sampler::ALL.map(Sampler::name).join(", "))]
pub struct UnknownSampler(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for sampler in Sampler::ALL {
            assert_eq!(sampler.name().parse::<Sampler>().unwrap(), sampler);
            assert_eq!(serde_json::to_value(sampler).unwrap(), sampler.name());
        }
        let message = "heun".parse::<Sampler>().unwrap_err().to_string();
        assert!(message.contains("'heun'") && message.contains("unipc"), "{message}");
    }
}
