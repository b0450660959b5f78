//! A scene: the things, what the first of them does, and where.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};

/// Where the main thing is, as seen from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The main thing is to the left of the other.
    LeftOf,
    /// The main thing is to the right of the other.
    RightOf,
    /// The main thing is farther from the camera.
    Behind,
    /// The main thing is nearer to the camera.
    InFrontOf,
    /// The main thing stands on the other.
    OnTopOf,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Relation; 5] =
        [Relation::LeftOf, Relation::RightOf, Relation::Behind, Relation::InFrontOf, Relation::OnTopOf];
}

/// The most things of a scene.
pub const MOST_THINGS: usize = 3;

/// One thing of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// What colour it has.
    pub colour: Colour,
    /// How large it is.
    pub size: Size,
    /// Where it stands, as (x, z) in metres: the middle of its way for a thing that moves.
    pub place: [f32; 2],
    /// The angle about the vertical axis at the start, in radians: at 0 it faces to the right.
    pub yaw: f32,
}

/// Another thing, which stays where it is unless it is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its index in [`Scene::things`].
    pub thing: usize,
    /// Where the main thing is, as seen from this one; none where the event says it
    /// (it collides, it passes behind).
    pub relation: Option<Relation>,
}

/// A scene: all that a clip shows, and nothing of how it is sampled in time or space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The seed that it was sampled from; raindrops and snowflakes follow from it as well.
    pub seed: u64,
    /// One to three things; the first is the main one.
    pub things: Vec<Thing>,
    /// What the main thing does: one event, or two in order.
    pub events: Vec<Event>,
    /// The other things, as the main one relates to them.
    pub neighbours: Vec<Neighbour>,
    /// What they stand on.
    pub ground: Ground,
    /// When.
    pub time_of_day: TimeOfDay,
    /// The weather.
    pub weather: Weather,
    /// How the camera moves.
    pub camera: CameraMove,
    /// The camera's height above the horizon as seen from the things, in radians.
    pub elevation: f32,
    /// The camera's angle about the vertical axis, in radians: at 0 it looks along -z.
    pub azimuth: f32,
    /// The pull downwards, in m/s².
    pub gravity: f32,
    /// The speed after a bounce over the speed before it, from 0 to 1.
    pub restitution: f32,
    /// The height above its resting place from which a falling or bouncing thing starts, in metres.
    pub drop_height: f32,
}

impl Scene {
    /// The thing that the events are about.
    pub fn main(&self) -> &Thing {
        &self.things[0]
    }
}
