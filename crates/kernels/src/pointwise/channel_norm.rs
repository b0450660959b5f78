//! RMS norm over the channels of `[batch, channels, positions]`, with or without SiLU after it.

use std::mem::MaybeUninit;

use half::bf16;

use super::activation::Activation;
use crate::{
    isa::Level,
    lanes::{bf16_bits, widest},
    shared::{Plain, Shared, cleared, filled},
    threads::prelude::*,
};

/// Positions that are normed side by side, one in each lane.
const POSITIONS: usize = 64;
/// Blocks whose `gamma` gradients are summed before they are added up; fixed for equal bits.
const BLOCKS: usize = 32;
/// The least norm that is divided by, as in torch's `normalize`.
const LEAST: f32 = 1e-12;

/// `x / max(|x|₂, 1e-12) * sqrt(channels) * gamma`, then SiLU if `silu`.
///
/// `x` is `[batch, channels, positions]`, the norm runs over channels; `gamma` is
/// `[channels]`.
///
/// # Panics
/// If the lengths do not fit.
pub fn channel_rms_norm(x: &[f32], gamma: &[f32], positions: usize, silu: bool) -> Vec<f32> {
    channel_rms_norm_on(Level::in_use(), x, gamma, positions, silu)
}

pub(super) fn channel_rms_norm_on(
    isa: Level,
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    silu: bool,
) -> Vec<f32> {
    forward(isa, x, gamma, positions, |x, inverse, gamma, y| {
        widest!(isa => forward_row(
            x: &[f32], inverse: &[f32; POSITIONS], gamma: f32, silu: bool, y: &mut [MaybeUninit<f32>],
        ));
    })
}

/// [`channel_rms_norm`] rounded to bf16, for what reads bf16.
///
/// # Panics
/// If the lengths do not fit.
pub fn channel_rms_norm_bf16(x: &[f32], gamma: &[f32], positions: usize, silu: bool) -> Vec<bf16> {
    channel_rms_norm_bf16_on(Level::in_use(), x, gamma, positions, silu)
}

pub(super) fn channel_rms_norm_bf16_on(
    isa: Level,
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    silu: bool,
) -> Vec<bf16> {
    forward(isa, x, gamma, positions, |x, inverse, gamma, y| {
        widest!(isa => rounded_row(
            x: &[f32], inverse: &[f32; POSITIONS], gamma: f32, silu: bool, y: &mut [MaybeUninit<bf16>],
        ));
    })
}

/// `row(x, inverse norms, gamma, y)` norms up to 64 positions of a channel, and writes them all.
fn forward<T: Plain + Send>(
    isa: Level,
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    row: impl Fn(&[f32], &[f32; POSITIONS], f32, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let channels = gamma.len();
    assert!(x.len().is_multiple_of(channels * positions));
    let fill = |y: &mut [MaybeUninit<T>]| {
        let out = Shared::new(y);
        let blocks = positions.div_ceil(POSITIONS);
        (0..x.len() / (channels * positions) * blocks).into_par_iter().for_each(|task| {
            let part = Part::new(task, blocks, channels, positions);
            let inverse = part.inverse_norms(isa, x);
            for (c, &gamma) in gamma.iter().enumerate() {
                // SAFETY: every task writes the rows of its own positions.
                row(part.of(x, c), &inverse, gamma, unsafe { out.range(part.row(c), part.width) });
            }
        });
    };
    // SAFETY: the tasks have all positions of all channels, and `row` writes those that it gets.
    unsafe { filled(x.len(), fill) }
}

/// The gradients of [`channel_rms_norm`] by `x` and `gamma`.
///
/// # Panics
/// If the lengths do not fit.
pub fn channel_rms_norm_backward(
    dy: &[f32],
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    silu: bool,
) -> [Vec<f32>; 2] {
    channel_rms_norm_backward_on(Level::in_use(), dy, x, gamma, positions, silu)
}

pub(super) fn channel_rms_norm_backward_on(
    isa: Level,
    dy: &[f32],
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    silu: bool,
) -> [Vec<f32>; 2] {
    assert!(x.len() == dy.len());
    assert!(x.len().is_multiple_of(gamma.len() * positions));
    let mut d_gamma = vec![0.0; gamma.len()];
    let fill = |dx: &mut [MaybeUninit<f32>]| {
        for partial in backward_blocks(isa, dy, x, gamma, positions, silu, Shared::new(dx)) {
            d_gamma.iter_mut().zip(partial).for_each(|(sum, part)| *sum += part);
        }
    };
    // SAFETY: the blocks have all positions of all channels.
    let dx = unsafe { filled(x.len(), fill) };
    [dx, d_gamma]
}

/// Writes the gradient by `x`, and answers that by `gamma`, in parts that have to be added up.
fn backward_blocks(
    isa: Level,
    dy: &[f32],
    x: &[f32],
    gamma: &[f32],
    positions: usize,
    silu: bool,
    out: Shared<'_, MaybeUninit<f32>>,
) -> Vec<Vec<f32>> {
    let channels = gamma.len();
    let blocks = positions.div_ceil(POSITIONS);
    let tasks = x.len() / (channels * positions) * blocks;
    (0..tasks.div_ceil(BLOCKS)).into_par_iter().map_collect(|group| {
        let mut d_gamma = vec![0.0; channels];
        for task in group * BLOCKS..tasks.min((group + 1) * BLOCKS) {
            let part = Part::new(task, blocks, channels, positions);
            // SAFETY: every task writes the rows of its own positions.
            let rows = |c: usize| unsafe { out.range(part.row(c), part.width) };
            let inverse = part.inverse_norms(isa, x);
            // g = dL/dn with n = sqrt(channels) x / |x|; dots = Σ g n over channels.
            let mut dots = [0.0f32; POSITIONS];
            for c in 0..channels {
                let (dy, x, gamma, g) = (part.of(dy, c), part.of(x, c), gamma[c], cleared(rows(c)));
                let (inverse, dots, sum) = (&inverse, &mut dots, &mut d_gamma[c]);
                widest!(isa => backward_dots(
                    dy: &[f32], x: &[f32], inverse: &[f32; POSITIONS], gamma: f32, silu: bool,
                    g: &mut [f32], dots: &mut [f32; POSITIONS], sum: &mut f32,
                ));
            }
            for c in 0..channels {
                // SAFETY: the loop above has written the row.
                let dx = unsafe { rows(c).assume_init_mut() };
                let (x, inverse, dots) = (part.of(x, c), &inverse, &dots);
                let share = 1.0 / channels as f32;
                widest!(isa => backward_row(
                    x: &[f32], inverse: &[f32; POSITIONS], dots: &[f32; POSITIONS], share: f32,
                    dx: &mut [f32],
                ));
            }
        }
        d_gamma
    })
}

/// Up to 64 neighbouring positions of one sample, with all their channels.
struct Part {
    start: usize,
    width: usize,
    channels: usize,
    positions: usize,
}

impl Part {
    fn new(task: usize, blocks: usize, channels: usize, positions: usize) -> Self {
        let (sample, block) = (task / blocks, task % blocks);
        let offset = block * POSITIONS;
        Self {
            start: sample * channels * positions + offset,
            width: POSITIONS.min(positions - offset),
            channels,
            positions,
        }
    }

    fn row(&self, channel: usize) -> usize {
        self.start + channel * self.positions
    }

    fn of<'a>(&self, x: &'a [f32], channel: usize) -> &'a [f32] {
        &x[self.row(channel)..][..self.width]
    }

    /// `sqrt(channels) / max(|x|₂, 1e-12)` of each position.
    fn inverse_norms(&self, isa: Level, x: &[f32]) -> [f32; POSITIONS] {
        let mut sums = [0.0f32; POSITIONS];
        for c in 0..self.channels {
            let (x, sums) = (self.of(x, c), &mut sums);
            widest!(isa => add_squares(x: &[f32], sums: &mut [f32; POSITIONS]));
        }
        let root = (self.channels as f32).sqrt();
        sums.map(|sum| root / sum.sqrt().max(LEAST))
    }
}

#[inline(always)]
fn add_squares(x: &[f32], sums: &mut [f32; POSITIONS]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += x * x;
    }
}

#[inline(always)]
fn norm_row<T>(
    x: &[f32],
    inverse: &[f32; POSITIONS],
    gamma: f32,
    silu: bool,
    y: &mut [T],
    put: impl Fn(&mut T, f32),
) {
    if silu {
        for ((y, x), inverse) in y.iter_mut().zip(x).zip(inverse) {
            put(y, Activation::Silu.at(x * inverse * gamma).0);
        }
    } else {
        for ((y, x), inverse) in y.iter_mut().zip(x).zip(inverse) {
            put(y, x * inverse * gamma);
        }
    }
}

#[inline(always)]
fn forward_row(x: &[f32], inverse: &[f32; POSITIONS], gamma: f32, silu: bool, y: &mut [MaybeUninit<f32>]) {
    norm_row(x, inverse, gamma, silu, y, |y, value| _ = y.write(value));
}

#[inline(always)]
fn rounded_row(x: &[f32], inverse: &[f32; POSITIONS], gamma: f32, silu: bool, y: &mut [MaybeUninit<bf16>]) {
    let mut exact = [0.0; POSITIONS];
    let exact = &mut exact[..x.len()];
    norm_row(x, inverse, gamma, silu, exact, |y, value| *y = value);
    for (y, exact) in y.iter_mut().zip(exact) {
        y.write(bf16::from_bits(bf16_bits(*exact) as u16));
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the inner loop of the backward pass")]
fn backward_dots(
    dy: &[f32],
    x: &[f32],
    inverse: &[f32; POSITIONS],
    gamma: f32,
    silu: bool,
    g: &mut [f32],
    dots: &mut [f32; POSITIONS],
    sum: &mut f32,
) {
    let mut d_gamma = [0.0f32; POSITIONS];
    let values = g.iter_mut().zip(x).zip(dy).zip(inverse).zip(dots).zip(&mut d_gamma);
    if silu {
        for (((((g, x), dy), inverse), dot), d_gamma) in values {
            let n = x * inverse;
            let d = dy * Activation::Silu.at(n * gamma).1;
            *g = d * gamma;
            *dot += *g * n;
            *d_gamma = d * n;
        }
    } else {
        for (((((g, x), dy), inverse), dot), d_gamma) in values {
            let n = x * inverse;
            *g = dy * gamma;
            *dot += *g * n;
            *d_gamma = dy * n;
        }
    }
    *sum += crate::lanes::sum(&d_gamma, |d| d);
}

/// `dx = (g - n Σ(g n) / channels) sqrt(channels) / |x|`, where `dx` holds `g`.
#[inline(always)]
fn backward_row(x: &[f32], inverse: &[f32; POSITIONS], dots: &[f32; POSITIONS], share: f32, dx: &mut [f32]) {
    for (((dx, x), inverse), dot) in dx.iter_mut().zip(x).zip(inverse).zip(dots) {
        *dx = (*dx - x * inverse * dot * share) * inverse;
    }
}
