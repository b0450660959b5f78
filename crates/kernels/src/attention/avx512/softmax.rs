//! The softmax between two products of pairs of bf16.

use std::{arch::x86_64::*, f32::consts::LOG2_E};

use crate::{
    attention::{
        loops,
        products::{Gradients, RowBias, Softmax, VECTOR},
    },
    avx512::{exp2, interleave_two, mask, to_bf16},
};

/// See [`crate::attention::products::Products::add_bias`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn add_bias(scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>) {
    loops::add_bias(scores, lanes, bias);
}

/// See [`crate::attention::products::Products::softmax_row`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn softmax_row<const NATIVE: bool>(
    scores: &[f32],
    lanes: &[f32],
    scale: f32,
    maximum: &mut f32,
    totals: &mut [f32],
    weights: &mut [u32],
) -> f32 {
    let scale = scale * LOG2_E;
    assert!(lanes.len() >= VECTOR && totals.len() >= VECTOR && weights.len() >= scores.len() / 2);
    // SAFETY: loads and stores lie in the asserted lengths.
    unsafe {
        let new = _mm512_reduce_max_ps(_mm512_loadu_ps(lanes.as_ptr()));
        let factor = exp2(_mm512_set1_ps((*maximum - new) * scale));
        *maximum = new;
        let (scale, shift) = (_mm512_set1_ps(scale), _mm512_set1_ps(new * scale));
        let mut total = _mm512_mul_ps(_mm512_loadu_ps(totals.as_ptr()), factor);
        let mut other = _mm512_setzero_ps();
        for (scores, weights) in scores.chunks_exact(2 * VECTOR).zip(weights.chunks_exact_mut(VECTOR)) {
            let first = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores.as_ptr()), scale, shift));
            let second = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores[VECTOR..].as_ptr()), scale, shift));
            total = _mm512_add_ps(total, first);
            other = _mm512_add_ps(other, second);
            _mm512_storeu_si512(weights.as_mut_ptr().cast(), to_bf16::<NATIVE>(first, second));
        }
        _mm512_storeu_ps(totals.as_mut_ptr(), _mm512_add_ps(total, other));
        _mm512_cvtss_f32(factor)
    }
}

/// See [`crate::attention::products::Products::softmax_backward`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn softmax_backward<const NATIVE: bool>(
    softmax: &Softmax,
    stride: usize,
    (scores, d_weights): (&[f32], &[f32]),
    Gradients { weights, d_scores, d_scores_rows }: Gradients<'_>,
) {
    let width = softmax.keys[0].next_multiple_of(2 * VECTOR);
    assert!(width <= stride && scores.len() >= 2 * stride && d_weights.len() >= 2 * stride);
    assert!(weights.len() >= stride && d_scores.len() >= stride && d_scores_rows.len() >= stride);
    let scale = _mm512_set1_ps(softmax.scale * LOG2_E);
    let shift = softmax.lse.map(|lse| _mm512_set1_ps(lse * LOG2_E));
    let delta = softmax.delta.map(|delta| _mm512_set1_ps(delta));
    for key in (0..width).step_by(2 * VECTOR) {
        let (mut p, mut ds) = ([_mm512_setzero_si512(); 2], [_mm512_setzero_si512(); 2]);
        for row in 0..2 {
            let half = |half: usize| {
                let at = key + half * VECTOR;
                let used = mask(softmax.keys[row].saturating_sub(at));
                // SAFETY: `at + 16 <= stride`, and both rows were asserted to be there.
                let (score, d_weight) = unsafe {
                    (
                        _mm512_loadu_ps(scores.as_ptr().add(row * stride + at)),
                        _mm512_loadu_ps(d_weights.as_ptr().add(row * stride + at)),
                    )
                };
                let p = exp2(_mm512_fmsub_ps(score, scale, shift[row]));
                let p = _mm512_maskz_mov_ps(used, p);
                (p, _mm512_maskz_mul_ps(used, p, _mm512_sub_ps(d_weight, delta[row])))
            };
            let (low, high) = (half(0), half(1));
            // SAFETY: the path was chosen after detection.
            (p[row], ds[row]) =
                unsafe { (to_bf16::<NATIVE>(low.0, high.0), to_bf16::<NATIVE>(low.1, high.1)) };
        }
        // SAFETY: `key + 32 <= stride`, within the asserted lengths.
        unsafe {
            for (row, ds) in ds.iter().enumerate() {
                let to = d_scores_rows.as_mut_ptr().add((row * stride + key) / 2);
                _mm512_storeu_si512(to.cast(), *ds);
            }
            for (half, p) in interleave_two(p[0], p[1]).into_iter().enumerate() {
                _mm512_storeu_si512(weights.as_mut_ptr().add(key + half * VECTOR).cast(), p);
            }
            for (half, ds) in interleave_two(ds[0], ds[1]).into_iter().enumerate() {
                _mm512_storeu_si512(d_scores.as_mut_ptr().add(key + half * VECTOR).cast(), ds);
            }
        }
    }
}
