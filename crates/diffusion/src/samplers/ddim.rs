use std::ops::ControlFlow;

use burn::tensor::Tensor;

use super::walk;
use crate::{Schedule, Step};

/// DDIM (Song et al. 2021, eq. 12): deterministic at `eta` 0, as noisy as DDPM with `beta tilde` at `eta` 1.
///
/// `noise` returns standard Gaussian noise of the latents' shape for a
/// step; it is asked only where `eta` lets it count. As diffusers' `DDIMScheduler` without clipping.
///
/// # Errors
/// Those of `denoise`, and the one with which `after_step` breaks.
pub fn sample_ddim<const D: usize, E>(
    mut denoise: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
    latents: Tensor<D>,
    schedule: &Schedule,
    eta: f64,
    mut noise: impl FnMut(Step) -> Tensor<D>,
    after_step: impl FnMut(Step, Tensor<D>) -> ControlFlow<E, Tensor<D>>,
) -> Result<Tensor<D>, E> {
    walk(schedule, latents, after_step, |step, x| {
        let denoised = denoise(x.clone(), step)?;
        let eps = (x - denoised.clone() * step.alpha) / step.sigma;
        let fresh = eta * eta * step.posterior_variance();
        let kept = (step.sigma_next.powi(2) - fresh).max(0.0);
        let x = denoised * step.alpha_next + eps * kept.sqrt();
        Ok(if fresh > 0.0 { x + noise(step) * fresh.sqrt() } else { x })
    })
}
