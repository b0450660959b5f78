//! From a request to a checked plan: every rule that joins fields of the request with the model is here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use diffusion::{Sampler, Schedule, Spacing, is_guided};
use media::{Clip, ClipShape, Fit};
use models::family::AutoencoderConfig;
use serde_json::{Value, json};

use crate::{
    At, Camera, Error, Known, MemoryPlan, ModelInfo, Precision, Prompts, Region, Result, Size, Span,
    VideoRequest, Warning,
    memory::Activations,
    model::{GUIDANCE, is_guidance},
    reading::{self, Reading},
    text,
    timeline::{Layout, Lens, Placed, Window, frames_in, scenes, size_of},
};

/// A request that can be served: nothing is left open, and everything fits the model.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The request with every value filled in that depends on the model (lengths as `num_frames`).
    pub request: VideoRequest,
    /// What the video is to show: the request's prompt, cleaned as diffusers does, with what it left open filled in. The first
    /// of them, if there are several.
    pub prompt: String,
    /// The same for each of the scenes.
    pub prompts: Vec<String>,
    /// What the model reads of them, in the order of time: something else for each, or for parts of one.
    pub readings: Vec<Reading>,
    /// The scenes that these are of, as they were asked for.
    pub scenes: Vec<Span>,
    /// What the model reads of the negative prompt: cleaned too.
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
    /// `[channels, frames, height, width]` of the latents that are made at once, at most.
    pub latent_shape: [usize; 4],
    /// The autoencoder in the form that it is made with.
    pub(crate) autoencoder: AutoencoderConfig,
    /// Tokens of the denoiser along time, height and width, at most.
    pub token_grid: [usize; 3],
    /// How strongly to follow the prompt; 1 or less is no guidance.
    pub guidance_scale: f64,
    /// How exactly to compute.
    pub precision: Precision,
    /// About how much memory it takes.
    pub memory: MemoryPlan,
    /// What the request may expect and will not get; see [`Pipeline::plan`](crate::Pipeline::plan).
    pub warnings: Vec<Warning>,
    /// The model that it is for.
    pub(crate) model: Arc<ModelInfo>,
    pub(crate) activations: Activations,
    /// Which frames are known, and in which windows the others are made.
    pub(crate) layout: Layout,
    /// How the camera is moved over what the model draws, if it is.
    pub(crate) lens: Option<Lens>,
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
        self.check_spans()?;
        let negative_prompt = text::clean(&self.negative_prompt);
        let said = self.spans.iter().map(|span| &span.prompt);
        let mut said = said.chain(self.spans.is_empty().then_some(&self.prompt));
        if said.any(|prompt| text::clean(prompt).is_empty()) {
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
        let fps = self.fps.unwrap_or(info.native.fps);
        if !Clip::FPS_RANGE.contains(&fps) {
            let expected = format!("{} to {}", Clip::FPS_RANGE.start(), Clip::FPS_RANGE.end());
            return Err(Error::request("fps", expected, fps));
        }
        let placed = self.place_known(fps)?;
        let size = self.resolve_size(info, placed.first().map(|placed| placed.shape))?;
        let num_frames = self.resolve_num_frames(info, fps, &placed)?;
        Self::check_file(size, num_frames)?;
        let seconds = num_frames as f64 / fps;
        self.check_known(size, seconds)?;
        self.check_camera(info, seconds)?;
        self.check_times(seconds)?;
        let scenes = scenes(self, seconds);
        let is_moved = info.native.prompts == Prompts::World && num_frames > 1;
        let lens = if is_moved { Lens::of(self, &scenes, seconds) } else { None };
        let drawn: Vec<Span> = scenes
            .iter()
            .map(|scene| lens.as_ref().map_or_else(|| scene.clone(), |lens| lens.drawn(scene)))
            .collect();
        let prompts: Vec<String> = drawn.iter().map(|scene| text::clean(&scene.prompt)).collect();
        let readings = self.readings((&drawn, &prompts), info, (num_frames, fps));
        let layout = Layout::new(self, &placed, num_frames, fps, &cuts(&readings, fps), info)?;
        self.check_ability(info, &layout)?;
        if self.noise.is_some() && layout.windows.len() > 1 {
            let found = format!("some, and {} windows", layout.windows.len());
            return Err(Error::request("noise", "none for a video that is made in several windows", found));
        }
        let longest = layout.windows.iter().map(|window| window.latent_frames).max().unwrap_or(1);
        let autoencoder = info.autoencoder_for(size);
        let [_, height, width] = autoencoder.latent_size([1, size.height, size.width])?;
        let latents = [longest, height, width];
        let (sampler, schedule) = self.resolve_schedule(info)?;
        let token_grid = info.denoiser().token_grid(latents).map_err(|_| {
            let most = info.most_pixels_and_frames();
            let expected =
                format!("at most {} and {} frames, as far as the model's positions reach", most.0, most.1);
            Error::request("size and num_frames", expected, format!("{num_frames} frames of {size}"))
        })?;
        let [frames, height, width] = latents;
        let guided = is_guided(guidance_scale);
        let precision = self.precision.unwrap_or(info.default_precision());
        let activations = Activations::of(precision, size, token_grid, guided, info);
        let prompts = self.expand_prompts(prompts, info, num_frames);
        Ok(Plan {
            request: Self {
                size: Some(size),
                num_frames: Some(num_frames),
                seconds: None,
                fps: Some(fps),
                num_inference_steps: Some(schedule.num_steps()),
                guidance_scale: Some(guidance_scale),
                sampler: Some(sampler),
                precision: Some(precision),
                ..self.clone()
            },
            prompt: prompts[0].clone(),
            prompts,
            readings,
            scenes,
            negative_prompt,
            size,
            num_frames,
            fps,
            sampler,
            schedule,
            latent_shape: [info.autoencoder.z_dim(), frames, height, width],
            autoencoder,
            token_grid,
            guidance_scale,
            precision,
            memory: MemoryPlan::new(precision, &activations, info, layout.pictures(size)),
            warnings: Vec::new(),
            model: info.clone(),
            activations,
            layout,
            lens,
        })
    }

    /// What is known, and which of its frames the video has at this rate.
    fn place_known(&self, fps: f64) -> Result<Vec<Placed>> {
        let place = |known: &Known| Placed::of(known, known.shape()?, fps);
        self.known.iter().map(place).collect()
    }

    /// What can be said of numbers by themselves.
    fn check_known(&self, size: Size, seconds: f64) -> Result<()> {
        for known in &self.known {
            let Known { strength, at, .. } = known;
            if !(0.0..=1.0).contains(strength) {
                return Err(Error::request("strength", "0 (as it is) to 1 (all anew)", strength));
            }
            if known.motion_only && known.stays() {
                let expected = "more than 0 where only the motion counts: what it shows is made anew";
                return Err(Error::request("strength", expected, strength));
            }
            if let At::Seconds(seconds) = at
                && !(*seconds >= 0.0 && seconds.is_finite())
            {
                return Err(Error::request("known", "a time of 0 seconds or more, or \"end\"", seconds));
            }
            for region in &known.regions {
                let numbers = [region.x, region.y, region.width, region.height, region.from];
                let inside = |[x, y]: [f64; 2]| {
                    x >= 0.0
                        && y >= 0.0
                        && x + region.width <= size.width as f64
                        && y + region.height <= size.height as f64
                };
                let is_whole = numbers.iter().all(|number| number.is_finite())
                    && region.width >= 1.0
                    && region.height >= 1.0
                    && (0.0..seconds).contains(&region.from)
                    && region.to.is_none_or(|to| to > region.from)
                    && inside([region.x, region.y])
                    && region.moves_to.is_none_or(inside);
                if !is_whole {
                    let expected = format!(
                        "a rectangle of some pixels within {size}, the video's size, and times that rise within its {seconds:.3} \
                         seconds"
                    );
                    let Region { x, y, width, height, from, to, .. } = region;
                    let to = to.map_or_else(|| "the end".to_owned(), |to| to.to_string());
                    let found = format!("{width}x{height} at {x},{y} from {from} to {to}");
                    return Err(Error::request("region", expected, found));
                }
            }
        }
        Ok(())
    }

    /// How far the camera comes in a second is known of the world that the embedded model has learnt.
    fn check_camera(&self, info: &ModelInfo, seconds: f64) -> Result<()> {
        let least = self.camera.as_ref().map_or(0.0, Camera::least_seconds);
        if least > 0.0 && info.native.prompts != Prompts::World {
            let expected =
                "moves without how far they go: of this model it is not known how fast its camera moves";
            return Err(Error::request("camera", expected, "some that say it"));
        }
        // Lengths are rounded to what a model can make.
        const ROUNDED: f64 = 0.5;
        if least > seconds + ROUNDED {
            let expected = format!("moves within {seconds:.1} seconds (or --seconds {least:.1})");
            return Err(Error::request(
                "camera",
                expected,
                format!("{least:.1} seconds, to come as far as they say"),
            ));
        }
        Ok(())
    }

    /// Whether all that has its time has some of it within the video.
    fn check_times(&self, seconds: f64) -> Result<()> {
        let span = self.spans.last().map(|span| ("spans", span.from));
        let camera = self.camera.as_ref().map(|camera| ("camera", camera.last_start()));
        match [span, camera].into_iter().flatten().find(|(_, from)| *from > 0.0 && *from >= seconds) {
            Some((field, from)) => {
                let expected = format!("times within the video's {seconds:.3} seconds (or more `seconds`)");
                Err(Error::request(field, expected, format!("one from {from} on")))
            }
            None => Ok(()),
        }
    }

    fn check_spans(&self) -> Result<()> {
        let mut last = 0.0;
        for Span { from, to, prompt } in &self.spans {
            if !(*from >= last && to > from && to.is_finite()) {
                let expected =
                    format!("spans that follow each other, this one from {last} seconds on or later");
                return Err(Error::request("spans", expected, format!("{from} to {to} for '{prompt}'")));
            }
            last = *to;
        }
        Ok(())
    }

    /// Whether the model can do what the frames ask of it.
    fn check_ability(&self, info: &ModelInfo, layout: &Layout) -> Result<()> {
        let is_plain = self.known.is_empty() && layout.windows.len() == 1 && !self.is_loop;
        // Of all frames alike, so much noise is what every model has seen.
        let remakes_all = layout.windows.len() == 1
            && layout.remakes_all()
            && self.known.iter().all(|known| known.regions.is_empty());
        if info.sees_beside() {
            return self.check_beside(info, layout);
        }
        if is_plain || remakes_all || info.expand_timesteps {
            return Ok(());
        }
        let field = if self.known.is_empty() { "num_frames" } else { "known" };
        let expected = "nothing known: this model has one noise level for all frames, and cannot see some of them \
                        clean; one with `expand_timesteps` can, such as Wan 2.2 TI2V or the embedded kinora-tiny";
        Err(Error::request(field, expected, "some"))
    }

    /// Whether a model that sees what is known beside its latents can do what the frames ask of it.
    fn check_beside(&self, info: &ModelInfo, layout: &Layout) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            Err(Error::request(field, format!("{expected}: this is a model of image to video"), found))
        };
        if self.known.is_empty() {
            return refuse("known", "a picture to begin from (`kinora animate`)", "none".into());
        }
        if let Some(known) = self.known.iter().find(|known| !known.stays() || !known.regions.is_empty()) {
            let found = format!("{} to be made anew", known.file.display());
            return refuse("known", "pictures that stay as they are", found);
        }
        if self.is_loop {
            return refuse("loop", "no loop", "one".into());
        }
        if let Some((_, positions)) = info.denoiser().pictures() {
            let ends = layout.ends();
            if !ends[0] || (positions.is_some() && !ends[1]) {
                let expected = if positions.is_some() { "a first and a last frame" } else { "a first frame" };
                return refuse("known", expected, "others".into());
            }
        }
        match layout.windows.len() {
            1 => Ok(()),
            windows => refuse("known", "what can be made at once", format!("{windows} windows")),
        }
    }

    /// The prompts of all spans, cleaned already, with what they leave open filled in.
    fn expand_prompts(&self, prompts: Vec<String>, info: &ModelInfo, num_frames: usize) -> Vec<String> {
        match info.native.prompts {
            // What pictures show is not to be made up.
            Prompts::World if !self.as_written && self.known.iter().all(|known| known.motion_only) => {
                let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
                world::expand_prompts(&prompts, num_frames, self.seed)
            }
            _ => prompts,
        }
    }

    /// What is read of all scenes, whose prompts are cleaned already, in a video of so many frames at this rate.
    fn readings(
        &self,
        (scenes, prompts): (&[Span], &[String]),
        info: &ModelInfo,
        (num_frames, fps): (usize, f64),
    ) -> Vec<Reading> {
        if self.as_written || info.native.prompts != Prompts::World {
            return told(scenes, prompts).map(|span| Reading::of_written(&span, info)).collect();
        }
        let plain = self.expand_prompts(reading::plainly(prompts), info, num_frames);
        // What happens in turn is made at once if it can be, as clips of it are. Of a video with pictures nobody knows how far they go.
        let is_long = |span: &Span| frames_in(span.to - span.from, fps) > info.native.num_frames;
        let in_turn = |span: Span| match self.known.is_empty() && is_long(&span) {
            true => reading::in_turn(span),
            false => vec![span],
        };
        told(scenes, &plain).flat_map(in_turn).map(|span| Reading::of_world(&span, info)).collect()
    }

    /// As asked for, or as fits the first of what is known, or the model's own.
    fn resolve_size(&self, info: &ModelInfo, first: Option<ClipShape>) -> Result<Size> {
        let own = || first.map_or(info.native.size, |first| size_of(first, info));
        let size = self.size.unwrap_or_else(own);
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
    /// What is known, and what goes on for longer than the model makes at once, may be of any length.
    fn resolve_num_frames(&self, info: &ModelInfo, fps: f64, placed: &[Placed]) -> Result<usize> {
        let (fewest, step) = (info.fewest_frames(), info.frames_step());
        let is_free = !placed.is_empty() || self.is_loop;
        // As long as the camera takes to come as far as it is to, if nothing else says how long.
        let of_camera = || self.camera.as_ref().and_then(Camera::seconds).filter(|_| placed.is_empty());
        let seconds = self.seconds.or_else(|| if self.num_frames.is_none() { of_camera() } else { None });
        match (self.num_frames, seconds) {
            (Some(_), Some(_)) => Err(Error::request("seconds", "either seconds or num_frames", "both")),
            (Some(frames), None) if frames < fewest => {
                let image =
                    if fewest == 1 { " (1 makes an image)" } else { ", as the model's patches ask for" };
                Err(Error::request("num_frames", format!("at least {fewest}{image}"), frames))
            }
            (Some(frames), None) if is_free || info.frames_at_most(frames) == frames => Ok(frames),
            (Some(frames), None) => {
                let below = info.frames_at_most(frames);
                let expected = format!(
                    "{fewest} more than a multiple of {step} (the nearest are {below} and {})",
                    info.frames_at_least(frames)
                );
                Err(Error::request("num_frames", expected, frames))
            }
            (None, Some(seconds)) if !(seconds > 0.0 && seconds.is_finite()) => {
                Err(Error::request("seconds", "more than 0", seconds))
            }
            (None, Some(seconds)) if is_free => Ok(frames_in(seconds, fps).max(1)),
            (None, Some(seconds)) => {
                let steps = ((seconds * fps - fewest as f64) / step as f64).round().max(0.0);
                // Saturates; the check of the memory refuses what is left of such a number.
                Ok((steps as usize).saturating_mul(step).saturating_add(fewest))
            }
            (None, None) => {
                let clips = self.known.iter().zip(placed).filter(|(_, placed)| placed.shape.num_frames > 1);
                let ends = clips.map(|(known, placed)| match known.at {
                    At::Seconds(seconds) => frames_in(seconds, fps).saturating_add(placed.count),
                    At::Edge(_) => placed.count,
                });
                // A file of noise is for what is made at once.
                let own =
                    if self.noise.is_some() { info.native.num_frames } else { info.default_num_frames() };
                Ok(ends.max().unwrap_or(own))
            }
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
                // A last 0 is put behind those that are given.
                let place = (index + 1).min(self.sigmas.as_ref().map_or(1, Vec::len));
                let found = if found.is_nan() { "none".into() } else { format!("{found} at place {place}") };
                Err(Error::request("sigmas", expected, found))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Scenes, each with a prompt in place of its own.
fn told(scenes: &[Span], prompts: &[String]) -> impl Iterator<Item = Span> {
    scenes.iter().zip(prompts).map(|(scene, prompt)| Span { prompt: prompt.clone(), ..scene.clone() })
}

/// The frames from which something else is read than before.
fn cuts(readings: &[Reading], fps: f64) -> Vec<usize> {
    let is_other = |pair: &&[Reading]| pair[0].whole() != pair[1].whole();
    readings.windows(2).filter(is_other).map(|pair| frames_in(pair[1].from, fps)).collect()
}

/// As in other video services; the model reads far fewer words.
const LONGEST_PROMPT: usize = 32_000;

impl Plan {
    /// Whether the model answers to the negative prompt too.
    pub fn guided(&self) -> bool {
        is_guided(self.guidance_scale)
    }

    /// See [`Layout::sees_pictures`].
    pub(crate) fn sees_pictures(&self) -> bool {
        self.layout.sees_pictures()
    }

    /// The number of the prompt that a window is made for: that of the span in which most of it lies.
    pub(crate) fn prompt_of(&self, window: &Window) -> usize {
        let middle = self.middle_of(window);
        self.scenes.iter().rposition(|scene| scene.from <= middle).unwrap_or(0)
    }

    /// What is read for a window.
    pub(crate) fn reading_of(&self, window: &Window) -> &Reading {
        let middle = self.middle_of(window);
        self.readings.iter().rfind(|reading| reading.from <= middle).unwrap_or(&self.readings[0])
    }

    /// The second in the middle of what a window makes.
    fn middle_of(&self, window: &Window) -> f64 {
        (window.makes.start + window.makes.end) as f64 / 2.0 / self.fps
    }

    /// What the files are that it begins from, before they were fitted to its size and its rate.
    pub(crate) fn sources(&self) -> Value {
        let files = self.record().known.into_iter().map(|known| known.file);
        let source = |(file, placed): (PathBuf, &Placed)| {
            let ClipShape { width, height, num_frames, fps } = placed.shape;
            let mut source = json!({
                "file": file.to_string_lossy(),
                "size": Size { width, height },
                "num_frames": num_frames,
                "fps": fps,
            });
            if placed.rate_varies {
                source["rate_varies"] = true.into();
            }
            source
        };
        files.zip(&self.layout.placed).map(source).collect()
    }

    /// Of which files much is not seen, as they have another shape than the video.
    pub(crate) fn cut_off(&self) -> impl Iterator<Item = Warning> {
        const WORTH_A_WORD: f64 = 0.1;
        let covers = |(known, _): &(&Known, &Placed)| known.fit == Fit::Cover;
        let placed = self.request.known.iter().zip(&self.layout.placed).filter(covers);
        placed.filter_map(|(known, placed)| {
            let found = Size { width: placed.shape.width, height: placed.shape.height };
            let [own, of_video] = [found, self.size].map(|size| size.width as f64 / size.height as f64);
            let share = 1.0 - (own / of_video).min(of_video / own);
            let instead = Some(size_of(placed.shape, &self.model)).filter(|size| *size != self.size);
            let file = known.file.clone();
            (share > WORTH_A_WORD).then_some(Warning::CutOff { file, found, size: self.size, share, instead })
        })
    }

    /// What the video is to show, and when.
    pub fn told(&self) -> Vec<Span> {
        told(&self.scenes, &self.prompts).collect()
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
            known: self
                .request
                .known
                .iter()
                .map(|known| Known { file: last(&known.file), ..known.clone() })
                .collect(),
            ..self.request.clone()
        }
    }
}
