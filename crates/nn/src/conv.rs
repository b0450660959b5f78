//! Convolutions over clips and frames.

use burn::{
    module::{Module, Param, ParamId},
    tensor::{
        Device, FloatDType, Tensor, module,
        ops::{ConvOptions, PadMode},
    },
};

use crate::{
    Pack, PackedKernel, Packing, Stored, Weight, WeightSource,
    fused::{Op, Window, apply2, apply3, apply4},
    linear,
    parameter::zeros,
    precision::in_bf16,
};

/// Implements [`Pack`] for a convolution whose weight is packed so.
macro_rules! pack_kernel {
    ($layer:ty, $kernel:expr) => {
        impl Pack for $layer {
            fn pack(&mut self, packing: Packing) {
                let stride = self.stride;
                self.weight.pack(|values, dims| $kernel(values, dims, stride, packing));
            }

            fn pack_from<S: WeightSource>(
                &mut self,
                packing: Packing,
                path: &str,
                source: &mut S,
            ) -> Result<(), S::Error> {
                let stride = self.stride;
                self.weight.pack_from(path, source, |values, dims| $kernel(values, dims, stride, packing))
            }
        }
    };
}

/// `WanCausalConv3d`: a 3-D convolution that sees no later frame.
///
/// Height and width are padded on both sides, time by twice its padding in front.
#[derive(Module, Debug)]
pub struct CausalConv3d {
    /// `[out, in, frames, height, width]`
    pub weight: Weight<5, PackedKernel>,
    /// `[out]`
    pub bias: Param<Tensor<1>>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    #[module(skip)]
    id: ParamId,
}

impl CausalConv3d {
    /// A layer of zeros; `kernel`, `stride` and `padding` are `[frames, height, width]`.
    pub fn new(
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        padding: [usize; 3],
        device: &Device,
    ) -> Self {
        let [inputs, outputs] = channels;
        let [kt, kh, kw] = kernel;
        Self {
            weight: Weight::zeros([outputs, inputs, kt, kh, kw], device),
            bias: zeros([outputs], device),
            kernel,
            stride,
            padding,
            id: ParamId::new(),
        }
    }

    /// What tells this layer from all others of the process: streams keep by it what it has seen.
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// The size of the kernel, `[frames, height, width]`.
    pub fn kernel(&self) -> [usize; 3] {
        self.kernel
    }

    /// Whether inputs are best given in bf16: with packed weights, for which they are rounded anyway.
    pub fn reads_bf16(&self) -> bool {
        self.weight.packed().is_some()
    }

    /// `[batch, in, frames, height, width]` to `[batch, out, frames', height', width']`.
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        self.forward_after(2 * self.padding[0], Vec::new(), x)
    }

    /// [`forward`](Self::forward) with another number of zero frames in front, and behind them up to two
    /// that came before `x`, each `[batch, in, 1, height, width]` in bf16 or f32. `x` may be in bf16 too, if the layer
    /// [`reads_bf16`](Self::reads_bf16).
    ///
    /// # Panics
    /// With more than two of them and packed weights.
    pub fn forward_after(&self, zeros: usize, past: Vec<Tensor<5>>, x: Tensor<5>) -> Tensor<5> {
        let [_, height, width] = self.padding;
        let (front, back) = ([zeros, height, width], [0, height, width]);
        let bias = self.bias.val();
        let Some(weight) = self.weight.packed().cloned() else {
            let x = match past.is_empty() {
                true => x, // as in training: `cat` copies even a single tensor
                false => {
                    let dtype = FloatDType::from(x.dtype());
                    Tensor::cat(past.into_iter().map(|frame| frame.cast(dtype)).chain([x]).collect(), 2)
                }
            };
            return causal_conv3d(x, self.weight.dense(), bias, self.stride, front);
        };
        let window = Window { stride: self.stride, front, back, doubled: false };
        let op = Op::PackedConv3d { weight, window };
        let mut past = past.into_iter();
        match [past.next(), past.next(), past.next()] {
            [None, ..] => apply2(op, x, bias),
            [Some(before), None, _] => apply3(op, x, bias, before),
            [Some(first), Some(second), None] => apply4(op, x, bias, first, second),
            _ => panic!("a kernel of three frames sees no more than two that came before"),
        }
    }
}

pack_kernel!(CausalConv3d, PackedKernel::new);

/// A 3-D convolution that sees both ways in time, with zeros around the clip on all sides.
#[derive(Module, Debug)]
pub struct Conv3d {
    /// `[out, in, frames, height, width]`
    pub weight: Weight<5, PackedKernel>,
    /// `[out]`
    pub bias: Param<Tensor<1>>,
    stride: [usize; 3],
}

impl Conv3d {
    /// A layer of zeros; `kernel` and `stride` are `[frames, height, width]`, the sides of the kernel odd.
    pub fn new(channels: [usize; 2], kernel: [usize; 3], stride: [usize; 3], device: &Device) -> Self {
        let [inputs, outputs] = channels;
        let [kt, kh, kw] = kernel;
        let weight = Weight::zeros([outputs, inputs, kt, kh, kw], device);
        Self { weight, bias: zeros([outputs], device), stride }
    }

    /// `[batch, in, frames, height, width]` to `[batch, out, frames', height', width']`: each divided by its stride,
    /// rounded up.
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        match &self.weight {
            Weight::Packed(weight) => {
                let [_, _, kernel @ ..] = weight.dims;
                let window = around(kernel, self.stride);
                apply2(Op::PackedConv3d { weight: weight.clone(), window }, x, self.bias.val())
            }
            Weight::Dense(weight) => conv3d(x, weight.val(), self.bias.val(), self.stride),
        }
    }
}

pack_kernel!(Conv3d, PackedKernel::new);

/// Of a kernel of odd sides, with as many zeros around the clip as keep its size.
fn around(kernel: [usize; 3], stride: [usize; 3]) -> Window {
    let around = kernel.map(|side| side / 2);
    Window { stride, front: around, back: around, doubled: false }
}

/// A 2-D convolution over every frame.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in, height, width]`
    pub weight: Weight<4, PackedKernel>,
    /// `[out]`
    pub bias: Param<Tensor<1>>,
    stride: usize,
    padding: [usize; 2],
}

impl Conv2d {
    /// A layer of zeros with a square kernel; `padding` is `[before, after]` on both axes.
    pub fn new(
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: [usize; 2],
        device: &Device,
    ) -> Self {
        let [inputs, outputs] = channels;
        Self {
            weight: Weight::zeros([outputs, inputs, kernel, kernel], device),
            bias: zeros([outputs], device),
            stride,
            padding,
        }
    }

    /// What it does where its kernel is a single pixel: `[.., in]` to `[.., out]`.
    ///
    /// # Panics
    /// If it is packed, or its kernel is larger.
    pub fn forward_pixels<const D: usize>(&self, pixels: Tensor<D>) -> Tensor<D> {
        linear(pixels, self.weight.dense().flatten(1, 3), Some(self.bias.val()))
    }

    /// As [`CausalConv3d::reads_bf16`].
    pub fn reads_bf16(&self) -> bool {
        self.weight.packed().is_some()
    }

    /// `[batch, in, height, width]` to `[batch, out, height', width']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.weight {
            Weight::Packed(weight) => self.forward_packed(x, weight.clone(), false),
            Weight::Dense(weight) => conv2d(x, weight.val(), self.bias.val(), self.stride, self.padding),
        }
    }

    /// [`forward`](Self::forward) over images of twice the height and width, in which every pixel of `x` is a square
    /// of four.
    pub fn forward_doubled(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.weight {
            Weight::Packed(weight) => self.forward_packed(x, weight.clone(), true),
            Weight::Dense(_) => self.forward(double_pixels(x)),
        }
    }

    fn forward_packed(&self, x: Tensor<4>, weight: PackedKernel, doubled: bool) -> Tensor<4> {
        let window = Window { doubled, ..of_images(self.stride, self.padding) };
        let op = Op::PackedConv3d { weight, window };
        let y: Tensor<5> = apply2(op, x.unsqueeze_dim::<5>(2), self.bias.val());
        y.squeeze_dim(2)
    }
}

/// Every pixel becomes a square of four.
fn double_pixels(x: Tensor<4>) -> Tensor<4> {
    let [images, channels, height, width] = x.dims();
    x.reshape([images, channels, height, 1, width, 1])
        .expand([images, channels, height, 2, width, 2])
        .reshape([images, channels, 2 * height, 2 * width])
}

/// An image is one frame of a video; `padding` is `[before, after]` on both axes.
fn of_images(stride: usize, [before, after]: [usize; 2]) -> Window {
    Window {
        stride: [1, stride, stride],
        front: [0, before, before],
        back: [0, after, after],
        doubled: false,
    }
}

pack_kernel!(Conv2d, of_pictures);

/// A picture is a video of one frame.
fn of_pictures(
    values: Stored<'_>,
    [outputs, inputs, height, width]: [usize; 4],
    stride: usize,
    packing: Packing,
) -> PackedKernel {
    PackedKernel::new(values, [outputs, inputs, 1, height, width], [1, stride, stride], packing)
}

/// A 3-D convolution, causal in time.
///
/// `x` is `[batch, in, frames, height, width]`, `weight` `[out, in, kt, kh, kw]`, `bias` `[out]`.
/// `padding` is `[frames in front, height on both sides, width on both sides]`, with zeros.
pub fn causal_conv3d(
    x: Tensor<5>,
    weight: Tensor<5>,
    bias: Tensor<1>,
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    let [mut front, height, width] = padding;
    let mut weight = weight;
    let [_, _, kt, ..] = weight.dims();
    if x.dims()[2] == 1 && front == kt - 1 {
        // A still: every tap but the last meets zeros alone.
        (weight, front) = (weight.narrow(2, front, 1), 0);
    }
    if in_bf16(&x) {
        let (front, back) = ([front, height, width], [0, height, width]);
        let window = Window { stride, front, back, doubled: false };
        return apply3(Op::Conv3d { window }, x, weight, bias);
    }
    let x = if front > 0 { x.pad([(front, 0), (0, 0), (0, 0)], PadMode::Constant(0.0)) } else { x };
    module::conv3d(x, weight, Some(bias), ConvOptions::new(stride, [0, height, width], [1; 3], 1))
}

/// A 3-D convolution with zeros around the clip, so many that a stride of 1 keeps its size.
///
/// `x` is `[batch, in, frames, height, width]`, `weight` `[out, in, kt, kh, kw]` of odd sides, `bias` `[out]`.
pub fn conv3d(x: Tensor<5>, weight: Tensor<5>, bias: Tensor<1>, stride: [usize; 3]) -> Tensor<5> {
    let [_, _, kernel @ ..] = weight.dims();
    let window = around(kernel, stride);
    if in_bf16(&x) {
        return apply3(Op::Conv3d { window }, x, weight, bias);
    }
    module::conv3d(x, weight, Some(bias), ConvOptions::new(stride, window.front, [1; 3], 1))
}

/// A 2-D convolution with zeros around the image.
///
/// `x` is `[batch, in, height, width]`, `weight` `[out, in, kh, kw]`, `bias` `[out]`; `padding` is
/// `[before, after]` on both axes (Wan's downsampling pads only after).
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    padding: [usize; 2],
) -> Tensor<4> {
    let [before, after] = padding;
    if in_bf16(&x) {
        let op = Op::Conv3d { window: of_images(stride, padding) };
        let y: Tensor<5> = apply3(op, x.unsqueeze_dim::<5>(2), weight.unsqueeze_dim::<5>(2), bias);
        return y.squeeze_dim(2);
    }
    let x = x.pad([(before, after), (before, after)], PadMode::Constant(0.0));
    module::conv2d(x, weight, Some(bias), ConvOptions::new([stride; 2], [0; 2], [1; 2], 1))
}
