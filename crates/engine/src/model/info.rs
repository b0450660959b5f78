//! What is known of a model before its weights are read.

use std::sync::Arc;

use diffusion::{NUM_TRAIN_TIMESTEPS, SchedulerConfig};
use models::family::{
    AutoencoderConfig, DenoiserConfig, Family, ImageEncoderConfig, PartConfig, PublishedClip,
    TextEncoderConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use media::Clip;

use super::{
    ModelFiles,
    files::{INDEX, PartName},
    sizes::num_values,
};
use crate::{
    Error, Precision, Result, Size,
    planner::{Planner, track_code},
    shown::Shown,
};

/// The clip that a model is at its best with, made where a request leaves size, length, guidance or precision open, and the
/// prompts that it is best with.
///
/// In `model_index.json` it is the field `_kinora`, which diffusers ignores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeClip {
    /// Pixels.
    pub size: Size,
    /// Frames that are made at once.
    pub num_frames: usize,
    /// Frames of a video of which nobody says how long it is to be, if they are more than are made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_num_frames: Option<usize>,
    /// Frames a second.
    pub fps: f64,
    /// How exactly it computes where nobody says, if not in 16 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_precision: Option<Precision>,
    /// How strongly to follow the prompt.
    #[serde(default = "NativeClip::guidance_scale_of_wan")]
    pub guidance_scale: f64,
    /// Steps from noise to video.
    #[serde(default = "NativeClip::common_steps")]
    pub num_inference_steps: usize,
    /// How much of its noise each [fine channel](DenoiserConfig::fine_channels) begins with, from 0 to 1. Detail is drawn from what is
    /// possible with 1, and is the likeliest with less, which a small model knows better.
    #[serde(default = "NativeClip::all_noise", skip_serializing_if = "is_all")]
    pub fine_noise: f64,
    /// Which prompts it was trained on.
    #[serde(default)]
    pub prompts: Prompts,
    /// Whether its denoiser was trained to be told by tracks alone what things do, with prompts that do not say it.
    #[serde(default, skip_serializing_if = "is_untrue")]
    pub tracks_tell_events: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, clippy::float_cmp, reason = "serde asks so; it is exact")]
fn is_all(share: &f64) -> bool {
    *share == 1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_untrue(value: &bool) -> bool {
    !*value
}

/// What the prompts of a model are about, so that it is known how to fill in what one leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompts {
    /// Anything; nothing is filled in.
    #[default]
    Any,
    /// The procedural world of `kinora world`; see [`world::expand_prompt`].
    World,
}

impl NativeClip {
    fn guidance_scale_of_wan() -> f64 {
        Family::Wan.published_clip(true).guidance_scale
    }

    fn all_noise() -> f64 {
        1.0
    }

    /// For models that do not say how many they want: with [UniPC](diffusion::Sampler::UniPc), more are hardly seen.
    fn common_steps() -> usize {
        30
    }
}

impl From<PublishedClip> for NativeClip {
    fn from(clip: PublishedClip) -> Self {
        let PublishedClip { width, height, num_frames, fps, guidance_scale } = clip;
        Self {
            size: Size { width, height },
            num_frames,
            default_num_frames: None,
            default_precision: None,
            fps,
            guidance_scale,
            num_inference_steps: Self::common_steps(),
            fine_noise: Self::all_noise(),
            prompts: Prompts::Any,
            tracks_tell_events: false,
        }
    }
}

/// A denoiser for a range of timesteps.
#[derive(Clone, Debug)]
pub struct Expert {
    pub(crate) part: PartName,
    /// It is asked from this timestep on, up to that of the expert before it.
    pub from_timestep: f64,
    /// What it is.
    pub config: DenoiserConfig,
    /// How many numbers its weights hold.
    pub num_values: u64,
}

/// How many numbers the weights of the other parts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumValues {
    /// Of the text encoder.
    pub text_encoder: u64,
    /// Of the image encoder; 0 without one.
    pub image_encoder: u64,
    /// Of the planner; 0 without one.
    pub planner: u64,
    /// Of the autoencoder, its encoder included.
    pub autoencoder: u64,
}

/// A model's configuration, checked.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The folder's name.
    pub name: String,
    /// What to make where a request leaves it open.
    pub native: NativeClip,
    /// Whether each latent frame has its own timestep (Wan 2.2 TI2V), or all have one (Wan 2.1).
    pub expand_timesteps: bool,
    /// The number of tokens that every prompt is cut or padded to.
    pub max_sequence_length: usize,
    /// The sampler's settings.
    pub scheduler: SchedulerConfig,
    /// The denoisers, the one for the noisiest latents first: one, or two that share the timesteps (Wan 2.2 A14B).
    pub experts: Vec<Expert>,
    /// The autoencoder.
    pub autoencoder: AutoencoderConfig,
    /// The text encoder.
    pub text_encoder: TextEncoderConfig,
    /// The image encoder, of models of image to video whose denoisers look at pictures (Wan 2.1).
    pub image_encoder: Option<ImageEncoderConfig>,
    /// The denoiser of tracks, of models of the world whose denoiser is shown them.
    pub planner: Option<DenoiserConfig>,
    /// The sizes of the weights.
    pub num_values: NumValues,
}

/// The fields of `model_index.json` that matter here.
#[derive(Deserialize)]
struct ModelIndex {
    #[serde(rename = "_class_name")]
    class_name: String,
    #[serde(default)]
    expand_timesteps: bool,
    #[serde(default)]
    transformer_2: Value,
    #[serde(default)]
    boundary_ratio: Value,
    #[serde(default)]
    image_encoder: Value,
    #[serde(default)]
    planner: Value,
    #[serde(rename = "_kinora")]
    native: Option<NativeClip>,
}

/// The field of `tokenizer_config.json` that matters here; some tokenizers have 1e30.
#[derive(Deserialize)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
}

/// What a guidance scale can be.
pub(crate) const GUIDANCE: &str = "0 or more, as far as 32 bits can hold it (up to 1: no guidance)";

/// Whether a number is a guidance scale.
pub(crate) fn is_guidance(scale: f64) -> bool {
    scale >= 0.0 && (scale as f32).is_finite()
}

impl ModelInfo {
    /// Reads and checks the configuration of every part, and the headers of its weights.
    ///
    /// # Errors
    /// A folder that is no model, a file that is missing or damaged, or a model that is not served.
    pub fn read(files: &ModelFiles) -> Result<Arc<Self>> {
        files.check()?;
        let index: ModelIndex = files.json(INDEX)?;
        let Some(family) = Family::of_pipeline(&index.class_name) else {
            let served = Family::PIPELINES.map(|(name, _)| name).join(", ");
            return Err(unsupported(files, "_class_name", served, index.class_name));
        };
        let tokenizer: TokenizerConfig = files.json("tokenizer/tokenizer_config.json")?;
        let most = family.max_sequence_length();
        let max_sequence_length = tokenizer.model_max_length.map_or(most, |length| {
            // Saturates for 1e30, and is 0 for NaN.
            (length as usize).clamp(1, most)
        });
        let config = |part: PartName| {
            let file = part.config();
            Ok::<_, Error>((files.path(&file), files.read(&file)?))
        };
        let autoencoder = config(PartName::Vae)?;
        let autoencoder = AutoencoderConfig::from_json(&autoencoder.0, &autoencoder.1)?;
        let text_encoder = config(PartName::TextEncoder)?;
        let text_encoder = TextEncoderConfig::from_json(&text_encoder.0, &text_encoder.1)?;
        let image_encoder = match index.has_image_encoder(files)? {
            true => {
                let (path, text) = config(PartName::ImageEncoder)?;
                Some(ImageEncoderConfig::from_json(&path, &text)?)
            }
            false => None,
        };
        let mut experts = Vec::new();
        for (part, from_timestep) in index.experts(files)? {
            let (path, text) = config(part)?;
            let config = DenoiserConfig::from_json(&path, &text)?;
            check_fits(files, part, &config, &autoencoder, &text_encoder, experts.first())?;
            check_pictures(files, part, &config, image_encoder.as_ref())?;
            let num_values = num_values(files, part, &config)?;
            experts.push(Expert { part, from_timestep, config, num_values });
        }
        let planner = match index.has_planner(files)? {
            true => {
                let (path, text) = config(PartName::Planner)?;
                let planner = DenoiserConfig::from_json(&path, &text)?;
                check_planner(files, &planner, &experts, &autoencoder, &text_encoder)?;
                Some(planner)
            }
            false => None,
        };
        let info = Self {
            name: files.name(),
            native: index.native.unwrap_or_else(|| family.published_clip(index.expand_timesteps).into()),
            expand_timesteps: index.expand_timesteps,
            max_sequence_length,
            scheduler: files.json("scheduler/scheduler_config.json")?,
            num_values: NumValues {
                text_encoder: num_values(files, PartName::TextEncoder, &text_encoder)?,
                image_encoder: match &image_encoder {
                    Some(encoder) => num_values(files, PartName::ImageEncoder, encoder)?,
                    None => 0,
                },
                planner: match &planner {
                    Some(planner) => num_values(files, PartName::Planner, planner)?,
                    None => 0,
                },
                autoencoder: num_values(files, PartName::Vae, &autoencoder)?,
            },
            experts,
            autoencoder,
            text_encoder,
            image_encoder,
            planner,
        };
        // What is wrong with the sampler's own steps is asked when it is known that no other sampler is wanted.
        info.scheduler.shift()?;
        if let Some(native) = index.native {
            info.check_native(files, &native)?;
        }
        Ok(Arc::new(info))
    }

    /// Fails unless the weights of every part are there, as far as headers tell.
    pub(crate) fn check_weights(&self, files: &ModelFiles) -> Result<()> {
        for expert in &self.experts {
            expert.config.check_weights(files.weights(expert.part)?)?;
        }
        self.text_encoder.check_weights(files.weights(PartName::TextEncoder)?)?;
        if let Some(encoder) = &self.image_encoder {
            encoder.check_weights(files.weights(PartName::ImageEncoder)?)?;
        }
        if let Some(planner) = &self.planner {
            planner.check_weights(files.weights(PartName::Planner)?)?;
        }
        Ok(self.autoencoder.check_weights(files.weights(PartName::Vae)?)?)
    }

    /// Whether it is an image-to-video model, which is shown what is known beside its latents: in channels that say which frames
    /// are known, and in those of a video of them (Wan 2.1 and Wan 2.2 A14B).
    pub fn sees_beside(&self) -> bool {
        self.denoiser().channels()[0] > self.autoencoder.z_dim()
    }

    /// What the denoisers have in common: tokens and channels.
    pub fn denoiser(&self) -> &DenoiserConfig {
        &self.experts[0].config
    }

    /// Latent frames that are made at once.
    pub(crate) fn native_latent_frames(&self) -> usize {
        1 + (self.native.num_frames - 1) / self.autoencoder.scale_factors()[0]
    }

    /// Frames of a video of which nobody says how long it is to be.
    pub fn default_num_frames(&self) -> usize {
        self.native.default_num_frames.unwrap_or(self.native.num_frames)
    }

    /// How exactly it computes where nobody says.
    pub fn default_precision(&self) -> Precision {
        self.native.default_precision.unwrap_or(Precision::Bf16)
    }

    /// Fails unless the clip of `_kinora` can be made.
    fn check_native(&self, files: &ModelFiles, native: &NativeClip) -> Result<()> {
        let check = |field, expected: String, found: String, holds: bool| match holds {
            true => Ok(()),
            false => Err(Error::Unsupported { file: files.path(INDEX), field, expected, found }),
        };
        let (Size { width, height }, multiple) = (native.size, self.size_multiple());
        let fits = width > 0 && height > 0 && width.is_multiple_of(multiple.width);
        let fits = fits && height.is_multiple_of(multiple.height);
        check("_kinora.size", format!("multiples of {multiple}"), native.size.to_string(), fits)?;
        let (fewest, step) = (self.fewest_frames(), self.frames_step());
        let fits = |frames: usize| self.frames_at_most(frames) == frames;
        let frames = format!("{fewest}, or a multiple of {step} more");
        check("_kinora.num_frames", frames.clone(), native.num_frames.to_string(), fits(native.num_frames))?;
        if let Some(longer) = native.default_num_frames {
            let holds = fits(longer) && (self.expand_timesteps || longer <= native.num_frames);
            let frames = match self.expand_timesteps {
                true => frames,
                false => format!("{frames}, up to num_frames: this model makes all at once"),
            };
            check("_kinora.default_num_frames", frames, longer.to_string(), holds)?;
        }
        let range = Clip::FPS_RANGE;
        let rates = format!("{} to {}", range.start(), range.end());
        check("_kinora.fps", rates, native.fps.to_string(), range.contains(&native.fps))?;
        let scale = native.guidance_scale;
        check("_kinora.guidance_scale", GUIDANCE.into(), scale.to_string(), is_guidance(scale))?;
        let (steps, most) = (native.num_inference_steps, NUM_TRAIN_TIMESTEPS);
        let found = steps.to_string();
        check("_kinora.num_inference_steps", format!("1 to {most}"), found, (1..=most).contains(&steps))?;
        let share = native.fine_noise;
        check("_kinora.fine_noise", "0 to 1".into(), share.to_string(), (0.0..=1.0).contains(&share))
    }

    /// What width and height must be multiples of, in pixels.
    pub fn size_multiple(&self) -> Size {
        self.multiple_of(&self.autoencoder.without_upsampler())
    }

    /// The same of one of the forms of its autoencoder.
    pub(crate) fn multiple_of(&self, autoencoder: &AutoencoderConfig) -> Size {
        let [_, rows, columns] = self.denoiser().patch_size();
        let [_, down, across] = autoencoder.scale_factors();
        Size { width: across * columns, height: down * rows }
    }

    /// The autoencoder in the form that videos of a size are made with. One with an upsampler has two: small videos are made
    /// without it, of as many latents as are nearer to those that the denoiser was taught.
    pub(crate) fn autoencoder_for(&self, size: Size) -> AutoencoderConfig {
        let small = self.autoencoder.without_upsampler();
        let is_large = self.shares(size, &small) * self.shares(size, &self.autoencoder) >= 1.0;
        if is_large && size.is_multiple_of(self.multiple_of(&self.autoencoder)) {
            return self.autoencoder.clone();
        }
        small
    }

    /// How many times as many latents videos of a size have as those of the model's own.
    fn shares(&self, size: Size, autoencoder: &AutoencoderConfig) -> f64 {
        let latents = |size: Size, [_, down, across]: [usize; 3]| size.pixels() / (down * across) as f64;
        latents(size, autoencoder.scale_factors())
            / latents(self.native.size, self.autoencoder.scale_factors())
    }

    /// How many times as many latents videos of a size have, made as they are, as those of the model's own.
    pub(crate) fn times_taught(&self, size: Size) -> f64 {
        self.shares(size, &self.autoencoder_for(size))
    }

    /// The size in which a video of another size is best made: this one, if the model can make it, and it has no more latents than
    /// the model's own; otherwise one of its shape, and about as many pixels as the model's own.
    pub fn size_for(&self, size: Size) -> Size {
        if size.is_multiple_of(self.size_multiple()) && self.times_taught(size) <= 1.0 {
            return size;
        }
        let multiple = self.multiple_of(&self.autoencoder);
        let scale = (self.native.size.pixels() / size.pixels()).sqrt();
        let side = |length: usize, multiple: usize| {
            ((length as f64 * scale / multiple as f64).round().max(1.0) as usize) * multiple
        };
        Size { width: side(size.width, multiple.width), height: side(size.height, multiple.height) }
    }

    /// The largest size and length that the denoiser has positions for.
    pub(crate) fn most_pixels_and_frames(&self) -> (Size, usize) {
        let reach = self.denoiser().reach();
        let Size { width, height } = self.multiple_of(&self.autoencoder);
        let frames = self.fewest_frames() + self.frames_step() * (reach - 1);
        (Size { width: reach * width, height: reach * height }, frames)
    }

    /// As many frames as can be made at once that are no fewer than these.
    pub fn frames_at_least(&self, frames: usize) -> usize {
        let (fewest, step) = (self.fewest_frames(), self.frames_step());
        frames.saturating_sub(fewest).div_ceil(step).saturating_mul(step).saturating_add(fewest)
    }

    /// As many frames as can be made at once that are no more than these; the fewest, if all are more.
    pub fn frames_at_most(&self, frames: usize) -> usize {
        let (fewest, step) = (self.fewest_frames(), self.frames_step());
        frames.saturating_sub(fewest) / step * step + fewest
    }

    /// Every possible number of frames is [`fewest_frames`](Self::fewest_frames) and a multiple of this.
    pub(crate) fn frames_step(&self) -> usize {
        self.autoencoder.scale_factors()[0] * self.denoiser().patch_size()[0]
    }

    /// The frames of one token in time: 1, unless the denoiser's tokens are several latent frames.
    pub(crate) fn fewest_frames(&self) -> usize {
        1 + self.autoencoder.scale_factors()[0] * (self.denoiser().patch_size()[0] - 1)
    }
}

impl ModelIndex {
    /// Whether there is an image encoder.
    fn has_image_encoder(&self, files: &ModelFiles) -> Result<bool> {
        has_part(files, "image_encoder", &self.image_encoder)
    }

    /// Whether there is a planner.
    fn has_planner(&self, files: &ModelFiles) -> Result<bool> {
        has_part(files, "planner", &self.planner)
    }

    /// The denoisers and the timestep from which each is asked, as diffusers' `WanPipeline` chooses between them.
    fn experts(&self, files: &ModelFiles) -> Result<Vec<(PartName, f64)>> {
        if !has_part(files, "transformer_2", &self.transformer_2)? {
            return Ok(vec![(PartName::Transformer, 0.0)]);
        }
        let ratio =
            self.boundary_ratio.as_f64().filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or_else(|| {
                let expected =
                    "a number from 0 to 1: the noise below which `transformer_2` is asked".to_owned();
                unsupported(files, "boundary_ratio", expected, self.boundary_ratio.to_string())
            })?;
        let boundary = ratio * NUM_TRAIN_TIMESTEPS as f64;
        Ok(vec![(PartName::Transformer, boundary), (PartName::Transformer2, 0.0)])
    }
}

/// Whether a field of the index names a part.
fn has_part(files: &ModelFiles, field: &'static str, value: &Value) -> Result<bool> {
    match value {
        Value::Null => Ok(false),
        Value::Array(names) => Ok(names.iter().any(|name| !name.is_null())),
        found => {
            let expected = "the library and the class of the part, or null".to_owned();
            Err(unsupported(files, field, expected, found.to_string()))
        }
    }
}

/// The parts that a model has, by its index.
pub(super) fn part_names(files: &ModelFiles) -> Result<Vec<PartName>> {
    let index: ModelIndex = files.json(INDEX)?;
    let experts = index.experts(files)?.into_iter().map(|(part, _)| part);
    let image_encoder = index.has_image_encoder(files)?.then_some(PartName::ImageEncoder);
    let planner = index.has_planner(files)?.then_some(PartName::Planner);
    Ok(experts.chain(image_encoder).chain(planner).chain([PartName::TextEncoder, PartName::Vae]).collect())
}

/// Fails unless a denoiser that looks at pictures has the encoder for it.
fn check_pictures(
    files: &ModelFiles,
    part: PartName,
    denoiser: &DenoiserConfig,
    encoder: Option<&ImageEncoderConfig>,
) -> Result<()> {
    let Some((dim, positions)) = denoiser.pictures() else { return Ok(()) };
    let refuse = |field, expected: String, found: usize| {
        let found = found.to_string();
        Err(Error::Unsupported { file: files.path(&part.config()), field, expected, found })
    };
    match encoder {
        None => refuse("image_dim", format!("null, as {INDEX} has no image_encoder"), dim),
        Some(encoder) if encoder.dim() != dim => {
            refuse("image_dim", format!("{}, the image encoder's hidden_size", encoder.dim()), dim)
        }
        Some(encoder) => match positions {
            Some(tokens) if tokens != 2 * encoder.tokens() => {
                let expected = format!("{}, the tokens of two pictures", 2 * encoder.tokens());
                refuse("pos_embed_seq_len", expected, tokens)
            }
            _ => Ok(()),
        },
    }
}

/// Fails unless a planner draws what the denoisers are shown.
fn check_planner(
    files: &ModelFiles,
    planner: &DenoiserConfig,
    experts: &[Expert],
    autoencoder: &AutoencoderConfig,
    text_encoder: &TextEncoderConfig,
) -> Result<()> {
    let code = track_code(autoencoder.scale_factors()[0]);
    for expert in experts {
        let found = expert.config.shown_channels();
        if Shown::of_planes(code, found).is_none() {
            return Err(Error::Unsupported {
                file: files.path(&expert.part.config()),
                field: "shown_channels",
                expected: format!(
                    "{}, as {INDEX} has a planner; one of an earlier version is trained on with `kinora train denoiser --tracks \
                     --init-from`",
                    Shown::possible(code)
                ),
                found: found.to_string(),
            });
        }
    }
    match Planner::misfit(planner, code, text_encoder.dim()) {
        Some((field, expected, found)) => Err(Error::Unsupported {
            file: files.path(&PartName::Planner.config()),
            field,
            expected,
            found: found.to_string(),
        }),
        None => Ok(()),
    }
}

fn unsupported(files: &ModelFiles, field: &'static str, expected: String, found: String) -> Error {
    Error::Unsupported { file: files.path(INDEX), field, expected, found }
}

/// Fails unless what one part makes is what a denoiser takes, and all denoisers take the same.
fn check_fits(
    files: &ModelFiles,
    part: PartName,
    denoiser: &DenoiserConfig,
    autoencoder: &AutoencoderConfig,
    text_encoder: &TextEncoderConfig,
    first: Option<&Expert>,
) -> Result<()> {
    let fits = |field, found: usize, expected: usize, of: &str| match found == expected {
        true => Ok(()),
        false => Err(Error::Unsupported {
            file: files.path(&part.config()),
            field,
            expected: format!("{expected}, {of}"),
            found: found.to_string(),
        }),
    };
    let ([inputs, outputs], z_dim) = (denoiser.channels(), autoencoder.z_dim());
    // Beside the latents a model of image to video has a channel for each frame of a latent frame, and other latents.
    let [frames, _, _] = autoencoder.scale_factors();
    if inputs != z_dim + frames + z_dim {
        fits("in_channels", inputs, z_dim, "the autoencoder's z_dim")?;
    }
    fits("out_channels", outputs, z_dim, "the autoencoder's z_dim")?;
    fits("text_dim", denoiser.context_dim(), text_encoder.dim(), "the text encoder's d_model")?;
    let Some(Expert { config: first, .. }) = first else { return Ok(()) };
    for axis in 0..3 {
        let of_first = "as in the first denoiser";
        fits("patch_size", denoiser.patch_size()[axis], first.patch_size()[axis], of_first)?;
    }
    fits("in_channels", inputs, first.channels()[0], "as in the first denoiser")?;
    fits("rope_max_seq_len", denoiser.reach(), first.reach(), "as in the first denoiser")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_says_what_it_is_at_its_best_with() {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        assert_eq!(info.name, "kinora-tiny");
        assert!(info.expand_timesteps, "the timeline needs a timestep for each frame");
        // The size, of which its denoiser sees the half, and the length that it was trained with. A field `_kinora` that was left
        // out would show here.
        assert_eq!(info.native.size, Size { width: 256, height: 256 });
        assert_eq!((info.native.num_frames, info.default_num_frames(), info.native.fps), (17, 33, 8.0));
        assert!(info.max_sequence_length < Family::Wan.max_sequence_length());
    }

    #[test]
    fn large_videos_are_drawn_larger_and_small_ones_are_made_as_they_are() {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        let size = |text: &str| text.parse::<Size>().unwrap();
        for (text, upscale, times) in [
            ("256x256", 2, 1.0),
            ("320x192", 2, 0.9375),
            // As many times fewer latents as it would else have more.
            ("256x128", 2, 0.5),
            ("128x128", 1, 1.0),
            ("160x128", 1, 1.25),
            ("64x48", 1, 0.1875),
            // No whole number of tokens, drawn larger.
            ("208x176", 1, 2.234_375),
        ] {
            assert_eq!(info.autoencoder_for(size(text)).upscale(), upscale, "{text}");
            assert!((info.times_taught(size(text)) - times).abs() < 1e-9, "{text}");
        }
        assert_eq!(info.size_multiple(), size("16x16"));
        for (asked, made) in [
            ("64x48", "64x48"),
            ("256x192", "256x192"),
            ("160x128", "288x224"),
            ("1280x720", "352x192"),
            ("100x100", "256x256"),
        ] {
            assert_eq!(info.size_for(size(asked)), size(made), "{asked}");
        }
        let (most, _) = info.most_pixels_and_frames();
        assert!(most.is_multiple_of(size("32x32")), "{most}");
    }
}
