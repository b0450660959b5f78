//! 3-D convolution over `[batch, channels, frames, height, width]`, forward and backward.
//!
//! An implicit matrix product: nothing is unfolded. The input is copied once into a padded form of
//! bf16 or eight bits in which sixteen neighbouring outputs of a row read sixteen neighbouring
//! values for every tap, so that the product runs on it directly. Frame taps that meet only padding,
//! as those of a causal convolution's first frames do, cost nothing. A 2-D convolution has kernels
//! of one frame.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
mod frames;
mod job;
mod lines;
mod loops;
mod pack;
mod packed;
mod plane;
mod product;
mod quantize;
pub mod scalar;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod weight_gradient;
mod weights;
mod windows;
pub mod winograd;

use crate::{
    isa::Level,
    matmul::scalar::round_bf16,
    shared::{Buffer, Shared, with_buffers, written},
};
use frames::Frames;
pub use frames::Values;
use packed::Form;
pub use packed::PackedConv3d;
use plane::Geometry;
pub use shape::Conv3d;
use weights::{Filter, Format, Weights};

/// `y = x * weight + bias`; inputs are rounded to bf16, sums are f32.
///
/// Packs the weights first: for weights that change from call to call, as in training.
///
/// # Panics
/// If a slice has not the length that the shape asks for.
pub fn conv3d(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    forward_on(Level::in_use(), shape, x, weight, bias)
}

fn forward_on(isa: Level, shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let len = shape.output_len();
    shape.check(x.len(), weight.len(), len);
    let taps = shape.taps();
    let operands = Operands { geometry: shape.geometry(), filter: shape.filter(), bias };
    let x = Frames::all_new(x, shape.size[0], operands.geometry.frame_len());
    operands.run(isa, shape.batch, x, len, |row, column, tap| {
        round_bf16(weight[(row * shape.inputs + column) * taps + tap])
    })
}

/// `y = x * weight + bias` with packed weights, in their precision, where `x` is the frames of `past`, each `[batch,
/// inputs, height, width]`, and behind them `new`, `[batch, inputs, frames, height, width]`; the shape's size counts
/// all of them. Any of them may be in bf16.
///
/// In eight bits, `x` is quantised frame by frame: 256 steps from a frame's least value to its
/// greatest (zero included), whatever the other frames hold.
///
/// # Panics
/// If a slice has not the length that the shape asks for, or the weights were packed for others.
pub fn conv3d_packed(
    shape: &Conv3d,
    past: &[Values<'_>],
    new: Values<'_>,
    weight: &PackedConv3d,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let len = shape.output_len();
    shape.check(shape.input_len(), shape.weight_len(), len);
    let (x, geometry) = (Frames::new(shape, past, new), shape.geometry());
    assert!(bias.is_none_or(|bias| bias.len() == shape.outputs));
    let weight = weight.form(shape);
    let write = |y: Shared<'_, f32>| match weight {
        Form::Taps(weight) => product::run(&geometry, shape.batch, x, weight, bias, y),
        Form::Transformed(weight) => {
            winograd::run(winograd::limit(), &geometry, shape.batch, x, weight, bias, y);
        }
    };
    // SAFETY: both write all of the output, and read none of it.
    unsafe { written(len, write) }
}

/// The gradient by the input: a convolution of `dy`, spread by the stride, with the weights
/// mirrored and their channels exchanged.
///
/// # Panics
/// If a slice has not the length that the shape asks for, or pictures are doubled.
pub fn conv3d_backward_input(shape: &Conv3d, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    backward_input_on(Level::in_use(), shape, dy, weight)
}

fn backward_input_on(isa: Level, shape: &Conv3d, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    let len = shape.input_len();
    shape.check(len, weight.len(), dy.len());
    assert!(!shape.doubled, "gradients of {shape:?}");
    let geometry = Geometry {
        size: shape.output_size(),
        front: std::array::from_fn(|axis| shape.kernel[axis] - 1 - shape.front[axis]),
        spread: shape.stride,
        repeat: [1; 3],
        kernel: shape.kernel,
        stride: [1; 3],
        output: shape.size,
    };
    let taps = shape.taps();
    let filter = Filter { outputs: shape.inputs, inputs: shape.outputs, kernel: shape.kernel };
    let operands = Operands { geometry, filter, bias: None };
    let dy = Frames::all_new(dy, geometry.size[0], geometry.frame_len());
    operands.run(isa, shape.batch, dy, len, |row, column, tap| {
        round_bf16(weight[(column * shape.inputs + row) * taps + taps - 1 - tap])
    })
}

/// A convolution whose weights are packed for one call.
struct Operands<'a> {
    geometry: Geometry,
    filter: Filter,
    bias: Option<&'a [f32]>,
}

impl Operands<'_> {
    fn run(
        &self,
        isa: Level,
        batch: usize,
        x: Frames<'_>,
        len: usize,
        at: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Vec<f32> {
        let Self { geometry, filter, bias } = *self;
        assert!(bias.is_none_or(|bias| bias.len() == filter.outputs));
        let format = Format::bf16_on(isa);
        with_buffers(|[words]: &mut [Buffer; 1]| {
            let words = words.words(weights::words_len(format, filter));
            weights::pack(format, filter, at, words);
            let weights = Weights { isa, format, filter, words, scales: &[], sums: &[] };
            let write = |y: Shared<'_, f32>| product::run(&geometry, batch, x, weights, bias, y);
            // SAFETY: every output of every tile is written.
            unsafe { written(len, write) }
        })
    }
}

/// The gradients by the weights and the bias.
///
/// # Panics
/// If a slice has not the length that the shape asks for, or pictures are doubled.
pub fn conv3d_backward_weight(shape: &Conv3d, x: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
    backward_weight_on(Level::in_use(), shape, x, dy)
}

fn backward_weight_on(isa: Level, shape: &Conv3d, x: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
    let mut d_weight = vec![0.0; shape.weight_len()];
    shape.check(x.len(), d_weight.len(), dy.len());
    assert!(!shape.doubled, "gradients of {shape:?}");
    match isa {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(isa) => avx512::backward_weight(isa, None, shape, x, dy, &mut d_weight),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16(isa) => avx512::backward_weight(isa, None, shape, x, dy, &mut d_weight),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(isa, tiles) => avx512::backward_weight(isa, Some(tiles), shape, x, dy, &mut d_weight),
        isa => weight_gradient::backward_weight(isa, shape, x, dy, &mut d_weight),
    }
    let positions: usize = shape.output_size().iter().product();
    let of_sample = |sample: usize, channel: usize| {
        crate::lanes::sum(&dy[(sample * shape.outputs + channel) * positions..][..positions], |d| d)
    };
    let of_channel = |channel| (0..shape.batch).map(|sample| of_sample(sample, channel)).sum();
    [d_weight, (0..shape.outputs).map(of_channel).collect()]
}
