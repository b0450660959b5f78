//! What every autoencoder's latents have in common: how many there are of a clip, and how a denoiser sees them.

use burn::tensor::{Device, Tensor};

use crate::{Error, Result};

/// Latent `[frames, height, width]` of a clip of `[frames, height, width]`, with so many frames and pixels of a side for
/// each latent.
///
/// Fails unless frames are `1 + time * k` and the sides multiples of `space`; `class` is what the error calls the model.
pub(crate) fn latent_size(
    class: &'static str,
    [time, space]: [usize; 2],
    [frames, height, width]: [usize; 3],
) -> Result<[usize; 3]> {
    let fits = frames % time == 1 % time && height > 0 && width > 0;
    if frames > 0 && fits && height.is_multiple_of(space) && width.is_multiple_of(space) {
        return Ok([1 + (frames - 1) / time, height / space, width / space]);
    }
    Err(Error::Input {
        class,
        what: "the size of the video [frames, height, width]",
        expected: format!("1 + {time} k frames, and height and width multiples of {space}"),
        found: format!("{:?}", [frames, height, width]),
    })
}

/// Video `[frames, height, width]` of latents of `[frames, height, width]`: the inverse of [`latent_size`].
pub(crate) fn video_size([time, space]: [usize; 2], [frames, height, width]: [usize; 3]) -> [usize; 3] {
    [1 + frames.saturating_sub(1) * time, height * space, width * space]
}

/// Latents as the denoiser sees them: `(latents - mean) / std` by channel; `statistics` are the means and the standard
/// deviations.
pub(crate) fn normalize(latents: Tensor<5>, statistics: [&[f64]; 2]) -> Tensor<5> {
    let [mean, std] = by_channel(statistics, &latents.device());
    (latents - mean) / std
}

/// Latents as the decoder sees them: the inverse of [`normalize`].
pub(crate) fn denormalize(latents: Tensor<5>, statistics: [&[f64]; 2]) -> Tensor<5> {
    let [mean, std] = by_channel(statistics, &latents.device());
    latents * std + mean
}

/// Each as `[1, channels, 1, 1, 1]`.
fn by_channel(statistics: [&[f64]; 2], device: &Device) -> [Tensor<5>; 2] {
    statistics.map(|values| {
        let values = values.iter().map(|&value| value as f32).collect::<Vec<_>>();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([1, values.len(), 1, 1, 1])
    })
}
