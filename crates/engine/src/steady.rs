//! What stands still stays as it is.
//!
//! A denoiser draws each latent frame with grain of its own, so that grounds and things that rest shimmer from one to the
//! next. Where a frame differs from the one before it by no more than such grain, it is half of both: a recursive filter over time
//! that leaves out what moves, as video encoders and televisions have it.

use crate::Size;

/// How much of the frame before stays where nothing moves.
const KEPT: f32 = 0.5;
/// A change of this size, from 0 to 1, is as likely motion as grain.
const MOVES: f32 = 0.02;

/// Makes a frame steady against the one before it, both `[height, width, 3]`, 0 to 1.
fn steady(frame: &mut [f32], before: &[f32], size: Size) {
    let changes = largest_change(frame, before, size);
    let pixels = frame.as_chunks_mut::<3>().0.iter_mut().zip(before.as_chunks::<3>().0);
    for ((pixel, before), change) in pixels.zip(changes) {
        let share = KEPT / (1.0 + (change / MOVES).powi(4));
        for (value, before) in pixel.iter_mut().zip(before) {
            *value += share * (before - *value);
        }
    }
}

/// Makes each of some frames steady against the one that comes before it in their order, and the first against `last`, if there is that.
pub(crate) fn steady_in_turn<'a>(
    mut last: Option<&'a [f32]>,
    frames: impl Iterator<Item = &'a mut Vec<f32>>,
    size: Size,
) {
    for frame in frames {
        if let Some(last) = last {
            steady(frame, last, size);
        }
        last = Some(frame);
    }
}

/// How likely, from 0 to 1, a difference is none that is so many times what is as likely one as not.
pub(crate) fn likely(times: f32) -> f32 {
    1.0 / (1.0 + times.powi(2))
}

/// By how much two frames differ in any colour, `[height, width]`.
pub(crate) fn change(a: &[f32], b: &[f32]) -> Vec<f32> {
    let pixels = a.as_chunks::<3>().0.iter().zip(b.as_chunks::<3>().0);
    pixels.map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs()).max((a[2] - b[2]).abs())).collect()
}

/// The same of a pixel or of one beside it, where that is more.
pub(crate) fn largest_change(a: &[f32], b: &[f32], Size { width, height }: Size) -> Vec<f32> {
    let changes = change(a, b);
    let rows: Vec<&[f32]> = changes.chunks_exact(width).collect();
    let mut largest = Vec::with_capacity(changes.len());
    // Of a column, the largest change in a row and in those beside it; the edge is beside itself.
    let mut near = vec![0.0_f32; width + 2];
    for y in 0..height {
        let [above, own, below] = [y.saturating_sub(1), y, (y + 1).min(height - 1)].map(|y| rows[y]);
        for (((near, above), own), below) in near[1..].iter_mut().zip(above).zip(own).zip(below) {
            *near = above.max(*own).max(*below);
        }
        (near[0], near[width + 1]) = (near[1], near[width]);
        largest.extend(near.array_windows().map(|[left, own, right]| left.max(*own).max(*right)));
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 5, height: 4 };

    fn grey(values: [f32; 20]) -> Vec<f32> {
        values.into_iter().flat_map(|value| [value; 3]).collect()
    }

    #[test]
    fn grain_is_halved_and_what_moves_stays_sharp() {
        let before = grey([0.5; 20]);
        let mut frame = grey([0.502; 20]);
        steady(&mut frame, &before, SIZE);
        assert!(frame.iter().all(|value| (value - 0.501).abs() < 1e-5), "{frame:?}");

        // A bright dot has come in the second row and column: it and what is beside it are as they were drawn.
        let mut values = [0.502; 20];
        values[6] = 0.9;
        let mut frame = grey(values);
        steady(&mut frame, &before, SIZE);
        let of = |y: usize, x: usize| frame[3 * (y * 5 + x)];
        for (y, x) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)] {
            assert!((of(y, x) - 0.502).abs() < 1e-4, "{y} {x}: {}", of(y, x));
        }
        assert!((of(1, 1) - 0.9).abs() < 1e-3);
        for (y, x) in [(0, 3), (1, 4), (3, 1), (3, 3)] {
            assert!((of(y, x) - 0.501).abs() < 1e-5, "{y} {x}: {}", of(y, x));
        }
    }
}
