//! Claim by claim: does the clip show it?

mod assign;
mod finding;
mod relations;
mod steadiness;

pub use finding::{Claim, Finding, SeenThing, Verdict};
pub use steadiness::{Change, changes};

use world::{
    Action, CameraMove, Claims, Event, EventClaim, Ground, Kind, Relation, RelationClaim, ThingClaim,
    TimeOfDay, Weather,
};

use self::{assign::assign, relations::relation_share};
use crate::{
    look::Sight,
    measures::Measures,
    physics::{self, Fall},
    reader::{Reading, shot},
    recogniser::Channels,
    tracks::{Track, likeliest},
};

/// A thing is there if it is recognised with at least this probability, in at least this share of the frames.
const LEAST_PROBABILITY: f32 = 0.5;
const LEAST_FRAMES: f32 = 0.5;
/// A relation has to hold in this share of the frames in which both things are seen, or be as likely.
const RELATION_SHARE: f32 = 0.6;

/// All that was made out in a clip.
#[derive(Clone, Debug)]
pub struct Scenery {
    /// What was seen, frame by frame.
    pub sight: Sight,
    /// The things over time.
    pub tracks: Vec<Track>,
    /// What they do, where and when that is, and how the camera moves.
    pub reading: Reading,
    /// Plain measures of the frames.
    pub measures: Measures,
}

/// Compares what was made out with what is claimed.
pub fn verdict(scenery: &Scenery, claims: &Claims) -> Verdict {
    let Scenery { sight, tracks, reading, measures } = scenery;
    let Reading { events, camera, places } = reading;
    let count = sight.frames.len();
    let lasting: Vec<usize> = (0..tracks.len()).filter(|&track| tracks[track].lasts()).collect();
    let wanted = named_once_each(claims);
    let assigned = assign(&wanted, tracks, &lasting);
    let main = assigned.first().copied().flatten();
    let found: Vec<Option<&Track>> = assigned.iter().map(|track| track.map(|track| &tracks[track])).collect();

    let mut findings = Vec::new();
    for (index, (thing, track)) in wanted.iter().zip(&found).enumerate() {
        findings.extend(thing_findings(index, thing, *track));
    }
    findings.push(count_finding(lasting.len(), wanted.len()));
    let flies = main.is_some_and(|main| {
        !events[main].is_empty() && events[main].iter().all(|event| event.action == Action::Flies)
    });
    findings.extend(relation_findings(claims, &found, flies));
    if !claims.events.is_empty() {
        let seen = main.map(|main| events[main].as_slice()).unwrap_or_default();
        let is_afloat = likeliest(part(places, shot::GROUND)) == Ground::Water as usize;
        findings.extend(event_findings(claims, seen, is_afloat));
    }
    if let Some(claimed) = claims.camera {
        findings.push(Finding::equal(Claim::Camera, claimed, *camera));
    }
    findings.extend(place_findings(claims, places));
    let changes = changes(tracks, &lasting, sight);
    findings.extend(quality_findings(scenery, &lasting, &changes));

    let fall = main.and_then(|main| fall(&tracks[main], &events[main], sight));
    let asked = |of: fn(&EventClaim) -> bool| claims.events.iter().any(of);
    let kept = || main.is_some_and(|main| is_kept(&tracks[main], &findings, &changes, count));
    Verdict {
        falls_freely: asked(|event| event.action.drops())
            .then(|| fall.is_some_and(|fall| fall.is_free(world::GRAVITY))),
        kept_behind: asked(|event| event.action == Action::PassesBehind).then(kept),
        all_right: findings.iter().all(|finding| finding.holds || !finding.claim.is_of_prompt()),
        flawless: findings.iter().all(|finding| finding.holds || finding.claim.is_of_prompt()),
        things: lasting.iter().map(|&track| SeenThing::of(&tracks[track], &events[track])).collect(),
        findings,
        camera: *camera,
        ground: Ground::ALL[likeliest(part(places, shot::GROUND))],
        time_of_day: TimeOfDay::ALL[likeliest(part(places, shot::TIME_OF_DAY))],
        weather: Weather::ALL[likeliest(part(places, shot::WEATHER))],
        fall,
        measures: measures.clone(),
    }
}

/// That a thing is there, in its colour and size.
fn thing_findings(index: usize, thing: &ThingClaim, track: Option<&Track>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut of = |claim: Claim, expected: String, seen: Option<(bool, f32, String)>| {
        findings.push(match seen {
            Some((holds, score, found)) => Finding { claim, holds, score, expected, found },
            None => Finding::not_found(claim, expected),
        });
    };
    let kind = track.map(|track| {
        let kinds = track.kinds();
        let frames = track.frames_seen() as f32 / track.sightings.len() as f32;
        let probability = kinds[thing.kind as usize];
        let is_unclear = kinds[Kind::ALL.len()] > 0.5;
        let holds = probability >= LEAST_PROBABILITY && frames >= LEAST_FRAMES;
        let found = match track.kind() {
            _ if is_unclear => "unclear".to_owned(),
            kind if kind == thing.kind && !holds => {
                format!(
                    "{kind:?}, {:.0} % sure in {:.0} % of the frames",
                    100.0 * probability,
                    100.0 * frames
                )
            }
            kind => format!("{kind:?}"),
        };
        (holds, probability * (frames / LEAST_FRAMES).min(1.0), found)
    });
    of(Claim::Thing(index), format!("{:?}", thing.kind), kind);
    if let Some(colour) = thing.colour {
        let seen = track.map(|track| {
            (track.colour() == colour, track.colours()[colour as usize], format!("{:?}", track.colour()))
        });
        of(Claim::Colour(index), format!("{colour:?}"), seen);
    }
    if let Some(size) = thing.size {
        let seen = track
            .map(|track| (track.size() == size, track.sizes()[size as usize], format!("{:?}", track.size())));
        of(Claim::Size(index), format!("{size:?}"), seen);
    }
    findings
}

fn count_finding(there: usize, wanted: usize) -> Finding {
    Finding {
        claim: Claim::Count,
        holds: there == wanted,
        score: 1.0 / (1.0 + there.abs_diff(wanted) as f32),
        expected: wanted.to_string(),
        found: there.to_string(),
    }
}

/// How the main thing stands to the others; `found` has the track of each thing that is wanted, and `flies` is whether the main thing does.
fn relation_findings(claims: &Claims, found: &[Option<&Track>], flies: bool) -> Vec<Finding> {
    let main = found.first().copied().flatten();
    let finding = |(index, claim): (usize, &RelationClaim)| {
        let other = found.get(place_of(claims, claim.other)).copied().flatten();
        let both = main.zip(other);
        let share = both.map_or(0.0, |(main, other)| relation_share(claim.relation, main, other, flies));
        Finding {
            claim: Claim::Relation(index),
            holds: share >= RELATION_SHARE,
            score: share,
            expected: format!("{:?}", claim.relation),
            found: both.map_or_else(
                || "not both are there".to_owned(),
                |(main, other)| seen_relation(main, other, flies),
            ),
        }
    };
    claims.relations.iter().enumerate().map(finding).collect()
}

/// Where and when it is.
fn place_findings(claims: &Claims, places: &[f32]) -> Vec<Finding> {
    let ground = claims
        .ground
        .map(|it| Finding::of_class(Claim::Ground, it, &Ground::ALL, part(places, shot::GROUND)));
    let time = claims
        .time_of_day
        .map(|it| Finding::of_class(Claim::TimeOfDay, it, &TimeOfDay::ALL, part(places, shot::TIME_OF_DAY)));
    let weather = claims
        .weather
        .map(|it| Finding::of_class(Claim::Weather, it, &Weather::ALL, part(places, shot::WEATHER)));
    [ground, time, weather].into_iter().flatten().collect()
}

/// Whether what passes behind another thing comes out as what it was: seen early and late, as the prompt's thing, and not
/// as another.
fn is_kept(main: &Track, findings: &[Finding], changes: &[Change], count: usize) -> bool {
    let is_main = |claim: Claim| matches!(claim, Claim::Thing(0) | Claim::Colour(0));
    let is_right = findings.iter().all(|finding| finding.holds || !is_main(finding.claim));
    let is_seen_throughout =
        main.span().is_some_and(|(first, last)| 3 * first <= count && 3 * last >= 2 * (count - 1));
    is_right && is_seen_throughout && !changes.iter().any(|change| matches!(change, Change::Turns { .. }))
}

fn part(places: &[f32], of: Channels) -> &[f32] {
    &places[of.start..of.end()]
}

/// "Two red balls" are two things.
fn named_once_each(claims: &Claims) -> Vec<ThingClaim> {
    claims.things.iter().flat_map(|thing| std::iter::repeat_n(*thing, thing.count)).collect()
}

/// Where the first of what a claim names stands among [`named_once_each`].
fn place_of(claims: &Claims, thing: usize) -> usize {
    claims.things[..thing.min(claims.things.len())].iter().map(|thing| thing.count).sum()
}

/// What the main thing does. `is_afloat` is whether that is on water, where to rest is to float in place: the two are one motion in the
/// world, and one picture.
fn event_findings(claims: &Claims, seen: &[Event], is_afloat: bool) -> Vec<Finding> {
    let action_of = |event: Event| match event {
        Event { action: Action::Floats, direction: None } if is_afloat => Action::Rests,
        event => event.action,
    };
    let is_same = |seen: &Event, claim: &EventClaim| {
        seen.action == claim.action
            || action_of(*seen) == action_of(Event { action: claim.action, direction: claim.direction })
    };
    let name = |event: &Event| match event.direction {
        Some(direction) => format!("{:?} {direction:?}", event.action),
        None => format!("{:?}", event.action),
    };
    let all = |events: &[Event]| events.iter().map(name).collect::<Vec<_>>().join(", then ");
    let mut findings = Vec::new();
    for (index, claim) in claims.events.iter().enumerate() {
        let does = seen.iter().any(|event| is_same(event, claim));
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
            && seen.iter().zip(&claims.events).all(|(seen, claim)| is_same(seen, claim));
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

fn seen_relation(main: &Track, other: &Track, flies: bool) -> String {
    let share = |relation: &Relation| relation_share(*relation, main, other, flies);
    let best = Relation::ALL.into_iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    best.map_or_else(String::new, |relation| format!("{relation:?}"))
}

/// What no prompt asks for, and every clip should have.
fn quality_findings(scenery: &Scenery, lasting: &[usize], changes: &[Change]) -> Vec<Finding> {
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

#[cfg(test)]
mod tests {
    use world::Direction;

    use super::*;

    #[test]
    fn on_water_to_rest_is_to_float_in_place() {
        let holds = |prompt: &str, seen: Event, is_afloat: bool| {
            event_findings(&Claims::of_prompt(prompt), &[seen], is_afloat).iter().all(|finding| finding.holds)
        };
        let [rests, floats] = [Action::Rests, Action::Floats].map(Event::of);
        let drifts = Event::towards(Action::Floats, Direction::Left);
        for (prompt, seen, on_water, on_land) in [
            ("a red boat rests", rests, true, true),
            ("a red boat rests", floats, true, false),
            ("a red boat floats", rests, true, false),
            ("a red boat floats", floats, true, true),
            ("a red boat rests", drifts, false, false),
            ("a red boat floats left", rests, false, false),
            ("a red boat floats left", floats, false, false),
            ("a red boat floats left", drifts, true, true),
        ] {
            assert_eq!(
                [true, false].map(|is_afloat| holds(prompt, seen, is_afloat)),
                [on_water, on_land],
                "{prompt} {seen:?}"
            );
        }
    }
}
