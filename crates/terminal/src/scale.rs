//! A picture at another size: the mean of what a pixel covers where it shrinks, a blend of neighbours where it grows.
//!
//! Both are products with one matrix for the columns and one for the rows, which are mostly zeros.

use crate::Picture;

/// `picture` as `width` by `height` pixels, both at least 1; as it is where it has that size.
pub(crate) fn scale<'a>(picture: &'a Picture<'_>, width: usize, height: usize) -> Picture<'a> {
    if (picture.width(), picture.height()) == (width, height) {
        return picture.borrowed();
    }
    let columns = taps(picture.width(), width);
    let row_length = width * 3;
    let mut narrowed = Vec::with_capacity(picture.height() * row_length); // [rows, width, 3]
    for row in picture.rows() {
        for Tap { first, weights } in &columns {
            let mut sum = [0.0; 3];
            for (pixel, weight) in row[*first..].iter().zip(weights) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * f32::from(*value);
                }
            }
            narrowed.extend(sum);
        }
    }
    let mut rgb = Vec::with_capacity(height * row_length);
    let mut sums = vec![0.0; row_length];
    for Tap { first, weights } in taps(picture.height(), height) {
        sums.fill(0.0);
        for (row, weight) in narrowed[first * row_length..].chunks_exact(row_length).zip(&weights) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        rgb.extend(sums.iter().map(|sum| sum.round() as u8));
    }
    Picture::made(width, height, rgb)
}

/// Where a pixel of the new size comes from: neighbours from `first` on, by weights whose sum is 1.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

/// A tap for each of `to` pixels over `from` pixels.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let step = from as f64 / to as f64;
    let shrunk = |index: usize| {
        let (start, end) = (index as f64 * step, (index + 1) as f64 * step);
        let first = (start as usize).min(from - 1);
        let last = (end.ceil() as usize).clamp(first + 1, from);
        let covered = |pixel: usize| (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)).max(0.0);
        let sum: f64 = (first..last).map(covered).sum();
        Tap { first, weights: (first..last).map(|pixel| (covered(pixel) / sum) as f32).collect() }
    };
    let grown = |index: usize| {
        // Between the centres of two pixels; at the border there is only one.
        let place = ((index as f64 + 0.5) * step - 0.5).clamp(0.0, (from - 1) as f64);
        let first = (place as usize).min(from.saturating_sub(2));
        let share = (place - first as f64) as f32;
        Tap { first, weights: if from == 1 { vec![1.0] } else { vec![1.0 - share, share] } }
    };
    (0..to).map(|index| if step >= 1.0 { shrunk(index) } else { grown(index) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waves of three lengths, each in a channel of its own.
    fn waves(width: usize, height: usize) -> Picture<'static> {
        let level = |x: usize, y: usize, length: f64| {
            127.5 + 100.0 * ((x as f64 * 0.7 + y as f64) * std::f64::consts::TAU / length).sin()
        };
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb =
            pixels.flat_map(|(x, y)| [3.0, 11.0, 40.0].map(|length| level(x, y, length) as u8)).collect();
        Picture::made(width, height, rgb)
    }

    fn means(picture: &Picture<'_>) -> [f64; 3] {
        let pixels = (picture.width() * picture.height()) as f64;
        let sum = |channel| picture.rows().flatten().map(|pixel| f64::from(pixel[channel])).sum::<f64>();
        [0, 1, 2].map(|channel| sum(channel) / pixels)
    }

    #[test]
    fn the_mean_is_kept() {
        let picture = waves(60, 36);
        // Smaller by any ratio, and larger by a whole one: rounding alone moves the mean.
        for (width, height) in [(30, 18), (17, 11), (60, 7), (1, 1), (59, 35), (180, 72), (13, 108)] {
            let scaled = scale(&picture, width, height);
            let pixels = (width * height) as f64;
            for (before, after) in means(&picture).into_iter().zip(means(&scaled)) {
                // Halves are rounded up, and a quarter or so of the pixels may end in one.
                let slack = if pixels < 4.0 { 0.5 } else { 0.2 };
                assert!((before - after).abs() <= slack, "{width}x{height}: {before} became {after}");
            }
        }
    }

    #[test]
    fn one_colour_stays_that_colour() {
        let picture = Picture::made(7, 5, [9, 130, 251].repeat(35));
        for (width, height) in [(1, 1), (3, 2), (7, 5), (8, 4), (50, 31)] {
            let scaled = scale(&picture, width, height);
            assert_eq!(scaled, Picture::made(width, height, [9, 130, 251].repeat(width * height)));
        }
    }

    #[test]
    fn pixels_are_averaged_and_blended_by_hand() {
        let grey = |levels: &[u8]| levels.iter().flat_map(|&level| [level; 3]).collect::<Vec<u8>>();
        let row = Picture::made(3, 1, grey(&[0, 90, 180]));
        // Each half covers one and a half pixels.
        assert_eq!(scale(&row, 2, 1).rgb(), grey(&[30, 150]));
        assert_eq!(scale(&row, 6, 1).rgb(), grey(&[0, 23, 68, 113, 158, 180]));
        let column = Picture::made(1, 4, grey(&[10, 20, 30, 60]));
        assert_eq!(scale(&column, 1, 2).rgb(), grey(&[15, 45]));
        assert_eq!(scale(&column, 2, 4).rgb(), grey(&[10, 10, 20, 20, 30, 30, 60, 60]));
    }
}
