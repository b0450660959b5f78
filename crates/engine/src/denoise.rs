//! The loop from noise to latents.

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use diffusion::{
    Noise, Step, classifier_free_guidance, sample_ddim, sample_ddpm, sample_euler, sample_unipc,
};
use models::wan::WanTransformer3d;

use crate::{Error, Observer, Plan, Progress, Result, Stage, finite::is_finite, timeline::Timeline};

/// What the denoiser is given, besides the latents.
pub(crate) struct Denoising<'a> {
    pub transformer: &'a WanTransformer3d,
    pub plan: &'a Plan,
    /// `[1, tokens, dim]`, of the prompt.
    pub context: Tensor<3>,
    /// Of what to avoid; not looked at without guidance.
    pub negative_context: Tensor<3>,
    /// Whether each latent frame has its own timestep.
    pub expand_timesteps: bool,
    pub timeline: Timeline,
}

impl Denoising<'_> {
    /// The latents that `noise`, `[1, channels, frames, height, width]`, becomes.
    pub fn run(
        &self,
        noise: Tensor<5>,
        variance: diffusion::Variance,
        observer: &mut dyn Observer,
    ) -> Result<Tensor<5>> {
        let Plan { schedule, sampler, request, guidance_scale, .. } = self.plan;
        let total = schedule.num_steps();
        report(observer, Stage::Denoise, 0, total)?;
        let velocity = |x: Tensor<5>, step: Step, context: &Tensor<3>| {
            Ok::<_, Error>(self.velocity(x, step, context.clone()))
        };
        let (context, negative) = (self.context.clone(), self.negative_context.clone());
        let mut guided = classifier_free_guidance(velocity, context, negative, *guidance_scale);
        let denoise = |x: Tensor<5>, step: Step| Ok(self.timeline.hold_known(guided(x, step)?));
        let after_step = |step: Step, x: Tensor<5>| match self.check(step, &x, observer) {
            Ok(()) => ControlFlow::Continue(x),
            Err(error) => ControlFlow::Break(error),
        };
        // Stream 0 of the seed is the noise at the start.
        let mut fresh = Noise::stream(request.seed, 1);
        let (shape, device) = (noise.dims(), noise.device());
        let fresh = |_: Step| fresh.tensor(shape, &device);
        match sampler {
            diffusion::Sampler::Euler => sample_euler(denoise, noise, schedule, after_step),
            diffusion::Sampler::UniPc => sample_unipc(denoise, noise, schedule, after_step),
            diffusion::Sampler::Ddpm => sample_ddpm(denoise, noise, schedule, variance, fresh, after_step),
            diffusion::Sampler::Ddim => sample_ddim(denoise, noise, schedule, 0.0, fresh, after_step),
        }
    }

    /// The model's answer to one context.
    fn velocity(&self, latents: Tensor<5>, step: Step, context: Tensor<3>) -> Tensor<5> {
        let groups = if self.expand_timesteps { self.plan.token_grid[0] } else { 1 };
        let timesteps = self.timeline.timesteps(step.timestep, groups, &latents.device());
        self.transformer.forward(latents, timesteps, context)
    }

    fn check(&self, step: Step, latents: &Tensor<5>, observer: &mut dyn Observer) -> Result<()> {
        if !is_finite(latents) {
            return Err(Error::NotFinite {
                stage: Stage::Denoise,
                step: step.index + 1,
                total: step.num_steps,
            });
        }
        report(observer, Stage::Denoise, step.index + 1, step.num_steps)
    }
}

/// Tells the observer, and fails if it cancels.
pub(crate) fn report(observer: &mut dyn Observer, stage: Stage, step: usize, total: usize) -> Result<()> {
    match observer.observe(Progress { stage, step, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled { stage, step, total }),
    }
}
