//! How wrong the recogniser is.

use burn::tensor::Tensor;
use judge::recogniser::{Channels, Recogniser, place, seen};

use super::targets::Targets;
use crate::cross_entropy::cross_entropy;

/// What the recogniser says about a batch of lessons, as [`Targets`] has it.
pub struct Answers {
    pub seen: Tensor<3>,
    pub place: Tensor<3>,
}

impl Answers {
    /// Of frames, `[frames, 3, height, width]`.
    pub fn of(model: &Recogniser, frames: Tensor<4>) -> Self {
        let (cells, places) = model.forward(frames);
        Self { seen: by_cell(cells), place: places.unsqueeze_dim(1) }
    }
}

/// `[images, channels, rows, columns]` to `[images, cells, channels]`.
fn by_cell(x: Tensor<4>) -> Tensor<3> {
    let [images, channels, rows, columns] = x.dims();
    x.permute([0, 2, 3, 1]).reshape([images, rows * columns, channels])
}

/// The parts of the loss, in the order of [`NAMES`].
pub fn losses(answers: &Answers, targets: &Targets) -> [Tensor<1>; NAMES.len()] {
    let seen_weight = targets.seen_weight.clone().sum().add_scalar(1.0);
    let images = targets.seen.dims()[0] as f64;
    let cells = |part: Channels| {
        let [answers, targets] =
            [&answers.seen, &targets.seen].map(|x| x.clone().narrow(2, part.start, part.len));
        (answers, targets)
    };
    let named = |part: Channels| {
        let (answers, targets) = cells(part);
        cross_entropy(&answers, &targets, &[part.len]) / seen_weight.clone()
    };
    let measured = |part: Channels| {
        let (answers, wanted) = cells(part);
        (distance(answers, wanted) * targets.seen_weight.clone()).sum() / seen_weight.clone()
    };
    [
        named(seen::KIND),
        named(seen::COLOUR),
        named(seen::SIZE),
        measured(Channels { start: seen::CENTRE.start, len: 4 }),
        measured(seen::DISTANCE),
        cross_entropy(
            &answers.place,
            &targets.place,
            &[place::GROUND.len, place::TIME_OF_DAY.len, place::WEATHER.len],
        ) / images,
    ]
}

/// What the parts of the loss are called in the logs.
pub const NAMES: [&str; 6] = ["thing", "colour", "size", "box", "distance", "place"];
/// Their weights.
const WEIGHTS: [f64; NAMES.len()] = [1.0, 0.5, 0.3, 0.5, 0.5, 0.5];

/// The sum that is trained on.
pub fn total(losses: [Tensor<1>; NAMES.len()]) -> Tensor<1> {
    let device = losses[0].device();
    losses
        .into_iter()
        .zip(WEIGHTS)
        .fold(Tensor::zeros([1], &device), |sum, (loss, weight)| sum + loss * weight)
}

/// The absolute difference, smooth where it is small (pseudo-Huber).
fn distance(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    const SOFT: f64 = 0.05;
    (a - b).square().add_scalar(SOFT * SOFT).sqrt().sub_scalar(SOFT)
}
