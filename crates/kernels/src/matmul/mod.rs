//! Matrix products of f32 matrices through bf16 with f32 sums, and through 8-bit integers.
//!
//! The right matrix is packed into panels of 64 columns: [`PackedBf16`] and [`PackedInt8`] do it
//! once for the weights of a layer, [`matmul`] for each product. The left one is packed by the
//! tasks that a product is cut into, a few rows at a time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod bf16;
mod blocked;
mod epilogue;
mod grid;
mod linear;
#[cfg(target_arch = "x86_64")]
pub(crate) mod pack;
mod packed;
mod portable;
mod quantize;
pub mod scalar;
#[cfg(test)]
mod tests;

pub use epilogue::{Epilogue, Residual};
pub use linear::{linear_bf16, linear_int8};
pub use packed::{PackedBf16, PackedInt8};

use crate::{Isa, isa, shared::with_buffers};
use blocked::{Format, PANEL, Product, Right};
use epilogue::Finish;

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row after row.
    Plain,
    /// Column after column: the slice holds the transpose.
    Transposed,
}

/// The sizes of `C [m, n] = A [m, k] B [k, n]`.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of `A` and `C`.
    pub m: usize,
    /// Columns of `B` and `C`.
    pub n: usize,
    /// Columns of `A`, rows of `B`.
    pub k: usize,
}

/// `c = a b (+ bias)`, inputs rounded to bf16, sums in f32.
///
/// `a` is `[m, k]` and `b` `[k, n]` (or their transposes, by their [`Layout`]); `bias` is `[n]`.
/// The relative error of an element is at most `2⁻⁷` of `Σ |a| |b|`. `c` is overwritten.
///
/// # Panics
/// If a slice has not the length that the sizes ask for.
pub fn matmul(sizes: Sizes, a: (&[f32], Layout), b: (&[f32], Layout), bias: Option<&[f32]>, c: &mut [f32]) {
    let Sizes { m, n, k } = sizes;
    assert_eq!(a.0.len(), m * k, "matmul: a is not [m, k]");
    assert_eq!(b.0.len(), k * n, "matmul: b is not [k, n]");
    assert_eq!(c.len(), m * n, "matmul: c is not [m, n]");
    assert!(bias.is_none_or(|bias| bias.len() == n), "matmul: bias is not [n]");
    matmul_on(isa(), sizes, a, b, bias, c);
}

pub(crate) fn matmul_on(
    isa: Isa,
    sizes: Sizes,
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    bias: Option<&[f32]>,
    c: &mut [f32],
) {
    let Sizes { m, n, k } = sizes;
    if m == 0 || n == 0 || k == 0 {
        return scalar::matmul(sizes, a, b, bias, c);
    }
    with_buffers(|[panels]| {
        let panels = panels.words(n.div_ceil(PANEL) * Format::Bf16.depth(k) * PANEL);
        bf16::pack_panels(isa, b, k, n, panels);
        let product = Product {
            isa,
            rows: m,
            // Sixteen neighbours in a row of the slice make a cache line.
            unit: if a.1 == Layout::Plain { 1 } else { 16 },
            pack: |range, packed: &mut [u32], _: &mut [f32]| bf16::pack_rows(isa, a, m, k, range, packed),
            right: Right { format: Format::Bf16, panels, n, k, starts: None },
            finish: Finish { scales: None, epilogue: Epilogue { bias, ..Epilogue::default() }, rows: m, n },
        };
        product.run(c);
    });
}
