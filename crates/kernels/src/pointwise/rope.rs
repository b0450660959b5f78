//! Rotary position embedding, interleaved pairs.

use crate::{isa::Level, lanes::widest, threads::prelude::*};

/// Rotates neighbouring features of every head: `(a, b)` becomes `(a cos - b sin, a sin + b cos)`.
///
/// `x` and `y` are `[batch, tokens, heads, head_dim]`, `cos` and `sin` `[tokens, head_dim / 2]`.
/// The inverse, which is also the backward pass, has `inverse` set.
///
/// # Panics
/// If the lengths do not fit.
pub fn rope(
    x: &[f32],
    cos: &[f32],
    sin: &[f32],
    heads: usize,
    head_dim: usize,
    inverse: bool,
    y: &mut [f32],
) {
    rope_on(Level::in_use(), x, (cos, sin), heads, head_dim, inverse, y);
}

pub(super) fn rope_on(
    isa: Level,
    x: &[f32],
    (cos, sin): (&[f32], &[f32]),
    heads: usize,
    head_dim: usize,
    inverse: bool,
    y: &mut [f32],
) {
    let half = head_dim / 2;
    assert!(head_dim.is_multiple_of(2) && half > 0 && cos.len() == sin.len());
    let tokens = cos.len() / half;
    let row = heads * head_dim;
    assert!(x.len() == y.len() && tokens > 0 && x.len().is_multiple_of(tokens * row));
    y.par_chunks_mut(row).zip(x.par_chunks(row)).with_min_len(16).enumerate().for_each(|(index, (y, x))| {
        let token = index % tokens;
        let (cos, sin) = (&cos[token * half..][..half], &sin[token * half..][..half]);
        let sign = if inverse { -1.0 } else { 1.0 };
        widest!(isa => rotate(x: &[f32], cos: &[f32], sin: &[f32], sign: f32, y: &mut [f32]));
    });
}

#[inline(always)]
fn rotate(x: &[f32], cos: &[f32], sin: &[f32], sign: f32, y: &mut [f32]) {
    let head_dim = 2 * cos.len();
    for (y, x) in y.chunks_exact_mut(head_dim).zip(x.chunks_exact(head_dim)) {
        for (((y, x), cos), sin) in y.chunks_exact_mut(2).zip(x.chunks_exact(2)).zip(cos).zip(sin) {
            let sin = sign * sin;
            y[0] = x[0] * cos - x[1] * sin;
            y[1] = x[0] * sin + x[1] * cos;
        }
    }
}
