//! The rectified-flow loss on a timeline.

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::{NUM_TRAIN_TIMESTEPS, Timeline, flow_interpolate, flow_velocity};

/// The mean squared error of the velocity over all frames that are not known.
///
/// `latents` and `noise` are `[batch, channels, frames, height, width]`; `velocity(x_t, timestep)`
/// is the model, with `timestep` `[batch, frames]` from 0 to 1000.
pub fn flow_loss(
    latents: Tensor<5>,
    noise: Tensor<5>,
    timelines: &[Timeline],
    velocity: impl FnOnce(Tensor<5>, Tensor<2>) -> Tensor<5>,
) -> Tensor<1> {
    let device = latents.device();
    let [batch, channels, frames, height, width] = latents.dims();
    let timesteps = by_frame(timelines, frames, &device, |timeline, frame| timeline.timesteps[frame] as f32);
    let t = timesteps.clone() / NUM_TRAIN_TIMESTEPS as f64;
    let free =
        by_frame(timelines, frames, &device, |timeline, frame| if timeline.known[frame] { 0.0 } else { 1.0 });
    let spread = |x: Tensor<2>| x.reshape([batch, 1, frames, 1, 1]);
    let x_t = flow_interpolate(latents.clone(), noise.clone(), spread(t)); // known frames: t = 0
    let predicted = velocity(x_t, timesteps);
    let error = (predicted - flow_velocity(latents, noise)).square() * spread(free.clone());
    error.sum() / (free.sum() * (channels * height * width) as f64)
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
        let timelines = [known, Timeline::shared(3, 1000.0)];
        let loss = flow_loss(latents.clone(), noise.clone(), &timelines, |x_t, timestep| {
            assert_eq!(to_vec(timestep).unwrap(), [0., 500., 500., 1000., 1000., 1000.]);
            let first = |x: &Tensor<5>| x.clone().narrow(0, 0, 1).narrow(2, 0, 1).into_data();
            assert_eq!(first(&x_t), first(&latents));
            assert_eq!(x_t.narrow(0, 1, 1).into_data(), noise.clone().narrow(0, 1, 1).into_data());
            // Wrong in the known frame alone.
            let wrong = Tensor::<5>::zeros([2, 3, 3, 1, 2], &Device::flex()).slice_assign(
                [0..1, 0..3, 0..1, 0..1, 0..2],
                Tensor::full([1, 3, 1, 1, 2], 100.0, &Device::flex()),
            );
            noise.clone() - latents.clone() + wrong
        });
        assert!(to_scalar(loss).unwrap() < 1e-12);
    }

    #[test]
    fn the_error_is_a_mean_over_free_frames() {
        let [latents, noise] = tensors();
        let half = Timeline::known(vec![true, true, false], 700.0);
        let timelines = [half, Timeline::shared(3, 700.0)];
        let target = noise.clone() - latents.clone();
        let loss = flow_loss(latents, noise, &timelines, |_, _| target + 2.0);
        assert!((to_scalar(loss).unwrap() - 4.0).abs() < 1e-5);
    }
}
