//! What was seen, cell by cell.

use crate::{
    drift::DRIFT,
    recogniser::{place, seen},
};

/// What the recogniser says of one frame. A cell is a square of [`seen::CELL`] pixels.
#[derive(Clone, Debug)]
pub struct FrameSight {
    /// Probabilities, `[cells, seen::KIND.len]`.
    pub kinds: Vec<f32>,
    /// Probabilities, `[cells, colours]`.
    pub colours: Vec<f32>,
    /// Probabilities, `[cells, sizes]`.
    pub sizes: Vec<f32>,
    /// Centre (2), extent (2) and distance (1) as [`seen`] has them, `[cells, 5]`.
    pub geometry: Vec<f32>,
}

/// What the recogniser says of a clip.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Pixels in a row.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Each frame.
    pub frames: Vec<FrameSight>,
    /// For each frame the probabilities of grounds, times of day and weathers, as [`place`] lists them.
    pub places: Vec<Vec<f32>>,
    /// How the background drifts from each frame to the next, once it was measured: see [`drift`](crate::drift).
    pub drift: Vec<[f32; DRIFT]>,
}

impl Sight {
    /// Cells in a row.
    pub fn columns(&self) -> usize {
        self.width / seen::CELL
    }

    /// Cells of a frame.
    pub fn cells(&self) -> usize {
        self.columns() * (self.height / seen::CELL)
    }

    /// The mean probabilities of grounds, times of day and weathers, as [`place`] lists them.
    pub fn place(&self) -> [f32; place::ALL] {
        let count = self.places.len() as f32;
        std::array::from_fn(|class| self.places.iter().map(|frame| frame[class]).sum::<f32>() / count)
    }
}
