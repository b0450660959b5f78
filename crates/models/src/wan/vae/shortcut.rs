//! Changes of size without weights: pixel patches, and the shortcuts of Wan 2.2 (after Chen et al.
//! 2024, "Deep Compression Autoencoder").

use burn::tensor::{Tensor, ops::PadMode};

/// Squares of pixels become channels: `[batch, c, frames, h p, w p]` to `[batch, c p p, frames, h, w]`.
pub(super) fn patchify(x: Tensor<5>, p: usize) -> Tensor<5> {
    if p == 1 {
        return x;
    }
    let [batch, channels, frames, height, width] = x.dims();
    let [h, w] = [height / p, width / p];
    x.reshape([batch, channels, frames, h, p, w, p])
        .permute([0, 1, 6, 4, 2, 3, 5]) // [batch, channels, p (x), p (y), frames, h, w]
        .reshape([batch, channels * p * p, frames, h, w])
}

/// The inverse of [`patchify`].
pub(super) fn unpatchify(x: Tensor<5>, p: usize) -> Tensor<5> {
    if p == 1 {
        return x;
    }
    let [batch, channels, frames, h, w] = x.dims();
    x.reshape([batch, channels / (p * p), p, p, frames, h, w])
        .permute([0, 1, 4, 5, 3, 6, 2]) // [batch, channels, frames, h, p (y), w, p (x)]
        .reshape([batch, channels / (p * p), frames, h * p, w * p])
}

/// Blocks of `time × space × space` values become channels, of which neighbours are averaged to
/// `channels` (`AvgDown3D`).
#[derive(Clone, Copy, Debug)]
pub(super) struct AvgDown {
    pub channels: usize,
    pub time: usize,
    pub space: usize,
}

impl AvgDown {
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let Self { channels, time, space } = *self;
        let front = (time - x.dims()[2] % time) % time;
        let x = if front > 0 { x.pad([(front, 0), (0, 0), (0, 0)], PadMode::Constant(0.0)) } else { x };
        let [batch, inputs, frames, height, width] = x.dims();
        let [t, h, w] = [frames / time, height / space, width / space];
        let group = inputs * time * space * space / channels;
        x.reshape([batch, inputs, t, time, h, space, w, space])
            .permute([0, 1, 3, 5, 7, 2, 4, 6]) // [batch, inputs, time, space, space, t, h, w]
            .reshape([batch, channels, group, t, h, w])
            .mean_dim(2)
            .squeeze_dim(2)
    }
}

/// Channels are repeated and become blocks of `time × space × space` values (`DupUp3D`); of the
/// clip's first frame only the last of its `time` copies stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct DupUp {
    pub channels: usize,
    pub time: usize,
    pub space: usize,
}

impl DupUp {
    /// `at_start`: the first frame is that of the clip.
    pub fn forward(&self, x: Tensor<5>, at_start: bool) -> Tensor<5> {
        let Self { channels, time, space } = *self;
        let [batch, inputs, t, h, w] = x.dims();
        let repeats = channels * time * space * space / inputs;
        let (frames, dropped) = (t * time, if at_start { time - 1 } else { 0 });
        x.reshape([batch, inputs, 1, t, h, w])
            .expand([batch, inputs, repeats, t, h, w])
            .reshape([batch, channels, time, space, space, t, h, w])
            .permute([0, 1, 5, 2, 6, 3, 7, 4]) // [batch, channels, t, time, h, space, w, space]
            .reshape([batch, channels, frames, h * space, w * space])
            .narrow(2, dropped, frames - dropped)
    }
}
