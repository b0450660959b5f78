//! Matrix products of f32 matrices through bf16 with f32 sums, and through 8-bit integers.
//!
//! The right matrix is packed into panels of 64 columns: [`PackedBf16`] and [`PackedInt8`] do it
//! once for the weights of a layer, [`matmul`] for each product. The left one is packed by the
//! tasks that a product is cut into, a few rows at a time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_finish;
mod bf16;
mod blocked;
mod dispatch;
mod epilogue;
mod grid;
mod layout;
mod linear;
#[cfg(target_arch = "x86_64")]
mod pack;
mod packed;
mod plain;
mod portable;
mod quantize;
pub mod scalar;
#[cfg(test)]
mod tests;
mod tile;

pub use epilogue::{Epilogue, Residual};
pub use layout::{Layout, Sizes};
pub use linear::{linear_bf16, linear_int8};
pub use packed::{PackedBf16, PackedInt8};

use std::{
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    isa::Level,
    shared::{Shared, with_buffers, written},
};
use blocked::{Product, Right};
use epilogue::Finish;
use plain::row_sums;
use tile::{Format, PANEL};

/// `c = a b (+ bias)`, inputs rounded to bf16, sums in f32.
///
/// `a` is `[m, k]` and `b` `[k, n]` (or their transposes, by their [`Layout`]); `bias` is `[n]`.
/// The relative error of an element is at most `2⁻⁷` of `Σ |a| |b|`.
///
/// # Panics
/// If a slice has not the length that the sizes ask for.
pub fn matmul(sizes: Sizes, a: (&[f32], Layout), b: (&[f32], Layout), bias: Option<&[f32]>) -> Vec<f32> {
    product_of(sizes, a, b, bias, None)
}

/// `c = a b` as [`matmul`], and `sums[i] = Σₗ a[i, l]` in f32, from the first to the last, at almost no cost: the
/// gradients of a layer by its weights and by its bias.
///
/// # Panics
/// As [`matmul`], and if `sums` is not `[m]`.
pub fn matmul_and_row_sums(
    sizes: Sizes,
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    sums: &mut [f32],
) -> Vec<f32> {
    assert_eq!(sums.len(), sizes.m, "matmul: sums are not [m]");
    product_of(sizes, a, b, None, Some(sums))
}

fn product_of(
    sizes: Sizes,
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    bias: Option<&[f32]>,
    sums: Option<&mut [f32]>,
) -> Vec<f32> {
    sizes.check_inputs(a.0, b.0, bias);
    let len = sizes.m.checked_mul(sizes.n).expect("a product fits in memory");
    // SAFETY: `matmul_on` asserts this length, and its tasks cover all rows and panels of it (`grid::part`).
    unsafe { written(len, |c| matmul_on(Level::in_use(), sizes, a, b, bias, c, sums)) }
}

/// Writes every element of `c`, and reads none.
fn matmul_on(
    isa: Level,
    sizes: Sizes,
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    bias: Option<&[f32]>,
    c: Shared<'_, f32>,
    sums: Option<&mut [f32]>,
) {
    let Sizes { m, n, k } = sizes;
    assert_eq!(c.len(), m * n, "matmul: c is not [m, n]");
    if m == 0 || n == 0 || k == 0 {
        sums.into_iter().for_each(|sums| row_sums(a, m, k, 0..m, sums));
        // Sums of nothing.
        for index in 0..m * n {
            // SAFETY: inside by the assertion.
            unsafe { c.at(index).write(bias.map_or(0.0, |bias| bias[index % n])) }
        }
        return;
    }
    let sums = sums.map(Shared::new);
    with_buffers(|[panels]| {
        let panels = panels.words(n.div_ceil(PANEL) * Format::Bf16.depth(k) * PANEL);
        bf16::pack_panels(isa, b, k, n, panels);
        let product = Product {
            isa,
            rows: m,
            // Sixteen neighbours in a row of the slice make a cache line.
            unit: if a.1 == Layout::Plain { 1 } else { 16 },
            pack: |rows: Range<usize>, packed: &mut [u32], row_sums: &mut [f32]| {
                let Some(sums) = sums else { return bf16::pack_rows(isa, a, m, k, rows, packed, None) };
                bf16::pack_rows(isa, a, m, k, rows.clone(), packed, Some(row_sums));
                for (row, sum) in rows.zip(row_sums) {
                    // Tasks that share rows find the same sums.
                    // SAFETY: a word of the slice, which is written here alone, and atomically.
                    let place = unsafe { AtomicU32::from_ptr(sums.at(row).cast()) };
                    place.store(sum.to_bits(), Ordering::Relaxed);
                }
            },
            right: Right { format: Format::Bf16, panels, n, k, starts: None },
            finish: Finish { scales: None, epilogue: Epilogue { bias, ..Epilogue::default() }, rows: m, n },
        };
        product.run(c);
    });
}
