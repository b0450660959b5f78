//! Things over time: what was seen in single frames, put together.

mod blobs;
mod link;
mod sighting;

pub use blobs::LEAST_CELLS;
pub use link::tracks;
pub use sighting::Sighting;

use glam::Vec2;
use world::{Colour, Kind, Size};

/// What is seen in a smaller share of the frames is no thing of its own.
const FLEETING: f32 = 0.2;

/// A thing over the frames of a clip.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// What was seen of it in each frame; none where it was not seen.
    pub sightings: Vec<Option<Sighting>>,
}

impl Track {
    /// The frames in which it was seen, with what was seen.
    pub fn seen(&self) -> impl DoubleEndedIterator<Item = (usize, &Sighting)> {
        self.sightings.iter().enumerate().filter_map(|(frame, sighting)| Some((frame, sighting.as_ref()?)))
    }

    /// How many frames it was seen in.
    pub fn frames_seen(&self) -> usize {
        self.seen().count()
    }

    /// Whether it is a thing of its own, and not just something fleeting.
    pub fn lasts(&self) -> bool {
        self.frames_seen() as f32 >= FLEETING * self.sightings.len() as f32
    }

    /// The first and the last frame in which it was seen.
    pub fn span(&self) -> Option<(usize, usize)> {
        let mut seen = self.seen().map(|(frame, _)| frame);
        let first = seen.next()?;
        Some((first, seen.next_back().unwrap_or(first)))
    }

    /// A mean over the frames that it was seen in, where it shows more of itself counting for more.
    fn mean<const N: usize>(&self, of: impl Fn(&Sighting) -> [f32; N]) -> [f32; N] {
        let mut sums = [0.0; N];
        let mut weights = 1e-9;
        for (_, sighting) in self.seen() {
            sums.iter_mut().zip(of(sighting)).for_each(|(sum, value)| *sum += sighting.area * value);
            weights += sighting.area;
        }
        sums.map(|sum| sum / weights)
    }

    /// The mean probabilities of the kinds, and last of being none of them clearly.
    pub fn kinds(&self) -> [f32; Kind::ALL.len() + 1] {
        self.mean(|sighting| sighting.kinds)
    }

    /// The mean probabilities of the colours.
    pub fn colours(&self) -> [f32; Colour::ALL.len()] {
        self.mean(|sighting| sighting.colours)
    }

    /// The mean probabilities of the sizes.
    pub fn sizes(&self) -> [f32; Size::ALL.len()] {
        self.mean(|sighting| sighting.sizes)
    }

    /// The likeliest kind, whether or not it is clear.
    pub fn kind(&self) -> Kind {
        Kind::ALL[likeliest(&self.kinds()[..Kind::ALL.len()])]
    }

    /// The likeliest colour.
    pub fn colour(&self) -> Colour {
        Colour::ALL[likeliest(&self.colours())]
    }

    /// The likeliest size.
    pub fn size(&self) -> Size {
        Size::ALL[likeliest(&self.sizes())]
    }

    /// The share of frames in which it is recognisable, of those in which it was seen.
    pub fn clarity(&self) -> f32 {
        let clear = |sighting: &Sighting| sighting.kinds[Kind::ALL.len()] < 0.5;
        let seen = self.frames_seen().max(1);
        self.seen().filter(|(_, sighting)| clear(sighting)).count() as f32 / seen as f32
    }

    /// What was seen of it in the frame, or in the one that is nearest in time.
    pub fn nearest(&self, frame: usize) -> Option<&Sighting> {
        self.seen().min_by_key(|(at, _)| at.abs_diff(frame)).map(|(_, sighting)| sighting)
    }

    /// The middle in a frame, or between those of the nearest frames in which it was seen.
    pub fn centre(&self, frame: usize) -> Option<Vec2> {
        let before = self.seen().rev().find(|(at, _)| *at <= frame);
        let after = self.seen().find(|(at, _)| *at >= frame);
        match (before, after) {
            (Some((from, a)), Some((to, b))) => {
                let share = (frame - from) as f32 / (to - from).max(1) as f32;
                Some(a.centre.lerp(b.centre, share))
            }
            (Some((_, near)), None) | (None, Some((_, near))) => Some(near.centre),
            (None, None) => None,
        }
    }
}

/// The index of the largest.
pub fn likeliest(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

/// How alike two lists of probabilities are, from 0 to 1 (Bhattacharyya 1943).
pub(crate) fn likeness(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a * b).max(0.0).sqrt()).sum()
}
