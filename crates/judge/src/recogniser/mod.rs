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
mod standardise;

pub use channels::{Channels, FIRST_KIND, NOTHING, UNCLEAR, seen};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{ChannelRmsNorm, Conv3d, Linear, silu};

use self::blocks::{
    ResidualBlock, double, halve, halves_as_channels, pointwise, pool_with_quarters, stack,
    standardise_through, through,
};
pub(crate) use self::standardise::Standardise;

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
        let x = self.stem.forward(halves_as_channels(clips)); // [clips, 32, frames, height / 2, width / 2]
        let fine = through(&self.fine, self.down[0].forward(x)); // [clips, 48, frames, height / 4, ..]
        let middle = through(&self.middle, self.down[1].forward(fine.clone())); // [clips, 80, frames, height / 8, ..]
        let coarse = through(&self.coarse, self.down[2].forward(middle.clone())); // [clips, 128, .., height / 16, ..]
        let middle = through(&self.middle_out, middle + double(self.up[0].forward(coarse.clone())));
        let fine = through(&self.fine_out, fine + double(self.up[1].forward(middle)));
        let cells = by_cell(self.cells_norm.forward(fine, true));
        Seen {
            cells: self.cells.forward(cells.clone()),
            traits: self.traits.forward(cells),
            scene: silu(self.scene.forward(pool_with_quarters(self.scene_norm.forward(coarse, true)))),
        }
    }
}

impl Recogniser {
    /// [`forward`](Self::forward), with layers that are made to suit these clips, for a start.
    pub fn standardise(&mut self, clips: Tensor<5>) -> Seen {
        let x = self.stem.standardise(halves_as_channels(clips));
        let fine = standardise_through(&mut self.fine, self.down[0].standardise(x));
        let middle = standardise_through(&mut self.middle, self.down[1].standardise(fine.clone()));
        let coarse = standardise_through(&mut self.coarse, self.down[2].standardise(middle.clone()));
        let x = middle + double(self.up[0].standardise(coarse.clone()));
        let middle = standardise_through(&mut self.middle_out, x);
        let x = fine + double(self.up[1].standardise(middle));
        let fine = standardise_through(&mut self.fine_out, x);
        let cells = by_cell(self.cells_norm.forward(fine, true));
        Seen {
            cells: self.cells.forward(cells.clone()),
            traits: self.traits.standardise(cells),
            scene: silu(self.scene.standardise(pool_with_quarters(self.scene_norm.forward(coarse, true)))),
        }
    }
}

/// `[clips, channels, frames, rows, columns]` to `[clips, frames, cells, channels]`.
fn by_cell(x: Tensor<5>) -> Tensor<4> {
    let [clips, channels, frames, rows, columns] = x.dims();
    x.permute([0, 2, 3, 4, 1]).reshape([clips, frames, rows * columns, channels])
}
