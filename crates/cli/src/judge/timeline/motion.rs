//! Content and motion apart: each of some things moves as each of some clips does.

use anyhow::Result;
use judge::{
    claims_of,
    suite::{Case, Check},
    verdict::{Scenery, verdict},
};
use world::{Action, CameraMove, Direction, Event, Kind, Scene, Split};

use super::{CONTENT, MOTION, Work, inputs, shows_things};
use crate::motion::{STRENGTH, move_as};

/// Things, and as many motions.
pub(super) const GRID: usize = 5;

/// What things do in the clips; a cube, a cylinder and a robot can do all of it.
const MOTIONS: [Event; GRID] = [
    Event { action: Action::Slides, direction: Some(Direction::Left) },
    Event { action: Action::Slides, direction: Some(Direction::Right) },
    Event { action: Action::Falls, direction: None },
    Event { action: Action::Spins, direction: None },
    Event { action: Action::Slides, direction: Some(Direction::Away) },
];
const KINDS: [Kind; 3] = [Kind::Cube, Kind::Cylinder, Kind::Robot];

impl Work<'_> {
    /// A place in the grid: the thing of one scene, moved as that of another.
    pub(super) fn motion(&self, number: usize) -> Result<Case> {
        let [content, motion] = [number / GRID, number % GRID].map(scene);
        let (file, given) = self.write(&format!("motion-{number:02}-in"), &self.clip(&motion)?, None)?;
        let prompt = inputs::words(&content, number / GRID, world::dense_still_caption);
        let request =
            move_as(
                self.request(&prompt, number),
                &file,
                STRENGTH,
                self.pipeline.info(),
                || Ok(&self.judge),
            )?;
        let (_, made) = self.make(&format!("motion-{number:02}"), &request)?;
        let seen = self.judge.look(&made)?;
        let verdict = verdict(&seen, &claims_of(&prompt)?);
        let checks = vec![
            Check::is(CONTENT, shows_things(&verdict)),
            Check::is(MOTION, does(&seen, motion.events[0])),
        ];
        let strips = vec![self.strip("the motion", &given)?, self.strip(&request.prompt, &made)?];
        Ok(Case { task: "motion", number, prompt, checks, strips })
    }
}

/// Whether some thing of a clip does this and nothing else.
fn does(seen: &Scenery, event: Event) -> bool {
    let mut lasting = seen.tracks.iter().zip(&seen.reading.events).filter(|(track, _)| track.lasts());
    lasting.any(|(_, events)| events[..] == [event])
}

/// The first scene of one thing of these kinds that does what is asked for, and nothing else, before a still camera. Every
/// place in the grid has another kind or another colour than its neighbours.
fn scene(index: usize) -> Scene {
    let kind = KINDS[index % KINDS.len()];
    let fits = |scene: &Scene| {
        scene.things.len() == 1
            && scene.main().kind == kind
            && scene.events == [MOTIONS[index]]
            && scene.camera == CameraMove::Still
    };
    // What one split holds out of these the other has.
    let first = 5 << 42;
    (first..)
        .flat_map(|seed| [Split::HeldOut, Split::Train].map(|split| Scene::sample(seed, split)))
        .find(fits)
        .expect("there are more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_in_the_grid_can_be() {
        for (index, motion) in MOTIONS.iter().enumerate() {
            assert_eq!(scene(index).events, [*motion]);
            assert!(KINDS.iter().all(|kind| kind.actions().contains(&motion.action)));
        }
    }
}
