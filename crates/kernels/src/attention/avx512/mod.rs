//! Attention on AVX-512: words of two bf16.

mod pack;
mod softmax;
mod tile;

use super::products::{Finish, Gradients, Head, Left, Products, Right, RowBias, Size, Softmax};
use crate::isa::Avx512;

impl<const NATIVE: bool, const TILES: bool> Products for Avx512<NATIVE, TILES> {
    const DEPTH: usize = 2;

    fn pack_rows(self, x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: `self` is the proof that the machine has the features.
        unsafe { pack::rows::<NATIVE>(x, packed) }
    }

    fn pack_columns(self, x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: as above.
        unsafe { pack::columns::<NATIVE>(x, packed) }
    }

    fn pack_tokens(self, x: Head<'_>, packed: &mut [u32]) {
        // SAFETY: as above.
        unsafe { pack::token_pairs::<NATIVE>(x, packed) }
    }

    fn multiply(
        self,
        left: Left<'_>,
        right: Right<'_>,
        size: Size,
        out: &mut [f32],
        stride: usize,
        finish: Finish<'_>,
    ) {
        // SAFETY: as above.
        unsafe { tile::multiply::<NATIVE, TILES>(left, right, size, out, stride, finish) }
    }

    fn add_bias(self, scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>) {
        // SAFETY: as above.
        unsafe { softmax::add_bias(scores, lanes, bias) }
    }

    fn softmax_row(
        self,
        scores: &[f32],
        lanes: &[f32],
        scale: f32,
        maximum: &mut f32,
        totals: &mut [f32],
        weights: &mut [u32],
    ) -> f32 {
        // SAFETY: as above.
        unsafe { softmax::softmax_row::<NATIVE>(scores, lanes, scale, maximum, totals, weights) }
    }

    fn softmax_backward(self, softmax: &Softmax, stride: usize, rows: (&[f32], &[f32]), to: Gradients<'_>) {
        // SAFETY: as above.
        unsafe { softmax::softmax_backward::<NATIVE>(softmax, stride, rows, to) }
    }
}
