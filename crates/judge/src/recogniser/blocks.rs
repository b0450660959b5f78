//! What the recogniser is made of. Tensors are `[clips, channels, frames, height, width]`.

use std::ops::Range;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{ChannelRmsNorm, Conv3d, permute};

use super::pass::Pass;

/// A 3×3 convolution of each frame that halves height and width.
pub(super) fn halve(inputs: usize, outputs: usize, device: &Device) -> Conv3d {
    Conv3d::new([inputs, outputs], [1, 3, 3], [1, 2, 2], device)
}

/// A 1×1×1 convolution.
pub(super) fn pointwise(inputs: usize, outputs: usize, device: &Device) -> Conv3d {
    Conv3d::new([inputs, outputs], [1; 3], [1; 3], device)
}

/// Squares of four pixels become one of four times the channels: half the height and width.
pub(super) fn halves_as_channels(x: Tensor<5>) -> Tensor<5> {
    let [clips, channels, frames, height, width] = x.dims();
    permute(x.reshape([clips, channels, frames, height / 2, 2, width / 2, 2]), [0, 1, 4, 6, 2, 3, 5])
        .reshape([clips, channels * 4, frames, height / 2, width / 2])
}

/// Every pixel becomes a square of four.
pub(super) fn double(x: Tensor<5>) -> Tensor<5> {
    let [clips, channels, frames, height, width] = x.dims();
    x.reshape([clips, channels, frames, height, 1, width, 1])
        .expand([clips, channels, frames, height, 2, width, 2])
        .reshape([clips, channels, frames, 2 * height, 2 * width])
}

/// The mean over height and width of a part of each frame: `[clips, frames, channels]`.
pub(super) fn pool(x: Tensor<5>, rows: Range<usize>, columns: Range<usize>) -> Tensor<3> {
    let part = x.narrow(3, rows.start, rows.len()).narrow(4, columns.start, columns.len());
    let [clips, channels, frames, height, width] = part.dims();
    let mean = part.reshape([clips, channels, frames, height * width]).mean_dim(3);
    mean.reshape([clips, channels, frames]).swap_dims(1, 2)
}

/// The means over each frame and over its four quarters: `[clips, frames, 5 * channels]`.
pub(super) fn pool_with_quarters(x: Tensor<5>) -> Tensor<3> {
    let [_, _, _, height, width] = x.dims();
    let mut pooled = vec![pool(x.clone(), 0..height, 0..width)];
    for rows in [0..height / 2, height / 2..height] {
        for columns in [0..width / 2, width / 2..width] {
            pooled.push(pool(x.clone(), rows.clone(), columns));
        }
    }
    Tensor::cat(pooled, 2)
}

/// Two convolutions of each frame and one over time, with shortcuts around them: R(2+1)D (Tran et al. 2018).
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    norm1: ChannelRmsNorm<4>,
    conv1: Conv3d,
    norm2: ChannelRmsNorm<4>,
    conv2: Conv3d,
    time_norm: ChannelRmsNorm<4>,
    time: Conv3d,
}

impl ResidualBlock {
    /// `frames` are seen together, an odd number.
    pub fn new(channels: usize, frames: usize, device: &Device) -> Self {
        let norm = || ChannelRmsNorm::new(channels, device);
        let conv = |kernel| Conv3d::new([channels; 2], kernel, [1; 3], device);
        Self {
            norm1: norm(),
            conv1: conv([1, 3, 3]),
            norm2: norm(),
            conv2: conv([1, 3, 3]),
            time_norm: norm(),
            time: conv([frames, 1, 1]),
        }
    }

    /// What ends a branch begins as nothing, and is gone through as it is.
    fn forward(&self, pass: &mut impl Pass, x: Tensor<5>) -> Tensor<5> {
        let h = pass.conv(&self.conv1, self.norm1.forward(x.clone(), true));
        let x = x + self.conv2.forward(self.norm2.forward(h, true));
        x.clone() + self.time.forward(self.time_norm.forward(x, true))
    }
}

/// Blocks in a row.
pub(super) fn stack(count: usize, channels: usize, frames: usize, device: &Device) -> Vec<ResidualBlock> {
    (0..count).map(|_| ResidualBlock::new(channels, frames, device)).collect()
}

/// Through all blocks.
pub(super) fn through(pass: &mut impl Pass, blocks: &[ResidualBlock], x: Tensor<5>) -> Tensor<5> {
    blocks.iter().fold(x, |x, block| block.forward(pass, x))
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn parts_of_frames_are_pooled_in_reading_order() {
        let device = Device::flex();
        // One clip of one channel and two frames of 2×2 pixels.
        let values: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let x = Tensor::<5>::from_data(TensorData::new(values, [1, 1, 2, 2, 2]), &device);
        let read = |x: Tensor<3>| (x.dims(), x.into_data().try_into_vec::<f32>().unwrap());
        let (dims, pooled) = read(pool_with_quarters(x.clone()));
        assert_eq!((dims, pooled), ([1, 2, 5], vec![1.5, 0., 1., 2., 3., 5.5, 4., 5., 6., 7.]));
        let halves = halves_as_channels(double(x.clone()));
        assert_eq!(halves.dims(), [1, 4, 2, 2, 2]);
        assert_eq!(halves.narrow(1, 3, 1).into_data(), x.into_data());
    }

    #[test]
    fn squares_of_pixels_become_channels() {
        let device = Device::flex();
        let [clips, channels, frames, height, width] = [2, 3, 2, 4, 6];
        let at = |i: [usize; 5]| {
            ((((i[0] * channels + i[1]) * frames + i[2]) * height + i[3]) * width + i[4]) as f32
        };
        let values: Vec<f32> = (0..clips * channels * frames * height * width).map(|i| i as f32).collect();
        let x = Tensor::<5>::from_data(
            TensorData::new(values, [clips, channels, frames, height, width]),
            &device,
        );
        let halves = halves_as_channels(x);
        assert_eq!(halves.dims(), [2, 12, 2, 2, 3]);
        let values = halves.into_data().try_into_vec::<f32>().unwrap();
        for (index, value) in values.into_iter().enumerate() {
            let (column, row) = (index % 3, index / 3 % 2);
            let (frame, channel, clip) = (index / 6 % 2, index / 12 % 12, index / 144);
            let (colour, down, across) = (channel / 4, channel / 2 % 2, channel % 2);
            assert_eq!(value, at([clip, colour, frame, 2 * row + down, 2 * column + across]));
        }
    }
}
