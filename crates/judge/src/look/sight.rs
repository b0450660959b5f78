//! What was seen, cell by cell.

use glam::Vec2;

use crate::{
    camera::{Explained, WAYS},
    drift::DRIFT,
    mirror,
    recogniser::{Channels, seen},
};

/// Numbers of a cell about where its thing is: [`seen::CENTRE`], [`seen::EXTENT`] and [`seen::DISTANCE`].
const GEOMETRY: Channels = Channels { start: seen::CENTRE.start, len: seen::ALL - seen::CENTRE.start };

/// What the recogniser says of one frame. A cell is a square of [`seen::CELL`] pixels; they come row after row.
#[derive(Clone, Debug, Default)]
pub struct FrameSight {
    /// `[cells, seen::ALL]`: of kinds, colours and sizes the probabilities.
    cells: Vec<f32>,
    /// Features of the cells, `[cells, TRAITS]`.
    pub traits: Vec<f32>,
    /// Features of the frame, `[SCENE]`.
    pub scene: Vec<f32>,
}

impl FrameSight {
    /// Of the recogniser's numbers about a frame: cells `[cells, seen::ALL]` with logits, traits and scene.
    pub fn new(mut cells: Vec<f32>, traits: Vec<f32>, scene: Vec<f32>) -> Self {
        for cell in cells.chunks_exact_mut(seen::ALL) {
            for part in [seen::KIND, seen::COLOUR, seen::SIZE] {
                softmax(&mut cell[part.start..part.end()]);
            }
        }
        Self { cells, traits, scene }
    }

    /// Lets nothing be in any cell.
    pub(super) fn clear(&mut self) {
        for cell in self.cells.chunks_exact_mut(seen::ALL) {
            let kinds = &mut cell[seen::KIND.start..seen::KIND.end()];
            kinds.fill(0.0);
            kinds[0] = 1.0;
        }
    }

    /// Makes of the cells of both the mean: of a frame, and of the same in a mirror.
    pub(super) fn agree(&mut self, mirrored: &mut Self, columns: usize) {
        let other = mirror::cells(&mirrored.cells, columns);
        self.cells.iter_mut().zip(other).for_each(|(cell, other)| *cell = f32::midpoint(*cell, other));
        mirrored.cells = mirror::cells(&self.cells, columns);
    }

    fn part(&self, cell: usize, of: Channels) -> &[f32] {
        &self.cells[cell * seen::ALL + of.start..][..of.len]
    }

    /// Probabilities of nothing, each kind, and a thing of no clear kind.
    pub fn kinds(&self, cell: usize) -> &[f32] {
        self.part(cell, seen::KIND)
    }

    /// Probabilities of the colours of the thing there.
    pub fn colours(&self, cell: usize) -> &[f32] {
        self.part(cell, seen::COLOUR)
    }

    /// Probabilities of the sizes of the thing there.
    pub fn sizes(&self, cell: usize) -> &[f32] {
        self.part(cell, seen::SIZE)
    }

    /// Where its thing is: to its middle (2), extent (2) and distance (1), as [`seen`] has them.
    pub fn geometry(&self, cell: usize) -> &[f32] {
        self.part(cell, GEOMETRY)
    }

    /// Where a cell says that its thing has its middle, in pixels; `columns` are the cells in a row.
    pub fn points_to(&self, cell: usize, columns: usize) -> Vec2 {
        let own = Vec2::new((cell % columns) as f32, (cell / columns) as f32) + 0.5;
        let geometry = self.geometry(cell);
        own * seen::CELL as f32 + Vec2::new(geometry[0], geometry[1]) * seen::CENTRE_UNIT
    }

    /// The width and height that a cell says its thing has, in pixels.
    pub fn extent(&self, cell: usize) -> Vec2 {
        let geometry = self.geometry(cell);
        (Vec2::new(geometry[2], geometry[3]) * seen::EXTENT_UNIT).max(Vec2::splat(seen::CELL as f32))
    }
}

/// Logits become probabilities.
fn softmax(logits: &mut [f32]) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter_mut().for_each(|logit| *logit = (*logit - most).exp());
    let sum: f32 = logits.iter().sum();
    logits.iter_mut().for_each(|power| *power /= sum);
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
    /// How the background drifts from each frame to the next, once it was measured: see [`drift`](crate::drift).
    pub drift: Vec<[f32; DRIFT]>,
    /// What each way to move the camera explains, once it was measured: see [`explained`](crate::camera::explained).
    pub camera: [Explained; WAYS],
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

    /// Frames of 128×128 pixels in which nothing was made out.
    #[cfg(test)]
    pub fn example(frames: usize) -> Self {
        Self {
            width: 128,
            height: 128,
            frames: vec![FrameSight::default(); frames],
            drift: vec![[0.0; DRIFT]; frames - 1],
            camera: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_they_stand() {
        let mut values = vec![0.0; 2 * seen::ALL];
        values[seen::ALL + seen::KIND.start + 3] = 9.0;
        values[seen::ALL + seen::CENTRE.start + 1] = 1.0;
        values[seen::ALL + seen::EXTENT.start] = 0.5;
        let frame = FrameSight::new(values, Vec::new(), Vec::new());
        assert!(frame.kinds(1)[3] > 0.99 && (frame.kinds(1).iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(frame.sizes(0), [0.5; 2]);
        assert_eq!(frame.points_to(1, 32), Vec2::new(6.0, 2.0 + seen::CENTRE_UNIT));
        assert_eq!(frame.extent(1), Vec2::new(seen::EXTENT_UNIT / 2.0, seen::CELL as f32));
        let mut frame = frame;
        frame.clear();
        assert!((0..2).all(|cell| frame.kinds(cell)[0] == 1.0 && frame.kinds(cell)[3] == 0.0));
    }
}
