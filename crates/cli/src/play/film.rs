//! The world as it goes on: each second is made of the end of the one before it and of what is asked for.

use std::{ops::ControlFlow, sync::Arc};

use anyhow::{Result, anyhow};
use engine::{Known, Pipeline, Precision, Progress, VideoRequest};
use media::Clip;

use super::steering::Steering;

/// Frames that are made at once, and those that each of them is made to follow.
pub const MADE: usize = 8;
pub const SEEN: usize = 5;

/// A model that makes a world of one prompt.
pub struct Film {
    pipeline: Pipeline,
    /// With all that it leaves open filled in: that stays the same all the time.
    prompt: String,
    seed: u64,
    precision: Precision,
    pub size: [usize; 2],
    pub fps: f64,
}

impl Film {
    pub fn new(pipeline: Pipeline, prompt: &str, seed: u64, precision: Precision) -> Result<Self> {
        let native = &pipeline.info().native;
        let (size, fps) = ([native.size.width, native.size.height], native.fps);
        let told = Steering::rest().told(prompt).unwrap_or_else(|| prompt.to_owned());
        let prompt = world::expand_prompt(&told, MADE, seed);
        Ok(Self { prompt, seed, precision, size, fps, pipeline })
    }

    /// The next frames, `[height, width, 3]` each, of a film whose last ones are `last`; the first ones if there is none.
    /// `part` numbers what is made; `go_on` is asked at each step.
    pub fn next(
        &self,
        last: &[Arc<[u8]>],
        steering: Steering,
        part: u64,
        go_on: &dyn Fn() -> ControlFlow<()>,
    ) -> Result<Vec<Arc<[u8]>>> {
        let last = &last[last.len().saturating_sub(SEEN)..];
        let prompt =
            steering.told(&self.prompt).ok_or_else(|| anyhow!("{}: does not name one thing", self.prompt))?;
        let [width, height] = self.size;
        let mut request = VideoRequest {
            prompt,
            as_written: true,
            seed: self.seed.wrapping_add(part),
            precision: self.precision,
            num_frames: Some(last.len() + MADE),
            size: Some(engine::Size { width, height }),
            ..VideoRequest::default()
        };
        if last.is_empty() {
            // A first one, and as many as a model makes at once that has blocks of two or of four.
            request.num_frames = Some(MADE + 1);
        } else {
            let clip = Clip::new(width, height, self.fps, last.concat())?;
            request.known.push(Known { clip: Some(Arc::new(clip)), ..Known::new("what was played") });
        }
        let plan = self.pipeline.plan(&request)?;
        let mut frames = Vec::new();
        let mut keep = |frame: &[f32]| {
            frames.push(engine::to_bytes(frame).into());
            Ok(())
        };
        self.pipeline.stream(&plan, &mut keep, &mut |_: Progress| go_on())?;
        Ok(frames.split_off(last.len()))
    }
}
