//! The world as it goes on: each second is made of the end of the one before it and of what is asked for.

use std::{ops::ControlFlow, sync::Arc};

use anyhow::{Result, anyhow};
use engine::{Known, Pipeline, Progress, Size, VideoRequest, View};
use media::Clip;
use serde_json::{Value, json};
use terminal::Key;

use super::steering::{self, Steering};

/// Frames that are made at once, and those that each of them is made to follow.
pub const MADE: usize = 8;
pub const SEEN: usize = 5;

/// Pixels, `[height, width, 3]`.
pub type Frame = Arc<[u8]>;

/// What is seen of a frame that was drawn.
pub fn seen_from(view: View, drawn: &Frame, [width, height]: [usize; 2]) -> Frame {
    if view == View::default() {
        return drawn.clone();
    }
    let picture: Vec<f32> = drawn.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    engine::to_bytes(&view.see(&picture, Size { width, height })).into()
}

/// A model that makes a world of one prompt.
pub struct Film {
    pipeline: Pipeline,
    /// As its user wrote it.
    request: VideoRequest,
    /// With all that it leaves open filled in: that stays the same all the time.
    prompt: String,
    pub size: [usize; 2],
    pub fps: f64,
}

impl Film {
    /// `request` says which prompt, seed and precision; all else is as the model has it.
    pub fn new(pipeline: Pipeline, request: VideoRequest) -> Self {
        let native = &pipeline.info().native;
        let (size, fps) = ([native.size.width, native.size.height], native.fps);
        let told = Steering::rest().told(&request.prompt).unwrap_or_else(|| request.prompt.clone());
        let prompt = world::expand_prompt(&told, MADE, request.seed);
        Self { prompt, request, size, fps, pipeline }
    }

    /// The next frames of a film whose last ones are `last`; the first ones if there is none.
    /// `part` numbers what is made; `go_on` is asked at each step.
    pub fn next(
        &self,
        last: &[Frame],
        steering: Steering,
        part: u64,
        go_on: &dyn Fn() -> ControlFlow<()>,
    ) -> Result<Vec<Frame>> {
        let last = &last[last.len().saturating_sub(SEEN)..];
        let prompt =
            steering.told(&self.prompt).ok_or_else(|| anyhow!("{}: does not name one thing", self.prompt))?;
        let [width, height] = self.size;
        let mut request = VideoRequest {
            prompt,
            as_written: true,
            seed: self.request.seed.wrapping_add(part),
            num_frames: Some(last.len() + MADE),
            size: Some(Size { width, height }),
            ..self.request.clone()
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

    /// What is written into the file of so many frames, as `generate` has it, and the keys with the second at which each was
    /// pressed. These make `generate` refuse the request, of which it would make another video.
    pub fn record(&self, num_frames: usize, keys: &[(f64, Key)]) -> Result<Value> {
        let plan = self.pipeline.plan(&self.request)?;
        let mut record = self.pipeline.provenance(&plan)?;
        record["prompt"] = self.prompt.as_str().into();
        // Each key has the prompt read anew, as it is written.
        if let Some(record) = record.as_object_mut() {
            record.remove("read");
        }
        let request = &mut record["request"];
        request["num_frames"] = num_frames.into();
        request["keys"] =
            keys.iter().map(|&(at, key)| json!({ "at": at, "key": steering::name(key) })).collect();
        Ok(record)
    }
}
