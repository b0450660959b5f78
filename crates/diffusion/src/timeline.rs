//! The timeline of a clip: which latent frames are known, and how noisy each of the others is.
//!
//! Text to video knows none; image to video knows the first, extension some at an end, interpolation every other one.
//! A known frame is clean (its timestep is 0) and stays as it is: the model sees it and is not asked for it. Diffusion
//! forcing (Chen et al. 2024) trains one model for all of these.

use burn::tensor::{Device, Tensor, TensorData};

use crate::Step;

/// How noisy each latent frame is.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// What the model is told of each frame, 0 (clean) to [`NUM_TRAIN_TIMESTEPS`](crate::NUM_TRAIN_TIMESTEPS) (noise).
    pub timesteps: Vec<f64>,
    /// Whether a frame is given, hence clean, and not to be made.
    pub known: Vec<bool>,
}

impl Timeline {
    /// All frames are to be made, and equally noisy.
    pub fn shared(frames: usize, timestep: f64) -> Self {
        Self::known(vec![false; frames], timestep)
    }

    /// Those frames are known, and all others equally noisy.
    pub fn known(known: Vec<bool>, timestep: f64) -> Self {
        let timesteps = known.iter().map(|&known| if known { 0.0 } else { timestep }).collect();
        Self { timesteps, known }
    }

    /// The same frames known, at another noise level of the others.
    #[must_use]
    pub fn at(&self, timestep: f64) -> Self {
        Self::known(self.known.clone(), timestep)
    }

    /// What the model is told about time, one value for each of `groups` equal stretches of the frames: that of the
    /// noisiest frame in it.
    ///
    /// # Panics
    /// If `groups` is 0.
    pub fn by_group(&self, groups: usize) -> Vec<f32> {
        let stretches = self.timesteps.chunks(self.timesteps.len().div_ceil(groups).max(1));
        stretches
            .map(|stretch| stretch.iter().fold(0.0, |noisiest: f64, &t| noisiest.max(t)) as f32)
            .collect()
    }

    /// A `denoise` for clips `[batch, channels, frames, height, width]` of which the known frames are those of
    /// `latents`, in every sampler: the model sees them clean, and the answer about them is what they are.
    pub fn hold<E>(
        &self,
        latents: Tensor<5>,
        mut denoise: impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, E>,
    ) -> impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, E> {
        let known = self.known.contains(&true).then(|| (self.mask(&latents.device()), latents));
        let put = move |x: Tensor<5>| match &known {
            Some((mask, latents)) => x * (1.0 - mask.clone()) + latents.clone() * mask.clone(),
            None => x,
        };
        move |x, step| Ok(put(denoise(put(x), step)?))
    }

    /// `[1, 1, frames, 1, 1]`: 1 where a frame is known, 0 elsewhere.
    fn mask(&self, device: &Device) -> Tensor<5> {
        let mask = self.known.iter().map(|&known| if known { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let shape = [1, 1, mask.len(), 1, 1];
        Tensor::from_data(TensorData::new(mask, shape), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_as_noisy_as_its_noisiest_frame() {
        let timeline = Timeline::known(vec![true, false, false], 700.0);
        assert_eq!(timeline.by_group(3), [0.0, 700.0, 700.0]);
        assert_eq!(timeline.by_group(1), [700.0]);
        assert_eq!(timeline.at(20.0).timesteps, [0.0, 20.0, 20.0]);
        assert_eq!(Timeline::known(vec![true, true, false, true], 5.0).by_group(2), [0.0, 5.0]);
        assert_eq!(Timeline::shared(2, 999.0).by_group(2), [999.0; 2]);
    }
}
