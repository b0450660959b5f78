//! Which timelines a model is trained on: which latent frames are known, and how noisy each of the others is.
//!
//! Training on all of these makes one model serve text to video, image to video, extension,
//! filling in and rolling windows.

use clap::Args;
use diffusion::{NUM_TRAIN_TIMESTEPS, Timeline, TimestepSampler};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{error::Result, setting};

/// Timesteps that an evaluation asks about: little, middling and much noise, and next to nothing else.
pub(crate) const EVALUATED: [f64; 4] = [0.2, 0.5, 0.8, 0.98];

/// How often each kind of timeline is drawn, and which timesteps.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineArgs {
    /// Share of clips whose frames all have one timestep
    #[arg(long, default_value_t = Self::default().shared_share)]
    pub shared_share: f64,
    /// Share of clips whose frames each have their own; the rest has known frames
    #[arg(long, default_value_t = Self::default().independent_share)]
    pub independent_share: f64,
    /// Mean of the logit of the timestep
    #[arg(long, allow_negative_numbers = true, default_value_t = Self::default().logit_mean)]
    pub logit_mean: f64,
    /// Standard deviation of the logit of the timestep
    #[arg(long, default_value_t = Self::default().logit_std)]
    pub logit_std: f64,
    /// Shift of the timesteps towards noise; 1: none
    #[arg(long, default_value_t = Self::default().timestep_shift)]
    pub timestep_shift: f64,
}

impl Default for TimelineArgs {
    fn default() -> Self {
        Self {
            shared_share: 0.5,
            independent_share: 0.2,
            logit_mean: 0.0,
            // Towards noise: only there does the prompt tell more than the noisy latents.
            logit_std: 1.1,
            timestep_shift: 3.0,
        }
    }
}

impl TimelineArgs {
    /// Checks each setting by itself.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { shared_share, independent_share, logit_mean, logit_std, timestep_shift } = *self;
        setting::share("--shared-share", shared_share)?;
        setting::share("--independent-share", independent_share)?;
        setting::share("--shared-share with --independent-share", shared_share + independent_share)?;
        setting::finite("--logit-mean", logit_mean)?;
        setting::not_negative("--logit-std", logit_std)?;
        setting::positive("--timestep-shift", timestep_shift)
    }

    /// A timeline of `frames` latent frames.
    pub fn sample(&self, frames: usize, rng: &mut ChaCha8Rng) -> Timeline {
        let sampler = self.sampler();
        let timestep = |rng: &mut ChaCha8Rng| sampler.sample(rng) * NUM_TRAIN_TIMESTEPS as f64;
        let kind = rng.random::<f64>();
        let of_all = timestep(rng);
        if frames < 2 || kind < self.shared_share {
            return Timeline::shared(frames, of_all);
        }
        if kind < self.shared_share + self.independent_share {
            let timesteps = (0..frames).map(|_| timestep(rng)).collect();
            return Timeline { timesteps, known: vec![false; frames] };
        }
        let known = Known::ALL[rng.random_range(0..Known::ALL.len())].mask(frames, rng);
        Timeline::known(known, of_all)
    }

    /// One of which so many of the first `frames` are known, and of which the others are as noisy as each other.
    pub fn after(&self, known: usize, frames: usize, rng: &mut ChaCha8Rng) -> Timeline {
        let timestep = self.sampler().sample(rng) * NUM_TRAIN_TIMESTEPS as f64;
        Timeline::known((0..frames).map(|frame| frame < known).collect(), timestep)
    }

    fn sampler(&self) -> TimestepSampler {
        TimestepSampler::LogitNormal {
            mean: self.logit_mean,
            std: self.logit_std,
            shift: self.timestep_shift,
        }
    }
}

/// Which frames of a clip are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The first: image to video.
    First,
    /// The last.
    Last,
    /// The first and the last.
    BothEnds,
    /// Some from the start: extension forward.
    Prefix,
    /// Some up to the end: extension backward.
    Suffix,
    /// Some from the start and some up to the end: connecting, and the seam of a loop.
    Around,
    /// Any: filling in.
    Scattered,
}

impl Known {
    /// Every mask.
    pub const ALL: [Self; 7] =
        [Self::First, Self::Last, Self::BothEnds, Self::Prefix, Self::Suffix, Self::Around, Self::Scattered];

    /// Which of `frames` frames are known: at least one, and never all. A single frame is not.
    pub fn mask(self, frames: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
        if frames < 2 {
            return vec![false; frames];
        }
        let last = frames - 1;
        let some = rng.random_range(1..frames);
        let gap = rng.random_range(1..=last);
        let gap_from = rng.random_range(0..=last - gap) + 1;
        let mut mask: Vec<bool> = (0..frames)
            .map(|frame| match self {
                Self::First => frame == 0,
                Self::Last => frame == last,
                Self::BothEnds => frame == 0 || (frame == last && frames > 2),
                Self::Prefix => frame < some,
                Self::Suffix => frame > last - some,
                Self::Around => frame < gap_from || frame >= gap_from + gap,
                Self::Scattered => rng.random(),
            })
            .collect();
        let known = mask.iter().filter(|&&known| known).count();
        if known == 0 || known == frames {
            mask[rng.random_range(0..frames)] = known == 0;
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn masks_know_some_frames_and_leave_some() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for known in Known::ALL {
            for frames in 2..7 {
                for _ in 0..50 {
                    let mask = known.mask(frames, &mut rng);
                    let count = mask.iter().filter(|&&known| known).count();
                    assert!((1..frames).contains(&count), "{known:?} {mask:?}");
                    let changes = mask.windows(2).filter(|pair| pair[0] != pair[1]).count();
                    match known {
                        Known::First | Known::Last => assert_eq!(count, 1),
                        Known::BothEnds if frames > 2 => assert!(mask[0] && mask[frames - 1] && count == 2),
                        Known::BothEnds | Known::Scattered => {}
                        Known::Around => assert!(mask[0] && changes <= 2, "{mask:?}"),
                        Known::Prefix => assert!(mask[0] && changes == 1),
                        Known::Suffix => assert!(mask[frames - 1] && changes == 1),
                    }
                }
            }
            assert_eq!(known.mask(1, &mut rng), [false]);
        }
    }

    #[test]
    fn kinds_come_in_their_shares() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let args = TimelineArgs::default();
        let count = 20_000;
        let (mut shared, mut independent, mut known) = (0.0, 0.0, 0.0);
        let mut first_known = 0.0;
        for _ in 0..count {
            let Timeline { timesteps, known: mask } = args.sample(5, &mut rng);
            if mask.contains(&true) {
                known += 1.0;
                first_known += f64::from(u8::from(mask[0]));
                let free: Vec<f64> = (0..5).filter(|&i| !mask[i]).map(|i| timesteps[i]).collect();
                assert!(free.iter().all(|&t| t == free[0] && t > 0.0));
                assert!((0..5).all(|i| !mask[i] || timesteps[i] == 0.0));
            } else if timesteps.iter().all(|&t| t == timesteps[0]) {
                shared += 1.0;
            } else {
                independent += 1.0;
            }
        }
        let near = |found: f64, share: f64| (found / f64::from(count) - share).abs() < 0.01;
        assert!(near(shared, 0.5) && near(independent, 0.2) && near(known, 0.3));
        // Of seven masks, four know the first frame always and the scattered one half of the time.
        assert!((first_known / known - 4.5 / 7.0).abs() < 0.02, "{}", first_known / known);
        assert_eq!(args.sample(1, &mut rng).known, [false]);
    }
}
