//! Randomness that depends on nothing but a seed and a number, so that a resumed run draws what an
//! uninterrupted one would have drawn.

use diffusion::Noise;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What numbers are drawn for: equal seeds and indices give unrelated numbers for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The scenes and captions of a data set.
    Scene,
    /// A training batch: its items, crops, timesteps.
    Batch,
    /// An evaluation.
    Evaluation,
    /// The starting noise of samples.
    Sample,
    /// Latents that are noised and denoised, and the batches of them.
    Denoised,
}

impl Purpose {
    /// The seed of this purpose in a run with `seed` (odd multiples are a bijection).
    fn seed(self, seed: u64) -> u64 {
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self as u64
    }
}

/// Choices for item or batch `index`.
pub fn rng(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(purpose.seed(seed));
    rng.set_stream(index);
    rng
}

/// Gaussian noise for item or batch `index`.
pub fn noise(seed: u64, purpose: Purpose, index: u64) -> Noise {
    Noise::stream(purpose.seed(seed), index)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, purpose, index| {
            (rng(seed, purpose, index).random::<u64>(), noise(seed, purpose, index).sample())
        };
        let first = draw(1, Purpose::Batch, 5);
        assert_eq!(first, draw(1, Purpose::Batch, 5));
        for (seed, purpose, index) in
            [(2, Purpose::Batch, 5), (1, Purpose::Sample, 5), (1, Purpose::Batch, 6)]
        {
            let other = draw(seed, purpose, index);
            assert!(first.0 != other.0 && first.1 != other.1);
        }
    }
}
