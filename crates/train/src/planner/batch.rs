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
    /// Of a scene that goes on: how many of its latent frames are known before what the prompt says.
    pub known: Option<usize>,
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
        // What it is evaluated on begins where it begins.
        let goes_on = split == Split::Train && rng.random::<f64>() < args.going_on_share;
        let part = goes_on.then(|| GoingOn::of(&scene, spec.num_frames, args.factor, &mut rng));
        let num_frames = if goes_on { twice(spec.num_frames) } else { spec.num_frames };
        let truth = world::simulate(&scene, &ClipSpec { num_frames, ..spec });
        let first = part.as_ref().map_or(0, |part| part.first);
        let tracks = tracks::tracks(&scene, &truth, first..first + spec.num_frames);
        if part.is_some() {
            scene.events.drain(..scene.events.len() - 1);
        }
        let language = Language::ALL[rng.random_range(0..Language::ALL.len())];
        let caption = match rng.random::<f64>() < args.dense_share {
            true => world::dense_caption(&scene, language, &mut rng),
            false => world::caption(&scene, language, &mut rng),
        };
        // What it is evaluated on has its prompts.
        let is_dropped = split == Split::Train && rng.random::<f64>() < args.prompt_dropout;
        let prompt = if is_dropped { String::new() } else { caption.text };
        Self { tracks, prompt, spec, known: part.map(|part| part.known) }
    }
}

/// A part of a scene of twice the length, of which the beginning is known; the rest shows the last of what happens in the scene.
struct GoingOn {
    /// Its first frame.
    first: usize,
    /// How many of its latent frames are known.
    known: usize,
}

/// The frames of two clips of so many, of which the second begins with the last one of the first.
fn twice(num_frames: usize) -> usize {
    2 * num_frames - 1
}

impl GoingOn {
    /// Of so many frames, of which each latent frame but the first has `factor`.
    fn of(scene: &Scene, num_frames: usize, factor: usize, rng: &mut ChaCha8Rng) -> Self {
        let last = num_frames - 1;
        // As much as half of it.
        let known = rng.random_range(1..=1 + last / factor / 2);
        // The second of two events begins in the middle, with what is the last frame of the first half.
        let first = match scene.events.len() {
            1 => rng.random_range(0..=last),
            _ if rng.random() => last - factor * (known - 1),
            _ => rng.random_range(last - factor * (known - 1)..=last),
        };
        Self { first, known }
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
    use world::Claims;

    use super::*;

    /// Whatever is known, what comes behind it is the last event, and there is a whole part of it.
    #[test]
    fn parts_go_on_with_the_last_event() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (num_frames, factor) = (17, 2);
        let mut turns = 0;
        for seed in 0..400 {
            let scene = Scene::sample(seed, Split::Train);
            let part = GoingOn::of(&scene, num_frames, factor, &mut rng);
            assert!((1..=5).contains(&part.known), "{}", part.known);
            assert!(part.first + num_frames <= twice(num_frames), "{}", part.first);
            let last_known = part.first + factor * (part.known - 1);
            assert!(scene.events.len() == 1 || last_known >= num_frames - 1, "{last_known}");
            turns += usize::from(scene.events.len() == 2 && last_known == num_frames - 1);
        }
        assert!(turns > 10, "{turns}");
    }

    #[test]
    fn what_goes_on_is_told_without_what_was_before() {
        let args = PlannerArgs {
            going_on_share: 1.0,
            dense_share: 1.0,
            prompt_dropout: 1e-9,
            ..PlannerArgs::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for planned in Planned::draw(100, Split::Train, &args, &mut rng) {
            assert_eq!(Claims::of_prompt(&planned.prompt).events.len(), 1, "{}", planned.prompt);
            assert!(planned.tracks.iter().all(|track| track.places.len() == planned.spec.num_frames));
            assert!(planned.known.is_some());
        }
        // What it is evaluated on is as it comes.
        assert!(
            Planned::draw(20, Split::HeldOut, &args, &mut rng).iter().all(|planned| planned.known.is_none())
        );
    }

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
