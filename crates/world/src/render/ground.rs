//! The grounds: smooth shading with low contrast, broad enough to survive a small autoencoder,
//! and fixed to the world so that it shows how the camera moves.

use glam::Vec3;

use crate::place::Ground;

/// The ground at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surface {
    /// The share of light that it throws back.
    pub albedo: Vec3,
    /// Which way it faces.
    pub normal: Vec3,
    /// How much of the sky and the things it mirrors when seen from straight above, from 0 to 1.
    pub mirror: f32,
}

/// A slow wave over the ground, from -1 to 1, that fades where a pixel would cover more than
/// a fraction of its length.
fn wave(x: f32, z: f32, direction: [f32; 2], phase: f32, footprint: f32) -> f32 {
    let frequency = direction[0].hypot(direction[1]);
    let fade = (1.6 - frequency * footprint).clamp(0.0, 1.0);
    fade * (direction[0] * x + direction[1] * z + phase).sin()
}

/// The ground at a point seen at a time, where a pixel covers `footprint` metres.
pub(crate) fn surface(ground: Ground, at: Vec3, time: f32, footprint: f32) -> Surface {
    let (x, z) = (at.x, at.z);
    let wave = |direction, phase| wave(x, z, direction, phase, footprint);
    let matte = |albedo: Vec3| Surface { albedo, normal: Vec3::Y, mirror: 0.0 };
    let rgb = Vec3::new;
    match ground {
        Ground::Grass => {
            let patches = wave([1.3, 0.9], 0.4) + wave([-0.8, 1.9], 1.7) + 0.7 * wave([2.6, -1.1], 0.2);
            matte(rgb(0.235, 0.34, 0.085) * (1.0 + 0.085 * patches))
        }
        Ground::Sand => {
            let bend = 0.5 * wave([0.9, 0.2], 0.0);
            let ripples = wave([0.5, 3.4], bend) + 0.6 * wave([0.7, 0.5], 2.0);
            matte(rgb(0.66, 0.49, 0.26) * (1.0 + 0.06 * ripples))
        }
        Ground::Snow => {
            let drifts = wave([0.9, 1.4], 0.3) + wave([-1.5, 0.8], 1.1);
            matte(rgb(0.80, 0.84, 0.90) * (1.0 + 0.035 * drifts))
        }
        Ground::Water => {
            let slope_x = wave([1.7, 0.7], 1.4 * time) + 0.6 * wave([-1.0, 2.3], 1.1 * time);
            let slope_z = wave([0.6, 2.4], -1.5 * time) + 0.6 * wave([2.1, 1.4], 0.9 * time);
            Surface {
                albedo: rgb(0.035, 0.17, 0.27) * (1.0 + 0.12 * slope_z),
                normal: rgb(0.022 * slope_x, 1.0, 0.03 * slope_z).normalize(),
                mirror: 0.05,
            }
        }
        Ground::Road => road(x, z, footprint),
    }
}

/// A road that runs from left to right, between verges.
fn road(x: f32, z: f32, footprint: f32) -> Surface {
    const HALF_WIDTH: f32 = 2.3;
    const LINE: f32 = 0.07;
    const DASH: f32 = 1.6;
    let within = |distance: f32| (0.5 - distance / footprint.max(0.02)).clamp(0.0, 1.0);
    let asphalt = Vec3::new(0.17, 0.17, 0.185) * (1.0 + 0.03 * wave(x, z, [0.8, 0.5], 0.0, footprint));
    let verge = Vec3::new(0.30, 0.31, 0.15);
    let paint = Vec3::new(0.62, 0.61, 0.56);

    let edge = within((z.abs() - (HALF_WIDTH - 0.25)).abs() - LINE);
    let along = (x / DASH - (x / DASH).floor() - 0.5).abs() * DASH;
    let dashes = within((z + 0.85).abs() - LINE) * within(along - 0.25 * DASH);
    let surface = asphalt.lerp(paint, edge.max(dashes));
    Surface { albedo: verge.lerp(surface, within(z.abs() - HALF_WIDTH)), normal: Vec3::Y, mirror: 0.0 }
}
