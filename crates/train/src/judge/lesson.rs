//! Frames of a scene, and the exact truth about them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ::judge::{degrade::Picture, lessons::lesson_scene, look::Footage, mirror, recogniser::seen};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use world::{ClipSpec, FrameTruth, GroundTruth, Scene};

use super::damage::Damage;

/// The size of a lesson.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// `[width, height]` in pixels.
    pub size: [usize; 2],
    /// Of the clip that it is a part of.
    pub clip_frames: usize,
    /// Its own.
    pub num_frames: usize,
}

/// A part of a clip as the world draws it, and the truth about the clip.
pub struct Drawn {
    pub scene: Scene,
    pub truth: GroundTruth,
    pub spec: ClipSpec,
    /// The first frame of the part.
    pub first: usize,
    /// 8-bit RGB.
    frames: Vec<Vec<u8>>,
    /// For each frame the share of each thing in each cell: `[things, rows, columns]`.
    pub shares: Vec<Vec<f32>>,
}

impl Drawn {
    /// The lesson of this number; the same number gives the same.
    pub fn new(number: u64, Shape { size: [width, height], clip_frames, num_frames }: Shape) -> Self {
        let scene = lesson_scene(number);
        let spec = ClipSpec { width, height, num_frames: clip_frames, ..ClipSpec::default() };
        let truth = world::simulate(&scene, &spec);
        let first = ChaCha8Rng::seed_from_u64(number).random_range(0..=clip_frames - num_frames);
        let each = || (first..first + num_frames).into_par_iter();
        let frames = each().map(|frame| world::render_frame(&scene, &truth, &spec, frame)).collect();
        let shares = each().map(|frame| world::shares(&scene, &truth, &spec, frame, seen::CELL)).collect();
        Self { scene, truth, spec, first, frames, shares }
    }

    /// Cells in a row.
    pub fn columns(&self) -> usize {
        self.spec.width / seen::CELL
    }

    /// Cells of a frame.
    pub fn cells(&self) -> usize {
        self.columns() * (self.spec.height / seen::CELL)
    }

    /// The truth about a frame of the part.
    pub fn frame(&self, index: usize) -> &FrameTruth {
        &self.truth.frames[self.first + index]
    }

    /// How much of a thing a cell shows.
    pub fn share(&self, frame: usize, thing: usize, cell: usize) -> f32 {
        self.shares[frame][thing * self.cells() + cell]
    }
}

/// A lesson as it is given.
pub struct Lesson {
    pub drawn: Arc<Drawn>,
    pub footage: Footage,
    /// Whether each thing can be recognised.
    pub is_clear: Vec<bool>,
    /// Whether the footage shows it in a mirror; what is drawn is as it was.
    pub is_mirrored: bool,
}

impl Lesson {
    /// As the world draws it.
    pub fn clean(drawn: Arc<Drawn>) -> Self {
        let ClipSpec { width, height, .. } = drawn.spec;
        let footage = Footage::of_frames([width, height], drawn.frames.clone());
        let is_clear = vec![true; drawn.scene.things.len()];
        Self { drawn, footage, is_clear, is_mirrored: false }
    }

    /// Spoilt, or now and then not, and half of the time in a mirror: the judge looks into one.
    pub fn spoilt(drawn: Arc<Drawn>, rng: &mut ChaCha8Rng) -> Self {
        let Drawn { scene, truth, spec, first, frames, .. } = &*drawn;
        let ClipSpec { width, height, .. } = *spec;
        let mut pictures: Vec<Picture> =
            frames.iter().map(|frame| Picture::from_rgb(width, height, frame)).collect();
        let damage = Damage::draw(scene.things.len(), rng);
        damage.apply(&mut pictures, |frame| world::shares(scene, truth, spec, first + frame, 1), rng);
        let is_clear = damage.is_clear(scene.things.len());
        let is_mirrored = rng.random_bool(0.5);
        let rgb = |picture: &Picture| {
            let frame = picture.to_rgb();
            if is_mirrored { mirror::frame(&frame, width) } else { frame }
        };
        let frames = pictures.iter().map(rgb).collect();
        Self { footage: Footage::of_frames([width, height], frames), is_clear, is_mirrored, drawn }
    }

    /// How much of a thing a cell of the footage shows.
    pub fn share(&self, frame: usize, thing: usize, cell: usize) -> f32 {
        let drawn = if self.is_mirrored { mirror::cell(cell, self.drawn.columns()) } else { cell };
        self.drawn.share(frame, thing, drawn)
    }
}

/// Lessons that were drawn a short while ago: drawing them costs time too.
#[derive(Default)]
pub struct Recent(Mutex<BTreeMap<u64, Arc<Drawn>>>);

impl Recent {
    /// The lesson of this number, drawn now if need be; those of lower numbers than `oldest` are forgotten.
    pub fn get(&self, number: u64, oldest: u64, shape: Shape) -> Arc<Drawn> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = known().get(&number) {
            return drawn.clone();
        }
        let drawn = Arc::new(Drawn::new(number, shape));
        let mut known = known();
        *known = known.split_off(&oldest);
        known.insert(number, drawn.clone());
        drawn
    }
}
