//! Squares around single things, cut out of the latents of stills.
//!
//! A thing fills a small part of a picture, so what its name tells about it moves the loss but little: grounds and
//! colours are learnt within thousands of batches, kinds are not. In a square around one thing its kind is most of
//! what there is to know, and a square costs a fraction of the picture.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use world::things_in;

use crate::{dataset::Item, error::Result, latents::LatentStore};

/// How far a square's middle may be from the thing's, in latents, on each axis.
const JITTER: f64 = 1.6;
/// Share of a picture, from what stands out most, that tells where its thing is.
const STANDS_OUT: f64 = 0.15;

/// Stills of one thing each, and where it is.
pub struct CloseUps {
    side: usize,
    /// The index of a still and the thing's `[row, column]` in latents.
    places: Vec<(usize, [f64; 2])>,
}

impl CloseUps {
    /// Finds the stills whose English captions name one thing and that are larger than `side` latents; `std` is that
    /// of each channel.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find(stills: &LatentStore, std: &[f64], side: usize) -> Result<Self> {
        let mut places = Vec::new();
        for (index, item) in stills.store().items().iter().enumerate() {
            if shows_one_thing(item) && item.size[1..].iter().all(|&length| length > side) {
                places.push((index, middle(&stills.read(index)?, std, item.size)));
            }
        }
        Ok(Self { side, places })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Latents on a side of each square.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The index of a still, and the `[row, column]` where its square begins.
    pub fn draw(&self, stills: &LatentStore, rng: &mut ChaCha8Rng) -> (usize, [usize; 2]) {
        let (index, middle) = self.places[rng.random_range(0..self.places.len())];
        let [_, height, width] = stills.store().items()[index].size;
        let start = |middle: f64, length: usize, shift: f64| {
            let start = middle + shift - (self.side as f64 - 1.0) / 2.0;
            (start.round().max(0.0) as usize).min(length - self.side)
        };
        let [down, right] = [rng.random_range(-JITTER..JITTER), rng.random_range(-JITTER..JITTER)];
        (index, [start(middle[0], height, down), start(middle[1], width, right)])
    }
}

/// Whether the English captions name one thing, and none of them more.
pub(super) fn shows_one_thing(item: &Item) -> bool {
    item.captions.iter().filter(|caption| caption.is_ascii()).map(|caption| things_in(caption)).max()
        == Some(1)
}

/// The middle of what stands out from its row, `[row, column]`, in latents `[channels, 1, height, width]`.
fn middle(latents: &[f32], std: &[f64], [_, height, width]: [usize; 3]) -> [f64; 2] {
    let mut stands_out = vec![0.0; height * width];
    for (channel, std) in latents.chunks_exact(height * width).zip(std) {
        for (row, to) in channel.chunks_exact(width).zip(stands_out.chunks_exact_mut(width)) {
            let mut sorted = row.to_vec();
            sorted.sort_by(f32::total_cmp);
            let median = sorted[width / 2];
            row.iter().zip(to).for_each(|(value, to)| *to += f64::from((value - median).abs()) / std);
        }
    }
    let mut sorted = stands_out.clone();
    sorted.sort_by(f64::total_cmp);
    let least = sorted[((1.0 - STANDS_OUT) * sorted.len() as f64) as usize];
    let (mut sum, mut weight) = ([0.0; 2], f64::MIN_POSITIVE);
    for (index, &value) in stands_out.iter().enumerate().filter(|(_, value)| **value >= least) {
        sum[0] += value * (index / width) as f64;
        sum[1] += value * (index % width) as f64;
        weight += value;
    }
    sum.map(|sum| sum / weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, rng};

    #[test]
    fn the_middle_is_where_a_row_is_unlike_itself() {
        // Two channels: one the same along each row, one with a thing at rows 2..5 and columns 8..11.
        let (height, width) = (9, 14);
        let mut latents = Vec::new();
        latents.extend((0..height * width).map(|i| (i / width) as f32));
        latents.extend((0..height * width).map(|i| {
            let thing = (2..5).contains(&(i / width)) && (8..11).contains(&(i % width));
            if thing { 3.0 } else { 0.5 }
        }));
        let [row, column] = middle(&latents, &[1.0, 2.0], [1, height, width]);
        assert!((row - 3.0).abs() < 1e-9 && (column - 9.0).abs() < 1e-9, "{row} {column}");
    }

    #[test]
    fn pictures_of_one_thing_are_told_by_their_captions() {
        let item = |captions: &[&str]| Item {
            size: [1, 16, 16],
            captions: captions.iter().map(|&caption| caption.to_owned()).collect(),
            ..Item::default()
        };
        assert!(shows_one_thing(&item(&["a red ball", "a video of a ball, it is raining", "一个球"])));
        assert!(!shows_one_thing(&item(&["a red ball", "a red ball left of a cube"])));
        assert!(!shows_one_thing(&item(&["一个球"])));
    }

    #[test]
    fn squares_lie_in_the_picture_and_around_the_thing() {
        let folder = tempfile::tempdir().unwrap();
        let stills = LatentStore::of_values(folder.path(), [1, 12, 16], |row, column| {
            f32::from(u8::from((9..12).contains(&row) && (4..7).contains(&column)))
        });
        let close_ups = CloseUps::find(&stills, &[1.0], 8).unwrap();
        assert!(!close_ups.is_empty());
        let mut rng = rng(1, Purpose::Batch, 0);
        for _ in 0..100 {
            let (index, [row, column]) = close_ups.draw(&stills, &mut rng);
            assert_eq!((index, row), (0, 4), "at the lower border");
            assert!((0..=3).contains(&column), "{column}");
        }
        assert!(
            CloseUps::find(&stills, &[1.0], 12).unwrap().is_empty(),
            "no square of twelve rows of twelve"
        );
    }
}
