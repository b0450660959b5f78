//! Which instruction set computes a job.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::{amx, avx512};
use super::{
    job::{Group, Job},
    loops,
    weights::{Format, part},
};
use crate::isa::Level;

impl Job<'_> {
    /// Some blocks of output channels by some groups of tiles; groups without outputs are left out.
    pub fn run(&self, blocks: Range<usize>, groups: &[Group]) {
        let start = self.frame_taps.iter().map(|tap| tap.start).max().unwrap_or(0);
        let tiles = || groups.iter().flatten();
        assert!(tiles().all(|tile| start + tile.from + self.reach <= self.volume.len()));
        assert!(tiles().all(|tile| tile.to + tile.width <= self.positions));
        assert!(self.frame_taps.iter().all(|tap| tap.tap < self.weights.filter.kernel[0]));
        assert_eq!(self.offsets.len(), self.weights.tap_len());
        let outputs = self.weights.filter.outputs;
        for index in blocks {
            let rows = part(index, self.weights.format.blocks(outputs), outputs);
            #[cfg(target_arch = "x86_64")]
            if let (Format::Tiles, Level::Amx(_, isa)) = (self.weights.format, self.weights.isa) {
                // SAFETY: as below.
                unsafe { amx::block(isa, self, groups, rows) }
                continue;
            }
            for group in groups.iter().filter(|group| group[0].width > 0) {
                let rows = rows.clone();
                match (self.weights.format, self.weights.isa) {
                    (Format::Rounded | Format::Dequantized, _) => loops::block(self, group, rows),
                    // SAFETY: the level proves the instruction set; the tiles lie in the volume and in
                    // the output by the assertions, and are written by this job.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Bf16, Level::Avx512Bf16(_) | Level::Amx(..)) => unsafe {
                        avx512::block::<false, true>(self, group, rows);
                    },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Bf16, Level::Avx512(_)) => unsafe {
                        avx512::block::<false, false>(self, group, rows);
                    },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Int8, Level::Avx512(_) | Level::Avx512Bf16(_) | Level::Amx(..)) => unsafe {
                        avx512::block::<true, false>(self, group, rows);
                    },
                    (format, isa) => unreachable!("{format:?} is not for {isa:?}"),
                }
            }
        }
    }
}
