//! Latents of one subset, by shape and by how many things they show.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Device, Tensor};
use models::family::AutoencoderConfig;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{close_ups::shows_one_thing, truth::Truths};
use crate::{
    dataset::Subset,
    error::{Result, TrainError},
    latents::LatentStore,
};

/// Items of one shape.
#[derive(Default)]
struct Bucket {
    all: Vec<usize>,
    /// Those that show one thing.
    alone: Vec<usize>,
    /// Those that show several.
    several: Vec<usize>,
}

impl Bucket {
    fn push(&mut self, index: usize, is_alone: bool) {
        self.all.push(index);
        if is_alone { self.alone.push(index) } else { self.several.push(index) }
    }

    /// An item; with this chance one of several things, if there are both.
    fn draw(&self, several_share: Option<f64>, rng: &mut ChaCha8Rng) -> usize {
        let from = match several_share {
            Some(share) if !self.alone.is_empty() && !self.several.is_empty() => {
                if rng.random::<f64>() < share { &self.several } else { &self.alone }
            }
            _ => &self.all,
        };
        from[rng.random_range(0..from.len())]
    }
}

/// Latents of one subset, sorted into buckets of one shape.
pub struct Buckets {
    pub latents: LatentStore,
    /// Items of each `[frames, height, width]`.
    buckets: BTreeMap<[usize; 3], Bucket>,
    vae: AutoencoderConfig,
    pub device: Device,
    /// What they show, if that is to be named.
    pub truths: Option<Truths>,
}

impl Buckets {
    /// Opens a subset; `vae` says how its latents are normalised.
    ///
    /// # Errors
    /// Latents that are missing, or items without captions.
    pub fn open(folder: &Path, subset: Subset, vae: &AutoencoderConfig, device: &Device) -> Result<Self> {
        let latents = LatentStore::open(folder, subset)?;
        let mut buckets = BTreeMap::<_, Bucket>::new();
        for (index, item) in latents.store().items().iter().enumerate() {
            if item.captions.is_empty() {
                return Err(TrainError::Mismatch {
                    path: folder.join(subset.name()),
                    what: format!("captions of item {index}"),
                    expected: "at least one".into(),
                    found: "none".into(),
                });
            }
            buckets.entry(item.size).or_default().push(index, shows_one_thing(item));
        }
        Ok(Self { latents, buckets, vae: vae.clone(), device: device.clone(), truths: None })
    }

    /// Finds out what they show.
    pub fn name(mut self, folder: &Path, subset: Subset, vae: &AutoencoderConfig) -> Result<Self> {
        let recipe = self.latents.recipe().ok_or_else(|| TrainError::Setting {
            flag: "--naming-weight or --tracks",
            expected: "neither for latents of clips that `kinora train data` did not make".into(),
            found: format!("latents of others in {}", folder.display()),
        })?;
        self.truths = Some(Truths::of(self.latents.store().items(), subset, recipe, vae, folder)?);
        Ok(self)
    }

    /// Every shape.
    pub fn shapes(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        self.buckets.keys().copied()
    }

    /// The items of the largest bucket.
    pub fn largest(&self) -> &[usize] {
        self.buckets
            .values()
            .map(|bucket| bucket.all.as_slice())
            .max_by_key(|all| all.len())
            .unwrap_or_default()
    }

    /// Normalised latents of items of one shape, cut to their first `frames`.
    pub fn normalized(&self, indices: &[usize], frames: usize) -> Result<Tensor<5>> {
        Ok(self.normalize(self.latents.batch(indices, frames, &self.device)?))
    }

    pub fn normalize(&self, latents: Tensor<5>) -> Tensor<5> {
        self.vae.normalize(latents)
    }

    /// The captions of an item.
    pub fn captions(&self, index: usize) -> &[String] {
        &self.latents.store().items()[index].captions
    }

    /// Items of one shape; a shape is as likely as it is common.
    pub fn draw(&self, count: usize, several_share: Option<f64>, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut draw = rng.random_range(0..self.latents.store().items().len());
        let fits = |bucket: &&Bucket| {
            let is_here = draw < bucket.all.len();
            draw = draw.saturating_sub(bucket.all.len());
            is_here
        };
        let Some(bucket) = self.buckets.values().find(fits) else { return Vec::new() };
        (0..count).map(|_| bucket.draw(several_share, rng)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, rng};

    #[test]
    fn several_things_are_drawn_as_often_as_is_asked_for() {
        let mut bucket = Bucket::default();
        (0..100).for_each(|index| bucket.push(index, index >= 10));
        let mut rng = rng(1, Purpose::Batch, 0);
        let mut several = |share| (0..1000).filter(|_| bucket.draw(share, &mut rng) < 10).count();
        assert_eq!((several(Some(0.0)), several(Some(1.0))), (0, 1000));
        assert!((550..650).contains(&several(Some(0.6))));
        assert!((70..130).contains(&several(None)));
        let mut alone = Bucket::default();
        alone.push(7, true);
        assert_eq!(alone.draw(Some(1.0), &mut rng), 7, "there is nothing else");
    }
}
