//! Latents as a denoiser leaves them: noised in part and denoised again, so that their clips are still known.
//!
//! A decoder that has seen nothing but its encoder's latents draws what a denoiser leaves undone in them, such as grain in what
//! moves. One that is shown these beside the clips that they were learns to draw the clip (LTX-Video, HaCohen et al. 2024, has the
//! decoder take the last step of the denoising).

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use engine::{shown::Shown, track_code};
use models::family::Autoencoder;
use rand::{Rng, seq::IndexedRandom};

use crate::{
    dataset::{Drawn, Item, Recipe, Subset},
    denoiser::OwnSampler,
    error::Result,
    random::{Purpose, noise, rng},
    schedule::Ramp,
    setting,
};

/// What noises latents and denoises them.
pub struct Renoised<'a> {
    model: OwnSampler,
    vae: &'a Autoencoder,
    /// The range of the noise, as a share of all.
    noise: Ramp,
    /// How many channels stay as they are.
    kept: usize,
    /// What the world's clips were drawn by, if the model is shown tracks.
    tracked: Option<Recipe>,
    device: Device,
}

impl<'a> Renoised<'a> {
    /// The pipeline in `folder`, whose autoencoder is `vae`.
    ///
    /// # Errors
    /// A folder that is no model, a model of another kind of noise, no channel to be made anew, or a model that is shown tracks for clips
    /// that are not of a world's `recipe`.
    pub fn open(
        folder: &Path,
        vae: &'a Autoencoder,
        (noise, kept): (Ramp, usize),
        recipe: Option<&Recipe>,
        device: &Device,
    ) -> Result<Self> {
        let model = OwnSampler::open("--denoised-by", folder, device)?;
        let channels = vae.config().z_dim();
        setting::require("--kept-channels", format!("less than {channels}"), kept, kept < channels)?;
        let shown = model.info.denoiser().shown_channels();
        let code = track_code(vae.config().scale_factors()[0]);
        let expected = format!("a model that is shown 0 channels, or {}", Shown::possible(code));
        let found = format!("one that is shown {shown}");
        let is_known = shown == 0 || Shown::of_planes(code, shown).is_some();
        setting::require("--denoised-by", expected, found, is_known)?;
        let found = "clips of which it is not known where things are";
        setting::require("--denoised-by", "a model without tracks", found, shown == 0 || recipe.is_some())?;
        let tracked = recipe.filter(|_| shown > 0).cloned();
        Ok(Self { model, vae, noise, kept, tracked, device: device.clone() })
    }

    /// One of an item's captions; nothing if it has none.
    fn caption<'b>(&self, item: &'b Item, seed: u64, index: u64) -> &'b str {
        let mut random = rng(seed, Purpose::Denoised, index);
        item.captions.choose(&mut random).map_or("", String::as_str)
    }

    /// Latents `[1, channels, frames, height, width]` of an item of a subset as the encoder gave them, noised and denoised by what
    /// one of its captions says, and by where things are in it. `seed` and `index` choose how much noise there is, and which.
    ///
    /// # Errors
    /// A caption that the tokenizer refuses, an item that is not of the world, or what the sampler fails at.
    pub fn latents(
        &self,
        latents: Tensor<5>,
        (subset, index, item): (Subset, usize, &Item),
        seed: u64,
    ) -> Result<Tensor<5>> {
        let planes = self.planes(&latents, (subset, index, item))?;
        let index = index as u64;
        let prompt = self.caption(item, seed, index);
        let mut random = rng(seed, Purpose::Denoised, index);
        let level = self.noise.at(random.random::<f64>());
        let x_0 = self.vae.config().normalize(latents);
        let noise = noise(seed, Purpose::Denoised, index).tensor(x_0.dims(), &self.device);
        let made = self.model.denoised([x_0, noise], level, self.kept, &[prompt], planes.as_ref())?;
        Ok(self.vae.denormalize(made))
    }

    /// Where the things of an item are in its latents; none for a model that is not shown it.
    fn planes(
        &self,
        latents: &Tensor<5>,
        (subset, index, item): (Subset, usize, &Item),
    ) -> Result<Option<Tensor<5>>> {
        let Some(recipe) = &self.tracked else { return Ok(None) };
        let drawn = Drawn::new(subset, index, recipe);
        let found = format!("others of item {index} of {}", subset.name());
        let is_of_world = drawn.captions() == item.captions;
        setting::require("--data", "captions of the world's clips of its seed", found, is_of_world)?;
        let code = track_code(self.vae.config().scale_factors()[0]);
        let [_, _, frames, height, width] = latents.dims();
        let seen = 1 + (frames - 1) * code.factor;
        let count = self.model.info.denoiser().shown_channels();
        let shown = Shown::of_planes(code, count).unwrap_or_default();
        let falling = if shown.weather { drawn.falling(seen, [height, width]) } else { Vec::new() };
        let planes = shown.planes_of(code, &drawn.tracks(seen), &falling, [frames, height, width]);
        let shape = [1, count, frames, height, width];
        Ok(Some(Tensor::from_data(TensorData::new(planes, shape), &self.device)))
    }
}
