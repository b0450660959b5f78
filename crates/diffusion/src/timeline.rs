//! The timeline of a clip that a model is trained on: which latent frames are known, and how noisy each of the others is.
//!
//! Diffusion forcing (Chen et al. 2024) trains one model for text to video, image to video, extension and filling in.

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
}
