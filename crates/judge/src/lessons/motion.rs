//! How things and the camera move in a frame, from the exact truth.

use glam::{Quat, Vec3};
use world::{Action, Camera, Event, FrameTruth, Ground, GroundTruth, Happening, Kind, Scene};

/// A thing that is slower than this rests, in m/s.
const RESTS_BELOW: f32 = 0.05;

/// How a thing moves in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Over the ground, in m/s: to the camera's right, up, level towards the camera.
    pub velocity: Vec3,
    /// Angular velocity about the same axes, in rad/s.
    pub spin: Vec3,
    /// Of its middle above where it is when it stands on the ground, in metres.
    pub height: f32,
    /// The squared angle of its legs, in rad².
    pub stride: f32,
    /// 1 if its wings are spread, 0 if not.
    pub wings: f32,
    /// What it does; none for another than the main thing that was pushed.
    pub event: Option<Event>,
}

impl Motion {
    /// How it moves in a mirror: left is right, and what turns, turns the other way but about the axis across.
    pub fn mirrored(self) -> Self {
        Self {
            velocity: self.velocity * Vec3::new(-1.0, 1.0, 1.0),
            spin: self.spin * Vec3::new(1.0, -1.0, -1.0),
            event: self.event.map(Event::mirrored),
            ..self
        }
    }
}

/// How a thing moves in a frame, between the one before it and the one behind it.
///
/// # Panics
/// In the first and the last frame, and if there is no such thing.
pub fn motion(scene: &Scene, truth: &GroundTruth, frame: usize, thing: usize) -> Motion {
    let [before, now, after] = [frame - 1, frame, frame + 1].map(|frame| &truth.frames[frame]);
    let [was, is, will] = [before, now, after].map(|frame| &frame.things[thing]);
    let elapsed = after.time - before.time;
    let axes = level_axes(&now.camera);
    let along = |vector: Vec3| Vec3::from_array(axes.map(|axis| axis.dot(vector)));
    let velocity = (will.position - was.position) / elapsed;
    let turn: Quat = will.orientation * was.orientation.inverse();
    let turn = if turn.w < 0.0 { -turn } else { turn };
    Motion {
        velocity: along(velocity),
        spin: along(turn.to_scaled_axis() / elapsed),
        height: is.position.y - standing_height(scene, thing),
        stride: is.posture.stride.powi(2),
        wings: f32::from(is.posture.wings.is_some()),
        event: event_in(scene, truth, now.time, thing, velocity),
    }
}

/// Camera axes that are level: to the right, up, towards the camera.
fn level_axes(camera: &Camera) -> [Vec3; 3] {
    let back = camera.position - camera.target;
    let towards = Vec3::new(back.x, 0.0, back.z).normalize_or(Vec3::Z);
    [Vec3::Y.cross(towards), Vec3::Y, towards]
}

fn event_in(scene: &Scene, truth: &GroundTruth, time: f32, thing: usize, velocity: Vec3) -> Option<Event> {
    if thing > 0 {
        return (velocity.length() < RESTS_BELOW).then_some(Event::of(Action::Rests));
    }
    let begun = truth.moments.iter().filter(|moment| moment.time <= time + 1e-3);
    let mut events = begun.filter_map(|moment| match moment.happening {
        Happening::Begins(event) => Some(event),
        _ => None,
    });
    events.next_back().or(scene.events.first().copied())
}

/// The height of the middle of a thing that stands on the ground or floats, about: what lies on its side is lower.
fn standing_height(scene: &Scene, thing: usize) -> f32 {
    let is = &scene.things[thing];
    let half = is.kind.half_extent().y * is.size.scale();
    match (scene.ground, is.kind) {
        (Ground::Water, Kind::Boat) => 0.84 * half,
        (Ground::Water, _) => 0.3 * half,
        _ => half,
    }
}

/// How the camera moves from one frame to another: it turns to the left in rad/s, comes nearer in logarithms of the
/// distance a second, circles to the left in rad/s.
pub fn camera_rates(before: &FrameTruth, after: &FrameTruth) -> [f32; 3] {
    let elapsed = after.time - before.time;
    let [was, will] = [&before.camera, &after.camera];
    // The angle of a direction about the vertical axis, growing to the left.
    let turned = |from: Vec3, to: Vec3| {
        let angle = |v: Vec3| v.x.atan2(v.z);
        let turn = angle(to) - angle(from);
        (turn + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU) - std::f32::consts::PI
    };
    let [from, to] = [was, will].map(|camera| camera.position - camera.target);
    let stands = was.position.distance(will.position) < 1e-4;
    // A camera that circles to the left is then more to the left of the scene.
    let (pan, orbit) = if stands { (turned(from, to), 0.0) } else { (0.0, -turned(from, to)) };
    let nearer = if stands { 0.0 } else { (from.length() / to.length()).ln() };
    [pan, nearer, orbit].map(|change| change / elapsed)
}

/// Which of the [`camera_rates`] a move has, and its sign; none if the camera stands still.
#[cfg(test)]
pub(crate) fn camera_way(camera: world::CameraMove) -> Option<(usize, f32)> {
    use world::CameraMove;
    match camera {
        CameraMove::Still => None,
        CameraMove::PanLeft => Some((0, 1.0)),
        CameraMove::PanRight => Some((0, -1.0)),
        CameraMove::ZoomIn => Some((1, 1.0)),
        CameraMove::ZoomOut => Some((1, -1.0)),
        CameraMove::OrbitLeft => Some((2, 1.0)),
        CameraMove::OrbitRight => Some((2, -1.0)),
    }
}

#[cfg(test)]
mod tests {
    use world::{CameraMove, ClipSpec};

    use super::*;
    use crate::lessons::lesson_scene;

    #[test]
    fn the_camera_moves_as_the_scene_says() {
        let mut seen = std::collections::HashSet::new();
        for number in 0..120 {
            let scene = lesson_scene(number);
            let truth = world::simulate(&scene, &ClipSpec::default());
            let rates = camera_rates(&truth.frames[7], &truth.frames[9]);
            let largest = (0..3).max_by(|&a, &b| rates[a].abs().total_cmp(&rates[b].abs())).unwrap();
            seen.insert(scene.camera);
            match camera_way(scene.camera) {
                None => assert!(rates.iter().all(|rate| rate.abs() < 1e-3), "{rates:?}"),
                Some(way) => assert_eq!((largest, rates[largest].signum()), way, "{:?}", scene.camera),
            }
        }
        assert_eq!(seen.len(), CameraMove::ALL.len());
    }

    #[test]
    fn what_goes_to_the_left_has_a_velocity_to_the_left() {
        let mut asked = 0;
        for number in 0..200 {
            let scene = lesson_scene(number);
            let truth = world::simulate(&scene, &ClipSpec::default());
            let Some(way) = scene.events[0].direction.filter(|_| scene.events[0].action.travels()) else {
                continue;
            };
            let motion = motion(&scene, &truth, 3, 0);
            // The camera looks from the front, but for half an orbit to either side.
            assert!(motion.velocity.dot(way.vector()) > 0.3 * motion.velocity.length(), "{motion:?} {way:?}");
            assert_eq!(motion.event, Some(scene.events[0]));
            asked += 1;
        }
        assert!(asked > 40, "{asked}");
    }
}
