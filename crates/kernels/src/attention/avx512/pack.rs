//! From rows of f32 to the packed bf16 pairs that the products read.

use std::arch::x86_64::*;

use crate::{
    attention::products::{Head, PANEL, VECTOR},
    avx512::{mask, to_bf16, transpose, zip_pairs},
};

/// How many tokens ahead are asked for.
const AHEAD: usize = 16;

/// Asks for a token that will be read soon: a head's tokens lie too far apart for the machine to
/// guess.
#[inline]
fn prefetch(x: Head<'_>, token: usize) {
    if token < x.count {
        for part in x.row(token).chunks(VECTOR) {
            // SAFETY: a hint about memory of the slice.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(part.as_ptr().cast()) }
        }
    }
}

/// `[tokens][dim / 2]`: pairs of neighbouring features, for the left side of a product.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn rows<const NATIVE: bool>(x: Head<'_>, packed: &mut [u32]) {
    let pairs = x.dim.div_ceil(2);
    for (token, packed) in packed.chunks_exact_mut(pairs).take(x.count).enumerate() {
        prefetch(x, token + AHEAD);
        for (from, to) in x.row(token).chunks(2 * VECTOR).zip(packed.chunks_mut(VECTOR)) {
            // SAFETY: the mask keeps the store inside `to`.
            unsafe {
                _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(to.len()), neighbours::<NATIVE>(from));
            }
        }
    }
}

/// `[tokens / 64][dim / 2][64]`: pairs of neighbouring features by columns, zeros behind the last
/// token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn columns<const NATIVE: bool>(x: Head<'_>, packed: &mut [u32]) {
    let pairs = x.dim.div_ceil(2);
    for (panel, packed) in packed.chunks_exact_mut(pairs * PANEL).enumerate() {
        for lane in (0..PANEL).step_by(VECTOR) {
            let first = panel * PANEL + lane;
            (first..first + VECTOR).for_each(|token| prefetch(x, token + AHEAD));
            for start in (0..pairs).step_by(VECTOR) {
                let block: [__m512i; VECTOR] = std::array::from_fn(|i| {
                    if first + i >= x.count {
                        return _mm512_setzero_si512();
                    }
                    let row = &x.row(first + i)[2 * start..];
                    neighbours::<NATIVE>(&row[..row.len().min(2 * VECTOR)])
                });
                for (i, row) in transpose(block).into_iter().take(pairs - start).enumerate() {
                    let to = packed[(start + i) * PANEL + lane..][..VECTOR].as_mut_ptr();
                    // SAFETY: 16 values were just sliced.
                    unsafe { _mm512_storeu_si512(to.cast(), row) }
                }
            }
        }
    }
}

/// `[tokens / 2][dim, in whole vectors]`: pairs of neighbouring tokens, zeros behind the last
/// token and feature.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn token_pairs<const NATIVE: bool>(x: Head<'_>, packed: &mut [u32]) {
    let width = x.dim.next_multiple_of(VECTOR);
    for (pair, packed) in packed.chunks_exact_mut(width).take(x.count.div_ceil(2)).enumerate() {
        prefetch(x, 2 * pair + AHEAD);
        prefetch(x, 2 * pair + 1 + AHEAD);
        for (j, to) in packed.chunks_exact_mut(VECTOR).enumerate() {
            let used = mask(x.dim - VECTOR * j);
            let load = |token: usize| {
                if token >= x.count {
                    return _mm512_setzero_ps();
                }
                // SAFETY: masked lanes are not read; the others lie in the row.
                unsafe { _mm512_maskz_loadu_ps(used, x.row(token)[VECTOR * j..].as_ptr()) }
            };
            // SAFETY: the path was chosen after detection; `to` has 16 values.
            unsafe {
                let pairs = zip_pairs::<NATIVE>(load(2 * pair), load(2 * pair + 1));
                _mm512_storeu_si512(to.as_mut_ptr().cast(), pairs);
            }
        }
    }
}

/// Up to 32 neighbours as 16 pairs, zeros beyond.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn neighbours<const NATIVE: bool>(values: &[f32]) -> __m512i {
    let left = values.len().saturating_sub(VECTOR);
    // SAFETY: the masks keep both loads inside `values`.
    unsafe {
        let low = _mm512_maskz_loadu_ps(mask(values.len()), values.as_ptr());
        let high = _mm512_maskz_loadu_ps(mask(left), values.as_ptr().wrapping_add(VECTOR));
        to_bf16::<NATIVE>(low, high)
    }
}
