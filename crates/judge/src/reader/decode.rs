//! From what a thing seems to do in each frame to one event, or two in order.

use std::ops::Range;

use world::{Action, Event};

use super::channels::deed::{self, ACTION, DIRECTION};

/// A second event begins after this share of the clip at the earliest, and before this at the latest.
const CHANGES: (f32, f32) = (0.3, 0.8);
/// How much likelier, as a logarithm for each frame, two events must be than one.
const PRICE_OF_TWO: f32 = 0.03;
/// What a frame counts at most against an event or a camera move, as a logarithm: a few odd frames change nothing.
pub(super) const LEAST: f32 = -7.0;

/// The likeliest of the `possible` events, one or two in order, by the logarithms of the probabilities of each frame,
/// `[frames, deed::ALL]`.
pub fn decode(frames: &[f32], possible: &[Vec<Event>]) -> Vec<Event> {
    let sums = running_sums(frames);
    let count = sums.len() - 1;
    let first = (CHANGES.0 * count as f32).ceil() as usize;
    let last = (CHANGES.1 * count as f32).floor() as usize;
    let score = |events: &Vec<Event>| match events.as_slice() {
        [before, after] => {
            (first..=last)
                .filter(|at| (1..count).contains(at))
                .map(|at| likelihood(&sums, 0..at, *before) + likelihood(&sums, at..count, *after))
                .fold(f32::NEG_INFINITY, f32::max)
                - PRICE_OF_TWO * count as f32
        }
        events => events.iter().map(|event| likelihood(&sums, 0..count, *event)).sum(),
    };
    let scored = possible.iter().map(|events| (events, score(events)));
    let best = scored.max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or_else(|| vec![Event::of(Action::Rests)], |(events, _)| events.clone())
}

/// Sums of each channel over the frames before each frame, and over all.
fn running_sums(frames: &[f32]) -> Vec<[f32; deed::ALL]> {
    let mut sums = vec![[0.0; deed::ALL]];
    for frame in frames.chunks_exact(deed::ALL) {
        let before = sums[sums.len() - 1];
        sums.push(std::array::from_fn(|channel| before[channel] + frame[channel].max(LEAST)));
    }
    sums
}

/// The logarithm of how likely an event is in all of these frames.
fn likelihood(sums: &[[f32; deed::ALL]], frames: Range<usize>, event: Event) -> f32 {
    let sum = |channel: usize| sums[frames.end][channel] - sums[frames.start][channel];
    let way = event.direction.map_or(0, |way| 1 + way as usize);
    sum(ACTION.start + event.action as usize) + sum(DIRECTION.start + way)
}

#[cfg(test)]
mod tests {
    use world::{Direction, Kind, possible_events};

    use super::*;

    /// Frames that are nearly certain of an action and a direction (0 for none).
    fn sure(frames: usize, action: Action, way: usize) -> Vec<f32> {
        let mut values = Vec::new();
        for _ in 0..frames {
            let mut frame = vec![-5.0; deed::ALL];
            frame[ACTION.start + action as usize] = -0.01;
            frame[DIRECTION.start + way] = -0.01;
            values.extend(frame);
        }
        values
    }

    /// What any kind may do alone.
    fn any() -> Vec<Vec<Event>> {
        Kind::ALL.into_iter().flat_map(|kind| possible_events(kind, 1)).collect()
    }

    #[test]
    fn one_event_stays_one_and_two_are_two() {
        let left = Event::towards(Action::Rolls, Direction::Left);
        assert_eq!(decode(&sure(17, Action::Rolls, 1), &any()), [left]);
        assert_eq!(decode(&sure(17, Action::Bounces, 0), &any()), [Event::of(Action::Bounces)]);
        let both = [sure(9, Action::Rolls, 1), sure(8, Action::Rests, 0)].concat();
        assert_eq!(decode(&both, &any()), [left, Event::of(Action::Rests)]);
        let back = [sure(8, Action::Walks, 1), sure(9, Action::Walks, 2)].concat();
        let ways = decode(&back, &any()).into_iter().map(|event| event.direction).collect::<Vec<_>>();
        assert_eq!(ways, [Some(Direction::Left), Some(Direction::Right)]);
    }

    #[test]
    fn a_few_odd_frames_are_no_event() {
        let odd = [sure(15, Action::Falls, 0), sure(2, Action::Rests, 0)].concat();
        assert_eq!(decode(&odd, &any()), [Event::of(Action::Falls)]);
    }

    #[test]
    fn only_what_is_possible_is_answered() {
        let mut slides = sure(9, Action::Slides, 0);
        slides.chunks_exact_mut(deed::ALL).for_each(|frame| frame[DIRECTION.start + 2] = -1.0);
        assert_eq!(decode(&slides, &any()), [Event::towards(Action::Slides, Direction::Right)]);
        let event = decode(&sure(9, Action::Spins, 3), &any())[0];
        assert_eq!(event, Event::of(Action::Spins));
        let event = decode(&sure(9, Action::Floats, 0), &any())[0];
        assert_eq!(event, Event::of(Action::Floats));
        let of_cones = possible_events(Kind::Cone, 2);
        assert!(!of_cones.contains(&decode(&sure(9, Action::Walks, 1), &any())));
        assert!(of_cones.contains(&decode(&sure(9, Action::Walks, 1), &of_cones)));
    }
}
