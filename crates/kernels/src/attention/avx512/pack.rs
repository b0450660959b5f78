//! From rows of f32 to the packed bf16 pairs that the products read.

use std::arch::x86_64::*;

use super::tile::first_lanes;
use crate::{
    attention::products::{Head, PANEL, VECTOR},
    matmul::pack::transpose,
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn rows(x: Head<'_>, packed: &mut [u32]) {
    let pairs = x.dim.div_ceil(2);
    for (token, packed) in packed.chunks_exact_mut(pairs).take(x.count).enumerate() {
        prefetch(x, token + AHEAD);
        for (from, to) in x.row(token).chunks(2 * VECTOR).zip(packed.chunks_mut(VECTOR)) {
            // SAFETY: the mask keeps the store inside `to`.
            unsafe {
                _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), first_lanes(to.len()), neighbours(from));
            }
        }
    }
}

/// `[tokens / 64][dim / 2][64]`: pairs of neighbouring features by columns, zeros behind the last
/// token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn columns(x: Head<'_>, packed: &mut [u32]) {
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
                    neighbours(&row[..row.len().min(2 * VECTOR)])
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn token_pairs(x: Head<'_>, packed: &mut [u32]) {
    let width = x.dim.next_multiple_of(VECTOR);
    for (pair, packed) in packed.chunks_exact_mut(width).take(x.count.div_ceil(2)).enumerate() {
        prefetch(x, 2 * pair + AHEAD);
        prefetch(x, 2 * pair + 1 + AHEAD);
        for (j, to) in packed.chunks_exact_mut(VECTOR).enumerate() {
            let mask = first_lanes(x.dim - VECTOR * j);
            let load = |token: usize| {
                if token >= x.count {
                    return _mm512_setzero_ps();
                }
                // SAFETY: masked lanes are not read; the others lie in the row.
                unsafe { _mm512_maskz_loadu_ps(mask, x.row(token)[VECTOR * j..].as_ptr()) }
            };
            let both = to_bf16(load(2 * pair), load(2 * pair + 1));
            // SAFETY: `to` has 16 values.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), interleave(both)) }
        }
    }
}

/// Up to 32 neighbours as 16 pairs, zeros beyond.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn neighbours(values: &[f32]) -> __m512i {
    let left = values.len().saturating_sub(VECTOR);
    // SAFETY: the masks keep both loads inside `values`.
    unsafe {
        let low = _mm512_maskz_loadu_ps(first_lanes(values.len()), values.as_ptr());
        let high = _mm512_maskz_loadu_ps(first_lanes(left), values.as_ptr().wrapping_add(VECTOR));
        to_bf16(low, high)
    }
}

/// Sixteen values and sixteen more as bf16, one behind the other.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn to_bf16(first: __m512, second: __m512) -> __m512i {
    // SAFETY: both types are 512 plain bits.
    unsafe { std::mem::transmute(_mm512_cvtne2ps_pbh(second, first)) }
}

/// Value `i` of the lower half beside value `i` of the upper.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn interleave(halves: __m512i) -> __m512i {
    _mm512_permutexvar_epi16(order(16), halves)
}

/// Value `i` of one beside value `i` of the other: the lower halves, then the upper.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn interleave_two(first: __m512i, second: __m512i) -> [__m512i; 2] {
    let low = order(32);
    let high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    [_mm512_permutex2var_epi16(first, low, second), _mm512_permutex2var_epi16(first, high, second)]
}

/// `0, distance, 1, distance + 1, ..`
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn order(distance: u32) -> __m512i {
    // The pair of indices `i, i + distance` in a lane of 32 bits.
    let i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let pairs = _mm512_or_si512(i, _mm512_slli_epi32::<16>(i));
    _mm512_add_epi32(pairs, _mm512_set1_epi32((distance << 16).cast_signed()))
}
