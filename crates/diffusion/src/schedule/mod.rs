//! Noise schedules: the levels that a sampler visits, one [`Step`] from each to the next.

mod config;
mod ddpm;
mod flow;
mod spacing;

pub use config::SchedulerConfig;
pub use ddpm::BetaSchedule;
pub use flow::shift_sigma;
pub use spacing::Spacing;

use crate::{Error, Result};

/// Time as the models see it: timestep = sigma × 1000 for rectified flow, 0 to 999 for DDPM.
pub const NUM_TRAIN_TIMESTEPS: usize = 1000;

/// One step of a sampler, from the noise level `(alpha, sigma)` to the next lower one.
///
/// At a level, `x_t = alpha x_0 + sigma noise`. Rectified flow has `alpha = 1 - sigma`, DDPM `alpha² + sigma² = 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Position in the schedule, from 0.
    pub index: usize,
    /// Number of steps in the schedule.
    pub num_steps: usize,
    /// What the model is told about the noise level, 0 to [`NUM_TRAIN_TIMESTEPS`].
    pub timestep: f64,
    /// Scale of the data at the start of the step.
    pub alpha: f64,
    /// Scale of the noise at the start of the step.
    pub sigma: f64,
    /// Scale of the data at the end of the step.
    pub alpha_next: f64,
    /// Scale of the noise at the end of the step; 0 after the last step of a whole schedule.
    pub sigma_next: f64,
}

impl Step {
    /// Variance of `q(x_t | x_s)`, where s is the end of this step and t its start: `beta` for neighbours in DDPM.
    pub fn transition_variance(&self) -> f64 {
        let alpha_ts = self.alpha / self.alpha_next;
        self.sigma.powi(2) - (alpha_ts * self.sigma_next).powi(2)
    }

    /// Variance of `q(x_s | x_t, x_0)`, where s is the end of this step and t its start: `beta tilde` in DDPM.
    pub fn posterior_variance(&self) -> f64 {
        self.transition_variance() * (self.sigma_next / self.sigma).powi(2)
    }
}

/// The noise levels that a sampler visits, from the noisiest to (usually) none.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// One level more than there are steps.
    levels: Vec<Level>,
    /// One for each step.
    timesteps: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    alpha: f64,
    sigma: f64,
}

impl Schedule {
    /// Number of steps, hence of evaluations of the model.
    pub fn num_steps(&self) -> usize {
        self.timesteps.len()
    }

    /// The sigma of each level, one more than there are steps.
    pub fn sigmas(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.levels.iter().map(|level| level.sigma)
    }

    /// What the model is told at each step.
    pub fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    /// The steps in the order in which they are taken.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Step> + '_ {
        let num_steps = self.num_steps();
        self.timesteps.iter().zip(self.levels.windows(2)).enumerate().map(
            move |(index, (&timestep, pair))| Step {
                index,
                num_steps,
                timestep,
                alpha: pair[0].alpha,
                sigma: pair[0].sigma,
                alpha_next: pair[1].alpha,
                sigma_next: pair[1].sigma,
            },
        )
    }

    /// The rest of the schedule after its first `num_steps` steps (all but the last level, if there are no more).
    ///
    /// Editing as in SDEdit (Meng et al. 2022) starts from data noised to the first level of what is left.
    #[must_use]
    pub fn skip(mut self, num_steps: usize) -> Self {
        let num_steps = num_steps.min(self.num_steps());
        self.levels.drain(..num_steps);
        self.timesteps.drain(..num_steps);
        self
    }

    /// The first level's `(alpha, sigma)`: sampling starts from `alpha x_0 + sigma noise`, which is noise alone for
    /// a whole schedule.
    pub fn start(&self) -> (f64, f64) {
        (self.levels[0].alpha, self.levels[0].sigma)
    }
}

/// No schedule tells more noise levels apart than the models were trained on.
fn check_num_steps(num_steps: usize, sampler: &'static str) -> Result<()> {
    if (1..=NUM_TRAIN_TIMESTEPS).contains(&num_steps) {
        return Ok(());
    }
    Err(Error::NumSteps { sampler, found: num_steps, max: NUM_TRAIN_TIMESTEPS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_its_levels() {
        let whole = Schedule::flow(vec![1.0, 0.75, 0.5, 0.0]).unwrap();
        let tail = whole.clone().skip(2);
        let step = tail.steps().next().unwrap();
        assert_eq!((tail.num_steps(), step.index, step.num_steps), (1, 0, 1));
        assert_eq!((step.sigma, step.sigma_next, step.timestep), (0.5, 0.0, 500.0));
        assert_eq!(tail.start(), (0.5, 0.5));
        assert_eq!(whole.skip(9).num_steps(), 0);
    }

    #[test]
    fn ddpm_variances_are_beta_and_beta_tilde() {
        let betas = BetaSchedule::linear();
        let schedule = betas.schedule(NUM_TRAIN_TIMESTEPS).unwrap();
        for step in schedule.steps() {
            let t = step.timestep as usize;
            let before = if t == 0 { 1.0 } else { betas.alphas_cumprod()[t - 1] };
            let beta_tilde = (1.0 - before) / (1.0 - betas.alphas_cumprod()[t]) * betas.betas()[t];
            assert!((step.transition_variance() - betas.betas()[t]).abs() < 1e-12, "beta at {t}");
            assert!((step.posterior_variance() - beta_tilde).abs() < 1e-12, "beta tilde at {t}");
        }
    }
}
