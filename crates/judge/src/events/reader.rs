//! A small network that says for each frame what a thing does and how the camera moves.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use models::{
    init::{self, Start},
    weights::{Checkpoint, Naming, Precedence},
};
use nn::{Linear, silu};
use world::{Action, CameraMove, Direction};

use super::features::FEATURES;
use crate::recogniser::Channels;

/// Logits of the actions.
pub const ACTION: Channels = Channels { start: 0, len: Action::ALL.len() };
/// Logits of no direction, and of each.
pub const DIRECTION: Channels = Channels { start: ACTION.end(), len: Direction::ALL.len() + 1 };
/// Logits of the camera moves.
pub const CAMERA: Channels = Channels { start: DIRECTION.end(), len: CameraMove::ALL.len() };
/// Of each frame.
pub const ANSWERS: usize = CAMERA.end();

/// Features of a frame inside.
const WIDTH: usize = 64;
/// How many frames back and forth each layer looks.
const STEPS: [usize; 5] = [1, 2, 4, 8, 1];

/// The network: layers that look so many frames back and forth, and at the mean over all frames.
#[derive(Module, Debug)]
pub struct EventReader {
    first: Linear,
    layers: Vec<Linear>,
    answer: Linear,
}

impl EventReader {
    /// A network of zeros; [`init_weights`](Self::init_weights) or a file fills it.
    pub fn new(device: &Device) -> Self {
        Self {
            first: Linear::new(3 * FEATURES, WIDTH, true, device),
            layers: STEPS.iter().map(|_| Linear::new(4 * WIDTH, WIDTH, true, device)).collect(),
            answer: Linear::new(WIDTH, ANSWERS, true, device),
        }
    }

    /// First weights: PyTorch's start, but the answers begin as equally likely.
    pub fn init_weights(self, seed: u64) -> Self {
        let fan_ins = init::fan_ins(&self);
        init::fill(self, seed, |key, _| match key.rsplit_once('.') {
            Some(("answer", _)) | None => Start::Constant(0.0),
            Some((layer, _)) => Start::torch_default(fan_ins[layer]),
        })
    }

    /// `[tracks, frames, FEATURES]` to logits `[tracks, frames, ANSWERS]`.
    pub fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        let mut x = silu(self.first.forward(around(features, 1)));
        for (layer, &step) in self.layers.iter().zip(&STEPS) {
            let mean = x.clone().mean_dim(1).expand(x.dims());
            let seen = Tensor::cat(vec![around(x.clone(), step), mean], 2); // [tracks, frames, 4 * WIDTH]
            x = x + silu(layer.forward(seen));
        }
        self.answer.forward(x)
    }
}

/// Every frame with the one `step` frames before and the one `step` frames behind it; at the ends the frame itself.
fn around(x: Tensor<3>, step: usize) -> Tensor<3> {
    let [tracks, frames, width] = x.dims();
    let step = step.min(frames);
    let ends = |at: usize| x.clone().narrow(1, at, 1).expand([tracks, step, width]);
    let kept = frames - step;
    let shifted = |first: bool| match (kept, first) {
        (0, true) => ends(0),
        (0, false) => ends(frames - 1),
        (_, true) => Tensor::cat(vec![ends(0), x.clone().narrow(1, 0, kept)], 1),
        (_, false) => Tensor::cat(vec![x.clone().narrow(1, step, kept), ends(frames - 1)], 1),
    };
    Tensor::cat(vec![shifted(true), x.clone(), shifted(false)], 2)
}

impl Checkpoint for EventReader {
    const NAMING: Naming = Naming { stem: "events", precedence: Precedence::Single };

    fn key(&self, path: &str) -> String {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn frames_stand_beside_their_neighbours() {
        let device = Device::flex();
        let values: Vec<f32> = (0..5).map(|i| i as f32).collect();
        let x = Tensor::<3>::from_data(TensorData::new(values, [1, 5, 1]), &device);
        let of = |step| around(x.clone(), step).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(of(2), [0., 0., 2., 0., 1., 3., 0., 2., 4., 1., 3., 4., 2., 4., 4.]);
        assert_eq!(of(8), [0., 0., 4., 0., 1., 4., 0., 2., 4., 0., 3., 4., 0., 4., 4.]);
    }

    #[test]
    fn clips_of_any_length_are_read() {
        let device = Device::flex();
        let reader = EventReader::new(&device).init_weights(1);
        for frames in [3, 17, 40] {
            let answers = reader.forward(Tensor::zeros([2, frames, FEATURES], &device));
            assert_eq!(answers.dims(), [2, frames, ANSWERS]);
        }
    }
}
