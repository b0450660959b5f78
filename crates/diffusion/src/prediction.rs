//! What models answer, brought to what samplers want: the data that the model sees in `x_t = alpha x_0 + sigma noise`.

use burn::tensor::Tensor;

use crate::Step;

/// What the output of a model means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// `noise - x_0`, as models of rectified flow answer (`alpha + sigma = 1`).
    Velocity,
    /// The noise in `x_t`, as in Ho et al. 2020.
    Epsilon,
}

impl Prediction {
    /// The data that `output`, the model's answer to `x` at the start of `step`, stands for.
    pub fn denoised<const D: usize>(self, x: Tensor<D>, output: Tensor<D>, step: Step) -> Tensor<D> {
        match self {
            Self::Velocity => x - output * step.sigma,
            Self::Epsilon => (x - output * step.sigma) / step.alpha,
        }
    }

    /// `model(x_t, step)` as a `denoise` for the samplers.
    pub fn denoiser<const D: usize, E>(
        self,
        mut model: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
    ) -> impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E> {
        move |x, step| Ok(self.denoised(x.clone(), model(x, step)?, step))
    }
}

/// A model that answers the velocity, as a `denoise`.
pub fn from_velocity<const D: usize, E>(
    model: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
) -> impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E> {
    Prediction::Velocity.denoiser(model)
}

/// A model that answers the noise, as a `denoise`.
pub fn from_eps<const D: usize, E>(
    model: impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E>,
) -> impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E> {
    Prediction::Epsilon.denoiser(model)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{BetaSchedule, Schedule};

    #[test]
    fn both_lead_back_to_the_data() {
        let (data, noise) = (2.0, -0.5);
        let flow = Schedule::flow(vec![0.75, 0.25]).unwrap();
        let ddpm = BetaSchedule::linear().schedule(10).unwrap();
        for (schedule, prediction, output) in
            [(flow, Prediction::Velocity, noise - data), (ddpm, Prediction::Epsilon, noise)]
        {
            let step = schedule.steps().next().unwrap();
            let tensor = |value: f64| Tensor::<1>::from_floats([value as f32], &Device::flex());
            let x = tensor(step.alpha * data + step.sigma * noise);
            let found = prediction.denoised(x, tensor(output), step).into_scalar::<f32>();
            assert!((f64::from(found) - data).abs() < 1e-4, "{prediction:?}: {found}");
        }
    }
}
