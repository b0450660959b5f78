//! Captions: what a clip shows, in English or Chinese, from terse to a full sentence.
//!
//! What a caption leaves out is free in the scene. First [`Content`] decides what is said; then the
//! language says it.

pub(crate) mod chinese;
pub(crate) mod english;
mod expand;
mod mention;
mod retold;
mod vocabulary;

use rand::seq::IndexedRandom;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::event::Action;
use crate::kind::{Colour, Kind};
use crate::place::{CameraMove, Weather};
use crate::scene::{Relation, Scene};
use crate::split::{HeldOut, Split};

pub use expand::{expand_prompt, expand_prompts};
pub use mention::Mention;
pub use retold::{retell, tell_in_turn, tell_plainly, tell_without_events};
pub use vocabulary::{Group, all_caption_words, is_chinese, things_in, unknown_words, vocabulary};

/// The language of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Lower case, words apart, commas only.
    English,
    /// Simplified characters, words together, commas only.
    Chinese,
}

impl Language {
    /// Both languages.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Whether the size of a kind can be said: "小人" and "大人" would be other words.
    fn sizes(self, kind: Kind) -> bool {
        self == Self::English || kind != Kind::Person
    }
}

/// Something about a scene that a caption states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// The kind of the thing at this index.
    Kind(usize),
    /// The colour of the thing at this index.
    Colour(usize),
    /// The size of the thing at this index.
    Size(usize),
    /// The event at this index, with its direction where it travels.
    Event(usize),
    /// The relation to the neighbour at this index.
    Relation(usize),
    /// The ground.
    Ground,
    /// The time of day.
    TimeOfDay,
    /// The weather.
    Weather,
    /// How the camera moves.
    Camera,
}

/// A caption and what it states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// The text.
    pub text: String,
    /// Its language.
    pub language: Language,
    /// What it states, in order and each once.
    pub states: Vec<Attribute>,
    /// Which of its words are about which thing, in order.
    pub mentions: Vec<Mention>,
}

impl Caption {
    /// Whether the caption states this.
    pub fn states(&self, attribute: Attribute) -> bool {
        self.states.contains(&attribute)
    }
}

/// What the camera does, in words, as captions say it.
pub fn camera_words(camera: CameraMove, language: Language) -> String {
    match language {
        Language::English => english::camera(camera)[0].to_owned(),
        Language::Chinese => chinese::camera(camera)[0].replace(' ', ""),
    }
}

/// A prompt without what it says of the camera in the words of captions; all else of it stays.
pub fn without_camera(prompt: &str) -> String {
    const BETWEEN: [char; 4] = [' ', ',', '，', '、'];
    let english = CameraMove::ALL.into_iter().flat_map(|camera| english::camera(camera).iter().copied());
    let mut phrases: Vec<String> = english.map(str::to_owned).collect();
    let chinese = CameraMove::ALL.into_iter().flat_map(|camera| chinese::camera(camera).iter().copied());
    phrases.extend(chinese.flat_map(|phrase| [phrase.to_owned(), phrase.replace(' ', "")]));
    // "Pans to the left" is more than "pans".
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
    let mut rest = prompt.to_owned();
    for phrase in &phrases {
        // Letters of ASCII alone change, so that places stay.
        while let Some(start) = rest.to_ascii_lowercase().find(phrase.as_str()) {
            let (before, behind) = (&rest[..start], &rest[start + phrase.len()..]);
            let before = before.trim_end_matches(BETWEEN);
            let before = before.strip_suffix(" and").unwrap_or(before);
            let behind = if before.is_empty() { behind.trim_start_matches(BETWEEN) } else { behind };
            rest = format!("{before}{behind}");
        }
    }
    rest.trim().to_owned()
}

/// A thing in words, as captions name it: "a red dog".
pub fn thing_words(kind: Kind, colour: Colour, language: Language) -> String {
    match language {
        Language::English => {
            let colour = english::colour(colour);
            let article = if colour.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            format!("{article} {colour} {}", english::kind(kind))
        }
        Language::Chinese => {
            format!("一{}{}的{}", chinese::measure(kind), chinese::colour(colour), chinese::kind(kind))
                .replace(' ', "")
        }
    }
}

/// A caption of a clip. The phrasing comes from `rng`, the facts from the scene.
pub fn caption(scene: &Scene, language: Language, rng: &mut impl Rng) -> Caption {
    let content = Content::of_clip(scene, language, rng);
    content.say(scene, language, rng)
}

/// A caption of a single frame: it says nothing that takes time to see.
pub fn still_caption(scene: &Scene, language: Language, rng: &mut impl Rng) -> Caption {
    let content = Content::of_still(scene, language, rng);
    content.say(scene, language, rng)
}

/// A caption of a clip that states all there is to state.
pub fn dense_caption(scene: &Scene, language: Language, rng: &mut impl Rng) -> Caption {
    Content::all(scene, language).say(scene, language, rng)
}

/// A caption of a single frame that states all that can be seen in one.
pub fn dense_still_caption(scene: &Scene, language: Language, rng: &mut impl Rng) -> Caption {
    let mut content = Content { events: false, camera: false, ..Content::all(scene, language) };
    content.relations = relations_show_in_stills(scene);
    content.say(scene, language, rng)
}

/// Held-out scenes with prompts that state the main thing's colour and what is held out.
/// The same seed gives the same prompts.
pub fn held_out_prompts(count: usize, language: Language, seed: u64) -> Vec<(Scene, String)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut prompts = Vec::with_capacity(count);
    while prompts.len() < count {
        let scene = Scene::sample(rng.next_u64(), Split::HeldOut);
        let caption = caption(&scene, language, &mut rng);
        let held_out = HeldOut::of(&scene);
        // Every thing's kind is stated, so a pair always is.
        let states_it = held_out.colours.iter().any(|&thing| caption.states(Attribute::Colour(thing)))
            || held_out.events.iter().any(|&event| caption.states(Attribute::Event(event)))
            || !held_out.pairs.is_empty();
        if states_it && caption.states(Attribute::Colour(0)) {
            prompts.push((scene, caption.text));
        }
    }
    prompts
}

/// What a caption says, before it is put into words.
#[derive(Clone, Debug)]
struct Content {
    /// For each thing whether its colour and its size are said.
    colours: Vec<bool>,
    sizes: Vec<bool>,
    /// Whether the events are said; a still leaves them out.
    events: bool,
    /// Whether the sentence may be cut down to its core.
    terse: bool,
    relations: bool,
    ground: bool,
    time_of_day: bool,
    weather: bool,
    camera: bool,
}

impl Content {
    fn of_clip(scene: &Scene, language: Language, rng: &mut dyn RngCore) -> Self {
        let terse = rng.random_bool(0.5);
        let mut content = Self::of_things(scene, language, terse, rng);
        // A thing at rest is often just named.
        content.events = scene.events[0].action != Action::Rests || rng.random_bool(0.5);
        if !terse {
            content.draw_place(scene, rng);
            content.camera = rng.random_bool(if scene.camera == CameraMove::Still { 0.1 } else { 0.6 });
        }
        content
    }

    fn of_still(scene: &Scene, language: Language, rng: &mut dyn RngCore) -> Self {
        let terse = rng.random_bool(0.4);
        let mut content = Self::of_things(scene, language, terse, rng);
        content.relations &= relations_show_in_stills(scene);
        if !terse {
            content.draw_place(scene, rng);
        }
        content
    }

    fn of_things(scene: &Scene, language: Language, terse: bool, rng: &mut dyn RngCore) -> Self {
        let sizes = scene
            .things
            .iter()
            .map(|thing| language.sizes(thing.kind) && rng.random_bool(if terse { 0.2 } else { 0.4 }))
            .collect();
        Self {
            colours: scene.things.iter().map(|_| rng.random_bool(0.95)).collect(),
            sizes,
            events: false,
            terse,
            relations: rng.random_bool(0.9),
            ground: false,
            time_of_day: false,
            weather: false,
            camera: false,
        }
    }

    fn all(scene: &Scene, language: Language) -> Self {
        Self {
            colours: vec![true; scene.things.len()],
            sizes: scene.things.iter().map(|thing| language.sizes(thing.kind)).collect(),
            events: true,
            terse: false,
            relations: true,
            ground: true,
            time_of_day: true,
            weather: true,
            camera: true,
        }
    }

    fn draw_place(&mut self, scene: &Scene, rng: &mut dyn RngCore) {
        self.ground = rng.random_bool(0.75);
        self.time_of_day = rng.random_bool(0.4);
        self.weather = rng.random_bool(if scene.weather == Weather::Clear { 0.1 } else { 0.75 });
    }

    fn say(mut self, scene: &Scene, language: Language, rng: &mut dyn RngCore) -> Caption {
        // Without a relation between two things the sentence names both, and no event.
        self.relations |= self.events;
        let marked = match language {
            Language::English => english::say(scene, &self, rng),
            Language::Chinese => chinese::say(scene, &self, rng),
        };
        let (text, mentions) = mention::unmark(&marked);
        Caption { text, language, states: self.states(scene), mentions }
    }

    fn states(&self, scene: &Scene) -> Vec<Attribute> {
        let mut states = Vec::new();
        for thing in 0..scene.things.len() {
            states.push(Attribute::Kind(thing));
            if self.colours[thing] {
                states.push(Attribute::Colour(thing));
            }
            if self.sizes[thing] {
                states.push(Attribute::Size(thing));
            }
        }
        if self.events {
            states.extend((0..scene.events.len()).map(Attribute::Event));
        }
        if self.relations {
            let has_relation = |&index: &usize| scene.neighbours[index].relation.is_some();
            states.extend((0..scene.neighbours.len()).filter(has_relation).map(Attribute::Relation));
        }
        for (stated, attribute) in [
            (self.ground, Attribute::Ground),
            (self.time_of_day, Attribute::TimeOfDay),
            (self.weather, Attribute::Weather),
            (self.camera, Attribute::Camera),
        ] {
            if stated {
                states.push(attribute);
            }
        }
        states.sort();
        states
    }
}

/// While it collides or passes behind, the relation changes from frame to frame.
fn relations_show_in_stills(scene: &Scene) -> bool {
    !scene.events[0].action.needs_other()
}

/// One of several phrasings, each as likely as any other.
fn pick<'a>(phrasings: &[&'a str], rng: &mut dyn RngCore) -> &'a str {
    phrasings.choose(rng).copied().unwrap_or_default()
}

/// The neighbours on the left and on the right of the main thing, where it is between two.
fn between(scene: &Scene) -> Option<(usize, usize)> {
    let [a, b] = scene.neighbours.as_slice() else { return None };
    match (a.relation?, b.relation?) {
        (Relation::RightOf, Relation::LeftOf) => Some((a.thing, b.thing)),
        (Relation::LeftOf, Relation::RightOf) => Some((b.thing, a.thing)),
        _ => None,
    }
}
