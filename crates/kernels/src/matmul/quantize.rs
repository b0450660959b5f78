//! Symmetric 8-bit quantisation of a row: `x ≈ scale · q`, `q` in −127..=127.

use super::tile::{PANEL, STRIP};
use crate::{
    isa::Level,
    lanes::{AHEAD, LANES, fetch, widest},
    shared::cast,
};

const LEVELS: f32 = 127.0;

/// The scale of a row: its greatest magnitude is level 127.
///
/// NaN if the row holds a NaN or an infinity, so that everything computed from it is NaN. At least
/// the least normal number, so that its inverse is finite; a row of zeros becomes zeros.
#[inline(always)]
pub(super) fn scale_of(x: &[f32]) -> f32 {
    // Magnitudes compare like their bits, and infinities and NaNs lie above every number.
    let greater = |greatest: u32, x: &f32| greatest.max(x.to_bits() & 0x7fff_ffff);
    let mut lanes = [0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(0, greater);
    for chunk in chunks {
        fetch(&chunk[0], AHEAD);
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane = greater(*lane, x));
    }
    let greatest = f32::from_bits(lanes.into_iter().fold(rest, u32::max));
    if greatest.is_finite() { (greatest / LEVELS).max(f32::MIN_POSITIVE) } else { f32::NAN }
}

/// Quantises one row and returns its scale; bytes beyond the row become level 0.
///
/// A level is stored as `q + offset`: 128 makes it unsigned, 0 leaves it signed.
pub(super) fn row(isa: Level, x: &[f32], offset: u8, levels: &mut [u8]) -> f32 {
    let mut scale = 0.0;
    let result = &mut scale;
    widest!(isa => quantize(x: &[f32], offset: u8, levels: &mut [u8], result: &mut f32));
    scale
}

#[inline(always)]
fn quantize(x: &[f32], offset: u8, levels: &mut [u8], scale: &mut f32) {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the integer in the low bits
    *scale = scale_of(x);
    let inverse = 1.0 / *scale;
    let (row, rest) = levels.split_at_mut(x.len());
    for (level, &x) in row.iter_mut().zip(x) {
        *level = ((x * inverse + ROUND).to_bits() as u8).wrapping_add(offset);
    }
    rest.fill(offset);
}

/// Up to 16 rows of levels, `[rows][depth]` words of four, as columns `at..at + 16` of a panel, and the sum of each row's
/// levels in `sums`.
pub(super) fn strip(
    isa: Level,
    levels: &[u32],
    depth: usize,
    at: usize,
    panel: &mut [u32],
    sums: &mut [i32],
) {
    widest!(isa => interleave(levels: &[u32], depth: usize, at: usize, panel: &mut [u32], sums: &mut [i32]));
}

#[inline(always)]
fn interleave(levels: &[u32], depth: usize, at: usize, panel: &mut [u32], sums: &mut [i32]) {
    for (row, sum) in levels.chunks_exact(depth).zip(sums) {
        let bytes: &[u8] = cast(row);
        *sum = bytes.iter().map(|level| i32::from(level.cast_signed())).sum();
    }
    // A square at a time: a word from each of sixteen rows makes a line of the panel.
    for start in (0..depth).step_by(STRIP) {
        let width = STRIP.min(depth - start);
        let mut square = [[0; STRIP]; STRIP];
        for (i, row) in levels.chunks_exact(depth).enumerate() {
            for (to, word) in square.iter_mut().zip(&row[start..start + width]) {
                to[i] = *word;
            }
        }
        let lines = panel[start * PANEL..].chunks_exact_mut(PANEL);
        for (line, words) in lines.zip(&square[..width]) {
            line[at..at + STRIP].copy_from_slice(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::test_values;

    fn quantized(isa: Level, x: &[f32]) -> (f32, Vec<i8>) {
        let mut levels = vec![1; x.len() + 3];
        let scale = row(isa, x, 0, &mut levels);
        assert_eq!(levels[x.len()..], [0; 3]);
        (scale, levels[..x.len()].iter().map(|level| level.cast_signed()).collect())
    }

    #[test]
    fn a_value_is_off_by_half_a_level_at_most() {
        for isa in Level::available() {
            for magnitude in [1.0, 1e-30, 1e30] {
                let x: Vec<f32> = test_values(77, 1).iter().map(|x| x * magnitude).collect();
                let (scale, levels) = quantized(isa, &x);
                for (&x, &level) in x.iter().zip(&levels) {
                    let error = (f64::from(x) - f64::from(scale) * f64::from(level)).abs();
                    assert!(error <= 0.500_01 * f64::from(scale), "{isa:?}: {x} as {level}");
                }
                assert_eq!(levels.iter().map(|level| level.unsigned_abs()).max(), Some(127));
            }
        }
    }

    #[test]
    fn zeros_and_what_is_no_number() {
        for isa in Level::available() {
            assert_eq!(quantized(isa, &[0.0, -0.0]).1, [0, 0]);
            assert_eq!(quantized(isa, &[f32::MAX, -f32::MAX, 1.0]).1, [127, -127, 0]);
            assert!(quantized(isa, &[1e-45; 20]).0 > 0.0);
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(quantized(isa, &[1.0, bad, 2.0]).0.is_nan());
            }
        }
    }
}
