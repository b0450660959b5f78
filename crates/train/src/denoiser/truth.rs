//! What each latent shows and how it moves, from the world's exact truth.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use burn::tensor::{Device, Tensor, TensorData};
use engine::{shown::Shown, track_code};
use models::{
    family::AutoencoderConfig,
    tracks::{Track, TrackCode},
};
use rayon::prelude::*;
use world::{Action, CameraMove, Colour, Kind, Mark, Thing};

use super::moving::{Moving, WAYS};
use crate::{
    dataset::{Crop, Drawn, Item, Recipe, Subset},
    error::{Result, TrainError},
};

/// How many answers each question about a token has: kind and colour, nothing included; whether what it shows goes to
/// neither side, to the left or to the right, neither up nor down, and neither nearer nor farther; what it does; how the
/// camera moves.
pub const CLASSES: [usize; 7] =
    [Kind::ALL.len() + 1, Colour::ALL.len() + 1, WAYS, WAYS, WAYS, Action::ALL.len(), CameraMove::ALL.len()];
/// What tokens that show things count for in questions about motion. Such tokens are few, and only they are asked.
const MOTION_WEIGHT: f32 = 4.0;
/// Items whose captions are compared when latents are opened; those of others are when they are drawn.
const COMPARED: usize = 8;

/// The things of every item of a subset, and where they are seen, each found out when it is first asked for.
pub struct Truths {
    subset: Subset,
    recipe: Recipe,
    vae: AutoencoderConfig,
    folder: PathBuf,
    truths: Vec<OnceLock<Truth>>,
}

/// One item's.
struct Truth {
    /// Kind and colour of each thing, as classes: 0 is nothing.
    things: Vec<[usize; 2]>,
    /// `[frames, height, width]` in latents.
    size: [usize; 3],
    /// The share of each thing in each latent, of 255: `[things, frames, height, width]`.
    shares: Vec<u8>,
    /// Where each thing is.
    tracks: Vec<Track>,
    /// What falls in each frame.
    falling: Vec<Vec<Mark>>,
    /// How each thing moves in each latent frame, `[things, frames]`, and the camera in all; none in a still.
    motion: Option<(Vec<Moving>, CameraMove)>,
}

impl Truths {
    /// Those of all `items` of a subset of the data set of this recipe; `folder` is where they were found.
    ///
    /// # Errors
    /// Items that are not of that data set, as the first few tell.
    pub fn of(
        items: &[Item],
        subset: Subset,
        recipe: &Recipe,
        vae: &AutoencoderConfig,
        folder: &Path,
    ) -> Result<Self> {
        let truths = items.iter().map(|_| OnceLock::new()).collect();
        let of = Self { subset, recipe: recipe.clone(), vae: vae.clone(), folder: folder.to_owned(), truths };
        items
            .iter()
            .enumerate()
            .take(COMPARED)
            .try_for_each(|(index, item)| of.get(index, item).map(drop))?;
        Ok(of)
    }

    fn get(&self, index: usize, item: &Item) -> Result<&Truth> {
        if let Some(truth) = self.truths[index].get() {
            return Ok(truth);
        }
        let drawn = Drawn::new(self.subset, index, &self.recipe);
        if drawn.captions() != item.captions {
            return Err(TrainError::Mismatch {
                path: self.folder.join(self.subset.name()),
                what: format!("captions of item {index}"),
                expected: format!(
                    "those of the world with seed {}; or take neither --naming-weight nor --tracks",
                    self.recipe.seed
                ),
                found: format!("{:?}", item.captions),
            });
        }
        Ok(self.truths[index].get_or_init(|| Truth::of(&drawn, item.size, &self.vae)))
    }

    /// The numbers that tracks are.
    pub fn code(&self) -> TrackCode {
        track_code(self.vae.scale_factors()[0])
    }

    /// What each token of boxes of latents of one size shows: `[batch, tokens, classes]`, the answers to one question after
    /// those to another. The first of kind and colour is nothing, and each of both adds up to 1. What moves is asked where
    /// there are things, with a weight of its own, and the camera everywhere; neither is in stills.
    ///
    /// # Errors
    /// An item that is not of the world.
    pub fn targets(
        &self,
        items: &[Item],
        boxes: &[(usize, Crop)],
        patch: usize,
        device: &Device,
    ) -> Result<Tensor<3>> {
        let width: usize = CLASSES.iter().sum();
        let of_box =
            |&(index, area): &(usize, Crop)| Ok(self.get(index, &items[index])?.targets(area, patch));
        let values = boxes.par_iter().map(of_box).collect::<Result<Vec<_>>>()?.concat();
        let tokens = values.len() / (boxes.len() * width).max(1);
        Ok(Tensor::from_data(TensorData::new(values, [boxes.len(), tokens, width]), device))
    }

    /// Where the things of boxes of latents of one size are, `[batch, planes, frames, height, width]`, and what else is to be shown; see
    /// [`Shown::planes_of`].
    ///
    /// # Errors
    /// An item that is not of the world.
    pub fn planes(
        &self,
        items: &[Item],
        boxes: &[(usize, Crop)],
        shown: Shown,
        device: &Device,
    ) -> Result<Tensor<5>> {
        let code = self.code();
        let of_box = |&(index, area): &(usize, Crop)| {
            let truth = self.get(index, &items[index])?;
            Ok(truth.cut(&shown.planes_of(code, &truth.tracks, &truth.falling, truth.size), area))
        };
        let values = boxes.par_iter().map(of_box).collect::<Result<Vec<_>>>()?.concat();
        let [frames, height, width] = boxes.first().map_or([0; 3], |(_, area)| area.size);
        let shape = [boxes.len(), shown.planes(code), frames, height, width];
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// Whether it rains or snows in each, 1 or 0: `[batch, 1, 1, 1, 1]`.
    ///
    /// # Errors
    /// An item that is not of the world.
    pub fn falling(&self, items: &[Item], boxes: &[(usize, Crop)], device: &Device) -> Result<Tensor<5>> {
        let of_box = |&(index, _): &(usize, Crop)| {
            let falls = self.get(index, &items[index])?.falling.iter().any(|marks| !marks.is_empty());
            Ok(f32::from(u8::from(falls)))
        };
        let values = boxes.par_iter().map(of_box).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::from_data(TensorData::new(values, [boxes.len(), 1, 1, 1, 1]), device))
    }
}

impl Truth {
    /// Of planes of all of it, those of a box.
    fn cut(&self, whole: &[f32], area: Crop) -> Vec<f32> {
        let [frames, height, width] = self.size;
        let mut planes = Vec::with_capacity(whole.len());
        for plane in whole.chunks_exact(frames * height * width) {
            for frame in area.start[0]..area.start[0] + area.size[0] {
                for row in area.start[1]..area.start[1] + area.size[1] {
                    let start = (frame * height + row) * width + area.start[2];
                    planes.extend_from_slice(&plane[start..start + area.size[2]]);
                }
            }
        }
        planes
    }

    fn of(drawn: &Drawn, size: [usize; 3], vae: &AutoencoderConfig) -> Self {
        let of_thing = |thing: &Thing| [thing.kind as usize + 1, thing.colour as usize + 1];
        let things: Vec<_> = drawn.scene.things.iter().map(of_thing).collect();
        let [frames, height, width] = size;
        // Not of the autoencoder, which may have seen them made smaller (`train latents --upscale`).
        let cell = drawn.size()[0] / height;
        // The first latent frame is the first frame alone; each later one is of as many as time is shortened by.
        let of_latent = |latent: usize| match (latent, vae.scale_factors()[0]) {
            (0, _) => 0..1,
            (_, factor) => (latent - 1) * factor + 1..latent * factor + 1,
        };
        let mut shares = vec![0; things.len() * frames * height * width];
        for latent in 0..frames {
            let mut sum = vec![0.0; things.len() * height * width];
            for frame in of_latent(latent) {
                let seen = drawn.shares(frame, cell);
                sum.iter_mut()
                    .zip(seen)
                    .for_each(|(sum, share)| *sum += share / of_latent(latent).len() as f32);
            }
            for (thing, sum) in sum.chunks_exact(height * width).enumerate() {
                let start = (thing * frames + latent) * height * width;
                let to = &mut shares[start..start + height * width];
                to.iter_mut().zip(sum).for_each(|(to, share)| *to = (share * 255.0).round() as u8);
            }
        }
        let motion = drawn.clip().map(|(scene, truth)| {
            let each = (0..things.len()).flat_map(|thing| (0..frames).map(move |latent| (thing, latent)));
            let moving =
                each.map(|(thing, latent)| Moving::of(scene, truth, thing, of_latent(latent))).collect();
            (moving, scene.camera)
        });
        let tracks = drawn.tracks(1 + (frames - 1) * vae.scale_factors()[0]);
        let falling = drawn.falling(1 + (frames - 1) * vae.scale_factors()[0], [height, width]);
        Self { things, size, shares, tracks, falling, motion }
    }

    fn targets(&self, area: Crop, patch: usize) -> Vec<f32> {
        let [frames, height, width] = self.size;
        let [all, rows, columns] = [area.size[0], area.size[1] / patch, area.size[2] / patch];
        let unit = 1.0 / (255 * patch * patch) as f32;
        let classes: usize = CLASSES.iter().sum();
        let mut values = vec![0.0; all * rows * columns * classes];
        for (token, values) in values.chunks_exact_mut(classes).enumerate() {
            let frame = area.start[0] + token / (rows * columns);
            let row = area.start[1] + token / columns % rows * patch;
            let column = area.start[2] + token % columns * patch;
            let (kinds, values) = values.split_at_mut(CLASSES[0]);
            let (colours, motions) = values.split_at_mut(CLASSES[1]);
            (kinds[0], colours[0]) = (1.0, 1.0);
            for (thing, [kind, colour]) in self.things.iter().enumerate() {
                let mut share = 0.0;
                for row in row..row + patch {
                    let start = ((thing * frames + frame) * height + row) * width + column;
                    share +=
                        self.shares[start..start + patch].iter().map(|&s| f32::from(s)).sum::<f32>() * unit;
                }
                kinds[*kind] += share;
                colours[*colour] += share;
                kinds[0] -= share;
                colours[0] -= share;
                if let Some((moving, _)) = &self.motion {
                    moving[thing * frames + frame].add(share * MOTION_WEIGHT, motions);
                }
            }
            if let Some((_, camera)) = self.motion {
                motions[motions.len() - CameraMove::ALL.len() + camera as usize] = 1.0;
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::to_vec;

    fn recipe(seed: u64) -> Recipe {
        Recipe { seed, shapes: Vec::new() }
    }

    fn item(subset: Subset, index: usize, seed: u64) -> Item {
        let drawn = Drawn::new(subset, index, &recipe(seed));
        let [height, width] = drawn.size().map(|side| side / 8);
        let frames = if subset == Subset::Stills { 1 } else { 9 };
        Item { size: [frames, height, width], captions: drawn.captions(), ..Item::default() }
    }

    #[test]
    fn boxes_and_patches_are_cut_out_of_the_shares() {
        // A thing of kind 2 and colour 5 in latent (0, 1, 2) alone and one of kind 3 and colour 5 in half of (1, 0, 3).
        let (size, mut shares) = ([2, 2, 4], vec![0; 2 * 16]);
        shares[6] = 255;
        shares[16 + 8 + 3] = 128;
        let truth = Truth {
            things: vec![[2, 5], [3, 5]],
            size,
            shares,
            tracks: Vec::new(),
            falling: Vec::new(),
            motion: None,
        };
        let of = |start, size, patch| {
            let width = CLASSES.iter().sum::<usize>();
            let values = truth.targets(Crop { start, size }, patch);
            for token in values.chunks_exact(width) {
                assert!(token[CLASSES[0] + CLASSES[1]..].iter().all(|&moves| moves == 0.0), "{token:?}");
                for part in [&token[..CLASSES[0]], &token[CLASSES[0]..][..CLASSES[1]]] {
                    assert!((part.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{part:?}");
                }
            }
            let named =
                |class: usize| values.chunks_exact(width).map(|token| token[class]).collect::<Vec<_>>();
            [named(2), named(3), named(CLASSES[0] + 5)]
        };
        let half = 128.0 / 255.0;
        let [second, third, colour] = of([0, 0, 0], [2, 2, 4], 2);
        assert_eq!(second, [0.0, 0.25, 0.0, 0.0]);
        assert_eq!(third, [0.0, 0.0, 0.0, half / 4.0]);
        assert_eq!(colour, [0.0, 0.25, 0.0, half / 4.0]);
        let [second, third, _] = of([0, 1, 1], [1, 1, 2], 1);
        assert_eq!((second, third), (vec![0.0, 1.0], vec![0.0, 0.0]));
    }

    /// `train latents --upscale 1` has an autoencoder that draws twice as large see small clips as they are.
    #[test]
    fn what_is_named_is_where_the_latents_have_it() {
        let items: Vec<Item> = (0..2).map(|index| item(Subset::Clips, index, 3)).collect();
        let named = [1, 2].map(|upscale| {
            let config = models::kinora::AutoencoderKinoraConfig { upscale, ..Default::default() };
            let vae = AutoencoderConfig::Kinora(config);
            let truths = Truths::of(&items, Subset::Clips, &recipe(3), &vae, Path::new("latents")).unwrap();
            let whole = Crop { start: [0; 3], size: items[0].size };
            to_vec(truths.targets(&items, &[(0, whole)], 1, &Device::flex()).unwrap()).unwrap()
        });
        assert_eq!(named[0], named[1]);
    }

    #[test]
    fn what_is_named_is_what_the_scene_has() {
        let vae = AutoencoderConfig::Kinora(Default::default());
        for subset in [Subset::Stills, Subset::Clips] {
            let items: Vec<Item> = (0..4).map(|index| item(subset, index, 3)).collect();
            let truths = Truths::of(&items, subset, &recipe(3), &vae, Path::new("latents")).unwrap();
            for (index, item) in items.iter().enumerate() {
                let whole = Crop { start: [0; 3], size: item.size };
                let targets = truths.targets(&items, &[(index, whole)], 1, &Device::flex()).unwrap();
                let values = to_vec(targets).unwrap();
                let camera = values.iter().skip(CLASSES[..6].iter().sum());
                let asked = if subset == Subset::Stills { 0.0 } else { 1.0 };
                assert_eq!(camera.take(CLASSES[6]).sum::<f32>(), asked);
                let mut seen = [0.0; CLASSES[0]];
                for token in values.chunks_exact(CLASSES.iter().sum()) {
                    seen.iter_mut().zip(token).for_each(|(sum, share)| *sum += share);
                }
                let scene = Drawn::new(subset, index, &recipe(3)).scene;
                for kind in Kind::ALL {
                    let there = scene.things.iter().any(|thing| thing.kind == kind);
                    assert!(there || seen[kind as usize + 1] == 0.0, "{kind:?} in {:?}", item.captions);
                }
                assert!(seen[1..].iter().sum::<f32>() > 0.5, "nothing is seen in {:?}", item.captions);
                let deeds = values
                    .chunks_exact(CLASSES.iter().sum())
                    .flat_map(|token| &token[CLASSES[..5].iter().sum()..]);
                assert_eq!(deeds.sum::<f32>() > 0.0, subset == Subset::Clips);
            }
            let error =
                Truths::of(&items, subset, &recipe(4), &vae, Path::new("latents")).err().unwrap().to_string();
            assert!(
                error.contains("captions of item") && error.contains("neither --naming-weight nor --tracks"),
                "{error}"
            );
        }
    }
}
