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
        None => Ok(Stream::Start.of(plan.request.seed, window).tensor(shape, device)),
        Some(path) => Ok(Tensor::from_data(TensorData::new(from_file(path, plan)?, shape), device)),
    }
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
