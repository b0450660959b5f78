//! AVX2 tile products: three rows by 16 columns in registers.

use std::arch::x86_64::*;

use super::blocked::{Operands, PANEL};

/// Rows in registers at once: half a tile, whose sums leave room for 16 columns in both halves.
const ROWS: usize = 3;

/// Pairs of bf16, widened to f32, sums in f32.
///
/// # Safety
/// The machine has AVX2 and FMA, and the operands have the sizes that they state.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_bf16(operands: &Operands<'_>, sums: &mut [u32]) {
    // SAFETY: the caller's promise.
    unsafe { tiles::<false>(operands, sums) }
}

/// Quadruples of signed bytes, sums in i32.
///
/// # Safety
/// As [`multiply_bf16`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_int8(operands: &Operands<'_>, sums: &mut [u32]) {
    // SAFETY: the caller's promise.
    unsafe { tiles::<true>(operands, sums) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn tiles<const INT8: bool>(operands: &Operands<'_>, sums: &mut [u32]) {
    let rows = sums.len() / PANEL;
    for first in (0..rows).step_by(ROWS) {
        let a = operands.rows[first * operands.stride + operands.steps.start..].as_ptr();
        let sums = sums[first * PANEL..].as_mut_ptr();
        for column in (0..PANEL).step_by(16) {
            // SAFETY: the caller's promise; the tile has the rows that are left.
            unsafe {
                match rows - first {
                    1 => tile::<1, INT8>(operands, a, column, sums),
                    2 => tile::<2, INT8>(operands, a, column, sums),
                    _ => tile::<3, INT8>(operands, a, column, sums),
                }
            }
        }
    }
}

/// `R` rows from `a` on by 16 columns.
///
/// # Safety
/// As [`multiply_bf16`]; `R` rows are there, `stride` apart.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const R: usize, const INT8: bool>(
    operands: &Operands<'_>,
    a: *const u32,
    column: usize,
    sums: *mut u32,
) {
    // SAFETY: rows, panel and sums have the sizes that the operands state, by the caller's promise.
    unsafe {
        let load = |from: *const u32| _mm256_loadu_si256(from.cast());
        let mut acc: [[__m256i; 2]; R] = std::array::from_fn(|row| {
            std::array::from_fn(|j| match operands.starts {
                Some(starts) => load(starts.as_ptr().add(column + 8 * j)),
                None => load(sums.add(row * PANEL + column + 8 * j)),
            })
        });
        for step in 0..operands.steps.len() {
            let b = operands.panel.as_ptr().add(step * PANEL + column);
            let b = [load(b), load(b.add(8))];
            for (row, acc) in acc.iter_mut().enumerate() {
                let a = _mm256_set1_epi32(a.add(row * operands.stride + step).read().cast_signed());
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = if INT8 { dot_int8(*acc, a, b) } else { dot_bf16(*acc, a, b) };
                }
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            for (j, acc) in acc.iter().enumerate() {
                _mm256_storeu_si256(sums.add(row * PANEL + column + 8 * j).cast(), *acc);
            }
        }
    }
}

/// `sum + a₀ b₀ + a₁ b₁` in f32: a bf16 is the high half of its f32.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn dot_bf16(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    let low = |x| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(x));
    let high = |x| _mm256_castsi256_ps(_mm256_and_si256(x, _mm256_set1_epi32(0xffff_0000u32.cast_signed())));
    let sum = _mm256_fmadd_ps(low(a), low(b), _mm256_castsi256_ps(sum));
    _mm256_castps_si256(_mm256_fmadd_ps(high(a), high(b), sum))
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
