//! Packing of f32 matrices as bf16, on every instruction set.
//!
//! A packed value is a `u32` that holds two neighbours in `k`, the earlier one in the low half.

use std::ops::Range;

use crate::threads::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::pack;
use super::{Layout, blocked::PANEL};
use crate::{
    Isa,
    lanes::{bf16_bits, widest},
};

/// A matrix and how it lies in memory.
type Matrix<'a> = (&'a [f32], Layout);

/// Packs rows `range` of an `[m, k]` matrix as `[rows][k / 2]`.
pub(super) fn pack_rows(
    isa: Isa,
    a: Matrix<'_>,
    m: usize,
    k: usize,
    range: Range<usize>,
    packed: &mut [u32],
) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => pack::rows(a, m, k, range, packed),
        _ => {
            widest!(isa => plain_rows(a: Matrix<'_>, m: usize, k: usize, range: Range<usize>, packed: &mut [u32]))
        }
    }
}

/// Packs a `[k, n]` matrix as panels of 64 columns, each `[k / 2][64]`, in parallel.
pub(super) fn pack_panels(isa: Isa, b: Matrix<'_>, k: usize, n: usize, packed: &mut [u32]) {
    packed.par_chunks_mut(k.div_ceil(2) * PANEL).enumerate().for_each(|(panel, packed)| {
        let start = panel * PANEL;
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => pack::panel(b, k, n, start, packed),
            _ => widest!(isa => plain_panel(b: Matrix<'_>, k: usize, n: usize, start: usize, packed: &mut [u32])),
        }
    });
}

#[inline(always)]
fn pair(first: f32, second: f32) -> u32 {
    bf16_bits(first) | bf16_bits(second) << 16
}

#[inline(always)]
fn plain_rows((a, layout): Matrix<'_>, m: usize, k: usize, range: Range<usize>, packed: &mut [u32]) {
    for (row, packed) in range.zip(packed.chunks_exact_mut(k.div_ceil(2))) {
        let at = |l: usize| match layout {
            _ if l >= k => 0.0,
            Layout::Plain => a[row * k + l],
            Layout::Transposed => a[l * m + row],
        };
        for (index, packed) in packed.iter_mut().enumerate() {
            *packed = pair(at(2 * index), at(2 * index + 1));
        }
    }
}

#[inline(always)]
fn plain_panel((b, layout): Matrix<'_>, k: usize, n: usize, start: usize, packed: &mut [u32]) {
    for (index, packed) in packed.chunks_exact_mut(PANEL).enumerate() {
        for (column, packed) in (start..).zip(packed) {
            let at = |l: usize| match layout {
                _ if l >= k || column >= n => 0.0,
                Layout::Plain => b[l * n + column],
                Layout::Transposed => b[column * k + l],
            };
            *packed = pair(at(2 * index), at(2 * index + 1));
        }
    }
}
