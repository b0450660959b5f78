//! Packing in plain Rust.

use std::ops::Range;

use super::{
    layout::{Layout, Matrix},
    tile::{PANEL, STRIP},
};
use crate::lanes::bf16_bits;

/// `sums[i] = Σ a[range.start + i, l]`, from the first to the last.
pub(super) fn row_sums((a, layout): Matrix<'_>, m: usize, k: usize, range: Range<usize>, sums: &mut [f32]) {
    sums.fill(0.0);
    for l in 0..k {
        for (row, sum) in range.clone().zip(&mut *sums) {
            *sum += match layout {
                Layout::Plain => a[row * k + l],
                Layout::Transposed => a[l * m + row],
            };
        }
    }
}

/// Neighbours in `k` as one packed value.
#[inline(always)]
fn word(first: f32, second: f32) -> u32 {
    bf16_bits(first) | bf16_bits(second) << 16
}

/// Rows `range` of an `[m, k]` matrix as `[rows][k / 2]`.
#[inline(always)]
pub(super) fn rows((a, layout): Matrix<'_>, m: usize, k: usize, range: Range<usize>, packed: &mut [u32]) {
    for (row, packed) in range.zip(packed.chunks_exact_mut(k.div_ceil(2))) {
        let at = |l: usize| match layout {
            _ if l >= k => 0.0,
            Layout::Plain => a[row * k + l],
            Layout::Transposed => a[l * m + row],
        };
        for (index, packed) in packed.iter_mut().enumerate() {
            *packed = word(at(2 * index), at(2 * index + 1));
        }
    }
}

/// 64 columns from `start` on of one or two rows of `n` values: `[64]` pairs, zeros beyond.
#[inline(always)]
pub(super) fn pair(rows: &[f32], n: usize, start: usize, packed: &mut [u32]) {
    for (column, packed) in (start..).zip(packed) {
        let at = |row: usize| if column < n { rows.get(row * n + column).copied() } else { None };
        *packed = word(at(0).unwrap_or(0.0), at(1).unwrap_or(0.0));
    }
}

/// Up to 16 columns of `k` values, one after the other: columns `at..at + 16` of `[k / 2][64]` pairs, zeros beyond.
#[inline(always)]
pub(super) fn strip(columns: &[f32], k: usize, at: usize, packed: &mut [u32]) {
    for (index, packed) in packed.chunks_exact_mut(PANEL).enumerate() {
        for (column, packed) in packed[at..at + STRIP].iter_mut().enumerate() {
            let at = |l: usize| if l < k { columns.get(column * k + l).copied() } else { None };
            *packed = word(at(2 * index).unwrap_or(0.0), at(2 * index + 1).unwrap_or(0.0));
        }
    }
}
