//! From frames to the packed words that products read.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::{
    frames::{Frames, Values},
    pack,
    plane::Plane,
    quantize::{Extremes, Scale},
    weights::Format,
};
use crate::{
    isa::Level,
    shared::Shared,
    threads::{self, prelude::*},
};

/// Words of a row that are packed one behind the other, if it has so many: writing a line here and a line there, all of
/// which meet in one set of the cache, takes longer than the rounding.
const RUN: usize = 512;

/// What is packed.
pub(super) struct Source<'a> {
    pub plane: &'a Plane,
    pub x: Frames<'a>,
    pub channels: usize,
    pub isa: Level,
    pub format: Format,
}

impl<'a> Source<'a> {
    /// One frame of one channel.
    fn frame(&self, sample: usize, channel: usize, frame: usize) -> Values<'a> {
        self.x.at(sample * self.channels + channel, frame)
    }

    /// Packs frames of some samples into their slots.
    pub fn pack(
        &self,
        samples: Range<usize>,
        frames: Range<usize>,
        slots: usize,
        scales: &mut [Scale],
        volume: &mut [u32],
    ) {
        let depth = self.format.depth();
        let groups = self.format.words(self.channels);
        let units = samples.len() * frames.len();
        let place = |unit: usize| {
            let (sample, frame) = (unit / frames.len(), frames.start + unit % frames.len());
            (samples.start + sample, frame, sample * slots + frame % slots)
        };
        if matches!(self.format, Format::Int8 | Format::Dequantized) {
            let mut extremes = vec![Extremes::default(); units * groups];
            extremes.par_chunks_mut(1).enumerate().for_each(|(index, extremes)| {
                let (sample, frame, _) = place(index / groups);
                let first = index % groups * depth;
                for channel in first..self.channels.min(first + depth) {
                    extremes[0] =
                        extremes[0].join(pack::extremes(self.isa, self.frame(sample, channel, frame)));
                }
            });
            for (unit, extremes) in extremes.chunks_exact(groups).enumerate() {
                let all = extremes.iter().copied().fold(Extremes::default(), Extremes::join);
                scales[place(unit).2] = all.scale();
            }
        }
        let (scales, row_len) = (&*scales, self.plane.row_len());
        let volume = Shared::new(volume);
        let in_a_task = (RUN / row_len).clamp(1, groups);
        let tasks = groups.div_ceil(in_a_task);
        threads::for_each(units * tasks, |index| {
            let (sample, frame, slot) = place(index / tasks);
            let first = index % tasks * in_a_task;
            let words = first..groups.min(first + in_a_task);
            let channel = |word: usize, i: usize| {
                let channel = word * depth + i;
                (channel < self.channels).then(|| self.frame(sample, channel, frame))
            };
            // SAFETY: every task packs its own words of its own slot.
            let row = |row: usize, word: usize| unsafe {
                volume.range(((slot * self.plane.rows.len() + row) * groups + word) * row_len, row_len)
            };
            match (self.format, self.isa) {
                (Format::Rounded, _) => {
                    words.for_each(|word| pack::rounded(self.plane, channel(word, 0), |at| row(at, word)));
                }
                (Format::Dequantized, _) => words.for_each(|word| {
                    pack::dequantized(self.plane, channel(word, 0), scales[slot], |at| row(at, word));
                }),
                // SAFETY: the level proves the instruction set.
                #[cfg(target_arch = "x86_64")]
                (Format::Bf16 | Format::Tiles, Level::Avx512Bf16(_) | Level::Amx(..)) => unsafe {
                    avx512::pack::pairs::<true>(self.plane, words, channel, row);
                },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                (Format::Bf16, Level::Avx512(_)) => unsafe {
                    avx512::pack::pairs::<false>(self.plane, words, channel, row);
                },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                (Format::Int8, Level::Avx512(_) | Level::Avx512Bf16(_) | Level::Amx(..)) => unsafe {
                    avx512::pack::quads(self.plane, words, channel, scales[slot], row);
                },
                (format, isa) => unreachable!("{format:?} is not for {isa:?}"),
            }
        });
    }
}
