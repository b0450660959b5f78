//! Chinese prompts.

use std::sync::LazyLock;

use super::{Claims, Described, EventClaim, longest};
use crate::caption::chinese;
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::Relation;

/// What a phrase means.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Thing(Kind),
    Colour(Colour),
    Size(Size),
    Count(usize),
    /// Of things that are named next.
    Does(Action),
    /// The thing named last is passed behind.
    PassesBehind,
    Way(Direction),
    /// The main thing is there as seen from the thing named last.
    Relates(Relation),
    /// The main thing is between the two named last.
    Between,
    Ground(Ground),
    Time(TimeOfDay),
    Weather(Weather),
    Camera(CameraMove),
    /// Words that only look like others.
    Nothing,
}

/// Every phrase that says something.
static PHRASES: LazyLock<Vec<(String, Sign)>> = LazyLock::new(|| {
    let mut phrases: Vec<(String, Sign)> = Vec::new();
    let mut add = |phrase: &str, sign: Sign| phrases.push((phrase.replace([' ', '，'], ""), sign));
    for kind in Kind::ALL {
        add(chinese::kind(kind), Sign::Thing(kind));
        for (number, count) in [("一", 1), ("两", 2), ("三", 3), ("四", 4)] {
            add(&format!("{number}{}", chinese::measure(kind)), Sign::Count(count));
        }
    }
    for colour in Colour::ALL {
        add(chinese::colour(colour), Sign::Colour(colour));
    }
    for size in Size::ALL {
        add(chinese::size(size), Sign::Size(size));
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
        add(chinese::ground_name(ground), Sign::Ground(ground));
    }
    for time in TimeOfDay::ALL {
        chinese::time_of_day(time).iter().for_each(|phrase| add(phrase, Sign::Time(time)));
    }
    for weather in Weather::ALL {
        chinese::weather(weather).iter().for_each(|phrase| add(phrase, Sign::Weather(weather)));
    }
    for camera in CameraMove::ALL {
        chinese::camera(camera).iter().for_each(|phrase| add(phrase, Sign::Camera(camera)));
    }
    add(chinese::ONGOING, Sign::Nothing);
    phrases
});

/// What a Chinese prompt claims; nothing is named if it is not Chinese.
pub(super) fn read(prompt: &str) -> Claims {
    let mut claims = Claims::default();
    let mut described = Described::default();
    let mut way: Option<Direction> = None;
    let mut takes_other = false;
    let mut rest = prompt;
    while let Some(letter) = rest.chars().next() {
        let Some((length, sign)) = longest(&PHRASES, rest, |_, _| true) else {
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        rest = &rest[length..];
        let last = claims.things.len().checked_sub(1).filter(|&thing| thing > 0);
        match sign {
            Sign::Thing(kind) => {
                let thing = claims.name(&mut described, kind);
                if std::mem::take(&mut takes_other) {
                    claims.events.last_mut().into_iter().for_each(|event| event.other = Some(thing));
                }
            }
            Sign::Colour(colour) => described.colour = Some(colour),
            Sign::Size(size) => described.size = Some(size),
            Sign::Count(count) => described.count = Some(count),
            Sign::Does(action) => {
                claims.events.push(EventClaim { action, direction: way.take(), other: None });
                takes_other = action.needs_other();
            }
            Sign::PassesBehind => {
                let action = Action::PassesBehind;
                claims.events.push(EventClaim { action, direction: way.take(), other: last });
            }
            Sign::Way(direction) => way = Some(direction),
            Sign::Relates(relation) => last.into_iter().for_each(|other| claims.relate(relation, other)),
            Sign::Between => {
                if let Some(right) = last.filter(|&right| right > 1) {
                    claims.relate(Relation::RightOf, right - 1);
                    claims.relate(Relation::LeftOf, right);
                }
            }
            Sign::Ground(ground) => claims.ground = Some(ground),
            Sign::Time(time) => claims.time_of_day = Some(time),
            Sign::Weather(weather) => claims.weather = Some(weather),
            Sign::Camera(camera) => claims.camera = Some(camera),
            Sign::Nothing => {}
        }
    }
    claims
}
