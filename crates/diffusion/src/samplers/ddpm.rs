use std::ops::ControlFlow;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::walk;
use crate::{Schedule, Step};

/// The variance of DDPM's steps. Both are upper and lower bounds for some data (Ho et al. 2020, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// `beta`, best for data that is itself standard Gaussian (diffusers' `fixed_large`).
    Beta,
    /// `beta tilde`, best for data that is one point (diffusers' `fixed_small`).
    #[default]
    BetaTilde,
}

/// Ancestral sampling, Ho et al. 2020, Algorithm 2; with fewer steps than trained, over the strided process.
///
/// `noise` returns standard Gaussian noise of the latents' shape for a
/// step; it is not asked for a step that ends without noise. As diffusers' `DDPMScheduler` without clipping.
///
/// # Errors
/// Those of `denoise`, and the one with which `after_step` breaks.
pub fn sample_ddpm<const D: usize, E>(
    mut denoise: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
    latents: Tensor<D>,
    schedule: &Schedule,
    variance: Variance,
    mut noise: impl FnMut(Step) -> Tensor<D>,
    after_step: impl FnMut(Step, Tensor<D>) -> ControlFlow<E, Tensor<D>>,
) -> Result<Tensor<D>, E> {
    walk(schedule, latents, after_step, |step, x| {
        let denoised = denoise(x.clone(), step)?;
        let alpha_ts = step.alpha / step.alpha_next; // sqrt(1 - beta)
        let of_data = step.alpha_next * step.transition_variance() / step.sigma.powi(2);
        let of_x = alpha_ts * (step.sigma_next / step.sigma).powi(2);
        let mean = denoised * of_data + x * of_x; // eq. 7
        if step.sigma_next == 0.0 {
            return Ok(mean);
        }
        let variance = match variance {
            Variance::Beta => step.transition_variance(),
            Variance::BetaTilde => step.posterior_variance(),
        };
        Ok(mean + noise(step) * variance.sqrt())
    })
}
