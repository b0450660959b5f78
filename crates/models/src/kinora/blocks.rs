//! Clips cut into blocks of pixels, and put together again.

use burn::tensor::Tensor;
use nn::permute;

/// `[batch, 3, frames, height, width]` as blocks of so many frames, rows and columns, `[batch, frames', height', width',
/// values]`. The first frame makes blocks of its own, in which it stands still.
pub(super) fn into_blocks(video: Tensor<5>, [time, down, across]: [usize; 3]) -> Tensor<5> {
    let still = video.clone().narrow(2, 0, 1);
    let video = Tensor::cat((1..time).map(|_| still.clone()).chain([video]).collect(), 2);
    let [batch, colours, frames, height, width] = video.dims();
    let [t, h, w] = [frames / time, height / down, width / across];
    let video = video.reshape([batch, colours, t, time, h, down, w, across]);
    permute(video, [0, 2, 4, 6, 1, 3, 5, 7]) // [batch, t, h, w, colours, time, down, across]
        .reshape([batch, t, h, w, colours * time * down * across])
}

/// The inverse: blocks side by side. `starts` is whether they begin with the still ones of a first frame, of which one
/// frame is made, the mean of theirs.
pub(super) fn from_blocks(blocks: Tensor<5>, [time, down, across]: [usize; 3], starts: bool) -> Tensor<5> {
    let [batch, t, h, w, values] = blocks.dims();
    let colours = values / (time * down * across);
    let blocks = blocks.reshape([batch, t, h, w, colours, time, down, across]);
    let video = permute(blocks, [0, 4, 1, 5, 2, 6, 3, 7]) // [batch, colours, t, time, h, down, w, across]
        .reshape([batch, colours, t * time, h * down, w * across]);
    if !starts {
        return video;
    }
    let first = video.clone().narrow(2, 0, time).mean_dim(2);
    match t {
        1 => first,
        _ => Tensor::cat(vec![first, video.narrow(2, time, (t - 1) * time)], 2),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn blocks_are_put_together_as_they_were_cut() {
        let device = Device::flex();
        let count = 2 * 3 * 9 * 16 * 8;
        let values = (0..count).map(|i| (i * 37 % 1009) as f32).collect::<Vec<_>>();
        let video = Tensor::<5>::from_data(TensorData::new(values, [2, 3, 9, 16, 8]), &device);
        for time in [1, 2, 4] {
            let block = [time, 8, 8];
            let blocks = into_blocks(video.clone(), block);
            let later = 8 / time;
            assert_eq!(blocks.dims(), [2, 1 + later, 2, 1, 3 * time * 64]);
            assert_eq!(from_blocks(blocks.clone(), block, true).into_data(), video.clone().into_data());
            // Without the first, the others are as they are.
            let later = from_blocks(blocks.narrow(1, 1, later), block, false);
            assert_eq!(later.into_data(), video.clone().narrow(2, 1, 8).into_data());
        }
    }
}
