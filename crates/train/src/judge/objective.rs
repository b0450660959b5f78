//! The recogniser as an objective of the trainer.

use std::{collections::HashMap, path::Path, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use judge::{
    recogniser::{Channels, Recogniser, place, seen},
    tracks::likeliest,
};
use models::weights::{Checkpoint, Precision, load, save};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    JudgeArgs,
    lesson::{Drawn, FRAMES, Lesson, Recent},
    loss::{Answers, NAMES, losses, total},
    sketch,
    targets::Targets,
};
use crate::{
    error::{Result, TrainError},
    files,
    log::Figures,
    parameters::{to_scalar, to_vec},
    random::{Purpose, rng},
    trainer::{Moment, Objective},
};

/// Sizes of frames, `[width, height]`, each with its share.
const SHAPES: [([usize; 2], f64); 3] = [([128, 128], 0.7), ([160, 96], 0.15), ([96, 160], 0.15)];
/// Lessons on a sample sheet.
const SHEET_LESSONS: usize = 24;
/// Lessons from which those of a batch are drawn, and how many of them are new in each batch.
const RECENT_LESSONS: usize = 3072;
const NEW_LESSONS: f64 = 5.0;

pub struct JudgeObjective<'a> {
    args: &'a JudgeArgs,
    device: Device,
    /// For each of the shapes.
    recent: [Recent; SHAPES.len()],
}

/// The frames of lessons, `[FRAMES * lessons, 3, height, width]` as [`Answers::of`] takes them.
fn frames(lessons: &[Lesson], device: &Device) -> Tensor<4> {
    let first = &lessons[0].pictures[0];
    let pictures = (0..FRAMES).flat_map(|frame| lessons.iter().map(move |lesson| &lesson.pictures[frame]));
    let values: Vec<f32> =
        pictures.flat_map(|picture| &picture.values).map(|value| 2.0 * value - 1.0).collect();
    let shape = [FRAMES * lessons.len(), 3, first.height, first.width];
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl<'a> JudgeObjective<'a> {
    pub fn new(args: &'a JudgeArgs, device: Device) -> Self {
        Self { args, device, recent: Default::default() }
    }

    fn evaluation_lesson(&self, number: usize) -> Arc<Drawn> {
        Arc::new(Drawn::new(judge::lessons::EVALUATION + number as u64, SHAPES[0].0))
    }

    /// Evaluation lessons in batches: not spoilt, and none that training draws.
    fn evaluation(&self) -> impl Iterator<Item = Vec<Lesson>> {
        let [size, batch] = [self.args.evaluate_lessons, self.args.batch_lessons];
        (0..size).step_by(batch).map(move |start| {
            let numbers = start..(start + batch).min(size);
            let draw = |number| Lesson::clean(self.evaluation_lesson(number));
            numbers.into_par_iter().map(draw).collect()
        })
    }
}

impl Objective for JudgeObjective<'_> {
    type Model = Recogniser;
    const NAME: &'static str = "judge";

    fn loss(&self, model: &Recogniser, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let lot: f64 = rng.random();
        let mut sum = 0.0;
        let drawn = SHAPES.iter().position(|(_, share)| {
            sum += share;
            lot < sum
        });
        let index = drawn.unwrap_or(0);
        let (shape, share) = SHAPES[index];
        // Each shape has a range of numbers; along it a window slides from which lessons are drawn.
        let oldest = ((index as u64) << 32) + (moment.batch as f64 * share * NEW_LESSONS) as u64;
        let window = ((RECENT_LESSONS as f64 * share) as u64).max(1);
        let numbers: Vec<(u64, u64)> = (0..self.args.batch_lessons)
            .map(|_| (oldest + rng.random_range(0..window), rng.random()))
            .collect();
        let give = |(number, seed)| {
            let drawn = self.recent[index].get(number, oldest, shape);
            Lesson::spoilt(drawn, &mut ChaCha8Rng::seed_from_u64(seed))
        };
        let lessons: Vec<Lesson> = numbers.into_par_iter().map(give).collect();
        let answers = Answers::of(model, frames(&lessons, &self.device));
        let losses = losses(&answers, &Targets::of(&lessons, &self.device));
        let mut figures = Figures::new();
        for (name, loss) in NAMES.iter().zip(&losses) {
            figures.push(*name, f64::from(to_scalar(loss.clone())?));
        }
        Ok((total(losses), figures))
    }

    /// The parts of the loss, and the shares of cells and frames that are named rightly.
    fn evaluate(&self, model: &Recogniser) -> Result<Figures> {
        let mut sums = [0.0; NAMES.len()];
        let mut right = Right::default();
        let mut batches = 0.0;
        for lessons in self.evaluation() {
            let answers = Answers::of(model, frames(&lessons, &self.device));
            let targets = Targets::of(&lessons, &self.device);
            for (sum, loss) in sums.iter_mut().zip(losses(&answers, &targets)) {
                *sum += f64::from(to_scalar(loss)?);
            }
            batches += 1.0;
            right.count(&answers, &targets)?;
        }
        let mut figures = Figures::new();
        for (name, sum) in NAMES.iter().zip(sums) {
            figures.push(*name, sum / batches);
        }
        Ok(right.add_to(figures))
    }

    fn sample(&self, model: &Recogniser, path: &Path) -> Result<()> {
        let draw = |number| {
            let drawn = self.evaluation_lesson(number);
            match number % 2 {
                0 => Lesson::clean(drawn),
                _ => Lesson::spoilt(drawn, &mut rng(0, Purpose::Sample, number as u64)),
            }
        };
        let lessons: Vec<Lesson> = (0..SHEET_LESSONS).into_par_iter().map(draw).collect();
        let answers = Answers::of(model, frames(&lessons, &self.device));
        sketch::sheet(&lessons, &to_vec(answers.seen)?, path)
    }

    fn export(&self, model: &Recogniser, folder: &Path) -> Result<()> {
        files::write_folder(&folder.join("recogniser"), |part| {
            let file = part.join(format!("{}.safetensors", Recogniser::NAMING.stem));
            std::fs::create_dir_all(part).map_err(TrainError::io(part))?;
            save(model, &file, Precision::F32, &HashMap::new())
                .map_err(TrainError::part("exporting the recogniser"))
        })
    }

    fn read(&self, folder: &Path) -> Result<Recogniser> {
        load(Recogniser::new(&self.device), &folder.join("recogniser"))
            .map_err(TrainError::part("reading the recogniser"))
    }
}

/// What is asked, where, and how many were asked and right.
#[derive(Default)]
struct Right {
    counts: Vec<(&'static str, f64, f64)>,
}

impl Right {
    fn count(&mut self, answers: &Answers, targets: &Targets) -> Result<()> {
        for (name, answers, targets, part) in [
            ("thing_right", &answers.seen, &targets.seen, seen::KIND),
            ("colour_right", &answers.seen, &targets.seen, seen::COLOUR),
            ("size_right", &answers.seen, &targets.seen, seen::SIZE),
            ("ground_right", &answers.place, &targets.place, place::GROUND),
            ("time_right", &answers.place, &targets.place, place::TIME_OF_DAY),
            ("weather_right", &answers.place, &targets.place, place::WEATHER),
        ] {
            let (asked, right) = right_in(answers, targets, part, usize::from(part == seen::KIND))?;
            match self.counts.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, sum, sum_right)) => (*sum, *sum_right) = (*sum + asked, *sum_right + right),
                None => self.counts.push((name, asked, right)),
            }
        }
        Ok(())
    }

    fn add_to(&self, mut figures: Figures) -> Figures {
        for &(name, asked, right) in &self.counts {
            figures.push(name, right / asked.max(1.0));
        }
        figures
    }
}

/// Where one answer of at least `from` is certain: how many there are, and for how many it is the likeliest.
fn right_in(answers: &Tensor<3>, targets: &Tensor<3>, part: Channels, from: usize) -> Result<(f64, f64)> {
    let channels = answers.dims()[2];
    let (answers, targets) = (to_vec(answers.clone())?, to_vec(targets.clone())?);
    let (mut asked, mut right) = (0.0, 0.0);
    for (answers, targets) in answers.chunks_exact(channels).zip(targets.chunks_exact(channels)) {
        let [answers, targets] = [answers, targets].map(|values| &values[part.start..part.end()]);
        if targets[from..].iter().any(|&share| share > 0.95) {
            asked += 1.0;
            right += f64::from(u8::from(targets[likeliest(answers)] > 0.95));
        }
    }
    Ok((asked, right))
}
