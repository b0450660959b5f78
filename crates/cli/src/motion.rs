//! `--motion-from`: content and motion apart.

use std::{
    borrow::Borrow,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use engine::{ModelInfo, Prompts, VideoRequest};
use judge::Judge;
use world::{Action, Event};

#[derive(Args)]
pub struct MotionArgs {
    /// Let things move as those of this clip do (MP4 or GIF); the prompt says what is seen
    #[arg(long, value_name = "CLIP")]
    motion_from: Option<PathBuf>,

    /// How much of the clip is made anew: near 1 little but the way things go is left of it, and less keeps its shapes too
    #[arg(long, value_name = "SHARE", default_value_t = STRENGTH, requires = "motion_from", allow_hyphen_values = true)]
    motion_strength: f64,
}

/// Of the strengths that were tried on combinations that training shows, the one at which both content and motion come out
/// most often.
pub const STRENGTH: f64 = 0.9;

impl MotionArgs {
    /// The request with the motion of the clip, if there is one.
    pub fn apply(&self, request: VideoRequest, info: &ModelInfo) -> Result<VideoRequest> {
        match &self.motion_from {
            Some(clip) => move_as(request, clip, self.motion_strength, info, Judge::embedded),
            None => Ok(request),
        }
    }
}

/// A request in which things move as in a clip. For models of the world's prompts, what the judge sees the clip's thing do is
/// told too.
pub fn move_as<J: Borrow<Judge>>(
    request: VideoRequest,
    clip: &Path,
    strength: f64,
    info: &ModelInfo,
    judge: impl FnOnce() -> judge::Result<J>,
) -> Result<VideoRequest> {
    let mut request = request.move_as(clip, strength, info)?;
    if info.native.prompts == Prompts::World
        && let Some(told) = retold(&request.prompt, clip, judge()?.borrow())?
    {
        request.prompt = told;
    }
    Ok(request)
}

/// The prompt with what the thing that moves most does in a clip; none if the judge cannot tell.
fn retold(prompt: &str, clip: &Path, judge: &Judge) -> Result<Option<String>> {
    // What it cannot look at, because it is too short or too small, it says nothing of.
    let Ok(seen) = judge.look(&media::read(clip)?) else { return Ok(None) };
    let rests = |events: &&Vec<Event>| events.iter().all(|event| event.action == Action::Rests);
    let lasting = seen.tracks.iter().zip(&seen.reading.events).filter(|(track, _)| track.lasts());
    let events: Vec<&Vec<Event>> = lasting.map(|(_, events)| events).collect();
    let moving = events.iter().copied().find(|events| !rests(events));
    let Some(events) = moving.or(events.first().copied()) else { return Ok(None) };
    Ok(world::retell(prompt, events, seen.reading.camera))
}
