//! A part of a product by taps: what is read and where it is written.

use std::ops::Range;

use super::{quantize::Scale, weights::Weights};
use crate::shared::Shared;

/// The most tiles that are computed side by side.
const TILES: usize = 4;
/// Groups of tiles that a block of output channels takes in a row at most: its weights stay in the
/// first-level cache meanwhile, and it writes long pieces of each channel.
pub(super) const GROUPS: usize = 8;

/// One tile: where it reads in a plane, where it writes in a channel, and how many outputs; none
/// for those that fill up a group.
#[derive(Clone, Copy, Default)]
pub(super) struct Tile {
    pub from: usize,
    pub to: usize,
    pub width: usize,
}

/// A frame tap of an output frame that meets a source frame.
#[derive(Clone, Copy)]
pub(super) struct FrameTap {
    pub tap: usize,
    /// Where the packed frame begins.
    pub start: usize,
    pub scale: Scale,
}

/// Tiles that are computed side by side: the first of them, as many as go with the output channels.
pub(super) type Group = [Tile; TILES];

/// Blocks of output channels by groups of tiles.
pub(super) struct Job<'a> {
    pub volume: &'a [u32],
    pub frame_taps: &'a [FrameTap],
    /// Where the words of channels and the taps of a frame lie from the start of a tile.
    pub offsets: &'a [usize],
    /// How far a word of channels lies behind the one before it.
    pub word_len: usize,
    /// The greatest of the offsets and what is read from there.
    pub reach: usize,
    pub weights: Weights<'a>,
    pub bias: Option<&'a [f32]>,
    /// The output of the sample, and the length of a channel in it.
    pub y: Shared<'a, f32>,
    pub start: usize,
    pub positions: usize,
}

impl Job<'_> {
    /// The packed weights of a block of output channels: as [`Weights`] has them.
    pub fn block_weights(&self, rows: &Range<usize>) -> &[u32] {
        let row = self.weights.filter.kernel[0] * self.offsets.len();
        &self.weights.words[rows.start * row..rows.end * row]
    }

    /// Where a tile of an output channel goes.
    pub fn target(&self, row: usize, tile: &Tile) -> *mut f32 {
        self.y.at(self.start + row * self.positions + tile.to)
    }
}
