//! English prompts.

use std::sync::LazyLock;

use super::{Heard, Word, longest};
use crate::caption::english;
use crate::event::{Action, Direction};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What a phrase means.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Says(Word),
    Thing(Kind),
    /// "in red", behind a person.
    Wears(Colour),
    Does(Action),
    Way(Direction),
    Relates(Relation),
    /// "between", before two things.
    Between,
    /// "on the left", behind a thing that is there.
    Side(Relation),
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
        add(word, Sign::Says(Word::Count(count)));
        add(&count.to_string(), Sign::Says(Word::Count(count)));
    }
    for colour in Colour::ALL {
        add(english::colour(colour), Sign::Says(Word::Colour(colour)));
        add(&format!("in {}", english::colour(colour)), Sign::Wears(colour));
    }
    for size in Size::ALL {
        english::size(size).iter().for_each(|word| add(word, Sign::Says(Word::Size(size))));
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
            add(&format!("{place} {}", english::ground(ground)), Sign::Says(Word::Ground(ground)));
        }
    }
    for time in TimeOfDay::ALL {
        add(english::time_of_day(time), Sign::Says(Word::Time(time)));
    }
    for weather in Weather::ALL {
        english::weather(weather).iter().for_each(|phrase| add(phrase, Sign::Says(Word::Weather(weather))));
    }
    for camera in CameraMove::ALL {
        english::camera(camera).iter().for_each(|phrase| {
            add(phrase, Sign::Says(Word::Camera(camera)));
            add(phrase.trim_start_matches("the "), Sign::Says(Word::Camera(camera)));
        });
    }
    ["and", "with"].into_iter().for_each(|word| add(word, Sign::Says(Word::Joins)));
    add("then", Sign::Says(Word::Then));
    let articles = ["a", "an", "the", "is"].into_iter();
    articles
        .chain([english::VIDEO, english::PICTURE].concat())
        .for_each(|words| add(words, Sign::Says(Word::Nothing)));
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
pub(super) fn read(prompt: &str) -> Heard {
    let words = prompt.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    let mut heard = Heard::default();
    let mut next: Option<Next> = None;
    let mut between = false;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let ends = |text: &str, at: usize| text.len() == at || text[at..].starts_with(' ');
        let Some((length, sign)) = longest(&PHRASES, rest, ends) else {
            heard.misses = true;
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
            continue;
        };
        let (phrase, behind) = rest.split_at(length);
        rest = behind.trim_start();
        match sign {
            Sign::Says(word) => heard.hear(word),
            Sign::Thing(kind) => {
                let thing = heard.name(kind);
                match next.take() {
                    Some(Next::Related(relation)) => heard.relate(relation, thing),
                    Some(Next::Right) => heard.relate(Relation::LeftOf, thing),
                    Some(Next::Other) => {
                        heard.does_it_to(thing);
                    }
                    None => {}
                }
                if std::mem::take(&mut between) {
                    next = Some(Next::Right);
                }
            }
            Sign::Wears(colour) => match heard.claims.things.last_mut() {
                Some(thing) => {
                    let wears_other = thing.colour.replace(colour).is_some();
                    let is_dressed = thing.kind == Kind::Person;
                    heard.must(is_dressed && !wears_other);
                }
                None => heard.misses = true,
            },
            Sign::Does(action) => {
                // Of what is named last, unless that is the main thing, it says how that is: "a falling cube".
                heard.must(next.is_none() && (heard.claims.things.len() == 1 || heard.is_later));
                // "passes behind", "collides with".
                heard.must(!action.needs_other() || phrase.contains(' '));
                heard.does(action, None, None);
                next = action.needs_other().then_some(Next::Other);
            }
            Sign::Way(way) => match heard.claims.events.last_mut() {
                Some(event) => {
                    let goes_elsewhere = event.direction.replace(way).is_some();
                    heard.must(!goes_elsewhere);
                }
                None => heard.misses = true,
            },
            Sign::Relates(relation) => {
                // Of what is named last, unless that is the main thing: "and" goes back to it.
                let is_of_main = heard.claims.things.len() == 1 || heard.is_joined;
                heard.must(next.is_none() && is_of_main);
                heard.is_joined = false;
                next = Some(Next::Related(relation));
            }
            Sign::Between => {
                heard.must(next.is_none() && heard.claims.things.len() == 1);
                between = true;
                next = Some(Next::Related(Relation::RightOf));
            }
            Sign::Side(relation) => match heard.last_other() {
                Some(thing) => heard.relate(relation, thing),
                None => heard.misses = true,
            },
        }
    }
    heard.must(next.is_none());
    heard.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_plural() {
        for kind in Kind::ALL {
            assert_eq!(read(&format!("two {}s", english::kind(kind))).claims.count(), 2);
        }
    }
}
