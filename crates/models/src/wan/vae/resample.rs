//! Between two scales (`WanResample`).

use burn::{
    module::Module,
    tensor::{Device, FloatDType, Tensor},
};
use nn::{CausalConv3d, Conv2d};

use super::past::{Past, joined};

/// Halves height and width, and time if it has a temporal convolution.
#[derive(Module, Debug)]
pub(super) struct Downsample {
    conv: Conv2d,
    time_conv: Option<CausalConv3d>,
}

nn::pack_parts!(Downsample { conv, time_conv });

impl Downsample {
    pub fn new(dim: usize, time: bool, device: &Device) -> Self {
        Self {
            conv: Conv2d::new([dim, dim], 3, 2, [0, 1], device),
            time_conv: time.then(|| CausalConv3d::new([dim, dim], [3, 1, 1], [2, 1, 1], [0; 3], device)),
        }
    }

    /// The first frame of the clip stays, then two become one; the first of them sees the frame
    /// before it.
    pub fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let x = each_frame(x, |images| self.conv.forward(images));
        let Some(conv) = &self.time_conv else { return x };
        let first = past.at_start().then(|| x.clone().narrow(2, 0, 1));
        let before = past.exchange(conv, &x, 1);
        let pairs = (before.len() + x.dims()[2] > 1).then(|| conv.forward_after(0, before, x));
        Tensor::cat(first.into_iter().chain(pairs).collect(), 2)
    }
}

/// Doubles height and width, and time if it has a temporal convolution.
#[derive(Module, Debug)]
pub(super) struct Upsample {
    conv: Conv2d,
    time_conv: Option<CausalConv3d>,
}

nn::pack_parts!(Upsample { conv, time_conv });

impl Upsample {
    pub fn new(inputs: usize, outputs: usize, time: bool, device: &Device) -> Self {
        let temporal = || CausalConv3d::new([inputs, 2 * inputs], [3, 1, 1], [1; 3], [1, 0, 0], device);
        Self { conv: Conv2d::new([inputs, outputs], 3, 1, [1, 1], device), time_conv: time.then(temporal) }
    }

    /// Doubles time. The first frame of the clip stays and is not seen by the others; each of these becomes two.
    pub fn time(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let Some(conv) = &self.time_conv else { return x };
        // All frames wait for `space`: if it reads bf16, in half the memory.
        let waiting = |x: Tensor<5>| if self.conv.reads_bf16() { x.cast(FloatDType::BF16) } else { x };
        let x = waiting(x);
        let (frames, stay) = (x.dims()[2], usize::from(past.at_start()));
        let first = (stay > 0).then(|| x.clone().narrow(2, 0, stay));
        let later = (frames > stay).then(|| past.conv(conv, x.narrow(2, stay, frames - stay)));
        let later = later.map(|pairs| double_frames(waiting(pairs)));
        joined(first.into_iter().chain(later).collect())
    }

    /// Doubles height and width, frame by frame.
    pub fn space(&self, x: Tensor<5>) -> Tensor<5> {
        each_frame(x, |images| self.conv.forward_doubled(images))
    }
}

/// `[batch, 2 * channels, frames, ..]` to `[batch, channels, 2 * frames, ..]`: the first half of the
/// channels are the even frames.
fn double_frames(x: Tensor<5>) -> Tensor<5> {
    let [batch, channels, frames, height, width] = x.dims();
    x.reshape([batch, 2, channels / 2, frames, height, width]).permute([0, 2, 3, 1, 4, 5]).reshape([
        batch,
        channels / 2,
        2 * frames,
        height,
        width,
    ])
}

/// Pixels that one becomes.
pub(super) const PIXELS: usize = 4;

/// Runs `f` over `[batch * frames, channels, height, width]`.
fn each_frame(x: Tensor<5>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<5> {
    let [batch, channels, frames, height, width] = x.dims();
    let y = f(x.swap_dims(1, 2).reshape([batch * frames, channels, height, width]));
    let [_, channels, height, width] = y.dims();
    y.reshape([batch, frames, channels, height, width]).swap_dims(1, 2)
}
