//! What a linear layer does with a tile of sums on AVX-512, in one pass over them.

use std::{arch::x86_64::*, f32::consts::LOG2_E};

use super::{
    epilogue::{Columns, Finish},
    tile::{PANEL, Place},
};
use crate::{
    avx512::{exp2, mask},
    pointwise::{Activation, CUBIC, TWO_SQRT_2_OVER_PI},
    shared::Shared,
};

/// Columns of a vector, and vectors of a panel.
const VECTOR: usize = 16;
const VECTORS: usize = PANEL / VECTOR;

/// See [`Finish::tile`], whose plain form says what is computed; activations are within `1e-5` of their value.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL and DQ, and no one else touches that place of `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn tile(
    finish: &Finish<'_>,
    place: &Place,
    sums: &[[u32; PANEL]],
    row_scales: &[f32],
    out: &Shared<'_, f32>,
) {
    let affine = finish.affine(&place.columns);
    let width = place.columns.len();
    let of = |columns: &Columns| -> [__m512; VECTORS] {
        // SAFETY: a panel has so many columns.
        std::array::from_fn(|j| unsafe { _mm512_loadu_ps(columns.0.as_ptr().add(VECTOR * j)) })
    };
    let (bias, scales) = (of(&affine.bias), of(&affine.scales));
    let masks: [__mmask16; VECTORS] = std::array::from_fn(|j| mask(width.saturating_sub(VECTOR * j)));
    for (index, (row, sums)) in place.rows.clone().zip(sums).enumerate() {
        let at = row * finish.n + place.columns.start;
        assert!(at + width <= out.len());
        let mut values: [__m512; VECTORS] = std::array::from_fn(|j| {
            // SAFETY: a row of sums has so many.
            let sum = unsafe { _mm512_loadu_si512(sums.as_ptr().add(VECTOR * j).cast()) };
            let sum = match finish.scales {
                Some(_) => {
                    let by_row = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(row_scales[index]));
                    _mm512_mul_ps(by_row, scales[j])
                }
                None => _mm512_castsi512_ps(sum),
            };
            _mm512_add_ps(sum, bias[j])
        });
        match finish.epilogue.activation {
            Some(Activation::GeluTanh) => values = values.map(|x| gelu(x)),
            Some(Activation::Silu) => values = values.map(|x| silu(x)),
            None => {}
        }
        if let Some(residual) = finish.epilogue.residual {
            if let Some(gate) = finish.gate(&residual, row, &place.columns) {
                let gate = of(&gate);
                values = std::array::from_fn(|j| _mm512_mul_ps(values[j], gate[j]));
            }
            let before = &residual.values[at..at + width];
            values = std::array::from_fn(|j| {
                // SAFETY: the mask keeps the load inside the row.
                let before =
                    unsafe { _mm512_maskz_loadu_ps(masks[j], before.as_ptr().wrapping_add(VECTOR * j)) };
                _mm512_add_ps(values[j], before)
            });
        }
        for (j, value) in values.into_iter().enumerate() {
            // SAFETY: the mask keeps the store inside the row, which lies in the output by the assertion and is this
            // task's own by the caller's promise.
            unsafe { _mm512_mask_storeu_ps(out.at(at).wrapping_add(VECTOR * j), masks[j], value) }
        }
    }
}

/// See [`Finish::fetch`].
pub(super) fn fetch(finish: &Finish<'_>, place: &Place, out: &Shared<'_, f32>) {
    let residual = finish.epilogue.residual.map(|residual| residual.values.as_ptr());
    for row in place.rows.clone() {
        for column in place.columns.clone().step_by(VECTOR) {
            let at = row * finish.n + column;
            // SAFETY: hints, which any address may be given to.
            unsafe {
                _mm_prefetch::<_MM_HINT_ET0>(out.at(at).cast());
                if let Some(values) = residual {
                    _mm_prefetch::<_MM_HINT_T0>(values.wrapping_add(at).cast());
                }
            }
        }
    }
}

/// `x σ(2u)` of [`Activation::GeluTanh`]: `x / (1 + exp(-2u))`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn gelu(x: __m512) -> __m512 {
    const LINEAR: f32 = -TWO_SQRT_2_OVER_PI * LOG2_E;
    let factor = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(LINEAR * CUBIC), _mm512_set1_ps(LINEAR));
    over_one_and_power(x, _mm512_mul_ps(x, factor))
}

/// `x σ(x)`: `x / (1 + exp(-x))`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn silu(x: __m512) -> __m512 {
    over_one_and_power(x, _mm512_mul_ps(x, _mm512_set1_ps(-LOG2_E)))
}

/// `x / (1 + 2ᵗ)`
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn over_one_and_power(x: __m512, t: __m512) -> __m512 {
    _mm512_div_ps(x, _mm512_add_ps(exp2(t), _mm512_set1_ps(1.0)))
}
