//! Chinese prompts.

use std::sync::LazyLock;

use super::{Heard, Word, longest};
use crate::caption::chinese;
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What a phrase means.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Says(Word),
    Thing(Kind),
    /// Of things that are named next.
    Does(Action),
    /// The thing named last is passed behind.
    PassesBehind,
    Way(Direction),
    /// The main thing is there as seen from the thing named last.
    Relates(Relation),
    /// The main thing is between the two named last.
    Between,
    /// "上", behind a ground.
    On,
}

/// Every phrase that says something.
static PHRASES: LazyLock<Vec<(String, Sign)>> = LazyLock::new(|| {
    let mut phrases: Vec<(String, Sign)> = Vec::new();
    let mut add = |phrase: &str, sign: Sign| phrases.push((phrase.replace([' ', '，'], ""), sign));
    for kind in Kind::ALL {
        add(chinese::kind(kind), Sign::Thing(kind));
        for (number, count) in [("一", 1), ("两", 2), ("三", 3), ("四", 4)] {
            add(&format!("{number}{}", chinese::measure(kind)), Sign::Says(Word::Count(count)));
        }
    }
    for colour in Colour::ALL {
        add(chinese::colour(colour), Sign::Says(Word::Colour(colour)));
    }
    for size in Size::ALL {
        add(chinese::size(size), Sign::Says(Word::Size(size)));
    }
    for action in Action::ALL {
        let events = [Event::of(action), Event::towards(action, Direction::Left)];
        events.into_iter().flat_map(chinese::verbs).for_each(|verb| add(verb, Sign::Does(action)));
    }
    add(chinese::FALLS_ONTO, Sign::Does(Action::Falls));
    add(chinese::STOP, Sign::Does(Action::Rests));
    add(chinese::PASSES_BEHIND.1, Sign::PassesBehind);
    for way in Direction::ALL {
        chinese::direction(way).iter().for_each(|phrase| add(phrase, Sign::Way(way)));
    }
    for relation in Relation::ALL {
        chinese::relation(relation).iter().for_each(|phrase| add(phrase, Sign::Relates(relation)));
    }
    add("之间", Sign::Between);
    for ground in Ground::ALL {
        add(chinese::ground_name(ground), Sign::Says(Word::Ground(ground)));
    }
    for time in TimeOfDay::ALL {
        chinese::time_of_day(time).iter().for_each(|phrase| add(phrase, Sign::Says(Word::Time(time))));
    }
    for weather in Weather::ALL {
        chinese::weather(weather).iter().for_each(|phrase| add(phrase, Sign::Says(Word::Weather(weather))));
    }
    for camera in CameraMove::ALL {
        chinese::camera(camera).iter().for_each(|phrase| add(phrase, Sign::Says(Word::Camera(camera))));
    }
    add(chinese::ONGOING, Sign::Says(Word::Nothing));
    add("和", Sign::Says(Word::Joins));
    [chinese::THEN, chinese::IN_ORDER.1].into_iter().for_each(|words| add(words, Sign::Says(Word::Then)));
    [chinese::ON, chinese::ABOVE].into_iter().for_each(|word| add(word, Sign::On));
    let between = [chinese::IN_ORDER.0, chinese::PASSES_BEHIND.0, "的", "穿", "衣服", "在", "有"];
    between.into_iter().for_each(|word| add(word, Sign::Says(Word::Nothing)));
    phrases
});

/// What a Chinese prompt claims; nothing is named if it is not Chinese.
pub(super) fn read(prompt: &str) -> Heard {
    const POINTS: &str = " ，。、；！？,.;!?\n";
    let mut heard = Heard::default();
    let mut is_ground = false;
    let mut way: Option<Direction> = None;
    let mut takes_other = false;
    let mut rest = prompt;
    while let Some(letter) = rest.chars().next() {
        let Some((length, sign)) = longest(&PHRASES, rest, |_, _| true) else {
            heard.must(POINTS.contains(letter));
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        rest = &rest[length..];
        let last = heard.last_other();
        let was_ground = std::mem::replace(&mut is_ground, matches!(sign, Sign::Says(Word::Ground(_))));
        match sign {
            Sign::Says(word) => heard.hear(word),
            Sign::Thing(kind) => {
                let thing = heard.name(kind);
                if std::mem::take(&mut takes_other) {
                    heard.does_it_to(thing);
                }
            }
            Sign::Does(action) => {
                heard.must(!takes_other);
                heard.does(action, way.take(), None);
                takes_other = action.needs_other();
            }
            Sign::PassesBehind => heard.does(Action::PassesBehind, way.take(), last),
            Sign::Way(direction) => heard.must(way.replace(direction).is_none()),
            Sign::Relates(relation) => match last {
                Some(other) => {
                    let is_known = heard.claims.relations.iter().any(|claim| claim.other == other);
                    heard.must(!is_known && heard.described == Default::default());
                    heard.relate(relation, other);
                }
                None => heard.misses = true,
            },
            Sign::Between => match last.filter(|&right| right > 1) {
                Some(right) => {
                    heard.relate(Relation::RightOf, right - 1);
                    heard.relate(Relation::LeftOf, right);
                }
                None => heard.misses = true,
            },
            Sign::On => heard.must(was_ground),
        }
    }
    heard.must(way.is_none() && !takes_other);
    heard.end()
}
