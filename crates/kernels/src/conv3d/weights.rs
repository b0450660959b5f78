//! How the weights of a product by taps lie in memory.

use std::ops::Range;

use super::plane::TILE;
use crate::{
    isa::{Isa, Level},
    shared::Shared,
    threads,
};

/// Rows and words of a tile of AMX at most; its columns are the outputs of a tile.
const SIDE: usize = TILE;

/// The sizes of weights, `[outputs, inputs, kernel..]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub outputs: usize,
    pub inputs: usize,
    pub kernel: [usize; 3],
}

impl Filter {
    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// What a packed word holds: the channels that are multiplied at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One channel, rounded to bf16 but kept as f32.
    Rounded,
    /// One channel, quantised to eight bits but kept as the f32 that they stand for.
    Dequantized,
    /// Two channels in bf16; for AVX-512.
    Bf16,
    /// The same, in tiles; for AMX.
    Tiles,
    /// Four channels in eight bits; for AVX-512.
    Int8,
}

impl Format {
    /// Channels of a word.
    pub fn depth(self) -> usize {
        match self {
            Self::Rounded | Self::Dequantized => 1,
            Self::Bf16 | Self::Tiles => 2,
            Self::Int8 => 4,
        }
    }

    /// Words of so many channels. In tiles they are as even as possible, as a step takes as long whatever its depth.
    pub fn words(self, channels: usize) -> usize {
        let words = channels.div_ceil(self.depth());
        if self == Self::Tiles { words.next_multiple_of(words.div_ceil(SIDE)) } else { words }
    }

    /// Words that lie side by side for each output channel.
    pub fn words_of_tile(self, channels: usize) -> usize {
        let words = self.words(channels);
        if self == Self::Tiles { words / words.div_ceil(SIDE) } else { 1 }
    }

    /// Output channels that are computed side by side at most, and tiles of sixteen outputs beside each: 24 sums in
    /// registers, or four tiles of sums.
    ///
    /// Few tiles by many channels let the inputs of a tile stay in the first-level cache while all
    /// weights pass by; few channels need more tiles to have sums enough.
    pub fn rows_and_tiles(self, outputs: usize) -> (usize, usize) {
        match self {
            Self::Tiles => (2 * SIDE, 2),
            _ if outputs <= 6 => (6, 4),
            _ => (12, 2),
        }
    }

    /// How many blocks the output channels are cut into.
    pub fn blocks(self, outputs: usize) -> usize {
        outputs.div_ceil(self.rows_and_tiles(outputs).0)
    }

    pub fn bf16_on(isa: Level) -> Self {
        match isa.isa() {
            Isa::Amx => Self::Tiles,
            Isa::Avx512 | Isa::Avx512Bf16 => Self::Bf16,
            Isa::Avx2 | Isa::Portable => Self::Rounded,
        }
    }

    pub fn int8_on(isa: Level) -> Self {
        if isa.has_avx512() { Self::Int8 } else { Self::Dequantized }
    }
}

/// Some of the channels, in so many parts that are as even as possible: 32 are 11 + 11 + 10, not two twelves and an eight.
pub(super) fn part(index: usize, parts: usize, channels: usize) -> Range<usize> {
    index * channels / parts..(index + 1) * channels / parts
}

/// Weights as `[blocks of outputs][frame taps][row taps][words of channels][column taps][outputs of
/// the block]`: in the order in which the inputs lie in memory. In tiles, `[row taps][tiles of words][column taps][outputs of the
/// block][words of a tile]`.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub isa: Level,
    pub format: Format,
    pub filter: Filter,
    pub words: &'a [u32],
    /// In eight bits, the scale of each output channel and the sums of its `q` for each frame tap.
    pub scales: &'a [f32],
    pub sums: &'a [i32],
}

impl Weights<'_> {
    /// Words of an output channel for one frame tap.
    pub fn tap_len(&self) -> usize {
        let Filter { inputs, kernel, .. } = self.filter;
        self.format.words(inputs) * kernel[1] * kernel[2]
    }
}

/// Words of packed weights.
pub(super) fn words_len(format: Format, filter: Filter) -> usize {
    filter.outputs * format.words(filter.inputs) * filter.taps()
}

/// Packs weights; `at(output, input, tap)` is one of them, as a number of the format.
pub(super) fn pack(
    format: Format,
    filter: Filter,
    at: impl Fn(usize, usize, usize) -> f32 + Sync,
    words: &mut [u32],
) {
    let Filter { outputs, inputs, kernel } = filter;
    let (depth, words_of_tile) = (format.depth(), format.words_of_tile(inputs));
    let tiles = format.words(inputs) / words_of_tile;
    let blocks = format.blocks(outputs);
    let per_output = words_len(format, Filter { outputs: 1, ..filter });
    assert_eq!(words.len(), outputs * per_output);
    let words = Shared::new(words);
    threads::for_each(blocks, |index| {
        let rows = part(index, blocks, outputs);
        // SAFETY: every task writes its own block.
        let words = unsafe { words.range(rows.start * per_output, rows.len() * per_output) };
        for (k, words) in words.chunks_exact_mut(rows.len() * words_of_tile).enumerate() {
            let (row_tap, tile, column_tap) = (k / kernel[2] / tiles, k / kernel[2] % tiles, k % kernel[2]);
            let tap = row_tap * kernel[2] + column_tap;
            let places = rows.clone().flat_map(|row| (0..words_of_tile).map(move |word| (row, word)));
            for ((row, word), to) in places.zip(words) {
                let first = (tile * words_of_tile + word) * depth;
                let value = |i: usize| if first + i < inputs { at(row, first + i, tap) } else { 0.0 };
                *to = match format {
                    Format::Rounded | Format::Dequantized => value(0).to_bits(),
                    // The upper half of a number rounded to bf16 is the bf16.
                    Format::Bf16 | Format::Tiles => {
                        value(0).to_bits() >> 16 | value(1).to_bits() & 0xffff_0000
                    }
                    Format::Int8 => {
                        u32::from_le_bytes(std::array::from_fn(|i| (value(i) as i8).cast_unsigned()))
                    }
                };
            }
        }
    });
}
