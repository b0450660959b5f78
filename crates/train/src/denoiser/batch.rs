//! Latents with captions, drawn by (seed, batch).

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Device, Tensor};
use models::wan::AutoencoderKlWanConfig;
use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{DenoiserArgs, close_ups::CloseUps, truth::Truths};
use crate::{
    dataset::{Crop, Subset},
    error::{Result, TrainError},
    latents::LatentStore,
    random::{Purpose, rng},
    timeline::Timeline,
    trainer::Moment,
};

/// A batch of one shape.
pub struct Batch<'a> {
    /// Normalised, `[batch, channels, frames, height, width]`.
    pub latents: Tensor<5>,
    /// One for each; empty where it was dropped.
    pub prompts: Vec<&'a str>,
    /// One for each.
    pub timelines: Vec<Timeline>,
    /// What each token shows, if it is to be named: `[batch, tokens, classes]`.
    pub targets: Option<Tensor<3>>,
}

/// Latents of one subset, sorted into buckets of one shape.
pub struct Buckets {
    pub latents: LatentStore,
    /// Items of each `[frames, height, width]`.
    buckets: BTreeMap<[usize; 3], Vec<usize>>,
    mean: Tensor<5>,
    std: Tensor<5>,
    device: Device,
    /// What they show, if that is to be named.
    truths: Option<Truths>,
}

impl Buckets {
    /// Opens a subset; `vae` says how its latents are normalised.
    ///
    /// # Errors
    /// Latents that are missing, or items without captions.
    pub fn open(
        folder: &Path,
        subset: Subset,
        vae: &AutoencoderKlWanConfig,
        device: &Device,
    ) -> Result<Self> {
        let latents = LatentStore::open(folder, subset)?;
        let mut buckets = BTreeMap::<_, Vec<usize>>::new();
        for (index, item) in latents.store().items().iter().enumerate() {
            if item.captions.is_empty() {
                return Err(TrainError::Mismatch {
                    path: folder.join(subset.name()),
                    what: format!("captions of item {index}"),
                    expected: "at least one".into(),
                    found: "none".into(),
                });
            }
            buckets.entry(item.size).or_default().push(index);
        }
        let by_channel = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), device).reshape([1, values.len(), 1, 1, 1])
        };
        let (mean, std) = (by_channel(&vae.latents_mean), by_channel(&vae.latents_std));
        Ok(Self { latents, buckets, mean, std, device: device.clone(), truths: None })
    }

    /// Finds out what they show.
    fn name(mut self, folder: &Path, subset: Subset, vae: &AutoencoderKlWanConfig) -> Result<Self> {
        let seed = self.latents.world_seed().ok_or_else(|| TrainError::Setting {
            flag: "--naming-weight",
            expected: "0 for latents of clips that `kinora train data` did not make".into(),
            found: format!("more, with {}", folder.display()),
        })?;
        self.truths = Some(Truths::of(self.latents.store().items(), subset, seed, vae, folder)?);
        Ok(self)
    }

    /// Every shape.
    pub fn shapes(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        self.buckets.keys().copied()
    }

    /// The items of the largest bucket.
    pub fn largest(&self) -> &[usize] {
        self.buckets.values().max_by_key(|items| items.len()).map_or(&[], Vec::as_slice)
    }

    /// Normalised latents of items of one shape, cut to their first `frames`.
    pub fn normalized(&self, indices: &[usize], frames: usize) -> Result<Tensor<5>> {
        Ok(self.normalize(self.latents.batch(indices, frames, &self.device)?))
    }

    fn normalize(&self, latents: Tensor<5>) -> Tensor<5> {
        (latents - self.mean.clone()) / self.std.clone()
    }

    /// The captions of an item.
    pub fn captions(&self, index: usize) -> &[String] {
        &self.latents.store().items()[index].captions
    }

    /// Items of one shape; a shape is as likely as it is common.
    fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut draw = rng.random_range(0..self.latents.store().items().len());
        let mut bucket: &[usize] = &[];
        for items in self.buckets.values() {
            bucket = items;
            if draw < items.len() {
                break;
            }
            draw -= items.len();
        }
        (0..count).map(|_| bucket[rng.random_range(0..bucket.len())]).collect()
    }
}

/// All that is trained on.
pub struct TrainingSet {
    pub clips: Buckets,
    stills: Buckets,
    /// If squares are asked for and any still has one.
    close_ups: Option<CloseUps>,
}

impl TrainingSet {
    pub fn open(args: &DenoiserArgs, vae: &AutoencoderKlWanConfig, device: &Device) -> Result<Self> {
        let open = |subset| {
            let found = Buckets::open(&args.latents, subset, vae, device)?;
            if args.names() { found.name(&args.latents, subset, vae) } else { Ok(found) }
        };
        let stills = open(Subset::Stills)?;
        let wanted = args.close_up_share.start.max(args.close_up_share.end) > 0.0;
        let find = || CloseUps::find(&stills.latents, &vae.latents_std, args.close_up_side);
        let close_ups = wanted.then(find).transpose()?.filter(|found| !found.is_empty());
        Ok(Self { clips: open(Subset::Clips)?, stills, close_ups })
    }

    /// Every shape.
    pub fn shapes(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        self.clips.shapes().chain(self.stills.shapes())
    }

    /// The batch of a moment: stills, squares out of stills, or clips of one shape.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn batch(&self, args: &DenoiserArgs, moment: Moment) -> Result<Batch<'_>> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let is_still = rng.random::<f64>() < args.still_share.at(moment.progress);
        let is_close_up = is_still && rng.random::<f64>() < args.close_up_share.at(moment.progress);
        if let Some(close_ups) = self.close_ups.as_ref().filter(|_| is_close_up) {
            return self.close_ups(close_ups, args, &mut rng);
        }
        let from_clips = !is_still || rng.random::<f64>() < args.first_frame_share;
        let source = if from_clips { &self.clips } else { &self.stills };
        let indices = source.draw(if is_still { args.batch_stills } else { args.batch_clips }, &mut rng);
        // A causal autoencoder's first latent frame is the first picture alone: a still.
        let frames = if is_still { 1 } else { source.latents.store().items()[indices[0]].size[0] };
        let [_, height, width] = source.latents.store().items()[indices[0]].size;
        let whole = Crop { start: [0; 3], size: [frames, height, width] };
        let boxes: Vec<_> = indices.iter().map(|&index| (index, whole)).collect();
        self.captioned(args, source, source.normalized(&indices, frames)?, &boxes, &mut rng)
    }

    fn close_ups(
        &self,
        close_ups: &CloseUps,
        args: &DenoiserArgs,
        rng: &mut ChaCha8Rng,
    ) -> Result<Batch<'_>> {
        let stills = &self.stills;
        let places: Vec<_> =
            (0..args.batch_close_ups).map(|_| close_ups.draw(&stills.latents, rng)).collect();
        let side = close_ups.side();
        let square = |[row, column]: [usize; 2]| Crop { start: [0, row, column], size: [1, side, side] };
        let boxes: Vec<_> = places.iter().map(|&(index, start)| (index, square(start))).collect();
        let latents = stills.latents.squares(&places, side, &stills.device)?;
        self.captioned(args, stills, stills.normalize(latents), &boxes, rng)
    }

    /// Latents with prompts, timelines and what they show; `boxes` are their items, and what of each they are.
    fn captioned<'a>(
        &self,
        args: &DenoiserArgs,
        source: &'a Buckets,
        latents: Tensor<5>,
        boxes: &[(usize, Crop)],
        rng: &mut ChaCha8Rng,
    ) -> Result<Batch<'a>> {
        let frames = latents.dims()[2];
        let mut prompts = Vec::with_capacity(boxes.len());
        let mut timelines = Vec::with_capacity(boxes.len());
        for &(index, _) in boxes {
            let caption = source.captions(index).choose(rng).map_or("", String::as_str);
            prompts.push(if rng.random::<f64>() < args.prompt_dropout { "" } else { caption });
            timelines.push(Timeline::sample(frames, &args.timeline, rng));
        }
        let targets =
            source.truths.as_ref().map(|truths| truths.targets(boxes, args.latent_patch, &source.device));
        Ok(Batch { latents, prompts, timelines, targets })
    }
}
