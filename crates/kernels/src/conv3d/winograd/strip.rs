//! How the transformed inputs of some rows of squares lie in memory.

use std::ops::Range;

use crate::conv3d::plane::{Geometry, TILE};

/// Positions of a square.
pub(super) const POSITIONS: usize = 16;
/// Squares whose transformed inputs lie together: two tiles.
pub(super) const UNIT: usize = 2 * TILE;
/// Squares of a task.
pub(super) const SQUARES: usize = 256;
/// Words between positions: a line, so that those of a square do not all meet in one set of the cache.
pub(super) const GAP: usize = 16;

/// Some rows of squares of all frames.
pub(super) struct Strip<'a> {
    pub geometry: &'a Geometry,
    /// Rows of squares.
    pub rows: Range<usize>,
    /// Squares of a row.
    pub columns: usize,
    /// Words of two input channels.
    pub groups: usize,
}

impl Strip<'_> {
    /// Whether every input stands for a square of four.
    pub fn is_doubled(&self) -> bool {
        self.geometry.repeat[1] == 2
    }

    /// Whether the transformed inputs at a position may differ from zero.
    pub fn has(&self, position: usize) -> bool {
        !self.is_doubled() || position / 4 != 2 && position % 4 != 2
    }

    pub fn squares(&self) -> usize {
        self.rows.len() * self.columns
    }

    pub fn blocks(&self) -> usize {
        self.squares().div_ceil(SQUARES)
    }

    /// Words of a transformed frame: `[units][positions][groups][squares of a unit]`.
    pub fn frame_len(&self) -> usize {
        self.squares().div_ceil(UNIT) * POSITIONS * self.position_len()
    }

    /// Words of a position of a unit.
    pub fn position_len(&self) -> usize {
        self.groups * UNIT + GAP
    }

    /// Where a unit's words of a position begin in a frame.
    pub fn at(&self, unit: usize, position: usize) -> usize {
        (unit * POSITIONS + position) * self.position_len()
    }

    /// Neighbouring squares of a row, at most [`TILE`] of them, from square `start` to `end` of the strip: where
    /// the first is, its row, its column, and how many they are.
    pub fn runs(&self, start: usize, end: usize) -> impl Iterator<Item = Run> {
        let (columns, first) = (self.columns, self.rows.start);
        let mut next = start;
        std::iter::from_fn(move || {
            let square = next;
            let column = square % columns;
            let len = TILE.min(columns - column).min(end.saturating_sub(square));
            next += len;
            (len > 0).then(|| Run { square, row: first + square / columns, column, len })
        })
    }
}

/// Neighbouring squares of a row.
pub(super) struct Run {
    /// The first, counted from the start of the strip.
    pub square: usize,
    /// Row and first column, in squares of the picture.
    pub row: usize,
    pub column: usize,
    pub len: usize,
}
