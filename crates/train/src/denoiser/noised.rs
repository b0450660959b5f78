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
        let alike = self.alike(&predicted);
        self.weighted_error(predicted, velocity, alike)
    }

    /// The same as a mean by weights, `[batch, 1, frames, height, width]`.
    pub fn weighted_error(&self, predicted: Tensor<5>, velocity: Tensor<5>, weights: Tensor<5>) -> Tensor<1> {
        mean_square(predicted - velocity, weights * self.free.clone())
    }

    /// Half of the mean squared difference between the errors of neighbouring frames, by weights of which two frames have the mean: as much
    /// as [`weighted_error`](Self::weighted_error) where each frame is wrong in a way of its own, and nothing where all are wrong
    /// alike. Nothing is wrong with known frames, and between two of them nothing counts. 0 of a still.
    pub fn weighted_change(
        &self,
        predicted: Tensor<5>,
        velocity: Tensor<5>,
        weights: Tensor<5>,
    ) -> Tensor<1> {
        let frames = predicted.dims()[2];
        if frames == 1 {
            return (predicted * 0.0).sum();
        }
        let neighbours = |x: Tensor<5>| [x.clone().narrow(2, 0, frames - 1), x.narrow(2, 1, frames - 1)];
        let [before, behind] = neighbours((predicted - velocity) * self.free.clone());
        let [first, second] = neighbours(self.free.clone());
        let either = first.clone() + second.clone() - first * second;
        let [first, second] = neighbours(weights);
        mean_square(behind - before, (first + second) * either * 0.5) * 0.5
    }

    /// A weight of one for all of `x`, `[batch, 1, frames, height, width]`.
    pub fn alike(&self, x: &Tensor<5>) -> Tensor<5> {
        let [batch, _, frames, height, width] = x.dims();
        self.free.ones_like().expand([batch, 1, frames, height, width])
    }
}

/// The mean square of `[batch, channels, frames, height, width]` by weights of all channels, `[batch, 1, frames, height, width]`.
fn mean_square(x: Tensor<5>, weights: Tensor<5>) -> Tensor<1> {
    let channels = x.dims()[1];
    (x.square() * weights.clone()).sum() / (weights.sum() * channels as f64)
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
    fn what_all_frames_are_wrong_by_does_not_change() {
        let [latents, noise] = tensors();
        let device = Device::flex();
        let velocity = noise.clone() - latents.clone();
        let by_frame = |values: [f32; 3]| {
            let wrong = Tensor::<1>::from_floats(values, &device).reshape([1, 1, 3, 1, 1]);
            velocity.clone() + wrong.expand([2, 3, 3, 1, 2])
        };
        let change = |timeline: &Timeline, wrong: [f32; 3]| {
            let noised = Noised::new(latents.clone(), noise.clone(), &[timeline.clone(), timeline.clone()]);
            to_scalar(noised.weighted_change(by_frame(wrong), velocity.clone(), noised.alike(&velocity)))
                .unwrap()
        };
        let free = Timeline::shared(3, 700.0);
        assert!(change(&free, [2.0; 3]).abs() < 1e-6);
        // Half of the mean of 1 and 9.
        assert!((change(&free, [0.0, 1.0, -2.0]) - 2.5).abs() < 1e-5);
        // The known frame is right whatever is said of it, and the second known one has no step to it.
        assert!(
            (change(&Timeline::known(vec![true, false, false], 700.0), [5.0, 1.0, 1.0]) - 0.25).abs() < 1e-5
        );
        assert!(
            (change(&Timeline::known(vec![true, true, false], 700.0), [5.0, 5.0, 3.0]) - 4.5).abs() < 1e-5
        );
        // A still has no neighbours.
        let still = |x: &Tensor<5>| x.clone().narrow(2, 0, 1);
        let noised = Noised::new(still(&latents), still(&noise), &vec![Timeline::shared(1, 700.0); 2]);
        assert_eq!(
            to_scalar(noised.weighted_change(still(&noise), still(&velocity), noised.alike(&still(&noise))))
                .unwrap(),
            0.0
        );
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
