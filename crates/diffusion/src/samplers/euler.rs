use std::ops::ControlFlow;

use burn::tensor::Tensor;

use super::walk;
use crate::{Schedule, Step};

/// Euler's method on the probability-flow ODE of rectified flow, `dx/dsigma = (x - denoised) / sigma`; first order.
///
/// The schedule is a flow schedule ([`Schedule::flow_euler`]), `latents` the noise
/// (or noised data) at its first level, of any shape. As diffusers' `FlowMatchEulerDiscreteScheduler`.
///
/// # Errors
/// Those of `denoise`, and the one with which `after_step` breaks.
pub fn sample_euler<const D: usize, E>(
    mut denoise: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
    latents: Tensor<D>,
    schedule: &Schedule,
    after_step: impl FnMut(Step, Tensor<D>) -> ControlFlow<E, Tensor<D>>,
) -> Result<Tensor<D>, E> {
    walk(schedule, latents, after_step, |step, x| {
        let velocity = (x.clone() - denoise(x.clone(), step)?) / step.sigma;
        Ok(x + velocity * (step.sigma_next - step.sigma))
    })
}
