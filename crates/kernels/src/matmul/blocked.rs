//! The product of packed matrices, cut into tasks and blocks.
//!
//! A task takes some rows of the left matrix, packs them, and goes through panels of 64 columns of
//! the right one. Of each panel, a block of the depth stays in the second-level cache while all
//! rows of the task pass by, six at a time; sums wait in a buffer until the depth is done.

use std::ops::Range;

use crate::threads::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use super::{epilogue::Finish, portable};
use crate::{
    Isa,
    shared::{Shared, with_buffers},
};

/// Columns of a panel: four vectors of 16.
pub(crate) const PANEL: usize = 64;
/// Rows of a task at most: packed, they share the second-level cache with a block of a panel.
const MAX_ROWS: usize = 96;
/// Rows of a task at least, as long as there are more: fewer would read the panels too often.
const MIN_ROWS: usize = 48;
/// Rows that are multiplied and finished together.
pub(super) const TILE: usize = 6;
/// Packed values of the depth in a block: 256 KiB of a panel.
const BLOCK_DEPTH: usize = 1024;
/// Multiplications below which a second thread does not pay.
const ONE_THREAD: usize = 1 << 19;

/// What a packed 32-bit value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Two neighbours in `k`, summed in f32.
    Bf16,
    /// Four neighbours in `k`, summed in i32.
    Int8,
}

impl Format {
    /// Packed values for `k` inputs.
    pub(super) fn depth(self, k: usize) -> usize {
        match self {
            Self::Bf16 => k.div_ceil(2),
            Self::Int8 => k.div_ceil(4),
        }
    }
}

/// The left matrix: `pack(rows, packed, scales)` packs some of its rows.
pub(super) struct Left<P> {
    pub rows: usize,
    pub pack: P,
}

/// The right matrix, packed: `[n / 64][depth][64]`.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    pub format: Format,
    pub panels: &'a [u32],
    pub n: usize,
    pub k: usize,
    /// What the sums of each column start from if activations are stored with an offset.
    pub starts: Option<&'a [u32]>,
}

impl Right<'_> {
    pub(super) fn depth(&self) -> usize {
        self.format.depth(self.k)
    }
}

/// Rows and columns of the output.
pub(super) struct Place {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// What is added to a quantised activation: AVX-512 multiplies unsigned by signed bytes.
pub(super) fn activation_offset(isa: Isa) -> u8 {
    if isa == Isa::Avx512Bf16 { 128 } else { 0 }
}

/// The product of `left` and `right`, finished and written to `out`.
pub(super) fn product<P>(isa: Isa, left: Left<P>, right: Right<'_>, finish: Finish<'_>, out: &mut [f32])
where
    P: Fn(Range<usize>, &mut [u32], &mut [f32]) + Sync,
{
    assert!(isa.is_available(), "{isa:?} is not there");
    let (m, n, depth) = (left.rows, right.n, right.depth());
    let panels = n.div_ceil(PANEL);
    assert!(right.panels.len() == panels * depth * PANEL && out.len() == m * n);
    if m == 0 {
        return;
    }
    let grid = Grid::new(m, n, right.k, crate::threads::available());
    let out = Shared::new(out);
    let columns = |rows: &Range<usize>, panels: Range<usize>, packed: &[u32], scales: &[f32]| {
        with_buffers(|[sums]| {
            let sums = sums.words(rows.len() * PANEL);
            for panel in panels {
                let columns = panel * PANEL..n.min((panel + 1) * PANEL);
                let place = Place { rows: rows.clone(), columns };
                // SAFETY: tasks have different rows or panels.
                unsafe { panel_product(isa, packed, scales, &right, &place, &finish, sums, &out) }
            }
        });
    };
    let pack = |rows: &Range<usize>, then: &(dyn Fn(&[u32], &[f32]) + Sync)| {
        with_buffers(|[packed, scales]| {
            let (packed, scales) = (packed.words(rows.len() * depth), scales.floats(rows.len()));
            (left.pack)(rows.clone(), packed, scales);
            then(packed, scales);
        });
    };
    if grid.row_blocks == 1 {
        pack(&(0..m), &|packed, scales| {
            each(grid.column_blocks, |block| {
                columns(&(0..m), part(panels, block, grid.column_blocks), packed, scales);
            });
        });
    } else {
        each(grid.row_blocks * grid.column_blocks, |task| {
            let rows = part(m, task % grid.row_blocks, grid.row_blocks);
            let panels = part(panels, task / grid.row_blocks, grid.column_blocks);
            pack(&rows, &|packed, scales| columns(&rows, panels.clone(), packed, scales));
        });
    }
}

/// Part `index` of `0..len` cut into `parts` of nearly one size.
fn part(len: usize, index: usize, parts: usize) -> Range<usize> {
    index * len / parts..(index + 1) * len / parts
}

fn each(tasks: usize, run: impl Fn(usize) + Sync + Send) {
    if tasks == 1 {
        run(0);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(run);
    }
}

/// How a product is cut into tasks. The cut decides who computes an element, never how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    row_blocks: usize,
    column_blocks: usize,
}

impl Grid {
    fn new(m: usize, n: usize, k: usize, threads: usize) -> Self {
        if threads == 1 || m * n * k < ONE_THREAD {
            return Self { row_blocks: m.div_ceil(MAX_ROWS), column_blocks: 1 };
        }
        let panels = n.div_ceil(PANEL);
        // As many for each thread, if that does not make them too low.
        let even = m.div_ceil(MAX_ROWS).next_multiple_of(threads);
        let row_blocks = even.min(m.div_ceil(MIN_ROWS));
        let column_blocks = match row_blocks {
            1 => panels.min(4 * threads),
            _ => panels.min(threads.div_ceil(row_blocks)),
        };
        Self { row_blocks, column_blocks }
    }
}

/// All packed rows by one panel, finished.
///
/// # Safety
/// No one else touches that place of `out`.
#[allow(clippy::too_many_arguments, reason = "both operands, the place, and a buffer")]
unsafe fn panel_product(
    isa: Isa,
    packed: &[u32],
    scales: &[f32],
    right: &Right<'_>,
    place: &Place,
    finish: &Finish<'_>,
    sums: &mut [u32],
    out: &Shared<'_, f32>,
) {
    let (depth, panel) = (right.depth(), place.columns.start / PANEL);
    let starts = right.starts.filter(|_| activation_offset(isa) != 0);
    let starts = starts
        .map_or([0; PANEL], |starts| starts[panel * PANEL..][..PANEL].try_into().expect("a panel of starts"));
    let panel = &right.panels[panel * depth * PANEL..][..depth * PANEL];
    let (blocks, tiles) = (depth.div_ceil(BLOCK_DEPTH), place.rows.len().div_ceil(TILE));
    for block in 0..blocks {
        let steps = part(depth, block, blocks);
        for tile in 0..tiles {
            let rows = part(place.rows.len(), tile, tiles);
            let sums = &mut sums[rows.start * PANEL..rows.end * PANEL];
            let operands = Operands {
                rows: &packed[rows.start * depth..rows.end * depth],
                stride: depth,
                steps: steps.clone(),
                panel: &panel[steps.start * PANEL..steps.end * PANEL],
                starts: (block == 0).then_some(&starts),
            };
            let scales = &scales[rows.clone()];
            let rows = place.rows.start + rows.start..place.rows.start + rows.end;
            let place = Place { rows, columns: place.columns.clone() };
            let last = block + 1 == blocks;
            if last {
                finish.prepare(&place, out);
            }
            operands.multiply(isa, right.format, sums);
            if last {
                // SAFETY: part of the caller's place.
                unsafe { finish.block(isa, &place, sums, scales, out) }
            }
        }
    }
}

/// A tile: some steps of the depth of a few rows, and of a panel.
pub(super) struct Operands<'a> {
    /// `[rows][stride]`, up to six rows.
    pub rows: &'a [u32],
    pub stride: usize,
    /// The steps of each row that meet the panel.
    pub steps: Range<usize>,
    /// `[steps][64]`
    pub panel: &'a [u32],
    /// What sums start from; without, they go on from where they are.
    pub starts: Option<&'a [u32; PANEL]>,
}

impl Operands<'_> {
    /// Adds the products to `sums`, `[rows][64]`.
    fn multiply(&self, isa: Isa, format: Format, sums: &mut [u32]) {
        let rows = sums.len() / PANEL;
        assert!(sums.len().is_multiple_of(PANEL) && (1..=TILE).contains(&rows));
        assert!(
            self.rows.len() == rows * self.stride
                && self.steps.end <= self.stride
                && self.panel.len() == self.steps.len() * PANEL
        );
        // SAFETY: the instruction set is available (`product` checked it), and the sizes fit.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match (isa, format) {
                (Isa::Avx512Bf16, Format::Bf16) => return avx512::multiply::<false>(self, sums),
                (Isa::Avx512Bf16, Format::Int8) => return avx512::multiply::<true>(self, sums),
                (Isa::Avx2, Format::Bf16) => return avx2::multiply_bf16(self, sums),
                (Isa::Avx2, Format::Int8) => return avx2::multiply_int8(self, sums),
                (Isa::Portable, _) => {}
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = isa;
        match format {
            Format::Bf16 => portable::multiply_bf16(self, sums),
            Format::Int8 => portable::multiply_int8(self, sums),
        }
    }
}
