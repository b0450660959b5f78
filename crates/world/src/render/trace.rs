//! What one ray sees.

use glam::{Vec2, Vec3};

use super::ground;
use super::light::Light;
use crate::figure::{Entry, Figure};
use crate::place::Ground;
use crate::truth::Rays;

/// The radius of the sun's disc at distance 1: wider than the real one, for soft shadows.
const SUN_RADIUS: f32 = 0.07;
/// Points on that disc, as a share of its radius.
const SUN_POINTS: [[f32; 2]; 4] = [[0.35, 0.75], [-0.75, 0.35], [0.75, -0.35], [-0.35, -0.75]];
/// The light that is left where the things around block the sky the most.
const DARKEST: f32 = 0.3;
/// How far above a surface the next ray starts, in metres.
const CLEARANCE: f32 = 2e-3;
/// How fast the ground fades into the horizon, per metre.
const HAZE: f32 = 0.02;

/// What a sample shows: a part of a thing, the ground, or the sky.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    #[default]
    Sky,
    Ground,
    Part(usize, usize),
}

/// What one ray sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Linear light.
    pub colour: Vec3,
    pub surface: Shown,
    /// The distance to it, in metres; infinite for the sky.
    pub distance: f32,
}

/// One frame, ready to be looked at.
pub(super) struct Tracer<'a> {
    pub figures: &'a [Figure],
    pub light: Light,
    pub ground: Ground,
    /// Seconds from the first frame: water moves.
    pub time: f32,
    pub rays: Rays,
}

impl Tracer<'_> {
    /// What is seen through a point of the frame, in pixels from the top left corner.
    pub fn sample(&self, pixel: Vec2) -> Sample {
        let direction = self.rays.direction(pixel);
        let origin = self.rays.origin;
        if let Some((thing, part, entry)) = self.first_above_ground(origin, direction) {
            let colour = self.shade_part(thing, part, entry, origin, direction);
            return Sample { colour, surface: Shown::Part(thing, part), distance: entry.distance };
        }
        if direction.y < -1e-4 {
            let distance = -origin.y / direction.y;
            let colour = self.shade_ground(origin + direction * distance, direction, distance);
            return Sample { colour, surface: Shown::Ground, distance };
        }
        Sample { colour: self.light.sky_towards(direction), surface: Shown::Sky, distance: f32::INFINITY }
    }

    /// The index of the thing that is seen through a point of the frame, in pixels from the top left corner.
    pub fn thing_at(&self, pixel: Vec2) -> Option<usize> {
        let (thing, ..) = self.first_above_ground(self.rays.origin, self.rays.direction(pixel))?;
        Some(thing)
    }

    fn first_above_ground(&self, origin: Vec3, direction: Vec3) -> Option<(usize, usize, Entry)> {
        let is_hidden = |entry: &Entry| direction.y < 0.0 && entry.distance > -origin.y / direction.y;
        self.first(origin, direction).filter(|(_, _, entry)| !is_hidden(entry))
    }

    fn first(&self, origin: Vec3, direction: Vec3) -> Option<(usize, usize, Entry)> {
        let mut first: Option<(usize, usize, Entry)> = None;
        for (thing, figure) in self.figures.iter().enumerate() {
            if let Some((part, entry)) = figure.enter(origin, direction)
                && first.is_none_or(|(_, _, known)| entry.distance < known.distance)
            {
                first = Some((thing, part, entry));
            }
        }
        first
    }

    /// The share of the sun that a point sees.
    fn sunlight(&self, at: Vec3) -> f32 {
        let sun = self.light.to_sun;
        // Most points are far from every shadow: one look tells.
        let is_near = |figure: &&Figure| {
            let to_centre = figure.centre - at;
            let along = to_centre.dot(sun).max(0.0);
            let reach = figure.radius + along * SUN_RADIUS;
            (to_centre - sun * along).length_squared() < reach * reach
        };
        let mut near = self.figures.iter().filter(is_near).peekable();
        if near.peek().is_none() {
            return 1.0;
        }
        let near: Vec<&Figure> = near.collect();
        let (across, up) = sun.any_orthonormal_pair();
        let lit = SUN_POINTS
            .iter()
            .filter(|[a, b]| {
                let direction = (sun + (across * *a + up * *b) * SUN_RADIUS).normalize();
                !near.iter().any(|figure| figure.blocks(at, direction))
            })
            .count();
        lit as f32 / SUN_POINTS.len() as f32
    }

    /// The share of the sky that a point sees, with each part of each thing taken as a ball.
    /// `skip` leaves out the part that the point is on.
    fn openness(&self, at: Vec3, normal: Vec3, skip: Option<(usize, usize)>) -> f32 {
        let mut open = 1.0;
        for (thing, figure) in self.figures.iter().enumerate() {
            if at.distance_squared(figure.centre) > (3.0 * figure.radius).powi(2) {
                continue;
            }
            for (index, part) in figure.parts.iter().enumerate() {
                if skip == Some((thing, index)) {
                    continue;
                }
                let to_part = part.centre - at;
                let distance_squared = to_part.length_squared();
                let ahead = normal.dot(to_part);
                let r2 = part.blocking_radius * part.blocking_radius;
                if ahead > 0.0 && distance_squared < 36.0 * r2 {
                    let blocked = ahead / distance_squared.sqrt() * (r2 / distance_squared.max(r2));
                    open *= 1.0 - 0.75 * blocked;
                }
            }
        }
        DARKEST + (1.0 - DARKEST) * open
    }

    fn shade_part(&self, thing: usize, part: usize, entry: Entry, origin: Vec3, direction: Vec3) -> Vec3 {
        let solid = &self.figures[thing].parts[part];
        let at = origin + direction * entry.distance;
        let normal = entry.normal;
        let footprint = entry.distance * self.rays.pixel_angle();
        let albedo = solid.paint.albedo_at(solid.local_point(at), footprint);
        let above = at + normal * CLEARANCE;

        let facing_sun = normal.dot(self.light.to_sun);
        let sun = if facing_sun > 0.0 { self.sunlight(above) } else { 0.0 };
        // The underside is darker the nearer it is to the ground.
        let height = (at.y / 0.6).clamp(0.0, 1.0);
        let grounded = 1.0 - 0.45 * (0.5 - 0.5 * normal.y) * (1.0 - height);
        let open = self.openness(above, normal, Some((thing, part))) * grounded;
        let diffuse =
            albedo * (self.light.sun * (facing_sun.max(0.0) * sun) + self.light.ambient(normal) * open);

        let halfway = (self.light.to_sun - direction).normalize();
        let highlight = normal.dot(halfway).max(0.0).powi(36) * sun * solid.paint.gloss;
        diffuse + self.light.sun * (0.55 * highlight)
    }

    fn shade_ground(&self, at: Vec3, direction: Vec3, distance: f32) -> Vec3 {
        let slant = (-direction.y).max(0.05);
        let surface = ground::surface(self.ground, at, self.time, distance * self.rays.pixel_angle() / slant);
        let above = at + Vec3::Y * CLEARANCE;
        let sun = self.light.sun * (self.light.to_sun.dot(surface.normal).max(0.0) * self.sunlight(above));
        let sky = self.light.ambient(surface.normal) * self.openness(above, Vec3::Y, None);
        let mut colour = surface.albedo * (sun + sky);
        if surface.mirror > 0.0 {
            let facing = -direction.dot(surface.normal);
            let share = surface.mirror + (1.0 - surface.mirror) * (1.0 - facing).clamp(0.0, 1.0).powi(4);
            let mirrored = direction - 2.0 * direction.dot(surface.normal) * surface.normal;
            let mirrored = Vec3::new(mirrored.x, mirrored.y.abs(), mirrored.z);
            let seen = match self.first(above, mirrored) {
                Some((thing, part, entry)) => self.shade_part(thing, part, entry, above, mirrored),
                None => self.light.sky_towards(mirrored),
            };
            colour = colour.lerp(seen, 0.8 * share);
        }
        let clear = (-HAZE * (distance - 4.0).max(0.0)).exp();
        self.light.sky_towards(Vec3::new(direction.x, 0.0, direction.z).normalize()).lerp(colour, clear)
    }
}
