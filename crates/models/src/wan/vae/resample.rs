//! Between two scales (`WanResample`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, Conv2d};

/// Halves height and width, and time if it has a temporal convolution.
#[derive(Module, Debug)]
pub(super) struct Downsample {
    conv: Conv2d,
    time_conv: Option<CausalConv3d>,
}

impl Downsample {
    pub fn new(dim: usize, time: bool, device: &Device) -> Self {
        Self {
            conv: Conv2d::new([dim, dim], 3, 2, [0, 1], device),
            time_conv: time.then(|| CausalConv3d::new([dim, dim], [3, 1, 1], [2, 1, 1], [0; 3], device)),
        }
    }

    /// `frames` to `1 + (frames - 1) / 2`: the first frame stays, then two become one.
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let x = each_frame(x, |images| self.conv.forward(images));
        let frames = x.dims()[2];
        match &self.time_conv {
            Some(conv) if frames > 1 => Tensor::cat(vec![x.clone().narrow(2, 0, 1), conv.forward(x)], 2),
            _ => x,
        }
    }
}

/// Doubles height and width, and time if it has a temporal convolution.
#[derive(Module, Debug)]
pub(super) struct Upsample {
    conv: Conv2d,
    time_conv: Option<CausalConv3d>,
}

impl Upsample {
    pub fn new(inputs: usize, outputs: usize, time: bool, device: &Device) -> Self {
        let temporal = || CausalConv3d::new([inputs, 2 * inputs], [3, 1, 1], [1; 3], [1, 0, 0], device);
        Self { conv: Conv2d::new([inputs, outputs], 3, 1, [1, 1], device), time_conv: time.then(temporal) }
    }

    /// `frames` to `1 + 2 (frames - 1)`: the first frame stays, and is not seen by the others.
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let frames = x.dims()[2];
        let x = match &self.time_conv {
            Some(conv) if frames > 1 => {
                let later = double_frames(conv.forward(x.clone().narrow(2, 1, frames - 1)));
                Tensor::cat(vec![x.narrow(2, 0, 1), later], 2)
            }
            _ => x,
        };
        each_frame(x, |images| self.conv.forward(double_pixels(images)))
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

/// Every pixel becomes a square of four.
fn double_pixels(x: Tensor<4>) -> Tensor<4> {
    let [images, channels, height, width] = x.dims();
    x.reshape([images, channels, height, 1, width, 1])
        .expand([images, channels, height, 2, width, 2])
        .reshape([images, channels, 2 * height, 2 * width])
}

/// Runs `f` over `[batch * frames, channels, height, width]`.
fn each_frame(x: Tensor<5>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<5> {
    let [batch, channels, frames, height, width] = x.dims();
    let y = f(x.swap_dims(1, 2).reshape([batch * frames, channels, height, width]));
    let [_, channels, height, width] = y.dims();
    y.reshape([batch, frames, channels, height, width]).swap_dims(1, 2)
}
