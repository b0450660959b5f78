//! Weights of a convolution, packed once for all its products.

use super::{
    Conv3d,
    quantize::{quantize_weight, weight_scale},
    winograd::{self, Transformed},
};
use crate::{isa::Level, matmul::scalar::round_bf16, shared::Shared, threads};

/// Output channels that are computed side by side at most, and tiles of sixteen outputs beside
/// each: 24 sums in registers.
///
/// Few tiles by many channels let the inputs of a tile stay in the first-level cache while all
/// weights pass by; few channels need more tiles to have sums enough.
pub(super) fn rows_and_tiles(outputs: usize) -> (usize, usize) {
    if outputs <= 6 { (6, 4) } else { (12, 2) }
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
    pub outputs: usize,
    pub inputs: usize,
    pub kernel: [usize; 3],
    pub words: &'a [u32],
    /// In eight bits, the scale of each output channel and the sums of its `q` for each frame tap.
    pub scales: &'a [f32],
    pub sums: &'a [i32],
}

impl Weights<'_> {
    /// Words of an output channel for one frame tap.
    pub fn tap_len(&self) -> usize {
        self.inputs.div_ceil(self.format.depth()) * self.kernel[1] * self.kernel[2]
    }
}

/// Words of packed weights.
pub(super) fn words_len(format: Format, outputs: usize, inputs: usize, kernel: [usize; 3]) -> usize {
    outputs * inputs.div_ceil(format.depth()) * kernel.iter().product::<usize>()
}

/// Packs weights; `at(output, input, tap)` is one of them, as a number of the format.
pub(super) fn pack(
    format: Format,
    outputs: usize,
    inputs: usize,
    kernel: [usize; 3],
    at: impl Fn(usize, usize, usize) -> f32 + Sync,
    words: &mut [u32],
) {
    let (depth, groups) = (format.depth(), inputs.div_ceil(format.depth()));
    let per_output = words_len(format, 1, inputs, kernel);
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

/// The weights of a convolution in bf16 or in eight bits.
#[derive(Clone)]
pub struct PackedConv3d {
    /// That for which they are packed.
    isa: Level,
    format: Format,
    /// Whether the words are transformed weights.
    is_transformed: bool,
    outputs: usize,
    inputs: usize,
    kernel: [usize; 3],
    words: Vec<u32>,
    scales: Vec<f32>,
    sums: Vec<i32>,
}

/// Products that a sum in eight bits may have: `255 · 127` times as many stay below `2³¹`.
const MAX_PRODUCTS: usize = 1 << 16;

impl PackedConv3d {
    /// Packs `weight`, `[outputs, inputs, kernel..]`, in bf16.
    ///
    /// # Panics
    /// If the slice has not that length or a size is 0.
    pub fn bf16(weight: &[f32], outputs: usize, inputs: usize, kernel: [usize; 3]) -> Self {
        Self::bf16_on(Level::in_use(), weight, outputs, inputs, kernel)
    }

    /// Packs `weight`, `[outputs, inputs, kernel..]`, in bf16 for convolutions of one stride: transformed where
    /// that is faster (see [`winograd`]), and else as [`Self::bf16`].
    ///
    /// # Panics
    /// As [`Self::bf16`].
    pub fn bf16_with_stride(
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Self {
        Self::bf16_with_stride_on(Level::in_use(), weight, outputs, inputs, kernel, stride)
    }

    pub(super) fn bf16_with_stride_on(
        isa: Level,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Self {
        match winograd::suits(isa, outputs, inputs, kernel, stride) {
            true => Self::transformed_on(isa, weight, outputs, inputs, kernel),
            false => Self::bf16_on(isa, weight, outputs, inputs, kernel),
        }
    }

    /// # Panics
    /// If the level is not AVX-512, which alone has the transforms.
    pub(super) fn transformed_on(
        isa: Level,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        let words = winograd::words_len(outputs, inputs, kernel[0]);
        assert!(isa.has_avx512(), "transformed weights on {isa:?}");
        let mut packed = Self::new(isa, Format::Bf16, words, weight, outputs, inputs, kernel);
        packed.is_transformed = true;
        winograd::pack(weight, outputs, inputs, kernel[0], &mut packed.words);
        packed
    }

    /// Quantises and packs `weight`, `[outputs, inputs, kernel..]`, in eight bits with a symmetric
    /// scale for each output channel; one that has a NaN or an infinity gives NaN.
    ///
    /// # Panics
    /// If the slice has not that length, a size is 0, or inputs times taps of a frame exceed 65,536.
    pub fn int8(weight: &[f32], outputs: usize, inputs: usize, kernel: [usize; 3]) -> Self {
        Self::int8_on(Level::in_use(), weight, outputs, inputs, kernel)
    }

    pub(super) fn bf16_on(
        isa: Level,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        let mut packed = Self::by_taps(isa, Format::bf16_on(isa), weight, outputs, inputs, kernel);
        let taps: usize = kernel.iter().product();
        let at =
            |row: usize, column: usize, tap: usize| round_bf16(weight[(row * inputs + column) * taps + tap]);
        pack(packed.format, outputs, inputs, kernel, at, &mut packed.words);
        packed
    }

    pub(super) fn int8_on(
        isa: Level,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        let mut packed = Self::by_taps(isa, Format::int8_on(isa), weight, outputs, inputs, kernel);
        let (taps, plane) = (kernel.iter().product::<usize>(), kernel[1] * kernel[2]);
        assert!(
            inputs * plane <= MAX_PRODUCTS,
            "8-bit weights: {inputs} inputs times {plane} taps, but sums fit for {MAX_PRODUCTS} at most"
        );
        packed.scales = weight.chunks_exact(inputs * taps).map(weight_scale).collect();
        let quantized: Vec<f32> = weight
            .chunks_exact(inputs * taps)
            .zip(&packed.scales)
            .flat_map(|(weight, &scale)| weight.iter().map(move |&w| quantize_weight(w, scale)))
            .collect();
        if packed.format == Format::Dequantized {
            let at = |row: usize, column: usize, tap: usize| {
                quantized[(row * inputs + column) * taps + tap] * packed.scales[row]
            };
            pack(packed.format, outputs, inputs, kernel, at, &mut packed.words);
        } else {
            let at = |row: usize, column: usize, tap: usize| quantized[(row * inputs + column) * taps + tap];
            pack(packed.format, outputs, inputs, kernel, at, &mut packed.words);
            packed.sums = (0..outputs * kernel[0])
                .map(|index| {
                    let (row, frame_tap) = (index / kernel[0], index % kernel[0]);
                    let of_input = |column: usize| {
                        let start = (row * inputs + column) * taps + frame_tap * plane;
                        quantized[start..start + plane].iter().map(|&q| q as i32).sum::<i32>()
                    };
                    (0..inputs).map(of_input).sum()
                })
                .collect();
        }
        packed
    }

    fn by_taps(
        isa: Level,
        format: Format,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        Self::new(isa, format, words_len(format, outputs, inputs, kernel), weight, outputs, inputs, kernel)
    }

    /// Room for `words` words.
    fn new(
        isa: Level,
        format: Format,
        words: usize,
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        let taps: usize = kernel.iter().product();
        assert!(outputs * inputs * taps > 0, "packed convolution: every size must be at least 1");
        assert_eq!(weight.len(), outputs * inputs * taps, "weights of {outputs} x {inputs} x {kernel:?}");
        Self {
            isa,
            format,
            is_transformed: false,
            outputs,
            inputs,
            kernel,
            words: vec![0; words],
            scales: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Memory that the packed weights take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.words) + size_of_val(&*self.scales) + size_of_val(&*self.sums)
    }

    /// The transformed weights, if they are.
    pub(super) fn transformed_of(&self, shape: &Conv3d) -> Option<Transformed<'_>> {
        self.check(shape);
        let stride = shape.stride;
        assert!(
            !self.is_transformed || stride[1..] == [1, 1],
            "weights transformed for a stride of 1: {shape:?}"
        );
        let Self { isa, outputs, inputs, kernel: [frame_taps, ..], ref words, .. } = *self;
        self.is_transformed.then_some(Transformed { isa, outputs, inputs, frame_taps, words })
    }

    fn check(&self, shape: &Conv3d) {
        assert_eq!(
            (self.outputs, self.inputs, self.kernel),
            (shape.outputs, shape.inputs, shape.kernel),
            "packed weights of another convolution than {shape:?}"
        );
    }

    pub(super) fn of(&self, shape: &Conv3d) -> Weights<'_> {
        self.check(shape);
        Weights {
            isa: self.isa,
            format: self.format,
            outputs: self.outputs,
            inputs: self.inputs,
            kernel: self.kernel,
            words: &self.words,
            scales: &self.scales,
            sums: &self.sums,
        }
    }
}
