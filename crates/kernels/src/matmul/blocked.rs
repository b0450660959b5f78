//! The product of packed matrices, cut into tasks and blocks.
//!
//! A task takes some rows of the left matrix, packs them, and goes through panels of 64 columns of
//! the right one. Of each panel, a block of the depth stays in the second-level cache while all
//! rows of the task pass by, six at a time; sums wait in a buffer until the depth is done.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, epilogue::Direct};
use super::{
    epilogue::Finish,
    grid::{Grid, part},
    portable,
};
use crate::{
    isa::Level,
    shared::{Shared, with_buffers},
    threads::{self, for_each},
};

/// Columns of a panel: four vectors of 16.
pub(crate) const PANEL: usize = 64;
/// Rows that are multiplied and finished together.
pub(super) const TILE: usize = 6;
/// Packed values of the depth in a block: 256 KiB of a panel.
const BLOCK_DEPTH: usize = 1024;
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

    fn run_on(&self, grid: Grid, out: Shared<'_, f32>) {
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
        let (blocks, tiles) = (depth.div_ceil(BLOCK_DEPTH), place.rows.len().div_ceil(TILE));
        let affine = finish.affine(&place.columns).filter(|_| isa.has_avx512());
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
                            operands.multiply(*isa, right.format, sums);
                            finish.tile(*isa, &place, sums, scales, out);
                        }
                    }
                }
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
    /// This tile's share of the next block of a panel, to be fetched meanwhile.
    pub next: &'a [u32],
    /// What sums start from; without, they go on from where they are.
    pub starts: Option<&'a [u32; PANEL]>,
}

impl Operands<'_> {
    fn check(&self, sums: &[u32]) {
        let rows = sums.len() / PANEL;
        assert!(sums.len().is_multiple_of(PANEL) && (1..=TILE).contains(&rows));
        assert!(
            self.rows.len() == rows * self.stride
                && self.steps.end <= self.stride
                && self.panel.len() == self.steps.len() * PANEL
        );
    }

    /// The products and `sums`, finished and sent where `direct` says, in one go.
    ///
    /// # Safety
    /// No one else touches the rows that `direct` points at.
    ///
    /// # Panics
    /// If `isa` is not AVX-512, with or without BF16.
    #[cfg(target_arch = "x86_64")]
    unsafe fn multiply_to(&self, isa: Level, format: Format, sums: &mut [u32], direct: &Direct<'_>) {
        self.check(sums);
        assert!(format == Format::Bf16 || direct.row_scales.len() == sums.len() / PANEL);
        // SAFETY: the caller's promise; the level proves the instruction set, and the sizes fit.
        unsafe {
            match (isa, format) {
                (Level::Avx512Bf16(_), Format::Bf16) => {
                    avx512::multiply::<false, true>(self, sums, Some(direct));
                }
                (Level::Avx512(_), Format::Bf16) => {
                    avx512::multiply::<false, false>(self, sums, Some(direct));
                }
                (Level::Avx512(_) | Level::Avx512Bf16(_), Format::Int8) => {
                    avx512::multiply::<true, false>(self, sums, Some(direct));
                }
                (Level::Avx2(_) | Level::Portable, _) => {
                    unreachable!("sums go straight out on AVX-512 alone")
                }
            }
        }
    }

    /// Adds the products to `sums`, `[rows][64]`.
    fn multiply(&self, isa: Level, format: Format, sums: &mut [u32]) {
        self.check(sums);
        // SAFETY: the level proves the instruction set, and the sizes fit.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match (isa, format) {
                (Level::Avx512Bf16(_), Format::Bf16) => {
                    return avx512::multiply::<false, true>(self, sums, None);
                }
                (Level::Avx512(_), Format::Bf16) => {
                    return avx512::multiply::<false, false>(self, sums, None);
                }
                (Level::Avx512(_) | Level::Avx512Bf16(_), Format::Int8) => {
                    return avx512::multiply::<true, false>(self, sums, None);
                }
                (Level::Avx2(_), Format::Bf16) => return avx2::multiply_bf16(self, sums),
                (Level::Avx2(_), Format::Int8) => return avx2::multiply_int8(self, sums),
                (Level::Portable, _) => {}
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

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::lanes::test_values;

    #[test]
    fn the_cut_does_not_change_a_bit() {
        let (m, n, k) = (50, 200, 300);
        let (x, weight) = (test_values(m * k, 1), test_values(n * k, 2));
        for isa in Level::available() {
            let weight = PackedBf16::new_on(isa, &weight, n, k);
            let product = Product {
                isa,
                rows: m,
                unit: 1,
                pack: |range, packed: &mut [u32], _: &mut [f32]| {
                    bf16::pack_rows(isa, (&x, Layout::Plain), m, k, range, packed, None);
                },
                right: weight.right(),
                finish: Finish { scales: None, epilogue: Epilogue::default(), rows: m, n },
            };
            let outputs = [(1, 1), (1, 4), (2, 1), (3, 2), (50, 4)].map(|(row_blocks, column_blocks)| {
                let mut out = vec![f32::NAN; m * n];
                product.run_on(Grid { row_blocks, column_blocks }, Shared::new(&mut out));
                out
            });
            assert!(outputs.iter().all(|out| *out == outputs[0] && !out[0].is_nan()), "{isa:?}");
        }
    }
}
