//! At most 256 colours for pictures that follow one another.

use std::collections::HashMap;

use color_quant::NeuQuant;

use crate::{Picture, dither::dithered};

type Rgb = [u8; 3];

const MAX_COLOURS: usize = 256;

/// The pixels that the quantiser learns from and that a palette is judged by, at most.
const MAX_SAMPLES: usize = 1 << 13;

/// NeuQuant's sampling stride: 1 visits every sample, its best quality.
const SAMPLE_STRIDE: i32 = 1;

/// A palette serves other pictures as long as its error is no more than this times what it was for its own.
const MOST_ERROR: f64 = 1.5;

/// The mean squared error that the dither makes, however well the colours are met: no more is not seen.
const DITHER_ERROR: f64 = (DITHER_LEVELS * DITHER_LEVELS) as f64 / 3.0;

/// Bits of a channel by which the nearest colour is remembered: finer than the dither.
const BITS: usize = 6;

/// What is not yet known of a nearest colour.
const UNKNOWN: u16 = u16::MAX;

/// How far the dither moves a channel, in 8-bit levels to either side: about half the usual distance between
/// neighbouring palette colours.
const DITHER_LEVELS: i32 = 6;

pub(super) struct Palette {
    /// As the terminal shows them, that is in whole percents.
    colours: Vec<Rgb>,
    lookup: Lookup,
}

/// How the colour of a pixel is found.
enum Lookup {
    /// Pictures of few colours have exactly those.
    Exact(HashMap<Rgb, u8>),
    /// By the first [`BITS`] of each channel, and the mean squared error over the picture that it was made for.
    Nearest(Vec<u16>, f64),
}

impl Palette {
    /// Chooses colours for `picture`.
    pub fn new(picture: &Picture<'_>) -> Self {
        if let Some(colours) = few_colours(picture) {
            let indices = colours.iter().enumerate().map(|(index, &colour)| (colour, index as u8)).collect();
            return Self {
                colours: colours.into_iter().map(shown).collect(),
                lookup: Lookup::Exact(indices),
            };
        }
        let opaque: Vec<u8> = samples(picture).flat_map(|[r, g, b]| [r, g, b, u8::MAX]).collect();
        let map = NeuQuant::new(SAMPLE_STRIDE, MAX_COLOURS, &opaque).color_map_rgb();
        let colours: Vec<Rgb> = map.as_chunks().0.iter().map(|&colour| shown(colour)).collect();
        let error = error(&colours, picture);
        Self { colours, lookup: Lookup::Nearest(vec![UNKNOWN; 1 << (3 * BITS)], error) }
    }

    /// Whether `picture` looks as well in these colours as the one that they were chosen for.
    pub fn serves(&self, picture: &Picture<'_>) -> bool {
        match &self.lookup {
            Lookup::Exact(indices) => picture.rows().flatten().all(|pixel| indices.contains_key(pixel)),
            Lookup::Nearest(_, own) => error(&self.colours, picture) <= (own * MOST_ERROR).max(DITHER_ERROR),
        }
    }

    /// How many colours there are, at most 256.
    pub fn len(&self) -> usize {
        self.colours.len()
    }

    /// The colours in percents of red, green and blue.
    pub fn percents(&self) -> impl Iterator<Item = [u8; 3]> {
        self.colours.iter().map(|colour| colour.map(percent))
    }

    /// The colour of every pixel, `[height, width]`. The dither pattern stands still, so that what does not move
    /// does not flicker.
    pub fn indices(&mut self, picture: &Picture<'_>) -> Vec<u8> {
        let Self { colours, lookup } = self;
        let mut indices = Vec::with_capacity(picture.width() * picture.height());
        match lookup {
            Lookup::Exact(known) => {
                // Runs of one colour are the rule in such pictures.
                let (mut last, mut index) = (None, 0);
                indices.extend(picture.rows().flatten().map(|pixel| {
                    if last != Some(pixel) {
                        (last, index) = (Some(pixel), known.get(pixel).copied().unwrap_or_default());
                    }
                    index
                }));
            }
            Lookup::Nearest(known, _) => {
                for (y, row) in picture.rows().enumerate() {
                    indices.extend(row.iter().enumerate().map(|(x, pixel)| {
                        let wanted = dithered(*pixel, x, y, DITHER_LEVELS);
                        let place = wanted.into_iter().fold(0, |place, value| {
                            place << BITS | usize::from(value) >> (u8::BITS as usize - BITS)
                        });
                        if known[place] == UNKNOWN {
                            known[place] = nearest(colours, middle(wanted)).0 as u16;
                        }
                        known[place] as u8
                    }));
                }
            }
        }
        indices
    }
}

/// The colours of a picture that has no more than 256, in order.
fn few_colours(picture: &Picture<'_>) -> Option<Vec<Rgb>> {
    let mut colours = HashMap::new();
    let mut last = None;
    for pixel in picture.rows().flatten() {
        if last != Some(pixel) {
            colours.insert(*pixel, ());
            if colours.len() > MAX_COLOURS {
                return None;
            }
            last = Some(pixel);
        }
    }
    let mut colours: Vec<Rgb> = colours.into_keys().collect();
    colours.sort_unstable(); // a hash map's order differs from run to run
    Some(colours)
}

/// Pixels from all over a picture: one of every few, each time another of them, or only some columns would be seen.
fn samples(picture: &Picture<'_>) -> impl Iterator<Item = Rgb> {
    /// The golden ratio in 32 bits: its multiples are spread evenly.
    const SPREAD: usize = 0x9e37_79b9;
    let pixels = picture.rgb().as_chunks().0;
    let step = pixels.len().div_ceil(MAX_SAMPLES);
    let chunks = pixels.chunks(step).enumerate();
    chunks.map(|(index, chunk)| chunk[(index.wrapping_mul(SPREAD) >> 16) % chunk.len()])
}

/// The mean squared distance of the samples of a picture to their nearest colours, for each channel.
fn error(colours: &[Rgb], picture: &Picture<'_>) -> f64 {
    /// So many samples tell well enough whether a scene is another.
    const ONE_OF: usize = 8;
    let distances = samples(picture).step_by(ONE_OF).map(|pixel| nearest(colours, pixel).1);
    let (count, sum) =
        distances.fold((0.0, 0.0), |(count, sum), distance| (count + 1.0, sum + f64::from(distance)));
    sum / count / 3.0
}

/// The nearest of `colours`, and the square of its distance.
fn nearest(colours: &[Rgb], wanted: Rgb) -> (usize, i32) {
    let distance = |colour: &Rgb| -> i32 {
        colour.iter().zip(wanted).map(|(&a, b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
    };
    let candidates = colours.iter().map(distance).enumerate();
    candidates.min_by_key(|&(_, distance)| distance).unwrap_or_default()
}

/// The middle of the colours that share the first [`BITS`] of each channel.
fn middle(colour: Rgb) -> Rgb {
    const REST: usize = u8::BITS as usize - BITS;
    colour.map(|value| value >> REST << REST | 1 << (REST - 1))
}

/// What a terminal shows of a colour that it is told in percents.
fn shown(colour: Rgb) -> Rgb {
    colour.map(|value| ((u32::from(percent(value)) * 255 + 50) / 100) as u8)
}

fn percent(value: u8) -> u8 {
    ((u32::from(value) * 100 + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_what_the_terminal_shows() {
        assert_eq!([0, 1, 2, 127, 128, 255].map(percent), [0, 0, 1, 50, 50, 100]);
        for value in 0..=255 {
            let [again, ..] = shown([value; 3]);
            assert!(again.abs_diff(value) <= 2, "{value} is shown as {again}");
            assert_eq!(percent(again), percent(value));
        }
    }

    #[test]
    fn samples_are_from_all_columns() {
        let rgb: Vec<u8> = (0..300 * 400).flat_map(|i| [(i % 300 / 2) as u8; 3]).collect();
        let picture = Picture::made(300, 400, rgb);
        let mut levels: Vec<u8> = samples(&picture).map(|[level, ..]| level).collect();
        assert!(levels.len() <= MAX_SAMPLES);
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels.len(), 150);
    }
}
