//! The denoiser as an objective of the trainer.

use std::{borrow::Cow, path::Path};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use diffusion::{NUM_TRAIN_TIMESTEPS, Timeline, flow_velocity};
use engine::track_code;
use models::{
    ModelConfig,
    family::{Autoencoder, AutoencoderConfig},
    wan::{WanTransformer3d, WanTransformer3dConfig},
};

use super::{
    Denoiser, DenoiserArgs, Naming,
    batch::{TrainingSet, eventless},
    buckets::Buckets,
    emphasis::Emphasis,
    export,
    judged::Reference,
    noised::Noised,
    sample,
    teacher::Teacher,
};
use crate::{
    dataset::{Crop, Subset},
    error::{Result, TrainError},
    initial::{Growth, Parameters},
    latents::read_vae,
    log::Figures,
    optim::LrScale,
    parameters::to_scalar,
    random::{Purpose, noise},
    setting,
    timeline::EVALUATED,
    tokenizer::PromptTokenizer,
    trainer::{Moment, Objective},
};

/// The one of these at which other prompts are tried. Before, the noisy latents tell more than the prompt: a mean over
/// thousands of values shows ground and light through nine parts of noise.
const OTHER_PROMPT_AT: f64 = EVALUATED[3];

pub struct DenoiserObjective<'a> {
    args: &'a DenoiserArgs,
    training: TrainingSet,
    validation: Buckets,
    vae: Autoencoder,
    tokenizer: PromptTokenizer,
    /// Whose velocities are learnt in place of those of the latents.
    teacher: Option<Teacher>,
    /// What made the samples, if these are learnt from.
    reference: Option<Reference>,
    /// What the exported model has to plan with.
    planner: Option<WanTransformer3d>,
    device: Device,
}

impl<'a> DenoiserObjective<'a> {
    pub fn new(
        args: &'a DenoiserArgs,
        vae: &AutoencoderConfig,
        tokenizer: PromptTokenizer,
        device: Device,
    ) -> Result<Self> {
        let planner = export::planner(args, vae, &device)?;
        let training = TrainingSet::open(args, vae, &device)?;
        let validation = Buckets::open(&args.latents, Subset::Validation, vae, &device)?;
        let validation =
            if args.tracks { validation.name(&args.latents, Subset::Validation, vae)? } else { validation };
        let transformer = args.transformer(vae.z_dim(), vae.scale_factors()[0]);
        for shape in training.shapes().chain(validation.shapes()) {
            transformer.token_grid(shape).map_err(TrainError::part("the latents' size"))?;
        }
        let vae = read_vae(&args.vae, vae, &device)?;
        let teacher =
            args.teacher.as_deref().map(|folder| Teacher::open(folder, !args.tracks, &tokenizer, &device));
        let reference =
            args.reference.as_deref().map(|folder| Reference::open(folder, args.judged_strength, &device));
        let (teacher, reference) = (teacher.transpose()?, reference.transpose()?);
        Ok(Self { args, training, validation, vae, tokenizer, teacher, reference, planner, device })
    }

    /// The context of prompts, free of gradients if the text encoder stays as it is.
    fn context(&self, model: &Denoiser, prompts: &[&str]) -> Result<Tensor<3>> {
        match self.args.freeze_text_encoder {
            true => model.valid().context(prompts, &self.tokenizer, &self.device),
            false => model.context(prompts, &self.tokenizer, &self.device),
        }
    }

    /// How far the velocities are from those of the latents, from the teacher's, or, where there are `advantages`, from where these
    /// say that the reference's should go. `tap` is shown the tokens behind each
    /// block, see [`WanTransformer3d::forward_tapped`](models::wan::WanTransformer3d::forward_tapped).
    fn loss_of(
        &self,
        model: &Denoiser,
        [latents, noise]: [Tensor<5>; 2],
        Told { planes, falling, advantages, own_guidance, emphasis, of_nothing }: Told,
        (prompts, timelines): (&[&str], &[Timeline]),
        tap: impl FnMut(usize, &Tensor<3>),
    ) -> Result<Wrong> {
        let noised = Noised::new(latents.clone(), noise.clone(), timelines);
        let (tokenizer, device) = (&self.tokenizer, &self.device);
        // What is shown tracks learns from the latents; see `--teacher`.
        let teacher = self.teacher.as_ref().filter(|_| planes.is_none() && !of_nothing);
        let velocity = match (teacher, &self.reference, advantages) {
            (Some(teacher), ..) => teacher.velocity(&noised, prompts, tokenizer, device)?,
            (None, Some(reference), Some(advantages)) => {
                let clip = flow_velocity(latents, noise);
                reference.velocity(&noised, [clip, advantages], prompts, tokenizer, device)?
            }
            _ => flow_velocity(latents, noise),
        };
        let is_guided = own_guidance > 0.0 && teacher.is_none() && !of_nothing;
        let away = is_guided.then(|| self.says_of_nothing(model, &noised, prompts.len())).transpose()?;
        let text = model.transformer.read(self.context(model, prompts)?);
        let Noised { x_t, timesteps, .. } = noised.clone();
        let weights = planes.as_ref().zip(falling).map(|(planes, falling)| {
            let (presence, loud) = track_code(self.vae.config().scale_factors()[0]).presence();
            let shares = planes.clone().narrow(1, presence.start, presence.len()).mean_dim(1) / loud;
            emphasis.weights(shares, falling)
        });
        let seen = match planes {
            Some(planes) => Tensor::cat(vec![x_t, planes], 1),
            None => x_t,
        };
        let predicted = model.transformer.forward_tapped(seen, timesteps, &text, tap);
        let velocity = match away {
            // The model's own answer is in its goal (Tang et al. 2025, "Diffusion models without classifier-free guidance"): it stands
            // where it says `away + (velocity - away) / (1 - own_guidance)`.
            Some(away) => velocity + (predicted.clone().detach() - away) * own_guidance,
            None => velocity,
        };
        let weights = weights.unwrap_or_else(|| noised.alike(&predicted));
        Ok(Wrong {
            by: noised.weighted_error(predicted.clone(), velocity.clone(), weights.clone()),
            changes: noised.weighted_change(predicted, velocity, weights),
        })
    }

    /// What the model says when it is told nothing, free of gradients.
    fn says_of_nothing(&self, model: &Denoiser, noised: &Noised, count: usize) -> Result<Tensor<5>> {
        let model = model.valid();
        let nothing = model.context(&vec![""; count], &self.tokenizer, &self.device)?;
        let Noised { x_t, timesteps, .. } = noised.clone();
        Ok(model.transformer.forward(x_t, timesteps, &model.transformer.read(nothing)))
    }
}

/// Channels that the denoiser in a folder, of diffusers parts or of a run, is shown behind its latents.
fn shown_channels(folder: &Path) -> usize {
    let parts = [folder.join("transformer"), folder.join("model/transformer")];
    let found = parts.iter().find_map(|part| WanTransformer3dConfig::load(part).ok());
    found.map_or(0, |config| config.shown_channels)
}

/// How wrong velocities are.
struct Wrong {
    /// See [`Noised::weighted_error`].
    by: Tensor<1>,
    /// See [`Noised::weighted_change`].
    changes: Tensor<1>,
}

/// What is known of a batch besides its prompts, and what is to be learnt from it.
struct Told {
    /// Where things are.
    planes: Option<Tensor<5>>,
    /// Whether it rains or snows, 1 or 0, `[batch, 1, 1, 1, 1]`; none where all counts alike.
    falling: Option<Tensor<5>>,
    /// Of samples.
    advantages: Option<Tensor<5>>,
    /// How strongly the model guides itself, from 0 to 1.
    own_guidance: f64,
    /// What counts more than other things.
    emphasis: Emphasis,
    /// Whether nothing is told.
    of_nothing: bool,
}

impl Objective for DenoiserObjective<'_> {
    type Model = Denoiser;
    const NAME: &'static str = "denoiser";

    fn loss(&self, model: &Denoiser, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let batch = self.training.batch(self.args, moment)?;
        let shape = batch.latents.dims();
        let noise = noise(moment.seed, Purpose::Batch, moment.batch).tensor(shape, &self.device);
        let mut features = None;
        let named_after = (self.args.num_layers / 2).max(1);
        let prompts: Vec<&str> = batch.prompts.iter().map(AsRef::as_ref).collect();
        let told = (prompts.as_slice(), batch.timelines.as_slice());
        let about = Told {
            planes: batch.planes,
            falling: batch.falling,
            advantages: batch.advantages,
            own_guidance: self.args.own_guidance.at(moment.progress),
            emphasis: self.args.emphasis(),
            of_nothing: batch.of_nothing,
        };
        let wrong = self.loss_of(model, [batch.latents, noise], about, told, |block, x| {
            if block + 1 == named_after {
                features = Some(x.clone());
            }
        })?;
        let loss = match self.args.change_weight {
            0.0 => wrong.by,
            weight => wrong.by + wrong.changes * weight,
        };
        let figures = Figures::new().with("frames", shape[2] as f64);
        let (Some(naming), Some(features), Some(targets)) = (&model.naming, features, batch.targets) else {
            return Ok((loss, figures));
        };
        let losses = naming.losses(features, targets);
        let naming = losses.clone().sum();
        let figures = figures.with("naming_loss", f64::from(to_scalar(naming.clone())?));
        let figures = figures.and(Naming::figures(losses)?);
        Ok((loss + naming * self.args.naming_weight.at(moment.progress), figures))
    }

    /// The text encoder's steps are relative: as in T5, its embeddings begin up to a hundred times larger than its
    /// matrices.
    /// With one learning rate for all, these grew until every token of a prompt was the same long vector.
    ///
    /// The biases that would give padding a key of its own stay zero. Wan does not mask the padding of prompts. While
    /// words mean nothing yet, a head that looks at padding alone is rid of them, and from there no gradient leads
    /// back: of 32 heads 27 ended so. Without these biases padding has a logit of 0, whatever is asked.
    fn lr_scale(&self, name: &str) -> LrScale {
        let of_padding = name.contains(".text_embedder.") && name.ends_with(".bias");
        match name {
            _ if of_padding || name.ends_with(".attn2.to_k.bias") => LrScale::Frozen,
            _ if name.starts_with("text_encoder.") && self.args.freeze_text_encoder => LrScale::Frozen,
            _ if name.starts_with("text_encoder.") => LrScale::Relative,
            _ => LrScale::Absolute,
        }
    }

    fn is_hidden(&self, name: &str) -> bool {
        let is_inside = ["transformer.blocks.", "transformer.details.blocks.", "transformer.details.told."]
            .iter()
            .any(|part| name.starts_with(part));
        is_inside && !name.ends_with("scale_shift_table")
    }

    /// Latents may have got more channels, which come behind the old ones, and the transformer more blocks, which begin by
    /// adding nothing.
    fn growth(&self, name: &str, shape: &[usize]) -> Growth {
        const ADDS: [&str; 3] = [".attn1.to_out.", ".attn2.to_out.", ".ffn.proj_out."];
        let mut grid = shape.to_vec();
        if name.starts_with("transformer.proj_out.") {
            let patch = self.args.latent_patch.pow(2);
            grid.splice(..1, [patch, shape[0] / patch]);
        }
        let block = name.strip_prefix("transformer.blocks.").and_then(|rest| rest.split_once('.'));
        let beside = block
            .filter(|_| ADDS.iter().any(|adds| name.contains(adds)))
            .map(|(_, layer)| format!("transformer.blocks.0.{layer}"));
        Growth { grid, beside }
    }

    /// Of a model of other latents, what it says of the channels that are chosen; and where planes come behind other latents than its own,
    /// or are shown to one of them alone, each where it belongs.
    fn adapt(&self, other: &mut Parameters, folder: &Path) -> Result<()> {
        const IN: &str = "transformer.patch_embedding.weight";
        const OUT: &str = "transformer.proj_out";
        let chosen = &self.args.init_channels;
        let patch = self.args.latent_patch.pow(2);
        let shape =
            |name: &str| other.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.shape);
        let [Some(into), Some(out)] = [shape(IN), shape(&format!("{OUT}.bias"))] else { return Ok(()) };
        // Of its channels those behind the latents are planes. It answers each latent, and has a gate for each if there are any.
        let (inputs, answers) = (into[1], out[0] / patch);
        let theirs = inputs - shown_channels(folder).min(inputs);
        let has_gates = answers == 2 * theirs;
        let channels = self.vae.config().z_dim();
        let planes =
            (0..self.args.transformer(channels, self.vae.config().scale_factors()[0]).shown_channels)
                .map(|plane| Some(theirs + plane).filter(|plane| *plane < inputs));
        if chosen.is_empty() {
            let is_alike = into[2..] == [1, self.args.latent_patch, self.args.latent_patch];
            if is_alike && theirs <= channels && inputs >= theirs {
                let latents = (0..channels).map(|channel| Some(channel).filter(|channel| *channel < theirs));
                other.choose(IN, 1, inputs, &latents.chain(planes).collect::<Vec<_>>());
            }
            return Ok(());
        }
        setting::channels("--init-channels", chosen, theirs)?;
        let of_latents = format!("at most {channels}, as these latents have");
        setting::require("--init-channels", of_latents, chosen.len(), chosen.len() <= channels)?;
        if into[2..] != [1, self.args.latent_patch, self.args.latent_patch]
            || has_gates != self.args.preconditioned_after.is_some()
        {
            return Err(TrainError::Mismatch {
                path: folder.into(),
                what: "patches and gates of the denoiser".into(),
                expected: "those of this one, to choose --init-channels of".into(),
                found: format!("patches of {:?}, {answers} outputs for {theirs} channels", &into[2..]),
            });
        }
        let of_part = |start: usize| {
            (0..channels)
                .map(move |channel| chosen.get(channel).map(|channel| start + channel))
                .collect::<Vec<_>>()
        };
        let parts = if has_gates { 2 } else { 1 };
        let outputs = (0..parts).flat_map(|part| of_part(part * theirs)).collect::<Vec<_>>();
        other.choose(IN, 1, inputs, &of_part(0).into_iter().chain(planes).collect::<Vec<_>>());
        for part in ["weight", "bias"] {
            other.choose(&format!("{OUT}.{part}"), 0, answers, &outputs);
        }
        Ok(())
    }

    /// The loss at fixed timesteps, that with the first frame known, and that with the prompt of another clip: where
    /// it is no higher, the model does not listen to its prompts. (A teacher answers to the other prompt, too.)
    fn evaluate(&self, model: &Denoiser) -> Result<Figures> {
        let items = self.validation.largest();
        let items = &items[..items.len().min(self.args.evaluate_clips)];
        let frames = self.validation.latents.store().items()[items[0]].size[0];
        let at = |t: f64| t * NUM_TRAIN_TIMESTEPS as f64;
        let shared = |t: f64| Timeline::shared(frames, at(t));
        let first = (0..frames).map(|frame| frame == 0 && frames > 1).collect();
        let asked = EVALUATED.map(|t| (format!("loss_at_{t}"), shared(t), 0)).into_iter().chain([
            ("loss_first_frame_known".to_owned(), Timeline::known(first, at(0.5)), 0),
            ("loss_other_prompt".to_owned(), shared(OTHER_PROMPT_AT), 1),
        ]);
        let mut figures = Figures::new();
        for (name, timeline, other) in asked {
            let mut noise = noise(self.args.run.seed, Purpose::Evaluation, 0);
            let (mut sum, mut changes, mut count) = (0.0, 0.0, 0.0);
            for indices in items.chunks(self.args.batch_clips) {
                let latents = self.validation.normalized(indices, frames)?;
                let noise = noise.tensor(latents.dims(), &self.device);
                // As the model will be asked.
                let asked = |&index: &usize| {
                    let caption = self.validation.captions(index).first().map_or("", String::as_str);
                    let caption = Cow::Borrowed(caption);
                    if self.args.is_told_by_tracks_alone() { eventless(caption) } else { caption }
                };
                let captions: Vec<Cow<'_, str>> = indices.iter().map(asked).collect();
                let mut prompts: Vec<&str> = captions.iter().map(AsRef::as_ref).collect();
                prompts.rotate_left(other % indices.len());
                let timelines = vec![timeline.clone(); indices.len()];
                let whole =
                    Crop { start: [0; 3], size: self.validation.latents.store().items()[indices[0]].size };
                let boxes: Vec<_> = indices.iter().map(|&index| (index, whole)).collect();
                let items = self.validation.latents.store().items();
                let truths = self.validation.truths.as_ref();
                let planes = truths
                    .map(|truths| truths.planes(items, &boxes, self.args.shown(), &self.device))
                    .transpose()?;
                let about = Told {
                    planes,
                    falling: None,
                    advantages: None,
                    own_guidance: 0.0,
                    emphasis: Emphasis::default(),
                    of_nothing: false,
                };
                let told = (prompts.as_slice(), timelines.as_slice());
                let wrong = self.loss_of(model, [latents, noise], about, told, |_, _| ())?;
                sum += f64::from(to_scalar(wrong.by)?) * indices.len() as f64;
                changes += f64::from(to_scalar(wrong.changes)?) * indices.len() as f64;
                count += indices.len() as f64;
            }
            let of_changes = name.strip_prefix("loss_at_").map(|t| format!("changes_at_{t}"));
            figures.push(name, sum / count);
            if let Some(name) = of_changes {
                figures.push(name, changes / count);
            }
        }
        Ok(figures)
    }

    fn sample(&self, model: &Denoiser, path: &Path) -> Result<()> {
        let folder = tempfile::tempdir().map_err(TrainError::io(path))?;
        let exported = folder.path().join("model");
        export::export(model, (&self.vae, self.planner.as_ref()), &self.tokenizer, self.args, &exported)?;
        sample::draw_sheet(&exported, &self.training.clips, &self.vae.config(), self.args, path)
    }

    fn export(&self, model: &Denoiser, folder: &Path) -> Result<()> {
        export::export(
            model,
            (&self.vae, self.planner.as_ref()),
            &self.tokenizer,
            self.args,
            &folder.join("model"),
        )
    }

    fn read(&self, folder: &Path) -> Result<Denoiser> {
        Denoiser::read(folder, &self.device)
    }
}
