//! Weights of a convolution, packed once for all its products.

use super::{
    quantize::{quantize_weight, weight_scale},
    shape::Conv3d,
    weights::{Filter, Format, Weights, pack, words_len},
    winograd::{self, Transformed},
};
use crate::{Stored, isa::Level, matmul::scalar::round_bf16, threads::prelude::*};

/// The weights of a convolution in bf16 or in eight bits.
#[derive(Clone)]
pub struct PackedConv3d {
    /// That for which they are packed.
    isa: Level,
    filter: Filter,
    words: Vec<u32>,
    packing: Packing,
}

/// What the words of packed weights are.
#[derive(Clone)]
enum Packing {
    /// Weights by taps, and in eight bits what [`Weights`] says of them.
    Taps { format: Format, scales: Vec<f32>, sums: Vec<i32> },
    /// Transformed weights.
    Transformed,
}

/// Packed weights, in the form that one of the two products reads.
pub(super) enum Form<'a> {
    Taps(Weights<'a>),
    Transformed(Transformed<'a>),
}

/// Products that a sum in eight bits may have: `255 · 127` times as many stay below `2³¹`.
const MAX_PRODUCTS: usize = 1 << 16;

impl PackedConv3d {
    /// Packs `weight`, `[outputs, inputs, kernel..]`, in bf16.
    ///
    /// # Panics
    /// If the slice has not that length or a size is 0.
    pub fn bf16<'a>(
        weight: impl Into<Stored<'a>>,
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        Self::bf16_on(Level::in_use(), &weight.into().all_in_f32(), Filter { outputs, inputs, kernel })
    }

    /// Packs `weight`, `[outputs, inputs, kernel..]`, in bf16 for convolutions of one stride: transformed where
    /// that is faster (see [`winograd`]), and else as [`Self::bf16`].
    ///
    /// # Panics
    /// As [`Self::bf16`].
    pub fn bf16_with_stride<'a>(
        weight: impl Into<Stored<'a>>,
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Self {
        let weight = weight.into().all_in_f32();
        Self::bf16_with_stride_on(Level::in_use(), &weight, Filter { outputs, inputs, kernel }, stride)
    }

    /// Quantises and packs `weight`, `[outputs, inputs, kernel..]`, in eight bits with a symmetric
    /// scale for each output channel; one that has a NaN or an infinity gives NaN.
    ///
    /// # Panics
    /// If the slice has not that length, a size is 0, or inputs times taps of a frame exceed 65,536.
    pub fn int8<'a>(
        weight: impl Into<Stored<'a>>,
        outputs: usize,
        inputs: usize,
        kernel: [usize; 3],
    ) -> Self {
        Self::int8_on(Level::in_use(), &weight.into().all_in_f32(), Filter { outputs, inputs, kernel })
    }

    /// Memory that the packed weights take.
    pub fn bytes(&self) -> usize {
        let of_taps = match &self.packing {
            Packing::Taps { scales, sums, .. } => size_of_val(&**scales) + size_of_val(&**sums),
            Packing::Transformed => 0,
        };
        size_of_val(&*self.words) + of_taps
    }

    /// # Panics
    /// If the shape is of another filter, or weights that were transformed for a stride of 1 meet another.
    pub(super) fn form(&self, shape: &Conv3d) -> Form<'_> {
        let Self { isa, filter, ref words, ref packing } = *self;
        assert_eq!(filter, shape.filter(), "packed weights of another convolution than {shape:?}");
        match packing {
            Packing::Taps { format, scales, sums } => {
                Form::Taps(Weights { isa, format: *format, filter, words, scales, sums })
            }
            Packing::Transformed => {
                assert_eq!(shape.stride[1..], [1, 1], "weights transformed for a stride of 1: {shape:?}");
                Form::Transformed(Transformed { isa, filter, words })
            }
        }
    }

    pub(super) fn bf16_with_stride_on(
        isa: Level,
        weight: &[f32],
        filter: Filter,
        stride: [usize; 3],
    ) -> Self {
        match winograd::suits(isa, filter, stride) {
            true => Self::transformed_on(isa, weight, filter),
            false => Self::bf16_on(isa, weight, filter),
        }
    }

    /// # Panics
    /// If the level is not AVX-512, which alone has the transforms.
    pub(super) fn transformed_on(isa: Level, weight: &[f32], filter: Filter) -> Self {
        assert!(isa.has_avx512(), "transformed weights on {isa:?}");
        check(weight, filter);
        let mut words = vec![0; winograd::words_len(filter)];
        winograd::pack(weight, filter, &mut words);
        Self { isa, filter, words, packing: Packing::Transformed }
    }

    pub(super) fn bf16_on(isa: Level, weight: &[f32], filter: Filter) -> Self {
        check(weight, filter);
        let (format, inputs, taps) = (Format::bf16_on(isa), filter.inputs, filter.taps());
        let mut words = vec![0; words_len(format, filter)];
        let at =
            |row: usize, column: usize, tap: usize| round_bf16(weight[(row * inputs + column) * taps + tap]);
        pack(format, filter, at, &mut words);
        let packing = Packing::Taps { format, scales: Vec::new(), sums: Vec::new() };
        Self { isa, filter, words, packing }
    }

    pub(super) fn int8_on(isa: Level, weight: &[f32], filter: Filter) -> Self {
        check(weight, filter);
        let (format, inputs, taps) = (Format::int8_on(isa), filter.inputs, filter.taps());
        let plane = filter.kernel[1] * filter.kernel[2];
        assert!(
            inputs * plane <= MAX_PRODUCTS,
            "8-bit weights: {inputs} inputs times {plane} taps, but sums fit for {MAX_PRODUCTS} at most"
        );
        let (mut scales, mut quantized) = (vec![0.0; filter.outputs], vec![0.0; weight.len()]);
        let rows = weight.par_chunks(inputs * taps).zip(quantized.par_chunks_mut(inputs * taps));
        rows.zip(scales.par_chunks_mut(1)).for_each(|((weight, quantized), scale)| {
            scale[0] = weight_scale(weight);
            let weights = quantized.iter_mut().zip(weight);
            weights.for_each(|(quantized, &weight)| *quantized = quantize_weight(weight, scale[0]));
        });
        let at = |row: usize, column: usize, tap: usize| quantized[(row * inputs + column) * taps + tap];
        let mut words = vec![0; words_len(format, filter)];
        let mut sums = Vec::new();
        if format == Format::Dequantized {
            pack(format, filter, |row, column, tap| at(row, column, tap) * scales[row], &mut words);
        } else {
            pack(format, filter, at, &mut words);
            sums = tap_sums(&quantized, filter);
        }
        Self { isa, filter, words, packing: Packing::Taps { format, scales, sums } }
    }
}

/// The sums of quantised weights over the inputs and the taps of a frame, `[outputs, frame taps]`.
fn tap_sums(quantized: &[f32], filter: Filter) -> Vec<i32> {
    let Filter { outputs, inputs, kernel: [frame_taps, height, width] } = filter;
    let (taps, plane) = (filter.taps(), height * width);
    (0..outputs * frame_taps)
        .map(|index| {
            let (row, frame_tap) = (index / frame_taps, index % frame_taps);
            let of_input = |column: usize| {
                let start = (row * inputs + column) * taps + frame_tap * plane;
                quantized[start..start + plane].iter().map(|&q| q as i32).sum::<i32>()
            };
            (0..inputs).map(of_input).sum()
        })
        .collect()
}

fn check(weight: &[f32], filter: Filter) {
    let len = filter.outputs * filter.inputs * filter.taps();
    assert!(len > 0, "packed convolution: every size must be at least 1");
    assert_eq!(weight.len(), len, "weights of {filter:?}");
}
