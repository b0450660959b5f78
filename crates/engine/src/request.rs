//! What a user asks for.

use std::path::PathBuf;

use clap::Args;
use diffusion::Sampler;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Camera, Known, Precision, Size, Span, timeline::lossy as lossy_path};

/// A request for a video: the flags of `kinora generate`, the JSON of `--request`, and the record in the file.
///
/// Values that depend on the model are `None` until [`resolve`](Self::resolve) fills them in.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoRequest {
    /// What the video shows, in words
    #[arg(default_value_t = Self::default().prompt, hide_default_value = true)]
    pub prompt: String,

    /// Take the prompt word for word. Otherwise what it leaves open is filled in for models that are best with full
    /// descriptions, as the embedded one: sizes, ground, time of day, weather, camera
    #[arg(long, default_value_t = Self::default().as_written)]
    pub as_written: bool,

    /// What it should not show
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, default_value_t = Self::default().negative_prompt, hide_default_value = true)]
    pub negative_prompt: String,

    /// Chooses the noise that the video is made from: the same seed gives the same video
    #[arg(long, allow_hyphen_values = true, value_parser = whole::<u64>, default_value_t = Self::default().seed)]
    pub seed: u64,

    /// Steps from noise to video; more are slower and better [default: the model's own]
    #[arg(long = "steps", visible_alias = "num-inference-steps", value_name = "STEPS", allow_hyphen_values = true, value_parser = whole::<usize>)]
    pub num_inference_steps: Option<usize>,

    /// The noise at the start of each step, from at most 1 down, as models come with that were distilled to few steps; in
    /// place of a number of steps, and not shifted
    #[arg(
        long,
        value_name = "SIGMA,…",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "num_inference_steps"
    )]
    pub sigmas: Option<Vec<f64>>,

    /// How strongly to follow the prompt; 1 or less is no guidance, and twice as fast [default: the model's own]
    #[arg(long, value_name = "SCALE", allow_hyphen_values = true)]
    pub guidance_scale: Option<f64>,

    /// Width and height in pixels [default: the model's own]
    #[arg(long, value_name = "WxH", allow_hyphen_values = true)]
    pub size: Option<Size>,

    /// Length in seconds, rounded to what the model can make [default: the model's own]
    #[arg(long, allow_hyphen_values = true, conflicts_with = "num_frames")]
    pub seconds: Option<f64>,

    /// Length in frames, of those that the model can make; 1 makes an image [default: the model's own]
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true, value_parser = whole::<usize>)]
    pub num_frames: Option<usize>,

    /// Frames a second [default: the model's own]
    #[arg(long, allow_hyphen_values = true)]
    pub fps: Option<f64>,

    /// How to step from noise to video: unipc, euler, ddpm or ddim [default: the model's own]
    #[arg(long)]
    pub sampler: Option<Sampler>,

    /// Folder of a diffusers model [default: the embedded kinora-tiny]
    #[arg(long, value_name = "FOLDER")]
    #[serde(serialize_with = "lossy")]
    pub model: Option<PathBuf>,

    /// Which of the model's weights, where its folder has several: fp16 for `model.fp16.safetensors` [default: the plain
    /// ones, or the only ones]
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,

    /// Start from this noise and not from the seed's: a safetensors file with the tensor `noise`,
    /// [channels, frames, height, width] in latent space
    #[arg(long, value_name = "FILE")]
    #[serde(serialize_with = "lossy")]
    pub noise: Option<PathBuf>,

    /// How the camera moves: pan left, pan right, zoom in, zoom out, orbit left, orbit right or still; several one behind
    /// the other ('pan left; zoom in'), each with or without how far ('pan left 30' degrees, 'zoom in 1.5' times, which say how
    /// long they take) or its seconds ('pan left @0-1.5')
    #[arg(long, value_name = "MOVES")]
    pub camera: Option<Camera>,

    /// Make the end of the video lead into its beginning, so that it can be played over and over
    #[arg(long = "loop")]
    #[serde(rename = "loop")]
    pub is_loop: bool,

    /// Stills and clips that are a part of the video, or that it is made of, the last on top. By `--request` alone, and by
    /// the commands that begin from pictures.
    #[arg(skip)]
    pub known: Vec<Known>,

    /// What is seen when, where that is not one prompt for all of the video. By `--request` alone, and by `storyboard`.
    #[arg(skip)]
    pub spans: Vec<Span>,

    /// How exactly to compute [default: the model's own, bf16 for most]
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
}

/// A whole number of a flag. Values with a hyphen are taken as values, so that what is wrong with them can be said.
fn whole<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// A path as JSON can hold it: what is not UTF-8 is replaced.
fn lossy<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => lossy_path(path, serializer),
        None => serializer.serialize_none(),
    }
}
