//! Rain and snow: few soft streaks and flakes, each with its own place in the world,
//! so that one frame follows from the last.

use glam::{Vec2, Vec3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::place::Weather;
use crate::scene::Scene;
use crate::truth::{Camera, ClipSpec};

/// The air that drops fall through: half its width, its height, and how far it reaches back.
const HALF_WIDTH: f32 = 3.2;
const HEIGHT: f32 = 4.2;
const DEPTH: (f32, f32) = (-3.0, 2.6);

/// Keeps what falls apart from the other draws with the scene's seed.
const STREAM: u64 = 0x00D0_0F5A_11E4;

/// One streak or flake in a frame, in pixels from the top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Its lower end,
    pub from: Vec2,
    /// and its upper one; a flake has both in one place.
    pub to: Vec2,
    /// Half as thick as it is drawn.
    pub radius: f32,
    /// How much of what is behind it is hidden, from 0 to 1.
    pub opacity: f32,
    /// From the camera, in metres.
    pub distance: f32,
}

/// All that falls before a camera at a time in seconds, nothing under a clear sky. `seed` chooses where each drop or flake is; one frame
/// follows from the last.
pub fn falling(weather: Weather, seed: u64, camera: &Camera, time: f32, spec: &ClipSpec) -> Vec<Mark> {
    let (count, speed, length, radius, opacity) = match weather {
        Weather::Clear => (0, 0.0, 0.0, 0.0, 0.0),
        Weather::Rain => (56, 3.6, 0.26, 0.013, 0.5),
        Weather::Snow => (64, 0.8, 0.0, 0.034, 0.9),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ STREAM);
    let mut marks = Vec::with_capacity(count);
    for _ in 0..count {
        let x: f32 = rng.random_range(-HALF_WIDTH..HALF_WIDTH);
        let y: f32 = rng.random_range(0.0..HEIGHT);
        let z: f32 = rng.random_range(DEPTH.0..DEPTH.1);
        let phase: f32 = rng.random_range(0.0..std::f32::consts::TAU);
        let sway = if weather == Weather::Snow { 0.12 * (1.5 * time + phase).sin() } else { 0.0 };
        let at = Vec3::new(x + sway, (y - speed * time).rem_euclid(HEIGHT), z);
        let top = at + Vec3::new(-0.06 * length, length, 0.0);
        let (Some(from), Some(to)) = (camera.project(at, spec), camera.project(top, spec)) else {
            continue;
        };
        let distance = at.distance(camera.position);
        let pixels_per_metre = 1.0 / (distance * camera.rays(spec).pixel_angle());
        // No thinner than a pixel: what would be thinner gets fainter instead.
        let wanted = radius * pixels_per_metre;
        let drawn = wanted.max(0.7);
        marks.push(Mark { from, to, radius: drawn, opacity: opacity * (wanted / drawn), distance });
    }
    marks
}

impl Mark {
    /// The upper left and the lower right corner of what it can hide any of.
    pub fn bounds(&self) -> [Vec2; 2] {
        let reach = Vec2::splat(self.radius + 1.0);
        [self.from.min(self.to) - reach, self.from.max(self.to) + reach]
    }

    /// How much of a point of the frame it hides, from 0 to 1.
    pub fn hides(&self, pixel: Vec2) -> f32 {
        let [min, max] = self.bounds();
        if pixel.cmplt(min).any() || pixel.cmpgt(max).any() {
            return 0.0;
        }
        let line = self.to - self.from;
        let along = ((pixel - self.from).dot(line) / line.length_squared().max(1e-6)).clamp(0.0, 1.0);
        let away = pixel.distance(self.from + line * along);
        (self.radius + 0.5 - away).clamp(0.0, 1.0) * self.opacity
    }
}

/// All that falls in one frame.
pub(super) struct Precipitation {
    marks: Vec<Mark>,
    tint: Vec3,
}

impl Precipitation {
    /// The marks of a frame at a time in seconds.
    pub fn of(scene: &Scene, camera: &Camera, time: f32, spec: &ClipSpec) -> Self {
        let light = super::light::Light::of(scene);
        // Bright against the ground, but not brighter than the night allows.
        let tint = (light.sky + light.sun * 0.6) * 1.3 + 0.06;
        Self { marks: falling(scene.weather, scene.seed, camera, time, spec), tint }
    }

    /// The colour of a pixel, at a point of the frame, behind all that falls before `distance`.
    pub fn over(&self, mut colour: Vec3, pixel: Vec2, distance: f32) -> Vec3 {
        for mark in self.marks.iter().filter(|mark| mark.distance <= distance) {
            colour = colour.lerp(self.tint, mark.hides(pixel));
        }
        colour
    }
}
