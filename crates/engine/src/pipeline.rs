//! A model in memory, and how it makes a video.

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::Noise;
use models::wan::{AutoencoderKlWan, WanTransformer3d};
use serde_json::{Value, json};

use crate::{
    Error, ModelFiles, ModelInfo, Observer, Plan, Result, Stage, Timings, Video,
    denoise::{Denoising, report},
    progress::timed,
    tensor_file,
    text::PromptEncoder,
    timeline::Timeline,
};

/// A model in memory; makes one video after another, and several at once from as many threads.
#[derive(Debug)]
pub struct Pipeline {
    info: ModelInfo,
    hash: String,
    text: PromptEncoder,
    transformer: WanTransformer3d,
    vae: AutoencoderKlWan,
    device: Device,
    load_seconds: f64,
}

impl Pipeline {
    /// Reads a model's files and puts its weights on `device`.
    ///
    /// # Errors
    /// A folder that is no model, a model that is not served, or files that are missing or damaged.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self> {
        let (loaded, seconds) = timed(|| -> Result<Self> {
            let info = ModelInfo::read(files)?;
            Ok(Self {
                hash: files.hash()?,
                text: PromptEncoder::load(files, &info, device)?,
                transformer: files.fill("transformer", WanTransformer3d::new(&info.transformer, device)?)?,
                vae: files.fill("vae", AutoencoderKlWan::new(&info.vae, device)?)?,
                info,
                device: device.clone(),
                load_seconds: 0.0,
            })
        });
        Ok(Self { load_seconds: seconds, ..loaded? })
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
        self.text.unknown_words(prompt)
    }

    /// Makes the video of a plan that was resolved for this model. The same plan gives the same numbers, for any
    /// number of threads.
    ///
    /// # Errors
    /// A noise file that does not fit, latents that become infinite or undefined, or [`Error::Cancelled`].
    pub fn generate(&self, plan: &Plan, observer: &mut dyn Observer) -> Result<Video> {
        let noise = self.noise(plan)?;
        plan.request.precision.scope(|| {
            report(observer, Stage::Text, 0, 1)?;
            let (context, text) = timed(|| self.context(plan));
            report(observer, Stage::Text, 1, 1)?;
            let denoising = Denoising {
                transformer: &self.transformer,
                plan,
                context: context?,
                expand_timesteps: self.info.expand_timesteps,
                timeline: Timeline::unknown(plan.latent_shape[1]),
            };
            let variance = self.info.scheduler.variance().unwrap_or_default();
            let (latents, denoise) = timed(|| denoising.run(noise, variance, observer));
            let latents = latents?;
            report(observer, Stage::Decode, 0, 1)?;
            let (frames, decode) = timed(|| self.decode(latents));
            report(observer, Stage::Decode, 1, 1)?;
            Ok(Video {
                size: plan.size,
                num_frames: plan.num_frames,
                fps: plan.fps,
                frames,
                provenance: self.provenance(plan),
                timings: Timings { load: self.load_seconds, text, denoise, decode },
            })
        })
    }

    fn context(&self, plan: &Plan) -> Result<Tensor<3>> {
        let request = &plan.request;
        let prompts = [request.prompt.as_str(), request.negative_prompt.as_str()];
        self.text.context(&prompts[..if plan.guided { 2 } else { 1 }], &self.device)
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
        Ok(Tensor::from_data(TensorData::new(noise.values, shape), &self.device))
    }

    /// `[frames, height, width, 3]`, 0 to 1.
    fn decode(&self, latents: Tensor<5>) -> Vec<f32> {
        let video = self.vae.decode_clamped(self.vae.denormalize(latents)); // [1, 3, frames, height, width]
        let video = video.squeeze_dim::<4>(0).permute([1, 2, 3, 0]).div_scalar(2.0).add_scalar(0.5);
        video.into_data().convert::<f32>().try_into_vec().expect("converted to f32")
    }

    /// What is written into the file: enough to make the same video again.
    fn provenance(&self, plan: &Plan) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": { "name": self.info.name, "sha256": self.hash },
            "request": plan.record(),
        })
    }
}
