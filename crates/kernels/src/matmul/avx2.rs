//! AVX2 tile products: six rows by 16 columns in registers.

use std::arch::x86_64::*;

use super::tile::{Operands, PANEL, TILE};

/// Columns of a tile: two vectors.
const COLUMNS: usize = 16;
/// Steps of the depth whose rows are widened at a time, to 12 KiB.
const STEPS: usize = 256;

/// Rows of pairs as f32: the earlier values, and the later.
type Wide = [[[f32; STEPS]; 2]; TILE];

/// Calls a function for as many rows as there are.
macro_rules! for_rows {
    ($rows:expr, $tile:ident($($arg:expr),*)) => {
        match $rows {
            6 => $tile::<6>($($arg),*),
            5 => $tile::<5>($($arg),*),
            4 => $tile::<4>($($arg),*),
            3 => $tile::<3>($($arg),*),
            2 => $tile::<2>($($arg),*),
            _ => $tile::<1>($($arg),*),
        }
    };
}

/// Pairs of bf16, widened to f32, sums in f32.
///
/// # Safety
/// The machine has AVX2 and FMA, and the operands have the sizes that they state.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_bf16(operands: &Operands<'_>, sums: &mut [u32]) {
    start(operands, sums);
    let (rows, steps) = (sums.len() / PANEL, operands.steps.clone());
    let mut wide: Wide = [[[0.0; STEPS]; 2]; TILE];
    for first in steps.clone().step_by(STEPS) {
        let count = STEPS.min(steps.end - first);
        // Once for all columns of the panel.
        for (row, wide) in operands.rows.chunks_exact(operands.stride).zip(&mut wide) {
            widen(&row[first..first + count], wide);
        }
        let panel = &operands.panel[(first - steps.start) * PANEL..][..count * PANEL];
        for column in (0..PANEL).step_by(COLUMNS) {
            // SAFETY: the sums are `rows` rows of 64, and the panel as many steps.
            unsafe { for_rows!(rows, tile_bf16(&wide, &panel[column..], count, &mut sums[column..])) }
        }
    }
}

/// Quadruples of signed bytes, sums in i32.
///
/// # Safety
/// As [`multiply_bf16`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_int8(operands: &Operands<'_>, sums: &mut [u32]) {
    start(operands, sums);
    let rows = sums.len() / PANEL;
    for column in (0..PANEL).step_by(COLUMNS) {
        // SAFETY: the caller's promise, for so many rows.
        unsafe { for_rows!(rows, tile_int8(operands, column, &mut sums[column..])) }
    }
}

/// What the sums start from, if they do not go on.
fn start(operands: &Operands<'_>, sums: &mut [u32]) {
    if let Some(starts) = operands.starts {
        sums.chunks_exact_mut(PANEL).for_each(|sums| sums.copy_from_slice(starts));
    }
}

/// A bf16 is the high half of its f32.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen(pairs: &[u32], [earlier, later]: &mut [[f32; STEPS]; 2]) {
    for ((pair, earlier), later) in pairs.iter().zip(earlier).zip(later) {
        (*earlier, *later) = (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
    }
}

/// `R` rows by 16 columns.
///
/// # Safety
/// From the first column of the tile on, `panel` has `count` rows of 64 and `sums` `R`, at most 6; the last may end
/// behind the tile.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_bf16<const R: usize>(wide: &Wide, panel: &[u32], count: usize, sums: &mut [u32]) {
    debug_assert!(panel.len() + PANEL >= count * PANEL + COLUMNS && count <= STEPS);
    // SAFETY: the caller's promise.
    unsafe {
        let (panel, sums) = (panel.as_ptr(), sums.as_mut_ptr().cast::<f32>());
        let mut acc: [[__m256; 2]; R] = std::array::from_fn(|row| {
            std::array::from_fn(|j| _mm256_loadu_ps(sums.add(row * PANEL + 8 * j)))
        });
        for step in 0..count {
            let pairs: [__m256i; 2] =
                std::array::from_fn(|j| _mm256_loadu_si256(panel.add(step * PANEL + 8 * j).cast()));
            for (half, b) in [pairs.map(|b| low(b)), pairs.map(|b| high(b))].into_iter().enumerate() {
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a = _mm256_broadcast_ss(wide[row][half].get_unchecked(step));
                    for (acc, b) in acc.iter_mut().zip(b) {
                        *acc = _mm256_fmadd_ps(a, b, *acc);
                    }
                }
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            for (j, acc) in acc.iter().enumerate() {
                _mm256_storeu_ps(sums.add(row * PANEL + 8 * j), *acc);
            }
        }
    }
}

/// `R` rows by 16 columns from `column` on.
///
/// # Safety
/// As [`multiply_bf16`], for `R` rows; `sums` begin at that column.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_int8<const R: usize>(operands: &Operands<'_>, column: usize, sums: &mut [u32]) {
    // SAFETY: rows, panel and sums have the sizes that the operands state, by the caller's promise.
    unsafe {
        let sums = sums.as_mut_ptr();
        let load = |from: *const u32| _mm256_loadu_si256(from.cast());
        let mut acc: [[__m256i; 2]; R] =
            std::array::from_fn(|row| std::array::from_fn(|j| load(sums.add(row * PANEL + 8 * j))));
        let (rows, panel) = (operands.rows.as_ptr().add(operands.steps.start), operands.panel.as_ptr());
        for step in 0..operands.steps.len() {
            let b = panel.add(step * PANEL + column);
            let b = [load(b), load(b.add(8))];
            for (row, acc) in acc.iter_mut().enumerate() {
                let a = _mm256_set1_epi32(rows.add(row * operands.stride + step).read().cast_signed());
                acc.iter_mut().zip(b).for_each(|(acc, b)| *acc = dot_int8(*acc, a, b));
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            for (j, acc) in acc.iter().enumerate() {
                _mm256_storeu_si256(sums.add(row * PANEL + 8 * j).cast(), *acc);
            }
        }
    }
}

/// The earlier values of pairs, as f32.
#[inline]
#[target_feature(enable = "avx2")]
fn low(pairs: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs))
}

/// The later values of pairs, as f32.
#[inline]
#[target_feature(enable = "avx2")]
fn high(pairs: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(0xffff_0000u32.cast_signed())))
}

/// `sum + Σ a b` over four signed bytes in −127..=127.
///
/// `vpmaddubsw` wants one unsigned factor: `|b|`, with its sign given to `a`. Its sums of two,
/// at most `2 · 127²`, fit in 16 bits, so that nothing saturates.
#[inline]
#[target_feature(enable = "avx2")]
fn dot_int8(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(b), _mm256_sign_epi8(a, b));
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}
