//! What a user asks for.

use std::path::PathBuf;

use clap::Args;
use diffusion::Sampler;
use serde::{Deserialize, Serialize};

use crate::{Precision, Size};

/// A request for a video: the flags of `kinora generate`, the JSON of `--request`, and the record in the file.
///
/// Values that depend on the model are `None` until [`resolve`](Self::resolve) fills them in.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[arg(long, value_name = "TEXT", default_value_t = Self::default().negative_prompt, hide_default_value = true)]
    pub negative_prompt: String,

    /// Chooses the noise that the video is made from: the same seed gives the same video
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,

    /// Steps from noise to video; more are slower and better
    #[arg(long = "steps", visible_alias = "num-inference-steps", value_name = "STEPS", default_value_t = Self::default().num_inference_steps)]
    pub num_inference_steps: usize,

    /// How strongly to follow the prompt; 1 is no guidance, and twice as fast [default: the model's own]
    #[arg(long, value_name = "SCALE", allow_negative_numbers = true)]
    pub guidance_scale: Option<f64>,

    /// Width and height in pixels [default: the model's own]
    #[arg(long, value_name = "WxH")]
    pub size: Option<Size>,

    /// Length in seconds, rounded to what the model can make [default: the model's own]
    #[arg(long, allow_negative_numbers = true, conflicts_with = "num_frames")]
    pub seconds: Option<f64>,

    /// Length in frames, 1 more than a multiple of 4; 1 makes an image [default: the model's own]
    #[arg(long, value_name = "FRAMES")]
    pub num_frames: Option<usize>,

    /// Frames a second [default: the model's own]
    #[arg(long, allow_negative_numbers = true)]
    pub fps: Option<f64>,

    /// How to step from noise to video: unipc, euler, ddpm or ddim [default: the model's own]
    #[arg(long)]
    pub sampler: Option<Sampler>,

    /// Folder of a diffusers model [default: the embedded kinora-tiny]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,

    /// Start from this noise and not from the seed's: a safetensors file with the tensor `noise`,
    /// [channels, frames, height, width] in latent space
    #[arg(long, value_name = "FILE")]
    pub noise: Option<PathBuf>,

    /// How exactly to compute
    #[arg(long, value_enum, default_value_t = Self::default().precision)]
    pub precision: Precision,
}

impl Default for VideoRequest {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            as_written: false,
            negative_prompt: String::new(),
            seed: 0,
            num_inference_steps: 30,
            guidance_scale: None,
            size: None,
            seconds: None,
            num_frames: None,
            fps: None,
            sampler: None,
            model: None,
            noise: None,
            precision: Precision::Bf16,
        }
    }
}
