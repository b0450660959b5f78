//! How a thing moves while a latent frame lasts, as answers to be named.

use std::ops::Range;

use judge::lessons::motion;
use world::{Action, GroundTruth, Scene, ThingState};

/// Not at all, one way, or the other.
pub const WAYS: usize = 3;
/// A shift by so many pixels from one latent frame to the next surely goes somewhere; half of it as likely as not.
const SURELY: f32 = 4.0;
/// And so does a change of its size by this share.
const SURELY_NEARER: f32 = 0.1;

/// How a thing moves in a latent frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moving {
    /// From minus one (left, up, nearer) to one (right, down, farther), how surely it goes there in the picture.
    ways: [f32; 3],
    /// What it does; none if it is pushed.
    action: Option<Action>,
}

impl Moving {
    /// In the frames that a latent one is of: since the one before them, or for the first one until the one behind it.
    pub fn of(scene: &Scene, truth: &GroundTruth, thing: usize, frames: Range<usize>) -> Self {
        let last = truth.frames.len() - 1;
        let (from, to) = match frames.start {
            0 => (0, 1.min(last)),
            start => (start - 1, frames.end - 1),
        };
        let [was, is] = [from, to].map(|frame| &truth.frames[frame].things[thing]);
        let middle = ((from + to) / 2).clamp(1, last.saturating_sub(1).max(1));
        let action = (last > 1).then(|| motion(scene, truth, middle, thing).event).flatten();
        Self { ways: ways(was, is), action: action.map(|event| event.action) }
    }

    /// Adds a share of the answers: three ways, then the action.
    pub fn add(&self, share: f32, answers: &mut [f32]) {
        for (way, answers) in self.ways.iter().zip(answers.chunks_exact_mut(WAYS)) {
            answers[0] += share * (1.0 - way.abs());
            answers[if *way < 0.0 { 1 } else { 2 }] += share * way.abs();
        }
        if let Some(action) = self.action {
            answers[self.ways.len() * WAYS + action as usize] += share;
        }
    }
}

fn ways(was: &ThingState, is: &ThingState) -> [f32; 3] {
    let (Some(was), Some(is)) = (was.screen_box, is.screen_box) else { return [0.0; 3] };
    let shift = ((is.min + is.max) - (was.min + was.max)) / 2.0 / SURELY;
    let extent = |of: world::ScreenBox| (of.max - of.min).element_product().max(f32::MIN_POSITIVE).sqrt();
    let nearer = (extent(is) / extent(was)).ln() / SURELY_NEARER;
    [shift.x, shift.y, -nearer].map(|way| way.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use world::{CameraMove, ClipSpec, Direction, Split};

    use super::*;

    #[test]
    fn things_move_as_the_scene_says() {
        let spec = ClipSpec::default();
        let (mut across, mut down) = (0, 0);
        for seed in 0..300 {
            let scene = Scene::sample(seed, Split::Train);
            if scene.camera != CameraMove::Still || scene.events.len() != 1 {
                continue;
            }
            let event = scene.events[0];
            let truth = world::simulate(&scene, &spec);
            let moving = Moving::of(&scene, &truth, 0, 3..5);
            assert_eq!(moving.action, Some(event.action));
            let ways = [Direction::Left, Direction::Right];
            let slow = [Action::Slides, Action::Floats];
            if event.direction.is_some_and(|way| ways.contains(&way)) && !slow.contains(&event.action) {
                let sign = if event.direction == Some(Direction::Left) { -1.0 } else { 1.0 };
                assert!(moving.ways[0] * sign > 0.3, "{seed}: {event:?} {moving:?}");
                across += 1;
            }
            // On water it rocks a little.
            if event.action == Action::Rests {
                assert!(moving.ways.iter().all(|way| way.abs() < 0.2), "{seed}: {moving:?}");
            }
            if event.action == Action::Falls {
                let begins = Moving::of(&scene, &truth, 0, 1..3);
                assert!(begins.ways[1] > 0.0, "{seed}: {begins:?}");
                down += 1;
            }
        }
        assert!(across > 10 && down > 3, "{across} {down}");
    }

    #[test]
    fn answers_add_up_to_the_share() {
        let moving = Moving { ways: [-0.25, 0.0, 1.0], action: Some(Action::Rolls) };
        let mut answers = vec![0.0; 3 * WAYS + Action::ALL.len()];
        moving.add(0.5, &mut answers);
        assert_eq!(answers[..9], [0.375, 0.125, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(answers[9 + Action::Rolls as usize], 0.5);
        assert!((answers.iter().sum::<f32>() - 2.0).abs() < 1e-6);
    }
}
