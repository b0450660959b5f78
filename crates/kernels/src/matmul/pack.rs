//! From f32 matrices to the packed bf16 forms that the micro-kernel reads.
//!
//! A packed value is a `u32` that holds two neighbours in `k`, the earlier one in the low half.

use std::{arch::x86_64::*, ops::Range};

use super::{
    layout::Layout,
    plain::row_sums,
    tile::{PANEL, STRIP},
};
use crate::{
    avx512::{mask, to_bf16, transpose, zip_pairs},
    isa::Avx512,
    lanes::{AHEAD, fetch},
};

/// Packs rows `range` of an `[m, k]` matrix as `[rows][k / 2]`, and sums each up if asked to.
pub(super) fn rows<const NATIVE: bool>(
    _: Avx512<NATIVE>,
    (a, layout): (&[f32], Layout),
    m: usize,
    k: usize,
    range: Range<usize>,
    packed: &mut [u32],
    sums: Option<&mut [f32]>,
) {
    assert!(sums.as_ref().is_none_or(|sums| sums.len() == range.len()));
    assert!(a.len() == m * k && range.end <= m && packed.len() == range.len() * k.div_ceil(2));
    // SAFETY: the caller has the proof of AVX-512; lengths were just checked.
    unsafe {
        match layout {
            Layout::Plain => {
                sums.into_iter().for_each(|sums| row_sums((a, layout), m, k, range.clone(), sums));
                pairs_along_rows::<NATIVE>(&a[range.start * k..range.end * k], k, packed);
            }
            Layout::Transposed => match sums {
                Some(sums) => {
                    sums.fill(0.0);
                    transpose_pairs::<true, NATIVE>(a, m, k, range, packed, sums);
                }
                None => transpose_pairs::<false, NATIVE>(a, m, k, range, packed, &mut []),
            },
        }
    }
}

/// Packs 64 columns from `start` on of one or two rows of `n` values as `[64]`, zeros beyond.
pub(super) fn pair<const NATIVE: bool>(
    _: Avx512<NATIVE>,
    rows: &[f32],
    n: usize,
    start: usize,
    packed: &mut [u32],
) {
    assert!((n == rows.len() || 2 * n == rows.len()) && start < n && packed.len() == PANEL);
    let second = (rows.len() > n).then(|| &rows[n + start..]);
    // SAFETY: the caller has the proof of AVX-512.
    unsafe { interleave_rows::<NATIVE>(&rows[start..n], second, packed) }
}

/// Packs up to 16 columns of `k` values, one after the other, as columns `at..at + 16` of `[k / 2][64]`, zeros beyond.
pub(super) fn strip<const NATIVE: bool>(
    _: Avx512<NATIVE>,
    columns: &[f32],
    k: usize,
    at: usize,
    packed: &mut [u32],
) {
    assert!(columns.len() <= STRIP * k && columns.len().is_multiple_of(k));
    assert!(packed.len() == k.div_ceil(2) * PANEL && at + STRIP <= PANEL);
    // SAFETY: the caller has the proof of AVX-512.
    unsafe { interleave_columns::<NATIVE>(columns, k, at, packed) }
}

/// `[rows][k]` to `[rows][k / 2]`: values that are neighbours already.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn pairs_along_rows<const NATIVE: bool>(a: &[f32], k: usize, packed: &mut [u32]) {
    for (row, packed) in a.chunks_exact(k).zip(packed.chunks_exact_mut(k.div_ceil(2))) {
        let (chunks, rest) = row.as_chunks::<32>();
        let (packed, packed_rest) = packed.split_at_mut(chunks.len() * 16);
        for (values, packed) in chunks.iter().zip(packed.as_chunks_mut::<16>().0) {
            fetch(&values[0], AHEAD);
            fetch(&values[16], AHEAD);
            let pairs = load_pairs::<NATIVE>(values);
            // SAFETY: 16 pairs.
            unsafe { _mm512_storeu_si512(packed.as_mut_ptr().cast(), pairs) }
        }
        if !rest.is_empty() {
            let (pairs, mask) = (load_pairs::<NATIVE>(rest), mask(packed_rest.len()));
            // SAFETY: the mask keeps the store inside the row.
            unsafe { _mm512_mask_storeu_epi32(packed_rest.as_mut_ptr().cast(), mask, pairs) }
        }
    }
}

/// Up to 32 values as 16 pairs, zeros beyond.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn load_pairs<const NATIVE: bool>(values: &[f32]) -> __m512i {
    // SAFETY: the masks keep both loads inside `values`; the types are 512 plain bits.
    unsafe {
        let low = _mm512_maskz_loadu_ps(mask(values.len()), values.as_ptr());
        let left = values.len().saturating_sub(16);
        let high = _mm512_maskz_loadu_ps(mask(left), values.as_ptr().wrapping_add(16));
        to_bf16::<NATIVE>(low, high)
    }
}

/// The columns of two rows (or of one, and zeros) as pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn interleave_rows<const NATIVE: bool>(first: &[f32], second: Option<&[f32]>, packed: &mut [u32]) {
    for (j, packed) in (0..).step_by(16).zip(packed.as_chunks_mut::<16>().0) {
        let mask = mask(first.len().saturating_sub(j));
        let load = |row: &[f32]| {
            // SAFETY: both rows have as many values from their start on; masked lanes are not read.
            unsafe { _mm512_maskz_loadu_ps(mask, row.as_ptr().wrapping_add(j)) }
        };
        if let Some(ahead) = first.get(j) {
            fetch(ahead, AHEAD);
            second.into_iter().for_each(|second| fetch(&second[j], AHEAD));
        }
        // SAFETY: callers are AVX-512 paths, chosen after detection; 16 pairs.
        unsafe {
            let pairs = zip_pairs::<NATIVE>(load(first), second.map_or(_mm512_setzero_ps(), load));
            _mm512_storeu_si512(packed.as_mut_ptr().cast(), pairs);
        }
    }
}

/// `[columns][k]` to a strip of a panel: pairs are neighbours already, and move from rows to columns.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn interleave_columns<const NATIVE: bool>(b: &[f32], k: usize, at: usize, packed: &mut [u32]) {
    let columns = b.len() / k.max(1);
    for start in (0..k).step_by(32) {
        let block: [__m512i; STRIP] = std::array::from_fn(|i| {
            if i >= columns {
                return _mm512_setzero_si512();
            }
            let values = &b[i * k + start..][..32.min(k - start)];
            fetch(&values[0], 64);
            fetch(&values[values.len() / 2], 64);
            load_pairs::<NATIVE>(values)
        });
        let pairs = 16.min((k - start).div_ceil(2));
        for (i, row) in transpose(block).into_iter().take(pairs).enumerate() {
            let to = packed[(start / 2 + i) * PANEL + at..][..STRIP].as_mut_ptr();
            // SAFETY: 16 values were just sliced.
            unsafe { _mm512_storeu_si512(to.cast(), row) }
        }
    }
}

/// `[k][m]` to `[rows][k / 2]` for the rows (columns of the slice) in `range`, which are added to `sums` if `SUM`.
///
/// # Safety
/// `a` holds `k` rows of `m` values and `packed` `range.len()` rows of `k / 2`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn transpose_pairs<const SUM: bool, const NATIVE: bool>(
    a: &[f32],
    m: usize,
    k: usize,
    range: Range<usize>,
    packed: &mut [u32],
    sums: &mut [f32],
) {
    let pairs = k.div_ceil(2);
    // Along the slice's rows first: their cache lines, and pages, come in order.
    for start in (0..pairs).step_by(16) {
        for i in range.clone().step_by(16) {
            let width = 16.min(range.end - i);
            let mask_i = mask(width);
            let mut sum = _mm512_setzero_ps();
            if SUM {
                let sums = &sums[i - range.start..][..width];
                // SAFETY: the mask keeps the load inside the slice.
                sum = unsafe { _mm512_maskz_loadu_ps(mask_i, sums.as_ptr()) };
            }
            let block = if 2 * start + 32 <= k {
                std::array::from_fn(|pair| {
                    let at = a[2 * (start + pair) * m + i..].as_ptr();
                    // SAFETY: masked lanes are not read; the others lie in two successive rows.
                    unsafe {
                        _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(32 * m).cast());
                        _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(33 * m).cast());
                        let first = _mm512_maskz_loadu_ps(mask_i, at);
                        let second = _mm512_maskz_loadu_ps(mask_i, at.wrapping_add(m));
                        if SUM {
                            sum = _mm512_add_ps(_mm512_add_ps(sum, first), second);
                        }
                        zip_pairs::<NATIVE>(first, second)
                    }
                })
            } else {
                let mut block = [_mm512_setzero_si512(); 16];
                for (pair, block) in (start..pairs).zip(&mut block) {
                    let mut rows = [_mm512_setzero_ps(); 2];
                    for (index, row) in (2 * pair..k).zip(&mut rows) {
                        // SAFETY: masked lanes are not read; the others lie in row `index`.
                        *row = unsafe { _mm512_maskz_loadu_ps(mask_i, &a[index * m + i]) };
                        if SUM {
                            sum = _mm512_add_ps(sum, *row);
                        }
                    }
                    // SAFETY: callers are AVX-512 paths, chosen after detection.
                    *block = unsafe { zip_pairs::<NATIVE>(rows[0], rows[1]) };
                }
                block
            };
            if SUM {
                let sums = &mut sums[i - range.start..][..width];
                // SAFETY: as above.
                unsafe { _mm512_mask_storeu_ps(sums.as_mut_ptr(), mask_i, sum) }
            }
            let mask_k = mask(pairs - start);
            for (column, row) in transpose(block).into_iter().take(width).enumerate() {
                let to = packed[(i - range.start + column) * pairs + start..].as_mut_ptr();
                // SAFETY: the mask keeps the store inside the row.
                unsafe { _mm512_mask_storeu_epi32(to.cast(), mask_k, row) }
            }
        }
    }
}
