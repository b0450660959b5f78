//! The light and the sky of each time of day and weather.

use glam::Vec3;

use crate::place::{TimeOfDay, Weather};
use crate::scene::Scene;

/// The sun (or the moon), the sky, and the haze.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    /// The unit direction to the sun.
    pub to_sun: Vec3,
    /// The light of the sun.
    pub sun: Vec3,
    /// The light of the sky from above.
    pub sky: Vec3,
    /// The light from below, thrown back by the ground.
    pub bounce: Vec3,
    /// The colour of the sky at the horizon.
    pub horizon: Vec3,
    /// The colour of the sky overhead.
    pub zenith: Vec3,
    /// The glow of the sky around the sun.
    pub glow: Vec3,
}

impl Light {
    pub fn of(scene: &Scene) -> Self {
        let clear = Self::clear(scene.time_of_day);
        if scene.weather == Weather::Clear { clear } else { clear.overcast() }
    }

    fn clear(time: TimeOfDay) -> Self {
        let rgb = Vec3::new;
        match time {
            TimeOfDay::Morning => Self {
                to_sun: rgb(0.75, 0.52, 0.45).normalize(),
                sun: rgb(0.86, 0.74, 0.56),
                sky: rgb(0.36, 0.40, 0.48),
                bounce: rgb(0.15, 0.14, 0.12),
                horizon: rgb(0.90, 0.78, 0.62),
                zenith: rgb(0.34, 0.52, 0.78),
                glow: rgb(0.30, 0.22, 0.10),
            },
            TimeOfDay::Noon => Self {
                to_sun: rgb(-0.32, 0.9, 0.35).normalize(),
                sun: rgb(0.84, 0.82, 0.77),
                sky: rgb(0.40, 0.44, 0.52),
                bounce: rgb(0.16, 0.16, 0.15),
                horizon: rgb(0.62, 0.78, 0.92),
                zenith: rgb(0.10, 0.30, 0.72),
                glow: rgb(0.10, 0.10, 0.08),
            },
            TimeOfDay::Evening => Self {
                to_sun: rgb(-0.84, 0.38, 0.36).normalize(),
                sun: rgb(0.90, 0.50, 0.24),
                sky: rgb(0.30, 0.27, 0.36),
                bounce: rgb(0.14, 0.10, 0.09),
                horizon: rgb(0.95, 0.44, 0.16),
                zenith: rgb(0.24, 0.18, 0.40),
                glow: rgb(0.40, 0.16, 0.04),
            },
            TimeOfDay::Night => Self {
                to_sun: rgb(0.45, 0.72, 0.52).normalize(),
                sun: rgb(0.42, 0.45, 0.54),
                sky: rgb(0.17, 0.19, 0.28),
                bounce: rgb(0.07, 0.075, 0.10),
                horizon: rgb(0.035, 0.055, 0.13),
                zenith: rgb(0.006, 0.010, 0.040),
                glow: rgb(0.03, 0.04, 0.06),
            },
        }
    }

    /// The same under clouds: less sun, and a grey sky that gives most of the light.
    fn overcast(self) -> Self {
        let grey = |colour: Vec3, amount: f32| {
            colour.lerp(Vec3::splat(colour.dot(Vec3::new(0.3, 0.55, 0.15))), amount)
        };
        let cloud = grey(self.horizon * 0.55 + self.zenith * 0.25, 0.75);
        Self {
            sun: grey(self.sun, 0.4) * 0.3,
            sky: grey(self.sky + self.sun * 0.42, 0.35),
            bounce: grey(self.bounce, 0.4),
            horizon: cloud * 1.12,
            zenith: cloud * 0.8,
            glow: Vec3::ZERO,
            ..self
        }
    }

    /// The colour of the sky in a direction.
    pub fn sky_towards(&self, direction: Vec3) -> Vec3 {
        let height = (direction.y / 0.5).clamp(0.0, 1.0);
        let ease = height * (2.0 - height);
        let glow = direction.dot(self.to_sun).max(0.0).powi(6);
        self.horizon.lerp(self.zenith, ease) + self.glow * glow
    }

    /// The light of sky and ground on a surface.
    pub fn ambient(&self, normal: Vec3) -> Vec3 {
        self.bounce.lerp(self.sky, 0.5 + 0.5 * normal.y)
    }
}
