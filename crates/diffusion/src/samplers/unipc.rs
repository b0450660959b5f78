use std::ops::ControlFlow;

use burn::tensor::Tensor;

use super::walk;
use crate::{Schedule, Step};

/// UniPC (Zhao et al. 2023) of order 2 with `B_2(h) = e^h - 1`, predicting data: each step is corrected with the
/// model's answer at its end, which the next step needs anyway.
///
/// The schedule is a flow schedule ([`Schedule::flow_unipc`]). The first and the last
/// step are of order 1. As diffusers' `UniPCMultistepScheduler` with Wan's settings.
///
/// The corrector sets out from the latents of the step before. So what `after_step` puts in their place reaches the
/// model, but lasts only where `denoise` answers the same (or after the last step).
///
/// # Errors
/// Those of `denoise`, and the one with which `after_step` breaks.
pub fn sample_unipc<const D: usize, E>(
    mut denoise: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
    latents: Tensor<D>,
    schedule: &Schedule,
    after_step: impl FnMut(Step, Tensor<D>) -> ControlFlow<E, Tensor<D>>,
) -> Result<Tensor<D>, E> {
    let (mut older, mut last): (Option<Evaluation<D>>, Option<Evaluation<D>>) = (None, None);
    walk(schedule, latents, after_step, |step, x| {
        let denoised = denoise(x.clone(), step)?;
        let x = match &last {
            Some(last) => last.correct(older.as_ref(), denoised.clone()),
            None => x,
        };
        older = last.take();
        let is_last = step.index + 1 == step.num_steps;
        let order_1 = is_last || older.is_none();
        let now = last.insert(Evaluation { step, x, denoised });
        Ok(now.predict(older.as_ref().filter(|_| !order_1)))
    })
}

/// What is known at the start of a step: the (corrected) latents and what the model makes of them.
struct Evaluation<const D: usize> {
    step: Step,
    x: Tensor<D>,
    denoised: Tensor<D>,
}

impl<const D: usize> Evaluation<D> {
    /// UniP: `x` at the end of the step, from the data predicted here and at the step before.
    fn predict(&self, older: Option<&Self>) -> Tensor<D> {
        match older {
            None => self.advance(self.denoised.clone()),
            Some(older) => self.advance(self.denoised.clone() + self.slope(older) * 0.5),
        }
    }

    /// UniC: `x` at the end of the step once more, now that the data predicted there (`denoised`) is known.
    fn correct(&self, older: Option<&Self>, denoised: Tensor<D>) -> Tensor<D> {
        let change = denoised - self.denoised.clone();
        match older {
            None => self.advance(self.denoised.clone() + change * 0.5),
            Some(older) => {
                // R rho = b, two unknowns (eq. 9), with h -> -h for the prediction of data.
                let (h, r) = (-self.log_snr_step(), self.relative(older));
                let b_h = libm::expm1(h);
                let phi_2 = b_h / h - 1.0;
                let phi_3 = phi_2 / h - 0.5;
                let (b_1, b_2) = (phi_2 / b_h, 2.0 * phi_3 / b_h);
                let rho_1 = (b_1 - b_2) / (1.0 - r);
                let rho_2 = b_1 - rho_1;
                self.advance(self.denoised.clone() + self.slope(older) * rho_1 + change * rho_2)
            }
        }
    }

    /// The exact solution over the step for constant data.
    fn advance(&self, denoised: Tensor<D>) -> Tensor<D> {
        let Step { sigma, alpha_next, sigma_next, .. } = self.step;
        let b_h = libm::expm1(-self.log_snr_step());
        self.x.clone() * (sigma_next / sigma) - denoised * (alpha_next * b_h)
    }

    /// How the predicted data changes with the log-SNR, for one step's length of it.
    fn slope(&self, older: &Self) -> Tensor<D> {
        (older.denoised.clone() - self.denoised.clone()) / self.relative(older)
    }

    /// Where the older evaluation lies on the log-SNR axis, in steps from this one (negative).
    fn relative(&self, older: &Self) -> f64 {
        -older.log_snr_step() / self.log_snr_step()
    }

    /// Length of the step in log(alpha / sigma): infinite down to sigma 0.
    fn log_snr_step(&self) -> f64 {
        let Step { alpha, sigma, alpha_next, sigma_next, .. } = self.step;
        libm::log(alpha_next / sigma_next) - libm::log(alpha / sigma)
    }
}
