//! How wrong the networks are.

use burn::tensor::Tensor;
use judge::{
    reader::{deed, shot, thing},
    recogniser::{Channels, seen},
};

use super::{answers::Answers, targets::Targets};
use crate::cross_entropy::cross_entropy;

/// What the parts of the loss are called in the logs, and their weights.
pub const PARTS: [(&str, f64); 13] = [
    ("cell_kind", 0.3),
    ("cell_colour", 0.5),
    ("cell_size", 0.3),
    ("box", 0.5),
    ("distance", 0.5),
    ("thing_kind", 1.0),
    ("thing_colour", 0.5),
    ("thing_size", 0.5),
    ("motion", 0.5),
    ("action", 1.0),
    ("direction", 0.5),
    ("place", 0.5),
    ("camera", 1.0),
];

/// What is said, as [`Targets`] has it.
pub struct Logits {
    pub cells: Tensor<3>,
    pub things: Tensor<3>,
    pub deeds: Tensor<3>,
    pub shots: Tensor<3>,
}

impl Logits {
    pub fn of(Answers { seen, said, .. }: &Answers) -> Self {
        Self {
            cells: seen.cells.clone().flatten(0, 1),
            things: said.things.clone().flatten(1, 2),
            deeds: said.deeds.clone().flatten(1, 2),
            shots: said.shots.clone(),
        }
    }
}

/// The parts of the loss, in the order of [`PARTS`].
pub fn losses(logits: &Logits, targets: &Targets) -> [Tensor<1>; PARTS.len()] {
    let of_cells = targets.cells_weight.clone().sum().add_scalar(1.0);
    let of_things = targets.things_weight.clone().sum().add_scalar(1.0);
    let of_deeds = part(&targets.deeds, deed::ACTION).sum().add_scalar(1.0);
    let of_shots = part(&targets.shots, shot::CAMERA).sum();
    let named = |said: &Tensor<3>, targets: &Tensor<3>, of: &[Channels], count: &Tensor<1>| {
        let sum = of.iter().map(|&of| cross_entropy(&part(said, of), &part(targets, of), &[of.len]));
        sum.reduce(|sum, loss| sum + loss).map_or_else(|| count.zeros_like(), |sum| sum / count.clone())
    };
    let cell = |of| named(&logits.cells, &targets.cells, &[of], &of_cells);
    let thing = |of| named(&logits.things, &targets.things, &[of], &of_things);
    let deed = |of| named(&logits.deeds, &targets.deeds, &[of], &of_deeds);
    let shot = |of: &[Channels]| named(&logits.shots, &targets.shots, of, &of_shots);
    let box_of_cell = |of| {
        let far = distance(part(&logits.cells, of), part(&targets.cells, of));
        (far * targets.cells_weight.clone()).sum() / of_cells.clone()
    };
    let motion = distance(part(&logits.things, thing::MOTION), part(&targets.things, thing::MOTION));
    [
        cell(seen::KIND),
        cell(seen::COLOUR),
        cell(seen::SIZE),
        box_of_cell(Channels { start: seen::CENTRE.start, len: 4 }),
        box_of_cell(seen::DISTANCE),
        thing(thing::KIND),
        thing(thing::COLOUR),
        thing(thing::SIZE),
        (motion * targets.things_weight.clone()).sum() / of_things.clone(),
        deed(deed::ACTION),
        deed(deed::DIRECTION),
        shot(&[shot::GROUND, shot::TIME_OF_DAY, shot::WEATHER]),
        shot(&[shot::CAMERA]),
    ]
}

/// These channels.
fn part(x: &Tensor<3>, of: Channels) -> Tensor<3> {
    x.clone().narrow(2, of.start, of.len)
}

/// The sum that is trained on.
pub fn total(losses: [Tensor<1>; PARTS.len()]) -> Tensor<1> {
    let device = losses[0].device();
    losses
        .into_iter()
        .zip(PARTS)
        .fold(Tensor::zeros([1], &device), |sum, (loss, (_, weight))| sum + loss * weight)
}

/// The absolute difference, smooth where it is small (pseudo-Huber).
fn distance(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    const SOFT: f64 = 0.05;
    (a - b).square().add_scalar(SOFT * SOFT).sqrt().sub_scalar(SOFT)
}
