//! What is known of a model before its weights are read.

use diffusion::SchedulerConfig;
use models::{
    umt5::Umt5Config,
    wan::{AutoencoderKlWanConfig, MAX_SEQUENCE_LENGTH, WanTransformer3dConfig},
};
use serde::Deserialize;
use serde_json::Value;

use media::Clip;

use super::{ModelFiles, TEXT_ENCODER, TRANSFORMER, VAE, files::INDEX};
use crate::{Error, Result, Size};

/// The clip that a model is at its best with, made where a request leaves size, length or guidance open, and the
/// prompts that it is best with.
///
/// In `model_index.json` it is the field `_kinora`, which diffusers ignores.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeClip {
    /// Pixels.
    pub size: Size,
    /// Frames.
    pub num_frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// How strongly to follow the prompt.
    #[serde(default = "NativeClip::guidance_scale_of_wan")]
    pub guidance_scale: f64,
    /// Which prompts it was trained on.
    #[serde(default)]
    pub prompts: Prompts,
}

/// What the prompts of a model are about, so that it is known how to fill in what one leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompts {
    /// Anything; nothing is filled in.
    #[default]
    Any,
    /// The procedural world of `kinora world`; see [`world::expand_prompt`].
    World,
}

impl NativeClip {
    /// As published for Wan 2.1 and for Wan 2.2 TI2V.
    const WAN_GUIDANCE_SCALE: f64 = 5.0;
    /// As published for Wan 2.1.
    const WAN_21: Self = Self {
        size: Size { width: 832, height: 480 },
        num_frames: 81,
        fps: 16.0,
        guidance_scale: Self::WAN_GUIDANCE_SCALE,
        prompts: Prompts::Any,
    };
    /// As published for Wan 2.2 TI2V.
    const WAN_22: Self = Self {
        size: Size { width: 1280, height: 704 },
        num_frames: 121,
        fps: 24.0,
        guidance_scale: Self::WAN_GUIDANCE_SCALE,
        prompts: Prompts::Any,
    };

    fn guidance_scale_of_wan() -> f64 {
        Self::WAN_GUIDANCE_SCALE
    }
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
    /// The denoiser.
    pub transformer: WanTransformer3dConfig,
    /// The autoencoder.
    pub vae: AutoencoderKlWanConfig,
    /// The text encoder.
    pub text_encoder: Umt5Config,
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
    /// Reads and checks the configuration of every part.
    ///
    /// # Errors
    /// A folder that is no model, a file that is missing or damaged, or a model that is not served.
    pub fn read(files: &ModelFiles) -> Result<Self> {
        files.check()?;
        let index: ModelIndex = files.json(INDEX)?;
        let unsupported = |field, expected: &str, found: String| {
            Err(Error::Unsupported { file: files.path(INDEX), field, expected: expected.into(), found })
        };
        if index.class_name != "WanPipeline" {
            return unsupported("_class_name", "WanPipeline (text to video)", index.class_name);
        }
        let second_expert = match &index.transformer_2 {
            Value::Null => false,
            Value::Array(names) => names.iter().any(|name| !name.is_null()),
            _ => true,
        };
        if second_expert {
            return unsupported("transformer_2", "none: one denoiser", index.transformer_2.to_string());
        }
        let tokenizer: TokenizerConfig = files.json("tokenizer/tokenizer_config.json")?;
        let max_sequence_length = tokenizer.model_max_length.map_or(MAX_SEQUENCE_LENGTH, |length| {
            // Saturates for 1e30, and is 0 for NaN.
            (length as usize).clamp(1, MAX_SEQUENCE_LENGTH)
        });
        let info = Self {
            name: files.name(),
            native: index.native.unwrap_or(match index.expand_timesteps {
                true => NativeClip::WAN_22,
                false => NativeClip::WAN_21,
            }),
            expand_timesteps: index.expand_timesteps,
            max_sequence_length,
            scheduler: files.json("scheduler/scheduler_config.json")?,
            transformer: files.config(TRANSFORMER)?,
            vae: files.config(VAE)?,
            text_encoder: files.config(TEXT_ENCODER)?,
        };
        info.check_parts_fit(files)?;
        // What is wrong with the sampler's own steps is asked when it is known that no other sampler is wanted.
        info.scheduler.shift()?;
        if let Some(native) = index.native {
            info.check_native(files, &native)?;
        }
        Ok(info)
    }

    /// Fails unless what one part makes is what the next one takes.
    fn check_parts_fit(&self, files: &ModelFiles) -> Result<()> {
        let fits = |field, found: usize, expected: usize, of: &str| match found == expected {
            true => Ok(()),
            false => Err(Error::Unsupported {
                file: files.path("transformer/config.json"),
                field,
                expected: format!("{expected}, {of}"),
                found: found.to_string(),
            }),
        };
        let z_dim = self.vae.z_dim;
        fits("in_channels", self.transformer.in_channels, z_dim, "the autoencoder's z_dim")?;
        fits("out_channels", self.transformer.out_channels, z_dim, "the autoencoder's z_dim")?;
        fits("text_dim", self.transformer.text_dim, self.text_encoder.d_model, "the text encoder's d_model")
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
        let fits = native.num_frames >= fewest && (native.num_frames - fewest).is_multiple_of(step);
        let frames = format!("{fewest}, or a multiple of {step} more");
        check("_kinora.num_frames", frames, native.num_frames.to_string(), fits)?;
        let range = Clip::FPS_RANGE;
        let rates = format!("{} to {}", range.start(), range.end());
        check("_kinora.fps", rates, native.fps.to_string(), range.contains(&native.fps))?;
        let scale = native.guidance_scale;
        check("_kinora.guidance_scale", GUIDANCE.into(), scale.to_string(), is_guidance(scale))
    }

    /// What width and height must be multiples of, in pixels.
    pub fn size_multiple(&self) -> Size {
        let [_, rows, columns] = self.transformer.patch_size;
        let space = self.vae.scale_factor_spatial;
        Size { width: space * columns, height: space * rows }
    }

    /// The largest size and length that the denoiser has positions for.
    pub(crate) fn most_pixels_and_frames(&self) -> (Size, usize) {
        let reach = self.transformer.rope_max_seq_len;
        let Size { width, height } = self.size_multiple();
        let frames = self.fewest_frames() + self.frames_step() * (reach - 1);
        (Size { width: reach * width, height: reach * height }, frames)
    }

    /// Every possible number of frames is [`fewest_frames`](Self::fewest_frames) and a multiple of this.
    pub fn frames_step(&self) -> usize {
        self.vae.scale_factor_temporal * self.transformer.patch_size[0]
    }

    /// The frames of one token in time: 1, unless the denoiser's tokens are several latent frames.
    pub fn fewest_frames(&self) -> usize {
        1 + self.vae.scale_factor_temporal * (self.transformer.patch_size[0] - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_says_what_it_is_at_its_best_with() {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        assert_eq!(info.name, "kinora-tiny");
        assert!(info.expand_timesteps, "the timeline needs a timestep for each frame");
        // The size and length that it was trained with. A field `_kinora` that was left out would show here.
        assert_eq!(info.native.size, Size { width: 128, height: 128 });
        assert_eq!((info.native.num_frames, info.native.fps), (17, 8.0));
        assert!(info.max_sequence_length < MAX_SEQUENCE_LENGTH);
    }
}
