//! Attention on AVX-512: words of two bf16.

mod exp2;
mod pack;
mod softmax;
mod tile;

use super::products::{Finish, Gradients, Head, Left, Products, Right, Size, Softmax};

/// The parts on AVX-512 F, BW, VL, DQ and VNNI, and BF16 if `NATIVE`: only for machines that have them.
pub(super) struct Avx512<const NATIVE: bool>;

impl<const NATIVE: bool> Products for Avx512<NATIVE> {
    const DEPTH: usize = 2;

    fn pack_rows(x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: this type is chosen after detection.
        unsafe { pack::rows::<NATIVE>(x, packed) }
    }

    fn pack_columns(x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: as above.
        unsafe { pack::columns::<NATIVE>(x, packed) }
    }

    fn pack_tokens(x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: as above.
        unsafe { pack::token_pairs::<NATIVE>(x, packed) }
    }

    fn multiply(
        left: Left<'_>,
        right: Right<'_>,
        size: Size,
        out: &mut [f32],
        stride: usize,
        finish: Finish<'_>,
    ) {
        // SAFETY: as above.
        unsafe { tile::multiply::<NATIVE>(left, right, size, out, stride, finish) }
    }

    fn soften(
        scores: &[f32],
        lanes: &[f32],
        scale: f32,
        maximum: &mut f32,
        totals: &mut [f32],
        weights: &mut [u32],
    ) -> f32 {
        // SAFETY: as above.
        unsafe { softmax::soften::<NATIVE>(scores, lanes, scale, maximum, totals, weights) }
    }

    fn soften_backward(softmax: &Softmax, stride: usize, rows: (&[f32], &[f32]), to: Gradients<'_>) {
        // SAFETY: as above.
        unsafe { softmax::soften_backward::<NATIVE>(softmax, stride, rows, to) }
    }
}
