//! From what a thing seems to do in each frame to one event, or two in order.

use world::{Action, Direction, Event};

use super::channels::deed::{self, ACTION, DIRECTION};

/// A second event begins after this share of the clip at the earliest, and before this at the latest.
const CHANGES: (f32, f32) = (0.3, 0.8);
/// How much likelier, as a logarithm for each frame, two events must be than one.
const PRICE_OF_TWO: f32 = 0.12;
/// What a frame counts at most against an event or a camera move, as a logarithm: a few odd frames change nothing.
pub(super) const LEAST: f32 = -4.0;

/// The likeliest events, from the logarithms of the probabilities of each frame, `[frames, deed::ALL]`.
pub fn decode(frames: &[f32]) -> Vec<Event> {
    let frames: Vec<&[f32]> = frames.chunks_exact(deed::ALL).collect();
    let count = frames.len();
    let (one, score) = best(&frames);
    let first = (CHANGES.0 * count as f32).ceil() as usize;
    let last = (CHANGES.1 * count as f32).floor() as usize;
    let two = (first..=last).filter(|at| (1..count).contains(at)).map(|at| {
        let ((before, a), (after, b)) = (best(&frames[..at]), best(&frames[at..]));
        ([before, after], a + b)
    });
    match two.max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((both, together)) if both[0] != both[1] && together > score + PRICE_OF_TWO * count as f32 => {
            both.to_vec()
        }
        _ => vec![one],
    }
}

/// The likeliest event of some frames, and the logarithm of how likely it is in all of them.
fn best(frames: &[&[f32]]) -> (Event, f32) {
    let sum = |channel: usize| frames.iter().map(|frame| frame[channel].max(LEAST)).sum::<f32>();
    let actions: [f32; ACTION.len] = std::array::from_fn(|i| sum(ACTION.start + i));
    let ways: [f32; DIRECTION.len] = std::array::from_fn(|i| sum(DIRECTION.start + i));
    let event = |action: Action| {
        let of = |way: usize| (way.checked_sub(1).map(|way| Direction::ALL[way]), ways[way]);
        let fits = |way: &usize| match action {
            Action::Floats => true,
            Action::CollidesWith | Action::PassesBehind => *way == 1 || *way == 2,
            _ => (*way > 0) == action.travels(),
        };
        let best = (0..DIRECTION.len).filter(fits).map(of).max_by(|a, b| a.1.total_cmp(&b.1));
        let (direction, way) = best.unwrap_or((None, 0.0));
        (Event { action, direction }, actions[action as usize] + way)
    };
    let all = Action::ALL.into_iter().map(event).max_by(|a, b| a.1.total_cmp(&b.1));
    all.unwrap_or((Event::of(Action::Rests), 0.0))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn one_event_stays_one_and_two_are_two() {
        let left = Event::towards(Action::Rolls, Direction::Left);
        assert_eq!(decode(&sure(17, Action::Rolls, 1)), [left]);
        assert_eq!(decode(&sure(17, Action::Bounces, 0)), [Event::of(Action::Bounces)]);
        let both = [sure(9, Action::Rolls, 1), sure(8, Action::Rests, 0)].concat();
        assert_eq!(decode(&both), [left, Event::of(Action::Rests)]);
        let back = [sure(8, Action::Walks, 1), sure(9, Action::Walks, 2)].concat();
        let ways = decode(&back).into_iter().map(|event| event.direction).collect::<Vec<_>>();
        assert_eq!(ways, [Some(Direction::Left), Some(Direction::Right)]);
    }

    #[test]
    fn a_few_odd_frames_are_no_event() {
        let odd = [sure(15, Action::Falls, 0), sure(2, Action::Rests, 0)].concat();
        assert_eq!(decode(&odd), [Event::of(Action::Falls)]);
    }

    #[test]
    fn what_travels_has_a_direction_and_what_does_not_has_none() {
        let mut slides = sure(9, Action::Slides, 0);
        slides.chunks_exact_mut(deed::ALL).for_each(|frame| frame[DIRECTION.start + 2] = -1.0);
        assert_eq!(decode(&slides), [Event::towards(Action::Slides, Direction::Right)]);
        let event = decode(&sure(9, Action::Spins, 3))[0];
        assert_eq!(event, Event::of(Action::Spins));
        let event = decode(&sure(9, Action::Floats, 0))[0];
        assert_eq!(event, Event::of(Action::Floats));
    }
}
