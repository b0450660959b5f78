//! Products of f32 words in plain Rust: loops that the compiler turns into vectors.

use std::ops::Range;

use super::job::{Group, Job};
use crate::lanes::widest;

/// Output channels that are computed side by side at most.
const ROWS: usize = 12;
/// Outputs beside them: twelve sums of eight lanes fit the sixteen registers of AVX2.
const LANES: usize = 8;

/// One block of output channels by a group of tiles.
pub(super) fn block(job: &Job<'_>, tiles: &Group, rows: Range<usize>) {
    for tile in tiles.iter().filter(|tile| tile.width > 0) {
        for start in (0..tile.width).step_by(LANES) {
            let mut sums = [[0.0; LANES]; ROWS];
            let (to, from) = (&mut sums, tile.from + start);
            let block = rows.clone();
            widest!(job.weights.isa => sum(
                job: &Job<'_>, from: usize, block: Range<usize>, to: &mut [[f32; LANES]; ROWS],
            ));
            for (row, sums) in rows.clone().zip(&sums) {
                let bias = job.bias.map_or(0.0, |bias| bias[row]);
                for (lane, sum) in sums.iter().take(tile.width - start).enumerate() {
                    // SAFETY: the tile lies in the output and is written by this job alone.
                    unsafe { job.target(row, tile).add(start + lane).write(sum + bias) }
                }
            }
        }
    }
}

#[inline(always)]
fn sum(job: &Job<'_>, from: usize, rows: Range<usize>, sums: &mut [[f32; LANES]; ROWS]) {
    match rows.len() {
        12 => sum_rows::<12>(job, from, &rows, sums),
        11 => sum_rows::<11>(job, from, &rows, sums),
        10 => sum_rows::<10>(job, from, &rows, sums),
        9 => sum_rows::<9>(job, from, &rows, sums),
        8 => sum_rows::<8>(job, from, &rows, sums),
        7 => sum_rows::<7>(job, from, &rows, sums),
        6 => sum_rows::<6>(job, from, &rows, sums),
        5 => sum_rows::<5>(job, from, &rows, sums),
        4 => sum_rows::<4>(job, from, &rows, sums),
        3 => sum_rows::<3>(job, from, &rows, sums),
        2 => sum_rows::<2>(job, from, &rows, sums),
        _ => sum_rows::<1>(job, from, &rows, sums),
    }
}

#[inline(always)]
fn sum_rows<const R: usize>(job: &Job<'_>, from: usize, rows: &Range<usize>, to: &mut [[f32; LANES]; ROWS]) {
    let mut sums = [[0.0f32; LANES]; R];
    let taps = job.offsets.len();
    let weights = job.block_weights(rows);
    for tap in job.frame_taps {
        let x = &job.volume[tap.start + from..];
        let weights = &weights[tap.tap * taps * R..][..taps * R];
        for (offset, weights) in job.offsets.iter().zip(weights.chunks_exact(R)) {
            let x: &[u32; LANES] = x[*offset..].first_chunk().expect("a tile lies in the volume");
            for (sums, weight) in sums.iter_mut().zip(weights) {
                let weight = f32::from_bits(*weight);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum += weight * f32::from_bits(*x);
                }
            }
        }
    }
    to[..R].copy_from_slice(&sums);
}
