//! Latents with captions, drawn by (seed, batch).

use std::borrow::Cow;

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::Timeline;
use models::family::AutoencoderConfig;
use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{DenoiserArgs, buckets::Buckets, close_ups::CloseUps, judged::Judged};
use crate::{
    dataset::{Crop, Subset},
    error::Result,
    random::{Purpose, rng},
    tracks,
    trainer::Moment,
};

/// A batch of one shape.
pub struct Batch<'a> {
    /// Normalised, `[batch, channels, frames, height, width]`.
    pub latents: Tensor<5>,
    /// One for each; empty where it was dropped.
    pub prompts: Vec<Cow<'a, str>>,
    /// One for each.
    pub timelines: Vec<Timeline>,
    /// What each token shows, if it is to be named: `[batch, tokens, classes]`.
    pub targets: Option<Tensor<3>>,
    /// Where things are, if the model is shown that: `[batch, planes, frames, height, width]`.
    pub planes: Option<Tensor<5>>,
    /// Whether it rains or snows, 1 or 0, if not all counts alike: `[batch, 1, 1, 1, 1]`.
    pub falling: Option<Tensor<5>>,
    /// Whether nothing is told of any of them, for a model to guide itself by what it says then.
    pub of_nothing: bool,
    /// Of samples: how much better each is than the others of its prompt, from -1 to 1, `[batch, 1, 1, 1, 1]`.
    pub advantages: Option<Tensor<5>>,
}

/// A caption without what things do, if that can be left out of it.
pub(super) fn eventless(caption: Cow<'_, str>) -> Cow<'_, str> {
    world::tell_without_events(&caption).map_or(caption, Cow::Owned)
}

/// All that is trained on.
pub struct TrainingSet {
    pub clips: Buckets,
    stills: Buckets,
    /// If squares are asked for and any still has one.
    close_ups: Option<CloseUps>,
    /// Samples, in place of all others.
    judged: Option<Judged>,
}

impl TrainingSet {
    pub fn open(args: &DenoiserArgs, vae: &AutoencoderConfig, device: &Device) -> Result<Self> {
        let open = |subset| {
            let found = Buckets::open(&args.latents, subset, vae, device)?;
            if args.needs_truth() { found.name(&args.latents, subset, vae) } else { Ok(found) }
        };
        let stills = open(Subset::Stills)?;
        let wanted = args.close_up_share.start.max(args.close_up_share.end) > 0.0;
        let find = || CloseUps::find(&stills.latents, vae.statistics()[1], args.close_up_side);
        let close_ups = wanted.then(find).transpose()?.filter(|found| !found.is_empty());
        let judged = Judged::open(args, vae, device)?;
        Ok(Self { clips: open(Subset::Clips)?, stills, close_ups, judged })
    }

    /// Every shape.
    pub fn shapes(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        let judged = self.judged.iter().flat_map(|judged| judged.clips.shapes());
        self.clips.shapes().chain(self.stills.shapes()).chain(judged)
    }

    /// The batch of a moment: stills, squares out of stills, or clips of one shape.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn batch(&self, args: &DenoiserArgs, moment: Moment) -> Result<Batch<'_>> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        if let Some(judged) = &self.judged {
            return self.judged(judged, args, &mut rng);
        }
        let is_still = rng.random::<f64>() < args.still_share.at(moment.progress);
        let is_close_up = is_still && rng.random::<f64>() < args.close_up_share.at(moment.progress);
        if let Some(close_ups) = self.close_ups.as_ref().filter(|_| is_close_up) {
            return self.close_ups(close_ups, args, &mut rng);
        }
        let from_clips = !is_still || rng.random::<f64>() < args.first_frame_share;
        let source = if from_clips { &self.clips } else { &self.stills };
        let count = if is_still { args.batch_stills } else { args.batch_clips };
        let indices = source.draw(count, args.several_share, &mut rng);
        // A causal autoencoder's first latent frame is the first picture alone: a still.
        let frames = if is_still { 1 } else { source.latents.store().items()[indices[0]].size[0] };
        let [_, height, width] = source.latents.store().items()[indices[0]].size;
        let whole = Crop { start: [0; 3], size: [frames, height, width] };
        let boxes: Vec<_> = indices.iter().map(|&index| (index, whole)).collect();
        self.captioned(args, source, source.normalized(&indices, frames)?, &boxes, &mut rng)
    }

    /// Samples, those alone from which anything is to be learnt. `kinora train samples` makes all of one shape.
    fn judged<'a>(
        &'a self,
        judged: &'a Judged,
        args: &DenoiserArgs,
        rng: &mut ChaCha8Rng,
    ) -> Result<Batch<'a>> {
        let draw = |_| judged.telling[rng.random_range(0..judged.telling.len())];
        let indices: Vec<usize> = (0..args.batch_clips).map(draw).collect();
        let size = judged.clips.latents.store().items()[indices[0]].size;
        let whole = Crop { start: [0; 3], size };
        let boxes: Vec<_> = indices.iter().map(|&index| (index, whole)).collect();
        let latents = judged.clips.normalized(&indices, size[0])?;
        let values = indices.iter().map(|&index| judged.advantages[index] as f32).collect();
        let advantages = TensorData::new(values, [indices.len(), 1, 1, 1, 1]);
        let batch = self.captioned(args, &judged.clips, latents, &boxes, rng)?;
        Ok(Batch { advantages: Some(Tensor::from_data(advantages, &judged.clips.device)), ..batch })
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
        // What a model guides itself by is asked of whole batches.
        let of_nothing = args.guides() && rng.random::<f64>() < args.prompt_dropout;
        let dropout = match args.guides() {
            true => f64::from(u8::from(of_nothing)),
            false => args.prompt_dropout,
        };
        for &(index, _) in boxes {
            let caption = source.captions(index).choose(rng).map_or("", String::as_str);
            prompts.push(Cow::Borrowed(if rng.random::<f64>() < dropout { "" } else { caption }));
            timelines.push(args.timeline.sample(frames, rng));
        }
        let items = source.latents.store().items();
        let planes = match &source.truths {
            Some(truths) if args.tracks && !of_nothing && rng.random::<f64>() >= args.tracks_dropout => {
                let (code, shown) = (truths.code(), args.shown());
                let planes = truths.planes(items, boxes, shown, &source.device)?;
                let turned = shown.turned_planes(code);
                let planes = tracks::hide(planes, &turned, &timelines, args.pose_dropout, rng);
                Some(match args.weather {
                    true => tracks::hide(planes, &[shown.weather_planes(code)], &timelines, 0.0, rng),
                    false => planes,
                })
            }
            _ => None,
        };
        if planes.is_some() && args.eventless_share > 0.0 {
            for prompt in &mut prompts {
                if rng.random::<f64>() < args.eventless_share {
                    *prompt = eventless(std::mem::take(prompt));
                }
            }
        }
        let counted = source.truths.as_ref().filter(|_| planes.is_some() && args.emphasis().is_any());
        let falling = counted.map(|truths| truths.falling(items, boxes, &source.device));
        let named = source
            .truths
            .as_ref()
            .filter(|_| args.names())
            .map(|truths| truths.targets(items, boxes, args.latent_patch, &source.device));
        let (targets, falling) = (named.transpose()?, falling.transpose()?);
        Ok(Batch { latents, prompts, timelines, targets, planes, falling, of_nothing, advantages: None })
    }
}
