//! Linear layers on packed weights: `x Wᵀ` for `x` `[rows, k]` of any number of rows.

use super::{
    bf16,
    blocked::{Product, activation_offset},
    epilogue::{Epilogue, Finish},
    layout::Layout,
    packed::{PackedBf16, PackedInt8},
    quantize,
};
use crate::{
    isa::Level,
    shared::{Shared, cast_mut, written},
};

/// `out = epilogue(x Wᵀ)`, inputs and weights rounded to bf16, sums in f32.
///
/// `x` is `[rows, k]`, `out` `[rows, n]`. Before the epilogue the error of an element is at most
/// `2⁻⁷ Σ |x| |w|`.
///
/// # Panics
/// If a slice has not the length that `x` and the weights ask for.
pub fn linear_bf16(x: &[f32], weight: &PackedBf16, epilogue: Epilogue<'_>) -> Vec<f32> {
    let len = rows_of(x, weight.k()).checked_mul(weight.n()).expect("a layer's output fits in memory");
    // SAFETY: `linear_bf16_on` asserts this length, and its tasks cover all rows and panels of it (`grid::part`).
    unsafe { written(len, |out| linear_bf16_on(Level::in_use(), x, weight, epilogue, out)) }
}

/// `out = epilogue(x Wᵀ)` in 8-bit integers: every row of `x` is quantised with a scale of its own,
/// the sums are exact, and then scaled.
///
/// `x` is `[rows, k]`, `out` `[rows, n]`. Before the epilogue the error of an element
/// is at most `k (sx |w| / 2 + sw |x| / 2 + sx sw / 4)` for the greatest `|x|`, `|w|` of the row
/// and the output, `sx` and `sw` being 1/127 of them. A row with a NaN or an infinity becomes NaN.
/// The bits are those of every other instruction set, unless there is an activation.
///
/// # Panics
/// If a slice has not the length that `x` and the weights ask for.
pub fn linear_int8(x: &[f32], weight: &PackedInt8, epilogue: Epilogue<'_>) -> Vec<f32> {
    let len = rows_of(x, weight.k()).checked_mul(weight.n()).expect("a layer's output fits in memory");
    // SAFETY: `linear_int8_on` asserts this length, and its tasks cover all rows and panels of it (`grid::part`).
    unsafe { written(len, |out| linear_int8_on(Level::in_use(), x, weight, epilogue, out)) }
}

/// Writes every element of `out`, and reads none.
pub(super) fn linear_bf16_on(
    isa: Level,
    x: &[f32],
    weight: &PackedBf16,
    epilogue: Epilogue<'_>,
    out: Shared<'_, f32>,
) {
    let (n, k) = (weight.n(), weight.k());
    let rows = check(x, k, n, &epilogue, out);
    let product = Product {
        isa,
        rows,
        unit: 1,
        pack: |range, packed: &mut [u32], _: &mut [f32]| {
            bf16::pack_rows(isa, (x, Layout::Plain), rows, k, range, packed, None);
        },
        right: weight.right(),
        finish: Finish { scales: None, epilogue, rows, n },
    };
    product.run(out);
}

/// Writes every element of `out`, and reads none.
pub(super) fn linear_int8_on(
    isa: Level,
    x: &[f32],
    weight: &PackedInt8,
    epilogue: Epilogue<'_>,
    out: Shared<'_, f32>,
) {
    let (n, k) = (weight.n(), weight.k());
    let rows = check(x, k, n, &epilogue, out);
    let right = weight.right();
    let offset = activation_offset(isa);
    let product = Product {
        isa,
        rows,
        unit: 1,
        pack: |range: std::ops::Range<usize>, packed: &mut [u32], scales: &mut [f32]| {
            let x = x[range.start * k..range.end * k].chunks_exact(k);
            let packed = packed.chunks_exact_mut(right.depth());
            for ((x, packed), scale) in x.zip(packed).zip(scales) {
                *scale = quantize::row(isa, x, offset, cast_mut(packed));
            }
        },
        right,
        finish: Finish { scales: Some(weight.scales()), epilogue, rows, n },
    };
    product.run(out);
}

fn rows_of(x: &[f32], k: usize) -> usize {
    assert!(x.len().is_multiple_of(k), "linear: x of {} values is not [rows, k = {k}]", x.len());
    x.len() / k
}

fn check(x: &[f32], k: usize, n: usize, epilogue: &Epilogue<'_>, out: Shared<'_, f32>) -> usize {
    let rows = rows_of(x, k);
    assert_eq!(out.len(), rows * n, "linear: out is not [{rows} rows, n = {n}]");
    epilogue.check(rows, n);
    rows
}
