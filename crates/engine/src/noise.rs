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

/// The latents that a plan starts from, `[1, channels, frames, height, width]`.
///
/// # Errors
/// A file that cannot be read, or is no noise of this shape.
pub(crate) fn start(plan: &Plan, device: &Device) -> Result<Tensor<5>> {
    let [channels, frames, height, width] = plan.latent_shape;
    let shape = [1, channels, frames, height, width];
    match &plan.request.noise {
        None => Ok(Noise::stream(plan.request.seed, Stream::Start as u64).tensor(shape, device)),
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
