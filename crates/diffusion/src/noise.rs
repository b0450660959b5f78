//! Gaussian noise from a seed, the same bits on every machine and for any number of threads.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A request's own source of standard Gaussian noise.
///
/// ChaCha20 whose key is the seed (little-endian, padded with zeros) and whose nonce is the stream, through the
/// Box–Muller transform in double precision. Nothing is shared: requests that run side by side do not disturb each
/// other, as they would with a backend's global generator.
#[derive(Clone, Debug)]
pub struct Noise {
    rng: ChaCha20Rng,
    /// The second number of the last Box–Muller pair.
    spare: Option<f64>,
}

impl Noise {
    /// The noise of a seed.
    pub fn new(seed: u64) -> Self {
        Self::stream(seed, 0)
    }

    /// One of the independent streams of a seed, say for each window of a long video.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha20Rng::from_seed(key);
        rng.set_stream(stream);
        Self { rng, spare: None }
    }

    /// The next `count` numbers.
    pub fn samples(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.sample() as f32).collect()
    }

    /// A tensor of the next numbers, in row-major order.
    pub fn tensor<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.samples(shape.iter().product()), shape), device)
    }

    /// A number evenly distributed over [0, 1), from the same stream.
    pub fn uniform(&mut self) -> f64 {
        uniform(&mut self.rng)
    }

    /// The next number.
    pub fn sample(&mut self) -> f64 {
        if let Some(second) = self.spare.take() {
            return second;
        }
        let (first, second) = gaussian_pair(&mut self.rng);
        self.spare = Some(second);
        first
    }
}

/// Two independent standard Gaussian numbers (Box and Muller 1958).
pub(crate) fn gaussian_pair(rng: &mut impl RngCore) -> (f64, f64) {
    // 1 - u is within (0, 1], so that its logarithm is finite.
    let radius = (-2.0 * libm::log(1.0 - uniform(rng))).sqrt();
    let (sin, cos) = libm::sincos(TAU * uniform(rng));
    (radius * cos, radius * sin)
}

/// A number evenly distributed over [0, 1), of 53 bits.
pub(crate) fn uniform(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_a_standard_gaussian() {
        let count = 200_000;
        let samples = Noise::new(7).samples(count);
        let moment =
            |power: i32| samples.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count as f64;
        // Four standard errors: the variance of x^p is E[x^2p] - E[x^p]^2.
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0_f64)]
        {
            let error = (moment(power) - expected).abs();
            assert!(error < 4.0 * (variance / count as f64).sqrt(), "moment {power} is off by {error}");
        }
    }

    #[test]
    fn calls_continue_one_sequence() {
        let whole = Noise::new(3).samples(9);
        let mut noise = Noise::new(3);
        let parts = [noise.samples(4), noise.samples(5)].concat();
        assert_eq!(whole, parts);
        let tensor = Noise::new(3).tensor([3, 3], &Device::flex());
        assert_eq!(tensor.into_data().try_to_vec::<f32>().unwrap(), whole);
    }

    /// Computed with another implementation of ChaCha20 and of the transform; changing them changes every video.
    #[test]
    fn numbers_of_a_seed_never_change() {
        let bits = Noise::new(42).samples(4).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits, [0xbe8efbfe, 0xbf803060, 0x3f69eaa6, 0x3fa0fcd9]);
    }

    #[test]
    fn seeds_and_streams_differ() {
        let first = |mut noise: Noise| noise.samples(4);
        assert_ne!(first(Noise::new(1)), first(Noise::new(2)));
        assert_ne!(first(Noise::stream(1, 0)), first(Noise::stream(1, 1)));
        assert_eq!(first(Noise::new(1)), first(Noise::stream(1, 0)));
    }
}
