//! A tile of a product: a few packed rows by a panel of 64 columns.

use std::ops::Range;

/// Columns of a panel: four vectors of 16.
pub(super) const PANEL: usize = 64;
/// Columns that are packed together: a cache line of each row of a panel.
pub(super) const STRIP: usize = 16;
/// Rows that are multiplied and finished together,
pub(super) const TILE: usize = 6;
/// and as many on AMX.
pub(super) const AMX_TILE: usize = 16;

/// Which of `n` columns lie in the strip that begins at column `at` of a panel.
pub(super) fn strip_of(panel: usize, at: usize, n: usize) -> Range<usize> {
    let start = panel * PANEL + at;
    start.min(n)..(start + STRIP).min(n)
}

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

/// Rows and columns of the output.
pub(super) struct Place {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// A tile: some steps of the depth of a few rows, and of a panel.
pub(super) struct Operands<'a> {
    /// `[rows][stride]`, as many rows as the kernel takes at most.
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
    /// # Panics
    /// If sums are not those of so many rows at most, or operands have not the sizes that they state.
    pub(super) fn check(&self, sums: &[u32], most_rows: usize) {
        let rows = sums.len() / PANEL;
        assert!(sums.len().is_multiple_of(PANEL) && (1..=most_rows).contains(&rows));
        assert!(
            self.rows.len() == rows * self.stride
                && self.steps.end <= self.stride
                && self.panel.len() == self.steps.len() * PANEL
        );
    }
}
