//! The loop from noise to latents.

use std::{ops::ControlFlow, sync::Arc};

use burn::tensor::{Tensor, TensorData};
use diffusion::{
    Noise, Sampler, Step, classifier_free_guidance, sample_ddim, sample_ddpm, sample_euler, sample_unipc,
};
use models::family::Denoiser;

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
        let answer = |x: Tensor<5>, step: Step, context: &Tensor<3>| {
            let timesteps = self.timesteps(step, &x);
            Ok::<_, Error>(asked.expert(step.timestep)?.forward(x, timesteps, context.clone()))
        };
        let (context, negative) = (self.context.clone(), self.negative_context.clone());
        let guided = classifier_free_guidance(answer, context, negative, *guidance_scale);
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

/// The expert that was asked last: where none is kept, there is room for one.
struct Asked<'a> {
    experts: &'a [(f64, Part<Denoiser>)],
    job: &'a Job,
    current: Option<(usize, Arc<Denoiser>)>,
    load: f64,
}

impl Asked<'_> {
    /// The expert for a timestep.
    fn expert(&mut self, timestep: f64) -> Result<Arc<Denoiser>> {
        let last = self.experts.len() - 1;
        let index = self.experts.iter().position(|(from, _)| timestep >= *from).unwrap_or(last);
        if let Some((_, expert)) = self.current.as_ref().filter(|(current, _)| *current == index) {
            return Ok(expert.clone());
        }
        self.forget();
        let (expert, seconds) = timed(|| self.experts[index].1.get());
        let expert = expert?;
        self.load += seconds;
        self.current = Some((index, expert.clone()));
        Ok(expert)
    }

    /// Drops the expert, unless it is kept.
    fn forget(&mut self) {
        if let Some(expert) = self.current.take() {
            self.job.drop_part(expert);
        }
    }
}

fn check(step: Step, latents: &Tensor<5>, observer: &mut dyn Observer) -> Result<()> {
    if !is_finite(latents) {
        return Err(Error::NotFinite { stage: Stage::Denoise, step: step.index + 1, total: step.num_steps });
    }
    report(observer, Stage::Denoise, step.index + 1, step.num_steps)
}
