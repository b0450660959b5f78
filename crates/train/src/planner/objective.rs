//! The planner as an objective of the trainer.

use std::{collections::HashMap, path::Path};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use diffusion::{NUM_TRAIN_TIMESTEPS, Timeline, flow_velocity};
use engine::{KnownTracks, Planner};
use media::{Clip, SheetLayout, SheetRow};
use models::{
    ModelConfig,
    family::Denoiser,
    umt5::Umt5Encoder,
    wan::{WanTransformer3d, WanTransformer3dConfig},
    weights::{Precision, load, save_folder},
};
use rand_chacha::ChaCha8Rng;
use world::Split;

use super::{
    PlannerArgs,
    batch::{Planned, latents, shapes},
    sketch::sketch,
};
use crate::{
    denoiser::Noised,
    error::{Result, TrainError},
    files,
    initial::Parameters,
    log::Figures,
    parameters::to_scalar,
    random::{Purpose, noise, rng},
    timeline::EVALUATED,
    tokenizer::PromptTokenizer,
    tracks,
    trainer::{Moment, Objective},
};

/// Scenes on a sample sheet, each as it is and as it is planned.
const SHEET_SCENES: usize = 6;
const SHEET: SheetLayout = SheetLayout { frames_per_clip: 5, clips_across: 2 };

pub struct PlannerObjective<'a> {
    args: &'a PlannerArgs,
    text_encoder: Umt5Encoder,
    tokenizer: PromptTokenizer,
    /// Of combinations that training never shows.
    held_out: Vec<Planned>,
    device: Device,
}

impl<'a> PlannerObjective<'a> {
    pub fn new(
        args: &'a PlannerArgs,
        text_encoder: Umt5Encoder,
        tokenizer: PromptTokenizer,
        device: Device,
    ) -> Self {
        let mut rng = rng(args.run.seed, Purpose::Evaluation, u64::MAX);
        let held_out = Planned::draw(args.evaluate_scenes, Split::HeldOut, args, &mut rng);
        Self { args, text_encoder, tokenizer, held_out, device }
    }

    fn context(&self, prompts: &[&str]) -> Result<Tensor<3>> {
        self.tokenizer.context(&self.text_encoder, prompts, &self.device)
    }

    fn loss_of(
        &self,
        model: &WanTransformer3d,
        planned: &[Planned],
        noise: &mut diffusion::Noise,
        timelines: &[Timeline],
        rng: &mut ChaCha8Rng,
    ) -> Result<Tensor<1>> {
        let (code, frames) = (self.args.code(), self.args.latent_frames());
        let latents = latents(planned, code, frames, &self.device);
        let noise = noise.tensor(latents.dims(), &self.device);
        let noised = Noised::new(latents.clone(), noise.clone(), timelines);
        let prompts: Vec<&str> = planned.iter().map(|scene| scene.prompt.as_str()).collect();
        let text = model.read(self.context(&prompts)?);
        let x_t = tracks::hide(noised.x_t.clone(), &[code.poses()], timelines, 0.0, rng);
        let seen = Tensor::cat(vec![x_t, shapes(planned, code, frames, &self.device)], 1);
        let predicted = model.forward(seen, noised.timesteps.clone(), &text);
        Ok(noised.squared_error(predicted, flow_velocity(latents, noise)))
    }
}

impl Objective for PlannerObjective<'_> {
    type Model = WanTransformer3d;
    const NAME: &'static str = "planner";

    fn loss(&self, model: &WanTransformer3d, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let args = self.args;
        let planned = Planned::draw(args.batch_scenes, Split::Train, args, &mut rng);
        let frames = args.latent_frames();
        let timeline = |scene: &Planned| match scene.known {
            Some(known) => args.timeline.after(known, frames, &mut rng),
            None => args.timeline.sample(frames, &mut rng),
        };
        let timelines: Vec<Timeline> = planned.iter().map(timeline).collect();
        let mut noise = noise(moment.seed, Purpose::Batch, moment.batch);
        Ok((self.loss_of(model, &planned, &mut noise, &timelines, &mut rng)?, Figures::new()))
    }

    fn is_hidden(&self, name: &str) -> bool {
        name.starts_with("blocks.") && !name.ends_with("scale_shift_table")
    }

    /// Of a planner of fewer numbers, behind which it is shown the shape of the picture, too.
    fn adapt(&self, other: &mut Parameters, _folder: &Path) -> Result<()> {
        grow_into(other, self.args.code().channels());
        Ok(())
    }

    /// The loss at fixed timesteps.
    fn evaluate(&self, model: &WanTransformer3d) -> Result<Figures> {
        let mut figures = Figures::new();
        for t in EVALUATED {
            let mut noise = noise(self.args.run.seed, Purpose::Evaluation, 0);
            let timeline = Timeline::shared(self.args.latent_frames(), t * NUM_TRAIN_TIMESTEPS as f64);
            let mut sum = 0.0;
            for planned in self.held_out.chunks(self.args.batch_scenes) {
                let timelines = vec![timeline.clone(); planned.len()];
                let mut rng = rng(self.args.run.seed, Purpose::Evaluation, 0);
                let loss = self.loss_of(model, planned, &mut noise, &timelines, &mut rng)?;
                sum += f64::from(to_scalar(loss)?) * planned.len() as f64;
            }
            figures.push(format!("loss_at_{t}"), sum / self.held_out.len() as f64);
        }
        Ok(figures)
    }

    /// Held-out scenes, each beside what is planned for its prompt.
    fn sample(&self, model: &WanTransformer3d, path: &Path) -> Result<()> {
        let drawing = "drawing samples";
        let planner = Planner::new(Denoiser::Wan(model.clone().valid()), self.args.code());
        let scenes = &self.held_out[..self.held_out.len().min(SHEET_SCENES)];
        let mut clips = Vec::with_capacity(2 * scenes.len());
        for (index, scene) in scenes.iter().enumerate() {
            let contexts = [self.context(&[&scene.prompt])?, self.context(&[""])?];
            let mut noise = noise(self.args.run.seed, Purpose::Sample, index as u64);
            let size = [scene.spec.width, scene.spec.height];
            let known = KnownTracks::nothing(self.args.latent_frames());
            let tracks = planner.plan(contexts, size, &known, &mut noise);
            for tracks in [&scene.tracks, &tracks.map_err(TrainError::part(drawing))?] {
                let pixels = sketch(tracks, &scene.spec);
                let clip = Clip::new(size[0], size[1], f64::from(scene.spec.fps), pixels);
                clips.push(clip.map_err(TrainError::part(drawing))?);
            }
        }
        let caption = |index: usize| {
            let prompt = &scenes[index / 2].prompt;
            if prompt.is_ascii() { prompt.as_str() } else { "[zh]" }
        };
        let rows: Vec<SheetRow<'_>> = clips
            .iter()
            .enumerate()
            .map(|(index, clip)| SheetRow { clip, caption: caption(index) })
            .collect();
        let sheet = media::contact_sheet(&rows, SHEET).map_err(TrainError::part(drawing))?;
        media::write(&sheet, path, None).map_err(TrainError::part("writing samples"))
    }

    fn export(&self, model: &WanTransformer3d, folder: &Path) -> Result<()> {
        files::write_folder(&folder.join("planner"), |part| {
            save_folder(model, model.config(), part, Precision::F32, &HashMap::new())
                .map_err(TrainError::part("exporting the planner"))
        })
    }

    fn read(&self, folder: &Path) -> Result<WanTransformer3d> {
        let folder = folder.join("planner");
        let read =
            || load(WanTransformer3d::new(&WanTransformer3dConfig::load(&folder)?, &self.device)?, &folder);
        read().map_err(TrainError::part("reading the planner"))
    }
}

/// Makes the first weights of a planner of fewer numbers such as one of `channels` can grow out of: what it is shown stays behind them.
fn grow_into(other: &mut Parameters, channels: usize) {
    const IN: &str = "patch_embedding.weight";
    let inputs = other.entries.iter().find(|entry| entry.name == IN).map_or(0, |entry| entry.shape[1]);
    if (1..=channels).contains(&inputs) {
        let theirs = (0..channels).map(|channel| Some(channel).filter(|channel| channel + 1 < inputs));
        other.choose(IN, 1, inputs, &theirs.chain([Some(inputs - 1)]).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Entry;

    #[test]
    fn a_planner_of_more_numbers_is_shown_the_shape_behind_them() {
        let entry = Entry { name: "patch_embedding.weight".into(), shape: vec![2, 3, 1, 1, 1] };
        let first =
            || Parameters { entries: vec![entry.clone()], values: vec![1.0, 2.0, 9.0, 3.0, 4.0, 8.0] };
        let grown = |channels: usize| {
            let mut weights = first();
            grow_into(&mut weights, channels);
            (weights.entries[0].shape[1], weights.values)
        };
        assert_eq!(grown(3), (4, vec![1.0, 2.0, 0.0, 9.0, 3.0, 4.0, 0.0, 8.0]));
        // One of as many numbers, or of more, is as it is.
        assert_eq!(grown(2), (3, first().values));
        assert_eq!(grown(1), (3, first().values));
    }
}
