//! Chains of edits: what is in a region becomes something else, again and again, and the rest stays.

use anyhow::Result;
use engine::Region;
use judge::suite::{Case, Check, joins::psnr};
use media::Clip;
use world::{CameraMove, ClipSpec, Event, Scene, Thing};

use super::{ALIKE, OUTSIDE, TARGET, Work, inputs, shows_things};

/// Edits of a chain.
const EDITS: usize = 5;
/// What belongs to the region around the largest thing, as a share of the height.
const AROUND: f64 = 1.0 / 16.0;

impl Work<'_> {
    /// A clip in which one thing rests, and five others that take its place one after the other.
    pub(super) fn edits(&self, number: usize) -> Result<Case> {
        let chain = chain(number);
        let region = region(&chain, self.spec());
        let (mut file, mut clip) =
            self.write(&format!("edit-{number:02}-0"), &self.clip(&chain[0])?, None)?;
        let (mut checks, mut strips) = (Vec::new(), vec![self.strip("given", &clip)?]);
        let mut prompts = Vec::new();
        for (step, scene) in chain.iter().enumerate().skip(1) {
            let prompt = inputs::words(scene, number, world::dense_still_caption);
            let request = self.request(&prompt, EDITS * number + step).remix(
                &file,
                1.0,
                vec![region],
                self.pipeline.info(),
            )?;
            let (next_file, next) = self.make(&format!("edit-{number:02}-{step}"), &request)?;
            let verdict = self.judge(&next, 0..next.num_frames(), &prompt)?;
            checks.push(Check::at_least(ALIKE, OUTSIDE, outside(&clip, &next, &region)));
            checks.push(Check::is(TARGET, shows_things(&verdict)));
            strips.push(self.strip(&prompt, &next)?);
            prompts.push(prompt);
            (file, clip) = (next_file, next);
        }
        Ok(Case { task: "edit", number, prompt: prompts.join(" → "), checks, strips })
    }
}

/// A scene of one thing that rests, and the same with other things in its place: those of held-out scenes of the same ground.
fn chain(number: usize) -> Vec<Scene> {
    let first = inputs::own_scenes().filter(|scene| scene.things.len() == 1).nth(EDITS * number);
    let first = at_rest(first.expect("there are more"));
    let mut chain = vec![first.clone()];
    for other in inputs::own_scenes().skip(EDITS * number + 1) {
        if chain.len() > EDITS {
            break;
        }
        let last = *chain[chain.len() - 1].main();
        let next = *other.main();
        if other.ground == first.ground && next.kind != last.kind && next.colour != last.colour {
            let thing = Thing { kind: next.kind, colour: next.colour, yaw: next.yaw, ..*first.main() };
            chain.push(Scene { things: vec![thing], ..first.clone() });
        }
    }
    chain
}

fn at_rest(scene: Scene) -> Scene {
    Scene { events: vec![Event::of(world::Action::Rests)], camera: CameraMove::Still, ..scene }
}

/// Where any of the things is seen, and a little more.
fn region(scenes: &[Scene], spec: ClipSpec) -> Region {
    let around = AROUND * spec.height as f64;
    let (mut low, mut high) = ([f64::MAX; 2], [0.0_f64; 2]);
    for scene in scenes {
        let truth = world::simulate(scene, &spec);
        let Some(seen) = truth.frames[0].things[0].screen_box else { continue };
        for (axis, (from, to)) in [(seen.min.x, seen.max.x), (seen.min.y, seen.max.y)].into_iter().enumerate()
        {
            low[axis] = low[axis].min(f64::from(from) - around);
            high[axis] = high[axis].max(f64::from(to) + around);
        }
    }
    let [x, y] = low.map(|edge| edge.max(0.0).floor());
    let [right, lower] = [high[0].min(spec.width as f64), high[1].min(spec.height as f64)];
    let [width, height] = [right - x, lower - y].map(f64::ceil);
    Region { x, y, width, height, from: 0.0, to: None, moves_to: None }
}

/// How alike two clips are outside of a region, in dB.
fn outside(a: &Clip, b: &Clip, region: &Region) -> f64 {
    let is_outside = |pixel: &usize| {
        let [x, y] = [pixel % a.width(), pixel / a.width()].map(|place| place as f64 + 0.5);
        !(x > region.x && x < region.x + region.width && y > region.y && y < region.y + region.height)
    };
    let of = |clip: &Clip| -> Vec<u8> {
        let pixels = (0..clip.width() * clip.height()).filter(is_outside).collect::<Vec<_>>();
        clip.frames()
            .flat_map(|frame| {
                pixels.iter().flat_map(|pixel| frame[3 * pixel..][..3].to_vec()).collect::<Vec<_>>()
            })
            .collect()
    };
    psnr(&of(a), &of(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_changes_kind_and_colour_each_time_on_one_ground() {
        for number in 0..3 {
            let chain = chain(number);
            assert_eq!(chain.len(), EDITS + 1);
            for pair in chain.windows(2) {
                let [was, is] = [pair[0].main(), pair[1].main()];
                assert!(was.kind != is.kind && was.colour != is.colour);
                assert_eq!(pair[0].ground, pair[1].ground);
            }
            let region = region(&chain, ClipSpec::default());
            assert!(region.width > 20.0 && region.height > 20.0, "{region:?}");
            assert!(region.x + region.width <= 128.0 && region.y + region.height <= 128.0, "{region:?}");
        }
    }

    #[test]
    fn only_what_is_outside_counts() {
        let region = Region { x: 2.0, y: 0.0, width: 2.0, height: 4.0, from: 0.0, to: None, moves_to: None };
        let of = |inside: u8| {
            let row = [0, 0, 0, 9, 9, 9, inside, inside, inside, inside, inside, inside];
            Clip::new(4, 4, 8.0, row.repeat(4)).unwrap()
        };
        assert_eq!(outside(&of(0), &of(200), &region), 99.0);
    }
}
