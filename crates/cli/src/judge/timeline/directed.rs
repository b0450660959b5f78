//! What a prompt is made with besides its words: a way of the camera, a clip that it is to be made of, no time at all.

use anyhow::Result;
use engine::Camera;
use judge::{
    claims_of,
    suite::{Case, Check},
    verdict::{Claim, verdict},
};
use media::Clip;
use world::{CameraMove, Colour, Event, Scene};

use super::{CAMERA, Work, inputs, same_things};
use crate::tasks::REMIX_STRENGTH;

/// What the camera is told, and what that is.
const MOVES: [(&str, CameraMove); 6] = [
    ("pan left 12", CameraMove::PanLeft),
    ("pan right 12", CameraMove::PanRight),
    ("zoom in 1.4", CameraMove::ZoomIn),
    ("zoom out 1.4", CameraMove::ZoomOut),
    ("orbit left 40", CameraMove::OrbitLeft),
    ("orbit right 40", CameraMove::OrbitRight),
];

impl Work<'_> {
    /// A scene before a camera that is told how to move.
    pub(super) fn camera(&self, number: usize) -> Result<Case> {
        let scene = inputs::own_scenes().filter(stands_still).nth(number).expect("there are more");
        let (words, camera) = MOVES[number % MOVES.len()];
        let prompt = inputs::words(&scene, number, world::dense_caption);
        let mut request = self.request(&prompt, number);
        request.camera = Some(words.parse::<Camera>()?);
        let (_, made) = self.make(&format!("camera-{number:02}"), &request)?;
        let mut claims = claims_of(&prompt)?;
        claims.camera = Some(camera);
        let verdict = verdict(&self.judge.look(&made)?, &claims);
        let moves = verdict.findings.iter().any(|finding| finding.claim == Claim::Camera && finding.holds);
        let checks = vec![Check::is(CAMERA, moves), same_things(&verdict)];
        let strips = vec![self.strip(words, &made)?];
        Ok(Case { task: "camera", number, prompt: format!("{prompt} ({words})"), checks, strips })
    }

    /// A clip that is made again with its thing in another colour.
    pub(super) fn remix(&self, number: usize) -> Result<Case> {
        let scene = inputs::own_scenes().filter(stands_still).nth(number).expect("there are more");
        let (file, given) = self.write(&format!("remix-{number:02}-in"), &self.clip(&scene)?, None)?;
        let mut other = scene.clone();
        other.things[0].colour = next_colour(scene.main().colour);
        let prompt = inputs::words(&other, number, world::dense_caption);
        let request =
            self.request(&prompt, number).remix(&file, REMIX_STRENGTH, Vec::new(), self.pipeline.info())?;
        let (_, made) = self.make(&format!("remix-{number:02}"), &request)?;
        let verdict = self.judge(&made, 0..made.num_frames(), &prompt)?;
        let strips = vec![self.strip("given", &given)?, self.strip(&prompt, &made)?];
        Ok(Case { task: "remix", number, prompt, checks: vec![same_things(&verdict)], strips })
    }

    /// A still.
    pub(super) fn image(&self, number: usize) -> Result<Case> {
        let scene = inputs::own_scenes().nth(number).expect("there are more");
        let at_rest =
            Scene { events: vec![Event::of(world::Action::Rests)], camera: CameraMove::Still, ..scene };
        let prompt = inputs::words(&at_rest, number, world::dense_still_caption);
        let mut request = self.request(&prompt, number);
        request.num_frames = Some(1);
        let (_, made) = self.make(&format!("image-{number:02}"), &request)?;
        // The judge looks at clips.
        let shown = Clip::new(made.width(), made.height(), 8.0, made.as_bytes().repeat(SHOWN))?;
        let verdict = self.judge(&shown, 0..SHOWN, &prompt)?;
        let strips = vec![self.strip(&prompt, &made)?];
        Ok(Case { task: "image", number, prompt, checks: vec![same_things(&verdict)], strips })
    }
}

/// Frames for which the judge sees a still.
const SHOWN: usize = 9;

fn stands_still(scene: &Scene) -> bool {
    scene.things.len() == 1 && scene.events.len() == 1 && scene.camera == CameraMove::Still
}

fn next_colour(colour: Colour) -> Colour {
    let place = Colour::ALL.iter().position(|other| *other == colour).unwrap_or(0);
    Colour::ALL[(place + 1) % Colour::ALL.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_is_what_its_words_say() {
        for (words, camera) in MOVES {
            assert_eq!(words.parse::<Camera>().unwrap().at(0.5, 2.0), Some(camera), "{words}");
        }
        assert_ne!(next_colour(Colour::ALL[0]), Colour::ALL[0]);
    }
}
