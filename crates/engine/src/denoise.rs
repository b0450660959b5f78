//! The loop from noise to latents.

use std::{cell::RefCell, ops::ControlFlow, sync::Arc};

use burn::tensor::{Tensor, TensorData};
use diffusion::{
    Levels, Sampler, Step, classifier_free_guidance, sample_ddim, sample_ddpm, sample_euler, sample_unipc,
};
use media::Clip;
use models::family::{Autoencoder, Denoiser, Text};

use crate::{
    Error, Observer, Plan, Preview, Progress, Result, Stage,
    canvas::{Beginning, Pinned},
    finite::is_finite,
    memory::Job,
    noise::Stream,
    parts::Part,
    preview::Projection,
    progress::{report, timed},
    state::State,
};

/// What the denoiser is given, besides the latents.
pub(crate) struct Denoising<'a> {
    /// The denoisers and the timestep from which each is asked, the one for the noisiest latents first.
    pub experts: &'a [(f64, Part<Denoiser>)],
    pub plan: &'a Plan,
    /// What the latents are of.
    pub autoencoder: &'a Autoencoder,
    /// Features of the pictures that the denoiser looks at, `[1, tokens, dim]`, if it does.
    pub pictures: Option<Tensor<3>>,
    /// The video that it is for.
    pub job: &'a Job,
    /// Where answers are kept, and may be already.
    pub state: Option<&'a State>,
    /// How they are shown while the video forms, if that is wanted.
    pub preview: Option<&'a Projection>,
}

/// A window, and what it is made of.
pub(crate) struct Canvas {
    /// Which of the plan's windows it is.
    pub index: usize,
    /// What it begins from,
    pub beginning: Beginning,
    /// and the noise of the others, `[1, channels, frames, height, width]`.
    pub noise: Tensor<5>,
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
    /// The latents that a canvas becomes.
    pub fn run(&self, canvas: Canvas, observer: &mut dyn Observer) -> Result<Denoised> {
        let Canvas { index, beginning, noise, context, negative_context } = canvas;
        let Beginning { levels, x_0, pinned, beside } = beginning;
        let Plan { sampler, request, guidance_scale, model, layout, .. } = self.plan;
        let schedule = &levels.schedule(&self.plan.schedule);
        let (own, whole, windows) =
            (schedule.num_steps(), self.plan.schedule.num_steps(), layout.windows.len());
        // Of several windows one that makes less anew begins later in its share of the steps.
        let (before, total) =
            if windows == 1 { (0, own) } else { ((index + 1) * whole - own, windows * whole) };
        let mut asked = Asked { experts: self.experts, job: self.job, current: None, load: 0.0 };
        asked.expert(schedule.timesteps()[0])?;
        report(observer, Stage::Denoise, before, total)?;
        let answer = |x: Tensor<5>, step: Step, &prompt: &Prompt| {
            let timesteps = self.timesteps(&levels, step, &x);
            let x = match &beside {
                Some(beside) => Tensor::cat(vec![x, beside.clone()], 1),
                None => x,
            };
            let expert = asked.expert(step.timestep)?;
            let text = expert.text(prompt, || {
                let context = match prompt {
                    Prompt::Positive => context.clone(),
                    Prompt::Negative => negative_context.clone(),
                };
                (context, self.pictures.clone())
            });
            Ok::<_, Error>(expert.denoiser.forward(x, timesteps, &text))
        };
        let guided = classifier_free_guidance(answer, Prompt::Positive, Prompt::Negative, *guidance_scale);
        let mut denoised = sampler.prediction().denoiser(guided);
        let denoised = move |x, step| Ok(self.pin(denoised(x, step)?, &pinned));
        let denoise = levels.hold(x_0.clone(), noise.clone(), denoised);
        let start = levels.start(x_0, noise, schedule);
        let mut denoise = self.kept(index, denoise);
        let (latest, is_shown) = (&RefCell::new(None), self.preview.is_some());
        let denoise = move |x: Tensor<5>, step: Step| {
            let answer = denoise(x, step)?;
            if is_shown {
                latest.replace(Some(answer.clone()));
            }
            Ok(answer)
        };
        let after_step = |step: Step, x: Tensor<5>| {
            let done = [before + step.index + 1, total];
            match check(done, &x, observer).and_then(|()| self.show(done, latest.take(), observer)) {
                Ok(()) => ControlFlow::Continue(x),
                Err(error) => ControlFlow::Break(error),
            }
        };
        let mut fresh = Stream::Steps.of(request.seed, index);
        let (shape, device) = (start.dims(), start.device());
        let fresh = |_: Step| fresh.tensor(shape, &device);
        let latents = match sampler {
            Sampler::Euler => sample_euler(denoise, start, schedule, after_step),
            Sampler::UniPc => sample_unipc(denoise, start, schedule, after_step),
            Sampler::Ddpm => {
                let variance = model.scheduler.variance().unwrap_or_default();
                sample_ddpm(denoise, start, schedule, variance, fresh, after_step)
            }
            Sampler::Ddim => sample_ddim(denoise, start, schedule, 0.0, fresh, after_step),
        };
        // It makes room for the frames.
        asked.forget();
        Ok(Denoised { latents: latents?, load: asked.load })
    }

    /// Shows an answer.
    fn show(
        &self,
        [step, total]: [usize; 2],
        answer: Option<Tensor<5>>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let (Some(projection), Some(x_0)) = (self.preview, answer.filter(|_| observer.wants_previews()))
        else {
            return Ok(());
        };
        let fps = self.plan.fps / self.plan.model.autoencoder.scale_factors()[0] as f64;
        let fps = fps.clamp(*Clip::FPS_RANGE.start(), *Clip::FPS_RANGE.end());
        let clip = projection.pictures(self.autoencoder.denormalize(x_0), fps)?;
        observer.preview(&Preview { clip, progress: Progress { stage: Stage::Denoise, step, total } });
        Ok(())
    }

    /// A `denoise` that looks first whether its answer was given before.
    fn kept(
        &self,
        window: usize,
        mut denoise: impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>>,
    ) -> impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>> {
        move |x, step| {
            let Some(state) = self.state else { return denoise(x, step) };
            if let Some(answer) = state.answer(window, step.index, x.dims(), &x.device()) {
                return Ok(answer);
            }
            let answer = denoise(x, step)?;
            state.keep(window, step.index, &answer)?;
            Ok(answer)
        }
    }

    /// What the model says, corrected where it is known.
    fn pin(&self, x_0: Tensor<5>, pinned: &Option<Pinned>) -> Tensor<5> {
        let Some(Pinned { video, mask }) = pinned else { return x_0 };
        let raw = self.autoencoder.denormalize(x_0.clone());
        match self.autoencoder.pin(raw, video.clone(), mask.clone()) {
            Some(latents) => self.plan.model.autoencoder.normalize(latents),
            None => x_0,
        }
    }

    /// What the model is told about time, `[1, groups]`: a timestep for each row of tokens in time, or for each token if
    /// those of a row differ, or one for the clip.
    fn timesteps(&self, levels: &Levels, step: Step, latents: &Tensor<5>) -> Tensor<2> {
        let [_, _, frames, height, width] = latents.dims();
        let patch = self.plan.model.denoiser().patch_size();
        let groups = match () {
            () if !self.plan.model.expand_timesteps => [1; 3],
            () if levels.is_by_frame() => [frames / patch[0], 1, 1],
            () => [frames / patch[0], height / patch[1], width / patch[2]],
        };
        let timesteps = levels.timesteps(step.timestep, groups);
        let count = timesteps.len();
        Tensor::from_data(TensorData::new(timesteps, [1, count]), &latents.device())
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
    /// What it looks at of a prompt, whose context is `[1, tokens, dim]`, and of pictures.
    fn text(&mut self, prompt: Prompt, seen: impl FnOnce() -> (Tensor<3>, Option<Tensor<3>>)) -> Text {
        let Self { denoiser, texts, .. } = self;
        let read = || {
            let (context, pictures) = seen();
            denoiser.read_with_pictures(context, pictures)
        };
        texts[prompt as usize].get_or_insert_with(read).clone()
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

fn check([step, total]: [usize; 2], latents: &Tensor<5>, observer: &mut dyn Observer) -> Result<()> {
    if !is_finite(latents) {
        return Err(Error::NotFinite { stage: Stage::Denoise, step, total });
    }
    report(observer, Stage::Denoise, step, total)
}
