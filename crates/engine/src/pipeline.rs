//! A model, and how it makes a video.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use burn::tensor::{FloatDType, Tensor};
use media::{Clip, Fit};
use models::family::{Autoencoder, AutoencoderConfig, Denoiser, ImageEncoder};
use nn::Packing;
use serde_json::{Value, json};

use crate::{
    Error, MemoryPlan, ModelFiles, ModelInfo, Observer, Plan, Precision, Prompts, Reading, Result, Session,
    Size, Stage, State, TimePlan, Timings, Video, VideoRequest, Warning,
    canvas::{self, Beginning},
    denoise::{Canvas, Denoised, Denoising},
    estimate::{Pace, Rates, seconds_for_a_value},
    finite::{first_not_finite, is_finite, values},
    hand_over::HandOver,
    memory::{Job, while_loading},
    model::PartName,
    noise,
    parts::Part,
    planner::{Planner, track_code},
    preview::Projection,
    progress::{report, timed},
    reel::Reel,
    text::{PromptEncoder, clean},
    timeline::Window,
    tracked::{Eyes, Tracked},
};

/// With so many times the latents that a model of the world was taught on, it draws grounds without things.
const MOST_TIMES_TAUGHT: f64 = 2.0;

/// A model that makes videos of one precision, one after another, or several at once from as many threads.
///
/// Its parts are in memory one after the other, each while it is needed: the text encoder (layer by layer, if it is
/// large) when a prompt is read, a denoiser until its latents are there. Weights are packed as they are read, so that
/// besides the packed ones no more than one tensor is in memory. [`keep`](Self::keep) is for programs that make many
/// videos and have the memory for all parts.
#[derive(Debug)]
pub struct Pipeline {
    session: Session,
    files: ModelFiles,
    info: Arc<ModelInfo>,
    precision: Precision,
    text: PromptEncoder,
    /// Of models whose denoisers look at pictures.
    image_encoder: Option<Part<ImageEncoder>>,
    /// Of models whose denoisers are shown where things go.
    planner: Option<Part<Planner>>,
    /// By the timestep from which each is asked.
    experts: Vec<(f64, Part<Denoiser>)>,
    autoencoder: Part<Autoencoder>,
    /// The autoencoder whole, for videos that begin from pictures.
    encoder: Part<Autoencoder>,
    /// The fingerprint of the files, once it has been asked for.
    hash: OnceLock<String>,
    /// How fast this machine is, once it has been asked for.
    pace: OnceLock<Pace>,
    /// What sees where things are in what is given.
    eyes: Option<Arc<dyn Eyes>>,
    is_kept: bool,
}

impl Pipeline {
    pub(crate) fn open(session: Session, files: &ModelFiles, precision: Option<Precision>) -> Result<Self> {
        let info = ModelInfo::read(files)?;
        let precision = precision.unwrap_or(info.default_precision());
        info.check_weights(files)?;
        let packing = precision.packing();
        // An error of either is seen in all of the video, and both cost little beside the denoiser.
        let of_others = packing.map(|_| Packing::Bf16);
        let text = PromptEncoder::open(files, &info, of_others, session.device())?;
        let image_encoder = info.image_encoder.clone().map(|config| {
            let (files, session) = (files.clone(), session.clone());
            Part::when_needed(move || {
                Ok(config.load(files.weights(PartName::ImageEncoder)?, of_others, session.device())?)
            })
        });
        let planner = info.planner.clone().map(|config| {
            let (files, session) = (files.clone(), session.clone());
            let code = track_code(info.autoencoder.scale_factors()[0]);
            Part::when_needed(move || {
                let denoiser = config.load(files.weights(PartName::Planner)?, of_others, session.device())?;
                Ok(Planner::new(denoiser, code))
            })
        });
        let experts = info.experts.iter().map(|expert| {
            let (files, session) = (files.clone(), session.clone());
            let (part, config) = (expert.part, expert.config.clone());
            let load = move || Ok(config.load(files.weights(part)?, packing, session.device())?);
            (expert.from_timestep, Part::when_needed(load))
        });
        let autoencoder = {
            let (files, session, config) = (files.clone(), session.clone(), info.autoencoder.clone());
            let weights = move || files.weights(PartName::Vae);
            Part::when_needed(move || Ok(config.load_decoder(weights()?, of_others, session.device())?))
        };
        let encoder = {
            let (files, session, config) = (files.clone(), session.clone(), info.autoencoder.clone());
            Part::when_needed(move || {
                Ok(config.load_whole(files.weights(PartName::Vae)?, of_others, session.device())?)
            })
        };
        Ok(Self {
            experts: experts.collect(),
            session,
            files: files.clone(),
            info,
            precision,
            text,
            image_encoder,
            planner,
            autoencoder,
            encoder,
            hash: OnceLock::new(),
            pace: OnceLock::new(),
            eyes: None,
            is_kept: false,
        })
    }

    /// Has something that sees where things are in pictures and clips that are given, for models that plan where they go. Without it such
    /// models plan videos of nothing but prompts alone.
    pub fn with_eyes(mut self, eyes: Arc<dyn Eyes>) -> Self {
        self.eyes = Some(eyes);
        self
    }

    /// Reads all parts now, and keeps them in memory; the autoencoder's encoder from the first video on that needs it.
    ///
    /// # Errors
    /// Weights that are damaged.
    pub fn keep(mut self) -> Result<Self> {
        while_loading();
        self.autoencoder.keep()?;
        self.encoder.keep_once_needed();
        self.image_encoder.as_ref().map_or(Ok(()), Part::keep)?;
        self.planner.as_ref().map_or(Ok(()), Part::keep)?;
        self.text.keep()?;
        self.experts.iter().try_for_each(|(_, expert)| expert.keep())?;
        self.is_kept = true;
        self.pace.take();
        Ok(self)
    }

    /// The model's configuration.
    pub fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// How exactly it computes.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// A request as this model will serve it, with warnings of what it may expect and will not get. Whether there is
    /// memory for it is another question, which [`Plan::check_memory`] answers.
    ///
    /// # Errors
    /// [`Error::Request`] for the first field that cannot be served, with what would be, or a prompt that the tokenizer
    /// refuses.
    pub fn plan(&self, request: &VideoRequest) -> Result<Plan> {
        let precision = request.precision.or(Some(self.precision));
        let mut plan = VideoRequest { precision, ..request.clone() }.resolve(&self.info)?;
        self.check_precision(&plan)?;
        plan.warnings = self.warnings(&plan)?;
        let [count, tokens] = self.text.longest(&prompts(&plan))?;
        let activations = self.info.text_encoder.activation_bytes(count, tokens);
        let pictures = plan.layout.pictures(plan.size);
        plan.memory.text = MemoryPlan::of_text(&self.info, self.precision, activations, pictures);
        Ok(plan)
    }

    /// About how long a plan will take: by a calibration, which takes some seconds and is kept on the disk, and by how
    /// fast the model's files are read when this is asked for the first time. What is [kept](Self::keep) is not read again.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn time_plan(&self, plan: &Plan) -> Result<TimePlan> {
        let pace = match self.pace.get() {
            Some(pace) => *pace,
            None => {
                let pace = self.pace()?;
                *self.pace.get_or_init(|| pace)
            }
        };
        Ok(TimePlan::new(plan, &pace, self.text.is_kept(&prompts(plan))?))
    }

    fn pace(&self) -> Result<Pace> {
        let device = self.session.device();
        let rates = Rates::of(&self.info, self.precision, device)?;
        let expert = &self.info.experts[0];
        let value = if self.is_kept {
            0.0
        } else {
            let weights = self.files.weights(expert.part)?;
            seconds_for_a_value(&expert.config, weights, self.precision, device)?
        };
        Ok(Pace { rates, value })
    }

    /// The words of a prompt that the model has no token for, as they are written. Always none for tokenizers that
    /// spell unknown words out.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn unknown_words(&self, prompt: &str) -> Result<Vec<String>> {
        self.text.unknown_words(&clean(prompt))
    }

    fn warnings(&self, plan: &Plan) -> Result<Vec<Warning>> {
        let mut warnings = Vec::new();
        let text = format!("{} {}", plan.prompt, plan.negative_prompt);
        // A tokenizer that knows the letters of a Chinese word does not yet know the word.
        let of_world = self.info.native.prompts == Prompts::World;
        let words = if of_world { world::unknown_words(&text) } else { self.text.unknown_words(&text)? };
        if !words.is_empty() {
            warnings.push(Warning::UnknownWords { words, of_world });
        }
        let read = plan.readings.iter().map(|reading| ("prompt", reading.whole()));
        let negative = plan.guided().then_some(("negative_prompt", plan.negative_prompt.as_str()));
        for (field, prompt) in read.chain(negative) {
            if let Some(unread) = self.text.unread(prompt)? {
                let max_tokens = self.text.max_sequence_length();
                warnings.push(Warning::Cut { field, max_tokens, unread: unread.to_owned() });
            }
        }
        if !plan.guided() && !plan.negative_prompt.is_empty() {
            warnings.push(Warning::NegativeUnread { guidance_scale: plan.guidance_scale });
        }
        warnings.extend(plan.cut_off());
        let (size, taught) = (plan.size, self.info.native.size);
        let times = self.info.times_taught(size);
        if of_world && times > MOST_TIMES_TAUGHT {
            let instead = self.info.size_for(size);
            warnings.push(Warning::LargerThanTaught { size, times, taught, instead });
        }
        Ok(warnings)
    }

    fn check_precision(&self, plan: &Plan) -> Result<()> {
        let precision = plan.precision;
        if precision == self.precision {
            return Ok(());
        }
        let expected = format!("{}, for which this model was opened", self.precision);
        Err(Error::request("precision", expected, precision))
    }

    /// Makes the video of a plan that was made for this model. The same plan gives the same numbers, for any number of
    /// threads.
    ///
    /// # Errors
    /// As for [`stream`](Self::stream).
    pub fn generate(&self, plan: &Plan, observer: &mut dyn Observer) -> Result<Video> {
        let mut frames = Vec::new();
        let mut keep = |frame: &[f32]| {
            frames.extend_from_slice(frame);
            Ok(())
        };
        let timings = self.stream(plan, &mut keep, observer)?;
        Ok(Video {
            size: plan.size,
            num_frames: plan.num_frames,
            fps: plan.fps,
            frames,
            provenance: self.provenance(plan)?,
            timings,
        })
    }

    /// [`generate`](Self::generate) for videos that need not be in memory: hands every frame, `[height, width, 3]`,
    /// sRGB, 0 to 1, to `sink` as soon as it is made, and stops if that fails.
    ///
    /// # Errors
    /// A plan of another model, weights that are damaged, a noise file that does not fit, results that become infinite
    /// or undefined, [`Error::Cancelled`], or what `sink` answers.
    pub fn stream(
        &self,
        plan: &Plan,
        sink: &mut dyn FnMut(&[f32]) -> Result<()>,
        observer: &mut dyn Observer,
    ) -> Result<Timings> {
        self.stream_kept(plan, None, sink, observer)
    }

    /// [`stream`](Self::stream), with what was made so far in a folder, from which it goes on.
    ///
    /// # Errors
    /// As for [`stream`](Self::stream), or a folder that cannot be written.
    pub fn stream_kept(
        &self,
        plan: &Plan,
        state: Option<&State>,
        sink: &mut dyn FnMut(&[f32]) -> Result<()>,
        observer: &mut dyn Observer,
    ) -> Result<Timings> {
        if !Arc::ptr_eq(&plan.model, &self.info) {
            let (expected, found) = (self.info.name.clone(), plan.model.name.clone());
            return Err(Error::PlanOfAnother { expected, found });
        }
        self.check_precision(plan)?;
        let mut reel = Reel::new(plan)?;
        let layout = &plan.layout;
        // What is wrong with a file of noise shows before the work.
        let first = noise::start(plan, 0, layout.windows[0].latent_frames, self.session.device())?;
        let mut noise = Some(first);
        let preview = observer.wants_previews().then(|| self.projection(plan)).transpose()?;
        let job = Job::begin(plan.activations.text.max(plan.activations.denoise));
        self.precision.scope(|| {
            report(observer, Stage::Text, 0, 1)?;
            // What is wrong with the last part shows before the work of the others.
            let (prepared, load) = timed(|| {
                self.text.prepare()?;
                if plan.sees_pictures() { self.encoder.get() } else { self.autoencoder.get() }
            });
            let autoencoder = in_form(prepared?, &plan.autoencoder);
            let (contexts, text) = timed(|| self.contexts(plan));
            let contexts = contexts?;
            let pictures = self.look(plan, &reel, &job)?;
            report(observer, Stage::Text, 1, 1)?;
            let denoising = Denoising {
                experts: &self.experts,
                plan,
                autoencoder: &autoencoder,
                pictures,
                job: &job,
                state,
                preview: preview.as_ref(),
            };
            let planner = self.planner.as_ref().map(Part::get).transpose()?;
            let mut tracked = match &planner {
                Some(_) => Tracked::of_given(plan, &reel, self.eyes.as_ref())?,
                None => Tracked::default(),
            };
            let mut timings = Timings { load, text, ..Timings::default() };
            for (index, window) in layout.windows.iter().enumerate() {
                let noise = match noise.take() {
                    Some(noise) => noise,
                    None => noise::start(plan, index, window.latent_frames, self.session.device())?,
                };
                let reading = plan.reading_of(window);
                let (beginning, seconds) = timed(|| canvas::begin(&autoencoder, plan, window, &reel, &noise));
                timings.decode += seconds;
                let (tracks, seconds) = timed(|| match &planner {
                    Some(planner) => {
                        let contexts = [reading.whole(), NOTHING].map(|prompt| contexts.of(prompt));
                        tracked.plan(planner, (plan, index), (&reel, self.eyes.as_ref()), contexts)
                    }
                    None => Ok(None),
                });
                timings.denoise += seconds;
                let tracks = tracks?;
                // What no tracks tell the prompt has to.
                let prompt = if tracks.is_some() { &reading.denoiser } else { reading.whole() };
                let context = contexts.of(prompt);
                // Without guidance some prompt stands for the negative one.
                let negative_prompt = if plan.guided() { &plan.negative_prompt } else { prompt };
                let negative_context = contexts.of(negative_prompt);
                let beginning = Beginning { beside: beginning.beside.or(tracks), ..beginning };
                reel.is_seen();
                let canvas = Canvas { index, beginning, noise, context, negative_context };
                let (denoised, seconds) = timed(|| denoising.run(canvas, observer));
                let Denoised { latents, load: of_denoiser } = denoised?;
                timings.load += of_denoiser;
                timings.denoise += seconds - of_denoiser;
                job.decodes(plan.activations.decode);
                timings.decode +=
                    decode(&autoencoder, latents, (plan, index, &tracked), &mut reel, sink, observer)?;
            }
            Ok(timings)
        })
    }

    /// What the denoiser looks at of the first frame, and of the last one if it tells them apart, `[1, tokens, dim]`.
    fn look(&self, plan: &Plan, reel: &Reel<'_>, job: &Job) -> Result<Option<Tensor<3>>> {
        let (Some(part), Some(config)) = (&self.image_encoder, &self.info.image_encoder) else {
            return Ok(None);
        };
        let tells_apart = self.info.denoiser().pictures().is_some_and(|(_, positions)| positions.is_some());
        let last = tells_apart.then(|| plan.num_frames - 1);
        let (encoder, side) = (part.get()?, config.side());
        let Size { width, height } = plan.size;
        let mut features = Vec::new();
        for frame in [Some(0), last].into_iter().flatten() {
            let Some(picture) = reel.frame(frame as isize) else { continue };
            let still = Clip::still(width, height, crate::to_bytes(&picture))?.fit(side, side, Fit::Cover)?;
            let picture: Vec<f32> = still.as_bytes().iter().map(|&byte| f32::from(byte) / 255.0).collect();
            features.push(encoder.look(&picture, self.session.device()));
        }
        job.drop_part(encoder);
        Ok((!features.is_empty()).then(|| Tensor::cat(features, 1)))
    }

    /// How the latents of a plan are shown.
    fn projection(&self, plan: &Plan) -> Result<Projection> {
        let form = &plan.autoencoder;
        let autoencoder = || Ok(in_form(self.encoder.get()?, form));
        self.precision.scope(|| Projection::of(form, self.hash()?, autoencoder))
    }

    /// What is made of all that is read.
    fn contexts<'a>(&self, plan: &'a Plan) -> Result<Contexts<'a>> {
        let prompts = prompts(plan);
        let contexts = self.text.context(&prompts)?;
        let rows: Vec<_> = (0..prompts.len()).map(|row| contexts.clone().narrow(0, row, 1)).collect();
        match rows.iter().position(|row| !is_finite(row)) {
            Some(prompt) => {
                Err(Error::NotFinite { stage: Stage::Text, step: prompt + 1, total: prompts.len() })
            }
            None => Ok(Contexts(prompts.into_iter().zip(rows).collect())),
        }
    }

    /// The fingerprint of the model's files, which are all read for it unless it is kept on the disk.
    fn hash(&self) -> Result<&str> {
        match self.hash.get() {
            Some(hash) => Ok(hash),
            None => {
                let hash = self.files.hash()?;
                Ok(self.hash.get_or_init(|| hash))
            }
        }
    }

    /// What is written into the file of a plan's video: enough to make the same one again.
    ///
    /// # Errors
    /// A file of the model that cannot be read: its fingerprint is a part of it.
    pub fn provenance(&self, plan: &Plan) -> Result<Value> {
        let mut record = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": { "name": self.info.name, "sha256": self.hash()? },
            "request": plan.record(),
            "computed_in": self.precision.computed_in(),
            "prompt": plan.prompt,
        });
        let as_told =
            plan.told().iter().map(|span| Reading::of_written(span, &self.info)).collect::<Vec<_>>();
        if plan.readings != as_told {
            record["read"] = json!(plan.readings);
        }
        if plan.scenes.len() > 1 {
            record["scenes"] = json!(plan.told());
        }
        if let Some(lens) = &plan.lens {
            record["camera_moved"] = json!(lens.turns());
        }
        if !plan.layout.placed.is_empty() {
            record["sources"] = plan.sources();
        }
        Ok(record)
    }
}

/// What a planner reads to guide itself.
const NOTHING: &str = "";

/// What is read for a plan, each text once: by the denoiser its prompts, and the negative one if it counts; by a planner, if there is one, all of
/// its prompts, and nothing.
fn prompts(plan: &Plan) -> Vec<&str> {
    let negative = plan.guided().then_some(plan.negative_prompt.as_str());
    let nothing = plan.model.planner.is_some().then_some(NOTHING);
    let denoiser = plan.readings.iter().map(|reading| reading.denoiser.as_str());
    let planner = plan.readings.iter().map(Reading::whole);
    let mut read = Vec::new();
    for text in denoiser.chain(negative).chain(planner).chain(nothing) {
        if !read.contains(&text) {
            read.push(text);
        }
    }
    read
}

/// What is made of each text that is read, `[1, tokens, dim]`.
struct Contexts<'a>(HashMap<&'a str, Tensor<3>>);

impl Contexts<'_> {
    fn of(&self, prompt: &str) -> Tensor<3> {
        self.0[prompt].clone()
    }
}

/// An autoencoder in the form that a plan asks for.
fn in_form(autoencoder: Arc<Autoencoder>, form: &AutoencoderConfig) -> Arc<Autoencoder> {
    let small = (autoencoder.config().upscale() != form.upscale()).then(|| autoencoder.without_upsampler());
    small.flatten().map_or(autoencoder, Arc::new)
}

/// Puts the frames that a window makes on the reel, one latent frame after the other, and hands them on; returns the seconds of
/// the autoencoder.
fn decode(
    autoencoder: &Autoencoder,
    latents: Tensor<5>,
    (plan, index, tracked): (&Plan, usize, &Tracked),
    reel: &mut Reel<'_>,
    sink: &mut dyn FnMut(&[f32]) -> Result<()>,
    observer: &mut dyn Observer,
) -> Result<f64> {
    let (layout, window) = (&plan.layout, &plan.layout.windows[index]);
    let of_windows = |windows: &[Window]| windows.iter().map(|window| window.latent_frames).sum::<usize>();
    let (before, total) = (of_windows(&layout.windows[..index]), of_windows(&layout.windows));
    report(observer, Stage::Decode, before, total)?;
    let mut stream = autoencoder.decoder_stream(kept_frames(plan.precision));
    let mut hand_over = HandOver::new(plan, window, reel, tracked);
    let mut seconds = 0.0;
    for (latent, latents) in autoencoder.denormalize(latents).split(1, 2).into_iter().enumerate() {
        let (frames, spent) = timed(|| pixels(stream.decode(latents)));
        seconds += spent;
        let place = layout.frames_of(window, latent);
        let frames = frames.map_err(|frame| Error::NotFinite {
            stage: Stage::Decode,
            step: (place.start + frame as isize).max(0) as usize + 1,
            total: plan.num_frames,
        })?;
        for (frame, pixels) in place.zip(frames.chunks_exact(plan.size.width * plan.size.height * 3)) {
            let makes = usize::try_from(frame).is_ok_and(|frame| window.makes.contains(&frame));
            hand_over.take(frame, pixels, makes, reel);
        }
        reel.hand_on(sink)?;
        report(observer, Stage::Decode, before + latent + 1, total)?;
    }
    hand_over.finish(reel);
    reel.hand_on(sink)?;
    Ok(seconds)
}

/// `[1, 3, frames, height, width]` about -1 to 1 as `[frames, height, width, 3]`, 0 to 1; or the first frame that is
/// infinite or undefined somewhere, which clamping would hide.
fn pixels(video: Tensor<5>) -> Result<Vec<f32>, usize> {
    let [_, channels, frames, height, width] = video.dims();
    let (video, size) = (values(video), height * width);
    let plane = |frame: usize, channel: usize| &video[(channel * frames + frame) * size..][..size];
    let mut pixels = vec![0.0; video.len()];
    for (frame, pixels) in pixels.chunks_exact_mut(channels * size).enumerate() {
        for channel in 0..channels {
            let plane = plane(frame, channel);
            if first_not_finite(plane).is_some() {
                return Err(frame);
            }
            for (pixel, value) in pixels.iter_mut().skip(channel).step_by(channels).zip(plane) {
                *pixel = value.clamp(-1.0, 1.0) / 2.0 + 0.5;
            }
        }
    }
    Ok(pixels)
}

/// How the decoder keeps frames that it will look back at: no more exactly than convolutions read them.
pub(crate) fn kept_frames(precision: Precision) -> FloatDType {
    match precision.computed_in() {
        Precision::F32 => FloatDType::F32,
        _ => FloatDType::BF16,
    }
}
