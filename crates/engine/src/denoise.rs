//! The loop from noise to latents.

use std::{ops::ControlFlow, sync::Arc};

use burn::tensor::{Tensor, TensorData};
use diffusion::{
    Noise, Sampler, Step, classifier_free_guidance, sample_ddim, sample_ddpm, sample_euler, sample_unipc,
};
use models::family::{Denoiser, Text};

use crate::{
    Error, Observer, Plan, Result, Stage,
    finite::is_finite,
    memory::Job,
    noise::Stream,
    parts::Part,
    progress::{report, timed},
};

/// What the denoiser is given, besides the latents.
pub(crate) struct Denoising<'a> {
    /// The denoisers and the timestep from which each is asked, the one for the noisiest latents first.
    pub experts: &'a [(f64, Part<Denoiser>)],
    pub plan: &'a Plan,
    /// The video that it is for.
    pub job: &'a Job,
    /// `[1, tokens, dim]`, of the prompt.
    pub context: Tensor<3>,
    /// Of what to avoid; not looked at without guidance.
    pub negative_context: Tensor<3>,
}

/// Latents, and the seconds that were spent on reading weights meanwhile.
pub(crate) struct Denoised {
    pub latents: Tensor<5>,
    pub load: f64,
}

impl Denoising<'_> {
    /// The latents that `noise`, `[1, channels, frames, height, width]`, becomes.
    pub fn run(&self, noise: Tensor<5>, observer: &mut dyn Observer) -> Result<Denoised> {
        let Plan { schedule, sampler, request, guidance_scale, timeline, model, .. } = self.plan;
        let mut asked = Asked { experts: self.experts, job: self.job, current: None, load: 0.0 };
        asked.expert(schedule.timesteps()[0])?;
        report(observer, Stage::Denoise, 0, schedule.num_steps())?;
        let answer = |x: Tensor<5>, step: Step, &prompt: &Prompt| {
            let timesteps = self.timesteps(step, &x);
            let expert = asked.expert(step.timestep)?;
            let text = expert.text(prompt, || match prompt {
                Prompt::Positive => self.context.clone(),
                Prompt::Negative => self.negative_context.clone(),
            });
            Ok::<_, Error>(expert.denoiser.forward(x, timesteps, &text))
        };
        let guided = classifier_free_guidance(answer, Prompt::Positive, Prompt::Negative, *guidance_scale);
        // Where nothing is known, what is known is not looked at.
        let denoise = timeline.hold(noise.clone(), sampler.prediction().denoiser(guided));
        let after_step = |step: Step, x: Tensor<5>| match check(step, &x, observer) {
            Ok(()) => ControlFlow::Continue(x),
            Err(error) => ControlFlow::Break(error),
        };
        let mut fresh = Noise::stream(request.seed, Stream::Steps as u64);
        let (shape, device) = (noise.dims(), noise.device());
        let fresh = |_: Step| fresh.tensor(shape, &device);
        let latents = match sampler {
            Sampler::Euler => sample_euler(denoise, noise, schedule, after_step),
            Sampler::UniPc => sample_unipc(denoise, noise, schedule, after_step),
            Sampler::Ddpm => {
                let variance = model.scheduler.variance().unwrap_or_default();
                sample_ddpm(denoise, noise, schedule, variance, fresh, after_step)
            }
            Sampler::Ddim => sample_ddim(denoise, noise, schedule, 0.0, fresh, after_step),
        };
        // It makes room for the frames.
        asked.forget();
        Ok(Denoised { latents: latents?, load: asked.load })
    }

    /// What the model is told about time, `[1, groups]`: a timestep for each row of tokens in time, or one for the
    /// clip.
    fn timesteps(&self, step: Step, latents: &Tensor<5>) -> Tensor<2> {
        let groups = if self.plan.model.expand_timesteps { self.plan.token_grid[0] } else { 1 };
        let timesteps = self.plan.timeline.at(step.timestep).by_group(groups);
        Tensor::from_data(TensorData::new(timesteps, [1, groups]), &latents.device())
    }
}

/// Which of the two prompts an answer is to.
#[derive(Clone, Copy)]
enum Prompt {
    Positive,
    Negative,
}

/// The expert that was asked last: where none is kept, there is room for one.
struct Asked<'a> {
    experts: &'a [(f64, Part<Denoiser>)],
    job: &'a Job,
    current: Option<Expert>,
    load: f64,
}

/// A denoiser, and what it has read.
struct Expert {
    index: usize,
    denoiser: Arc<Denoiser>,
    /// Of each [`Prompt`], once an answer to it was asked for: it looks at the same at every step.
    texts: [Option<Text>; 2],
}

impl Expert {
    /// What it looks at of a prompt, whose context is `[1, tokens, dim]`.
    fn text(&mut self, prompt: Prompt, context: impl FnOnce() -> Tensor<3>) -> Text {
        let Self { denoiser, texts, .. } = self;
        texts[prompt as usize].get_or_insert_with(|| denoiser.read(context())).clone()
    }
}

impl Asked<'_> {
    /// The expert for a timestep.
    fn expert(&mut self, timestep: f64) -> Result<&mut Expert> {
        let last = self.experts.len() - 1;
        let index = self.experts.iter().position(|(from, _)| timestep >= *from).unwrap_or(last);
        if self.current.as_ref().is_none_or(|current| current.index != index) {
            self.forget();
            let (denoiser, seconds) = timed(|| self.experts[index].1.get());
            let denoiser = denoiser?;
            self.load += seconds;
            self.current = Some(Expert { index, denoiser, texts: [None, None] });
        }
        Ok(self.current.as_mut().expect("just put there"))
    }

    /// Drops the expert, unless it is kept.
    fn forget(&mut self) {
        if let Some(expert) = self.current.take() {
            self.job.drop_part(expert.denoiser);
        }
    }
}

fn check(step: Step, latents: &Tensor<5>, observer: &mut dyn Observer) -> Result<()> {
    if !is_finite(latents) {
        return Err(Error::NotFinite { stage: Stage::Denoise, step: step.index + 1, total: step.num_steps });
    }
    report(observer, Stage::Denoise, step.index + 1, step.num_steps)
}
