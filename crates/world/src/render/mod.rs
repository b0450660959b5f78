//! The renderer: one ray through each pixel, more where edges cross it.
//!
//! Every pixel is computed on its own, so the bits do not depend on the number of threads. Nothing
//! is random from frame to frame, so nothing flickers.

mod ground;
mod light;
mod precipitation;
mod shares;
mod trace;

pub use precipitation::{Mark, falling};
pub use shares::shares;

use std::sync::LazyLock;

use glam::{Vec2, Vec3};
use rayon::prelude::*;

use crate::figure::Figure;
use crate::scene::Scene;
use crate::simulate::figures;
use crate::truth::{ClipSpec, FrameTruth, GroundTruth};

use light::Light;
use precipitation::Precipitation;
use trace::{Sample, Tracer};

/// Rays along each side of a pixel that an edge crosses.
const EDGE_RAYS: usize = 3;
/// The difference in brightness between neighbours that counts as an edge within one surface.
const EDGE_CONTRAST: f32 = 0.035;

/// Draws every frame of a clip: RGB, 8 bits, `[num_frames, height, width, 3]`.
pub fn render(scene: &Scene, truth: &GroundTruth, spec: &ClipSpec) -> Vec<u8> {
    let mut pixels = vec![0; spec.num_frames * spec.height * spec.width * 3];
    pixels
        .par_chunks_mut((spec.height * spec.width * 3).max(1))
        .enumerate()
        .for_each(|(frame, pixels)| draw_frame(scene, truth, spec, frame, pixels));
    pixels
}

/// Draws one frame: RGB, 8 bits, `[height, width, 3]`.
///
/// # Panics
/// If the truth has no such frame.
pub fn render_frame(scene: &Scene, truth: &GroundTruth, spec: &ClipSpec, frame: usize) -> Vec<u8> {
    let mut pixels = vec![0; spec.height * spec.width * 3];
    draw_frame(scene, truth, spec, frame, &mut pixels);
    pixels
}

fn draw_frame(scene: &Scene, truth: &GroundTruth, spec: &ClipSpec, frame: usize, pixels: &mut [u8]) {
    let state = &truth.frames[frame];
    let figures = figures(scene, state);
    let tracer = tracer(scene, &figures, state, spec);
    let row_length = spec.width;
    let at =
        |column: usize, row: usize, shift: Vec2| tracer.sample(Vec2::new(column as f32, row as f32) + shift);

    let mut middles = vec![Sample::default(); spec.width * spec.height];
    middles.par_chunks_mut(row_length.max(1)).enumerate().for_each(|(row, samples)| {
        for (column, sample) in samples.iter_mut().enumerate() {
            *sample = at(column, row, Vec2::splat(0.5));
        }
    });

    let precipitation = Precipitation::of(scene, &state.camera, state.time, spec);
    pixels.par_chunks_mut((row_length * 3).max(1)).enumerate().for_each(|(row, pixels)| {
        for (column, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            let here = middles[row * row_length + column];
            let mut colour = here.colour;
            if is_edge(&middles, row_length, column, row) {
                colour = Vec3::ZERO;
                for sub in 0..EDGE_RAYS * EDGE_RAYS {
                    let shift = Vec2::new((sub % EDGE_RAYS) as f32, (sub / EDGE_RAYS) as f32) + 0.5;
                    colour += at(column, row, shift / EDGE_RAYS as f32).colour;
                }
                colour /= (EDGE_RAYS * EDGE_RAYS) as f32;
            }
            let middle = Vec2::new(column as f32, row as f32) + 0.5;
            colour = precipitation.over(colour, middle, here.distance);
            pixel.copy_from_slice(&to_srgb(colour));
        }
    });
}

/// One frame, ready to be looked at; `figures` are its things.
fn tracer<'a>(scene: &Scene, figures: &'a [Figure], state: &FrameTruth, spec: &ClipSpec) -> Tracer<'a> {
    let (light, ground, rays) = (Light::of(scene), scene.ground, state.camera.rays(spec));
    Tracer { figures, light, ground, time: state.time, rays }
}

/// Whether a pixel differs from a neighbour in what it shows, or in how bright it is.
fn is_edge(samples: &[Sample], row_length: usize, column: usize, row: usize) -> bool {
    let here = &samples[row * row_length + column];
    let rows = samples.len() / row_length;
    let differs = |column: usize, row: usize| {
        let other = &samples[row * row_length + column];
        other.surface != here.surface || (other.colour - here.colour).abs().max_element() > EDGE_CONTRAST
    };
    (column > 0 && differs(column - 1, row))
        || (column + 1 < row_length && differs(column + 1, row))
        || (row > 0 && differs(column, row - 1))
        || (row + 1 < rows && differs(column, row + 1))
}

/// Linear light to 8-bit sRGB, with a soft shoulder instead of clipped highlights.
fn to_srgb(colour: Vec3) -> [u8; 3] {
    const KNEE: f32 = 0.8;
    colour.to_array().map(|value| {
        let value = value.clamp(0.0, 8.0);
        let value = if value <= KNEE {
            value
        } else {
            KNEE + (1.0 - KNEE) * (1.0 - (-(value - KNEE) / (1.0 - KNEE)).exp())
        };
        GAMMA[(value * (GAMMA.len() - 1) as f32 + 0.5) as usize]
    })
}

/// Linear light from 0 to 1, in even steps, as sRGB.
static GAMMA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    const STEPS: usize = 8192;
    (0..=STEPS).map(|step| (255.0 * (step as f32 / STEPS as f32).powf(1.0 / 2.2) + 0.5) as u8).collect()
});
