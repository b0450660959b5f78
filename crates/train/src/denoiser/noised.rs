//! Noisy latents on timelines, and how wrong a velocity is there.

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::{NUM_TRAIN_TIMESTEPS, Timeline, flow_interpolate};

/// Latents with the noise of their timelines.
#[derive(Clone, Debug)]
pub struct Noised {
    /// `[batch, channels, frames, height, width]`; known frames are clean.
    pub x_t: Tensor<5>,
    /// From 0 to 1000, `[batch, frames]`.
    pub timesteps: Tensor<2>,
    /// 0 for known frames, 1 for the others, `[batch, 1, frames, 1, 1]`.
    free: Tensor<5>,
}

impl Noised {
    /// Of latents and noise `[batch, channels, frames, height, width]`.
    pub fn new(latents: Tensor<5>, noise: Tensor<5>, timelines: &[Timeline]) -> Self {
        let device = latents.device();
        let [batch, _, frames, ..] = latents.dims();
        let of_frames = |value: fn(&Timeline, usize) -> f32| by_frame(timelines, frames, &device, value);
        let timesteps = of_frames(|timeline, frame| timeline.timesteps[frame] as f32);
        let free = of_frames(|timeline, frame| if timeline.known[frame] { 0.0 } else { 1.0 });
        let spread = |x: Tensor<2>| x.reshape([batch, 1, frames, 1, 1]);
        let t = spread(timesteps.clone() / NUM_TRAIN_TIMESTEPS as f64); // known frames: 0
        Self { x_t: flow_interpolate(latents, noise, t), timesteps, free: spread(free) }
    }

    /// The mean squared difference of two velocities over all frames that are not known.
    pub fn squared_error(&self, predicted: Tensor<5>, velocity: Tensor<5>) -> Tensor<1> {
        let [batch, _, frames, height, width] = predicted.dims();
        let alike = self.free.ones_like().expand([batch, 1, frames, height, width]);
        self.weighted_error(predicted, velocity, alike)
    }

    /// The same as a mean by weights, `[batch, 1, frames, height, width]`.
    pub fn weighted_error(&self, predicted: Tensor<5>, velocity: Tensor<5>, weights: Tensor<5>) -> Tensor<1> {
        let channels = predicted.dims()[1];
        let weights = weights * self.free.clone();
        let error = (predicted - velocity).square() * weights.clone();
        error.sum() / (weights.sum() * channels as f64)
    }
}

/// A value for each clip and frame, `[batch, frames]`.
fn by_frame(
    timelines: &[Timeline],
    frames: usize,
    device: &Device,
    value: impl Fn(&Timeline, usize) -> f32,
) -> Tensor<2> {
    let values: Vec<f32> = timelines
        .iter()
        .flat_map(|timeline| (0..frames).map(|frame| value(timeline, frame)).collect::<Vec<_>>())
        .collect();
    Tensor::from_data(TensorData::new(values, [timelines.len(), frames]), device)
}

#[cfg(test)]
mod tests {
    use diffusion::Noise;

    use super::*;
    use crate::parameters::{to_scalar, to_vec};

    fn tensors() -> [Tensor<5>; 2] {
        let mut noise = Noise::new(1);
        [(); 2].map(|()| noise.tensor([2, 3, 3, 1, 2], &Device::flex()))
    }

    #[test]
    fn known_frames_are_clean_and_do_not_count() {
        let [latents, noise] = tensors();
        let known = Timeline::known(vec![true, false, false], 500.0);
        let noised = Noised::new(latents.clone(), noise.clone(), &[known, Timeline::shared(3, 1000.0)]);
        assert_eq!(to_vec(noised.timesteps.clone()).unwrap(), [0., 500., 500., 1000., 1000., 1000.]);
        let first = |x: &Tensor<5>| x.clone().narrow(0, 0, 1).narrow(2, 0, 1).into_data();
        assert_eq!(first(&noised.x_t), first(&latents));
        assert_eq!(noised.x_t.clone().narrow(0, 1, 1).into_data(), noise.clone().narrow(0, 1, 1).into_data());
        // Wrong in the known frame alone.
        let wrong = Tensor::<5>::zeros([2, 3, 3, 1, 2], &Device::flex()).slice_assign(
            [0..1, 0..3, 0..1, 0..1, 0..2],
            Tensor::full([1, 3, 1, 1, 2], 100.0, &Device::flex()),
        );
        let velocity = noise - latents;
        assert!(to_scalar(noised.squared_error(velocity.clone() + wrong, velocity)).unwrap() < 1e-12);
    }

    #[test]
    fn weights_say_what_counts() {
        let [latents, noise] = tensors();
        let half = Timeline::known(vec![true, false, false], 700.0);
        let noised = Noised::new(latents.clone(), noise.clone(), &[half, Timeline::shared(3, 700.0)]);
        let velocity = noise - latents;
        // Wrong by one in the left column and by three in the right one, which counts three times as much.
        let columns = |left: f32, right: f32| {
            let row = Tensor::<1>::from_floats([left, right], &Device::flex());
            row.reshape([1, 1, 1, 1, 2]).expand([2, 1, 3, 1, 2])
        };
        let wrong = velocity.clone() + columns(1.0, 3.0);
        let error = to_scalar(noised.weighted_error(wrong, velocity, columns(1.0, 3.0))).unwrap();
        assert!((error - (1.0 + 3.0 * 9.0) / 4.0).abs() < 1e-4, "{error}");
    }

    #[test]
    fn the_error_is_a_mean_over_free_frames() {
        let [latents, noise] = tensors();
        let half = Timeline::known(vec![true, true, false], 700.0);
        let noised = Noised::new(latents.clone(), noise.clone(), &[half, Timeline::shared(3, 700.0)]);
        let velocity = noise - latents;
        assert!(
            (to_scalar(noised.squared_error(velocity.clone() + 2.0, velocity)).unwrap() - 4.0).abs() < 1e-5
        );
    }
}
