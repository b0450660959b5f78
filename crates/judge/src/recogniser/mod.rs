//! A small network that finds things in a clip: what each cell of each frame shows, and where the thing there has its
//! middle.
//!
//! ```text
//! frames, 1/2 of the size ─ stem ─ 1/4 ─ 1/8 ─ 1/16 ─┬─────────── scene: features of each frame
//!                                   │     │          up
//!                                   └─────┴── 1/8 ── 1/4 ─┬────── cells: kind, colour, size, box, distance
//!                                                         └────── traits: features of each cell
//! ```
//!
//! It is a U-Net (Ronneberger et al. 2015) that looks over time as well, whose cells point to the middle of their thing, as
//! in Panoptic-DeepLab (Cheng et al. 2020). What the [reader](crate::reader) makes of traits and scene, it learns together
//! with it. Kinora's world is the teacher: `kinora train judge`.

mod blocks;
mod channels;
mod pass;

pub use channels::{Channels, FIRST_KIND, NOTHING, UNCLEAR, seen};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{ChannelRmsNorm, Conv3d, Linear, permute, silu};

use self::blocks::{
    ResidualBlock, double, halve, halves_as_channels, pointwise, pool_with_quarters, stack, through,
};
pub(crate) use self::pass::{Forward, Pass, Standardise};

/// Sides of a frame are multiples of so many pixels.
pub const SIDE_STEP: usize = 16;
/// Features of a cell, for the [reader](crate::reader).
pub const TRAITS: usize = 64;
/// Features of a frame.
pub const SCENE: usize = 96;

/// Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
const WIDTHS: [usize; 4] = [32, 48, 80, 128];
/// Frames that blocks see together, and those at 1/16 of the size.
const FRAMES: usize = 3;
const COARSE_FRAMES: usize = 5;

/// The network.
#[derive(Module, Debug)]
pub struct Recogniser {
    stem: Conv3d,
    down: Vec<Conv3d>,
    fine: Vec<ResidualBlock>,
    middle: Vec<ResidualBlock>,
    coarse: Vec<ResidualBlock>,
    up: Vec<Conv3d>,
    middle_out: Vec<ResidualBlock>,
    fine_out: Vec<ResidualBlock>,
    cells_norm: ChannelRmsNorm<4>,
    scene_norm: ChannelRmsNorm<4>,
    cells: Linear,
    traits: Linear,
    scene: Linear,
}

/// What the recogniser says of clips. A cell is a square of [`seen::CELL`] pixels; they come row after row.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `[clips, frames, cells, seen::ALL]`
    pub cells: Tensor<4>,
    /// `[clips, frames, cells, TRAITS]`
    pub traits: Tensor<4>,
    /// `[clips, frames, SCENE]`
    pub scene: Tensor<3>,
}

impl Recogniser {
    /// A network of zeros.
    pub fn new(device: &Device) -> Self {
        let [half, fine, middle, coarse] = WIDTHS;
        Self {
            stem: Conv3d::new([3 * 4, half], [3; 3], [1; 3], device),
            down: vec![halve(half, fine, device), halve(fine, middle, device), halve(middle, coarse, device)],
            fine: stack(1, fine, FRAMES, device),
            middle: stack(2, middle, FRAMES, device),
            coarse: stack(2, coarse, COARSE_FRAMES, device),
            up: vec![pointwise(coarse, middle, device), pointwise(middle, fine, device)],
            middle_out: stack(1, middle, FRAMES, device),
            fine_out: stack(1, fine, FRAMES, device),
            cells_norm: ChannelRmsNorm::new(fine, device),
            scene_norm: ChannelRmsNorm::new(coarse, device),
            cells: Linear::new(fine, seen::ALL, true, device),
            traits: Linear::new(fine, TRAITS, true, device),
            scene: Linear::new(5 * coarse, SCENE, true, device),
        }
    }

    /// Clips, `[clips, 3, frames, height, width]` from -1 to 1, with sides that are multiples of [`SIDE_STEP`].
    pub fn forward(&self, clips: Tensor<5>) -> Seen {
        self.go_through(&mut Forward, clips)
    }

    /// The same network with layers that suit these clips, for a start, and what it says of them.
    pub fn standardised(self, clips: Tensor<5>) -> (Self, Seen) {
        let mut pass = Standardise::default();
        let seen = self.go_through(&mut pass, clips);
        (self.map(&mut pass), seen)
    }

    fn go_through(&self, pass: &mut impl Pass, clips: Tensor<5>) -> Seen {
        let x = pass.conv(&self.stem, halves_as_channels(clips)); // [clips, 32, frames, height / 2, width / 2]
        let x = pass.conv(&self.down[0], x);
        let fine = through(pass, &self.fine, x); // [clips, 48, frames, height / 4, ..]
        let x = pass.conv(&self.down[1], fine.clone());
        let middle = through(pass, &self.middle, x); // [clips, 80, frames, height / 8, ..]
        let x = pass.conv(&self.down[2], middle.clone());
        let coarse = through(pass, &self.coarse, x); // [clips, 128, frames, height / 16, ..]
        let x = middle + double(pass.conv(&self.up[0], coarse.clone()));
        let middle = through(pass, &self.middle_out, x);
        let x = fine + double(pass.conv(&self.up[1], middle));
        let fine = through(pass, &self.fine_out, x);
        let cells = by_cell(self.cells_norm.forward(fine, true));
        let frames = pool_with_quarters(self.scene_norm.forward(coarse, true));
        Seen {
            cells: self.cells.forward(cells.clone()),
            traits: pass.linear(&self.traits, cells),
            scene: silu(pass.linear(&self.scene, frames)),
        }
    }
}

/// `[clips, channels, frames, rows, columns]` to `[clips, frames, cells, channels]`.
fn by_cell(x: Tensor<5>) -> Tensor<4> {
    let [clips, channels, frames, rows, columns] = x.dims();
    permute(x, [0, 2, 3, 4, 1]).reshape([clips, frames, rows * columns, channels])
}
