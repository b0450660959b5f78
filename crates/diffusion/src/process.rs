//! The way forward, from data to noise, for training.

use burn::tensor::{Tensor, TensorData};
use rand_chacha::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::noise::{gaussian_pair, uniform};
use crate::{BetaSchedule, shift_sigma};

/// `x_t = alpha x_0 + sigma noise`. `alpha` and `sigma` broadcast: one for each clip, frame or token.
pub fn add_noise<const D: usize>(
    x_0: Tensor<D>,
    noise: Tensor<D>,
    alpha: Tensor<D>,
    sigma: Tensor<D>,
) -> Tensor<D> {
    x_0 * alpha + noise * sigma
}

/// Rectified flow's `x_t = (1 - t) x_0 + t noise`. `t`, 0 to 1, broadcasts: `[batch, 1, frames, 1, 1]` gives each
/// latent frame its own.
pub fn flow_interpolate<const D: usize>(x_0: Tensor<D>, noise: Tensor<D>, t: Tensor<D>) -> Tensor<D> {
    add_noise(x_0, noise, 1.0 - t.clone(), t)
}

/// What the model learns to predict in rectified flow: `dx_t/dt = noise - x_0`, the same at every t.
pub fn flow_velocity<const D: usize>(x_0: Tensor<D>, noise: Tensor<D>) -> Tensor<D> {
    noise - x_0
}

impl BetaSchedule {
    /// A draw from `q(x_t | x_0)` (Ho et al. 2020, eq. 4), given its noise. `timesteps`: one for each row of `x_0`.
    ///
    /// # Panics
    /// If there are not as many timesteps as rows, or one of them is 1000 or more.
    pub fn q_sample<const D: usize>(
        &self,
        x_0: Tensor<D>,
        noise: Tensor<D>,
        timesteps: &[usize],
    ) -> Tensor<D> {
        let mut per_row = [1; D];
        per_row[0] = timesteps.len();
        let (alphas, sigmas): (Vec<_>, Vec<_>) = timesteps.iter().map(|&t| self.level(t)).unzip();
        let options = (&x_0.device(), x_0.dtype());
        let alpha = Tensor::from_data(TensorData::new(alphas, per_row), options);
        let sigma = Tensor::from_data(TensorData::new(sigmas, per_row), options);
        add_noise(x_0, noise, alpha, sigma)
    }

    /// A draw from `q(x_t | x_{t-1})` (eq. 2), given its noise: one link of the chain that [`Self::q_sample`] skips.
    ///
    /// # Panics
    /// If `timestep` is 1000 or more.
    pub fn q_step<const D: usize>(&self, x: Tensor<D>, noise: Tensor<D>, timestep: usize) -> Tensor<D> {
        let beta = self.betas()[timestep];
        x * (1.0 - beta).sqrt() + noise * beta.sqrt()
    }
}

/// The distribution of `t` in rectified-flow training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "distribution", rename_all = "snake_case")]
pub enum TimestepSampler {
    /// Even over 0 to 1, then shifted.
    Uniform {
        /// As in [`shift_sigma`].
        shift: f64,
    },
    /// The logistic function of a Gaussian (Esser et al. 2024, section 3.1), then shifted: fewer at both ends.
    LogitNormal {
        /// Mean of the Gaussian.
        mean: f64,
        /// Standard deviation of the Gaussian.
        std: f64,
        /// As in [`shift_sigma`].
        shift: f64,
    },
}

impl TimestepSampler {
    /// A `t` within 0 to 1, the sigma of rectified flow.
    pub fn sample(&self, rng: &mut impl RngCore) -> f64 {
        match *self {
            Self::Uniform { shift } => shift_sigma(uniform(rng), shift),
            Self::LogitNormal { mean, std, shift } => {
                let logit = mean + std * gaussian_pair(rng).0;
                shift_sigma(1.0 / (1.0 + libm::exp(-logit)), shift)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn each_frame_has_its_own_t() {
        let device = Device::flex();
        let x_0 = Tensor::<2>::from_floats([[2.0, 4.0, 6.0]], &device);
        let noise = Tensor::<2>::from_floats([[-2.0, 0.0, 1.0]], &device);
        let t = Tensor::<2>::from_floats([[0.0, 0.25, 1.0]], &device);
        let x_t = flow_interpolate(x_0.clone(), noise.clone(), t.clone());
        assert_eq!(x_t.to_data().try_to_vec::<f32>().unwrap(), [2.0, 3.0, 1.0]);
        // Back along the velocity for a time of t lies the data.
        let back = x_t - flow_velocity(x_0.clone(), noise) * t;
        assert_eq!(back.to_data(), x_0.to_data());
    }

    #[test]
    fn timesteps_follow_their_distribution() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let count = 40_000;
        let quartiles = |sampler: TimestepSampler, rng: &mut ChaCha20Rng| {
            let mut drawn = (0..count).map(|_| sampler.sample(rng)).collect::<Vec<_>>();
            drawn.sort_by(f64::total_cmp);
            assert!(drawn[0] >= 0.0 && drawn[count - 1] <= 1.0);
            [1, 2, 3].map(|quarter| drawn[quarter * count / 4])
        };
        // Both maps are monotonic, so the quartiles are those of the uniform and the Gaussian, mapped.
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        for shift in [1.0, 3.0] {
            let uniform = quartiles(TimestepSampler::Uniform { shift }, &mut rng);
            let normal = quartiles(TimestepSampler::LogitNormal { mean: 0.5, std: 2.0, shift }, &mut rng);
            for (i, z) in [-0.674_49, 0.0, 0.674_49].into_iter().enumerate() {
                let expected = shift_sigma(0.25 * (i + 1) as f64, shift);
                assert!((uniform[i] - expected).abs() < 0.01, "uniform, shift {shift}, quartile {i}");
                let expected = shift_sigma(logistic(0.5 + 2.0 * z), shift);
                assert!((normal[i] - expected).abs() < 0.015, "logit-normal, shift {shift}, quartile {i}");
            }
        }
    }
}
