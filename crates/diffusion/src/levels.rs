//! How far each position of a clip is made anew: what joins text to video with all that begins from pictures.
//!
//! Every position of the latents has a level, from 0 to 1. At 0 it is known and stays as it is: text to video has none,
//! image to video the first frame, extension some at an end, interpolation every other one. At 1 it is made from noise
//! alone. Between, it keeps of what is there what that much noise leaves, as in SDEdit (Meng et al. 2022). While a sampler
//! is at a noise level above a position's own, the position waits: the model sees it with its own noise and is told so, as
//! in diffusion forcing (Chen et al. 2024), and is not asked for it.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{NUM_TRAIN_TIMESTEPS, Schedule, Step};

/// The level of each position of a clip's latents.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// By frame, row and column, each from 0 to 1.
    values: Vec<f32>,
    /// `[frames, height, width]`
    size: [usize; 3],
}

impl Levels {
    /// All of a clip of `[frames, height, width]` is made anew.
    pub fn anew(size: [usize; 3]) -> Self {
        Self { values: vec![1.0; size.iter().product()], size }
    }

    /// A level for each position, by frame, row and column.
    ///
    /// # Panics
    /// Unless there are as many as `[frames, height, width]` asks for, each from 0 to 1.
    pub fn new(values: Vec<f32>, size: [usize; 3]) -> Self {
        assert_eq!(values.len(), size.iter().product::<usize>(), "a level for each of {size:?} positions");
        assert!(values.iter().all(|level| (0.0..=1.0).contains(level)), "levels are 0 to 1");
        Self { values, size }
    }

    /// A level for each frame.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn of_frames(levels: &[f32], [height, width]: [usize; 2]) -> Self {
        let values = levels.iter().flat_map(|&level| vec![level; height * width]).collect();
        Self::new(values, [levels.len(), height, width])
    }

    /// The level of what is made anew most.
    pub fn highest(&self) -> f64 {
        f64::from(self.values.iter().copied().fold(0.0, f32::max))
    }

    /// Whether all positions have one level.
    pub fn is_shared(&self) -> bool {
        self.values.iter().all(|level| *level == self.values[0])
    }

    /// Whether all positions of each frame have one level.
    pub fn is_by_frame(&self) -> bool {
        let [_, height, width] = self.size;
        self.values.chunks(height * width).all(|frame| frame.iter().all(|level| *level == frame[0]))
    }

    /// Whether all of a frame is made from noise alone.
    pub fn is_frame_anew(&self, frame: usize) -> bool {
        let [_, height, width] = self.size;
        self.values[frame * height * width..][..height * width].iter().all(|level| *level == 1.0)
    }

    /// Whether nothing but noise counts at the start.
    pub fn is_anew(&self) -> bool {
        self.values.iter().all(|level| *level == 1.0)
    }

    /// What the model is told about time at a sampler's `timestep`, for each of `groups` (along time, height and width)
    /// into which the positions are cut evenly: that of the noisiest position in it.
    ///
    /// # Panics
    /// If there are more groups than positions along an axis, or none.
    pub fn timesteps(&self, timestep: f64, groups: [usize; 3]) -> Vec<f32> {
        let mut of_group = vec![0.0_f64; groups.iter().product()];
        let [_, height, width] = self.size;
        for (at, &level) in self.values.iter().enumerate() {
            let position = [at / (height * width), at / width % height, at % width];
            let group = (0..3).fold(0, |index, axis| {
                let stretch = self.size[axis].div_ceil(groups[axis]);
                index * groups[axis] + position[axis] / stretch
            });
            let own = timestep.min(f64::from(level) * NUM_TRAIN_TIMESTEPS as f64);
            of_group[group] = of_group[group].max(own);
        }
        of_group.into_iter().map(|timestep| timestep as f32).collect()
    }

    /// The part of a rectified flow's schedule that is left from the highest level on.
    pub fn schedule(&self, whole: &Schedule) -> Schedule {
        whole.clone().from_sigma(self.highest())
    }

    /// Where a sampler sets out: `x_0` with the noise of the schedule's first level; noise alone for a whole schedule.
    pub fn start(&self, x_0: Tensor<5>, noise: Tensor<5>, schedule: &Schedule) -> Tensor<5> {
        if self.is_anew() {
            return noise;
        }
        let (alpha, sigma) = schedule.start();
        x_0 * alpha + noise * sigma
    }

    /// A `denoise` for every sampler of a rectified flow that makes of `x_0`, `[batch, channels, frames, height, width]`,
    /// what the levels ask for. `noise` is what the sampler sets out from (see [`start`](Self::start)).
    pub fn hold<E>(
        &self,
        x_0: Tensor<5>,
        noise: Tensor<5>,
        mut denoise: impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, E>,
    ) -> impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, E> {
        let waiting = (!self.is_anew()).then(|| {
            let levels = self.tensor(&x_0.device());
            let seen = x_0.clone() * (levels.clone().neg() + 1.0) + noise * levels.clone();
            (levels, seen, x_0)
        });
        move |x: Tensor<5>, step: Step| {
            let Some((levels, seen, x_0)) = &waiting else { return denoise(x, step) };
            let waits: Tensor<5> = levels.clone().lower_elem(step.sigma).float();
            let put =
                |there: Tensor<5>, x: Tensor<5>| x * (waits.clone().neg() + 1.0) + there * waits.clone();
            Ok(put(x_0.clone(), denoise(put(seen.clone(), x), step)?))
        }
    }

    /// `[1, 1, frames, height, width]`
    fn tensor(&self, device: &Device) -> Tensor<5> {
        let [frames, height, width] = self.size;
        Tensor::from_data(TensorData::new(self.values.clone(), [1, 1, frames, height, width]), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_as_noisy_as_its_noisiest_position() {
        let levels = Levels::of_frames(&[0.0, 1.0, 0.5], [2, 2]);
        assert_eq!(levels.timesteps(700.0, [3, 1, 1]), [0.0, 700.0, 500.0]);
        assert_eq!(levels.timesteps(300.0, [3, 1, 1]), [0.0, 300.0, 300.0]);
        assert_eq!(levels.timesteps(700.0, [1, 1, 1]), [700.0]);
        assert!(levels.is_by_frame() && !levels.is_shared() && !levels.is_anew());
        assert_eq!([0, 1, 2].map(|frame| levels.is_frame_anew(frame)), [false, true, false]);
        let mut values = vec![0.0; 2 * 2 * 4];
        values[2 * 4 - 1] = 0.25;
        let levels = Levels::new(values, [2, 2, 4]);
        assert_eq!(levels.timesteps(900.0, [2, 1, 2]), [0.0, 250.0, 0.0, 0.0]);
        assert!(!levels.is_by_frame() && levels.highest() == 0.25);
        assert_eq!(Levels::anew([2, 1, 1]).timesteps(999.0, [2, 1, 1]), [999.0; 2]);
    }
}
