//! The flags of `kinora train denoiser`, and kinora-tiny as their defaults.

use std::path::PathBuf;

use clap::Args;
use diffusion::{Sampler, SchedulerConfig};
use engine::{shown::Shown, track_code};
use models::wan::WanTransformer3dConfig;
use serde::{Deserialize, Serialize};

use super::emphasis::Emphasis;
use crate::{
    error::{Result, TrainError},
    number_format::NumberFormat,
    run_args::RunArgs,
    schedule::Ramp,
    setting,
    text::TextSize,
    timeline::TimelineArgs,
};

/// What to train, on what, and how.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenoiserArgs {
    /// Folder that `kinora train latents` made
    #[arg(long, default_value_os_t = Self::default().latents)]
    pub latents: PathBuf,
    /// Folder of the autoencoder that made them
    #[arg(long, default_value_os_t = Self::default().vae)]
    pub vae: PathBuf,
    /// Train on what there is of latents that are not whole
    #[arg(long)]
    #[serde(default)]
    pub allow_partial: bool,
    /// Heads of every attention of the transformer
    #[arg(long, default_value_t = Self::default().num_attention_heads)]
    pub num_attention_heads: usize,
    /// Features of a head
    #[arg(long, default_value_t = Self::default().attention_head_dim)]
    pub attention_head_dim: usize,
    /// Transformer blocks
    #[arg(long, default_value_t = Self::default().num_layers)]
    pub num_layers: usize,
    /// Hidden features of the transformer's feed-forward layers
    #[arg(long, default_value_t = Self::default().ffn_dim)]
    pub ffn_dim: usize,
    /// Side of the square of latents that makes a token
    #[arg(long, default_value_t = Self::default().latent_patch)]
    pub latent_patch: usize,
    /// Tell the transformer what the variance of the latents alone says of the velocity, in all channels but the first of
    /// this number: there it adds to that guess. 0 for a new model; as many as it has for one that grows new channels
    #[arg(long, value_name = "CHANNELS")]
    #[serde(default)]
    pub preconditioned_after: Option<usize>,
    /// Which channels of the latents of the first model (--init-from) the first ones of these latents are, if they are not
    /// the same ones: those that `kinora train vae --like-channels` was told
    #[arg(long, value_delimiter = ',', requires = "init_from")]
    #[serde(default)]
    pub init_channels: Vec<usize>,
    /// Tell each block of the transformer what is at the same place one frame before and one behind
    #[arg(long)]
    #[serde(default)]
    pub neighbours: bool,
    /// Add all of the text to the transformer's embedded timestep, so that every token hears it
    #[arg(long)]
    #[serde(default)]
    pub pooled_text: bool,
    /// Channels of convolutions that see the latents themselves and say of each what its token does not; 0 is none
    #[arg(long, default_value_t = Self::default().detail_channels)]
    #[serde(default)]
    pub detail_channels: usize,
    /// Show the transformer where things are, as `kinora train planner` learns to say; needs latents of the world
    #[arg(long)]
    #[serde(default)]
    pub tracks: bool,
    /// Folder of the planner that the exported model has, as `kinora train planner` made it
    #[arg(long, requires = "tracks")]
    #[serde(default)]
    pub planner: Option<PathBuf>,
    /// Show it where each drop of rain and flake of snow is, too
    #[arg(long, requires = "tracks")]
    #[serde(default)]
    pub weather: bool,
    /// Show it which side of a thing each latent of it shows, too, as if it were a ball
    #[arg(long, requires = "tracks")]
    #[serde(default)]
    pub sides: bool,
    /// How much more it counts what is shown where things are than elsewhere: most of a picture is ground and sky
    #[arg(long, default_value_t = Self::default().things_weight)]
    #[serde(default)]
    pub things_weight: f64,
    /// How much more that is the smaller things are: at 0 each latent of a thing counts alike, at 1 the things of each frame do, down to
    /// a hundredth of it
    #[arg(long, default_value_t = Self::default().things_evenness)]
    #[serde(default)]
    pub things_evenness: f64,
    /// How much, beside the error of latent frames, what that changes by from one to the next counts: half of its mean square,
    /// which is as much as the error's where each frame is wrong in a way of its own, as what trembles is, and nothing where all
    /// are wrong alike
    #[arg(long, default_value_t = Self::default().change_weight)]
    #[serde(default)]
    pub change_weight: f64,

    /// How much more it counts what is shown around things where it rains or snows: drops are thin and nobody can know where they are, so
    /// that they are the first to be left out
    #[arg(long, default_value_t = Self::default().weather_weight, requires = "tracks")]
    #[serde(default)]
    pub weather_weight: f64,
    /// Share of batches to which nothing of that is shown; what they learn is what a --teacher without tracks says, if there is one
    #[arg(long, default_value_t = Self::default().tracks_dropout)]
    #[serde(default)]
    pub tracks_dropout: f64,
    /// Share of clips, of those to which tracks are shown, whose caption says nothing of what things do: the tracks say it, also of what
    /// no clip of the data shows a kind of thing do
    #[arg(long, default_value_t = Self::default().eventless_share, requires = "tracks")]
    #[serde(default)]
    pub eventless_share: f64,
    /// Share of clips of which it is not shown how things are turned, only where they are; of half of the others it is not shown that of what is
    /// known
    #[arg(long, default_value_t = Self::default().pose_dropout)]
    #[serde(default)]
    pub pose_dropout: f64,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub text: TextSize,
    /// Leave the text encoder as it is, as `kinora train text` made it
    #[arg(long)]
    #[serde(default)]
    pub freeze_text_encoder: bool,
    /// Folder of a model whose velocities with its own guidance are learnt, to be without guidance what that one is with it;
    /// begin with its weights (--init-from), and export a --guidance-scale of 1. With --tracks, it says what is to be learnt where none are
    /// shown, and needs no guidance
    #[arg(long)]
    #[serde(default)]
    pub teacher: Option<PathBuf>,
    /// Folder that `kinora train samples` made: every batch is of them, and the model learns from what the judge said of each. Its
    /// --latents are evaluated on alone
    #[arg(long, requires = "reference")]
    #[serde(default)]
    pub judged: Option<PathBuf>,
    /// Folder of the model that made them, from which it goes on (with --init-from, too)
    #[arg(long, requires = "judged", conflicts_with = "teacher")]
    #[serde(default)]
    pub reference: Option<PathBuf>,
    /// How far from that model towards the samples that are better, and away from those that are worse; 1 is to where no others are
    /// made
    #[arg(long, default_value_t = Self::default().judged_strength)]
    #[serde(default = "as_far_as_samples_go")]
    pub judged_strength: f64,
    /// Clips of a batch
    #[arg(long, default_value_t = Self::default().batch_clips)]
    pub batch_clips: usize,
    /// Stills of a batch
    #[arg(long, default_value_t = Self::default().batch_stills)]
    pub batch_stills: usize,
    /// Share of batches that are stills, over the run
    #[arg(long, default_value_t = Self::default().still_share)]
    pub still_share: Ramp,
    /// Share of still batches that are first frames of clips
    #[arg(long, default_value_t = Self::default().first_frame_share)]
    pub first_frame_share: f64,
    /// Share of stills and clips that show more than one thing; as they are common if not given
    #[arg(long)]
    #[serde(default)]
    pub several_share: Option<f64>,
    /// Share of still batches that are squares around single things, over the run
    #[arg(long, default_value_t = Self::default().close_up_share)]
    pub close_up_share: Ramp,
    /// Squares of a batch
    #[arg(long, default_value_t = Self::default().batch_close_ups)]
    pub batch_close_ups: usize,
    /// Side of the squares, in latents
    #[arg(long, default_value_t = Self::default().close_up_side)]
    pub close_up_side: usize,
    /// Share of prompts that are dropped, for guidance
    #[arg(long, default_value_t = Self::default().prompt_dropout)]
    pub prompt_dropout: f64,
    /// Guidance that is learnt from the model itself, over the run: this share of how far what it says is from what it says without a
    /// prompt and without tracks is added to what it learns. With 0.5 it comes to say what a guidance of 2 would, with 0.67 one of 3. Whole
    /// batches have then neither prompts nor tracks, as many as --prompt-dropout says; export a --guidance-scale of 1
    #[arg(long, default_value_t = Self::default().own_guidance)]
    #[serde(default = "unguided")]
    pub own_guidance: Ramp,
    /// Weight of naming what each token shows, how it moves and how the camera does, over the run; needs latents of the world
    #[arg(long, default_value_t = Self::default().naming_weight)]
    #[serde(default = "unnamed")]
    pub naming_weight: Ramp,
    /// Held-out clips to evaluate on
    #[arg(long, default_value_t = Self::default().evaluate_clips)]
    pub evaluate_clips: usize,
    /// Clips on a sample sheet
    #[arg(long, default_value_t = Self::default().sample_clips)]
    pub sample_clips: usize,
    /// Steps of the sampler for sample sheets, which the exported model has as its own too
    #[arg(long, default_value_t = Self::default().sample_steps)]
    pub sample_steps: usize,
    /// Guidance for sample sheets, which the exported model has as its own too
    #[arg(long, default_value_t = Self::default().guidance_scale)]
    pub guidance_scale: f64,
    /// Shift of the sampler's schedule, which the exported scheduler has too
    #[arg(long, default_value_t = Self::default().flow_shift)]
    pub flow_shift: f64,
    /// Share of its noise that each preconditioned channel begins with in the exported model's clips, from 0 to 1
    #[arg(long, default_value_t = Self::default().fine_noise)]
    #[serde(default = "all_noise")]
    pub fine_noise: f64,
    /// Number format of the exported weights
    #[arg(long, default_value_t = Self::default().dtype)]
    pub dtype: NumberFormat,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    pub timeline: TimelineArgs,
    #[allow(missing_docs, reason = "flattened into the flags, which have their own")]
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunArgs,
}

impl Default for DenoiserArgs {
    fn default() -> Self {
        Self {
            latents: "kinora-latents".into(),
            vae: "kinora-run/vae".into(),
            allow_partial: false,
            num_attention_heads: 4,
            attention_head_dim: 64,
            num_layers: 8,
            ffn_dim: 1024,
            latent_patch: 2,
            preconditioned_after: None,
            init_channels: Vec::new(),
            neighbours: false,
            pooled_text: false,
            detail_channels: 0,
            tracks: false,
            planner: None,
            tracks_dropout: 0.1,
            pose_dropout: 0.1,
            eventless_share: 0.0,
            weather: false,
            sides: false,
            things_weight: 0.0,
            things_evenness: 0.0,
            change_weight: 0.0,
            weather_weight: 0.0,
            text: TextSize::default(),
            freeze_text_encoder: false,
            teacher: None,
            judged: None,
            reference: None,
            judged_strength: as_far_as_samples_go(),
            batch_clips: 8,
            batch_stills: 40,
            still_share: Ramp { start: 0.8, end: 0.2 },
            first_frame_share: 0.05,
            several_share: None,
            close_up_share: Ramp { start: 0.7, end: 0.2 },
            batch_close_ups: 96,
            close_up_side: 8,
            prompt_dropout: 0.1,
            own_guidance: unguided(),
            naming_weight: unnamed(),
            evaluate_clips: 16,
            sample_clips: 6,
            sample_steps: 20,
            guidance_scale: 4.0,
            flow_shift: 3.0,
            fine_noise: all_noise(),
            dtype: NumberFormat::Bf16,
            timeline: TimelineArgs::default(),
            run: RunArgs::default(),
        }
    }
}

/// What is worse is no more made at all, if it is learnt to the end.
fn as_far_as_samples_go() -> f64 {
    1.0
}

/// What runs without the flag had.
fn all_noise() -> f64 {
    1.0
}

/// What runs without the flag had.
fn unguided() -> Ramp {
    Ramp { start: 0.0, end: 0.0 }
}

/// What runs without the flag had.
fn unnamed() -> Ramp {
    Ramp { start: 0.0, end: 0.0 }
}

impl DenoiserArgs {
    /// Whether naming is a task at any time of the run.
    pub(super) fn names(&self) -> bool {
        self.naming_weight.start.max(self.naming_weight.end) > 0.0
    }

    /// Whether guidance is learnt at any time of the run.
    pub(super) fn guides(&self) -> bool {
        self.own_guidance.start.max(self.own_guidance.end) > 0.0
    }

    /// What counts more in the loss.
    pub(super) fn emphasis(&self) -> Emphasis {
        Emphasis { things: self.things_weight, evenness: self.things_evenness, weather: self.weather_weight }
    }

    /// What it is shown beside boxes and poses.
    pub fn shown(&self) -> Shown {
        Shown { weather: self.weather, sides: self.sides }
    }

    /// Whether no clip of which the tracks are shown has a caption that says what things do.
    pub(super) fn is_told_by_tracks_alone(&self) -> bool {
        self.eventless_share >= 1.0
    }

    /// Whether it must be known what each item shows.
    pub(super) fn needs_truth(&self) -> bool {
        self.names() || self.tracks
    }

    /// The transformer's configuration for latents of so many channels, of frames of which one latent has `factor`.
    pub fn transformer(&self, channels: usize, factor: usize) -> WanTransformer3dConfig {
        let shown_channels = if self.tracks { self.shown().planes(track_code(factor)) } else { 0 };
        WanTransformer3dConfig {
            patch_size: [1, self.latent_patch, self.latent_patch],
            num_attention_heads: self.num_attention_heads,
            attention_head_dim: self.attention_head_dim,
            in_channels: channels + shown_channels,
            shown_channels,
            out_channels: channels,
            text_dim: self.text.text_dim,
            ffn_dim: self.ffn_dim,
            num_layers: self.num_layers,
            neighbours: self.neighbours,
            pooled_text: self.pooled_text,
            detail_channels: self.detail_channels,
            ..WanTransformer3dConfig::default()
        }
    }

    /// Checks what the models' own checks do not see, and what is asked of the exported model when it is loaded.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        setting::share("--first-frame-share", self.first_frame_share)?;
        if self.freeze_text_encoder && !self.run.has_weights() {
            return Err(TrainError::Setting {
                flag: "--freeze-text-encoder",
                expected: "an encoder to keep: --init-from a run of `kinora train text`".into(),
                found: "given without --init-from".into(),
            });
        }
        if self.judged.is_some() {
            let expected = "the model that made the samples to begin with: --init-from";
            setting::require("--judged", expected, "given without --init-from", self.run.has_weights())?;
            let expected = "0 with --judged: no truth is known of samples";
            setting::require("--naming-weight", expected, self.naming_weight, !self.names())?;
            let expected = "left out with --judged: nothing is known of where things are in samples";
            setting::require("--tracks", expected, "given", !self.tracks)?;
        }
        setting::share("--several-share", self.several_share.unwrap_or(0.0))?;
        setting::share("--prompt-dropout", self.prompt_dropout)?;
        setting::share("--tracks-dropout", self.tracks_dropout)?;
        setting::share("--pose-dropout", self.pose_dropout)?;
        setting::share("--eventless-share", self.eventless_share)?;
        setting::not_negative("--things-weight", self.things_weight)?;
        setting::share("--things-evenness", self.things_evenness)?;
        setting::not_negative("--weather-weight", self.weather_weight)?;
        setting::not_negative("--change-weight", self.change_weight)?;
        let is_used = self.things_evenness == 0.0 || self.things_weight > 0.0;
        setting::require("--things-evenness", "a --things-weight", "none", is_used)?;
        let most = self.own_guidance.start.max(self.own_guidance.end);
        setting::require(
            "--own-guidance",
            "less than 1: guidance without end",
            self.own_guidance,
            most < 1.0,
        )?;
        let free = !self.guides() || (self.judged.is_none() && (self.teacher.is_none() || self.tracks));
        let expected =
            "left out with --judged, and with a --teacher unless it is for what is shown no --tracks";
        setting::require("--own-guidance", expected, self.own_guidance, free)?;
        let asks = !self.guides() || self.prompt_dropout > 0.0;
        let expected = "more than 0 with --own-guidance: it is away from what is said without a prompt";
        setting::require("--prompt-dropout", expected, self.prompt_dropout, asks)?;
        self.timeline.check()?;
        for (flag, count) in [
            ("--batch-clips", self.batch_clips),
            ("--batch-stills", self.batch_stills),
            ("--batch-close-ups", self.batch_close_ups),
            ("--sample-clips", self.sample_clips),
            ("--evaluate-clips", self.evaluate_clips),
        ] {
            setting::count(flag, count as u64)?;
        }
        let (side, patch) = (self.close_up_side, self.latent_patch.max(1));
        let fits = side > 0 && side.is_multiple_of(patch);
        setting::require("--close-up-side", "a multiple of --latent-patch", side, fits)?;
        setting::not_negative("--guidance-scale", self.guidance_scale)?;
        setting::share("--fine-noise", self.fine_noise)?;
        setting::positive("--judged-strength", self.judged_strength)?;
        self.check_schedule()?;
        self.text.check()
    }

    /// The exported sampler, by which sheets are made too.
    fn check_schedule(&self) -> Result<()> {
        let (steps, shift) = (self.sample_steps, self.flow_shift);
        match self.scheduler().schedule(steps) {
            Ok(_) => Ok(()),
            Err(diffusion::Error::NumSteps { max, .. }) => {
                setting::require("--sample-steps", format!("1 to {max}"), steps, false)
            }
            Err(error) => {
                let expected = format!("a shift that the sampler can have ({error})");
                setting::require("--flow-shift", expected, shift, false)
            }
        }
    }

    /// The exported sampler.
    pub(super) fn scheduler(&self) -> SchedulerConfig {
        SchedulerConfig::new(Sampler::UniPc, self.flow_shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_exported_model_would_be_refused_for_is_refused_now() {
        let default = DenoiserArgs::default();
        default.check().unwrap();
        let timeline = default.timeline;
        let mut refused: Vec<(DenoiserArgs, &str)> = Vec::new();
        for scale in [f64::NAN, f64::INFINITY, -1.0, 1e39] {
            refused.push((DenoiserArgs { guidance_scale: scale, ..default.clone() }, "--guidance-scale"));
        }
        for shift in [0.0, -3.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
            refused.push((DenoiserArgs { flow_shift: shift, ..default.clone() }, "--flow-shift"));
        }
        for steps in [0, 1001, 2000, usize::MAX] {
            refused.push((DenoiserArgs { sample_steps: steps, ..default.clone() }, "--sample-steps"));
        }
        for timestep_shift in [0.0, -3.0, f64::NAN] {
            let timeline = TimelineArgs { timestep_shift, ..timeline };
            refused.push((DenoiserArgs { timeline, ..default.clone() }, "--timestep-shift"));
        }
        for logit_std in [-1.0, f64::INFINITY] {
            let timeline = TimelineArgs { logit_std, ..timeline };
            refused.push((DenoiserArgs { timeline, ..default.clone() }, "--logit-std"));
        }
        let length = TextSize { max_sequence_length: 513, ..TextSize::default() };
        refused.push((DenoiserArgs { text: length, ..default }, "--max-sequence-length"));
        for (args, flag) in refused {
            let message = args.check().unwrap_err().to_string();
            assert!(message.starts_with(flag), "{message}");
        }
    }
}
