//! The noise of a request: from its seed, or from a file.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::Noise;

use crate::{Error, Plan, Result, finite::first_not_finite, tensor_file};

/// What the numbers of a seed are for: streams that do not depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The latents to start from.
    Start = 0,
    /// What samplers add between steps.
    Steps = 1,
}

impl Stream {
    const ALL: u64 = 2;

    /// That of one of a video's windows.
    pub fn of(self, seed: u64, window: usize) -> Noise {
        Noise::stream(seed, self as u64 + Self::ALL * window as u64)
    }
}

/// The noise of the tracks of one of a video's windows: of another seed, so that the streams of the picture are what they are without
/// tracks.
pub(crate) fn of_tracks(seed: u64, window: usize) -> Noise {
    const TRACKS: u64 = 0x7472_6163_6b73_0000;
    Noise::stream(seed ^ TRACKS, window as u64)
}

/// The noise that a window of so many latent frames starts from, `[1, channels, frames, height, width]`.
///
/// # Errors
/// A file that cannot be read, or is no noise of this shape.
pub(crate) fn start(plan: &Plan, window: usize, frames: usize, device: &Device) -> Result<Tensor<5>> {
    let [channels, _, height, width] = plan.latent_shape;
    let shape = [1, channels, frames, height, width];
    match &plan.request.noise {
        None => {
            let noise = Stream::Start.of(plan.request.seed, window).tensor(shape, device);
            Ok(calm(noise, &plan.model.denoiser().fine_channels(), plan.model.native.fine_noise))
        }
        Some(path) => Ok(Tensor::from_data(TensorData::new(from_file(path, plan)?, shape), device)),
    }
}

/// With this share of the noise of fine channels, and all of that of the others.
fn calm(noise: Tensor<5>, fine_channels: &[bool], share: f64) -> Tensor<5> {
    if share >= 1.0 || fine_channels.is_empty() {
        return noise;
    }
    let shares: Vec<f32> = fine_channels.iter().map(|&fine| if fine { share as f32 } else { 1.0 }).collect();
    let shape = [1, shares.len(), 1, 1, 1];
    let shares = Tensor::<5>::from_data(TensorData::new(shares, shape), &noise.device());
    noise * shares
}

fn from_file(path: &Path, plan: &Plan) -> Result<Vec<f32>> {
    let noise = tensor_file::read::<4>(path, "noise")?;
    if noise.shape != plan.latent_shape {
        return Err(Error::Malformed {
            path: path.to_owned(),
            what: "tensor `noise`".into(),
            expected: format!(
                "{:?} for {} frames of {} (change the size and length asked for, or the noise)",
                plan.latent_shape, plan.num_frames, plan.size
            ),
            found: format!("{:?}", noise.shape),
        });
    }
    match first_not_finite(&noise.values) {
        Some(at) => Err(Error::Malformed {
            path: path.to_owned(),
            what: format!("tensor `noise`, value {at}"),
            expected: "finite numbers".into(),
            found: noise.values[at].to_string(),
        }),
        None => Ok(noise.values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fine_channels_begin_with_less_noise() {
        let device = Device::flex();
        let noise = || Noise::stream(1, 0).tensor([1, 3, 1, 2, 2], &device);
        let of = |fine: &[bool], share| calm(noise(), fine, share).into_data().try_into_vec::<f32>().unwrap();
        let all = noise().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(of(&[], 0.0), all);
        assert_eq!(of(&[true; 3], 1.0), all);
        let calmed = of(&[false, true, false], 0.5);
        assert_eq!((&calmed[..4], &calmed[8..]), (&all[..4], &all[8..]));
        assert!(calmed[4..8].iter().zip(&all[4..8]).all(|(calmed, all)| *calmed == 0.5 * all));
    }
}
