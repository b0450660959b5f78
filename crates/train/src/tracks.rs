//! The tracks of the world's scenes: what is where, from its exact truth.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};
use diffusion::Timeline;
use engine::shown;
use glam::Vec3;
use models::tracks::{Place, Pose, Track};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use world::{Camera, ClipSpec, GroundTruth, Mark, Scene, ScreenBox, ThingState};

/// What is behind the camera, or far beyond the frame, is here.
const NOWHERE: Place = Place { x: -1.0, y: 0.5, width: 0.1, height: 0.1, distance: 20.0, pose: NO_POSE };
const NO_POSE: Pose = Pose { front: [0.0; 3], top: [0.0; 3], stride: 0.0, wings: 0.0, spread: 0.0 };
/// Nothing reaches farther than so many times the width and height of the frame from its middle.
const FARTHEST: f32 = 2.0;

/// The tracks of all things of a scene, in its order, in these frames.
pub fn tracks(scene: &Scene, truth: &GroundTruth, frames: impl Iterator<Item = usize> + Clone) -> Vec<Track> {
    let track = |(thing, it): (usize, &world::Thing)| {
        let place = |frame: usize| {
            let now = &truth.frames[frame];
            let state = &now.things[thing];
            let distance = (state.position - now.camera.position).length();
            let pose = pose(state, &now.camera);
            state.screen_box.map_or(NOWHERE, |found| Place { pose, ..place(found, distance, &truth.spec) })
        };
        Track {
            kind: it.kind as usize,
            colour: it.colour as usize,
            places: frames.clone().map(place).collect(),
        }
    };
    scene.things.iter().enumerate().map(track).collect()
}

fn place(ScreenBox { min, max }: ScreenBox, distance: f32, spec: &ClipSpec) -> Place {
    let (wide, tall) = (spec.width as f32, spec.height as f32);
    let within = |share: f32| share.clamp(0.5 - FARTHEST, 0.5 + FARTHEST);
    let [left, right, upper, lower] = [min.x / wide, max.x / wide, min.y / tall, max.y / tall].map(within);
    Place {
        x: f32::midpoint(left, right),
        y: f32::midpoint(upper, lower),
        width: right - left,
        height: lower - upper,
        distance,
        pose: NO_POSE,
    }
}

/// How a thing that faces along its own first axis stands to the camera.
fn pose(state: &ThingState, camera: &Camera) -> Pose {
    let seen = |axis: Vec3| (camera.axes().transpose() * (state.orientation * axis)).to_array();
    let posture = state.posture;
    Pose {
        front: seen(Vec3::X),
        top: seen(Vec3::Y),
        stride: posture.stride,
        wings: posture.wings.unwrap_or(0.0),
        spread: if posture.wings.is_some() { 1.0 } else { -1.0 },
    }
}

/// What falls in each of these frames of a scene, in a picture of so many latents down and across.
pub fn falling(
    scene: &Scene,
    truth: &GroundTruth,
    frames: impl Iterator<Item = usize>,
    size: [usize; 2],
) -> Vec<Vec<Mark>> {
    let of_frame = |frame: usize| {
        let now = &truth.frames[frame];
        shown::falling(scene.weather, scene.seed, &now.camera, now.time, size)
    };
    frames.map(of_frame).collect()
}

/// Hides channels of latents or planes of tracks, `[batch, channels, frames, height, width]`, such as those of poses: in a share of clips
/// all of them, and in half of the others those of what is known. Of what is given it is seen where things are, and not how they are
/// turned, nor where drops are.
pub fn hide(
    shown: Tensor<5>,
    hidden: &[Range<usize>],
    timelines: &[Timeline],
    share: f64,
    rng: &mut ChaCha8Rng,
) -> Tensor<5> {
    let [batch, _, frames, height, width] = shown.dims();
    let of_clip = |timeline: &Timeline| {
        let (hides_all, hides_known) = (rng.random::<f64>() < share, rng.random::<bool>());
        let hides = |frame: usize| hides_all || hides_known && timeline.known[frame];
        (0..frames).map(|frame| if hides(frame) { 0.0 } else { 1.0 }).collect::<Vec<f32>>()
    };
    let seen: Vec<f32> = timelines.iter().flat_map(of_clip).collect();
    let seen = Tensor::<5>::from_data(TensorData::new(seen, [batch, 1, frames, 1, 1]), &shown.device());
    hidden.iter().filter(|hidden| !hidden.is_empty()).fold(shown, |shown, hidden| {
        let left = shown.clone().narrow(1, hidden.start, hidden.len()) * seen.clone();
        shown.slice_assign([0..batch, hidden.clone(), 0..frames, 0..height, 0..width], left)
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use diffusion::NUM_TRAIN_TIMESTEPS;
    use rand::SeedableRng;

    use super::*;
    use crate::parameters::to_vec;

    #[test]
    fn a_pose_is_seen_from_the_camera() {
        let camera = Camera { position: Vec3::new(0.0, 0.0, 5.0), target: Vec3::ZERO, field_of_view: 0.8 };
        let scene = (0..).map(|seed| Scene::sample(seed, world::Split::Train)).next().unwrap();
        let spec = ClipSpec::default();
        let state = world::simulate(&scene, &spec).frames[0].things[0];
        // Turned a quarter about the vertical axis, it looks away from the camera, or out of the picture.
        let turned = |angle: f32| {
            let orientation = glam::Quat::from_rotation_y(angle);
            pose(&ThingState { orientation, ..state }, &camera)
        };
        for (angle, front) in [(0.0, [1.0, 0.0, 0.0]), (1.5707964, [0.0, 0.0, -1.0])] {
            let found = turned(angle);
            for (found, expected) in [(found.front, front), (found.top, [0.0, 1.0, 0.0])] {
                assert!(Vec3::from(found).distance(Vec3::from(expected)) < 1e-5, "{found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn poses_are_hidden_in_what_is_known_or_all_over() {
        let known = Timeline::known(vec![true, false], NUM_TRAIN_TIMESTEPS as f64);
        let timelines = vec![known; 64];
        let shown = Tensor::ones([64, 2, 2, 1, 1], &Device::flex());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut hidden = |share| {
            to_vec(hide(shown.clone(), std::slice::from_ref(&(1..2)), &timelines, share, &mut rng)).unwrap()
        };
        assert_eq!(hidden(1.0), [1.0, 1.0, 0.0, 0.0].repeat(64));
        let some = hidden(0.0);
        let of_frame = |frame: usize| some.chunks_exact(4).map(|clip| clip[2 + frame]).sum::<f32>();
        assert!((20.0..44.0).contains(&of_frame(0)), "{}", of_frame(0));
        assert_eq!(of_frame(1), 64.0);
    }
}
