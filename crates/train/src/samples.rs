//! `kinora train samples`: clips that a model makes of prompts of the world, and how well the judge finds that each shows its own.
//!
//! What `train denoiser --judged` learns from: of one prompt there are several, and where some are right and others are not, the
//! difference is worth learning.

use std::path::PathBuf;

use burn::tensor::{Device, FloatDType, Tensor};
use clap::Args;
use engine::VideoRequest;
use judge::{
    Judge,
    prompts::{Prompt, PromptSet},
    verdict::{Claim, Verdict},
};
use models::family::{Autoencoder, AutoencoderConfig};
use serde::{Deserialize, Serialize};

use crate::{
    dataset::{self, Item, StoreWriter, Subset, to_clips},
    denoiser::OwnSampler,
    error::{Result, TrainError},
    fingerprint,
    latents::{self, Header, read_vae},
    lock::Lock,
    number_format::NumberFormat,
    observer::{Observer, Progress},
    parameters::to_vec,
    random::{Purpose, noise},
    setting,
};

/// Scenes of samples begin here; neither a data set nor a set of prompts has any of them.
const FIRST_SCENE: u64 = 3 << 41;
/// So many scenes are one seed's.
const SCENES_OF_SEED: u64 = 1 << 20;
/// Of one prompt, which are made at once.
const MOST_EACH: usize = 64;

/// What to make, with what.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplesArgs {
    /// Folder of the model that makes them
    #[arg(long, default_value_os_t = Self::default().model)]
    pub model: PathBuf,
    /// Folder of the samples; what is there is kept and added to
    #[arg(long, default_value_os_t = Self::default().output)]
    pub output: PathBuf,
    /// Prompts, half of them English, half Chinese, of combinations that training shows
    #[arg(long, default_value_t = Self::default().prompts)]
    pub prompts: usize,
    /// Clips of each
    #[arg(long, default_value_t = Self::default().each)]
    pub each: usize,
    /// Seed of the prompts and of the noise that clips are made of
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// Number format of the products
    #[arg(long, default_value_t = Self::default().precision)]
    pub precision: NumberFormat,
}

impl Default for SamplesArgs {
    fn default() -> Self {
        Self {
            model: "kinora-run/model".into(),
            output: "kinora-samples".into(),
            prompts: 500,
            each: 4,
            seed: 0,
            precision: NumberFormat::Bf16,
        }
    }
}

/// Which model made samples, and of which seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// Of all the files of the model.
    pub model: String,
    seed: u64,
    /// Of each prompt.
    each: usize,
}

/// Makes what is missing. It can be stopped; a second run goes on.
///
/// # Errors
/// Settings that make no sense, a folder that is no model, samples of another model or seed in the folder, one that another
/// process writes; [`TrainError::Stopped`].
pub fn make(args: &SamplesArgs, observer: &dyn Observer) -> Result<()> {
    setting::count("--prompts", args.prompts as u64)?;
    let can_be = (2..=MOST_EACH).contains(&args.each);
    setting::require("--each", format!("2, to compare them, to {MOST_EACH}"), args.each, can_be)?;
    setting::require("--prompts", "less than 2^20", args.prompts, (args.prompts as u64) < SCENES_OF_SEED)?;
    setting::require("--seed", "less than 2^20", args.seed, args.seed < SCENES_OF_SEED)?;
    let device = Device::flex();
    let model = OwnSampler::open("--model", &args.model, &device)?;
    let guidance = model.info.native.guidance_scale;
    let expected = "a model that does without guidance (see --teacher of `kinora train denoiser`)";
    setting::require(
        "--model",
        expected,
        format!("a guidance of {guidance}"),
        !diffusion::is_guided(guidance),
    )?;
    let folder = args.model.join("vae");
    let config = AutoencoderConfig::load(&folder).map_err(TrainError::part("the autoencoder"))?;
    let vae = read_vae(&folder, &config, &device)?;
    let vae = vae.without_upsampler().unwrap_or(vae);
    let hash = fingerprint::of_model("--model", &args.model)?;
    // What is there stays.
    let clips = args.output.join(Subset::Clips.name());
    let count = (args.prompts * args.each).max(dataset::count(&clips)?);
    let made_by = MadeBy { model: hash, seed: args.seed, each: args.each };
    let header = Header::of_samples(&folder, config.z_dim(), count, made_by)?;
    let _lock = Lock::hold(&args.output)?;
    latents::begin(&args.output, &header)?;
    let mut writer = StoreWriter::open(&clips)?;
    let judge = Judge::embedded().map_err(TrainError::part("the judge"))?;
    let first = FIRST_SCENE + args.seed * SCENES_OF_SEED;
    let prompts = PromptSet::Seen.fitting(first).flatten().take(args.prompts).enumerate();
    let samples = Samples { model: &model, vae: &vae, judge: &judge, device: &device };
    let (mut right, mut judged) = (0, 0);
    for (index, prompt) in prompts.skip(writer.len() / args.each) {
        if observer.stopped() {
            return writer.stopped(count);
        }
        let made = args.precision.scope(|| samples.of_prompt(args, index, &prompt))?;
        for (item, bytes, is_right) in made.into_iter().skip(writer.len() - index * args.each) {
            writer.push(item, &bytes)?;
            judged += 1;
            right += usize::from(is_right);
        }
        let (done, state) =
            (writer.len() as f64 / count as f64, format!("{right} of {judged} show all of their prompts"));
        observer.progress(Progress { name: "samples", done, state: &state });
    }
    writer.sync()?;
    log::info!(
        "samples {} in {}; {right} of {judged} new ones show all of their prompts",
        writer.len(),
        args.output.display()
    );
    Ok(())
}

/// What makes samples and judges them.
struct Samples<'a> {
    model: &'a OwnSampler,
    vae: &'a Autoencoder,
    judge: &'a Judge,
    device: &'a Device,
}

impl Samples<'_> {
    /// The samples of the prompt at `index`: an item, its bytes, and whether it shows all of the prompt.
    fn of_prompt(
        &self,
        args: &SamplesArgs,
        index: usize,
        prompt: &Prompt,
    ) -> Result<Vec<(Item, Vec<u8>, bool)>> {
        let info = &self.model.info;
        let part = || TrainError::part::<engine::Error>("a sample");
        // As it would be made on request; the camera is the program's, and no latents show it.
        let request = VideoRequest {
            prompt: prompt.prompt.clone(),
            num_frames: Some(info.native.num_frames),
            ..VideoRequest::default()
        };
        let plan = request.resolve(info).map_err(part())?;
        let [channels, frames, height, width] = plan.latent_shape;
        let noises = (0..args.each).map(|sample| {
            let index = index * args.each + sample;
            let mut noise = noise(args.seed, Purpose::Sample, index as u64);
            noise.tensor([1, channels, frames, height, width], self.device)
        });
        let noise: Tensor<5> = Tensor::cat(noises.collect(), 0);
        // Nothing is planned.
        let told = vec![plan.readings[0].whole(); args.each];
        let latents = self.model.denoised([noise.zeros_like(), noise], 1.0, 0, &told, None)?;
        let latents = self.vae.denormalize(latents);
        let mut decoder = self.vae.decoder_stream(FloatDType::F32);
        let decoded = (0..frames).map(|frame| decoder.decode(latents.clone().narrow(2, frame, 1)));
        let video = Tensor::cat(decoded.collect(), 2);
        let clips = to_clips(video, plan.fps)?;
        let mut made = Vec::with_capacity(args.each);
        for (sample, clip) in clips.iter().enumerate() {
            let verdict = self
                .judge
                .judge_prompt(clip, &prompt.prompt)
                .map_err(TrainError::part("judging a sample"))?;
            let values = to_vec(latents.clone().narrow(0, sample, 1))?;
            let what = || format!("its sample {sample} of prompt {index}");
            let bytes = latents::to_f16(&values, &args.model, what)?;
            let (reward, is_right) = reward(&verdict);
            let item = Item {
                size: [frames, height, width],
                captions: vec![told[0].to_owned()],
                reward: Some(reward),
                ..Item::default()
            };
            made.push((item, bytes, is_right));
        }
        Ok(made)
    }
}

/// How well a clip shows its prompt, from 0 to 1, and whether it shows all of it without a flaw. Half of the reward is the mean of
/// the claims, half is for all of them at once. What the camera does is left out.
fn reward(verdict: &Verdict) -> (f64, bool) {
    let findings = || verdict.findings.iter().filter(|finding| finding.claim != Claim::Camera);
    let scores = findings().map(|f| f64::from(f.score) * 0.5 + if f.holds { 0.5 } else { 0.0 });
    let mean = scores.sum::<f64>() / findings().count().max(1) as f64;
    let is_right = findings().all(|finding| finding.holds);
    (0.5 * mean + if is_right { 0.5 } else { 0.0 }, is_right)
}
