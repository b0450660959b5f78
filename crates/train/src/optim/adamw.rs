//! AdamW (Loshchilov and Hutter 2019, algorithm 2), in one pass over memory.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CHUNK, muon};
use crate::parameters::Entry;

/// The settings of [`AdamW`]. The learning rate is an argument of each step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamWConfig {
    /// Decay of the mean of the gradients.
    pub beta1: f64,
    /// Decay of the mean of their squares.
    pub beta2: f64,
    /// Added to the root of the squares' mean.
    pub epsilon: f64,
    /// Decoupled decay of weights of two dimensions and more, times the learning rate.
    pub weight_decay: f64,
}

/// How far a step moves a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LrScale {
    /// By the learning rate, whatever its size.
    Absolute,
    /// By the learning rate times the root of its mean square (Shazeer and Stern 2018, section 8), but no less than
    /// a thousandth of it: for models like T5, whose parameters begin at very different sizes.
    Relative,
    /// By Muon's rule in place of AdamW's (`optim/muon.rs`).
    Orthogonal,
    /// It stays as it is.
    Frozen,
}

/// Adafactor's `ε₂`: what a parameter of zeros counts as in [`LrScale::Relative`].
const LEAST_RELATIVE: f64 = 1e-3;

/// The optimiser's state for a flat list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    config: AdamWConfig,
    /// Mean of the gradients (PyTorch's `exp_avg`).
    pub exp_avg: Vec<f32>,
    /// Mean of the squared gradients (PyTorch's `exp_avg_sq`).
    pub exp_avg_sq: Vec<f32>,
    /// Parts of the flat list, one after the other.
    parameters: Vec<Parameter>,
}

/// One parameter's part of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Parameter {
    len: usize,
    /// Outputs, and all other dimensions together.
    matrix: [usize; 2],
    decays: bool,
    lr_scale: LrScale,
}

/// One task's share of the lists.
struct Chunk<'a> {
    weights: &'a mut [f32],
    gradients: &'a [f32],
    exp_avg: &'a mut [f32],
    exp_avg_sq: &'a mut [f32],
    decays: bool,
    /// What the learning rate is multiplied by.
    lr_scale: f64,
}

impl AdamW {
    /// A fresh state for these parameters; `lr_scale` tells that of each.
    pub fn new(config: AdamWConfig, entries: &[Entry], lr_scale: impl Fn(&Entry) -> LrScale) -> Self {
        let len = entries.iter().map(Entry::len).sum();
        let parameter = |entry: &Entry| Parameter {
            len: entry.len(),
            matrix: [entry.shape[0], entry.len() / entry.shape[0].max(1)],
            decays: entry.decays(),
            lr_scale: lr_scale(entry),
        };
        let parameters = entries.iter().map(parameter).collect();
        Self { config, exp_avg: vec![0.0; len], exp_avg_sq: vec![0.0; len], parameters }
    }

    /// Step number `step` (from 1) with the gradients times `gradient_scale`.
    pub fn step(
        &mut self,
        weights: &mut [f32],
        gradients: &[f32],
        gradient_scale: f32,
        learning_rate: f64,
        step: u64,
    ) {
        let AdamWConfig { beta1, beta2, epsilon, weight_decay } = self.config;
        let power = step.min(i32::MAX as u64) as i32;
        // m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ): the corrections are the same for all weights.
        let step_size = learning_rate / (1.0 - beta1.powi(power));
        let root_correction = (1.0 / (1.0 - beta2.powi(power)).sqrt()) as f32;
        let (beta1, beta2, epsilon) = (beta1 as f32, beta2 as f32, epsilon as f32);

        self.orthogonal_steps(weights, gradients, gradient_scale, learning_rate);
        self.split(weights, gradients).into_par_iter().for_each(|chunk| {
            let decay = if chunk.decays { learning_rate * chunk.lr_scale * weight_decay } else { 0.0 };
            let (shrink, step_size) = ((1.0 - decay) as f32, (step_size * chunk.lr_scale) as f32);
            let moments = chunk.exp_avg.iter_mut().zip(chunk.exp_avg_sq);
            for ((weight, gradient), (m, v)) in chunk.weights.iter_mut().zip(chunk.gradients).zip(moments) {
                let gradient = gradient * gradient_scale;
                *m = beta1 * *m + (1.0 - beta1) * gradient;
                *v = beta2 * *v + (1.0 - beta2) * gradient * gradient;
                *weight = *weight * shrink - step_size * *m / (v.sqrt() * root_correction + epsilon);
            }
        });
    }

    /// Steps of what is moved by Muon, whose mean of gradients is in `exp_avg`.
    fn orthogonal_steps(
        &mut self,
        weights: &mut [f32],
        gradients: &[f32],
        gradient_scale: f32,
        learning_rate: f64,
    ) {
        let mut start = 0;
        for parameter in &self.parameters {
            let part = start..start + parameter.len;
            start = part.end;
            if parameter.lr_scale == LrScale::Orthogonal {
                let (weights, mean) = (&mut weights[part.clone()], &mut self.exp_avg[part.clone()]);
                let settings = [learning_rate, self.config.weight_decay];
                muon::step(weights, &gradients[part], gradient_scale, mean, parameter.matrix, settings);
            }
        }
    }

    fn split<'a>(&'a mut self, weights: &'a mut [f32], gradients: &'a [f32]) -> Vec<Chunk<'a>> {
        let mut rest = (weights, gradients, &mut self.exp_avg[..], &mut self.exp_avg_sq[..]);
        let mut chunks = Vec::new();
        for &Parameter { len, decays, lr_scale, .. } in &self.parameters {
            let (weights, gradients) = (rest.0.split_at_mut(len), rest.1.split_at(len));
            let (exp_avg, exp_avg_sq) = (rest.2.split_at_mut(len), rest.3.split_at_mut(len));
            rest = (weights.1, gradients.1, exp_avg.1, exp_avg_sq.1);
            let lr_scale = match lr_scale {
                LrScale::Absolute => 1.0,
                LrScale::Relative => root_mean_square(weights.0).max(LEAST_RELATIVE),
                LrScale::Frozen | LrScale::Orthogonal => continue,
            };
            let moments = exp_avg.0.chunks_mut(CHUNK).zip(exp_avg_sq.0.chunks_mut(CHUNK));
            let values = weights.0.chunks_mut(CHUNK).zip(gradients.0.chunks(CHUNK));
            chunks.extend(values.zip(moments).map(|((weights, gradients), (exp_avg, exp_avg_sq))| Chunk {
                weights,
                gradients,
                exp_avg,
                exp_avg_sq,
                decays,
                lr_scale,
            }));
        }
        chunks
    }
}

fn root_mean_square(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    (sum / values.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 };

    fn entry(name: &str, shape: &[usize]) -> Entry {
        Entry { name: name.into(), shape: shape.to_vec() }
    }

    #[test]
    fn two_steps_by_hand() {
        let entries = [entry("weight", &[2, 2]), entry("bias", &[1])];
        let mut adamw = AdamW::new(CONFIG, &entries, |_| LrScale::Absolute);
        let mut weights = vec![1.0, -2.0, 0.5, 0.0, 1.0];
        adamw.step(&mut weights, &[0.4, -0.2, 0.0, 1.0, 0.4], 0.5, 0.01, 1);
        // After one step m̂ / √v̂ is the gradient's sign, so each weight moves by the learning rate;
        // the matrix also shrinks by 0.01 * 0.1.
        let expected = [1.0 * 0.999 - 0.01, -2.0 * 0.999 + 0.01, 0.5 * 0.999, -0.01, 1.0 - 0.01];
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((weight - expected).abs() < 1e-6, "{weight} {expected}");
        }
        adamw.step(&mut weights, &[0.0; 5], 1.0, 0.01, 2);
        // g = 0.2, then 0: m = 0.9 * 0.1 * 0.2, v = 0.99 * 0.01 * 0.04.
        let (m, v) = (0.018 / (1.0 - 0.81), 0.000_396 / (1.0 - 0.980_1));
        let bias = 0.99 - 0.01 * m / f64::sqrt(v);
        assert!((f64::from(weights[4]) - bias).abs() < 1e-6, "{} {bias}", weights[4]);
    }

    #[test]
    fn frozen_parameters_stay_and_do_not_decay() {
        let entries = [entry("encoder.a", &[2, 2]), entry("decoder.a", &[2, 2])];
        let lr_scale = |entry: &Entry| {
            if entry.name.starts_with("encoder.") { LrScale::Frozen } else { LrScale::Absolute }
        };
        let mut adamw = AdamW::new(CONFIG, &entries, lr_scale);
        let mut weights = vec![1.0; 8];
        adamw.step(&mut weights, &[1.0; 8], 1.0, 0.5, 1);
        assert_eq!(weights[..4], [1.0; 4]);
        assert!(weights[4..].iter().all(|&weight| weight < 0.6));
    }

    #[test]
    fn relative_steps_are_of_the_parameter_s_size() {
        let entries = [entry("large", &[2]), entry("small", &[2]), entry("zeros", &[2])];
        let mut adamw = AdamW::new(CONFIG, &entries, |_| LrScale::Relative);
        let mut weights = vec![30.0, 40.0, -0.3, 0.4, 0.0, 0.0];
        adamw.step(&mut weights, &[1.0; 6], 1.0, 0.01, 1);
        let sizes = [f32::sqrt(1250.0), f32::sqrt(0.125), 1e-3];
        for (i, (weight, before)) in weights.iter().zip([30.0, 40.0, -0.3, 0.4, 0.0, 0.0]).enumerate() {
            let expected = before - 0.01 * sizes[i / 2];
            assert!((weight - expected).abs() < 1e-5, "{i}: {weight} {expected}");
        }
    }

    #[test]
    fn chunks_cover_long_parameters() {
        let entries = [entry("a", &[3]), entry("b", &[2, CHUNK + 5]), entry("c", &[4, 1, 1])];
        let len = entries.iter().map(Entry::len).sum::<usize>();
        let mut adamw = AdamW::new(CONFIG, &entries, |_| LrScale::Absolute);
        let mut weights = vec![0.0; len];
        adamw.step(&mut weights, &vec![1.0; len], 1.0, 0.5, 1);
        assert!(weights.iter().all(|w| (w + 0.5).abs() < 1e-6));
        assert!(!entries[2].decays() && entries[1].decays());
    }
}
