//! Between bytes of frames and tensors of video.

use burn::tensor::{Device, Tensor, TensorData};
use media::Clip;

use crate::{
    error::{Result, TrainError},
    parameters::to_vec,
};

/// Red, green and blue, a byte each.
pub const BYTES_PER_PIXEL: usize = 3;

/// A box of frames, rows and columns within a clip: where it begins and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// First `[frame, row, column]`.
    pub start: [usize; 3],
    /// `[frames, height, width]`.
    pub size: [usize; 3],
}

/// Cuts a box out of a clip, whose `frames` are `[frames, height, width, 3]` of `size`.
pub fn cut(frames: &[u8], size: [usize; 3], crop: Crop) -> Vec<u8> {
    let [_, height, width] = size;
    let mut pixels = Vec::with_capacity(crop.size.iter().product::<usize>() * 3);
    for frame in 0..crop.size[0] {
        for row in 0..crop.size[1] {
            let line = ((crop.start[0] + frame) * height + crop.start[1] + row) * width + crop.start[2];
            pixels.extend_from_slice(&frames[line * 3..(line + crop.size[2]) * 3]);
        }
    }
    pixels
}

/// Clips of one size as `[batch, 3, frames, height, width]` within -1 and 1.
pub fn to_tensor(clips: &[Vec<u8>], [frames, height, width]: [usize; 3], device: &Device) -> Tensor<5> {
    let plane = frames * height * width;
    let mut values = vec![0.0; clips.len() * 3 * plane];
    for (clip, values) in clips.iter().zip(values.chunks_exact_mut(3 * plane)) {
        for (index, pixel) in clip.chunks_exact(3).enumerate() {
            for (channel, &byte) in pixel.iter().enumerate() {
                values[channel * plane + index] = f32::from(byte) / 127.5 - 1.0;
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [clips.len(), 3, frames, height, width]), device)
}

/// `[batch, 3, frames, height, width]` about -1 to 1 as clips.
///
/// # Errors
/// A tensor that its device does not give back, or a rate that `media` refuses.
pub fn to_clips(video: Tensor<5>, fps: f64) -> Result<Vec<Clip>> {
    let [_, _, frames, height, width] = video.dims();
    let plane = frames * height * width;
    let values = to_vec(video)?;
    let clip = |values: &[f32]| {
        let byte = |value: f32| ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
        let pixels = (0..plane).flat_map(|i| [0, 1, 2].map(|c| byte(values[c * plane + i]))).collect();
        Clip::new(width, height, fps, pixels).map_err(TrainError::part("showing a sample"))
    };
    values.chunks_exact(3 * plane).map(clip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_tensor() {
        let size = [2, 3, 4];
        let clips: Vec<Vec<u8>> =
            (0..2).map(|clip| (0..72).map(|i| (i * 3 + clip * 7) as u8).collect()).collect();
        let video = to_tensor(&clips, size, &Device::flex());
        assert_eq!(video.dims(), [2, 3, 2, 3, 4]);
        for (clip, back) in clips.iter().zip(to_clips(video, 8.0).unwrap()) {
            assert_eq!((back.width(), back.height(), back.num_frames()), (4, 3, 2));
            assert_eq!(&clip[36..], back.frame(1).unwrap());
        }
    }

    #[test]
    fn a_cut_is_the_box() {
        let size = [3, 4, 5];
        let frames: Vec<u8> = (0..3 * 4 * 5).flat_map(|i| [i as u8; 3]).collect();
        let cut = cut(&frames, size, Crop { start: [1, 2, 3], size: [2, 2, 1] });
        let expected = [33_u8, 38, 53, 58].map(|i| [i; 3]).concat();
        assert_eq!(cut, expected);
    }
}
