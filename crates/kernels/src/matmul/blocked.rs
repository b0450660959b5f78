//! The product of packed matrices, cut into tasks and blocks.
//!
//! A task takes some rows of the left matrix, packs them, and goes through panels of 64 columns of
//! the right one. Of each panel, a block of the depth stays in the second-level cache while all
//! rows of the task pass by, a few at a time; sums wait in a buffer until the depth is done.

use std::ops::Range;

use super::{
    dispatch::{straight, tile_rows},
    epilogue::Finish,
    grid::{Grid, part},
    tile::{Format, Operands, PANEL, Place},
};
use crate::{
    isa::Level,
    shared::{Shared, with_buffers},
    threads::{self, for_each},
};

/// Packed values of the depth in a block: 256 KiB of a panel.
const BLOCK_DEPTH: usize = 1024;
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

/// What is added to a quantised activation: AVX-512 multiplies unsigned by signed bytes.
pub(super) fn activation_offset(isa: Level) -> u8 {
    if isa.has_avx512() { 128 } else { 0 }
}

/// Some rows of the left matrix, packed, and their scales.
#[derive(Clone, Copy)]
struct Packed<'a> {
    values: &'a [u32],
    scales: &'a [f32],
}

/// A product on its way to the output.
pub(super) struct Product<'a, P> {
    pub isa: Level,
    /// Rows of the left matrix and the output.
    pub rows: usize,
    /// Rows that are best packed together.
    pub unit: usize,
    /// `pack(rows, packed, scales)` packs some rows of the left matrix, and says their scales.
    pub pack: P,
    pub right: Right<'a>,
    pub finish: Finish<'a>,
}

impl<P> Product<'_, P>
where
    P: Fn(Range<usize>, &mut [u32], &mut [f32]) + Sync,
{
    /// Writes every element of `out`, and reads none.
    pub(super) fn run(&self, out: Shared<'_, f32>) {
        self.run_on(Grid::new(self.rows, self.right.n, self.right.k, threads::available()), out);
    }

    /// As [`Self::run`]; how it is cut into tasks does not change a bit.
    pub(super) fn run_on(&self, grid: Grid, out: Shared<'_, f32>) {
        let (m, n, depth) = (self.rows, self.right.n, self.right.depth());
        let panels = n.div_ceil(PANEL);
        assert!(self.right.panels.len() == panels * depth * PANEL && out.len() == m * n);
        let columns = |rows: Range<usize>, panels: Range<usize>, packed: Packed<'_>| {
            with_buffers(|[sums]| {
                let sums = sums.words(rows.len() * PANEL);
                for panel in panels {
                    let columns = panel * PANEL..n.min((panel + 1) * PANEL);
                    let place = Place { rows: rows.clone(), columns };
                    // SAFETY: tasks have different rows or panels.
                    unsafe { self.panel(packed, &place, sums, &out) }
                }
            });
        };
        let pack = |rows: Range<usize>, then: &(dyn Fn(Packed<'_>) + Sync)| {
            with_buffers(|[packed, scales]| {
                let (packed, scales) = (packed.words(rows.len() * depth), scales.floats(rows.len()));
                (self.pack)(rows, packed, scales);
                then(Packed { values: packed, scales });
            });
        };
        if grid.row_blocks == 1 {
            pack(0..m, &|packed| {
                for_each(grid.column_blocks, |block| {
                    columns(0..m, part(panels, block, grid.column_blocks), packed);
                });
            });
        } else {
            for_each(grid.row_blocks * grid.column_blocks, |task| {
                let units = part(m.div_ceil(self.unit), task % grid.row_blocks, grid.row_blocks);
                let rows = units.start * self.unit..m.min(units.end * self.unit);
                let panels = part(panels, task / grid.row_blocks, grid.column_blocks);
                pack(rows.clone(), &|packed| columns(rows.clone(), panels.clone(), packed));
            });
        }
    }

    /// All packed rows by one panel, finished.
    ///
    /// # Safety
    /// No one else touches that place of `out`.
    unsafe fn panel(&self, packed: Packed<'_>, place: &Place, sums: &mut [u32], out: &Shared<'_, f32>) {
        let Self { isa, right, finish, .. } = self;
        let (depth, panel) = (right.depth(), place.columns.start / PANEL);
        let starts = right.starts.filter(|_| activation_offset(*isa) != 0);
        let starts = starts.map_or([0; PANEL], |starts| {
            starts[panel * PANEL..][..PANEL].try_into().expect("a panel of starts")
        });
        let panel = &right.panels[panel * depth * PANEL..];
        let (blocks, tiles) = (depth.div_ceil(BLOCK_DEPTH), place.rows.len().div_ceil(tile_rows(*isa)));
        let straight = straight(*isa) && finish.is_affine(&place.columns);
        let affine = straight.then(|| finish.affine(&place.columns));
        for block in 0..blocks {
            let steps = part(depth, block, blocks);
            // Blocks, and panels, follow one another in memory.
            let (panel, next) = panel[steps.start * PANEL..].split_at(steps.len() * PANEL);
            let next = &next[..next.len().min(panel.len())];
            for tile in 0..tiles {
                let rows = part(place.rows.len(), tile, tiles);
                let sums = &mut sums[rows.start * PANEL..rows.end * PANEL];
                let operands = Operands {
                    rows: &packed.values[rows.start * depth..rows.end * depth],
                    stride: depth,
                    steps: steps.clone(),
                    panel,
                    next: &next[part(next.len(), tile, tiles)],
                    starts: (block == 0).then_some(&starts),
                };
                let scales = &packed.scales[rows.clone()];
                let rows = place.rows.start + rows.start..place.rows.start + rows.end;
                let place = Place { rows, columns: place.columns.clone() };
                if block + 1 < blocks {
                    operands.multiply(*isa, right.format, sums);
                    continue;
                }
                // SAFETY: part of the caller's place.
                unsafe {
                    match &affine {
                        #[cfg(target_arch = "x86_64")]
                        Some(affine) => {
                            operands.multiply_to(
                                *isa,
                                right.format,
                                sums,
                                &affine.direct(&place, right.n, scales, out),
                            );
                        }
                        _ => {
                            finish.fetch(*isa, &place, out);
                            operands.multiply(*isa, right.format, sums);
                            finish.tile(*isa, &place, sums, scales, out);
                        }
                    }
                }
            }
        }
    }
}
