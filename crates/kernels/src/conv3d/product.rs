//! A convolution as an implicit matrix product over padded frames.
//!
//! Frames are packed into words of one, two or four channels (see [`Format`](super::weights::Format)), `[frame][row][word]
//! [column]`, so that all that a row of outputs reads lies together. A product is a block of output
//! channels by some tiles of sixteen neighbouring outputs, whose inputs are neighbours for every
//! tap. Frame taps that meet only padding are skipped.

use super::{
    frames::Frames,
    job::{FrameTap, GROUPS, Group, Job, Tile},
    plane::{Geometry, Plane, TILE},
    quantize::Scale,
    source::Source,
    weights::{Weights, blocks, rows_and_tiles},
    windows::windows,
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
    let [frames, height, width] = geometry.output;
    let positions = frames * height * width;
    if positions == 0 || batch == 0 {
        return;
    }
    let plane = Plane::new(geometry);
    let groups = weights.filter.inputs.div_ceil(weights.format.depth());
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
                let side_by_side = rows_and_tiles(weights.filter.outputs).1;
                let tile_groups = tiles.div_ceil(side_by_side);
                let blocks = blocks(weights.filter.outputs);
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
                        start: sample * weights.filter.outputs * positions,
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
