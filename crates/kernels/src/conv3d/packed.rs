//! Weights of a convolution, packed once for all its products.

use super::{
    quantize::{quantize_weight, weight_scale},
    shape::Conv3d,
    weights::{Format, Weights, pack, words_len},
    winograd::{self, Transformed},
};
use crate::{isa::Level, matmul::scalar::round_bf16};

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
