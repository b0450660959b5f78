//! The judge's networks as an objective of the trainer.

use std::{collections::HashMap, path::Path, sync::Arc};

use burn::tensor::{Device, Tensor};
use judge::{
    Network,
    reader::{deed, shot, thing},
    recogniser::{Channels, seen},
    tracks::likeliest,
};
use models::weights::{Checkpoint, Precision, load, save};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    JudgeArgs,
    answers::{Answers, standardised},
    lesson::{Drawn, Lesson, Recent, Shape},
    loss::{Logits, PARTS, losses, total},
    sketch,
    targets::Targets,
};
use crate::{
    error::{Result, TrainError},
    files,
    log::Figures,
    parameters::{gather, scatter, to_scalar, to_vec},
    random::{Purpose, rng},
    trainer::{Moment, Objective},
};

/// Shapes of lessons, each with its share of the batches at the beginning and at the end of a run. Short ones come
/// first: a batch then shows many things. What they do, only whole clips show.
const SHAPES: [(Shape, [f64; 2]); 5] = [
    (shape([128, 128], 17, 5), [0.75, 0.25]),
    (shape([128, 128], 17, 17), [0.1, 0.45]),
    (shape([160, 96], 17, 9), [0.06, 0.1]),
    (shape([96, 160], 17, 9), [0.06, 0.1]),
    (shape([128, 128], 33, 33), [0.03, 0.1]),
];

const fn shape(size: [usize; 2], clip_frames: usize, num_frames: usize) -> Shape {
    Shape { size, clip_frames, num_frames }
}

/// The lessons that are evaluated on.
const WHOLE_CLIP: Shape = SHAPES[1].0;
/// Lessons on a sample sheet.
const SHEET_LESSONS: usize = 12;
/// Frames of the lessons from which those of a batch are drawn, for each shape, and how many of those in a batch are new.
const RECENT_FRAMES: usize = 6000;
const NEW_SHARE: f64 = 0.4;

/// The number of the first lesson of a shape in a run with this seed: what goes on from another run learns from other lessons.
const fn first_lesson(shape: usize, seed: u64) -> u64 {
    // A run of a day draws a tenth of these.
    const OF_A_RUN: u32 = 20;
    const RUNS: u64 = 1 << (32 - OF_A_RUN);
    ((shape as u64) << 32) + ((seed % RUNS) << OF_A_RUN)
}

pub struct JudgeObjective<'a> {
    args: &'a JudgeArgs,
    device: Device,
    /// For each of the shapes.
    recent: [Recent; SHAPES.len()],
}

impl<'a> JudgeObjective<'a> {
    pub fn new(args: &'a JudgeArgs, device: Device) -> Self {
        Self { args, device, recent: Default::default() }
    }

    /// The share of a shape at the beginning and at the end of this run.
    fn shares(&self, [first, last]: [f64; 2]) -> [f64; 2] {
        if self.args.whole_clips { [last; 2] } else { [first, last] }
    }

    /// Lessons of a batch: longer ones are fewer.
    fn lessons_of(&self, shape: Shape) -> usize {
        (self.args.batch_frames / shape.num_frames).max(1)
    }

    /// Lessons of a batch to evaluate on.
    fn evaluated_together(&self) -> usize {
        self.lessons_of(WHOLE_CLIP)
    }

    /// A new network whose layers suit some lessons.
    pub fn first_network(&self, device: &Device) -> Result<Network> {
        let network = Network::new(&self.device).init_weights(self.args.run.seed);
        let shape = SHAPES[0].0;
        let draw = |number| Lesson::clean(Arc::new(Drawn::new(number, shape)));
        let lessons: Vec<Lesson> = (0..2 * self.lessons_of(shape) as u64).into_par_iter().map(draw).collect();
        let network = standardised(network, &lessons, &self.device)?;
        Ok(scatter(Network::new(device), &gather(&network)?))
    }

    fn evaluation_lesson(&self, number: usize) -> Arc<Drawn> {
        Arc::new(Drawn::new(judge::lessons::EVALUATION + number as u64, WHOLE_CLIP))
    }

    /// Evaluation lessons in batches: not spoilt, and none that training draws.
    fn evaluation(&self) -> impl Iterator<Item = Vec<Lesson>> {
        let [size, batch] = [self.args.evaluate_lessons, self.evaluated_together()];
        (0..size).step_by(batch).map(move |start| {
            let numbers = start..(start + batch).min(size);
            let draw = |number| Lesson::clean(self.evaluation_lesson(number));
            numbers.into_par_iter().map(draw).collect()
        })
    }
}

impl Objective for JudgeObjective<'_> {
    type Model = Network;
    const NAME: &'static str = "judge";

    fn loss(&self, model: &Network, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let lot: f64 = rng.random();
        let mut sum = 0.0;
        let drawn = SHAPES.iter().position(|(_, shares)| {
            let [first, last] = self.shares(*shares);
            sum += first + (last - first) * moment.progress;
            lot < sum
        });
        let index = drawn.unwrap_or(0);
        let (shape, shares) = SHAPES[index];
        let [first, last] = self.shares(shares);
        let lessons = self.lessons_of(shape);
        // Each shape has a range of numbers, and of it each seed; along that a window slides from which lessons are drawn.
        let batches = moment.batch as f64 * (first + (last - first) * moment.progress / 2.0);
        let first_of_run = first_lesson(index, moment.seed);
        let oldest = first_of_run + (batches * lessons as f64 * NEW_SHARE) as u64;
        let window = (RECENT_FRAMES / shape.num_frames) as u64;
        let numbers: Vec<(u64, u64)> =
            (0..lessons).map(|_| (oldest + rng.random_range(0..window), rng.random())).collect();
        let give = |(number, seed)| {
            let drawn = self.recent[index].get(number, oldest, shape);
            Lesson::spoilt(drawn, &mut ChaCha8Rng::seed_from_u64(seed))
        };
        let lessons: Vec<Lesson> = numbers.into_par_iter().map(give).collect();
        let answers = Answers::of(model, &lessons, &self.device)?;
        let targets = Targets::of(&lessons, &answers.tracks, &self.device);
        let losses = losses(&Logits::of(&answers), &targets);
        let mut figures = Figures::new();
        for ((name, _), loss) in PARTS.iter().zip(&losses) {
            figures.push(*name, f64::from(to_scalar(loss.clone())?));
        }
        Ok((total(losses), figures))
    }

    fn is_hidden(&self, name: &str) -> bool {
        const OUTER: [&str; 7] = [
            "recogniser.stem",
            "recogniser.cells",
            "reader.is",
            "reader.does",
            "reader.shot",
            "reader.ways",
            "reader.moves",
        ];
        !OUTER.iter().any(|outer| name.starts_with(outer))
    }

    /// The parts of the loss, and the shares of cells, things and clips that are named rightly.
    fn evaluate(&self, model: &Network) -> Result<Figures> {
        let mut sums = [0.0; PARTS.len()];
        let mut right = Right::default();
        let mut batches = 0.0;
        for lessons in self.evaluation() {
            let answers = Answers::of(model, &lessons, &self.device)?;
            let targets = Targets::of(&lessons, &answers.tracks, &self.device);
            let logits = Logits::of(&answers);
            for (sum, loss) in sums.iter_mut().zip(losses(&logits, &targets)) {
                *sum += f64::from(to_scalar(loss)?);
            }
            batches += 1.0;
            right.count(&logits, &targets)?;
        }
        let mut figures = Figures::new();
        for ((name, _), sum) in PARTS.iter().zip(sums) {
            figures.push(*name, sum / batches);
        }
        Ok(right.add_to(figures))
    }

    fn sample(&self, model: &Network, path: &Path) -> Result<()> {
        let draw = |number| {
            let drawn = self.evaluation_lesson(number);
            match number % 2 {
                0 => Lesson::clean(drawn),
                _ => Lesson::spoilt(drawn, &mut rng(0, Purpose::Sample, number as u64)),
            }
        };
        let mut sketches = Vec::new();
        let together = self.evaluated_together();
        for start in (0..SHEET_LESSONS).step_by(together) {
            let numbers = start..(start + together).min(SHEET_LESSONS);
            let lessons: Vec<Lesson> = numbers.into_par_iter().map(draw).collect();
            let answers = Answers::of(model, &lessons, &self.device)?;
            let cells = to_vec(answers.seen.cells)?;
            let each = cells.len() / lessons.len();
            for (lesson, cells) in lessons.iter().zip(cells.chunks_exact(each)) {
                sketches.push(sketch::sketch(lesson, cells)?);
            }
        }
        sketch::sheet(&sketches, path)
    }

    fn export(&self, model: &Network, folder: &Path) -> Result<()> {
        files::write_folder(&folder.join("judge"), |part| {
            let file = part.join(format!("{}.safetensors", Network::NAMING.stem));
            std::fs::create_dir_all(part).map_err(TrainError::io(part))?;
            save(model, &file, Precision::Bf16, &HashMap::new())
                .map_err(TrainError::part("exporting the judge"))
        })
    }

    fn read(&self, folder: &Path) -> Result<Network> {
        // A run's folder, or one with the file itself, as `weights/kinora-judge`.
        let part = folder.join("judge");
        load(Network::new(&self.device), if part.is_dir() { &part } else { folder })
            .map_err(TrainError::part("reading the judge"))
    }
}

/// What is asked, where, and how many were asked and right.
#[derive(Default)]
struct Right {
    counts: Vec<(&'static str, f64, f64)>,
}

impl Right {
    fn count(&mut self, said: &Logits, targets: &Targets) -> Result<()> {
        for (name, said, targets, part) in [
            ("cells_right", &said.cells, &targets.cells, Channels { start: 1, len: seen::KIND.len - 1 }),
            ("kind_right", &said.things, &targets.things, thing::KIND),
            ("colour_right", &said.things, &targets.things, thing::COLOUR),
            ("size_right", &said.things, &targets.things, thing::SIZE),
            ("action_right", &said.deeds, &targets.deeds, deed::ACTION),
            ("direction_right", &said.deeds, &targets.deeds, deed::DIRECTION),
            ("ground_right", &said.shots, &targets.shots, shot::GROUND),
            ("time_right", &said.shots, &targets.shots, shot::TIME_OF_DAY),
            ("weather_right", &said.shots, &targets.shots, shot::WEATHER),
            ("camera_right", &said.shots, &targets.shots, shot::CAMERA),
        ] {
            let (asked, right) = right_in(said, targets, part)?;
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

/// Where one answer is certain: how many there are, and for how many it is the likeliest.
fn right_in(said: &Tensor<3>, targets: &Tensor<3>, part: Channels) -> Result<(f64, f64)> {
    let channels = said.dims()[2];
    let (said, targets) = (to_vec(said.clone())?, to_vec(targets.clone())?);
    let (mut asked, mut right) = (0.0, 0.0);
    for (said, targets) in said.chunks_exact(channels).zip(targets.chunks_exact(channels)) {
        let [said, targets] = [said, targets].map(|values| &values[part.start..part.end()]);
        if targets.iter().any(|&share| share > 0.95) {
            asked += 1.0;
            right += f64::from(u8::from(targets[likeliest(said)] > 0.95));
        }
    }
    Ok((asked, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_shapes_have_lessons_of_their_own_and_none_of_those_to_evaluate_on() {
        let firsts =
            (0..SHAPES.len()).flat_map(|shape| [0, 1, 5, 4095].map(|seed| first_lesson(shape, seed)));
        let firsts: Vec<u64> = firsts.collect();
        assert!(firsts.windows(2).all(|pair| pair[1] >= pair[0] + (1 << 20)), "{firsts:?}");
        assert!(firsts.iter().all(|first| first + (1 << 20) <= judge::lessons::EVALUATION));
        assert_eq!(first_lesson(2, 7), first_lesson(2, 7 + 4096));
    }
}
