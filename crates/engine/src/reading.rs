//! What the networks of a model read of a prompt.
//!
//! A model of the world reads a prompt as captions say it, in plain English, so that it does not matter which of its languages a prompt
//! is in or how it puts what it says. A denoiser that was trained to be told by tracks what things do reads nothing of that: of a thing that it
//! never saw do it, it might draw what it knows of the words. (Betker et al. 2023, "Improving image generation with better captions", have a language model
//! write what is read; for the words of this world a parser is enough.)

use std::fmt::{self, Display};

use serde::Serialize;

use crate::{ModelInfo, Span};

/// What is read of a prompt from some time on, where the plan says all that the denoiser does not read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// In seconds; not written if it is the beginning.
    #[serde(skip_serializing_if = "is_beginning")]
    pub from: f64,
    /// By the denoiser.
    pub denoiser: String,
    /// By the planner, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planner: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_beginning(from: &f64) -> bool {
    *from == 0.0
}

impl Reading {
    /// All of the prompt: what is read where nothing is planned.
    pub fn whole(&self) -> &str {
        self.planner.as_ref().unwrap_or(&self.denoiser)
    }

    /// Of a span word for word.
    pub(crate) fn of_written(span: &Span, info: &ModelInfo) -> Self {
        let prompt = || span.prompt.clone();
        Self { from: span.from, denoiser: prompt(), planner: info.planner.is_some().then(prompt) }
    }

    /// Of a span of the world by what it says.
    pub(crate) fn of_world(span: &Span, info: &ModelInfo) -> Self {
        let written = Self::of_written(span, info);
        let is_told = info.planner.is_some() && info.native.tracks_tell_events;
        let denoiser = if is_told { world::tell_without_events(&span.prompt) } else { None };
        Self { denoiser: denoiser.unwrap_or(written.denoiser), ..written }
    }
}

impl Display for Reading {
    /// In a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.whole())?;
        if self.denoiser == self.whole() { Ok(()) } else { write!(f, "; to draw: {}", self.denoiser) }
    }
}

/// The prompts of one video of the world as captions say them; see [`world::tell_plainly`].
pub(crate) fn plainly(prompts: &[String]) -> Vec<String> {
    prompts.iter().map(|prompt| world::tell_plainly(prompt).unwrap_or_else(|| prompt.clone())).collect()
}

/// A span in which a thing of the world does two things in turn as a span for each, of half the time; every other one as it is.
pub(crate) fn in_turn(span: Span) -> Vec<Span> {
    let Some([first, second]) = world::tell_in_turn(&span.prompt) else { return vec![span] };
    let half = f64::midpoint(span.from, span.to);
    vec![Span { to: half, prompt: first, ..span }, Span { from: half, prompt: second, ..span }]
}
