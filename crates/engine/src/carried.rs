//! Pictures of things that move, taken to where the things are in other frames.

use models::tracks::Place;

use crate::{Size, steady::likely};

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
    let of = |row: usize, column: usize| -> [f32; 3] {
        let at = 3 * (row * width + column);
        [frame[at], frame[at + 1], frame[at + 2]]
    };
    let mix = |a: [f32; 3], b: [f32; 3], share: f32| -> [f32; 3] {
        std::array::from_fn(|colour| a[colour] * (1.0 - share) + b[colour] * share)
    };
    let (mut carried, mut is_thing) = (frame.to_vec(), vec![0.0_f32; width * height]);
    for [from, to] in moves {
        let across = along([from.x, to.x], [from.width, to.width], width);
        let beside = beside(from, width);
        for Source { at: y, between: rows, share: low } in
            along([from.y, to.y], [from.height, to.height], height)
        {
            let around = beside.map(|columns| mix(of(rows[0], columns[0]), of(rows[0], columns[1]), 0.5));
            for Source { at: x, between: [left, right], share: far } in &across {
                let [above, below] = rows.map(|row| mix(of(row, *left), of(row, *right), *far));
                let value = mix(above, below, low);
                let stands_out = around.map_or(1.0, |around| {
                    let differs = value.iter().zip(around).map(|(value, around)| (value - around).abs());
                    1.0 - likely(differs.fold(0.0, f32::max) / STANDS_OUT)
                });
                let at = y * width + x;
                let under = [carried[3 * at], carried[3 * at + 1], carried[3 * at + 2]];
                carried[3 * at..3 * at + 3].copy_from_slice(&mix(under, value, stands_out));
                is_thing[at] = is_thing[at].max(stands_out);
            }
        }
    }
    (carried, is_thing)
}

/// A move to where a frame that was made has the thing indeed: what is drawn lies a few pixels beside what was planned now and then, and of two
/// pictures that are not quite in one place there would be two outlines.
pub(crate) fn aligned(frame: &[f32], made: &[f32], [from, to]: Move, size: Size) -> Move {
    /// Pixels in each direction that are tried: first all of these, then those around the best.
    const TRIED: [&[i32]; 2] = [&[0, -2, 2, -4, 4], &[0, -1, 1]];
    /// A thing lies beside its plan by this share of its width or height at most.
    const FARTHEST: f32 = 0.125;
    let Size { width, height } = size;
    let reach = [to.width * width as f32, to.height * height as f32].map(|side| FARTHEST * side);
    let is_near = |by: &[i32; 2]| by.iter().zip(reach).all(|(by, reach)| by.abs() as f32 <= reach);
    let moved = |[right, down]: [i32; 2]| Place {
        x: to.x + right as f32 / width as f32,
        y: to.y + down as f32 / height as f32,
        ..to
    };
    // The mean difference to what was made, of every other row and column.
    let differs = |to: Place| {
        let across = along([from.x, to.x], [from.width, to.width], width);
        let down = along([from.y, to.y], [from.height, to.height], height);
        let (mut sum, mut count) = (0.0, 0);
        for row in down.iter().step_by(2) {
            for column in across.iter().step_by(2) {
                let there = 3 * (row.nearest() * width + column.nearest());
                let here = 3 * (row.at * width + column.at);
                sum += (0..3).map(|colour| (frame[there + colour] - made[here + colour]).abs()).sum::<f32>();
                count += 3;
            }
        }
        if count == 0 { f32::INFINITY } else { sum / count as f32 }
    };
    let mut best = ([0, 0], differs(to));
    for tried in TRIED {
        let ([right, down], _) = best;
        for by in tried.iter().flat_map(|x| tried.iter().map(move |y| [right + x, down + y])).filter(is_near)
        {
            let found = differs(moved(by));
            if found < best.1 {
                best = (by, found);
            }
        }
    }
    [from, moved(best.0)]
}

/// The columns just left and right of a thing, both the one that there is where it reaches beyond the frame; none where it does on both sides.
fn beside(place: &Place, width: usize) -> Option<[usize; 2]> {
    let half = place.width * (0.5 + BEYOND);
    let [left, right] = [place.x - half, place.x + half].map(|edge| edge * width as f32);
    let inside = |column: f32| (0.0..width as f32).contains(&column).then_some(column as usize);
    let [left, right] = [inside(left.floor() - 1.0), inside(right.ceil())];
    Some([left.or(right)?, right.or(left)?])
}

/// Where a pixel comes from, in one direction.
struct Source {
    at: usize,
    /// The two pixels it came from between,
    between: [usize; 2],
    /// and how near to the second.
    share: f32,
}

impl Source {
    fn nearest(&self) -> usize {
        self.between[usize::from(self.share > 0.5)]
    }
}

/// The pixels of a row that a thing covers, but for those that show what was not in the frame.
fn along([from, to]: [f32; 2], [before, now]: [f32; 2], pixels: usize) -> Vec<Source> {
    let (before, now, count) = (before.max(1e-3), now.max(1e-3), pixels as f32);
    let half = now * (0.5 + BEYOND);
    let [first, last] = [to - half, to + half].map(|edge| (edge * count).clamp(0.0, count).round() as usize);
    let source = |at: usize| {
        let place = (at as f32 + 0.5) / count;
        let source = (from + (place - to) * before / now) * count - 0.5;
        let first = source.max(0.0) as usize;
        let between = [first, (first + 1).min(pixels - 1)];
        (-0.5..count - 0.5).contains(&source).then_some(Source {
            at,
            between,
            share: source.max(0.0).fract(),
        })
    };
    (first..last).filter_map(source).collect()
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
        assert!(found[3 * (4 * 16 + 12)] > 0.99);
    }

    #[test]
    fn a_thing_is_taken_to_where_it_was_drawn() {
        let size = Size { width: 128, height: 128 };
        let disc = |x: f32, y: f32| -> Vec<f32> {
            let of = |at: usize| {
                let far = ((at % 128) as f32 + 0.5 - x).hypot((at / 128) as f32 + 0.5 - y);
                (24.0 - far).clamp(0.0, 1.0)
            };
            (0..128 * 128).flat_map(|at| [of(at); 3]).collect()
        };
        let place = |x: f32, y: f32| Place {
            x: x / 128.0,
            y: y / 128.0,
            width: 48.0 / 128.0,
            height: 48.0 / 128.0,
            ..Place::default()
        };
        let (frame, from) = (disc(40.0, 60.0), place(40.0, 60.0));
        for by in [[0.0, 0.0], [3.0, -2.0], [-5.0, 5.0]] {
            let made = disc(80.0 + by[0], 64.0 + by[1]);
            let [_, to] = aligned(&frame, &made, [from, place(80.0, 64.0)], size);
            let found = [to.x * 128.0 - 80.0, to.y * 128.0 - 64.0];
            assert!(found.iter().zip(by).all(|(found, by)| (found - by).abs() < 0.1), "{found:?} {by:?}");
        }
        // One that is drawn far from its plan is no more taken there than an eighth of it.
        let [_, to] = aligned(&frame, &disc(100.0, 64.0), [from, place(80.0, 64.0)], size);
        assert!((to.x * 128.0 - 80.0).abs() <= 6.0, "{to:?}");
        // What is beyond the frame on all sides is nowhere.
        let gone = [from, place(-200.0, 64.0)];
        assert_eq!(aligned(&frame, &frame, gone, size), gone);
    }

    #[test]
    fn what_was_not_in_the_frame_is_not_made_up() {
        let to = Place { x: 0.5, y: 0.5, width: 0.25, height: 0.5, ..Place::default() };
        let (found, is_thing) = carried(&picture(to), &[[Place { x: -0.3, ..to }, to]], SIZE);
        assert_eq!((found, is_thing), (picture(to), vec![0.0; 128]));
        // Half of it was.
        let (_, is_thing) = carried(&picture(Place { x: 0.0, ..to }), &[[Place { x: 0.0, ..to }, to]], SIZE);
        assert!((7..=10).contains(&is_thing.iter().filter(|is| **is > 0.5).count()), "{is_thing:?}");
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
