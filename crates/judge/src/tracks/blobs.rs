//! From cells to things: cells that point to one middle belong to one thing.

use glam::Vec2;

use super::{likeness, sighting::Sighting};
use crate::{
    look::{FrameSight, Sight},
    recogniser::NOTHING,
};

/// A cell with less of a thing than this shows none.
const LEAST_SHARE: f32 = 0.4;
/// Cells of a thing that are at least seen of it.
pub const LEAST_CELLS: f32 = 1.6;
/// Cells of one thing point to within this share of its extent, or so many pixels.
const REACH_SHARE: f32 = 0.24;
const REACH_PIXELS: f32 = 6.0;
/// Cells whose colours are less alike are of two things.
const LEAST_LIKENESS: f32 = 0.35;

/// A cell that shows a thing.
struct Cell {
    index: usize,
    /// How much of a thing it shows, from 0 to 1.
    share: f32,
    /// Where it points to, in pixels.
    vote: Vec2,
    extent: Vec2,
}

/// What a frame shows.
pub(super) fn sightings(sight: &Sight, frame: &FrameSight) -> Vec<Sighting> {
    let mut free = cells(sight, frame);
    let mut found = Vec::new();
    while let Some(seed) = densest(&free, frame) {
        let members = gather(&free, seed, frame);
        let share: f32 = members.iter().map(|&at| free[at].share).sum();
        let mut taken = Vec::with_capacity(members.len());
        for at in members.into_iter().rev() {
            let Cell { index, share, .. } = free.swap_remove(at);
            taken.push((index, share));
        }
        if share >= LEAST_CELLS {
            found.push(Sighting::of(frame, sight.columns(), taken));
        }
    }
    found
}

fn cells(sight: &Sight, frame: &FrameSight) -> Vec<Cell> {
    let columns = sight.columns();
    let cell = |index: usize| {
        let share = 1.0 - frame.kinds(index)[NOTHING];
        let (vote, extent) = (frame.points_to(index, columns), frame.extent(index));
        (share > LEAST_SHARE).then_some(Cell { index, share, vote, extent })
    };
    (0..sight.cells()).filter_map(cell).collect()
}

/// How alike in colour other cells are to one.
fn colours<'a>(frame: &'a FrameSight, cell: &Cell) -> impl Fn(&Cell) -> f32 + 'a {
    let own = frame.colours(cell.index);
    move |other: &Cell| likeness(own, frame.colours(other.index))
}

fn reach(cell: &Cell) -> f32 {
    REACH_PIXELS.max(REACH_SHARE * cell.extent.max_element())
}

/// The cell that most others agree with.
fn densest(cells: &[Cell], frame: &FrameSight) -> Option<usize> {
    let density = |cell: &Cell| {
        let (reach, alike) = (reach(cell), colours(frame, cell));
        let near = cells.iter().filter(|other| other.vote.distance(cell.vote) < reach);
        near.map(|other| other.share * alike(other)).sum::<f32>() * cell.share
    };
    let densities: Vec<f32> = cells.iter().map(density).collect();
    (0..cells.len()).max_by(|&a, &b| densities[a].total_cmp(&densities[b]))
}

/// The cells of one thing, in order.
fn gather(cells: &[Cell], seed: usize, frame: &FrameSight) -> Vec<usize> {
    let alike = colours(frame, &cells[seed]);
    let reach = reach(&cells[seed]);
    let mut middle = cells[seed].vote;
    let mut members = vec![seed];
    // The middle of those that are near is a better middle.
    for widening in [1.0, 1.5] {
        let belongs = |&at: &usize| {
            let cell = &cells[at];
            at == seed || (cell.vote.distance(middle) < widening * reach && alike(cell) > LEAST_LIKENESS)
        };
        members = (0..cells.len()).filter(belongs).collect();
        let share: f32 = members.iter().map(|&at| cells[at].share).sum();
        middle = members.iter().map(|&at| cells[at].vote * cells[at].share).sum::<Vec2>() / share;
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recogniser::{FIRST_KIND, seen};

    /// A frame in which squares of cells point to their middles: `(first column, first row, side, colour, kind)`.
    fn frame(squares: &[(usize, usize, usize, usize, usize)]) -> (Sight, FrameSight) {
        const SURE: f32 = 20.0;
        let (columns, rows) = (32, 32);
        let mut cells = vec![0.0; columns * rows * seen::ALL];
        cells.chunks_exact_mut(seen::ALL).for_each(|cell| cell[seen::KIND.start + NOTHING] = SURE);
        for &(left, top, side, colour, kind) in squares {
            let middle = Vec2::new(left as f32, top as f32) + side as f32 / 2.0;
            for cell in 0..side * side {
                let (column, row) = (left + cell % side, top + cell / side);
                let values = &mut cells[(row * columns + column) * seen::ALL..][..seen::ALL];
                values.fill(0.0);
                values[seen::KIND.start + FIRST_KIND + kind] = SURE;
                values[seen::COLOUR.start + colour] = SURE;
                let to = (middle - Vec2::new(column as f32, row as f32) - 0.5) * seen::CELL as f32;
                values[seen::CENTRE.start..][..2].copy_from_slice(&(to / seen::CENTRE_UNIT).to_array());
                let extent = (side * seen::CELL) as f32 / seen::EXTENT_UNIT;
                values[seen::EXTENT.start..][..2].fill(extent);
            }
        }
        (Sight::example(1), FrameSight::new(cells, Vec::new(), Vec::new()))
    }

    #[test]
    fn each_square_is_a_thing_and_specks_are_none() {
        // Two apart, one of another colour in the middle of one of them, and a speck.
        let (sight, frame) = frame(&[(2, 3, 8, 0, 1), (20, 10, 6, 0, 1), (5, 6, 2, 4, 2), (30, 30, 1, 5, 3)]);
        let mut found = sightings(&sight, &frame);
        found.sort_by(|a, b| b.area.total_cmp(&a.area));
        assert_eq!(found.len(), 3);
        let near = |at: Vec2, x: f32, y: f32| at.distance(Vec2::new(x, y)) < 1.0;
        assert!(near(found[0].centre, 24.0, 28.0) && near(found[1].centre, 92.0, 52.0), "{found:?}");
        assert!(near(found[2].centre, 24.0, 28.0) && found[2].colours[4] > 0.9, "{found:?}");
        assert_eq!((found[0].area, found[1].area), (60.0 * 16.0, 36.0 * 16.0));
        assert!(found[0].kinds[1] > 0.99 && (found[0].extent.x - 32.0).abs() < 1e-3);
    }

    #[test]
    fn an_empty_frame_shows_nothing() {
        let (sight, frame) = frame(&[]);
        assert!(sightings(&sight, &frame).is_empty());
    }
}
