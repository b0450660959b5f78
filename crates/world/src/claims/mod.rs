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
        Heard::of_prompt(prompt).claims
    }

    /// The same of a prompt that claims all that it says. None where words are left over, say the same twice, or stand where no
    /// caption has them, so that what they are about is a guess.
    pub fn all_of_prompt(prompt: &str) -> Option<Self> {
        let heard = Heard::of_prompt(prompt);
        (!heard.misses).then_some(heard.claims)
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
}

/// What a phrase of either language says wherever it stands.
#[derive(Clone, Copy, Debug)]
enum Word {
    Colour(Colour),
    Size(Size),
    Count(usize),
    Ground(Ground),
    Time(TimeOfDay),
    Weather(Weather),
    Camera(CameraMove),
    /// "and", "和"
    Joins,
    /// "then", "然后", "再"
    Then,
    /// Words that only look like others, or say nothing by themselves.
    Nothing,
}

/// What was made out of a prompt so far.
#[derive(Debug, Default)]
struct Heard {
    claims: Claims,
    /// What was said of the thing that is named next.
    described: Described,
    /// Behind "and".
    is_joined: bool,
    /// Behind "then".
    is_later: bool,
    /// Things that are named beside the others and no more.
    beside: Vec<usize>,
    /// Whether the claims are less, or other, than what is said.
    misses: bool,
}

impl Heard {
    fn of_prompt(prompt: &str) -> Self {
        let lower = prompt.to_lowercase();
        let heard = chinese::read(&lower);
        if heard.claims.things.is_empty() { english::read(&lower) } else { heard }
    }

    /// Says what may be said once.
    fn say<T>(&mut self, of: impl Fn(&mut Self) -> &mut Option<T>, value: T) {
        self.misses |= of(self).replace(value).is_some();
    }

    /// The same of what is no thing: what describes one stands before its name.
    fn say_of_all<T>(&mut self, of: impl Fn(&mut Claims) -> &mut Option<T>, value: T) {
        self.must(self.described == Described::default());
        self.say(|heard| of(&mut heard.claims), value);
    }

    /// What has to be so, or something is missed.
    fn must(&mut self, holds: bool) {
        self.misses |= !holds;
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Colour(colour) => self.say(|heard| &mut heard.described.colour, colour),
            Word::Size(size) => self.say(|heard| &mut heard.described.size, size),
            Word::Count(count) => self.say(|heard| &mut heard.described.count, count),
            Word::Ground(ground) => self.say_of_all(|claims| &mut claims.ground, ground),
            Word::Time(time) => self.say_of_all(|claims| &mut claims.time_of_day, time),
            Word::Weather(weather) => self.say_of_all(|claims| &mut claims.weather, weather),
            Word::Camera(camera) => self.say_of_all(|claims| &mut claims.camera, camera),
            Word::Joins => self.is_joined = true,
            Word::Then => self.is_later = true,
            Word::Nothing => {}
        }
    }

    /// The thing named last, if it is not the main one.
    fn last_other(&self) -> Option<usize> {
        self.claims.things.len().checked_sub(1).filter(|&thing| thing > 0)
    }

    /// Names a thing.
    fn name(&mut self, kind: Kind) -> usize {
        let Described { colour, size, count } = std::mem::take(&mut self.described);
        self.claims.things.push(ThingClaim { kind, colour, size, count: count.unwrap_or(1) });
        let thing = self.claims.things.len() - 1;
        if std::mem::take(&mut self.is_joined) {
            self.beside.push(thing);
        }
        thing
    }

    fn does(&mut self, action: Action, direction: Option<Direction>, other: Option<usize>) {
        let is_first = self.claims.events.is_empty();
        let is_later = std::mem::take(&mut self.is_later);
        self.must(!self.claims.things.is_empty() && is_later != is_first);
        self.must(self.described == Described::default());
        self.is_joined = false;
        self.claims.events.push(EventClaim { action, direction, other });
    }

    /// The last event is done to this thing.
    fn does_it_to(&mut self, thing: usize) {
        if let Some(event) = self.claims.events.last_mut() {
            event.other = Some(thing);
        }
    }

    fn relate(&mut self, relation: Relation, other: usize) {
        self.claims.relations.push(RelationClaim { relation, other });
    }

    /// At the end: what describes a thing was of one, and every thing but the main one is somewhere, or named beside the others.
    fn end(mut self) -> Self {
        let Claims { things, events, relations, .. } = &self.claims;
        let is_placed = |thing: usize| {
            self.beside.contains(&thing)
                || events.iter().any(|event| event.other == Some(thing))
                || relations.iter().any(|relation| relation.other == thing)
        };
        let all_placed = (1..things.len()).all(is_placed);
        let each_has_other = events.iter().all(|event| event.action.needs_other() == event.other.is_some());
        let ends_well = self.described == Described::default() && !self.is_later;
        self.must(all_placed && each_has_other && ends_well);
        self
    }
}

/// What was said of a thing before its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
