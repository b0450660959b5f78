//! A convolution as an implicit matrix product over padded frames.
//!
//! Frames are packed into words of one, two or four channels (see [`Format`](super::weights::Format)), `[frame][row][word]
//! [column]`, so that all that a row of outputs reads lies together. A product is a block of output
//! channels by some tiles of sixteen neighbouring outputs, whose inputs are neighbours for every
//! tap. Frame taps that meet only padding are skipped.

use std::ops::Range;

use super::{
    frames::Frames,
    job::{FrameTap, GROUPS, Group, Job, Tile},
    plane::{Geometry, Plane, TILE},
    quantize::Scale,
    source::Source,
    weights::Weights,
    windows::{Window, windows},
};
use crate::{
    shared::{Buffer, Shared, with_buffers},
    threads,
};

/// Words of packed frames that are held at once, unless one output frame needs more: 24 MiB, which
/// a third-level cache holds.
const WORDS: usize = 6 << 20;
/// Tasks that a chunk of frames is cut into at least, if it has so much work.
const TASKS: usize = 64;

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
    if geometry.output.contains(&0) || batch == 0 {
        return;
    }
    let plane = Plane::new(geometry);
    let groups = weights.format.words(weights.filter.inputs);
    let frame = groups * plane.len();
    let windows = windows(geometry, limit / frame);
    let slots = windows.iter().map(|window| window.to - window.from).max().unwrap_or(0).max(1);
    let samples = if windows.len() > 1 { 1 } else { (limit / (slots * frame)).clamp(1, batch) };
    let offsets = offsets(&plane, groups, geometry.kernel);
    let reach = offsets.iter().max().unwrap_or(&0) + TILE;
    let source = Source {
        plane: &plane,
        x,
        channels: weights.filter.inputs,
        isa: weights.isa,
        format: weights.format,
    };
    let product =
        Product { geometry, plane: &plane, groups, slots, offsets: &offsets, reach, weights, bias, y };

    with_buffers(|[volume]: &mut [Buffer; 1]| {
        // One tile more: the last tile of the last row may be read beyond its outputs.
        let volume = volume.words(samples * slots * frame + TILE);
        let mut scales = vec![Scale::ONE; samples * slots];
        for first in (0..batch).step_by(samples) {
            let samples = first..batch.min(first + samples);
            let mut packed = 0;
            for window in &windows {
                let new = packed.max(window.from)..window.to;
                source.pack(samples.clone(), new, slots, &mut scales, volume);
                packed = packed.max(window.to);
                product.multiply(samples.clone(), window, volume, &scales);
            }
        }
    });
}

/// Where each row tap, word of channels and column tap lies from the start of a tile.
fn offsets(plane: &Plane, groups: usize, kernel: [usize; 3]) -> Vec<usize> {
    let rows = (0..kernel[1] * groups).map(|row| row * plane.row_len());
    rows.flat_map(|row| (0..kernel[2]).map(move |w| row + plane.column_tap(w))).collect()
}

/// The product of packed frames and weights.
struct Product<'a> {
    geometry: &'a Geometry,
    plane: &'a Plane,
    /// Words of channels at a position.
    groups: usize,
    /// Frames of a sample that are packed at once.
    slots: usize,
    /// See [`Job`].
    offsets: &'a [usize],
    reach: usize,
    weights: Weights<'a>,
    bias: Option<&'a [f32]>,
    y: Shared<'a, f32>,
}

impl Product<'_> {
    /// The output frames of a window, of some samples; `volume` and `scales` hold their input frames by slots.
    fn multiply(&self, samples: Range<usize>, window: &Window, volume: &[u32], scales: &[Scale]) {
        let [frames, height, width] = self.geometry.output;
        let outputs = self.weights.filter.outputs;
        let taps = self.frame_taps(samples.len(), window, scales);
        let side_by_side = self.weights.format.rows_and_tiles(outputs).1;
        let tile_groups = (height * width.div_ceil(TILE)).div_ceil(side_by_side);
        let blocks = self.weights.format.blocks(outputs);
        let in_a_row = tile_groups.min(GROUPS);
        let runs = tile_groups.div_ceil(in_a_row);
        let parts = TASKS.div_ceil(taps.len() * runs).min(blocks);
        let positions = frames * height * width;
        threads::for_each(taps.len() * runs * parts, |task| {
            let (part, task) = (task % parts, task / parts);
            let (run, index) = (task % runs, task / runs);
            let (sample, t) = (samples.start + index % samples.len(), window.first + index / samples.len());
            let tile = |group: usize, j: usize| {
                let is_used = group < in_a_row && j < side_by_side;
                let at = (run * in_a_row + group) * side_by_side + j;
                is_used.then(|| self.tile(t, at)).flatten().unwrap_or_default()
            };
            let tiles: [Group; GROUPS] = std::array::from_fn(|group| std::array::from_fn(|j| tile(group, j)));
            let job = Job {
                volume,
                frame_taps: &taps[index],
                offsets: self.offsets,
                word_len: self.plane.row_len(),
                reach: self.reach,
                weights: self.weights,
                bias: self.bias,
                y: self.y,
                start: sample * outputs * positions,
                positions,
            };
            job.run(part * blocks / parts..(part + 1) * blocks / parts, &tiles);
        });
    }

    /// The frame taps of each output frame of a window, frame by frame for all samples.
    fn frame_taps(&self, samples: usize, window: &Window, scales: &[Scale]) -> Vec<Vec<FrameTap>> {
        let frame = self.groups * self.plane.len();
        (0..samples * (window.end - window.first))
            .map(|index| {
                let (sample, t) = (index % samples, window.first + index / samples);
                let tap = |tap| {
                    let slot = sample * self.slots + self.geometry.frame(t, tap)? % self.slots;
                    Some(FrameTap { tap, start: slot * frame, scale: scales[slot] })
                };
                (0..self.geometry.kernel[0]).filter_map(tap).collect()
            })
            .collect()
    }

    /// A tile of an output frame, if it has so many.
    fn tile(&self, t: usize, index: usize) -> Option<Tile> {
        let [_, height, width] = self.geometry.output;
        let (h, w) = (index / width.div_ceil(TILE), index % width.div_ceil(TILE) * TILE);
        (h < height).then(|| Tile {
            from: h * self.geometry.stride[1] * self.groups * self.plane.row_len() + w,
            to: (t * height + h) * width + w,
            width: TILE.min(width - w),
        })
    }
}
