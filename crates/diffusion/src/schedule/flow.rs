//! Rectified flow (Liu et al. 2022; Lipman et al. 2022): `x_t = (1 - t) x_0 + t noise`, so sigma = t, alpha = 1 - t.

use std::ops::{Add, Div, Mul, Sub};

use super::{Level, NUM_TRAIN_TIMESTEPS, Schedule, check_num_steps};
use crate::{Error, Result};

/// The resolution-dependent shift of Esser et al. 2024 (eq. 23): `shift sigma / (1 + (shift - 1) sigma)`.
///
/// It moves the levels between 0 and 1 towards 1 (shift > 1) or 0 (shift < 1) and leaves both ends where they are.
pub fn shift_sigma(sigma: f64, shift: f64) -> f64 {
    shifted(sigma, shift, 1.0)
}

/// [`shift_sigma`] in either precision.
fn shifted<T>(sigma: T, shift: T, one: T) -> T
where
    T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T> + Div<Output = T>,
{
    shift * sigma / (one + (shift - one) * sigma)
}

impl Schedule {
    /// A rectified-flow schedule through the given sigmas, with timestep = sigma × 1000.
    ///
    /// # Errors
    /// [`Error::Sigmas`] unless there are at least two, falling, each within 0 to 1.
    pub fn flow(sigmas: Vec<f64>) -> Result<Self> {
        let timesteps = sigmas.iter().map(|sigma| sigma * NUM_TRAIN_TIMESTEPS as f64).collect();
        Self::flow_with_timesteps(sigmas, timesteps)
    }

    /// The spacing of diffusers' `FlowMatchEulerDiscreteScheduler`: even between 1 and the smallest *shifted*
    /// training sigma, then shifted (so the lower end is shifted twice), and 0 at the end.
    ///
    /// # Errors
    /// [`Error::NumSteps`] unless `num_steps` is 1 to 1000, [`Error::Shift`] unless the shift is positive.
    pub fn flow_euler(num_steps: usize, shift: f64) -> Result<Self> {
        check(num_steps, shift, "euler")?;
        // The reference computes this bound, and it alone, in single precision.
        let train_min = 1.0 / NUM_TRAIN_TIMESTEPS as f32;
        let sigma_min = f64::from(shifted(train_min, shift as f32, 1.0));
        let scale = NUM_TRAIN_TIMESTEPS as f64;
        let sigmas = linspace(scale, sigma_min * scale, num_steps)
            .map(|timestep| shift_sigma(timestep / scale, shift) as f32)
            .collect::<Vec<_>>();
        let timesteps = sigmas.iter().map(|sigma| f64::from(sigma * scale as f32)).collect();
        Self::flow_with_timesteps(to_zero(sigmas), timesteps)
    }

    /// The spacing of diffusers' `UniPCMultistepScheduler` with `use_flow_sigmas`, as Wan runs it: `num_steps` even
    /// steps from 1 to the smallest training sigma, then shifted, the last replaced by 0.
    ///
    /// The timesteps are cut down to whole numbers (999, not 1000, at the start).
    ///
    /// # Errors
    /// [`Error::NumSteps`] unless `num_steps` is 1 to 1000, [`Error::Shift`] unless the shift is positive.
    pub fn flow_unipc(num_steps: usize, shift: f64) -> Result<Self> {
        check(num_steps, shift, "unipc")?;
        let mut sigmas = linspace(1.0, 1.0 / NUM_TRAIN_TIMESTEPS as f64, num_steps + 1)
            .take(num_steps)
            .map(|sigma| shift_sigma(sigma, shift))
            .collect::<Vec<_>>();
        // Pure noise has a log-SNR of minus infinity; the solver needs a finite one.
        const BELOW_ONE: f64 = 1e-6;
        if (sigmas[0] - 1.0).abs() < BELOW_ONE {
            sigmas[0] -= BELOW_ONE;
        }
        let timesteps = sigmas.iter().map(|sigma| (sigma * NUM_TRAIN_TIMESTEPS as f64).trunc()).collect();
        Self::flow_with_timesteps(to_zero(sigmas.into_iter().map(|sigma| sigma as f32).collect()), timesteps)
    }

    /// What is left of a rectified flow's schedule from `sigma` on: all of it, if that is not below its first level;
    /// otherwise a step from `sigma` to the first level below, and those behind. Timesteps of whole numbers stay such.
    #[must_use]
    pub fn from_sigma(mut self, sigma: f64) -> Self {
        if sigma >= self.levels[0].sigma {
            return self;
        }
        let last = self.num_steps().saturating_sub(1);
        let above = (0..last).take_while(|&step| self.levels[step + 1].sigma >= sigma).count();
        let is_whole = self.timesteps.iter().all(|timestep| timestep.fract() == 0.0);
        self = self.skip(above);
        self.levels[0] = Level { alpha: 1.0 - sigma, sigma };
        let timestep = sigma * NUM_TRAIN_TIMESTEPS as f64;
        self.timesteps[0] = if is_whole { timestep.trunc() } else { timestep };
        self
    }

    fn flow_with_timesteps(sigmas: Vec<f64>, timesteps: Vec<f64>) -> Result<Self> {
        let falls = |i: usize| i == 0 || sigmas[i] < sigmas[i - 1];
        if let Some(index) = (0..sigmas.len()).find(|&i| !((0.0..=1.0).contains(&sigmas[i]) && falls(i))) {
            return Err(Error::Sigmas { index, found: sigmas[index] });
        }
        if sigmas.len() < 2 {
            return Err(Error::Sigmas { index: sigmas.len(), found: f64::NAN });
        }
        let num_steps = sigmas.len() - 1;
        let levels = sigmas.into_iter().map(|sigma| Level { alpha: 1.0 - sigma, sigma }).collect();
        Ok(Self { levels, timesteps: timesteps.into_iter().take(num_steps).collect() })
    }
}

fn check(num_steps: usize, shift: f64, sampler: &'static str) -> Result<()> {
    check_num_steps(num_steps, sampler)?;
    if !(shift > 0.0 && shift.is_finite()) {
        return Err(Error::Shift { found: shift });
    }
    Ok(())
}

/// `count` evenly spaced numbers from `start` to `end`, as numpy spaces them.
fn linspace(start: f64, end: f64, count: usize) -> impl Iterator<Item = f64> {
    let step = (end - start) / (count - 1).max(1) as f64;
    (0..count).map(move |i| if i > 0 && i == count - 1 { end } else { i as f64 * step + start })
}

/// Sigmas are kept to single precision, as in the reference: `1 - sigma` of the first one depends on it.
fn to_zero(sigmas: Vec<f32>) -> Vec<f64> {
    sigmas.into_iter().chain([0.0]).map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_keeps_both_ends_and_the_order() {
        for shift in [0.5, 1.0, 3.0, 12.0] {
            assert_eq!((shift_sigma(0.0, shift), shift_sigma(1.0, shift)), (0.0, 1.0));
            let inside = [0.1, 0.4, 0.9].map(|sigma| shift_sigma(sigma, shift));
            assert!(inside.is_sorted(), "shift {shift}: {inside:?}");
        }
        assert_eq!(shift_sigma(0.5, 3.0), 0.75);
    }

    #[test]
    fn a_schedule_can_begin_between_two_levels() {
        let whole = Schedule::flow(vec![1.0, 0.75, 0.5, 0.0]).unwrap();
        let sigmas = |from| whole.clone().from_sigma(from).sigmas().collect::<Vec<_>>();
        assert_eq!(sigmas(1.0), [1.0, 0.75, 0.5, 0.0]);
        assert_eq!(sigmas(0.6), [0.6, 0.5, 0.0]);
        assert_eq!(sigmas(0.5), [0.5, 0.0]);
        assert_eq!(sigmas(0.1), [0.1, 0.0]);
        assert_eq!(whole.clone().from_sigma(0.6).timesteps(), [600.0, 500.0]);
        let unipc = Schedule::flow_unipc(4, 3.0).unwrap().from_sigma(0.6125);
        assert_eq!(unipc.timesteps()[0], 612.0);
    }

    #[test]
    fn impossible_schedules_are_refused() {
        assert!(matches!(Schedule::flow_euler(0, 3.0), Err(Error::NumSteps { found: 0, .. })));
        assert!(matches!(Schedule::flow_unipc(4, f64::NAN), Err(Error::Shift { .. })));
        assert!(matches!(Schedule::flow_unipc(4, 0.0), Err(Error::Shift { .. })));
        assert!(matches!(Schedule::flow(vec![1.0, 0.5, 0.5]), Err(Error::Sigmas { index: 2, .. })));
        assert!(matches!(Schedule::flow(vec![1.5, 0.0]), Err(Error::Sigmas { index: 0, .. })));
        assert!(matches!(Schedule::flow(vec![1.0]), Err(Error::Sigmas { index: 1, .. })));
        assert!(matches!(Schedule::flow(vec![]), Err(Error::Sigmas { index: 0, .. })));
    }
}
