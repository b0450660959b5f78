//! Layers that see pixels.

use burn::tensor::{Device, Tensor};
use nn::{Conv2d, permute};

/// A 3×3 convolution that keeps the size.
pub(super) fn conv3(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new([inputs, outputs], 3, 1, [1; 2], device)
}

/// Squares of `side` × `side` pixels become channels: `[frames, channels, height, width]` to `[frames, channels * side², height / side,
/// width / side]`.
pub(super) fn space_to_channels(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [frames, channels, height, width] = x.dims();
    let [h, w] = [height / side, width / side];
    permute(x.reshape([frames, channels, h, side, w, side]), [0, 1, 3, 5, 2, 4]).reshape([
        frames,
        channels * side * side,
        h,
        w,
    ])
}

/// The inverse of [`space_to_channels`].
pub(super) fn channels_to_space(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [frames, channels, h, w] = x.dims();
    let channels = channels / (side * side);
    permute(x.reshape([frames, channels, side, side, h, w]), [0, 1, 4, 2, 5, 3]).reshape([
        frames,
        channels,
        h * side,
        w * side,
    ])
}
