//! Rotary position embedding, interleaved pairs; alone, and behind an RMS norm.

use std::mem::MaybeUninit;

use super::norm::inverse_rms;
use crate::{isa::Level, lanes::widest, shared::filled, threads::prelude::*};

/// Rotates neighbouring features of every head: `(a, b)` becomes `(a cos - b sin, a sin + b cos)`.
///
/// `x` is `[batch, tokens, heads, head_dim]`, `cos` and `sin` `[tokens, head_dim / 2]`.
/// The inverse, which is also the backward pass, has `inverse` set.
///
/// # Panics
/// If the lengths do not fit.
pub fn rope(x: &[f32], cos: &[f32], sin: &[f32], heads: usize, head_dim: usize, inverse: bool) -> Vec<f32> {
    rope_on(Level::in_use(), x, (cos, sin), heads, head_dim, inverse)
}

pub(super) fn rope_on(
    isa: Level,
    x: &[f32],
    table: (&[f32], &[f32]),
    heads: usize,
    head_dim: usize,
    inverse: bool,
) -> Vec<f32> {
    let sign = if inverse { -1.0 } else { 1.0 };
    by_token(x, table, heads * head_dim, head_dim, |x, cos, sin, y| {
        widest!(isa => rotate(x: &[f32], cos: &[f32], sin: &[f32], sign: f32, y: &mut [MaybeUninit<f32>]));
    })
}

/// [`rms_norm`](super::rms_norm) over all heads of a token together, then [`rope`], in one pass: the same bits.
///
/// `x` is `[batch, tokens, heads, head_dim]`, `weight` `[heads, head_dim]`.
///
/// # Panics
/// If the lengths do not fit.
pub fn rms_norm_rope(
    x: &[f32],
    weight: &[f32],
    eps: f32,
    cos: &[f32],
    sin: &[f32],
    head_dim: usize,
) -> Vec<f32> {
    rms_norm_rope_on(Level::in_use(), x, weight, eps, (cos, sin), head_dim)
}

pub(super) fn rms_norm_rope_on(
    isa: Level,
    x: &[f32],
    weight: &[f32],
    eps: f32,
    table: (&[f32], &[f32]),
    head_dim: usize,
) -> Vec<f32> {
    assert!(weight.len().is_multiple_of(head_dim));
    by_token(x, table, weight.len(), head_dim, |x, cos, sin, y| {
        widest!(isa => norm_and_rotate(
            x: &[f32], weight: &[f32], eps: f32, cos: &[f32], sin: &[f32], y: &mut [MaybeUninit<f32>],
        ));
    })
}

/// `write(x, cos, sin, y)` writes a token's features.
fn by_token(
    x: &[f32],
    (cos, sin): (&[f32], &[f32]),
    features: usize,
    head_dim: usize,
    write: impl Fn(&[f32], &[f32], &[f32], &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    let half = head_dim / 2;
    assert!(head_dim.is_multiple_of(2) && half > 0 && cos.len() == sin.len());
    let tokens = cos.len() / half;
    assert!(tokens > 0 && features > 0 && x.len().is_multiple_of(tokens * features));
    let fill = |y: &mut [MaybeUninit<f32>]| {
        let rows = y.par_chunks_mut(features).zip(x.par_chunks(features)).with_min_len(16);
        rows.enumerate().for_each(|(index, (y, x))| {
            let token = index % tokens * half;
            write(x, &cos[token..token + half], &sin[token..token + half], y);
        });
    };
    // SAFETY: both ways write all heads of a token, which are its features.
    unsafe { filled(x.len(), fill) }
}

#[inline(always)]
fn rotate(x: &[f32], cos: &[f32], sin: &[f32], sign: f32, y: &mut [MaybeUninit<f32>]) {
    let head_dim = 2 * cos.len();
    for (y, x) in y.chunks_exact_mut(head_dim).zip(x.chunks_exact(head_dim)) {
        for (((y, x), cos), sin) in y.chunks_exact_mut(2).zip(x.chunks_exact(2)).zip(cos).zip(sin) {
            turn([x[0], x[1]], *cos, sign * sin, y);
        }
    }
}

#[inline(always)]
fn norm_and_rotate(
    x: &[f32],
    weight: &[f32],
    eps: f32,
    cos: &[f32],
    sin: &[f32],
    y: &mut [MaybeUninit<f32>],
) {
    let (inverse, head_dim) = (inverse_rms(x, eps), 2 * cos.len());
    let heads = y.chunks_exact_mut(head_dim).zip(x.chunks_exact(head_dim));
    for ((y, x), weight) in heads.zip(weight.chunks_exact(head_dim)) {
        let pairs = y.chunks_exact_mut(2).zip(x.chunks_exact(2)).zip(weight.chunks_exact(2));
        for (((y, x), weight), (cos, sin)) in pairs.zip(cos.iter().zip(sin)) {
            turn([x[0] * inverse * weight[0], x[1] * inverse * weight[1]], *cos, *sin, y);
        }
    }
}

#[inline(always)]
fn turn([a, b]: [f32; 2], cos: f32, sin: f32, y: &mut [MaybeUninit<f32>]) {
    y[0].write(a * cos - b * sin);
    y[1].write(a * sin + b * cos);
}
