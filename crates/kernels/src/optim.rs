//! One pass of AdamW over memory.

use rayon::prelude::*;

use crate::lanes::widest;

/// What one step of AdamW needs to know (Loshchilov & Hutter 2019, Algorithm 2).
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    /// The step size now.
    pub learning_rate: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Share of the weight that is taken away at a learning rate of 1.
    pub weight_decay: f32,
    /// Number of this step, from 1, for the bias correction.
    pub step: u64,
    /// What every gradient is multiplied by first (clipping, accumulation).
    pub grad_scale: f32,
}

/// Updates `weights` and both moments in place.
///
/// # Panics
/// If the lengths differ.
pub fn adamw(step: AdamWStep, weights: &mut [f32], grads: &[f32], mean: &mut [f32], square: &mut [f32]) {
    let len = weights.len();
    assert!(grads.len() == len && mean.len() == len && square.len() == len);
    const BLOCK: usize = 8192;
    let moments = mean.par_chunks_mut(BLOCK).zip(square.par_chunks_mut(BLOCK));
    let blocks = weights.par_chunks_mut(BLOCK).zip(grads.par_chunks(BLOCK)).zip(moments);
    blocks.for_each(|((weights, grads), (mean, square))| {
        widest!(block(step: AdamWStep, weights: &mut [f32], grads: &[f32], mean: &mut [f32], square: &mut [f32]));
    });
}

#[inline(always)]
fn block(step: AdamWStep, weights: &mut [f32], grads: &[f32], mean: &mut [f32], square: &mut [f32]) {
    let count = i32::try_from(step.step).unwrap_or(i32::MAX);
    let correct_mean = 1.0 / (1.0 - step.beta1.powi(count));
    let correct_square = 1.0 / (1.0 - step.beta2.powi(count));
    let keep = 1.0 - step.learning_rate * step.weight_decay;
    for (((weight, grad), mean), square) in weights.iter_mut().zip(grads).zip(mean).zip(square) {
        let grad = grad * step.grad_scale;
        *mean = step.beta1 * *mean + (1.0 - step.beta1) * grad;
        *square = step.beta2 * *square + (1.0 - step.beta2) * grad * grad;
        let update = *mean * correct_mean / ((*square * correct_square).sqrt() + step.eps);
        *weight = *weight * keep - step.learning_rate * update;
    }
}
