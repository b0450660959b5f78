//! What happens while a video is made, and how long it took.

use std::{fmt, ops::ControlFlow, time::Instant};

use media::Clip;
use serde::Serialize;

use crate::{Error, Result};

/// A part of the work, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The prompt is read.
    Text,
    /// Noise becomes latents.
    Denoise,
    /// Latents become frames.
    Decode,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Denoise => "denoise",
            Self::Decode => "decode",
        })
    }
}

/// `step` of `total` steps of a stage are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Where the work is.
    pub stage: Stage,
    /// Steps done, from 0.
    pub step: usize,
    /// Steps of the stage.
    pub total: usize,
}

/// Told of every step; may stop the work. Every closure of this signature is one.
pub trait Observer {
    /// `Break` cancels: [`generate`](crate::Pipeline::generate) then fails with
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    fn observe(&mut self, progress: Progress) -> ControlFlow<()>;

    /// Whether it wants to see the video while it forms: asked before the work, and then, if so, at each step. The first time for a model, its autoencoder's encoder is read for it.
    fn wants_previews(&self) -> bool {
        false
    }

    /// Is shown what a window looks like after a step of the denoiser; nothing is shown unless it is wanted.
    fn preview(&mut self, _preview: &Preview) {}
}

/// A window of a video while it forms.
#[derive(Clone, Debug)]
pub struct Preview {
    /// A frame for each latent frame, made of the latents by one matrix: coarser than the video, and no larger than is good to
    /// look at.
    pub clip: Clip,
    /// Where the work is: as for [`Stage::Denoise`].
    pub progress: Progress,
}

impl<F: FnMut(Progress) -> ControlFlow<()>> Observer for F {
    fn observe(&mut self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// The observer that looks away.
pub fn unobserved(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Tells the observer, and fails if it cancels.
pub(crate) fn report(observer: &mut dyn Observer, stage: Stage, step: usize, total: usize) -> Result<()> {
    match observer.observe(Progress { stage, step, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled { stage, step, total }),
    }
}

/// Seconds of each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Reading the model's files, as far as they were read for this video.
    pub load: f64,
    /// Tokenizer and text encoder.
    pub text: f64,
    /// The sampler's steps.
    pub denoise: f64,
    /// The autoencoder.
    pub decode: f64,
}

impl Timings {
    /// All parts.
    pub fn total(&self) -> f64 {
        self.load + self.text + self.denoise + self.decode
    }
}

/// What `work` returns, and the seconds that it took.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}
