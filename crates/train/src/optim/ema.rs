//! The exponential moving average of the weights, which is what is shown and exported.

use rayon::prelude::*;

use super::CHUNK;

/// Averaged weights, as a flat list.
#[derive(Clone, Debug, PartialEq)]
pub struct Ema {
    /// The average.
    pub weights: Vec<f32>,
    decay: f64,
}

impl Ema {
    /// Starts at `weights`; `decay` in 0..1 is the share of the old average kept each step.
    pub fn new(weights: Vec<f32>, decay: f64) -> Self {
        Self { weights, decay }
    }

    /// The decay after `step` steps: short memory at first, so that the random start is forgotten.
    fn decay_at(&self, step: u64) -> f64 {
        self.decay.min((1.0 + step as f64) / (10.0 + step as f64))
    }

    /// `ema = decay ema + (1 - decay) weights`, after step number `step` (from 1); to the bit what it was where weights stay as they
    /// are.
    pub fn update(&mut self, weights: &[f32], step: u64) {
        let keep = self.decay_at(step) as f32;
        self.weights.par_chunks_mut(CHUNK).zip(weights.par_chunks(CHUNK)).for_each(|(ema, weights)| {
            ema.iter_mut().zip(weights).for_each(|(ema, weight)| *ema += (1.0 - keep) * (weight - *ema));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_steps_forget_faster() {
        let mut ema = Ema::new(vec![0.0; CHUNK + 1], 0.9);
        ema.update(&vec![1.0; CHUNK + 1], 1);
        // decay = 2 / 11
        assert!(ema.weights.iter().all(|w| (w - 9.0 / 11.0).abs() < 1e-6));
        assert_eq!(ema.decay_at(1_000), 0.9);
    }

    #[test]
    fn what_is_frozen_stays_to_the_bit() {
        let weights: Vec<f32> = (1..1000).map(|i| (i as f32).recip()).collect();
        let mut ema = Ema::new(weights.clone(), 0.99);
        (1..100).for_each(|step| ema.update(&weights, step));
        assert_eq!(ema.weights, weights);
    }

    #[test]
    fn constant_weights_are_approached_at_the_decay() {
        let mut ema = Ema::new(vec![1.0], 0.5);
        let start = 100; // past the warm-up
        (0..10).for_each(|step| ema.update(&[0.0], start + step));
        assert!((ema.weights[0] - 0.5_f32.powi(10)).abs() < 1e-9);
    }
}
