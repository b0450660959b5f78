//! Claim by claim: does the clip show it?

mod assign;
mod finding;
mod relations;
mod steadiness;

pub use finding::{Claim, Finding, Verdict};
pub use steadiness::{Change, changes};

use world::{CameraMove, Claims, Event, Ground, Kind, Relation, TimeOfDay, Weather};

use self::{assign::assign, relations::relation_share};
use crate::{
    look::Sight,
    measures::Measures,
    physics::{self, Fall},
    recogniser::{Channels, place},
    tracks::{Track, likeliest},
};

/// A thing is there if it is recognised with at least this probability, in at least this share of the frames.
const LEAST_PROBABILITY: f32 = 0.5;
const LEAST_FRAMES: f32 = 0.5;
/// What is seen in a smaller share of the frames is no thing of its own.
const FLEETING: f32 = 0.2;
/// A relation has to hold in this share of the frames in which both things are seen.
const RELATION_SHARE: f32 = 0.6;

/// All that was made out in a clip.
#[derive(Clone, Debug)]
pub struct Scenery {
    /// What was seen, frame by frame.
    pub sight: Sight,
    /// The things over time.
    pub tracks: Vec<Track>,
    /// What each of them does.
    pub events: Vec<Vec<Event>>,
    /// How the camera moves.
    pub camera: CameraMove,
    /// Plain measures of the frames.
    pub measures: Measures,
}

/// Compares what was made out with what is claimed.
pub fn verdict(scenery: &Scenery, claims: &Claims) -> Verdict {
    let Scenery { sight, tracks, events, measures, .. } = scenery;
    let count = sight.frames.len();
    let lasting: Vec<usize> = (0..tracks.len())
        .filter(|&track| tracks[track].frames_seen() as f32 >= FLEETING * count as f32)
        .collect();
    let wanted = named_once_each(claims);
    let found = assign(&wanted, tracks, &lasting);
    let mut findings = Vec::new();
    for (index, (thing, track)) in wanted.iter().zip(&found).enumerate() {
        let Some(track) = track.map(|track| &tracks[track]) else {
            findings.push(Finding::not_found(Claim::Thing(index), format!("{:?}", thing.kind)));
            if let Some(colour) = thing.colour {
                findings.push(Finding::not_found(Claim::Colour(index), format!("{colour:?}")));
            }
            if let Some(size) = thing.size {
                findings.push(Finding::not_found(Claim::Size(index), format!("{size:?}")));
            }
            continue;
        };
        let kinds = track.kinds();
        let unclear = kinds[Kind::ALL.len()];
        let frames = track.frames_seen() as f32 / count as f32;
        let seen_as = if unclear > 0.5 { "unclear".to_owned() } else { format!("{:?}", track.kind()) };
        let probability = kinds[thing.kind as usize];
        findings.push(Finding {
            claim: Claim::Thing(index),
            holds: probability >= LEAST_PROBABILITY && frames >= LEAST_FRAMES,
            score: probability * (frames / LEAST_FRAMES).min(1.0),
            expected: format!("{:?}", thing.kind),
            found: seen_as,
        });
        if let Some(colour) = thing.colour {
            let colours = track.colours();
            findings.push(Finding {
                claim: Claim::Colour(index),
                holds: track.colour() == colour,
                score: colours[colour as usize],
                expected: format!("{colour:?}"),
                found: format!("{:?}", track.colour()),
            });
        }
        if let Some(size) = thing.size {
            findings.push(Finding {
                claim: Claim::Size(index),
                holds: track.size() == size,
                score: track.sizes()[size as usize],
                expected: format!("{size:?}"),
                found: format!("{:?}", track.size()),
            });
        }
    }
    let there = lasting.len();
    findings.push(Finding {
        claim: Claim::Count,
        holds: there == wanted.len(),
        score: 1.0 / (1.0 + there.abs_diff(wanted.len()) as f32),
        expected: wanted.len().to_string(),
        found: there.to_string(),
    });
    let main = found.first().copied().flatten();
    for (index, claim) in claims.relations.iter().enumerate() {
        let other = found.get(place_of(claims, claim.other)).copied().flatten();
        let share = match (main, other) {
            (Some(main), Some(other)) => relation_share(claim.relation, &tracks[main], &tracks[other]),
            _ => 0.0,
        };
        findings.push(Finding {
            claim: Claim::Relation(index),
            holds: share >= RELATION_SHARE,
            score: share,
            expected: format!("{:?}", claim.relation),
            found: match (main, other) {
                (Some(main), Some(other)) => seen_relation(&tracks[main], &tracks[other]),
                _ => "not both are there".to_owned(),
            },
        });
    }
    if !claims.events.is_empty() {
        findings.extend(event_findings(claims, main.map(|main| events[main].as_slice()).unwrap_or_default()));
    }
    if let Some(camera) = claims.camera {
        findings.push(Finding::equal(Claim::Camera, camera, scenery.camera));
    }
    let places = sight.place();
    if let Some(ground) = claims.ground {
        findings.push(Finding::of_class(Claim::Ground, ground, &Ground::ALL, part(&places, place::GROUND)));
    }
    if let Some(time) = claims.time_of_day {
        let all = part(&places, place::TIME_OF_DAY);
        findings.push(Finding::of_class(Claim::TimeOfDay, time, &TimeOfDay::ALL, all));
    }
    if let Some(weather) = claims.weather {
        findings.push(Finding::of_class(
            Claim::Weather,
            weather,
            &Weather::ALL,
            part(&places, place::WEATHER),
        ));
    }
    findings.extend(quality_findings(scenery, &lasting));
    let fall = main.and_then(|main| fall(&tracks[main], &events[main], sight));
    let things =
        lasting.iter().map(|&track| finding::SeenThing::of(&tracks[track], &events[track])).collect();
    Verdict {
        all_right: findings.iter().all(|finding| finding.holds || !finding.claim.is_of_prompt()),
        flawless: findings.iter().all(|finding| finding.holds || finding.claim.is_of_prompt()),
        findings,
        things,
        camera: scenery.camera,
        ground: Ground::ALL[likeliest(part(&places, place::GROUND))],
        time_of_day: TimeOfDay::ALL[likeliest(part(&places, place::TIME_OF_DAY))],
        weather: Weather::ALL[likeliest(part(&places, place::WEATHER))],
        fall,
        measures: measures.clone(),
    }
}

fn part(places: &[f32; place::ALL], of: Channels) -> &[f32] {
    &places[of.start..of.end()]
}

/// "Two red balls" are two things.
fn named_once_each(claims: &Claims) -> Vec<world::ThingClaim> {
    claims.things.iter().flat_map(|thing| std::iter::repeat_n(*thing, thing.count)).collect()
}

/// Where the first of what a claim names stands among [`named_once_each`].
fn place_of(claims: &Claims, thing: usize) -> usize {
    claims.things[..thing.min(claims.things.len())].iter().map(|thing| thing.count).sum()
}

fn event_findings(claims: &Claims, seen: &[Event]) -> Vec<Finding> {
    let name = |event: &Event| match event.direction {
        Some(direction) => format!("{:?} {direction:?}", event.action),
        None => format!("{:?}", event.action),
    };
    let all = |events: &[Event]| events.iter().map(name).collect::<Vec<_>>().join(", then ");
    let mut findings = Vec::new();
    for (index, claim) in claims.events.iter().enumerate() {
        let does = seen.iter().any(|event| event.action == claim.action);
        let expected = name(&Event { action: claim.action, direction: claim.direction });
        let holds = does && seen.len() == claims.events.len();
        findings.push(Finding {
            claim: Claim::Event(index),
            holds,
            score: f32::from(does),
            expected: expected.clone(),
            found: all(seen),
        });
        if let Some(direction) = claim.direction {
            let goes = |event: &Event| event.action == claim.action && event.direction == Some(direction);
            // Of two events of one action, each has its own direction.
            let holds = match seen.get(index) {
                Some(event) if claims.events.len() > 1 => goes(event),
                _ => seen.iter().any(goes),
            };
            findings.push(Finding {
                claim: Claim::Direction(index),
                holds,
                score: f32::from(holds),
                expected,
                found: all(seen),
            });
        }
    }
    if claims.events.len() > 1 {
        let in_order = seen.len() == claims.events.len()
            && seen.iter().zip(&claims.events).all(|(seen, claim)| seen.action == claim.action);
        findings.push(Finding {
            claim: Claim::Order,
            holds: in_order,
            score: f32::from(in_order),
            expected: claims
                .events
                .iter()
                .map(|event| format!("{:?}", event.action))
                .collect::<Vec<_>>()
                .join(", then "),
            found: all(seen),
        });
    }
    findings
}

fn seen_relation(main: &Track, other: &Track) -> String {
    let share = |relation: &Relation| relation_share(*relation, main, other);
    let best = Relation::ALL.into_iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    best.map_or_else(String::new, |relation| format!("{relation:?}"))
}

/// What no prompt asks for, and every clip should have.
fn quality_findings(scenery: &Scenery, lasting: &[usize]) -> Vec<Finding> {
    let changes = changes(&scenery.tracks, lasting, &scenery.sight);
    let told = |of: fn(&Change) -> bool| {
        let found: Vec<String> = changes.iter().filter(|change| of(change)).map(Change::to_string).collect();
        if found.is_empty() { "nothing".to_owned() } else { found.join("; ") }
    };
    let steady = |claim: Claim, of: fn(&Change) -> bool| Finding {
        claim,
        holds: !changes.iter().any(of),
        score: 1.0 / (1.0 + changes.iter().filter(|change| of(change)).count() as f32),
        expected: "nothing".to_owned(),
        found: told(of),
    };
    let measures = &scenery.measures;
    let clarity = lasting.iter().map(|&track| scenery.tracks[track].clarity()).fold(1.0, f32::min);
    vec![
        steady(Claim::NothingAppears, |change| {
            matches!(change, Change::Appears { .. } | Change::Disappears { .. })
        }),
        steady(Claim::Permanence, |change| matches!(change, Change::Turns { .. })),
        Finding {
            claim: Claim::Clear,
            holds: !lasting.is_empty() && clarity >= 0.5,
            score: if lasting.is_empty() { 0.0 } else { clarity },
            expected: "things that can be recognised".to_owned(),
            found: format!("{:.0} % of the frames of the least clear thing", 100.0 * clarity),
        },
        Finding {
            claim: Claim::Continuous,
            holds: measures.is_continuous(),
            score: measures.continuity(),
            expected: "each frame most like its neighbours".to_owned(),
            found: format!(
                "neighbours differ {:.2} times as much as any two frames",
                measures.neighbour_ratio
            ),
        },
        Finding {
            claim: Claim::Alive,
            holds: measures.is_alive(),
            score: 1.0 - measures.repeated_share,
            expected: "frames that differ, where something moves".to_owned(),
            found: format!("{:.0} % of the frames are the one before", 100.0 * measures.repeated_share),
        },
    ]
}

/// The free fall of what drops.
fn fall(track: &Track, events: &[Event], sight: &Sight) -> Option<Fall> {
    events.first().filter(|event| event.action.drops())?;
    physics::fall(track, sight)
}

impl Finding {
    fn equal(claim: Claim, expected: CameraMove, found: CameraMove) -> Self {
        let holds = expected == found;
        Self {
            claim,
            holds,
            score: f32::from(holds),
            expected: format!("{expected:?}"),
            found: format!("{found:?}"),
        }
    }
}
