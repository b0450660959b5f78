//! What one frame shows of one thing.

use glam::Vec2;
use world::{Colour, Kind, Size};

use crate::{
    look::FrameSight,
    recogniser::{FIRST_KIND, NOTHING, seen},
};

/// What one frame shows of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The cells that show it, and how much of it each shows, from 0 to 1.
    pub cells: Vec<(usize, f32)>,
    /// The middle of its whole box, in pixels from the top left corner.
    pub centre: Vec2,
    /// Width and height of its whole box, in pixels.
    pub extent: Vec2,
    /// From the camera to its middle, in metres.
    pub distance: f32,
    /// Pixels of it that are seen.
    pub area: f32,
    /// Probabilities of the kinds, and last of being none of them clearly.
    pub kinds: [f32; Kind::ALL.len() + 1],
    /// Probabilities of the colours.
    pub colours: [f32; Colour::ALL.len()],
    /// Probabilities of the sizes.
    pub sizes: [f32; Size::ALL.len()],
}

impl Sighting {
    /// What these cells of a frame say together; `columns` are the cells in a row.
    pub fn of(frame: &FrameSight, columns: usize, cells: Vec<(usize, f32)>) -> Self {
        let share: f32 = cells.iter().map(|(_, share)| share).sum();
        let mean = |of: &dyn Fn(usize) -> f32| {
            cells.iter().map(|&(cell, share)| share * of(cell)).sum::<f32>() / share
        };
        let pair = |of: &dyn Fn(usize) -> Vec2| Vec2::new(mean(&|cell| of(cell).x), mean(&|cell| of(cell).y));
        let centre = pair(&|cell| frame.points_to(cell, columns));
        let extent = pair(&|cell| frame.extent(cell));
        let logarithm = mean(&|cell| frame.geometry(cell)[4]);
        let kinds = std::array::from_fn(|kind| {
            mean(&|cell| frame.kinds(cell)[FIRST_KIND + kind] / (1.0 - frame.kinds(cell)[NOTHING]).max(1e-6))
        });
        let colours = std::array::from_fn(|colour| mean(&|cell| frame.colours(cell)[colour]));
        let sizes = std::array::from_fn(|size| mean(&|cell| frame.sizes(cell)[size]));
        Self {
            centre,
            extent,
            distance: seen::DISTANCE_UNIT * logarithm.clamp(-2.0, 2.0).exp(),
            area: share * (seen::CELL * seen::CELL) as f32,
            kinds,
            colours,
            sizes,
            cells,
        }
    }

    /// The share of its box that is seen.
    pub fn shown(&self) -> f32 {
        self.area / self.extent.element_product().max(1.0)
    }

    /// The cells, and the part that each has of the thing: they add up to 1.
    pub fn weights(&self) -> impl Iterator<Item = (usize, f32)> {
        let share: f32 = self.cells.iter().map(|(_, share)| share).sum();
        self.cells.iter().map(move |&(cell, own)| (cell, own / share))
    }

    /// A thing of no kind in the middle of a frame of 128×128 pixels.
    #[cfg(test)]
    pub fn example() -> Self {
        Self {
            cells: vec![(495, 1.0), (496, 1.0)],
            centre: Vec2::splat(64.0),
            extent: Vec2::splat(30.0),
            distance: 5.0,
            area: 700.0,
            kinds: [0.0; Kind::ALL.len() + 1],
            colours: [0.0; Colour::ALL.len()],
            sizes: [1.0, 0.0],
        }
    }
}
