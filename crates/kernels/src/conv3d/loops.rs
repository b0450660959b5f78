//! Products of f32 words in plain Rust: loops that the compiler turns into vectors.

use std::ops::Range;

use super::{
    job::{Group, Job},
    plane::TILE,
};
use crate::{isa::Level, lanes::widest};

/// Output channels that are computed side by side at most, by as many outputs as a tile has: twelve sums of eight lanes fit the sixteen
/// registers of AVX2, and each value that is read goes into six of them or into two.
const ROWS: usize = 6;

/// Sums of some output channels by the outputs of a tile.
type Sums = [[f32; TILE]; ROWS];

/// One block of output channels by a group of tiles.
pub(super) fn block(job: &Job<'_>, tiles: &Group, rows: Range<usize>) {
    for tile in tiles.iter().filter(|tile| tile.width > 0) {
        for first in rows.clone().step_by(ROWS) {
            let some = first..rows.end.min(first + ROWS);
            let (mut sums, from, whole) = ([[0.0; TILE]; ROWS], tile.from, rows.clone());
            let (to, part) = (&mut sums, some.clone());
            match job.weights.isa {
                Level::Portable => sum::<false>(job, from, whole, part, to),
                isa => widest!(isa => fused(
                    job: &Job<'_>, from: usize, whole: Range<usize>, part: Range<usize>, to: &mut Sums,
                )),
            }
            for (row, sums) in some.zip(&sums) {
                let bias = job.bias.map_or(0.0, |bias| bias[row]);
                for (lane, sum) in sums.iter().take(tile.width).enumerate() {
                    // SAFETY: the tile lies in the output and is written by this job alone.
                    unsafe { job.target(row, tile).add(lane).write(sum + bias) }
                }
            }
        }
    }
}

#[inline(always)]
fn fused(job: &Job<'_>, from: usize, rows: Range<usize>, part: Range<usize>, to: &mut Sums) {
    sum::<true>(job, from, rows, part, to);
}

/// The sums of `part` of the output channels of a block. Where processors have no `FUSED` products, these would be calls.
#[inline(always)]
fn sum<const FUSED: bool>(job: &Job<'_>, from: usize, rows: Range<usize>, part: Range<usize>, to: &mut Sums) {
    match part.len() {
        6 => sum_rows::<6, FUSED>(job, from, &rows, part.start, to),
        5 => sum_rows::<5, FUSED>(job, from, &rows, part.start, to),
        4 => sum_rows::<4, FUSED>(job, from, &rows, part.start, to),
        3 => sum_rows::<3, FUSED>(job, from, &rows, part.start, to),
        2 => sum_rows::<2, FUSED>(job, from, &rows, part.start, to),
        _ => sum_rows::<1, FUSED>(job, from, &rows, part.start, to),
    }
}

#[inline(always)]
fn sum_rows<const R: usize, const FUSED: bool>(
    job: &Job<'_>,
    from: usize,
    rows: &Range<usize>,
    first: usize,
    to: &mut Sums,
) {
    let mut sums = [[0.0f32; TILE]; R];
    let (taps, stride) = (job.offsets.len(), rows.len());
    let weights = job.block_weights(rows);
    for tap in job.frame_taps {
        let x = &job.volume[tap.start + from..];
        let weights = &weights[tap.tap * taps * stride..][..taps * stride];
        for (offset, weights) in job.offsets.iter().zip(weights.chunks_exact(stride)) {
            let x: &[u32; TILE] = x[*offset..].first_chunk().expect("a tile lies in the volume");
            let weights: &[u32; R] = weights[first - rows.start..].first_chunk().expect("rows of the block");
            for (sums, weight) in sums.iter_mut().zip(weights) {
                let weight = f32::from_bits(*weight);
                for (sum, x) in sums.iter_mut().zip(x) {
                    let x = f32::from_bits(*x);
                    *sum = if FUSED { weight.mul_add(x, *sum) } else { *sum + weight * x };
                }
            }
        }
    }
    to[..R].copy_from_slice(&sums);
}
