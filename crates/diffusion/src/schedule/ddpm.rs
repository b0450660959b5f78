//! The discrete process of DDPM (Ho et al. 2020): `q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t)`.

use super::{Level, NUM_TRAIN_TIMESTEPS, Schedule, check_num_steps};
use crate::Result;

/// A sequence of betas and what follows from it. Timestep t (0 to 999) here is the paper's t + 1.
#[derive(Clone, Debug, PartialEq)]
pub struct BetaSchedule {
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
}

impl BetaSchedule {
    /// First beta of the paper's linear schedule.
    pub const BETA_START: f64 = 1e-4;
    /// Last beta of the paper's linear schedule.
    pub const BETA_END: f64 = 0.02;

    /// The paper's schedule: 1000 betas from 1e-4 to 0.02 in a straight line (section 4).
    pub fn linear() -> Self {
        let step = (Self::BETA_END - Self::BETA_START) / (NUM_TRAIN_TIMESTEPS - 1) as f64;
        let betas = (0..NUM_TRAIN_TIMESTEPS).map(|t| Self::BETA_START + step * t as f64).collect::<Vec<_>>();
        let alphas_cumprod = betas
            .iter()
            .scan(1.0, |product, beta| {
                *product *= 1.0 - beta;
                Some(*product)
            })
            .collect();
        Self { betas, alphas_cumprod }
    }

    /// `beta_t`, the variance that is added at each timestep.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The product of `1 - beta` up to and including each timestep: `alpha bar_t` in the paper.
    pub fn alphas_cumprod(&self) -> &[f64] {
        &self.alphas_cumprod
    }

    /// `(alpha, sigma)` of `q(x_t | x_0) = N(alpha x_0, sigma²)` (eq. 4).
    ///
    /// # Panics
    /// If `timestep` is 1000 or more.
    pub fn level(&self, timestep: usize) -> (f64, f64) {
        let alpha_bar = self.alphas_cumprod[timestep];
        (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt())
    }

    /// Every timestep, or `num_steps` of them evenly apart and ending in timestep 0 (diffusers' "leading" spacing),
    /// and no noise at the end.
    ///
    /// # Errors
    /// [`Error::NumSteps`](crate::Error::NumSteps) unless `num_steps` is 1 to 1000.
    pub fn schedule(&self, num_steps: usize) -> Result<Schedule> {
        check_num_steps(num_steps, "ddpm")?;
        let stride = NUM_TRAIN_TIMESTEPS / num_steps;
        let timesteps = (0..num_steps).rev().map(|i| i * stride);
        let levels = timesteps.clone().map(|t| self.level(t)).chain([(1.0, 0.0)]);
        Ok(Schedule {
            levels: levels.map(|(alpha, sigma)| Level { alpha, sigma }).collect(),
            timesteps: timesteps.map(|t| t as f64).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn more_steps_than_were_trained_are_refused() {
        let betas = BetaSchedule::linear();
        for found in [0, 1001] {
            assert!(matches!(betas.schedule(found), Err(Error::NumSteps { .. })), "{found}");
        }
        assert_eq!(betas.schedule(1).unwrap().timesteps(), [0.0]);
    }
}
