//! Layer norm with adaLN modulation, and RMS norm, over rows of features.

use std::mem::MaybeUninit;

use super::modulate::group_span;
use crate::{
    isa::Level,
    lanes::{sum, sum2, widest},
    shared::{Shared, cleared, filled},
    threads::prelude::*,
};

/// Rows whose weight gradients one task sums; fixed, so that bits do not depend on the threads.
const ROWS: usize = 64;

/// `(x - mean) / sqrt(var + eps) * (1 + scale) + shift` for each row.
///
/// `x` is `[rows, dim]`; `shift` and `scale` `[groups, dim]`, shared by consecutive rows.
///
/// # Panics
/// If the lengths do not fit.
pub fn layer_norm_modulate(x: &[f32], shift: &[f32], scale: &[f32], dim: usize, eps: f32) -> Vec<f32> {
    layer_norm_modulate_on(Level::in_use(), x, shift, scale, dim, eps)
}

pub(super) fn layer_norm_modulate_on(
    isa: Level,
    x: &[f32],
    shift: &[f32],
    scale: &[f32],
    dim: usize,
    eps: f32,
) -> Vec<f32> {
    assert!(shift.len() == scale.len());
    let span = group_span(x.len(), shift.len(), dim);
    let fill = |y: &mut [MaybeUninit<f32>]| {
        let rows = y.par_chunks_mut(dim).zip(x.par_chunks(dim)).with_min_len(16);
        rows.enumerate().for_each(|(row, (y, x))| {
            let group = row * dim / span * dim..row * dim / span * dim + dim;
            let (shift, scale) = (&shift[group.clone()], &scale[group]);
            widest!(isa => layer_row(
                x: &[f32], shift: &[f32], scale: &[f32], eps: f32, y: &mut [MaybeUninit<f32>],
            ));
        });
    };
    // SAFETY: every row is written whole.
    unsafe { filled(x.len(), fill) }
}

/// The gradients of [`layer_norm_modulate`] by `x`, `shift` and `scale`.
///
/// # Panics
/// If the lengths do not fit.
pub fn layer_norm_modulate_backward(
    dy: &[f32],
    x: &[f32],
    scale: &[f32],
    dim: usize,
    eps: f32,
) -> [Vec<f32>; 3] {
    layer_norm_modulate_backward_on(Level::in_use(), dy, x, scale, dim, eps)
}

pub(super) fn layer_norm_modulate_backward_on(
    isa: Level,
    dy: &[f32],
    x: &[f32],
    scale: &[f32],
    dim: usize,
    eps: f32,
) -> [Vec<f32>; 3] {
    assert!(x.len() == dy.len());
    let span = group_span(x.len(), scale.len(), dim);
    let (mut d_shift, mut d_scale) = (vec![0.0; scale.len()], vec![0.0; scale.len()]);
    let fill = |dx: &mut [MaybeUninit<f32>]| {
        let dx = Shared::new(dx);
        let groups = d_shift.par_chunks_mut(dim).zip(d_scale.par_chunks_mut(dim));
        groups.enumerate().for_each(|(group, (d_shift, d_scale))| {
            let part = group * span..(group + 1) * span;
            let scale = &scale[group * dim..][..dim];
            // SAFETY: every group writes its own rows.
            let dx = unsafe { dx.range(part.start, span) };
            let rows = dy[part.clone()].chunks_exact(dim).zip(x[part].chunks_exact(dim));
            for ((dy, x), dx) in rows.zip(dx.chunks_exact_mut(dim)) {
                let dx = cleared(dx);
                widest!(isa => layer_row_backward(
                    dy: &[f32], x: &[f32], scale: &[f32], eps: f32,
                    dx: &mut [f32], d_shift: &mut [f32], d_scale: &mut [f32],
                ));
            }
        });
    };
    // SAFETY: the groups have all rows, each of which is written whole.
    let dx = unsafe { filled(x.len(), fill) };
    [dx, d_shift, d_scale]
}

/// `x / sqrt(mean(x²) + eps) * weight` for each row of `[rows, dim]`; `weight` is `[dim]`.
///
/// # Panics
/// If the lengths do not fit.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    rms_norm_on(Level::in_use(), x, weight, eps)
}

pub(super) fn rms_norm_on(isa: Level, x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let dim = weight.len();
    assert!(x.len().is_multiple_of(dim));
    let fill = |y: &mut [MaybeUninit<f32>]| {
        y.par_chunks_mut(dim).zip(x.par_chunks(dim)).with_min_len(16).for_each(|(y, x)| {
            widest!(isa => rms_row(x: &[f32], weight: &[f32], eps: f32, y: &mut [MaybeUninit<f32>]));
        });
    };
    // SAFETY: every row is written whole.
    unsafe { filled(x.len(), fill) }
}

/// The gradients of [`rms_norm`] by `x` and `weight`.
///
/// # Panics
/// If the lengths do not fit.
pub fn rms_norm_backward(dy: &[f32], x: &[f32], weight: &[f32], eps: f32) -> [Vec<f32>; 2] {
    rms_norm_backward_on(Level::in_use(), dy, x, weight, eps)
}

pub(super) fn rms_norm_backward_on(
    isa: Level,
    dy: &[f32],
    x: &[f32],
    weight: &[f32],
    eps: f32,
) -> [Vec<f32>; 2] {
    let dim = weight.len();
    assert!(x.len() == dy.len());
    let mut d_weight = vec![0.0; dim];
    let fill = |dx: &mut [MaybeUninit<f32>]| {
        let block = ROWS * dim;
        let blocks = dx.par_chunks_mut(block).zip(x.par_chunks(block)).zip(dy.par_chunks(block));
        let partial: Vec<Vec<f32>> = blocks.map_collect(|((dx, x), dy)| {
            let mut partial = vec![0.0; dim];
            let d_weight = partial.as_mut_slice();
            for ((dx, x), dy) in dx.chunks_exact_mut(dim).zip(x.chunks_exact(dim)).zip(dy.chunks_exact(dim)) {
                let dx = cleared(dx);
                widest!(isa => rms_row_backward(
                    dy: &[f32], x: &[f32], weight: &[f32], eps: f32, dx: &mut [f32], d_weight: &mut [f32],
                ));
            }
            partial
        });
        for partial in partial {
            d_weight.iter_mut().zip(partial).for_each(|(sum, part)| *sum += part);
        }
    };
    // SAFETY: the blocks have all rows, each of which is written whole.
    let dx = unsafe { filled(x.len(), fill) };
    [dx, d_weight]
}

/// The mean and `1 / sqrt(var + eps)` of a row.
#[inline(always)]
fn moments(x: &[f32], eps: f32) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = sum(x, |x| x) / count;
    let var = sum(x, |x| (x - mean) * (x - mean)) / count;
    (mean, 1.0 / (var + eps).sqrt())
}

#[inline(always)]
fn layer_row(x: &[f32], shift: &[f32], scale: &[f32], eps: f32, y: &mut [MaybeUninit<f32>]) {
    let (mean, inverse) = moments(x, eps);
    for (((y, x), shift), scale) in y.iter_mut().zip(x).zip(shift).zip(scale) {
        y.write((x - mean) * inverse * (1.0 + scale) + shift);
    }
}

/// With `n = (x - mean) / std` and `g = dy (1 + scale)`:
/// `dx = (g - mean(g) - n mean(g n)) / std`.
#[inline(always)]
fn layer_row_backward(
    dy: &[f32],
    x: &[f32],
    scale: &[f32],
    eps: f32,
    dx: &mut [f32],
    d_shift: &mut [f32],
    d_scale: &mut [f32],
) {
    let (mean, inverse) = moments(x, eps);
    let count = x.len() as f32;
    for ((dx, dy), scale) in dx.iter_mut().zip(dy).zip(scale) {
        *dx = dy * (1.0 + scale);
    }
    let mean_g = sum(dx, |g| g) / count;
    let mean_gn = sum2(dx, x, |g, x| g * (x - mean)) * inverse / count;
    for ((((dx, x), dy), d_shift), d_scale) in dx.iter_mut().zip(x).zip(dy).zip(d_shift).zip(d_scale) {
        let n = (x - mean) * inverse;
        *dx = (*dx - mean_g - n * mean_gn) * inverse;
        *d_shift += dy;
        *d_scale += dy * n;
    }
}

/// `1 / sqrt(mean(x²) + eps)` of a row.
#[inline(always)]
pub(super) fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    1.0 / (sum(x, |x| x * x) / x.len() as f32 + eps).sqrt()
}

#[inline(always)]
fn rms_row(x: &[f32], weight: &[f32], eps: f32, y: &mut [MaybeUninit<f32>]) {
    let inverse = inverse_rms(x, eps);
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        y.write(x * inverse * weight);
    }
}

/// With `n = x / rms` and `g = dy weight`: `dx = (g - n mean(g n)) / rms`.
#[inline(always)]
fn rms_row_backward(dy: &[f32], x: &[f32], weight: &[f32], eps: f32, dx: &mut [f32], d_weight: &mut [f32]) {
    let count = x.len() as f32;
    let inverse = inverse_rms(x, eps);
    for ((dx, dy), weight) in dx.iter_mut().zip(dy).zip(weight) {
        *dx = dy * weight;
    }
    let mean_gn = sum2(dx, x, |g, x| g * x) * inverse / count;
    for (((dx, x), dy), d_weight) in dx.iter_mut().zip(x).zip(dy).zip(d_weight) {
        let n = x * inverse;
        *dx = (*dx - n * mean_gn) * inverse;
        *d_weight += dy * n;
    }
}
