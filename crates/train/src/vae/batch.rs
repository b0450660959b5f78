//! Crops of stills and clips, drawn by (seed, batch).

use std::path::Path;

use burn::tensor::{Device, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::VaeArgs;
use crate::{
    dataset::{BYTES_PER_PIXEL, Crop, Store, Subset, cut, to_tensor},
    error::{Result, TrainError},
    random::{Purpose, rng},
    trainer::Moment,
};

/// The rendered pictures that crops are cut from.
pub struct Pictures {
    clips: Store,
    stills: Store,
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
        Ok(Self { clips, stills, device })
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
