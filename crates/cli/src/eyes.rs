//! The judge as the eyes of a pipeline: where things are in pictures and clips that are given.

use std::{
    iter,
    sync::{Arc, OnceLock},
};

use engine::{Eyes, Pipeline, Place, Pose, Track};
use judge::{Judge, tracks};
use media::Clip;
use world::{Claims, ThingClaim};

/// A judge that is read when something is to be seen for the first time.
#[derive(Debug, Default)]
struct JudgesEyes(OnceLock<Option<Judge>>);

/// A pipeline that sees what it is given, if that is of any use to its model.
pub fn with_eyes(pipeline: Pipeline) -> Pipeline {
    match pipeline.info().planner {
        Some(_) => pipeline.with_eyes(Arc::new(JudgesEyes::default())),
        None => pipeline,
    }
}

impl Eyes for JudgesEyes {
    /// Things that last, those that the prompt names first and in its order. What the judge cannot look at, as it is too small, it
    /// does not see.
    fn look(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>> {
        self.see(clip, &Claims::of_prompt(prompt), false)
    }

    fn look_for(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>> {
        self.see(clip, &Claims::of_prompt(prompt), true)
    }
}

impl JudgesEyes {
    /// If they are taken for what is claimed, what fits nothing of that is what nothing fits, one after the other.
    fn see(&self, clip: &Clip, claims: &Claims, as_claimed: bool) -> Option<Vec<Track>> {
        let judge = self.0.get_or_init(|| Judge::embedded().ok()).as_ref()?;
        // At the judge's own rate, so that it looks at each frame once.
        let clip = Clip::new(clip.width(), clip.height(), judge::look::FPS, clip.as_bytes().to_vec()).ok()?;
        let scenery = judge.look(&clip).ok()?;
        let (width, height) = (scenery.sight.width as f32, scenery.sight.height as f32);
        let is_clear = |track: &&tracks::Track| track.lasts() && track.clarity() >= CLEAR;
        let mut seen: Vec<&tracks::Track> = scenery.tracks.iter().filter(is_clear).collect();
        let claimed = claims.things.iter().flat_map(|claim| iter::repeat_n(claim, claim.count));
        let mut in_order = Vec::with_capacity(seen.len());
        for claim in claimed.clone() {
            let fits = |track: &tracks::Track| {
                let colour = claim.colour.map_or(1.0, |colour| track.colours()[colour as usize]);
                track.kinds()[claim.kind as usize] * colour
            };
            let best = (0..seen.len()).max_by(|&a, &b| fits(seen[a]).total_cmp(&fits(seen[b])));
            in_order.push(best.filter(|&best| fits(seen[best]) > LEAST_FIT).map(|best| seen.remove(best)));
        }
        let place = |found: &tracks::Sighting| Place {
            x: found.centre.x / width,
            y: found.centre.y / height,
            width: found.extent.x / width,
            height: found.extent.y / height,
            distance: found.distance,
            pose: Pose::default(),
        };
        let track = |track: &tracks::Track| {
            let seen: Vec<_> = track.seen().map(|(frame, found)| (frame, place(found))).collect();
            let places =
                (0..track.sightings.len()).map(|frame| between(&seen, frame)).collect::<Option<_>>()?;
            Some(Track { kind: track.kind() as usize, colour: track.colour() as usize, places })
        };
        if as_claimed {
            let mut left = seen.into_iter();
            let taken = |(claim, found): (&ThingClaim, Option<&tracks::Track>)| {
                let found = track(found.or_else(|| left.next())?)?;
                let colour = claim.colour.map_or(found.colour, |colour| colour as usize);
                Some(Track { kind: claim.kind as usize, colour, ..found })
            };
            let taken: Option<Vec<Track>> = claimed.zip(in_order).map(taken).collect();
            return taken.filter(|tracks| !tracks.is_empty() && left.next().is_none());
        }
        let found: Option<Vec<Track>> =
            in_order.into_iter().flatten().chain(seen).take(world::MOST_THINGS).map(track).collect();
        found.filter(|tracks| !tracks.is_empty())
    }
}

/// Where a thing is in a frame, if it is `seen` in some: hidden, it goes straight on from where it was last seen to where it is seen again.
fn between(seen: &[(usize, Place)], frame: usize) -> Option<Place> {
    let behind = seen.partition_point(|(at, _)| *at < frame);
    let (before, after) = (behind.checked_sub(1).map(|at| seen[at]), seen.get(behind).copied());
    let (Some((from, a)), Some((to, b))) = (before, after) else {
        return before.or(after).map(|(_, place)| place);
    };
    let share = (frame - from) as f32 / (to - from) as f32;
    let mix = |a: f32, b: f32| a + (b - a) * share;
    Some(Place {
        x: mix(a.x, b.x),
        y: mix(a.y, b.y),
        width: mix(a.width, b.width),
        height: mix(a.height, b.height),
        distance: mix(a.distance, b.distance),
        pose: a.pose,
    })
}

/// What is less clearly a thing of some kind is none.
const CLEAR: f32 = 0.5;
/// What fits a claim less than this is something else.
const LEAST_FIT: f32 = 0.05;

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use world::{CameraMove, ClipSpec, Colour, Kind, Language, Scene, Split};

    use super::*;

    /// Clips of the world are seen as their truth has them: at least four of five things in order, at most a twentieth of the frame off.
    #[test]
    fn things_are_seen_where_they_are_and_in_the_order_of_the_prompt() {
        let (spec, eyes) = (ClipSpec::default(), JudgesEyes::default());
        let (mut right, mut all) = (0, 0);
        let scenes = (0..).map(|seed| Scene::sample(seed, Split::Train));
        for scene in
            scenes.filter(|scene| scene.things.len() > 1 && scene.camera == CameraMove::Still).take(6)
        {
            let truth = world::simulate(&scene, &spec);
            let pixels = world::render(&scene, &truth, &spec);
            let clip = Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels).unwrap();
            let prompt =
                world::dense_caption(&scene, Language::English, &mut ChaCha8Rng::seed_from_u64(1)).text;
            let seen = eyes.look(&clip, &prompt).unwrap_or_default();
            for (index, thing) in scene.things.iter().enumerate() {
                let frame = spec.num_frames / 2;
                let Some(found) = truth.frames[frame].things[index].screen_box else { continue };
                let middle = (found.min + found.max) / 2.0;
                let is_right = seen.get(index).is_some_and(|track| {
                    let place = track.places[frame];
                    let off =
                        [place.x - middle.x / spec.width as f32, place.y - middle.y / spec.height as f32];
                    track.kind == thing.kind as usize
                        && track.colour == thing.colour as usize
                        && off.iter().all(|off| off.abs() < 0.05)
                });
                right += usize::from(is_right);
                all += 1;
            }
        }
        assert!(5 * right >= 4 * all, "{right} of {all}");
    }

    #[test]
    fn what_becomes_something_else_is_that_where_it_is() {
        let (spec, eyes) = (ClipSpec::default(), JudgesEyes::default());
        let is_alone = |scene: &Scene| scene.things.len() == 1 && scene.camera == CameraMove::Still;
        let scene = (0..).map(|seed| Scene::sample(seed, Split::Train)).find(is_alone).unwrap();
        let pixels = world::render(&scene, &world::simulate(&scene, &spec), &spec);
        let clip = Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels).unwrap();
        let [seen, taken] = [eyes.look(&clip, "一艘白色的船"), eyes.look_for(&clip, "一艘白色的船")];
        let (seen, taken) = (seen.unwrap(), taken.unwrap());
        assert_eq!(
            (seen[0].kind, seen[0].colour),
            (scene.main().kind as usize, scene.main().colour as usize)
        );
        assert_eq!((taken[0].kind, taken[0].colour), (Kind::Boat as usize, Colour::White as usize));
        assert_eq!((taken.len(), &taken[0].places), (1, &seen[0].places));
        // A colour that is not asked for stays.
        assert_eq!(eyes.look_for(&clip, "a boat").unwrap()[0].colour, seen[0].colour);
        assert_eq!(eyes.look_for(&clip, "a white boat left of a red ball"), None);
    }
}
