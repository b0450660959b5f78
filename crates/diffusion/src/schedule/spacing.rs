//! Which noise levels are visited: apart from the solver that steps between them.

use super::{BetaSchedule, Schedule};
use crate::{Result, Sampler};

/// Noise levels, as a scheduler spaces them.
#[derive(Clone, Debug, PartialEq)]
pub enum Spacing {
    /// [`Schedule::flow_euler`]
    FlowEuler {
        /// Steps.
        num_steps: usize,
        /// Shift towards noise; 1 is none.
        shift: f64,
    },
    /// [`Schedule::flow_unipc`]
    FlowUniPc {
        /// Steps.
        num_steps: usize,
        /// Shift towards noise; 1 is none.
        shift: f64,
    },
    /// [`BetaSchedule::schedule`] of the linear betas.
    LinearBetas {
        /// Steps.
        num_steps: usize,
    },
    /// The sigmas of a rectified flow at the start of each step, taken as they are, and 0 after the last: what models
    /// that were distilled to few steps come with.
    Sigmas(Vec<f64>),
}

impl Spacing {
    /// The spacing that diffusers gives a sampler. DDPM and DDIM have no shift and ignore it.
    pub fn of(sampler: Sampler, num_steps: usize, shift: f64) -> Self {
        match sampler {
            Sampler::Euler => Self::FlowEuler { num_steps, shift },
            Sampler::UniPc => Self::FlowUniPc { num_steps, shift },
            Sampler::Ddpm | Sampler::Ddim => Self::LinearBetas { num_steps },
        }
    }

    /// The schedule through these levels.
    ///
    /// # Errors
    /// [`Error::NumSteps`](crate::Error::NumSteps), [`Error::Shift`](crate::Error::Shift) and
    /// [`Error::Sigmas`](crate::Error::Sigmas).
    pub fn schedule(&self) -> Result<Schedule> {
        match self {
            Self::FlowEuler { num_steps, shift } => Schedule::flow_euler(*num_steps, *shift),
            Self::FlowUniPc { num_steps, shift } => Schedule::flow_unipc(*num_steps, *shift),
            Self::LinearBetas { num_steps } => BetaSchedule::linear().schedule(*num_steps),
            Self::Sigmas(sigmas) => Schedule::flow(sigmas.iter().copied().chain([0.0]).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn sigmas_are_taken_as_they_are_and_end_in_data() {
        let schedule = Spacing::Sigmas(vec![1.0, 0.9, 0.4]).schedule().unwrap();
        assert_eq!(schedule.sigmas().collect::<Vec<_>>(), [1.0, 0.9, 0.4, 0.0]);
        assert_eq!(schedule.timesteps(), [1000.0, 900.0, 400.0]);
        for (sigmas, index) in [(vec![], 1), (vec![1.0, 0.0], 2), (vec![0.4, 0.9], 1), (vec![f64::NAN], 0)] {
            let error = Spacing::Sigmas(sigmas.clone()).schedule().unwrap_err();
            assert!(
                matches!(error, Error::Sigmas { index: found, .. } if found == index),
                "{sigmas:?}: {error}"
            );
        }
    }
}
