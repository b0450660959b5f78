//! A small network that finds things: what each cell of a frame shows, and where the thing there has its middle.
//!
//! ```text
//! frame, 1/2 of the size ─ stem ─ 1/4 ─ 1/8 ─ 1/16 ─┐     place: ground, time of day, weather
//!                                  │     │          up
//!                                  └─────┴── 1/8 ── 1/4   seen: kind, colour, size, box, distance
//! ```
//!
//! It is a U-Net (Ronneberger et al. 2015) whose cells point to the middle of their thing, as in Panoptic-DeepLab
//! (Cheng et al. 2020). Kinora's world is the teacher: `kinora train judge`.

mod blocks;
mod channels;

pub use channels::{Channels, FIRST_KIND, NOTHING, UNCLEAR, place, seen};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use models::{
    init::{self, Start},
    weights::{Checkpoint, Naming, Precedence},
};
use nn::{Conv2d, Linear};

pub(crate) use self::blocks::pool;
use self::blocks::{Head, ResidualBlock, conv3, double, halve, pointwise, stack, through};

/// Sides of a frame are multiples of so many pixels.
pub const SIDE_STEP: usize = 16;

/// Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
const WIDTHS: [usize; 4] = [16, 32, 64, 128];

/// The network.
#[derive(Module, Debug)]
pub struct Recogniser {
    stem: Conv2d,
    down: Vec<Conv2d>,
    fine: Vec<ResidualBlock>,
    middle: Vec<ResidualBlock>,
    coarse: Vec<ResidualBlock>,
    up: Vec<Conv2d>,
    middle_out: Vec<ResidualBlock>,
    fine_out: Vec<ResidualBlock>,
    seen: Head,
    place: Linear,
}

impl Recogniser {
    /// A network of zeros; [`init_weights`](Self::init_weights) or a file fills it.
    pub fn new(device: &Device) -> Self {
        let [half, fine, middle, coarse] = WIDTHS;
        Self {
            stem: conv3(3 * 4, half, device),
            down: vec![halve(half, fine, device), halve(fine, middle, device), halve(middle, coarse, device)],
            fine: stack(1, fine, device),
            middle: stack(2, middle, device),
            coarse: stack(2, coarse, device),
            up: vec![pointwise(coarse, middle, device), pointwise(middle, fine, device)],
            middle_out: stack(1, middle, device),
            fine_out: stack(1, fine, device),
            seen: Head::new(fine, seen::ALL, device),
            place: Linear::new(coarse + fine, place::ALL, true, device),
        }
    }

    /// First weights: PyTorch's start, but residual blocks begin as nothing and so do the heads.
    pub fn init_weights(self, seed: u64) -> Self {
        let fan_ins = init::fan_ins(&self);
        init::fill(self, seed, |key, _| match key.rsplit_once('.') {
            Some((_, "gamma")) => Start::Constant(1.0),
            Some((layer, _)) if layer.ends_with(".conv2") || HEADS.contains(&layer) => Start::Constant(0.0),
            Some((layer, _)) => Start::torch_default(fan_ins[layer]),
            None => Start::Constant(0.0),
        })
    }

    /// Of frames, `[frames, 3, height, width]` from -1 to 1 with sides that are multiples of [`SIDE_STEP`]: what each cell
    /// shows, `[frames, seen::ALL, height / 4, width / 4]`, and where and when that is, `[frames, place::ALL]`.
    pub fn forward(&self, frames: Tensor<4>) -> (Tensor<4>, Tensor<2>) {
        let x = self.stem.forward(halves_as_channels(frames)); // [frames, 16, height / 2, width / 2]
        let fine = through(&self.fine, self.down[0].forward(x)); // [frames, 32, height / 4, ..]
        let middle = through(&self.middle, self.down[1].forward(fine.clone())); // [frames, 64, height / 8, ..]
        let coarse = through(&self.coarse, self.down[2].forward(middle.clone())); // [frames, 128, height / 16, ..]
        let middle = through(&self.middle_out, middle + double(self.up[0].forward(coarse.clone())));
        let fine = through(&self.fine_out, fine + double(self.up[1].forward(middle)));
        let pooled = Tensor::cat(vec![pool(coarse), pool(fine.clone())], 1);
        (self.seen.forward(fine), self.place.forward(pooled))
    }
}

/// The layers that answer.
const HEADS: [&str; 2] = ["seen.out", "place"];

/// Squares of four pixels become one of four times the channels: half the height and width.
fn halves_as_channels(frames: Tensor<4>) -> Tensor<4> {
    let [images, channels, height, width] = frames.dims();
    frames.reshape([images, channels, height / 2, 2, width / 2, 2]).permute([0, 1, 3, 5, 2, 4]).reshape([
        images,
        channels * 4,
        height / 2,
        width / 2,
    ])
}

impl Checkpoint for Recogniser {
    const NAMING: Naming = Naming { stem: "recogniser", precedence: Precedence::Single };

    fn key(&self, path: &str) -> String {
        path.to_owned()
    }
}
