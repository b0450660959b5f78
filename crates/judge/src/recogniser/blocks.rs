//! What the recogniser is made of.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{ChannelRmsNorm, Conv2d};

/// A 3×3 convolution that keeps the size.
pub(super) fn conv3(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new([inputs, outputs], 3, 1, [1, 1], device)
}

/// A 3×3 convolution that halves height and width.
pub(super) fn halve(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new([inputs, outputs], 3, 2, [0, 1], device)
}

/// A 1×1 convolution.
pub(super) fn pointwise(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new([inputs, outputs], 1, 1, [0, 0], device)
}

/// Every pixel becomes a square of four.
pub(super) fn double(x: Tensor<4>) -> Tensor<4> {
    let [images, channels, height, width] = x.dims();
    x.reshape([images, channels, height, 1, width, 1])
        .expand([images, channels, height, 2, width, 2])
        .reshape([images, channels, 2 * height, 2 * width])
}

/// The mean over height and width: `[images, channels, height, width]` to `[images, channels]`.
pub(crate) fn pool(x: Tensor<4>) -> Tensor<2> {
    let [images, channels, height, width] = x.dims();
    x.reshape([images, channels, height * width]).mean_dim(2).reshape([images, channels])
}

/// Two convolutions with a shortcut around them.
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    norm1: ChannelRmsNorm<3>,
    conv1: Conv2d,
    norm2: ChannelRmsNorm<3>,
    conv2: Conv2d,
}

impl ResidualBlock {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            norm1: ChannelRmsNorm::new(channels, device),
            conv1: conv3(channels, channels, device),
            norm2: ChannelRmsNorm::new(channels, device),
            conv2: conv3(channels, channels, device),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = self.conv1.forward(self.norm1.forward(x.clone(), true));
        x + self.conv2.forward(self.norm2.forward(h, true))
    }
}

/// Blocks in a row.
pub(super) fn stack(count: usize, channels: usize, device: &Device) -> Vec<ResidualBlock> {
    (0..count).map(|_| ResidualBlock::new(channels, device)).collect()
}

/// Through all blocks.
pub(super) fn through(blocks: &[ResidualBlock], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

/// A norm, SiLU and a 1×1 convolution.
#[derive(Module, Debug)]
pub(super) struct Head {
    norm: ChannelRmsNorm<3>,
    out: Conv2d,
}

impl Head {
    pub fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        Self { norm: ChannelRmsNorm::new(inputs, device), out: pointwise(inputs, outputs, device) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.out.forward(self.norm.forward(x, true))
    }
}
