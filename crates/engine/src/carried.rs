//! Pictures of things that move, taken to where the things are in other frames.

use models::tracks::Place;

use crate::Size;

/// Where a thing is in one frame, and where in another.
pub(crate) type Move = [Place; 2];

/// What is around a thing by so much of its width and height moves with it: what is drawn reaches a little beyond what is planned.
const BEYOND: f32 = 0.03;
/// What differs by this much from what is to the left and to the right of a thing is as likely the thing as not.
const STANDS_OUT: f32 = 0.04;

/// A frame `[height, width, 3]` with each thing taken to where it is in another one, and how likely each pixel shows one then, `[height,
/// width]`. What is nearer has to be behind what is farther.
pub(crate) fn carried(frame: &[f32], moves: &[Move], size: Size) -> (Vec<f32>, Vec<f32>) {
    let Size { width, height } = size;
    let of = |row: usize, column: usize, colour: usize| frame[3 * (row * width + column) + colour];
    let (mut carried, mut is_thing) = (frame.to_vec(), vec![0.0_f32; width * height]);
    for [from, to] in moves {
        let across = along([from.x, to.x], [from.width, to.width], width);
        let down = along([from.y, to.y], [from.height, to.height], height);
        let beside = beside(from, width);
        for Source { at: y, between: rows, share: low } in &down {
            for Source { at: x, between: columns, share: far } in &across {
                let mut stands_out = if beside.is_empty() { 1.0 } else { 0.0_f32 };
                for colour in 0..3 {
                    let [above, below] = rows.map(|row| {
                        of(row, columns[0], colour) * (1.0 - far) + of(row, columns[1], colour) * far
                    });
                    let value = above * (1.0 - low) + below * low;
                    carried[3 * (y * width + x) + colour] = value;
                    let around = beside.iter().map(|&column| of(rows[0], column, colour)).sum::<f32>();
                    let differs = (value - around / beside.len().max(1) as f32).abs() / STANDS_OUT;
                    stands_out = stands_out.max(1.0 - 1.0 / (1.0 + differs.powi(2)));
                }
                is_thing[y * width + x] = stands_out;
            }
        }
    }
    (carried, is_thing)
}

/// The columns just left and right of a thing, as far as they are in the frame.
fn beside(place: &Place, width: usize) -> Vec<usize> {
    let half = place.width * (0.5 + BEYOND);
    let sides = [place.x - half, place.x + half].map(|edge| (edge * width as f32).round());
    let inside = sides.into_iter().filter(|edge| (0.0..width as f32).contains(edge));
    inside.map(|edge| edge as usize).collect()
}

/// Where a pixel comes from, in one direction.
struct Source {
    at: usize,
    /// The two pixels it came from between,
    between: [usize; 2],
    /// and how near to the second.
    share: f32,
}

/// The pixels of a row that a thing covers.
fn along([from, to]: [f32; 2], [before, now]: [f32; 2], pixels: usize) -> Vec<Source> {
    let (before, now, count) = (before.max(1e-3), now.max(1e-3), pixels as f32);
    let half = now * (0.5 + BEYOND);
    let [first, last] = [to - half, to + half].map(|edge| (edge * count).clamp(0.0, count).round() as usize);
    let source = |at: usize| {
        let place = (at as f32 + 0.5) / count;
        let source = ((from + (place - to) * before / now) * count - 0.5).clamp(0.0, count - 1.0);
        let first = source as usize;
        Source { at, between: [first, (first + 1).min(pixels - 1)], share: source.fract() }
    };
    (first..last).map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 16, height: 8 };

    /// Black, with a white thing that is twice as high as wide.
    fn picture(place: Place) -> Vec<f32> {
        let inside = |middle: f32, length: f32, at: usize, pixels: usize| {
            (((at as f32 + 0.5) / pixels as f32) - middle).abs() < length / 2.0
        };
        let white = |at: usize| {
            inside(place.x, place.width, at % 16, 16) && inside(place.y, place.height, at / 16, 8)
        };
        (0..128).flat_map(|at| [f32::from(u8::from(white(at))); 3]).collect()
    }

    #[test]
    fn a_thing_is_taken_along_and_grows() {
        let from = Place { x: 0.25, y: 0.5, width: 0.125, height: 0.25, ..Place::default() };
        let to = Place { x: 0.75, y: 0.5, width: 0.25, height: 0.5, ..from };
        let (found, is_thing) = carried(&picture(from), &[[from, to]], SIZE);
        let expected = picture(to);
        for at in 0..128 {
            if is_thing[at] > 0.5 {
                assert!((found[3 * at] - expected[3 * at]).abs() <= 0.5, "{at}: {}", found[3 * at]);
            }
        }
        // It is four by four pixels now, and what is in its box beside it stays.
        assert!((12..=16).contains(&is_thing.iter().filter(|is| **is > 0.5).count()), "{is_thing:?}");
        assert!(is_thing.iter().all(|is| *is > 0.5 || *is < 0.1), "{is_thing:?}");
        assert_eq!(found[3 * (4 * 16 + 12)], 1.0);
    }

    #[test]
    fn what_leaves_the_frame_is_cut_off() {
        let from = Place { x: 0.5, y: 0.5, width: 0.25, height: 0.5, ..Place::default() };
        for x in [-1.0, 0.0, 1.0, 2.0] {
            let (found, is_thing) = carried(&picture(from), &[[from, Place { x, y: 1.0, ..from }]], SIZE);
            assert_eq!(found.len(), 3 * is_thing.len());
            assert_eq!(is_thing.iter().any(|is| *is > 0.5), (0.0..=1.0).contains(&x));
        }
    }
}
