//! What a verdict consists of.

use std::fmt::Debug;

use serde::Serialize;
use world::{CameraMove, Colour, Event, Ground, Kind, Size, TimeOfDay, Weather};

use crate::{
    measures::Measures,
    physics::Fall,
    tracks::{Track, likeliest},
};

/// Something that a clip has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The thing at this index is there and is of its kind. ("Two balls" are two things.)
    Thing(usize),
    /// It has its colour.
    Colour(usize),
    /// It has its size.
    Size(usize),
    /// There are as many things as the prompt names, and nothing else.
    Count,
    /// The relation at this index.
    Relation(usize),
    /// The main thing does the event at this index, and no other.
    Event(usize),
    /// It does it in its direction.
    Direction(usize),
    /// The events come in their order.
    Order,
    /// The camera moves so.
    Camera,
    /// They are on this ground.
    Ground,
    /// It is this time of day.
    TimeOfDay,
    /// It is this weather.
    Weather,
    /// No prompt's: nothing appears or vanishes in full view.
    NothingAppears,
    /// No prompt's: what was hidden, or went on, stays what it was.
    Permanence,
    /// No prompt's: things can be recognised.
    Clear,
    /// No prompt's: each frame follows from the last.
    Continuous,
    /// No prompt's: frames are not merely repeated.
    Alive,
}

impl Claim {
    /// Whether it is the prompt's, and not one that every clip should fulfil.
    pub fn is_of_prompt(self) -> bool {
        use Claim::*;
        !matches!(self, NothingAppears | Permanence | Clear | Continuous | Alive)
    }

    /// What it is about, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Thing(_) => "thing",
            Self::Colour(_) => "colour",
            Self::Size(_) => "size",
            Self::Count => "count",
            Self::Relation(_) => "relation",
            Self::Event(_) => "event",
            Self::Direction(_) => "direction",
            Self::Order => "order",
            Self::Camera => "camera",
            Self::Ground => "ground",
            Self::TimeOfDay => "time of day",
            Self::Weather => "weather",
            Self::NothingAppears => "nothing appears",
            Self::Permanence => "permanence",
            Self::Clear => "clear",
            Self::Continuous => "continuous",
            Self::Alive => "alive",
        }
    }
}

/// Whether one claim holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What has to be shown.
    pub claim: Claim,
    /// Whether it is.
    pub holds: bool,
    /// How well, from 0 to 1.
    pub score: f32,
    /// What has to be seen, in a word or two.
    pub expected: String,
    /// What is seen.
    pub found: String,
}

impl Finding {
    pub(super) fn not_found(claim: Claim, expected: String) -> Self {
        Self { claim, holds: false, score: 0.0, expected, found: "nothing".to_owned() }
    }

    /// One of several classes, of which the likeliest was seen.
    pub(super) fn of_class<T: Copy + Debug + PartialEq>(
        claim: Claim,
        expected: T,
        all: &[T],
        probabilities: &[f32],
    ) -> Self {
        let found = all[likeliest(probabilities)];
        let score =
            all.iter().zip(probabilities).find(|(class, _)| **class == expected).map_or(0.0, |(_, p)| *p);
        Self {
            claim,
            holds: found == expected,
            score,
            expected: format!("{expected:?}"),
            found: format!("{found:?}"),
        }
    }
}

/// A thing as it was made out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenThing {
    /// Its likeliest kind.
    pub kind: Kind,
    /// Its likeliest colour.
    pub colour: Colour,
    /// Its likeliest size.
    pub size: Size,
    /// How likely it is of its kind, from 0 to 1; what is unclear is likely of none.
    pub kind_probability: f32,
    /// Frames in which it is seen.
    pub frames: usize,
    /// What it does.
    pub events: Vec<Event>,
}

impl SeenThing {
    pub(super) fn of(track: &Track, events: &[Event]) -> Self {
        Self {
            kind: track.kind(),
            colour: track.colour(),
            size: track.size(),
            kind_probability: track.kinds()[track.kind() as usize],
            frames: track.frames_seen(),
            events: events.to_vec(),
        }
    }
}

/// How well a clip shows what it should.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether all that the prompt claims holds, with nothing extra.
    pub all_right: bool,
    /// Whether all that every clip should fulfil holds.
    pub flawless: bool,
    /// Claim by claim.
    pub findings: Vec<Finding>,
    /// What was made out, those that are seen most first.
    pub things: Vec<SeenThing>,
    /// How the camera seems to move.
    pub camera: CameraMove,
    /// What the ground seems to be.
    pub ground: Ground,
    /// What the time of day seems to be.
    pub time_of_day: TimeOfDay,
    /// What the weather seems to be.
    pub weather: Weather,
    /// The free fall of the main thing, if it drops.
    pub fall: Option<Fall>,
    /// Of a prompt that asks for a fall: whether there is one, and a free one, with a pull that the world can have.
    pub falls_freely: Option<bool>,
    /// Of a prompt that asks for a thing that passes behind another: whether it comes out as what it was.
    pub kept_behind: Option<bool>,
    /// Plain measures of the frames.
    pub measures: Measures,
}

impl Verdict {
    /// The mean score of the prompt's claims, from 0 to 1: what decides between clips of which none is all right.
    pub fn score(&self) -> f32 {
        let of_prompt = self.findings.iter().filter(|finding| finding.claim.is_of_prompt());
        let scores: Vec<f32> =
            of_prompt.map(|f| if f.holds { 0.5 + 0.5 * f.score } else { 0.5 * f.score }).collect();
        scores.iter().sum::<f32>() / scores.len().max(1) as f32
    }

    /// The same where it is known with what pull downwards things fall, in m/s².
    pub fn with_gravity(mut self, gravity: f32) -> Self {
        let falls = || self.fall.is_some_and(|fall| fall.is_free(gravity..gravity));
        self.falls_freely = self.falls_freely.map(|_| falls());
        self
    }

    /// Flaws that no clip should have.
    pub fn flaws(&self) -> usize {
        self.findings.iter().filter(|finding| !finding.claim.is_of_prompt() && !finding.holds).count()
    }

    /// The finding about a claim, if it was made.
    pub fn of(&self, claim: Claim) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.claim == claim)
    }
}
