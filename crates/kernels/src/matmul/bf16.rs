//! Packing of f32 matrices as bf16, on every instruction set.
//!
//! A packed value is a `u32` that holds two neighbours in `k`, the earlier one in the low half.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::pack;
use super::{
    layout::{Layout, Matrix},
    plain::{self, row_sums},
    tile::{PANEL, STRIP, strip_of},
};
use crate::{isa::Level, lanes::widest, shared::Shared, threads};

/// Packs rows `range` of an `[m, k]` matrix as `[rows][k / 2]`, and sums each up if asked to.
pub(super) fn pack_rows(
    isa: Level,
    a: Matrix<'_>,
    m: usize,
    k: usize,
    range: Range<usize>,
    packed: &mut [u32],
    sums: Option<&mut [f32]>,
) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(isa) => pack::rows(isa, a, m, k, range, packed, sums),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16(isa) | Level::Amx(isa, _) => pack::rows(isa, a, m, k, range, packed, sums),
        _ => {
            sums.into_iter().for_each(|sums| row_sums(a, m, k, range.clone(), sums));
            widest!(isa => plain::rows(a: Matrix<'_>, m: usize, k: usize, range: Range<usize>, packed: &mut [u32]))
        }
    }
}

/// Pairs of rows that one task packs, across all panels.
const PAIRS_PER_TASK: usize = 8;

/// Packs a `[k, n]` matrix as panels of 64 columns, each `[k / 2][64]`, in parallel.
pub(super) fn pack_panels(isa: Level, b: Matrix<'_>, k: usize, n: usize, packed: &mut [u32]) {
    let (panels, pairs) = (n.div_ceil(PANEL), k.div_ceil(2));
    assert!(b.0.len() == k * n && packed.len() == panels * pairs * PANEL);
    let packed = Shared::new(packed);
    match b.1 {
        // Rows of the slice cross all panels: a task takes a few whole rows, as they lie in memory.
        Layout::Plain => threads::for_each(pairs.div_ceil(PAIRS_PER_TASK), |task| {
            let start = task * PAIRS_PER_TASK;
            for pair in start..pairs.min(start + PAIRS_PER_TASK) {
                let rows = &b.0[2 * pair * n..(k * n).min((2 * pair + 2) * n)];
                for panel in 0..panels {
                    let at = (panel * pairs + pair) * PANEL;
                    // SAFETY: every pair of every panel is packed once.
                    let packed = unsafe { packed.range(at, PANEL) };
                    pack_pair(isa, rows, n, panel * PANEL, packed);
                }
            }
        }),
        Layout::Transposed => threads::for_each(panels, |panel| {
            // SAFETY: every panel is packed by one task.
            let packed = unsafe { packed.range(panel * pairs * PANEL, pairs * PANEL) };
            for at in (0..PANEL).step_by(STRIP) {
                let columns = strip_of(panel, at, n);
                pack_strip(isa, &b.0[columns.start * k..columns.end * k], k, at, packed);
            }
        }),
    }
}

/// 64 columns from `start` on of one or two rows of `n` values: `[64]` pairs, zeros beyond.
fn pack_pair(isa: Level, rows: &[f32], n: usize, start: usize, packed: &mut [u32]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(isa) => pack::pair(isa, rows, n, start, packed),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16(isa) | Level::Amx(isa, _) => pack::pair(isa, rows, n, start, packed),
        _ => widest!(isa => plain::pair(rows: &[f32], n: usize, start: usize, packed: &mut [u32])),
    }
}

/// Up to 16 columns of `k` values, one after the other: columns `at..at + 16` of a panel of `[k / 2][64]` pairs, zeros
/// beyond.
pub(super) fn pack_strip(isa: Level, columns: &[f32], k: usize, at: usize, packed: &mut [u32]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(isa) => pack::strip(isa, columns, k, at, packed),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16(isa) | Level::Amx(isa, _) => pack::strip(isa, columns, k, at, packed),
        _ => widest!(isa => plain::strip(columns: &[f32], k: usize, at: usize, packed: &mut [u32])),
    }
}
