//! Products of f32 on AVX2: up to six rows by 16 columns in registers.

use std::arch::x86_64::*;

use super::{
    loops::ROWS,
    products::{Left, Right, VECTOR},
};
use crate::isa::Avx2;

/// The sums of `rows` rows, up to six, by sixteen columns.
pub(super) fn sum(
    _: Avx2,
    left: Left<'_>,
    right: Right<'_>,
    rows: usize,
    words: usize,
    to: &mut [[f32; VECTOR]; ROWS],
) {
    assert!((1..=ROWS).contains(&rows) && words > 0);
    assert!((rows - 1) * left.row + (words - 1) * left.step < left.words.len(), "left side of a product");
    assert!((words - 1) * right.step + VECTOR <= right.words.len(), "right side of a product");
    // SAFETY: the caller has the proof of AVX2; both sides are long enough for so many rows.
    unsafe {
        match rows {
            6 => sum_rows::<6>(left, right, words, to),
            5 => sum_rows::<5>(left, right, words, to),
            4 => sum_rows::<4>(left, right, words, to),
            3 => sum_rows::<3>(left, right, words, to),
            2 => sum_rows::<2>(left, right, words, to),
            _ => sum_rows::<1>(left, right, words, to),
        }
    }
}

/// # Safety
/// Both sides have `words` words, and the left one `R` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_rows<const R: usize>(
    left: Left<'_>,
    right: Right<'_>,
    words: usize,
    to: &mut [[f32; VECTOR]; ROWS],
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    let (left_words, right_words) = (left.words.as_ptr().cast::<f32>(), right.words.as_ptr().cast::<f32>());
    for word in 0..words {
        // SAFETY: the caller's promise.
        unsafe {
            let b = right_words.add(word * right.step);
            let b = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
            let a = left_words.add(word * left.step);
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = _mm256_broadcast_ss(&*a.add(row * left.row));
                sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = _mm256_fmadd_ps(a, b, *sum));
            }
        }
    }
    for (to, sums) in to.iter_mut().zip(sums) {
        // SAFETY: a row has two vectors.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), sums[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), sums[1]);
        }
    }
}
