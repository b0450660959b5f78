//! From a request to a checked plan: every rule that joins fields of the request with the model is here.

use std::{path::Path, sync::Arc};

use diffusion::{NUM_TRAIN_TIMESTEPS, Sampler, Schedule, Spacing, Timeline, is_guided};
use media::{Clip, ClipShape};

use crate::{
    Error, MemoryPlan, ModelInfo, Prompts, Result, Size, VideoRequest, Warning,
    memory::Activations,
    model::{GUIDANCE, is_guidance},
    text,
};

/// A request that can be served: nothing is left open, and everything fits the model.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The request with every value filled in that depends on the model (lengths as `num_frames`).
    pub request: VideoRequest,
    /// What the model reads: the request's prompt, cleaned as diffusers does, with what it left open filled in.
    pub prompt: String,
    /// What it reads of the negative prompt: cleaned too.
    pub negative_prompt: String,
    /// Pixels.
    pub size: Size,
    /// Frames.
    pub num_frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// The sampler.
    pub sampler: Sampler,
    /// Its noise levels.
    pub schedule: Schedule,
    /// `[channels, frames, height, width]` of the latents.
    pub latent_shape: [usize; 4],
    /// Tokens of the denoiser along time, height and width.
    pub token_grid: [usize; 3],
    /// Which latent frames are known, and which are to be made.
    pub timeline: Timeline,
    /// How strongly to follow the prompt; 1 or less is no guidance.
    pub guidance_scale: f64,
    /// About how much memory it takes.
    pub memory: MemoryPlan,
    /// What the request may expect and will not get; see [`Pipeline::plan`](crate::Pipeline::plan).
    pub warnings: Vec<Warning>,
    /// The model that it is for.
    pub(crate) model: Arc<ModelInfo>,
    pub(crate) activations: Activations,
}

impl VideoRequest {
    /// Checks the request against a model and fills in what it left open.
    ///
    /// # Errors
    /// [`Error::Request`] for the first field that cannot be served, with what would be.
    pub fn resolve(&self, info: &Arc<ModelInfo>) -> Result<Plan> {
        for (field, prompt) in [("prompt", &self.prompt), ("negative_prompt", &self.negative_prompt)] {
            if prompt.chars().count() > LONGEST_PROMPT {
                let found = format!("{} characters", prompt.chars().count());
                return Err(Error::request(field, format!("at most {LONGEST_PROMPT} characters"), found));
            }
        }
        let [prompt, negative_prompt] =
            [&self.prompt, &self.negative_prompt].map(|prompt| text::clean(prompt));
        if prompt.is_empty() {
            return Err(Error::request("prompt", "some words that say what the video shows", "nothing"));
        }
        let guidance_scale = self.guidance_scale.unwrap_or(info.native.guidance_scale);
        if !is_guidance(guidance_scale) {
            return Err(Error::request("guidance_scale", GUIDANCE, guidance_scale));
        }
        if self.variant.is_some() && self.model.is_none() {
            let expected = "a model folder beside it (--model): the embedded model has no variants";
            return Err(Error::request("variant", expected, "none"));
        }
        let size = self.resolve_size(info)?;
        let fps = self.fps.unwrap_or(info.native.fps);
        if !Clip::FPS_RANGE.contains(&fps) {
            let expected = format!("{} to {}", Clip::FPS_RANGE.start(), Clip::FPS_RANGE.end());
            return Err(Error::request("fps", expected, fps));
        }
        let num_frames = self.resolve_num_frames(info, fps)?;
        Self::check_file(size, num_frames)?;
        let latents = info.autoencoder.latent_size([num_frames, size.height, size.width])?;
        let (sampler, schedule) = self.resolve_schedule(info)?;
        let token_grid = info.denoiser().token_grid(latents).map_err(|_| {
            let most = info.most_pixels_and_frames();
            let expected =
                format!("at most {} and {} frames, as far as the model's positions reach", most.0, most.1);
            Error::request("size and num_frames", expected, format!("{num_frames} frames of {size}"))
        })?;
        let [frames, height, width] = latents;
        let guided = is_guided(guidance_scale);
        let activations = Activations::of(self.precision, size, token_grid, guided, info);
        Ok(Plan {
            request: Self {
                size: Some(size),
                num_frames: Some(num_frames),
                seconds: None,
                fps: Some(fps),
                num_inference_steps: Some(schedule.num_steps()),
                guidance_scale: Some(guidance_scale),
                sampler: Some(sampler),
                ..self.clone()
            },
            prompt: self.expand_prompt(prompt, info, num_frames),
            negative_prompt,
            size,
            num_frames,
            fps,
            sampler,
            schedule,
            latent_shape: [info.autoencoder.z_dim(), frames, height, width],
            token_grid,
            guidance_scale,
            timeline: Timeline::shared(frames, NUM_TRAIN_TIMESTEPS as f64),
            memory: MemoryPlan::new(self.precision, &activations, info),
            warnings: Vec::new(),
            model: info.clone(),
            activations,
        })
    }

    /// The prompt, cleaned already, with what it leaves open filled in.
    fn expand_prompt(&self, prompt: String, info: &ModelInfo, num_frames: usize) -> String {
        match info.native.prompts {
            Prompts::World if !self.as_written => world::expand_prompt(&prompt, num_frames, self.seed),
            _ => prompt,
        }
    }

    fn resolve_size(&self, info: &ModelInfo) -> Result<Size> {
        let size = self.size.unwrap_or(info.native.size);
        let multiple = info.size_multiple();
        let fits = |side: usize, multiple: usize| side > 0 && side.is_multiple_of(multiple);
        if fits(size.width, multiple.width) && fits(size.height, multiple.height) {
            return Ok(size);
        }
        let nearest = |side: usize, multiple: usize| ((side + multiple / 2) / multiple).max(1) * multiple;
        let nearest = Size {
            width: nearest(size.width, multiple.width),
            height: nearest(size.height, multiple.height),
        };
        let expected = format!(
            "a width that is a multiple of {} and a height that is one of {} (such as {nearest})",
            multiple.width, multiple.height
        );
        Err(Error::request("size", expected, size))
    }

    /// A length in frames must be possible as it stands; one in seconds is rounded to the nearest that is.
    fn resolve_num_frames(&self, info: &ModelInfo, fps: f64) -> Result<usize> {
        let (fewest, step) = (info.fewest_frames(), info.frames_step());
        match (self.num_frames, self.seconds) {
            (Some(_), Some(_)) => Err(Error::request("seconds", "either seconds or num_frames", "both")),
            (Some(frames), None) if frames < fewest => {
                let image =
                    if fewest == 1 { " (1 makes an image)" } else { ", as the model's patches ask for" };
                Err(Error::request("num_frames", format!("at least {fewest}{image}"), frames))
            }
            (Some(frames), None) if (frames - fewest).is_multiple_of(step) => Ok(frames),
            (Some(frames), None) => {
                let below = (frames - fewest) / step * step + fewest;
                let expected = format!(
                    "{fewest} more than a multiple of {step} (the nearest are {below} and {})",
                    below.saturating_add(step)
                );
                Err(Error::request("num_frames", expected, frames))
            }
            (None, Some(seconds)) if !(seconds > 0.0 && seconds.is_finite()) => {
                Err(Error::request("seconds", "more than 0", seconds))
            }
            (None, Some(seconds)) => {
                let steps = ((seconds * fps - fewest as f64) / step as f64).round().max(0.0);
                // Saturates; the check of the memory refuses what is left of such a number.
                Ok((steps as usize).saturating_mul(step).saturating_add(fewest))
            }
            (None, None) => Ok(info.native.num_frames),
        }
    }

    /// A clip that is too large to be read again is refused on every machine alike; [`Plan::check_memory`] asks this
    /// one.
    fn check_file(size: Size, num_frames: usize) -> Result<()> {
        if ClipShape::bytes(size.width, size.height, num_frames).is_some() {
            return Ok(());
        }
        Err(Error::request(
            "size and num_frames",
            format!("at most {} pixels in all frames together", Clip::MAX_BYTES / 3),
            format!("{num_frames} frames of {size}"),
        ))
    }

    fn resolve_schedule(&self, info: &ModelInfo) -> Result<(Sampler, Schedule)> {
        let own = info.scheduler.sampler()?;
        let sampler = self.sampler.unwrap_or(own);
        let is_flow = |sampler| matches!(sampler, Sampler::Euler | Sampler::UniPc);
        if is_flow(sampler) != is_flow(own) {
            let possible = Sampler::ALL.into_iter().filter(|&other| is_flow(other) == is_flow(own));
            let possible = possible.map(Sampler::name).collect::<Vec<_>>().join(" or ");
            let expected = format!("{possible}, as the model was trained for");
            return Err(Error::request("sampler", expected, sampler));
        }
        let shift = info.scheduler.shift()?;
        let num_steps = self.num_inference_steps.unwrap_or(info.native.num_inference_steps);
        let (steps, schedule) = match &self.sigmas {
            Some(_) if !is_flow(sampler) => {
                let expected =
                    "none: this model was not trained as a rectified flow, whose noise levels they are";
                return Err(Error::request("sigmas", expected, "some"));
            }
            Some(sigmas) => (sigmas.len(), Spacing::Sigmas(sigmas.clone()).schedule()),
            None if sampler == own => (num_steps, info.scheduler.schedule(num_steps)),
            None => (num_steps, Spacing::of(sampler, num_steps, shift).schedule()),
        };
        match schedule {
            Ok(schedule) => Ok((sampler, schedule)),
            Err(diffusion::Error::NumSteps { max, .. }) => {
                Err(Error::request("num_inference_steps", format!("1 to {max}"), steps))
            }
            Err(diffusion::Error::Sigmas { index, found }) => {
                let expected = "one or more numbers that fall, each more than 0 and at most 1";
                let found =
                    if found.is_nan() { "none".into() } else { format!("{found} at place {}", index + 1) };
                Err(Error::request("sigmas", expected, found))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// As in other video services; the model reads far fewer words.
const LONGEST_PROMPT: usize = 32_000;

impl Plan {
    /// Whether the model answers to the negative prompt too.
    pub fn guided(&self) -> bool {
        is_guided(self.guidance_scale)
    }

    /// Size, length and rate of the video.
    pub fn shape(&self) -> ClipShape {
        let Size { width, height } = self.size;
        ClipShape { width, height, num_frames: self.num_frames, fps: self.fps }
    }

    /// The request as it is written into files: complete, with no more of a path than its last name.
    pub(crate) fn record(&self) -> VideoRequest {
        let last = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).into();
        VideoRequest {
            model: self.request.model.as_deref().map(last),
            noise: self.request.noise.as_deref().map(last),
            ..self.request.clone()
        }
    }
}
