//! Scenes with their tracks and captions, drawn anew for every batch.

use burn::tensor::{Device, Tensor, TensorData};
use models::tracks::{Track, TrackCode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use world::{CameraMove, ClipSpec, Language, Relation, Scene, Split};

use super::PlannerArgs;
use crate::{dataset::ClipShape, tracks};

/// A scene as its planner sees it.
pub struct Planned {
    pub tracks: Vec<Track>,
    pub prompt: String,
    pub spec: ClipSpec,
}

impl Planned {
    /// So many.
    pub fn draw(count: usize, split: Split, args: &PlannerArgs, rng: &mut ChaCha8Rng) -> Vec<Self> {
        let seeds: Vec<u64> = (0..count).map(|_| rng.random()).collect();
        seeds.into_par_iter().map(|seed| Self::of(seed, split, args)).collect()
    }

    fn of(seed: u64, split: Split, args: &PlannerArgs) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // What it is evaluated on is as it comes.
        let is_rare = split == Split::Train && rng.random::<f64>() < args.rare_share;
        let mut scene = match is_rare {
            true => rare_scene(split, &mut rng),
            false => Scene::sample(rng.random(), split),
        };
        if rng.random::<f64>() < args.still_camera_share {
            scene.camera = CameraMove::Still;
        }
        let spec = ClipShape::common(&mut rng).spec();
        let truth = world::simulate(&scene, &spec);
        let language = Language::ALL[rng.random_range(0..Language::ALL.len())];
        let caption = match rng.random::<f64>() < args.dense_share {
            true => world::dense_caption(&scene, language, &mut rng),
            false => world::caption(&scene, language, &mut rng),
        };
        let tracks = tracks::tracks(&scene, &truth, 0..spec.num_frames);
        // What it is evaluated on has its prompts.
        let is_dropped = split == Split::Train && rng.random::<f64>() < args.prompt_dropout;
        let prompt = if is_dropped { String::new() } else { caption.text };
        Self { tracks, prompt, spec }
    }
}

/// A scene in which one event follows another, or a thing stands on another.
fn rare_scene(split: Split, rng: &mut ChaCha8Rng) -> Scene {
    let stands_on = |scene: &Scene| scene.neighbours.iter().any(|of| of.relation == Some(Relation::OnTopOf));
    // One in ten or so is such, so this ends soon.
    loop {
        let scene = Scene::sample(rng.random(), split);
        if scene.events.len() > 1 || stands_on(&scene) {
            return scene;
        }
    }
}

/// Tracks as latents, `[batch, channels, latent_frames, 1, things]`.
pub fn latents(planned: &[Planned], code: TrackCode, latent_frames: usize, device: &Device) -> Tensor<5> {
    let values: Vec<f32> =
        planned.iter().flat_map(|scene| code.encode(&scene.tracks, latent_frames)).collect();
    let shape = [planned.len(), code.channels(), latent_frames, 1, code.things];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The shapes of the pictures, `[batch, 1, latent_frames, 1, things]`.
pub fn shapes(planned: &[Planned], code: TrackCode, latent_frames: usize, device: &Device) -> Tensor<5> {
    let values =
        planned.iter().map(|scene| TrackCode::shape([scene.spec.width, scene.spec.height])).collect();
    let shapes = Tensor::<5>::from_data(TensorData::new(values, [planned.len(), 1, 1, 1, 1]), device);
    shapes.expand([planned.len(), 1, latent_frames, 1, code.things])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_scenes_have_two_events_or_a_thing_on_another() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut two, mut on_top) = (0, 0);
        for _ in 0..60 {
            let scene = rare_scene(Split::Train, &mut rng);
            let stands_on = scene.neighbours.iter().any(|of| of.relation == Some(Relation::OnTopOf));
            assert!(scene.events.len() == 2 || stands_on);
            two += usize::from(scene.events.len() == 2);
            on_top += usize::from(stands_on);
        }
        assert!(two > 0 && on_top > 0, "{two} and {on_top}");
    }
}
