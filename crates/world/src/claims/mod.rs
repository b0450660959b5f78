//! What a prompt claims: captions read back.
//!
//! A prompt is read from left to right, phrase by phrase, by the words that captions are made of. The first thing that it
//! names is the main one: events are what it does, relations say where it is. What a prompt leaves out is not claimed.

mod chinese;
mod english;

use serde::{Deserialize, Serialize};

use crate::event::{Action, Direction};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Relation, Scene};

/// A thing that has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ThingClaim {
    /// What it is.
    pub kind: Kind,
    /// Its colour, if that is claimed.
    pub colour: Option<Colour>,
    /// Its size, if that is claimed.
    pub size: Option<Size>,
    /// How many of them, at least 1.
    pub count: usize,
}

/// Something that the main thing has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventClaim {
    /// What it does.
    pub action: Action,
    /// Where to, if that is claimed.
    pub direction: Option<Direction>,
    /// The thing that it does it to, as an index of [`Claims::things`]: for what collides and what passes behind.
    pub other: Option<usize>,
}

/// Where the main thing has to be, as seen from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RelationClaim {
    /// Where it is.
    pub relation: Relation,
    /// The other thing, as an index of [`Claims::things`].
    pub other: usize,
}

/// All that a prompt claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The things, in the order in which they are named; the first is the main one.
    pub things: Vec<ThingClaim>,
    /// What the main thing does, in order.
    pub events: Vec<EventClaim>,
    /// Where the main thing is.
    pub relations: Vec<RelationClaim>,
    /// What they stand on.
    pub ground: Option<Ground>,
    /// When.
    pub time_of_day: Option<TimeOfDay>,
    /// The weather.
    pub weather: Option<Weather>,
    /// How the camera moves.
    pub camera: Option<CameraMove>,
}

impl Claims {
    /// What a prompt claims, in English or Chinese. Words that no caption has say nothing, see
    /// [`unknown_words`](crate::unknown_words).
    pub fn of_prompt(prompt: &str) -> Self {
        let lower = prompt.to_lowercase();
        let claims = chinese::read(&lower);
        if claims.things.is_empty() { english::read(&lower) } else { claims }
    }

    /// All that is true of a scene.
    pub fn of_scene(scene: &Scene) -> Self {
        let things = scene.things.iter().map(|thing| ThingClaim {
            kind: thing.kind,
            colour: Some(thing.colour),
            size: Some(thing.size),
            count: 1,
        });
        let events = scene.events.iter().map(|event| EventClaim {
            action: event.action,
            direction: event.direction,
            other: event.action.needs_other().then_some(1),
        });
        let relations = scene.neighbours.iter().filter_map(|neighbour| {
            Some(RelationClaim { relation: neighbour.relation?, other: neighbour.thing })
        });
        Self {
            things: things.collect(),
            events: events.collect(),
            relations: relations.collect(),
            ground: Some(scene.ground),
            time_of_day: Some(scene.time_of_day),
            weather: Some(scene.weather),
            camera: Some(scene.camera),
        }
    }

    /// How many things there have to be.
    pub fn count(&self) -> usize {
        self.things.iter().map(|thing| thing.count).sum()
    }

    /// Names a thing.
    fn name(&mut self, described: &mut Described, kind: Kind) -> usize {
        let Described { colour, size, count } = std::mem::take(described);
        self.things.push(ThingClaim { kind, colour, size, count: count.unwrap_or(1) });
        self.things.len() - 1
    }

    fn relate(&mut self, relation: Relation, other: usize) {
        self.relations.push(RelationClaim { relation, other });
    }
}

/// What was said of a thing before its name.
#[derive(Clone, Copy, Debug, Default)]
struct Described {
    colour: Option<Colour>,
    size: Option<Size>,
    count: Option<usize>,
}

/// The longest of the phrases that begin here, with what it means: `here` is what is left of the text, and phrases end
/// where `ends` says.
fn longest<T: Copy>(
    phrases: &[(String, T)],
    here: &str,
    ends: impl Fn(&str, usize) -> bool,
) -> Option<(usize, T)> {
    let fits = |phrase: &&(String, T)| here.starts_with(phrase.0.as_str()) && ends(here, phrase.0.len());
    let found = phrases.iter().filter(fits).max_by_key(|(phrase, _)| phrase.len());
    found.map(|(phrase, meaning)| (phrase.len(), *meaning))
}
