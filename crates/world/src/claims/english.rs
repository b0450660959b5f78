//! English prompts.

use std::sync::LazyLock;

use super::{Claims, Described, EventClaim, longest};
use crate::caption::english;
use crate::event::{Action, Direction};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What a phrase means.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Thing(Kind),
    Colour(Colour),
    /// "in red", behind a person.
    Wears(Colour),
    Size(Size),
    Count(usize),
    Does(Action),
    Way(Direction),
    Relates(Relation),
    /// "between", before two things.
    Between,
    /// "on the left", behind a thing that is there.
    Side(Relation),
    Ground(Ground),
    Time(TimeOfDay),
    Weather(Weather),
    Camera(CameraMove),
}

/// Numbers of things, in letters.
const COUNTS: [(&str, usize); 4] = [("one", 1), ("two", 2), ("three", 3), ("four", 4)];

/// Every phrase that says something.
static PHRASES: LazyLock<Vec<(String, Sign)>> = LazyLock::new(|| {
    let mut phrases: Vec<(String, Sign)> = Vec::new();
    let mut add = |phrase: &str, sign: Sign| phrases.push((phrase.trim().to_owned(), sign));
    for kind in Kind::ALL {
        add(english::kind(kind), Sign::Thing(kind));
        add(&format!("{}s", english::kind(kind)), Sign::Thing(kind));
    }
    add("people", Sign::Thing(Kind::Person));
    for (word, count) in COUNTS {
        add(word, Sign::Count(count));
        add(&count.to_string(), Sign::Count(count));
    }
    for colour in Colour::ALL {
        add(english::colour(colour), Sign::Colour(colour));
        add(&format!("in {}", english::colour(colour)), Sign::Wears(colour));
    }
    for size in Size::ALL {
        english::size(size).iter().for_each(|word| add(word, Sign::Size(size)));
    }
    for action in Action::ALL {
        for verb in english::verbs(action) {
            for form in [verb.simple, verb.participle] {
                add(form, Sign::Does(action));
                add(&format!("{form} {}", verb.rest), Sign::Does(action));
            }
        }
    }
    for way in Direction::ALL {
        english::direction(way).iter().for_each(|phrase| add(phrase, Sign::Way(way)));
    }
    for relation in Relation::ALL {
        english::relation(relation).iter().for_each(|phrase| add(phrase, Sign::Relates(relation)));
    }
    add("between", Sign::Between);
    // What is on the left has the main thing to its right.
    add("on the left", Sign::Side(Relation::RightOf));
    add("on the right", Sign::Side(Relation::LeftOf));
    for ground in Ground::ALL {
        for place in [english::ON, english::OVER, english::ONTO] {
            add(&format!("{place} {}", english::ground(ground)), Sign::Ground(ground));
        }
    }
    for time in TimeOfDay::ALL {
        add(english::time_of_day(time), Sign::Time(time));
    }
    for weather in Weather::ALL {
        english::weather(weather).iter().for_each(|phrase| add(phrase, Sign::Weather(weather)));
    }
    for camera in CameraMove::ALL {
        english::camera(camera).iter().for_each(|phrase| {
            add(phrase, Sign::Camera(camera));
            add(phrase.trim_start_matches("the "), Sign::Camera(camera));
        });
    }
    phrases
});

/// What a thing that is named next is to what was said before.
#[derive(Clone, Copy)]
enum Next {
    Related(Relation),
    /// The second of two that have the main thing between them.
    Right,
    /// Of the last event.
    Other,
}

/// What an English prompt claims, in lower case.
pub(super) fn read(prompt: &str) -> Claims {
    let words = prompt.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    let mut claims = Claims::default();
    let mut described = Described::default();
    let mut next: Option<Next> = None;
    let mut between = false;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let ends = |text: &str, at: usize| text.len() == at || text[at..].starts_with(' ');
        let Some((length, sign)) = longest(&PHRASES, rest, ends) else {
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
            continue;
        };
        rest = rest[length..].trim_start();
        match sign {
            Sign::Thing(kind) => {
                let thing = claims.name(&mut described, kind);
                match next.take() {
                    Some(Next::Related(relation)) => claims.relate(relation, thing),
                    Some(Next::Right) => claims.relate(Relation::LeftOf, thing),
                    Some(Next::Other) => {
                        claims.events.last_mut().into_iter().for_each(|event| event.other = Some(thing));
                    }
                    None => {}
                }
                if std::mem::take(&mut between) {
                    next = Some(Next::Right);
                }
            }
            Sign::Colour(colour) => described.colour = Some(colour),
            Sign::Wears(colour) => {
                claims.things.last_mut().into_iter().for_each(|thing| thing.colour = Some(colour));
            }
            Sign::Size(size) => described.size = Some(size),
            Sign::Count(count) => described.count = Some(count),
            Sign::Does(action) => {
                claims.events.push(EventClaim { action, direction: None, other: None });
                next = action.needs_other().then_some(Next::Other);
            }
            Sign::Way(way) => {
                claims.events.last_mut().into_iter().for_each(|event| event.direction = Some(way));
            }
            Sign::Relates(relation) => next = Some(Next::Related(relation)),
            Sign::Between => {
                between = true;
                next = Some(Next::Related(Relation::RightOf));
            }
            Sign::Side(relation) => {
                if let Some(thing) = claims.things.len().checked_sub(1).filter(|&thing| thing > 0) {
                    claims.relate(relation, thing);
                }
            }
            Sign::Ground(ground) => claims.ground = Some(ground),
            Sign::Time(time) => claims.time_of_day = Some(time),
            Sign::Weather(weather) => claims.weather = Some(weather),
            Sign::Camera(camera) => claims.camera = Some(camera),
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_plural() {
        for kind in Kind::ALL {
            assert_eq!(read(&format!("two {}s", english::kind(kind))).count(), 2);
        }
    }
}
