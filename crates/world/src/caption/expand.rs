//! Prompts that say little, made to say what a dense caption says.
//!
//! A model draws best what is fully described. What a prompt leaves open is free, so it is decided here: sizes that can
//! be seen well, a ground on which the things stand out, daylight, a still camera. What is there stays. (Betker et al.
//! 2023, "Improving image generation with better captions", and Sora after it have a language model for this; for the
//! words of this world rules are enough.)

use rand::{RngCore, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{chinese, english};
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What is taken for an open time of day: daylight.
const DAY: [TimeOfDay; 2] = [TimeOfDay::Morning, TimeOfDay::Noon];

/// The prompt with what it leaves open of sizes, ground, time of day, weather and, for more than one frame, camera
/// filled in, in its own language; the seed decides where there is a choice. A prompt that names no thing of the world
/// stays as it is.
pub fn expand_prompt(prompt: &str, num_frames: usize, seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let text = prompt.trim().trim_end_matches(['.', '!', '。', '！']).to_lowercase();
    let is_still = num_frames == 1;
    match (hear_chinese(&text, is_still), hear_english(&text, is_still)) {
        (Some(said), _) => expand_chinese(&text, &said, &mut rng),
        (None, Some(said)) => expand_english(&text, &said, &mut rng),
        (None, None) => prompt.to_owned(),
    }
}

/// What a prompt says, as far as it matters to what it leaves open.
struct Said {
    kinds: Vec<Kind>,
    colours: Vec<Colour>,
    /// Whether the first thing stands on another or passes behind it, which things of the world do that are small.
    main_is_small: bool,
    flies: bool,
    floats: bool,
    ground: bool,
    time_of_day: bool,
    weather: bool,
    /// Also true where there is nothing to say of it: in a still.
    camera: bool,
}

impl Said {
    /// The size for a thing that has none.
    fn size(&self, thing: usize) -> Size {
        if thing == 0 && self.main_is_small { Size::Small } else { Size::Large }
    }

    /// A ground that can carry the things, and of another colour than they are.
    fn draw_ground(&self, rng: &mut dyn RngCore) -> Ground {
        if self.floats || self.kinds.contains(&Kind::Boat) {
            return Ground::Water;
        }
        const LAND: [(Ground, &[Colour]); 4] = [
            (Ground::Grass, &[Colour::Green]),
            (Ground::Sand, &[Colour::Yellow, Colour::Orange]),
            (Ground::Snow, &[Colour::White]),
            (Ground::Road, &[Colour::Black, Colour::White]),
        ];
        let stands_out = |own: &[Colour]| !self.colours.iter().any(|colour| own.contains(colour));
        let grounds: Vec<Ground> =
            LAND.into_iter().filter(|(_, own)| stands_out(own)).map(|(ground, _)| ground).collect();
        grounds.choose(rng).copied().unwrap_or(Ground::Grass)
    }
}

fn draw_time(rng: &mut dyn RngCore) -> TimeOfDay {
    DAY.choose(rng).copied().unwrap_or(TimeOfDay::Noon)
}

fn expand_english(text: &str, said: &Said, rng: &mut dyn RngCore) -> String {
    // Sentences of their own stay behind what is added.
    let text = size_english(text, said);
    let parts: Vec<&str> = text.split(", ").collect();
    let is_own =
        |part: &&&str| part.trim_start_matches("the ").starts_with("camera") || part.starts_with("it is ");
    let own = parts[1..].iter().rev().take_while(is_own).count();
    let (core, own) = parts.split_at(parts.len() - own);
    let (mut before, mut core) = (Vec::new(), core.join(", "));
    let mut after: Vec<String> = own.iter().map(|&part| part.to_owned()).collect();
    if !said.ground {
        let over = if said.flies { english::OVER } else { english::ON };
        let place = format!("{over} {}", english::ground(said.draw_ground(rng)));
        // After "... at night" or "... and a tree on the right" it would belong to these.
        let fits_behind = said.kinds.len() < 3 && !said.time_of_day && !said.weather;
        if fits_behind { core = format!("{core} {place}") } else { before.push(place) }
    }
    if !said.time_of_day {
        let time = english::time_of_day(draw_time(rng));
        if said.weather { before.push(time.to_owned()) } else { core = format!("{core} {time}") }
    }
    if !said.weather {
        core = format!("{core} {}", english::weather(Weather::Clear)[0]);
    }
    if !said.camera {
        after.push(english::camera(CameraMove::Still)[1].to_owned());
    }
    [before, vec![core], after].concat().join(", ")
}

/// What an English prompt says; none if it names no thing.
fn hear_english(text: &str, is_still: bool) -> Option<Said> {
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let line = format!(" {} ", words.join(" "));
    let says = |phrase: &str| line.contains(&format!(" {phrase} "));
    let does = |action: Action| english::verbs(action).iter().any(|v| says(v.simple) || says(v.participle));
    let noun = |phrase: &'static str| phrase.rsplit(' ').next().unwrap_or(phrase);
    let any = |phrases: &[&'static str], end: &dyn Fn(&'static str) -> &'static str| {
        phrases.iter().any(|phrase| says(end(phrase)))
    };
    let without_article = |phrase: &'static str| phrase.trim_start_matches("the ");
    let kinds: Vec<Kind> = words.iter().filter_map(|word| kind_in_english(word)).collect();
    (!kinds.is_empty()).then(|| Said {
        kinds,
        colours: Colour::ALL.into_iter().filter(|&colour| says(english::colour(colour))).collect(),
        main_is_small: does(Action::PassesBehind)
            || any(english::relation(Relation::OnTopOf), &|phrase| phrase),
        flies: does(Action::Flies),
        floats: does(Action::Floats),
        ground: Ground::ALL.into_iter().any(|ground| says(noun(english::ground(ground)))),
        time_of_day: TimeOfDay::ALL.into_iter().any(|time| says(noun(english::time_of_day(time)))),
        weather: Weather::ALL.into_iter().any(|weather| any(english::weather(weather), &noun)),
        camera: is_still
            || CameraMove::ALL.into_iter().any(|way| any(english::camera(way), &without_article)),
    })
}

fn kind_in_english(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|&kind| english::kind(kind) == word)
}

/// "an orange ball" becomes "a big orange ball".
fn size_english(text: &str, said: &Said) -> String {
    let bare = |word: &str| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned();
    let has_size = |word: &str| Size::ALL.into_iter().any(|size| english::size(size).contains(&word));
    let mut words: Vec<&str> = Vec::new();
    let mut things = 0;
    for word in text.split_whitespace() {
        if kind_in_english(&bare(word)).is_some() {
            let coloured =
                words.last().is_some_and(|last| Colour::ALL.iter().any(|&c| english::colour(c) == *last));
            let at = words.len() - usize::from(coloured);
            if at == 0 || !has_size(words[at - 1]) {
                words.insert(at, english::size(said.size(things)).last().copied().unwrap_or_default());
                if at > 0 && words[at - 1] == "an" {
                    words[at - 1] = "a";
                }
            }
            things += 1;
        }
        words.push(word);
    }
    words.join(" ")
}

fn expand_chinese(text: &str, said: &Said, rng: &mut dyn RngCore) -> String {
    let text = size_chinese(text, said);
    let mut parts: Vec<String> = text.split(['，', ',']).map(|part| part.trim().to_owned()).collect();
    let camera = parts.iter().position(|part| part.starts_with("镜头")).unwrap_or(parts.len());
    if !said.camera {
        parts.push(closed(chinese::camera(CameraMove::Still)[0]));
    }
    if !said.weather {
        parts.insert(camera, closed(chinese::weather(Weather::Clear)[0]));
    }
    if !said.ground {
        let above = if said.flies { chinese::ABOVE } else { chinese::ON };
        let place = format!("{}{above}", chinese::ground_name(said.draw_ground(rng)));
        let starts_with_time = is_time(&parts[0]);
        parts.insert(usize::from(starts_with_time), place);
    }
    if !said.time_of_day {
        parts.insert(0, closed(chinese::time_of_day(draw_time(rng))[0]));
    }
    parts.join("，")
}

/// A phrase as it stands in a caption.
fn closed(phrase: &str) -> String {
    phrase.replace(' ', "")
}

fn is_time(part: &str) -> bool {
    TimeOfDay::ALL.into_iter().any(|time| chinese::time_of_day(time).contains(&part))
}

/// What a Chinese prompt says; none if it names no thing.
fn hear_chinese(text: &str, is_still: bool) -> Option<Said> {
    // An aeroplane does not yet fly.
    let deeds = text.replace(chinese::kind(Kind::Plane), "");
    let says = |phrase: &str| text.contains(&closed(phrase));
    let any = |phrases: &[&str]| phrases.iter().any(|phrase| says(phrase));
    let does = |event: Event| chinese::verbs(event).iter().any(|verb| deeds.contains(&closed(verb)));
    let (from, behind) = chinese::PASSES_BEHIND;
    let kinds: Vec<Kind> = kinds_in_chinese(text).into_iter().map(|(_, kind)| kind).collect();
    (!kinds.is_empty()).then(|| Said {
        kinds,
        colours: Colour::ALL.into_iter().filter(|&colour| says(chinese::colour(colour))).collect(),
        main_is_small: (says(from) && says(behind)) || any(chinese::relation(Relation::OnTopOf)),
        flies: does(Event::of(Action::Flies)),
        floats: does(Event::of(Action::Floats)) || does(Event::towards(Action::Floats, Direction::Left)),
        ground: Ground::ALL.into_iter().any(|ground| says(chinese::ground_name(ground))),
        time_of_day: TimeOfDay::ALL.into_iter().any(|time| any(chinese::time_of_day(time))),
        weather: Weather::ALL.into_iter().any(|weather| any(chinese::weather(weather))),
        camera: is_still || CameraMove::ALL.into_iter().any(|way| any(chinese::camera(way))),
    })
}

/// The kinds, and where the word for each begins; "机器人" is no "人".
fn kinds_in_chinese(text: &str) -> Vec<(usize, Kind)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let here = Kind::ALL.into_iter().filter(|&kind| text[at..].starts_with(chinese::kind(kind)));
        let longest = here.max_by_key(|&kind| chinese::kind(kind).len());
        found.extend(longest.map(|kind| (at, kind)));
        at += longest.map_or(letter.len_utf8(), |kind| chinese::kind(kind).len());
    }
    found
}

/// "一个红色的球" becomes "一个红色的大球".
fn size_chinese(text: &str, said: &Said) -> String {
    let mut sized = text.to_owned();
    for (thing, (at, kind)) in kinds_in_chinese(text).into_iter().enumerate().rev() {
        let has_size = Size::ALL.into_iter().any(|size| text[..at].ends_with(chinese::size(size)));
        if !has_size && super::Language::Chinese.sizes(kind) {
            sized.insert_str(at, chinese::size(said.size(thing)));
        }
    }
    sized
}
