//! Requests for videos.

use serde::Deserialize;
use utoipa::ToSchema;

use super::lenient;
use crate::{
    maker::{Extras, Place, Region, Side, Size, Span},
    problem::Problem,
};

/// Characters of the longest prompt.
const MAX_PROMPT: usize = 32_000;

/// A video of a text.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateVideo {
    /// What is seen.
    #[schema(min_length = 1, max_length = 32000)]
    pub prompt: String,
    /// The model; one of `/v1/models`, or a name that stands for one.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: Option<String>,
    /// Length in seconds, as a text or a number.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(value_type = Option<String>, example = "4")]
    pub seconds: Option<f64>,
    /// Width and height.
    #[serde(default)]
    pub size: Option<Size>,
    /// The first frame: a file (in a form), or where it is.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(value_type = FileOrImage)]
    pub input_reference: Option<ImageReference>,
    /// Who is in it.
    #[serde(default, deserialize_with = "lenient::value")]
    pub characters: Option<Vec<CharacterReference>>,
    /// Beyond OpenAI's: what is seen when. In a form, as JSON.
    #[serde(default, deserialize_with = "lenient::value")]
    pub spans: Option<Vec<Span>>,
    /// Beyond OpenAI's: stills and clips that are a part of the video. In a form, as JSON.
    #[serde(default, deserialize_with = "lenient::value")]
    pub known: Option<Vec<Known>>,
}

/// A video near to another.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RemixVideo {
    /// What is seen.
    #[schema(min_length = 1, max_length = 32000)]
    pub prompt: String,
    /// Beyond OpenAI's: how much is made anew, 0 to 1.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 0, maximum = 1)]
    pub strength: Option<f64>,
}

/// A video with a change.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EditVideo {
    /// What is seen then.
    #[schema(min_length = 1, max_length = 32000)]
    pub prompt: String,
    /// The video: a file (in a form), or the name of one that is completed.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(value_type = FileOrVideo)]
    pub video: Option<VideoReference>,
    /// The model, for a file. For a video of the server's, its own.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: Option<String>,
    /// Beyond OpenAI's: how much is made anew, 0 to 1.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 0, maximum = 1)]
    pub strength: Option<f64>,
    /// Beyond OpenAI's: where. In a form, as JSON.
    #[serde(default, deserialize_with = "lenient::value")]
    pub regions: Option<Vec<Region>>,
}

/// A video that goes on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExtendVideo {
    /// What is seen then.
    #[schema(min_length = 1, max_length = 32000)]
    pub prompt: String,
    /// Length of what is added, in seconds, as a text or a number.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(value_type = String, example = "4")]
    pub seconds: Option<f64>,
    /// The video: a file (in a form), or the name of one that is completed.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(value_type = FileOrVideo)]
    pub video: Option<VideoReference>,
    /// The model, for a file. For a video of the server's, its own.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: Option<String>,
    /// Beyond OpenAI's: on which side it goes on.
    #[serde(default)]
    pub side: Side,
}

/// Somebody from a clip.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateCharacter {
    /// The name, which is in prompts word for word.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
}

/// The same with its clip.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct CreateCharacterForm {
    #[serde(flatten)]
    character: CreateCharacter,
    /// The clip.
    #[schema(value_type = String, format = Binary)]
    video: Vec<u8>,
}

/// A form with a file.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct FileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Where a picture is: exactly one of these.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ImageReference {
    /// A URL of the web, if the server fetches these, or a data URL.
    #[serde(default, deserialize_with = "lenient::text")]
    #[schema(max_length = 20971520)]
    pub image_url: Option<String>,
    /// The name of a file that was uploaded, which this server keeps none of.
    #[serde(default, deserialize_with = "lenient::text")]
    pub file_id: Option<String>,
}

/// A video of the server's.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct VideoReference {
    /// Its name.
    pub id: String,
}

/// A character of the server's.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CharacterReference {
    /// Its name for programs.
    pub id: String,
}

/// A still or a clip that is a part of the video: `image_url` or `video`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Known {
    /// A picture, as in `input_reference`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub image_url: Option<String>,
    /// A video of the server's that is completed.
    #[serde(default)]
    pub video: Option<VideoReference>,
    /// Where it begins, in seconds; or `end`: such that it ends with the video. At the beginning, if nothing is said.
    #[serde(default)]
    pub at: Option<Place>,
    /// How much of it is made anew, 0 (it stays as it is) to 1.
    #[serde(default)]
    pub strength: Option<f64>,
}

/// A file, or where it is.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only described")]
enum FileOrImage {
    #[schema(value_type = String, format = Binary)]
    File(Vec<u8>),
    Image(ImageReference),
}

/// A file, or the name of a video.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only described")]
enum FileOrVideo {
    #[schema(value_type = String, format = Binary)]
    File(Vec<u8>),
    Video(VideoReference),
}

/// What goes beyond OpenAI's fields in every request for a video, by the names that other servers use.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Extensions {
    /// The same seed gives the same video.
    #[serde(default, deserialize_with = "lenient::value")]
    pub seed: Option<u64>,
    /// Frames a second.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 0.01, maximum = 1000)]
    pub fps: Option<f64>,
    /// Length in frames, in place of `seconds`.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 1)]
    pub num_frames: Option<u64>,
    /// Steps from noise to video.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 1)]
    pub num_inference_steps: Option<u64>,
    /// How strongly to follow the prompt.
    #[serde(default, deserialize_with = "lenient::value")]
    pub guidance_scale: Option<f64>,
    /// What is not to be seen.
    #[serde(default, deserialize_with = "lenient::text")]
    #[schema(max_length = 32000)]
    pub negative_prompt: Option<String>,
    /// Pixels, with `height`, in place of `size`.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 1)]
    pub width: Option<u32>,
    /// Pixels, with `width`, in place of `size`.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 1)]
    pub height: Option<u32>,
    /// Whether the end leads into the beginning.
    #[serde(default, rename = "loop", deserialize_with = "lenient::value")]
    pub is_loop: Option<bool>,
    /// Refuse what cannot be made exactly as asked, and fields that are not known.
    #[serde(default, rename = "strict", deserialize_with = "lenient::value")]
    pub is_strict: Option<bool>,
}

impl Extensions {
    /// The size of `width` and `height`.
    ///
    /// # Errors
    /// One without the other, or no size.
    pub fn size(&self) -> Result<Option<Size>, Problem> {
        let invalid = |param: &str| {
            let expected =
                format!("expected 'width' and 'height' together, each from 1 to {}", Size::MAX_SIDE);
            Problem::value(param, expected)
        };
        match (self.width, self.height) {
            (None, None) => Ok(None),
            (Some(width), Some(height)) => Size::new(width, height).map(Some).ok_or_else(|| invalid("width")),
            (Some(_), None) => Err(invalid("height")),
            (None, Some(_)) => Err(invalid("width")),
        }
    }

    /// The rest, as the engine is told.
    ///
    /// # Errors
    /// A number that makes no sense for any model.
    pub fn extras(self, is_strict: bool) -> Result<Extras, Problem> {
        let Self {
            seed, fps, num_frames, num_inference_steps, guidance_scale, negative_prompt, is_loop, ..
        } = &self;
        let rates = media::Clip::FPS_RANGE;
        if fps.is_some_and(|fps| !rates.contains(&fps)) {
            return Err(Problem::value("fps", format!("expected {} to {}", rates.start(), rates.end())));
        }
        for (param, number) in [("num_frames", num_frames), ("num_inference_steps", num_inference_steps)] {
            if *number == Some(0) {
                return Err(Problem::value(param, "expected 1 or more"));
            }
        }
        if let Some(text) = negative_prompt {
            check_length("negative_prompt", text)?;
        }
        Ok(Extras {
            seed: *seed,
            fps: *fps,
            num_frames: *num_frames,
            num_inference_steps: *num_inference_steps,
            guidance_scale: *guidance_scale,
            negative_prompt: negative_prompt.clone(),
            is_loop: is_loop.unwrap_or(false),
            is_strict: is_strict || self.is_strict.unwrap_or(false),
        })
    }
}

/// Refuses a prompt that is empty or too long.
///
/// # Errors
/// Such a prompt.
pub fn check_prompt(prompt: &str) -> Result<(), Problem> {
    if prompt.trim().is_empty() {
        return Err(Problem::value("prompt", "expected some words that say what is seen"));
    }
    check_length("prompt", prompt)
}

fn check_length(param: &str, text: &str) -> Result<(), Problem> {
    match text.chars().count() {
        0..=MAX_PROMPT => Ok(()),
        count => {
            let message = format!("expected at most {MAX_PROMPT} characters, found {count}");
            Err(Problem::value(param, message).code("string_above_max_length"))
        }
    }
}

/// Refuses a part that is none.
///
/// # Errors
/// Less than 0, or more than 1.
pub fn check_strength(param: &str, strength: Option<f64>) -> Result<(), Problem> {
    match strength {
        Some(strength) if !(0.0..=1.0).contains(&strength) => Err(Problem::value(param, "expected 0 to 1")),
        _ => Ok(()),
    }
}
