//! A convolution as an implicit matrix product over padded frames.
//!
//! Frames are packed into words of one, two or four channels (see [`Format`]), `[frame][row][word]
//! [column]`, so that all that a row of outputs reads lies together. A product is a block of output
//! channels by some tiles of sixteen neighbouring outputs, whose inputs are neighbours for every
//! tap. Frame taps that meet only padding are skipped.

use super::{
    frames::{Frames, Values},
    loops, pack,
    packed::{Format, Weights, block, blocks, rows_and_tiles},
    plane::{Geometry, Plane, TILE},
    quantize::{Extremes, Scale},
};
use crate::{
    isa::Level,
    shared::{Buffer, Shared, with_buffers},
    threads::{self, prelude::*},
};

/// The most tiles that are computed side by side.
const TILES: usize = 4;
/// Words of packed frames that are held at once, unless one output frame needs more: 24 MiB, which
/// a third-level cache holds.
const WORDS: usize = 6 << 20;
/// Words of a row that are packed one behind the other, if it has so many: writing a line here and a line there, all of
/// which meet in one set of the cache, takes longer than the rounding.
const RUN: usize = 512;
/// Tasks that a chunk of frames is cut into at least, if it has so much work.
const TASKS: usize = 64;
/// Groups of tiles that a block of output channels takes in a row at most: its weights stay in the
/// first-level cache meanwhile, and it writes long pieces of each channel.
pub(super) const GROUPS: usize = 8;

/// One tile: where it reads in a plane, where it writes in a channel, and how many outputs; none
/// for those that fill up a group.
#[derive(Clone, Copy, Default)]
pub(super) struct Tile {
    pub from: usize,
    pub to: usize,
    pub width: usize,
}

/// A frame tap of an output frame that meets a source frame.
#[derive(Clone, Copy)]
pub(super) struct FrameTap {
    pub tap: usize,
    /// Where the packed frame begins.
    pub start: usize,
    pub scale: Scale,
}

/// Tiles that are computed side by side: the first of them, as many as go with the output channels.
pub(super) type Group = [Tile; TILES];

/// Blocks of output channels by groups of tiles.
pub(super) struct Job<'a> {
    pub volume: &'a [u32],
    pub frame_taps: &'a [FrameTap],
    /// Where the words of channels and the taps of a frame lie from the start of a tile.
    pub offsets: &'a [usize],
    /// The greatest of them and what is read from there.
    pub reach: usize,
    pub weights: Weights<'a>,
    pub bias: Option<&'a [f32]>,
    /// The output of the sample, and the length of a channel in it.
    pub y: Shared<'a, f32>,
    pub start: usize,
    pub positions: usize,
}

/// Output frames `first..end` read source frames `from..to`.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub first: usize,
    pub end: usize,
    pub from: usize,
    pub to: usize,
}

/// Cuts the output frames so that what each cut reads fits into `frames` source frames, or down to
/// single frames.
pub(super) fn windows(geometry: &Geometry, frames: usize) -> Vec<Window> {
    let total = geometry.output[0];
    let mut step = total;
    loop {
        let windows: Vec<Window> = (0..total)
            .step_by(step)
            .map(|first| {
                let end = total.min(first + step);
                let read = || {
                    (first..end)
                        .flat_map(|t| (0..geometry.kernel[0]).filter_map(move |tap| geometry.frame(t, tap)))
                };
                Window {
                    first,
                    end,
                    from: read().min().unwrap_or(0),
                    to: read().max().map_or(0, |max| max + 1),
                }
            })
            .collect();
        if step == 1 || windows.iter().all(|window| window.to - window.from <= frames) {
            return windows;
        }
        step = step.div_ceil(2);
    }
}

/// `y = x * weights + bias` over `[batch, channels, frames, height, width]`; writes all of `y`, and reads none.
pub(super) fn run(
    geometry: &Geometry,
    batch: usize,
    x: Frames<'_>,
    weights: Weights<'_>,
    bias: Option<&[f32]>,
    y: Shared<'_, f32>,
) {
    run_within(WORDS, geometry, batch, x, weights, bias, y);
}

/// [`run`] with a limit on the words of packed frames that are held at once.
pub(super) fn run_within(
    limit: usize,
    geometry: &Geometry,
    batch: usize,
    x: Frames<'_>,
    weights: Weights<'_>,
    bias: Option<&[f32]>,
    y: Shared<'_, f32>,
) {
    let [frames, height, width] = geometry.output;
    let positions = frames * height * width;
    if positions == 0 || batch == 0 {
        return;
    }
    let plane = Plane::new(geometry);
    let groups = weights.inputs.div_ceil(weights.format.depth());
    let frame = groups * plane.len();
    let windows = windows(geometry, limit / frame);
    let slots = windows.iter().map(|window| window.to - window.from).max().unwrap_or(0).max(1);
    let samples = if windows.len() > 1 { 1 } else { (limit / (slots * frame)).clamp(1, batch) };
    let offsets = offsets(&plane, groups, geometry.kernel);
    let reach = offsets.iter().max().unwrap_or(&0) + TILE;
    let source =
        Source { plane: &plane, x, channels: weights.inputs, isa: weights.isa, format: weights.format };

    with_buffers(|[volume]: &mut [Buffer; 1]| {
        // One tile more: the last tile of the last row may be read beyond its outputs.
        let volume = volume.words(samples * slots * frame + TILE);
        let mut scales = vec![Scale::ONE; samples * slots];
        for first_sample in (0..batch).step_by(samples) {
            let samples = samples.min(batch - first_sample);
            let mut packed = 0;
            for window in &windows {
                source.pack(
                    first_sample..first_sample + samples,
                    packed.max(window.from)..window.to,
                    slots,
                    &mut scales,
                    volume,
                );
                packed = packed.max(window.to);
                let taps: Vec<Vec<FrameTap>> = (0..samples * (window.end - window.first))
                    .map(|index| {
                        let (sample, t) = (index % samples, window.first + index / samples);
                        let tap = |tap| {
                            let slot = sample * slots + geometry.frame(t, tap)? % slots;
                            Some(FrameTap { tap, start: slot * frame, scale: scales[slot] })
                        };
                        (0..geometry.kernel[0]).filter_map(tap).collect()
                    })
                    .collect();
                let tiles = height * width.div_ceil(TILE);
                let side_by_side = rows_and_tiles(weights.outputs).1;
                let tile_groups = tiles.div_ceil(side_by_side);
                let blocks = blocks(weights.outputs);
                let in_a_row = tile_groups.min(GROUPS);
                let runs = tile_groups.div_ceil(in_a_row);
                let parts = TASKS.div_ceil(taps.len() * runs).min(blocks);
                threads::for_each(taps.len() * runs * parts, |task| {
                    let (part, task) = (task % parts, task / parts);
                    let (run, index) = (task % runs, task / runs);
                    let (sample, t) = (first_sample + index % samples, window.first + index / samples);
                    let tile = |group: usize, j: usize| {
                        let at = (run * in_a_row + group) * side_by_side + j;
                        if group >= in_a_row || j >= side_by_side || at >= tiles {
                            return Tile::default();
                        }
                        let (h, w) = (at / width.div_ceil(TILE), at % width.div_ceil(TILE) * TILE);
                        Tile {
                            from: h * geometry.stride[1] * groups * plane.row_len() + w,
                            to: (t * height + h) * width + w,
                            width: TILE.min(width - w),
                        }
                    };
                    let tiles: [Group; GROUPS] =
                        std::array::from_fn(|group| std::array::from_fn(|j| tile(group, j)));
                    let job = Job {
                        volume,
                        frame_taps: &taps[index],
                        offsets: &offsets,
                        reach,
                        weights,
                        bias,
                        y,
                        start: sample * weights.outputs * positions,
                        positions,
                    };
                    job.run(part * blocks / parts..(part + 1) * blocks / parts, &tiles);
                });
            }
        }
    });
}

/// Where each row tap, word of channels and column tap lies from the start of a tile.
fn offsets(plane: &Plane, groups: usize, kernel: [usize; 3]) -> Vec<usize> {
    let rows = (0..kernel[1] * groups).map(|row| row * plane.row_len());
    rows.flat_map(|row| (0..kernel[2]).map(move |w| row + plane.column_tap(w))).collect()
}

impl Job<'_> {
    /// Some blocks of output channels by some groups of tiles; groups without outputs are left out.
    pub fn run(&self, blocks: std::ops::Range<usize>, groups: &[Group]) {
        let start = self.frame_taps.iter().map(|tap| tap.start).max().unwrap_or(0);
        let tiles = || groups.iter().flatten();
        assert!(tiles().all(|tile| start + tile.from + self.reach <= self.volume.len()));
        assert!(tiles().all(|tile| tile.to + tile.width <= self.positions));
        assert!(self.frame_taps.iter().all(|tap| tap.tap < self.weights.kernel[0]));
        assert_eq!(self.offsets.len(), self.weights.tap_len());
        for index in blocks {
            let rows = block(index, self.weights.outputs);
            for group in groups.iter().filter(|group| group[0].width > 0) {
                let rows = rows.clone();
                match (self.weights.format, self.weights.isa) {
                    (Format::Rounded | Format::Dequantized, _) => loops::block(self, group, rows),
                    // SAFETY: the level proves the instruction set; the tiles lie in the volume and in
                    // the output by the assertions, and are written by this job.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Bf16, Level::Avx512Bf16(_)) => unsafe {
                        super::avx512::block::<false, true>(self, group, rows);
                    },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Bf16, Level::Avx512(_)) => unsafe {
                        super::avx512::block::<false, false>(self, group, rows);
                    },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    (Format::Int8, Level::Avx512(_) | Level::Avx512Bf16(_)) => unsafe {
                        super::avx512::block::<true, false>(self, group, rows);
                    },
                    (format, isa) => unreachable!("{format:?} is not for {isa:?}"),
                }
            }
        }
    }

    /// The packed weights of a block of output channels: `[frame taps][words and taps][rows]`.
    pub fn block_weights(&self, rows: &std::ops::Range<usize>) -> &[u32] {
        let row = self.weights.kernel[0] * self.offsets.len();
        &self.weights.words[rows.start * row..rows.end * row]
    }

    /// Where a tile of an output channel goes.
    pub fn target(&self, row: usize, tile: &Tile) -> *mut f32 {
        self.y.at(self.start + row * self.positions + tile.to)
    }
}

/// What is packed.
struct Source<'a> {
    plane: &'a Plane,
    x: Frames<'a>,
    channels: usize,
    isa: Level,
    format: Format,
}

impl<'a> Source<'a> {
    /// One frame of one channel.
    fn frame(&self, sample: usize, channel: usize, frame: usize) -> Values<'a> {
        self.x.at(sample * self.channels + channel, frame)
    }

    /// Packs frames of some samples into their slots.
    fn pack(
        &self,
        samples: std::ops::Range<usize>,
        frames: std::ops::Range<usize>,
        slots: usize,
        scales: &mut [Scale],
        volume: &mut [u32],
    ) {
        let depth = self.format.depth();
        let groups = self.channels.div_ceil(depth);
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
                (Format::Bf16, Level::Avx512Bf16(_)) => unsafe {
                    super::avx512::pack::pairs::<true>(self.plane, words, channel, row);
                },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                (Format::Bf16, Level::Avx512(_)) => unsafe {
                    super::avx512::pack::pairs::<false>(self.plane, words, channel, row);
                },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                (Format::Int8, Level::Avx512(_) | Level::Avx512Bf16(_)) => unsafe {
                    super::avx512::pack::quads(self.plane, words, channel, scales[slot], row);
                },
                (format, isa) => unreachable!("{format:?} is not for {isa:?}"),
            }
        });
    }
}
