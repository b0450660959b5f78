//! The flags of `kinora train planner`.

use std::path::PathBuf;

use clap::Args;
use engine::track_code;
use models::{tracks::TrackCode, wan::WanTransformer3dConfig};
use serde::{Deserialize, Serialize};

use crate::{error::Result, run_args::RunArgs, setting, timeline::TimelineArgs};

/// What to train, on what, and how.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannerArgs {
    /// Folder of the text encoder of the model that it plans for
    #[arg(long, default_value_os_t = Self::default().text_encoder)]
    pub text_encoder: PathBuf,
    /// The number of tokens that every prompt is cut or padded to
    #[arg(long, default_value_t = Self::default().max_sequence_length)]
    pub max_sequence_length: usize,
    /// Frames of each latent frame but the first, as the model's autoencoder has them
    #[arg(long, default_value_t = Self::default().factor)]
    pub factor: usize,
    /// Heads of every attention
    #[arg(long, default_value_t = Self::default().num_attention_heads)]
    pub num_attention_heads: usize,
    /// Features of a head
    #[arg(long, default_value_t = Self::default().attention_head_dim)]
    pub attention_head_dim: usize,
    /// Transformer blocks
    #[arg(long, default_value_t = Self::default().num_layers)]
    pub num_layers: usize,
    /// Hidden features of the feed-forward layers
    #[arg(long, default_value_t = Self::default().ffn_dim)]
    pub ffn_dim: usize,
    /// Scenes of a batch, each a new one
    #[arg(long, default_value_t = Self::default().batch_scenes)]
    pub batch_scenes: usize,
    /// Share of prompts that leave nothing out, as `kinora generate` makes them
    #[arg(long, default_value_t = Self::default().dense_share)]
    pub dense_share: f64,
    /// Share of scenes whose camera stands still whatever they had it do: the engine moves it over what is drawn
    #[arg(long, default_value_t = Self::default().still_camera_share)]
    pub still_camera_share: f64,
    /// Share of scenes in which one event follows another or a thing stands on another: what is hardest to plan, and rare where scenes are
    /// drawn as they come
    #[arg(long, default_value_t = Self::default().rare_share)]
    #[serde(default)]
    pub rare_share: f64,
    /// Share of scenes of twice the length, of which a window is planned whose beginning is known and whose prompt says what happens
    /// behind that: what extends a clip, and the spans of a storyboard
    #[arg(long, default_value_t = Self::default().going_on_share)]
    #[serde(default)]
    pub going_on_share: f64,
    /// Share of scenes without a prompt, for a planner to guide itself by what it draws then
    #[arg(long, default_value_t = Self::default().prompt_dropout)]
    #[serde(default)]
    pub prompt_dropout: f64,
    /// Scenes of held-out combinations to evaluate on
    #[arg(long, default_value_t = Self::default().evaluate_scenes)]
    pub evaluate_scenes: usize,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub timeline: TimelineArgs,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for PlannerArgs {
    fn default() -> Self {
        Self {
            text_encoder: "weights/kinora-tiny/text_encoder".into(),
            max_sequence_length: 48,
            factor: 2,
            num_attention_heads: 4,
            attention_head_dim: 48,
            num_layers: 6,
            ffn_dim: 512,
            batch_scenes: 128,
            dense_share: 0.6,
            still_camera_share: 0.8,
            rare_share: 0.0,
            going_on_share: 0.0,
            prompt_dropout: 0.1,
            evaluate_scenes: 256,
            timeline: TimelineArgs { timestep_shift: 1.5, ..TimelineArgs::default() },
            run: RunArgs::default(),
        }
    }
}

impl PlannerArgs {
    /// Checks what the model's own checks do not see.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        setting::share("--dense-share", self.dense_share)?;
        setting::share("--still-camera-share", self.still_camera_share)?;
        setting::share("--rare-share", self.rare_share)?;
        setting::share("--going-on-share", self.going_on_share)?;
        setting::share("--prompt-dropout", self.prompt_dropout)?;
        setting::positive("--prompt-dropout", self.prompt_dropout)?;
        self.timeline.check()?;
        let frames = world::ClipSpec::default().num_frames - 1;
        let divides = self.factor > 0 && frames.is_multiple_of(self.factor);
        setting::require("--factor", format!("a divisor of {frames}"), self.factor, divides)?;
        for (flag, count) in [
            ("--batch-scenes", self.batch_scenes),
            ("--evaluate-scenes", self.evaluate_scenes),
            ("--max-sequence-length", self.max_sequence_length),
        ] {
            setting::count(flag, count as u64)?;
        }
        Ok(())
    }

    /// The numbers that it draws.
    pub fn code(&self) -> TrackCode {
        track_code(self.factor)
    }

    /// Latent frames of a clip.
    pub fn latent_frames(&self) -> usize {
        1 + (world::ClipSpec::default().num_frames - 1) / self.factor
    }

    /// The transformer's configuration: a token is a thing in a latent frame, and beside what is drawn it is shown the shape of
    /// the picture.
    pub fn transformer(&self, text_dim: usize) -> WanTransformer3dConfig {
        let channels = self.code().channels();
        WanTransformer3dConfig {
            patch_size: [1; 3],
            num_attention_heads: self.num_attention_heads,
            attention_head_dim: self.attention_head_dim,
            in_channels: channels + 1,
            out_channels: channels,
            shown_channels: 1,
            text_dim,
            ffn_dim: self.ffn_dim,
            num_layers: self.num_layers,
            neighbours: true,
            pooled_text: true,
            ..WanTransformer3dConfig::default()
        }
    }
}
