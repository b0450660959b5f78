//! AVX2 tile products: six rows by 16 columns in registers.

use std::arch::x86_64::*;

use super::tile::{Operands, PANEL};

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

/// # Safety
/// As [`multiply_bf16`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tiles<const INT8: bool>(operands: &Operands<'_>, sums: &mut [u32]) {
    let rows = sums.len() / PANEL;
    let sums = sums.as_mut_ptr();
    for column in (0..PANEL).step_by(16) {
        // SAFETY: the caller's promise, for so many rows.
        unsafe {
            match rows {
                6 => tile::<6, INT8>(operands, column, sums),
                5 => tile::<5, INT8>(operands, column, sums),
                4 => tile::<4, INT8>(operands, column, sums),
                3 => tile::<3, INT8>(operands, column, sums),
                2 => tile::<2, INT8>(operands, column, sums),
                _ => tile::<1, INT8>(operands, column, sums),
            }
        }
    }
}

/// `R` rows by 16 columns.
///
/// # Safety
/// As [`multiply_bf16`], for `R` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const R: usize, const INT8: bool>(operands: &Operands<'_>, column: usize, sums: *mut u32) {
    // SAFETY: rows, panel and sums have the sizes that the operands state, by the caller's promise.
    unsafe {
        let load = |from: *const u32| _mm256_loadu_si256(from.cast());
        let mut acc: [[__m256i; 2]; R] = std::array::from_fn(|row| {
            std::array::from_fn(|j| match operands.starts {
                Some(starts) => load(starts.as_ptr().add(column + 8 * j)),
                None => load(sums.add(row * PANEL + column + 8 * j)),
            })
        });
        let (rows, panel) = (operands.rows.as_ptr().add(operands.steps.start), operands.panel.as_ptr());
        for step in 0..operands.steps.len() {
            let b = panel.add(step * PANEL + column);
            let b = [load(b), load(b.add(8))];
            let a =
                |row: usize| _mm256_set1_epi32(rows.add(row * operands.stride + step).read().cast_signed());
            if INT8 {
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a = a(row);
                    acc.iter_mut().zip(b).for_each(|(acc, b)| *acc = dot_int8(*acc, a, b));
                }
                continue;
            }
            // A bf16 is the high half of its f32. Half by half, so that the sums and one half of the
            // columns fit in the registers.
            for later in [false, true] {
                let half = |pairs| if later { high(pairs) } else { low(pairs) };
                let b = b.map(half);
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a = half(a(row));
                    for (acc, b) in acc.iter_mut().zip(b) {
                        *acc = _mm256_castps_si256(_mm256_fmadd_ps(a, b, _mm256_castsi256_ps(*acc)));
                    }
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
