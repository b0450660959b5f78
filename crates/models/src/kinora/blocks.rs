//! Clips cut into blocks of pixels, and put together again.

use burn::tensor::Tensor;

use super::AutoencoderKinoraConfig;

const TIME: usize = AutoencoderKinoraConfig::SCALE_FACTORS[0];
const SIDE: usize = AutoencoderKinoraConfig::SCALE_FACTORS[1];

/// `[batch, 3, frames, height, width]` as blocks, `[batch, frames', height', width', values]`. The first frame makes
/// blocks of its own, in which it stands still.
pub(super) fn into_blocks(video: Tensor<5>) -> Tensor<5> {
    let still = video.clone().narrow(2, 0, 1);
    let video = Tensor::cat((1..TIME).map(|_| still.clone()).chain([video]).collect(), 2);
    let [batch, colours, frames, height, width] = video.dims();
    let [t, h, w] = [frames / TIME, height / SIDE, width / SIDE];
    video
        .reshape([batch, colours, t, TIME, h, SIDE, w, SIDE])
        .permute([0, 2, 4, 6, 1, 3, 5, 7]) // [batch, t, h, w, colours, TIME, SIDE, SIDE]
        .reshape([batch, t, h, w, colours * TIME * SIDE * SIDE])
}

/// The inverse: blocks side by side. `starts` is whether they begin with the still ones of a first frame, of which one
/// frame is made, the mean of the four.
pub(super) fn from_blocks(blocks: Tensor<5>, starts: bool) -> Tensor<5> {
    let [batch, t, h, w, values] = blocks.dims();
    let colours = values / (TIME * SIDE * SIDE);
    let video = blocks
        .reshape([batch, t, h, w, colours, TIME, SIDE, SIDE])
        .permute([0, 4, 1, 5, 2, 6, 3, 7]) // [batch, colours, t, TIME, h, SIDE, w, SIDE]
        .reshape([batch, colours, t * TIME, h * SIDE, w * SIDE]);
    if !starts {
        return video;
    }
    let first = video.clone().narrow(2, 0, TIME).mean_dim(2);
    match t {
        1 => first,
        _ => Tensor::cat(vec![first, video.narrow(2, TIME, (t - 1) * TIME)], 2),
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
        let blocks = into_blocks(video.clone());
        assert_eq!(blocks.dims(), [2, 3, 2, 1, AutoencoderKinoraConfig::BLOCK_VALUES]);
        assert_eq!(from_blocks(blocks.clone(), true).into_data(), video.clone().into_data());
        // Without the first, the others are as they are.
        let later = from_blocks(blocks.narrow(1, 1, 2), false);
        assert_eq!(later.into_data(), video.narrow(2, 1, 8).into_data());
    }
}
