//! Crops of stills and clips, drawn by (seed, batch).

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::VaeArgs;
use crate::{
    dataset::{BYTES_PER_PIXEL, Crop, Item, Store, Subset, cut, to_tensor},
    error::{Result, TrainError},
    latents::{self, LatentStore},
    random::{Purpose, rng},
    trainer::Moment,
};

/// The rendered pictures that crops are cut from.
pub struct Pictures {
    clips: Store,
    stills: Store,
    /// Latents of the clips, denoised, and of held-out ones.
    denoised: Option<[LatentStore; 2]>,
    device: Device,
}

impl Pictures {
    /// Opens the data set in `folder` and checks that crops fit into all of it.
    ///
    /// # Errors
    /// A data set that is missing or too small in time or space.
    pub fn open(folder: &Path, args: &VaeArgs, device: Device) -> Result<Self> {
        let advice = format!("make it with `kinora train data --output {}`", folder.display());
        let open = |subset: Subset| Store::open(&folder.join(subset.name()), BYTES_PER_PIXEL, &advice);
        let (clips, stills) = (open(Subset::Clips)?, open(Subset::Stills)?);
        let longest = args.clip_frames.iter().copied().max().unwrap_or(1);
        for (store, frames) in [(&clips, longest), (&stills, 1)] {
            let small = |size: &[usize; 3]| size[0] < frames || size[1] < args.crop || size[2] < args.crop;
            if let Some(item) = store.items().iter().find(|item| small(&item.size)) {
                return Err(TrainError::Mismatch {
                    path: folder.into(),
                    what: "size of an item, [frames, height, width]".into(),
                    expected: format!("room for [{frames}, {0}, {0}] of --clip-frames and --crop", args.crop),
                    found: format!("{:?}", item.size),
                });
            }
        }
        let held_out = open(Subset::Validation)?;
        let of = |folder: &PathBuf| -> Result<[LatentStore; 2]> {
            latents::check_whole(folder, args.allow_partial)?;
            let of = |subset, clips| denoised(folder, subset, clips, args);
            Ok([of(Subset::Clips, &clips)?, of(Subset::Validation, &held_out)?])
        };
        let denoised = args.denoised.as_ref().map(of).transpose()?;
        Ok(Self { clips, stills, denoised, device })
    }

    /// The clips that crops are cut from.
    pub fn clips(&self) -> &Store {
        &self.clips
    }

    /// A batch `[batch, 3, frames, height, width]` of stills or of clips of one length.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn batch(&self, args: &VaeArgs, moment: Moment) -> Result<Tensor<5>> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let is_still = rng.random::<f64>() < args.still_share.at(moment.progress);
        let frames = if is_still { 1 } else { args.clip_frames[rng.random_range(0..args.clip_frames.len())] };
        let size = [frames, args.crop, args.crop];
        let count = (args.batch_pixels / size.iter().product::<usize>()).max(1);
        let crops = (0..count).map(|_| self.crop(is_still, size, &mut rng)).collect::<Result<Vec<_>>>()?;
        Ok(to_tensor(&crops, size, &self.device))
    }

    /// A batch of clips from their beginning on, `[batch, 3, frames, height, width]`, and what the denoiser made of their latents, in
    /// the share of batches that are to be such.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn denoised(&self, args: &VaeArgs, moment: Moment) -> Result<Option<(Tensor<5>, Tensor<5>)>> {
        let Some([latents, _]) = &self.denoised else { return Ok(None) };
        let mut rng = rng(moment.seed, Purpose::Denoised, moment.batch);
        if rng.random::<f64>() >= args.denoised_share {
            return Ok(None);
        }
        let frames = args.clip_frames[rng.random_range(0..args.clip_frames.len())];
        let size = [frames, args.crop, args.crop];
        let config = args.config();
        let [of_frames, side, _] =
            config.latent_size(size).map_err(TrainError::part("the size of the crops"))?;
        let [_, down, across] = config.scale_factors();
        let count = (args.batch_pixels / size.iter().product::<usize>()).max(1);
        let (mut crops, mut values) = (Vec::with_capacity(count), Vec::new());
        for _ in 0..count {
            let index = rng.random_range(0..self.clips.items().len());
            let (whole, of_whole) = (self.clips.items()[index].size, latents.store().items()[index].size);
            let pixels = self.clips.read(index)?;
            let mut place = || {
                let [row, column] = [1, 2].map(|axis| rng.random_range(0..=of_whole[axis] - side));
                let crop = Crop { start: [0, row * down, column * across], size };
                (cut(&pixels, whole, crop), [row, column])
            };
            let places: Vec<_> = (0..PLACES).map(|_| place()).collect();
            let busiest = places.into_iter().max_by(|(a, _), (b, _)| contrast(a).total_cmp(&contrast(b)));
            let Some((crop, [row, column])) = busiest else { continue };
            crops.push(crop);
            let [_, height, width] = of_whole;
            for channel in latents.read(index)?.chunks_exact(of_whole.into_iter().product()) {
                for frame in channel.chunks_exact(height * width).take(of_frames) {
                    for line in frame.chunks_exact(width).skip(row).take(side) {
                        values.extend_from_slice(&line[column..column + side]);
                    }
                }
            }
        }
        let shape = [count, latents.channels(), of_frames, side, side];
        let latents = Tensor::from_data(TensorData::new(values, shape), &self.device);
        Ok(Some((to_tensor(&crops, size, &self.device), latents)))
    }

    /// What the denoiser made of the latents of a held-out clip, `[1, channels, frames, height, width]`; nothing if that is not among
    /// what is trained on.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn held_out(&self, index: usize) -> Result<Option<Tensor<5>>> {
        let Some([_, latents]) = &self.denoised else { return Ok(None) };
        let frames = latents.store().items()[index].size[0];
        latents.batch(&[index], frames, &self.device).map(Some)
    }

    /// One random crop, mirrored half of the time.
    fn crop(&self, is_still: bool, size: [usize; 3], rng: &mut ChaCha8Rng) -> Result<Vec<u8>> {
        let store = if is_still { &self.stills } else { &self.clips };
        let index = rng.random_range(0..store.items().len());
        let whole = store.items()[index].size;
        let start = [0, 1, 2].map(|axis| rng.random_range(0..=whole[axis] - size[axis]));
        let mut crop = cut(&store.read(index)?, whole, Crop { start, size });
        if rng.random() {
            for line in crop.chunks_exact_mut(size[2] * 3) {
                line.reverse(); // columns and colours
                line.chunks_exact_mut(3).for_each(<[u8]>::reverse); // colours back
            }
        }
        Ok(crop)
    }
}

/// Places in a clip, of which that is taken in which most is seen: most of a picture is ground and sky.
const PLACES: usize = 3;

/// The variance of bytes.
fn contrast(bytes: &[u8]) -> f64 {
    let mean = |of: &dyn Fn(f64) -> f64| {
        bytes.iter().map(|&byte| of(f64::from(byte))).sum::<f64>() / bytes.len().max(1) as f64
    };
    mean(&|byte| byte * byte) - mean(&|byte| byte).powi(2)
}

/// The latents in `folder`, one item for each of the clips.
fn denoised(folder: &Path, subset: Subset, clips: &Store, args: &VaeArgs) -> Result<LatentStore> {
    latents::check_denoised(folder)?;
    let latents = LatentStore::open(folder, subset)?;
    let config = args.config();
    let fits = |(item, clip): (&Item, &Item)| {
        item.captions == clip.captions && config.latent_size(clip.size).is_ok_and(|size| size == item.size)
    };
    let count = clips.items().len();
    let are_same = latents.store().items().len() == count
        && latents.channels() == config.z_dim
        && latents.store().items().iter().zip(clips.items()).all(fits);
    if are_same {
        return Ok(latents);
    }
    Err(TrainError::Mismatch {
        path: folder.into(),
        what: format!("latents of {}", subset.name()),
        expected: format!("{} channels for each of the {count} of --data, of their sizes", config.z_dim),
        found: format!(
            "{} channels of {}; make them with `kinora train latents --denoised-by`",
            latents.channels(),
            latents.store().items().len()
        ),
    })
}
