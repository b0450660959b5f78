//! From cells to things: cells that point to one middle belong to one thing.

use glam::{Vec2, Vec3};

use world::Action;

use super::{likeness, sighting::Sighting};
use crate::{
    look::{FrameSight, Sight},
    recogniser::{NOTHING, seen},
};

/// A cell with less of a thing than this shows none.
const LEAST_SHARE: f32 = 0.4;
/// Cells of a thing that are at least seen of it.
const LEAST_CELLS: f32 = 1.6;
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
            taken.push(free.swap_remove(at));
        }
        if share >= LEAST_CELLS {
            found.push(sighting(frame, &taken));
        }
    }
    found
}

fn cells(sight: &Sight, frame: &FrameSight) -> Vec<Cell> {
    let columns = sight.columns();
    let geometry = |index: usize| &frame.geometry[index * GEOMETRY..][..GEOMETRY];
    let cell = |index: usize| {
        let share = 1.0 - frame.kinds[index * seen::KIND.len + NOTHING];
        let g = geometry(index);
        let middle =
            (Vec2::new((index % columns) as f32, (index / columns) as f32) + 0.5) * seen::CELL as f32;
        (share > LEAST_SHARE).then(|| Cell {
            index,
            share,
            vote: middle + Vec2::new(g[0], g[1]) * seen::CENTRE_UNIT,
            extent: (Vec2::new(g[2], g[3]) * seen::EXTENT_UNIT).max(Vec2::splat(seen::CELL as f32)),
        })
    };
    (0..sight.cells()).filter_map(cell).collect()
}

/// Channels of [`FrameSight::geometry`].
const GEOMETRY: usize = seen::ALL - seen::CENTRE.start;

fn colours(frame: &FrameSight, cell: &Cell) -> impl Fn(&Cell) -> f32 {
    let of = |cell: &Cell| frame.colours[cell.index * seen::COLOUR.len..][..seen::COLOUR.len].to_vec();
    let own = of(cell);
    move |other: &Cell| likeness(&own, &frame.colours[other.index * seen::COLOUR.len..][..seen::COLOUR.len])
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

fn sighting(frame: &FrameSight, cells: &[Cell]) -> Sighting {
    let share: f32 = cells.iter().map(|cell| cell.share).sum();
    let mean =
        |of: &dyn Fn(&Cell) -> f32| cells.iter().map(|cell| cell.share * of(cell)).sum::<f32>() / share;
    let kinds = std::array::from_fn(|kind| {
        mean(&|cell| {
            let classes = &frame.kinds[cell.index * seen::KIND.len..][..seen::KIND.len];
            classes[NOTHING + 1 + kind] / (1.0 - classes[NOTHING]).max(1e-6)
        })
    });
    Sighting {
        centre: Vec2::new(mean(&|cell| cell.vote.x), mean(&|cell| cell.vote.y)),
        extent: Vec2::new(mean(&|cell| cell.extent.x), mean(&|cell| cell.extent.y)),
        distance: seen::DISTANCE_UNIT
            * mean(&|cell| frame.geometry[cell.index * GEOMETRY + GEOMETRY - 1]).exp(),
        area: share * (seen::CELL * seen::CELL) as f32,
        kinds,
        colours: std::array::from_fn(|i| mean(&|cell| frame.colours[cell.index * seen::COLOUR.len + i])),
        sizes: std::array::from_fn(|i| mean(&|cell| frame.sizes[cell.index * seen::SIZE.len + i])),
        // What a closer look tells.
        velocity: Vec3::ZERO,
        spin: Vec3::ZERO,
        height: 0.0,
        stride: 0.0,
        wings: 0.0,
        actions: [0.0; Action::ALL.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame in which squares of cells point to their middles: `(first column, first row, side, colour, kind)`.
    fn frame(squares: &[(usize, usize, usize, usize, usize)]) -> (Sight, FrameSight) {
        let (columns, rows) = (32, 32);
        let cells = columns * rows;
        let mut frame = FrameSight {
            kinds: vec![0.0; cells * seen::KIND.len],
            colours: vec![1.0 / 8.0; cells * seen::COLOUR.len],
            sizes: vec![0.5; cells * seen::SIZE.len],
            geometry: vec![0.0; cells * GEOMETRY],
        };
        for cell in 0..cells {
            frame.kinds[cell * seen::KIND.len] = 1.0;
        }
        for &(left, top, side, colour, kind) in squares {
            let middle = Vec2::new(left as f32, top as f32) + side as f32 / 2.0;
            for cell in 0..side * side {
                let (column, row) = (left + cell % side, top + cell / side);
                let index = row * columns + column;
                let classes = &mut frame.kinds[index * seen::KIND.len..][..seen::KIND.len];
                classes.fill(0.0);
                classes[1 + kind] = 1.0;
                let colours = &mut frame.colours[index * seen::COLOUR.len..][..seen::COLOUR.len];
                colours.fill(0.0);
                colours[colour] = 1.0;
                let to = (middle - Vec2::new(column as f32, row as f32) - 0.5) * seen::CELL as f32;
                let extent = (side * seen::CELL) as f32 / seen::EXTENT_UNIT;
                let g = &mut frame.geometry[index * GEOMETRY..][..GEOMETRY];
                g[..4].copy_from_slice(&[to.x / seen::CENTRE_UNIT, to.y / seen::CENTRE_UNIT, extent, extent]);
            }
        }
        (Sight { width: 128, height: 128, frames: Vec::new(), places: Vec::new(), drift: Vec::new() }, frame)
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
