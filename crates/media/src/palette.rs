//! 256 colours for a whole clip.
//!
//! One palette serves every frame and the dither pattern stands still, so that an unmoving part of
//! the picture keeps the same colours from frame to frame: nothing flickers.

use std::collections::HashMap;

use color_quant::NeuQuant;

const MAX_COLOURS: usize = 256;

/// The colours that the quantiser learns from, at most. It visits every one.
const MAX_SAMPLES: usize = 1 << 17;

/// NeuQuant's sampling stride: 1 visits every sample, its best quality.
const SAMPLE_STRIDE: i32 = 1;

/// How far the dither moves a channel, in 8-bit levels to either side. About half the usual distance
/// between neighbouring palette colours: less shows bands, more shows the pattern.
const DITHER_LEVELS: f32 = 6.0;

type Rgb = [u8; 3];

/// How often each colour occurs in the frames so far.
#[derive(Default)]
pub(crate) struct Colours(HashMap<Rgb, u32>);

impl Colours {
    /// Adds the pixels of a frame.
    pub fn count(&mut self, rgb: &[u8]) {
        for pixel in rgb.as_chunks().0 {
            let count = self.0.entry(*pixel).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// A palette and the nearest entry to each colour asked for so far.
pub(crate) struct Palette {
    colours: Vec<Rgb>,
    nearest: HashMap<Rgb, u8>,
    exact: bool,
}

impl Palette {
    /// Chooses colours for all frames of a clip. A clip of no more than 256 colours gets exactly
    /// those.
    pub(crate) fn new(colours: Colours) -> Self {
        let mut counts: Vec<(Rgb, u32)> = colours.0.into_iter().collect();
        counts.sort_unstable(); // a hash map's order differs from run to run
        let exact = counts.len() <= MAX_COLOURS;
        let colours = if exact {
            counts.iter().map(|&(colour, _)| colour).collect()
        } else {
            let map = NeuQuant::new(SAMPLE_STRIDE, MAX_COLOURS, &samples(&counts)).color_map_rgb();
            map.as_chunks().0.to_vec()
        };
        Self { colours, nearest: HashMap::new(), exact }
    }

    /// `[colours, 3]`, at most 256 colours.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.colours.as_flattened()
    }

    /// The palette index of every pixel of a frame `[height, width, 3]`.
    pub(crate) fn indices(&mut self, frame: &[u8], width: usize) -> Vec<u8> {
        let pixels = frame.as_chunks().0.iter().enumerate();
        pixels
            .map(|(i, pixel)| {
                if self.exact {
                    return self.nearest(*pixel);
                }
                let offset = dither(i % width, i / width);
                self.nearest(pixel.map(|value| (f32::from(value) + offset).round() as u8))
            })
            .collect()
    }

    fn nearest(&mut self, wanted: Rgb) -> u8 {
        *self.nearest.entry(wanted).or_insert_with(|| {
            let distance = |colour: &Rgb| -> i32 {
                // The eye is most sensitive to green and least to blue.
                let weighted = |channel: usize, weight: i32| {
                    let difference = i32::from(colour[channel]) - i32::from(wanted[channel]);
                    weight * difference * difference
                };
                weighted(0, 3) + weighted(1, 4) + weighted(2, 2)
            };
            let candidates = self.colours.iter().enumerate();
            candidates.min_by_key(|(_, colour)| distance(colour)).map_or(0, |(index, _)| index as u8)
        })
    }
}

/// RGBA samples in which a colour stands in proportion to the square root of its area: a small thing
/// in a large landscape keeps its own colours.
fn samples(counts: &[(Rgb, u32)]) -> Vec<u8> {
    let weight = |count: u32| f64::from(count).sqrt();
    let total: f64 = counts.iter().map(|&(_, count)| weight(count)).sum();
    let density = (MAX_SAMPLES as f64 / total).min(1.0);
    let mut samples = Vec::with_capacity(MAX_SAMPLES * 4);
    let mut due = 0.0;
    for &([r, g, b], count) in counts {
        due += weight(count) * density;
        while due >= 1.0 {
            samples.extend([r, g, b, u8::MAX]);
            due -= 1.0;
        }
    }
    samples
}

/// The 8x8 Bayer threshold at a pixel, between -[`DITHER_LEVELS`] and +[`DITHER_LEVELS`].
fn dither(x: usize, y: usize) -> f32 {
    // Bit-reversed interleaving of (x ^ y) and y: the recursive definition, unrolled for 3 bits.
    let rank = (0..3).fold(0, |rank, bit| rank << 2 | (((x ^ y) >> bit & 1) << 1) | (y >> bit & 1));
    ((rank as f32 + 0.5) / 64.0 - 0.5) * 2.0 * DITHER_LEVELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_kept_exactly() {
        let rgb: Vec<u8> = (0..=255u8).flat_map(|i| [i, 255 - i, i / 2]).collect();
        let mut colours = Colours::default();
        colours.count(&rgb);
        let mut palette = Palette::new(colours);
        let indices = palette.indices(&rgb, 16);
        let restored: Vec<u8> = indices.iter().flat_map(|&i| palette.colours[usize::from(i)]).collect();
        assert_eq!(restored, rgb);
    }

    #[test]
    fn the_dither_matrix_holds_every_threshold_once() {
        let mut thresholds: Vec<f32> = (0..64).map(|i| dither(i % 8, i / 8)).collect();
        thresholds.sort_by(f32::total_cmp);
        assert!(thresholds.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(thresholds.iter().sum::<f32>().abs() < 1e-4);
        assert_eq!(dither(3, 5), dither(11, 13));
    }
}
