//! Prompts that say little, made to say what a dense caption says.
//!
//! A model draws best what is fully described. What a prompt leaves open is free, so it is decided here: what stays in its
//! place is large, and what goes elsewhere is small, which leaves it room; a ground on which the things stand out,
//! daylight, a still camera. What is there stays. (Betker et al. 2023, "Improving image generation with better captions",
//! and Sora after it have a language model for this; for the words of this world rules are enough.)

use rand::{RngCore, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{Language, chinese, english, unknown_words, vocabulary::kind_of_word};
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What is taken for an open time of day: daylight.
const DAY: [TimeOfDay; 2] = [TimeOfDay::Morning, TimeOfDay::Noon];

/// What takes a thing far enough elsewhere to need room. What floats is slow.
fn going() -> impl Iterator<Item = Action> {
    Action::ALL.into_iter().filter(|&action| action.travels() && action != Action::Floats)
}

/// The prompt with what it leaves open of sizes, ground, time of day, weather and, for more than one frame, camera
/// filled in, in its own language; the seed decides where there is a choice.
///
/// A prompt that names no thing of the world stays as it is, and so does one with words that the world does not know,
/// since these may say what seems to be open.
pub fn expand_prompt(prompt: &str, num_frames: usize, seed: u64) -> String {
    expand_prompts(&[prompt], num_frames, seed).remove(0)
}

/// The same of the prompts of one video after another, in which a thing stays as large as it is: what goes elsewhere in one of
/// them is small in all.
pub fn expand_prompts(prompts: &[&str], num_frames: usize, seed: u64) -> Vec<String> {
    let mut heard: Vec<Option<Heard>> =
        prompts.iter().map(|prompt| Heard::of(prompt, num_frames == 1)).collect();
    let movers: Vec<Kind> =
        heard.iter().flatten().filter(|heard| heard.said.goes).map(|heard| heard.said.kinds[0]).collect();
    for heard in heard.iter_mut().flatten() {
        heard.said.goes = movers.contains(&heard.said.kinds[0]);
    }
    let expand = |(prompt, heard): (&&str, Option<Heard>)| match heard {
        Some(heard) => heard.expand(seed),
        None => (*prompt).to_owned(),
    };
    prompts.iter().zip(heard).map(expand).collect()
}

/// A prompt of the world's words.
struct Heard {
    /// What stands between its commas and full stops.
    parts: Vec<String>,
    said: Said,
    language: Language,
}

impl Heard {
    fn of(prompt: &str, is_still: bool) -> Option<Self> {
        if !unknown_words(prompt).is_empty() {
            return None;
        }
        let lower = prompt.to_lowercase();
        let parts =
            lower.split([',', '.', ';', '!', '?', '\n', '，', '。', '；', '！', '？', '、']).map(str::trim);
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (said, language) = match hear_chinese(&parts.join("，"), is_still) {
            Some(said) => (said, Language::Chinese),
            None => (parse_english(&parts.join(" "), is_still)?, Language::English),
        };
        Some(Self { parts, said, language })
    }

    fn expand(&self, seed: u64) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        match self.language {
            Language::Chinese => expand_chinese(&parts, &self.said, &mut rng),
            Language::English => expand_english(&parts, &self.said, &mut rng),
        }
    }
}

/// What a prompt says, as far as it matters to what it leaves open.
struct Said {
    kinds: Vec<Kind>,
    colours: Vec<Colour>,
    /// How many sizes it gives.
    sizes: usize,
    /// Whether the first thing, which is the one that does something, goes elsewhere; in a still it does not.
    goes: bool,
    /// Whether it stands on another or passes behind it, which things of the world do that are small.
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
        if thing == 0 && (self.goes || self.main_is_small) { Size::Small } else { Size::Large }
    }

    /// A ground that can carry the things, and of another colour than they are.
    fn draw_ground(&self, rng: &mut dyn RngCore) -> Ground {
        const LAND: [(Ground, &[Colour]); 4] = [
            (Ground::Grass, &[Colour::Green]),
            (Ground::Sand, &[Colour::Yellow, Colour::Orange]),
            (Ground::Snow, &[Colour::White]),
            (Ground::Road, &[Colour::Black, Colour::White]),
        ];
        match self.kinds.iter().position(|&kind| kind == Kind::Boat) {
            _ if self.floats => return Ground::Water,
            Some(0) => return Ground::Water,
            // Beside what is on land, a boat lies on the beach.
            Some(_) => return Ground::Sand,
            None => {}
        }
        let stands_out = |own: &[Colour]| !self.colours.iter().any(|colour| own.contains(colour));
        let grounds = LAND.into_iter().filter(|(_, own)| stands_out(own)).map(|(ground, _)| ground);
        grounds.collect::<Vec<_>>().choose(rng).copied().unwrap_or(Ground::Grass)
    }
}

fn draw_time(rng: &mut dyn RngCore) -> TimeOfDay {
    DAY.choose(rng).copied().unwrap_or(TimeOfDay::Noon)
}

/// The plain one of several phrasings: the first.
fn plain(phrasings: &[&'static str]) -> &'static str {
    phrasings.first().copied().unwrap_or_default()
}

fn expand_english(parts: &[&str], said: &Said, rng: &mut dyn RngCore) -> String {
    // Sentences of their own stay behind what is added.
    let is_own =
        |part: &&&str| part.trim_start_matches("the ").starts_with("camera") || part.starts_with("it is ");
    let own = parts.iter().skip(1).rev().take_while(is_own).count();
    let (core, own) = parts.split_at(parts.len() - own);
    let (mut before, mut core) = (Vec::new(), size_english(&core.join(", "), said));
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
        core = format!("{core} {}", plain(english::weather(Weather::Clear)));
    }
    if !said.camera {
        after.push(plain(english::camera(CameraMove::Still)).to_owned());
    }
    [before, vec![core], after].concat().join(", ")
}

/// What an English prompt says; none if it names no thing.
fn parse_english(text: &str, is_still: bool) -> Option<Said> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let kinds: Vec<Kind> = words.iter().filter_map(|word| kind_of_word(word)).collect();
    if kinds.is_empty() {
        return None;
    }
    let line = format!(" {} ", words.join(" "));
    let says = |phrase: &str| line.contains(&format!(" {phrase} "));
    let says_any = |phrases: &[&str]| phrases.iter().any(|phrase| says(phrase));
    let does = |action: Action| english::verbs(action).iter().any(|v| says(v.simple) || says(v.participle));
    // "towards the camera" is a direction.
    let ways = Direction::ALL.into_iter().flat_map(english::direction).filter(|way| way.ends_with("camera"));
    let without_ways = ways.fold(line.clone(), |line, way| line.replace(way, ""));
    Some(Said {
        kinds,
        colours: Colour::ALL.into_iter().filter(|&colour| says(english::colour(colour))).collect(),
        sizes: words.iter().filter(|word| is_english_size(word)).count(),
        goes: !is_still && going().any(does),
        main_is_small: does(Action::PassesBehind) || says_any(english::relation(Relation::OnTopOf)),
        flies: does(Action::Flies) || says("in the sky"),
        floats: does(Action::Floats),
        ground: Ground::ALL.into_iter().any(|ground| says(last_word(english::ground(ground)))),
        time_of_day: TimeOfDay::ALL.into_iter().any(|time| says(last_word(english::time_of_day(time)))),
        weather: Weather::ALL.into_iter().flat_map(english::weather).any(|phrase| match last_word(phrase) {
            "sky" => says("clear sky"),
            word => says(word),
        }),
        camera: is_still || without_ways.contains(" camera "),
    })
}

fn last_word(phrase: &str) -> &str {
    phrase.rsplit(' ').next().unwrap_or(phrase)
}

fn is_english_size(word: &str) -> bool {
    Size::ALL.into_iter().any(|size| english::size(size).contains(&word))
}

/// "an orange ball" becomes "a large orange ball", or a small one.
fn size_english(text: &str, said: &Said) -> String {
    let bare = |word: &str| word.trim_end_matches(',').to_owned();
    let describes = |word: &str| {
        Colour::ALL.into_iter().any(|colour| english::colour(colour) == word)
            || is_english_size(word)
            || word == "and"
    };
    let mut words: Vec<&str> = Vec::new();
    let mut things = 0;
    for word in text.split_whitespace() {
        if kind_of_word(&bare(word)).is_some() {
            let before = words.iter().rev().take_while(|word| describes(&bare(word))).count();
            let at = words.len() - before;
            let is_sized = words[at..].iter().any(|word| is_english_size(&bare(word)));
            // "the ball is small" has its size elsewhere.
            if !is_sized && said.sizes < said.kinds.len() {
                words.insert(at, plain(english::size(said.size(things))));
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

fn expand_chinese(parts: &[&str], said: &Said, rng: &mut dyn RngCore) -> String {
    let text = size_chinese(&parts.join("，"), said);
    let mut parts: Vec<String> = text.split('，').map(str::to_owned).collect();
    let camera = parts.iter().position(|part| part.starts_with("镜头")).unwrap_or(parts.len());
    if !said.camera {
        parts.push(closed(plain(chinese::camera(CameraMove::Still))));
    }
    if !said.weather {
        parts.insert(camera, closed(plain(chinese::weather(Weather::Clear))));
    }
    if !said.ground {
        let above = if said.flies { chinese::ABOVE } else { chinese::ON };
        let place = format!("{}{above}", chinese::ground_name(said.draw_ground(rng)));
        let settings = parts.iter().take_while(|part| is_time(part) || part.ends_with('中')).count();
        parts.insert(settings, place);
    }
    if !said.time_of_day {
        parts.insert(0, closed(plain(chinese::time_of_day(draw_time(rng)))));
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
    let kinds: Vec<Kind> = kinds_in_chinese(text).into_iter().map(|(_, kind)| kind).collect();
    if kinds.is_empty() {
        return None;
    }
    let says = |phrase: &str| text.contains(&closed(phrase));
    let says_any = |phrases: &[&str]| phrases.iter().any(|phrase| says(phrase));
    // An aeroplane does not yet fly.
    let deeds = text.replace(chinese::kind(Kind::Plane), "");
    let does = |event: Event| chinese::verbs(event).iter().any(|verb| deeds.contains(&closed(verb)));
    let ways = Direction::ALL.into_iter().flat_map(chinese::direction);
    let without_ways = ways.fold(text.to_owned(), |text, way| text.replace(&closed(way), ""));
    let (from, behind) = chinese::PASSES_BEHIND;
    Some(Said {
        kinds,
        colours: Colour::ALL.into_iter().filter(|&colour| says(chinese::colour(colour))).collect(),
        sizes: Size::ALL.into_iter().map(|size| text.matches(chinese::size(size)).count()).sum(),
        goes: !is_still && going().any(|action| does(Event::of(action))),
        main_is_small: (says(from) && says(behind)) || says_any(chinese::relation(Relation::OnTopOf)),
        flies: does(Event::of(Action::Flies)),
        floats: does(Event::of(Action::Floats)) || does(Event::towards(Action::Floats, Direction::Left)),
        ground: Ground::ALL.into_iter().any(|ground| says(chinese::ground_name(ground))),
        time_of_day: TimeOfDay::ALL.into_iter().any(|time| says_any(chinese::time_of_day(time))),
        weather: Weather::ALL.into_iter().any(|weather| says_any(chinese::weather(weather))),
        camera: is_still || without_ways.contains("镜头"),
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

/// "一个红色的球" becomes "一个红色的大球", or a small one.
fn size_chinese(text: &str, said: &Said) -> String {
    let mut sized = String::new();
    let mut from = 0;
    for (thing, (at, kind)) in kinds_in_chinese(text).into_iter().enumerate() {
        let before = &text[from..at];
        let is_sized = Size::ALL.into_iter().any(|size| before.contains(chinese::size(size)));
        sized += before;
        if !is_sized && said.sizes < said.kinds.len() && Language::Chinese.sizes(kind) {
            sized += chinese::size(said.size(thing));
        }
        from = at;
    }
    sized + &text[from..]
}
