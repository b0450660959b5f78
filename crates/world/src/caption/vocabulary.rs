//! Every word that captions can contain, taken from the phrases that they are made of.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Language, chinese, english};
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// Phrases of one sort, such as colours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they are about, in English.
    pub name: &'static str,
    /// The phrases as they stand in captions; a Chinese one has spaces between its words.
    pub phrases: Vec<String>,
}

/// Every phrase that captions can contain, group by group.
pub fn vocabulary(language: Language) -> Vec<Group> {
    let group = |name, phrases: Vec<&str>| Group {
        name,
        phrases: phrases.into_iter().map(|phrase| phrase.trim_matches([',', '，', ' ']).into()).collect(),
    };
    let forms = |action: Action| {
        english::verbs(action).iter().flat_map(|verb| {
            [verb.simple, verb.participle].map(|form| format!("{form} {}", verb.rest).trim().to_owned())
        })
    };
    match language {
        Language::English => vec![
            group("things", each(&Kind::ALL, |kind| vec![english::kind(kind)])),
            group("colours", each(&Colour::ALL, |colour| vec![english::colour(colour)])),
            group("sizes", each(&Size::ALL, |size| english::size(size).to_vec())),
            Group { name: "events", phrases: Action::ALL.into_iter().flat_map(forms).collect() },
            group("directions", each(&Direction::ALL, |way| english::direction(way).to_vec())),
            group("relations", each(&Relation::ALL, |relation| english::relation(relation).to_vec())),
            group("grounds", {
                let mut grounds = each(&Ground::ALL, |ground| vec![english::ground(ground)]);
                grounds.extend([english::ON, english::OVER, english::ONTO]);
                grounds
            }),
            group("times of day", each(&TimeOfDay::ALL, |time| vec![english::time_of_day(time)])),
            group("weather", each(&Weather::ALL, |weather| english::weather(weather).to_vec())),
            group("camera", each(&CameraMove::ALL, |camera| english::camera(camera).to_vec())),
            group("other", [english::THEN, english::VIDEO, english::PICTURE, english::GLUE].concat()),
        ],
        Language::Chinese => vec![
            group("things", each(&Kind::ALL, |kind| vec![chinese::kind(kind)])),
            group("colours", each(&Colour::ALL, |colour| vec![chinese::colour(colour)])),
            group("sizes", each(&Size::ALL, |size| vec![chinese::size(size)])),
            group("events", {
                let mut events = each(&Action::ALL, |action| {
                    let still = chinese::verbs(Event::of(action)).iter();
                    let moving = chinese::verbs(Event::towards(action, Direction::Left)).iter();
                    still.chain(moving).copied().collect()
                });
                events.extend([
                    chinese::STOP,
                    chinese::FALLS_ONTO,
                    chinese::PASSES_BEHIND.0,
                    chinese::PASSES_BEHIND.1,
                ]);
                events
            }),
            group("directions", each(&Direction::ALL, |way| chinese::direction(way).to_vec())),
            group("relations", each(&Relation::ALL, |relation| chinese::relation(relation).to_vec())),
            group("grounds", {
                let mut grounds = each(&Ground::ALL, |ground| vec![chinese::ground_name(ground)]);
                grounds.extend([chinese::ON, chinese::ABOVE]);
                grounds
            }),
            group("times of day", each(&TimeOfDay::ALL, |time| chinese::time_of_day(time).to_vec())),
            group("weather", each(&Weather::ALL, |weather| chinese::weather(weather).to_vec())),
            group("camera", each(&CameraMove::ALL, |camera| chinese::camera(camera).to_vec())),
            group("measure words", each(&Kind::ALL, |kind| vec![chinese::measure(kind)])),
            group(
                "other",
                [&[chinese::THEN, chinese::IN_ORDER.0, chinese::IN_ORDER.1, chinese::ONGOING], chinese::GLUE]
                    .concat(),
            ),
        ],
    }
    .into_iter()
    .map(without_repeats)
    .collect()
}

fn each<T: Copy>(all: &[T], phrases: impl Fn(T) -> Vec<&'static str>) -> Vec<&'static str> {
    all.iter().flat_map(|&item| phrases(item)).collect()
}

fn without_repeats(mut group: Group) -> Group {
    let mut seen = BTreeSet::new();
    group.phrases.retain(|phrase| seen.insert(phrase.clone()));
    group
}

/// Every word that captions can contain, sorted and each once: English ones in lower case and
/// without punctuation, Chinese ones as they are written.
pub fn all_caption_words(language: Language) -> Vec<String> {
    let words: BTreeSet<String> = vocabulary(language)
        .iter()
        .flat_map(|group| &group.phrases)
        .flat_map(|phrase| phrase.split(' '))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter().collect()
}

/// How many things an English caption names.
pub fn things_in(caption: &str) -> usize {
    caption.split(|letter: char| !letter.is_ascii_alphabetic()).filter_map(kind_of_word).count()
}

/// The kind that an English word names.
pub(super) fn kind_of_word(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|&kind| english::kind(kind) == word)
}

/// The words of a prompt that no caption contains, in order and each once. The prompt may mix the
/// two languages; letter case, digits and punctuation do not matter.
pub fn unknown_words(prompt: &str) -> Vec<String> {
    let english: BTreeSet<String> = all_caption_words(Language::English).into_iter().collect();
    let chinese = all_caption_words(Language::Chinese);

    let mut unknown: Vec<String> = Vec::new();
    let mut add = |word: &str| {
        if !word.is_empty() && !unknown.iter().any(|known| known == word) {
            unknown.push(word.to_owned());
        }
    };
    let lower = prompt.to_lowercase();
    for word in lower.split(|letter: char| !letter.is_alphabetic() || is_chinese_letter(letter)) {
        if !english.contains(word) {
            add(word);
        }
    }
    for run in lower.split(|letter| !is_chinese_letter(letter)) {
        for word in unknown_runs(run, &chinese) {
            add(word);
        }
    }
    unknown
}

/// The stretches of Chinese text that remain when as few letters as possible are left out of words.
fn unknown_runs<'a>(text: &'a str, words: &[String]) -> Vec<&'a str> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    // For each letter, from the end: how many letters from here on are in no word, and the length
    // of the word that begins here in the best reading (0: no word).
    let letters = starts.len() - 1;
    let mut best = vec![(0_usize, 0_usize); letters + 1];
    for from in (0..letters).rev() {
        best[from] = (best[from + 1].0 + 1, 0);
        for word in words {
            let length = word.chars().count();
            if text[starts[from]..].starts_with(word.as_str()) && best[from + length].0 < best[from].0 {
                best[from] = (best[from + length].0, length);
            }
        }
    }
    let mut runs = Vec::new();
    let (mut at, mut run) = (0, None);
    while at <= letters {
        let is_known = at == letters || best[at].1 > 0;
        match (is_known, run) {
            (false, None) => run = Some(at),
            (true, Some(from)) => {
                runs.push(&text[starts[from]..starts[at]]);
                run = None;
            }
            _ => {}
        }
        at += best.get(at).map_or(1, |(_, length)| (*length).max(1));
    }
    runs
}

fn is_chinese_letter(letter: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&letter)
}

/// Whether a text has Chinese letters.
pub fn is_chinese(text: &str) -> bool {
    text.chars().any(is_chinese_letter)
}
