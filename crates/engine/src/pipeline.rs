//! A model in memory, and how it makes a video.

use std::thread;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use diffusion::Noise;
use models::wan::{AutoencoderKlWan, WanTransformer3d};
use nn::{Pack, Packing};
use serde_json::{Value, json};

use crate::{
    Error, ModelFiles, ModelInfo, Observer, Plan, Precision, Prompts, Result, Stage, Timings, Video, Warning,
    denoise::{Denoising, report},
    finite::{first_not_finite, is_finite, values},
    model::{TRANSFORMER, VAE, check_sizes},
    parts::Part,
    progress::timed,
    tensor_file,
    text::{PromptEncoder, clean},
    timeline::Timeline,
};

/// A model that makes videos: all of it in memory ([`load`](Self::load)), for one video after another and several at
/// once from as many threads, or no more of it than is needed at a time ([`open`](Self::open)).
#[derive(Debug)]
pub struct Pipeline {
    info: ModelInfo,
    hash: String,
    text: PromptEncoder,
    transformer: Part<WanTransformer3d>,
    vae: AutoencoderKlWan,
    device: Device,
    load_seconds: f64,
    /// What the weights were packed for, if they are.
    packed: Option<Precision>,
}

impl Pipeline {
    /// Reads a model's files and puts its weights on `device`, in f32: ready for requests of any precision. See
    /// [`pack`](Self::pack).
    ///
    /// # Errors
    /// A folder that is no model, a model that is not served, or files that are missing or damaged.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self> {
        let (loaded, seconds) = timed(|| -> Result<Self> {
            let mut pipeline = Self::begin(files, device, None)?;
            pipeline.text.keep(files, device)?;
            pipeline.transformer.keep()?;
            Ok(pipeline)
        });
        Ok(Self { load_seconds: seconds, ..loaded? })
    }

    /// Opens a model for requests of one precision. The text encoder, if it is large, is read layer by layer when a
    /// prompt is; the denoiser is read when it is needed, and gone when its latents are there. Weights are packed as
    /// they are read, so that besides the packed ones no more than one tensor is in memory.
    ///
    /// # Errors
    /// As for [`load`](Self::load), but for weights that are damaged inside, which are found when they are read.
    pub fn open(files: &ModelFiles, device: &Device, precision: Precision) -> Result<Self> {
        let (opened, seconds) = timed(|| Self::begin(files, device, Some(precision)));
        Ok(Self { load_seconds: seconds, ..opened? })
    }

    fn begin(files: &ModelFiles, device: &Device, precision: Option<Precision>) -> Result<Self> {
        let info = ModelInfo::read(files)?;
        check_sizes(files, &info)?;
        let packing = precision.and_then(Precision::packing);
        // Both cost little beside the denoiser, and the autoencoder's errors are seen one by one.
        let of_others = packing.map(|_| Packing::Bf16);
        thread::scope(|scope| {
            // Beside the loading, which reads the same files: they come from the disk once.
            // Where no thread can be started, they are read once more.
            let hash = thread::Builder::new().spawn_scoped(scope, || files.hash());
            let text = PromptEncoder::open(files, &info, of_others, device)?;
            let transformer = {
                let (files, config, device) = (files.clone(), info.transformer.clone(), device.clone());
                Part::when_needed(move || {
                    let empty = WanTransformer3d::new(&config, &device)?;
                    files.fill_packed(TRANSFORMER, empty, packing)
                })
            };
            files.check_weights(TRANSFORMER, &WanTransformer3d::new(&info.transformer, device)?)?;
            let vae = files.fill_packed(VAE, AutoencoderKlWan::new(&info.vae, device)?, of_others)?;
            let (vae, device) = (vae.without_encoder(), device.clone());
            let hash = match hash {
                Ok(hash) => hash.join().expect("hashing does not panic")?,
                Err(_) => files.hash()?,
            };
            Ok(Self { info, hash, text, transformer, vae, device, load_seconds: 0.0, packed: precision })
        })
    }

    /// Packs the weights for requests of one precision: faster, and in half the memory (bf16) or a quarter of it
    /// (int8). Requests of another precision are refused from then on. Nothing changes for f32, nor for what was
    /// packed before.
    ///
    /// # Errors
    /// Weights that are read now, and cannot be.
    pub fn pack(&mut self, precision: Precision) -> Result<()> {
        let Some(packing) = precision.packing().filter(|_| self.packed.is_none()) else { return Ok(()) };
        let (packed, seconds) = timed(|| -> Result<()> {
            self.transformer.keep()?.pack(packing);
            self.text.pack(Packing::Bf16);
            self.vae.pack(Packing::Bf16);
            Ok(())
        });
        self.load_seconds += seconds;
        self.packed = Some(precision);
        packed
    }

    /// The model's configuration.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The words of a prompt that the model has no token for, as they are written. Always none for tokenizers that
    /// spell unknown words out.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn unknown_words(&self, prompt: &str) -> Result<Vec<String>> {
        self.text.unknown_words(&clean(prompt))
    }

    /// What the video of a plan will not be, although the request says it.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn warnings(&self, plan: &Plan) -> Result<Vec<Warning>> {
        let mut warnings = Vec::new();
        let text = format!("{} {}", plan.prompt, plan.negative_prompt);
        // A tokenizer that knows the letters of a Chinese word does not yet know the word.
        let of_world = self.info.native.prompts == Prompts::World;
        let words = if of_world { world::unknown_words(&text) } else { self.text.unknown_words(&text)? };
        if !words.is_empty() {
            warnings.push(Warning::UnknownWords { words, of_world });
        }
        for (field, prompt) in [("prompt", &plan.prompt), ("negative_prompt", &plan.negative_prompt)] {
            let is_read = field == "prompt" || plan.guided();
            if let Some(unread) = self.text.unread(prompt)?.filter(|_| is_read) {
                let max_tokens = self.text.max_sequence_length();
                warnings.push(Warning::Cut { field, max_tokens, unread: unread.to_owned() });
            }
        }
        if !plan.guided() && !plan.negative_prompt.is_empty() {
            warnings.push(Warning::NegativeUnread { guidance_scale: plan.guidance_scale });
        }
        Ok(warnings)
    }

    /// Makes the video of a plan that was resolved for this model. The same plan gives the same numbers, for any
    /// number of threads.
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
            provenance: self.provenance(plan),
            timings,
        })
    }

    /// [`generate`](Self::generate) for videos that need not be in memory: hands every frame, `[height, width, 3]`,
    /// sRGB, 0 to 1, to `sink` as soon as it is made, and stops if that fails.
    ///
    /// # Errors
    /// A noise file that does not fit, results that become infinite or undefined, [`Error::Cancelled`], or what `sink`
    /// answers.
    pub fn stream(
        &self,
        plan: &Plan,
        sink: &mut dyn FnMut(&[f32]) -> Result<()>,
        observer: &mut dyn Observer,
    ) -> Result<Timings> {
        let precision = plan.request.precision;
        if let Some(packed) = self.packed.filter(|&packed| packed != precision) {
            let expected = format!("{packed}, for which this model's weights were packed");
            return Err(Error::request("precision", expected, precision));
        }
        let noise = self.noise(plan)?;
        precision.scope(|| {
            report(observer, Stage::Text, 0, 1)?;
            let (contexts, text) = timed(|| self.contexts(plan));
            let [context, negative_context] = contexts?;
            report(observer, Stage::Text, 1, 1)?;
            let (transformer, load) = self.transformer.get()?;
            let denoising = Denoising {
                transformer: &transformer,
                plan,
                context,
                negative_context,
                expand_timesteps: self.info.expand_timesteps,
                timeline: Timeline::unknown(plan.latent_shape[1]),
            };
            let variance = self.info.scheduler.variance().unwrap_or_default();
            let (latents, denoise) = timed(|| denoising.run(noise, variance, observer));
            let latents = latents?;
            // Unless it is kept, it makes room for the frames.
            drop(denoising);
            drop(transformer);
            let decode = self.decode(latents, plan, sink, observer)?;
            Ok(Timings { load: self.load_seconds + load, text, denoise, decode })
        })
    }

    /// What the denoiser reads of the prompt and of the negative one, each `[1, tokens, dim]`; without guidance the
    /// prompt stands for both.
    fn contexts(&self, plan: &Plan) -> Result<[Tensor<3>; 2]> {
        let prompts = [plan.prompt.as_str(), plan.negative_prompt.as_str()];
        let prompts = &prompts[..if plan.guided() { 2 } else { 1 }];
        let contexts = self.text.context(prompts, &self.device)?;
        let row = |row| contexts.clone().narrow(0, row, 1);
        match (0..prompts.len()).find(|&prompt| !is_finite(&row(prompt))) {
            Some(prompt) => {
                Err(Error::NotFinite { stage: Stage::Text, step: prompt + 1, total: prompts.len() })
            }
            None => Ok([0, prompts.len() - 1].map(row)),
        }
    }

    /// The latents to start from, `[1, channels, frames, height, width]`.
    fn noise(&self, plan: &Plan) -> Result<Tensor<5>> {
        let [channels, frames, height, width] = plan.latent_shape;
        let shape = [1, channels, frames, height, width];
        let Some(path) = &plan.request.noise else {
            return Ok(Noise::new(plan.request.seed).tensor(shape, &self.device));
        };
        let noise = tensor_file::read::<4>(path, "noise")?;
        if noise.shape != plan.latent_shape {
            return Err(Error::Malformed {
                path: path.clone(),
                what: "tensor `noise`".into(),
                expected: format!(
                    "{:?} for {} frames of {} (change the size and length asked for, or the noise)",
                    plan.latent_shape, plan.num_frames, plan.size
                ),
                found: format!("{:?}", noise.shape),
            });
        }
        if let Some(at) = first_not_finite(&noise.values) {
            return Err(Error::Malformed {
                path: path.clone(),
                what: format!("tensor `noise`, value {at}"),
                expected: "finite numbers".into(),
                found: noise.values[at].to_string(),
            });
        }
        Ok(Tensor::from_data(TensorData::new(noise.values, shape), &self.device))
    }

    /// Hands on the frames of latents, one latent frame after the other; returns the seconds of the autoencoder.
    fn decode(
        &self,
        latents: Tensor<5>,
        plan: &Plan,
        sink: &mut dyn FnMut(&[f32]) -> Result<()>,
        observer: &mut dyn Observer,
    ) -> Result<f64> {
        let total = plan.latent_shape[1];
        report(observer, Stage::Decode, 0, total)?;
        let mut stream = self.vae.decoder_stream(kept_frames(plan.request.precision));
        let mut seconds = 0.0;
        let mut done = 0;
        for (index, latent) in self.vae.denormalize(latents).split(1, 2).into_iter().enumerate() {
            let (frames, spent) = timed(|| pixels(stream.decode(latent)));
            seconds += spent;
            let frames = frames.map_err(|frame| Error::NotFinite {
                stage: Stage::Decode,
                step: done + frame + 1,
                total: plan.num_frames,
            })?;
            for frame in frames.chunks_exact(plan.size.width * plan.size.height * 3) {
                sink(frame)?;
                done += 1;
            }
            report(observer, Stage::Decode, index + 1, total)?;
        }
        Ok(seconds)
    }

    /// What is written into the file of a plan's video: enough to make the same one again.
    pub fn provenance(&self, plan: &Plan) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": { "name": self.info.name, "sha256": self.hash },
            "request": plan.record(),
            "prompt": plan.prompt,
        })
    }
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
    match precision {
        Precision::F32 => FloatDType::F32,
        _ => FloatDType::BF16,
    }
}
