//! How the weights of a product by taps lie in memory.

use crate::{isa::Level, shared::Shared, threads};

/// Output channels that are computed side by side at most, and tiles of sixteen outputs beside
/// each: 24 sums in registers.
///
/// Few tiles by many channels let the inputs of a tile stay in the first-level cache while all
/// weights pass by; few channels need more tiles to have sums enough.
pub(super) fn rows_and_tiles(outputs: usize) -> (usize, usize) {
    if outputs <= 6 { (6, 4) } else { (12, 2) }
}

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
    /// Four channels in eight bits; for AVX-512.
    Int8,
}

impl Format {
    /// Channels of a word.
    pub fn depth(self) -> usize {
        match self {
            Self::Rounded | Self::Dequantized => 1,
            Self::Bf16 => 2,
            Self::Int8 => 4,
        }
    }

    pub fn bf16_on(isa: Level) -> Self {
        if isa.has_avx512() { Self::Bf16 } else { Self::Rounded }
    }

    pub fn int8_on(isa: Level) -> Self {
        if isa.has_avx512() { Self::Int8 } else { Self::Dequantized }
    }
}

/// How many blocks the output channels are cut into.
pub(super) fn blocks(outputs: usize) -> usize {
    outputs.div_ceil(rows_and_tiles(outputs).0)
}

/// The output channels of a block, as even as possible: 32 are 11 + 11 + 10, not two twelves and
/// an eight.
pub(super) fn block(index: usize, outputs: usize) -> std::ops::Range<usize> {
    let blocks = blocks(outputs);
    index * outputs / blocks..(index + 1) * outputs / blocks
}

/// Weights as `[blocks of outputs][frame taps][row taps][words of channels][column taps][outputs of
/// the block]`: in the order in which the inputs lie in memory.
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
        inputs.div_ceil(self.format.depth()) * kernel[1] * kernel[2]
    }
}

/// Words of packed weights.
pub(super) fn words_len(format: Format, filter: Filter) -> usize {
    filter.outputs * filter.inputs.div_ceil(format.depth()) * filter.taps()
}

/// Packs weights; `at(output, input, tap)` is one of them, as a number of the format.
pub(super) fn pack(
    format: Format,
    filter: Filter,
    at: impl Fn(usize, usize, usize) -> f32 + Sync,
    words: &mut [u32],
) {
    let Filter { outputs, inputs, kernel } = filter;
    let (depth, groups) = (format.depth(), inputs.div_ceil(format.depth()));
    let per_output = words_len(format, Filter { outputs: 1, ..filter });
    assert_eq!(words.len(), outputs * per_output);
    let words = Shared::new(words);
    threads::for_each(blocks(outputs), |index| {
        let rows = block(index, outputs);
        // SAFETY: every task writes its own block.
        let words = unsafe { words.range(rows.start * per_output, rows.len() * per_output) };
        for (k, words) in words.chunks_exact_mut(rows.len()).enumerate() {
            let (row_tap, word, column_tap) = (k / kernel[2] / groups, k / kernel[2] % groups, k % kernel[2]);
            let tap = row_tap * kernel[2] + column_tap;
            for (row, to) in rows.clone().zip(words) {
                let value =
                    |i: usize| if word * depth + i < inputs { at(row, word * depth + i, tap) } else { 0.0 };
                *to = match format {
                    Format::Rounded | Format::Dequantized => value(0).to_bits(),
                    // The upper half of a number rounded to bf16 is the bf16.
                    Format::Bf16 => value(0).to_bits() >> 16 | value(1).to_bits() & 0xffff_0000,
                    Format::Int8 => {
                        u32::from_le_bytes(std::array::from_fn(|i| (value(i) as i8).cast_unsigned()))
                    }
                };
            }
        }
    });
}
