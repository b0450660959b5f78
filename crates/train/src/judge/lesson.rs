//! A frame of a scene, and the exact truth about it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ::judge::{degrade::Picture, lessons::lesson_scene, recogniser::seen};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use world::{ClipSpec, FrameTruth, GroundTruth, Scene};

use super::damage::Damage;

/// Frames of a lesson.
pub const FRAMES: usize = 1;
/// Lengths of the clips that frames are taken from.
const LENGTHS: [usize; 5] = [17, 17, 17, 17, 33];

/// Frames as the world draws them, and the truth about them.
pub struct Drawn {
    pub scene: Scene,
    pub truth: GroundTruth,
    pub spec: ClipSpec,
    /// The first of the frames.
    pub first: usize,
    /// 8-bit RGB.
    frames: Vec<Vec<u8>>,
    /// For each frame the share of each thing in each cell of 4 pixels: `[things, rows, columns]`.
    pub shares: Vec<Vec<f32>>,
}

impl Drawn {
    /// The lesson of this number, `[width, height]` in pixels; the same number gives the same.
    pub fn new(number: u64, [width, height]: [usize; 2]) -> Self {
        let scene = lesson_scene(number);
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let num_frames = LENGTHS[rng.random_range(0..LENGTHS.len())];
        let spec = ClipSpec { width, height, num_frames, ..ClipSpec::default() };
        let truth = world::simulate(&scene, &spec);
        let first = rng.random_range(0..=num_frames - FRAMES);
        let each = first..first + FRAMES;
        let frames = each.clone().map(|frame| world::render_frame(&scene, &truth, &spec, frame)).collect();
        let shares = each.map(|frame| world::shares(&scene, &truth, &spec, frame, seen::CELL)).collect();
        Self { scene, truth, spec, first, frames, shares }
    }

    /// The truth about one of the frames.
    pub fn frame(&self, index: usize) -> &FrameTruth {
        &self.truth.frames[self.first + index]
    }
}

/// A lesson as it is given.
pub struct Lesson {
    pub drawn: Arc<Drawn>,
    pub pictures: Vec<Picture>,
    /// Whether each thing can be recognised.
    pub is_clear: Vec<bool>,
}

impl Lesson {
    /// As the world draws it.
    pub fn clean(drawn: Arc<Drawn>) -> Self {
        let ClipSpec { width, height, .. } = drawn.spec;
        let pictures = drawn.frames.iter().map(|frame| Picture::from_rgb(width, height, frame)).collect();
        let is_clear = vec![true; drawn.scene.things.len()];
        Self { drawn, pictures, is_clear }
    }

    /// Spoilt, or now and then not.
    pub fn spoilt(drawn: Arc<Drawn>, rng: &mut ChaCha8Rng) -> Self {
        let mut lesson = Self::clean(drawn);
        let Drawn { scene, truth, spec, first, .. } = &*lesson.drawn;
        let damage = Damage::draw(scene.things.len(), rng);
        let masks = |frame: usize| world::shares(scene, truth, spec, first + frame, 1);
        damage.apply(&mut lesson.pictures, masks, rng);
        lesson.is_clear = damage.is_clear(scene.things.len());
        lesson
    }
}

/// Lessons that were drawn a short while ago: drawing them costs as much as learning from them.
#[derive(Default)]
pub struct Recent(Mutex<BTreeMap<u64, Arc<Drawn>>>);

impl Recent {
    /// The lesson of this number, drawn now if need be; those of lower numbers than `oldest` are forgotten.
    pub fn get(&self, number: u64, oldest: u64, size: [usize; 2]) -> Arc<Drawn> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = known().get(&number) {
            return drawn.clone();
        }
        let drawn = Arc::new(Drawn::new(number, size));
        let mut known = known();
        *known = known.split_off(&oldest);
        known.insert(number, drawn.clone());
        drawn
    }
}
