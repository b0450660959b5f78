//! The tracks of the world's scenes: what is where, from its exact truth.

use models::tracks::{Place, Track};
use world::{ClipSpec, GroundTruth, Scene, ScreenBox};

/// What is behind the camera, or far beyond the frame, is here.
const NOWHERE: Place = Place { x: -1.0, y: 0.5, width: 0.1, height: 0.1, distance: 20.0 };
/// Nothing reaches farther than so many times the width and height of the frame from its middle.
const FARTHEST: f32 = 2.0;

/// The tracks of all things of a scene, in its order, in these frames.
pub fn tracks(scene: &Scene, truth: &GroundTruth, frames: impl Iterator<Item = usize> + Clone) -> Vec<Track> {
    let track = |(thing, it): (usize, &world::Thing)| {
        let place = |frame: usize| {
            let now = &truth.frames[frame];
            let state = &now.things[thing];
            let distance = (state.position - now.camera.position).length();
            state.screen_box.map_or(NOWHERE, |found| place(found, distance, &truth.spec))
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
    }
}
