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

/// One streak or flake in the frame.
#[derive(Clone, Copy, Debug)]
struct Mark {
    from: Vec2,
    to: Vec2,
    radius: f32,
    opacity: f32,
    distance: f32,
}

/// All that falls in one frame.
pub(super) struct Precipitation {
    marks: Vec<Mark>,
    tint: Vec3,
}

impl Precipitation {
    /// The marks of a frame at a time in seconds.
    pub fn of(scene: &Scene, camera: &Camera, time: f32, spec: &ClipSpec) -> Self {
        let (count, speed, length, radius, opacity) = match scene.weather {
            Weather::Clear => (0, 0.0, 0.0, 0.0, 0.0),
            Weather::Rain => (56, 3.6, 0.26, 0.013, 0.5),
            Weather::Snow => (64, 0.8, 0.0, 0.034, 0.9),
        };
        let light = super::light::Light::of(scene);
        // Bright against the ground, but not brighter than the night allows.
        let tint = (light.sky + light.sun * 0.6) * 1.3 + 0.06;
        let mut rng = ChaCha8Rng::seed_from_u64(scene.seed ^ STREAM);
        let mut marks = Vec::with_capacity(count);
        for _ in 0..count {
            let x: f32 = rng.random_range(-HALF_WIDTH..HALF_WIDTH);
            let y: f32 = rng.random_range(0.0..HEIGHT);
            let z: f32 = rng.random_range(DEPTH.0..DEPTH.1);
            let phase: f32 = rng.random_range(0.0..std::f32::consts::TAU);
            let sway = if scene.weather == Weather::Snow { 0.12 * (1.5 * time + phase).sin() } else { 0.0 };
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
        Self { marks, tint }
    }

    /// The colour of a pixel, at a point of the frame, behind all that falls before `distance`.
    pub fn over(&self, mut colour: Vec3, pixel: Vec2, distance: f32) -> Vec3 {
        for mark in &self.marks {
            let reach = mark.radius + 1.0;
            if (pixel.x < mark.from.x.min(mark.to.x) - reach)
                || (pixel.x > mark.from.x.max(mark.to.x) + reach)
                || (pixel.y < mark.from.y.min(mark.to.y) - reach)
                || (pixel.y > mark.from.y.max(mark.to.y) + reach)
                || mark.distance > distance
            {
                continue;
            }
            let line = mark.to - mark.from;
            let along = ((pixel - mark.from).dot(line) / line.length_squared().max(1e-6)).clamp(0.0, 1.0);
            let away = pixel.distance(mark.from + line * along);
            let cover = (mark.radius + 0.5 - away).clamp(0.0, 1.0);
            colour = colour.lerp(self.tint, cover * mark.opacity);
        }
        colour
    }
}
