//! Matrix products of f32 matrices through bf16, with f32 sums.
//!
//! `C = A B` is cut into panels of 64 columns. A panel of `B` is packed as
//! `[k / 2][64 columns][2 neighbours in k]` in bf16 and stays in the second-level cache while
//! every row of `A` (bf16, `[m][k]`) passes by, six rows at a time.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod pack;
pub mod scalar;
#[cfg(test)]
mod tests;

use crate::{Isa, isa, shared::Shared};
use rayon::prelude::*;

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
    match isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => matmul_avx512(sizes, a, b, bias, c),
        _ => scalar::matmul(sizes, a, b, bias, c),
    }
}

/// Rows of `A` that one task takes: enough to pay for a task, few enough to balance two threads.
#[cfg(target_arch = "x86_64")]
const ROWS_PER_TASK: usize = 96;

#[cfg(target_arch = "x86_64")]
fn matmul_avx512(
    sizes: Sizes,
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    bias: Option<&[f32]>,
    c: &mut [f32],
) {
    use avx512::PANEL;
    let Sizes { m, n, k } = sizes;
    let pairs = k.div_ceil(2);
    if m == 0 || n == 0 || k == 0 {
        return scalar::matmul(sizes, a, b, bias, c);
    }

    let mut rows = vec![0u32; m * pairs];
    let shared = Shared::new(&mut rows);
    (0..m.div_ceil(ROWS_PER_TASK)).into_par_iter().for_each(|task| {
        let (start, end) = (task * ROWS_PER_TASK, m.min((task + 1) * ROWS_PER_TASK));
        // SAFETY: every task packs its own rows.
        let part = unsafe { shared.range(start * pairs, (end - start) * pairs) };
        pack::rows(a, m, k, start..end, part);
    });

    let panels = n.div_ceil(PANEL);
    let mut columns = vec![0u32; panels * pairs * PANEL];
    columns.par_chunks_mut(pairs * PANEL).enumerate().for_each(|(panel, packed)| {
        pack::panel(b, k, n, panel * PANEL, packed);
    });

    // A task takes a block of rows through all panels when there are more rows, so that its rows
    // stay in cache; with few rows it takes panels, so that both threads have work.
    let blocks = m.div_ceil(ROWS_PER_TASK);
    let out = Shared::new(c);
    (0..blocks * panels).into_par_iter().for_each(|task| {
        let (block, panel) = (task % blocks, task / blocks);
        let (start, end) = (block * ROWS_PER_TASK, m.min((block + 1) * ROWS_PER_TASK));
        let width = PANEL.min(n - panel * PANEL);
        let bias = bias.map(|bias| &bias[panel * PANEL..][..width]);
        // SAFETY: the instruction set was detected; the packed slices have the sizes asserted
        // inside; `out` is written at rows `start..end`, columns of this panel, by this task alone.
        unsafe {
            avx512::rows_by_panel(
                &rows[start * pairs..end * pairs],
                pairs,
                &columns[panel * pairs * PANEL..][..pairs * PANEL],
                avx512::Target { c: out.at(start * n + panel * PANEL), stride: n, rows: end - start, width },
                bias,
                false,
            );
        }
    });
}
