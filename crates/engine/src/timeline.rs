//! The timeline: which latent frames are known, and which are to be made.

use burn::tensor::{Device, Tensor};

/// A request as latent frames. A known frame has timestep 0 and keeps its latents; every other one is made from
/// noise. Text to video knows none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    known: Vec<bool>,
}

impl Timeline {
    /// All of `frames` latent frames are to be made.
    pub fn unknown(frames: usize) -> Self {
        Self { known: vec![false; frames] }
    }

    /// What the model is told about time, `[1, groups]`: a timestep for each of `groups` equal stretches of
    /// the latent frames (0 where all of a stretch is known), or one for the clip if `groups` is 1.
    pub fn timesteps(&self, timestep: f64, groups: usize, device: &Device) -> Tensor<2> {
        let values = self
            .known
            .chunks(self.known.len().div_ceil(groups))
            .map(|frames| if frames.iter().all(|&known| known) { 0.0 } else { timestep as f32 })
            .collect::<Vec<_>>();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([1, groups])
    }

    /// The model's answer `[batch, channels, frames, height, width]` with 0 on known frames: under a velocity of 0
    /// they stay as they are.
    pub fn hold_known(&self, velocity: Tensor<5>) -> Tensor<5> {
        if !self.known.contains(&true) {
            return velocity;
        }
        let moves = self.known.iter().map(|&known| if known { 0.0 } else { 1.0 }).collect::<Vec<f32>>();
        let frames = moves.len();
        let moves = Tensor::<1>::from_floats(moves.as_slice(), &velocity.device());
        velocity * moves.reshape([1, 1, frames, 1, 1])
    }
}

#[cfg(test)]
mod tests {
    use diffusion::{Schedule, sample_unipc, unobserved};

    use super::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn known_frames_have_timestep_0() {
        let device = Device::flex();
        let timeline = Timeline { known: vec![true, false, false] };
        let timesteps = timeline.timesteps(700.0, 3, &device);
        assert_eq!(timesteps.dims(), [1, 3]);
        assert_eq!(values(timesteps), [0.0, 700.0, 700.0]);
        assert_eq!(values(timeline.timesteps(700.0, 1, &device)), [700.0]);
        assert_eq!(values(Timeline::unknown(2).timesteps(999.0, 2, &device)), [999.0; 2]);
    }

    #[test]
    fn a_sampler_leaves_known_frames_as_they_are() {
        let device = Device::flex();
        let timeline = Timeline { known: vec![false, true] };
        let latents = Tensor::<5>::from_data([[[[[0.5_f32]], [[0.25]]]]], &device);
        let denoise = |x: Tensor<5>, _| Ok::<_, diffusion::Error>(timeline.hold_known(x.ones_like() * 0.5));
        let schedule = Schedule::flow_unipc(4, 1.0).unwrap();
        let made = values(sample_unipc(denoise, latents, &schedule, unobserved).unwrap());
        assert!((made[1] - 0.25).abs() < 1e-6, "{made:?}");
        assert!((made[0] - 0.5).abs() > 0.1, "{made:?}");
    }
}
