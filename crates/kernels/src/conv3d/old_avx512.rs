//! The AVX-512 BF16 paths.

use std::arch::x86_64::*;

use crate::threads::prelude::*;

use super::{
    Conv3d,
    pack::{TILE, Volume, bf16, pack_weights},
};
use crate::{
    matmul::avx512::{broadcast, load, mask},
    shared::Shared,
};

/// Tiles of 16 outputs that are computed side by side.
const TILES: usize = 4;
/// Output channels in registers at once.
const ROWS: usize = 6;
/// Groups of tiles that one task takes.
const GROUPS_PER_TASK: usize = 4;

pub(super) fn forward(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let output = shape.output_size();
    let volume = Volume::new(shape.size, shape.front, [1; 3], shape.kernel, shape.stride, output);
    let taps = shape.taps();
    let weights = pack_weights(weight, shape.outputs, shape.inputs, taps, |row, column, tap| {
        (row * shape.inputs + column) * taps + tap
    });
    let product = Product { volume, kernel: shape.kernel, stride: shape.stride, output };
    product.run(shape.batch, x, shape.inputs, &weights, shape.outputs, bias, y);
}

pub(super) fn backward_input(shape: &Conv3d, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    let front = std::array::from_fn(|axis| shape.kernel[axis] - 1 - shape.front[axis]);
    let volume = Volume::new(shape.output_size(), front, shape.stride, shape.kernel, [1; 3], shape.size);
    let taps = shape.taps();
    let weights = pack_weights(weight, shape.inputs, shape.outputs, taps, |row, column, tap| {
        (column * shape.inputs + row) * taps + taps - 1 - tap
    });
    let product = Product { volume, kernel: shape.kernel, stride: [1; 3], output: shape.size };
    product.run(shape.batch, dy, shape.outputs, &weights, shape.inputs, None, dx);
}

/// A convolution over a padded volume.
struct Product {
    volume: Volume,
    kernel: [usize; 3],
    stride: [usize; 3],
    output: [usize; 3],
}

/// One tile: where it reads in the volume, where it writes in a channel, and how many outputs.
#[derive(Clone, Copy, Default)]
struct Tile {
    from: usize,
    to: usize,
    width: usize,
}

impl Product {
    #[allow(clippy::too_many_arguments, reason = "the operands of a convolution")]
    fn run(
        &self,
        batch: usize,
        x: &[f32],
        inputs: usize,
        weights: &[u32],
        outputs: usize,
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) {
        let positions: usize = self.output.iter().product();
        if positions == 0 || batch == 0 {
            return;
        }
        let pairs = inputs.div_ceil(2);
        let sample_len = pairs * self.volume.len();
        // One vector more: the last tile of the last row may be read beyond its outputs.
        let mut volume = vec![0u32; batch * sample_len + TILE];
        self.volume.pack_channel_pairs(x, inputs, &mut volume[..batch * sample_len]);

        let offsets = self.offsets(pairs);
        let tiles = self.tiles();
        let groups: Vec<&[Tile]> = tiles.chunks(TILES).collect();
        let per_sample = groups.len().div_ceil(GROUPS_PER_TASK);
        let out = Shared::new(y);
        (0..batch * per_sample).into_par_iter().for_each(|task| {
            let (sample, start) = (task / per_sample, task % per_sample * GROUPS_PER_TASK);
            let x = &volume[sample * sample_len..(sample + 1) * sample_len + TILE];
            for group in &groups[start..groups.len().min(start + GROUPS_PER_TASK)] {
                let y = out.at(sample * outputs * positions);
                // SAFETY: the path was chosen after detection; offsets and tiles were made for this
                // volume; the tiles of this task are written by it alone.
                unsafe { all_rows(x, &offsets, weights, group, bias, outputs, y, positions) }
            }
        });
    }

    /// Where each pair of channels and tap lies from the start of a tile.
    fn offsets(&self, pairs: usize) -> Vec<usize> {
        let [kt, kh, kw] = self.kernel;
        let mut offsets = Vec::with_capacity(pairs * kt * kh * kw);
        for pair in 0..pairs {
            for t in 0..kt {
                for h in 0..kh {
                    offsets.extend((0..kw).map(|w| pair * self.volume.len() + self.volume.tap([t, h, w])));
                }
            }
        }
        offsets
    }

    fn tiles(&self) -> Vec<Tile> {
        let [frames, height, width] = self.output;
        let mut tiles = Vec::with_capacity(frames * height * width.div_ceil(TILE));
        for t in 0..frames {
            for h in 0..height {
                let row =
                    (t * self.stride[0] * self.volume.rows + h * self.stride[1]) * self.volume.row_len();
                tiles.extend((0..width).step_by(TILE).map(|w| Tile {
                    from: row + w,
                    to: (t * height + h) * width + w,
                    width: TILE.min(width - w),
                }));
            }
        }
        tiles
    }
}

/// All output channels of up to four tiles.
///
/// # Safety
/// The features are there; every tile plus every offset plus 16 lies in `x`; `weights` is
/// `[outputs][offsets]`; `y` has `outputs` channels of `positions` values, and the tiles' outputs
/// are written by no one else.
#[allow(clippy::too_many_arguments, reason = "the operands of a convolution")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
unsafe fn all_rows(
    x: &[u32],
    offsets: &[usize],
    weights: &[u32],
    group: &[Tile],
    bias: Option<&[f32]>,
    outputs: usize,
    y: *mut f32,
    positions: usize,
) {
    let mut tiles = [Tile::default(); TILES];
    tiles[..group.len()].copy_from_slice(group);
    let reach = offsets.iter().max().unwrap_or(&0) + TILE;
    assert!(tiles.iter().all(|tile| tile.from + reach <= x.len() && tile.to + tile.width <= positions));
    assert!(weights.len() == outputs * offsets.len());
    // As even as possible: 32 channels are 6 + 6 + 5 + 5 + 5 + 5, not five sixes and a pair.
    let blocks = outputs.div_ceil(ROWS);
    for block in 0..blocks {
        let (start, end) = (block * outputs / blocks, (block + 1) * outputs / blocks);
        let a = weights[start * offsets.len()..].as_ptr();
        let bias = bias.map(|bias| &bias[start..end]);
        // SAFETY: the assertions above, and the caller's promise for `y`.
        unsafe {
            let y = y.add(start * positions);
            match end - start {
                6 => tile::<6>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
                5 => tile::<5>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
                4 => tile::<4>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
                3 => tile::<3>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
                2 => tile::<2>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
                _ => tile::<1>(x.as_ptr(), offsets, a, &tiles, bias, y, positions),
            }
        }
    }
}

/// `R` output channels of four tiles.
///
/// # Safety
/// As [`all_rows`], for `R` channels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
unsafe fn tile<const R: usize>(
    x: *const u32,
    offsets: &[usize],
    weights: *const u32,
    tiles: &[Tile; TILES],
    bias: Option<&[f32]>,
    y: *mut f32,
    positions: usize,
) {
    let mut sums = [[_mm512_setzero_ps(); TILES]; R];
    // SAFETY: the caller checked that every tile plus every offset plus 16 lies in `x`, that
    // `weights` has `R` rows of `offsets.len()`, and that the tiles lie in a channel of `y`.
    unsafe {
        for (k, &offset) in offsets.iter().enumerate() {
            let b: [__m512bh; TILES] = std::array::from_fn(|j| load(x.add(tiles[j].from + offset)));
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = broadcast(weights.add(row * offsets.len() + k));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_dpbf16_ps(*sum, b, a);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let bias = _mm512_set1_ps(bias.map_or(0.0, |bias| bias[row]));
            for (sum, tile) in sums.iter().zip(tiles) {
                let sum = _mm512_add_ps(*sum, bias);
                _mm512_mask_storeu_ps(y.add(row * positions + tile.to), lanes(tile.width), sum);
            }
        }
    }
}

/// The mask of `width` lanes; none for the tiles that fill up a group.
fn lanes(width: usize) -> __mmask16 {
    if width == 0 { 0 } else { mask(width) }
}

/// Values of `dy` that stay in the second-level cache while the taps pass by.
const CHUNK: usize = 64 * 1024;

/// `d_weight[co, ci, tap] = Σ dy[co, p] x[ci, p + tap]`: output channels are lanes, and each sum
/// runs over pairs of neighbouring positions.
pub(super) fn backward_weight(shape: &Conv3d, x: &[f32], dy: &[f32], d_weight: &mut [f32]) {
    let output @ [frames, height, width] = shape.output_size();
    let taps = shape.taps();
    let volume = Volume::new(shape.size, shape.front, [1; 3], shape.kernel, shape.stride, output);
    let channel = volume.len();
    // Two values more: the last pair of a row may reach beyond it.
    let mut xs = vec![0u16; shape.batch * shape.inputs * channel + 2];
    volume.pack_plain(x, &mut xs[..shape.batch * shape.inputs * channel]);

    let lanes = if shape.outputs > 32 { 64 } else { shape.outputs.next_multiple_of(16) };
    let blocks = shape.outputs.div_ceil(lanes);
    let pairs = width.div_ceil(2);
    let lines = frames * height;
    let mut dys = vec![0u32; shape.batch * blocks * lines * pairs * lanes];
    pack_gradient(shape, dy, output, lanes, &mut dys);

    // The rows of the product: an input channel and a tap.
    let [_, kh, kw] = shape.kernel;
    let offsets: Vec<usize> = (0..shape.inputs * taps)
        .map(|row| {
            let (ci, tap) = (row / taps, row % taps);
            ci * channel + volume.tap([tap / (kh * kw), tap / kw % kh, tap % kw])
        })
        .collect();
    let line_starts: Vec<usize> = (0..lines)
        .map(|line| {
            let (t, h) = (line / height, line % height);
            (t * shape.stride[0] * volume.rows + h * shape.stride[1]) * volume.row_len()
        })
        .collect();

    let rows_at_once = 24 / (lanes / 16);
    let mut sums = vec![0.0f32; blocks * offsets.len() * lanes];
    // A task owns some rows for every position, so no sum is split between threads.
    let rows_per_task = rows_at_once * 4;
    let tasks = offsets.len().div_ceil(rows_per_task);
    let lines_per_chunk = (CHUNK / (pairs * lanes)).max(1);
    let out = Shared::new(&mut sums);
    (0..blocks * tasks).into_par_iter().for_each(|task| {
        let (block, start) = (task / tasks, task % tasks * rows_per_task);
        let rows = &offsets[start..offsets.len().min(start + rows_per_task)];
        // SAFETY: every task has its own rows.
        let sums = unsafe { out.range((block * offsets.len() + start) * lanes, rows.len() * lanes) };
        for sample in 0..shape.batch {
            let x = &xs[sample * shape.inputs * channel..];
            let dy = &dys[(sample * blocks + block) * lines * pairs * lanes..][..lines * pairs * lanes];
            for (chunk, starts) in line_starts.chunks(lines_per_chunk).enumerate() {
                let dy = &dy[chunk * lines_per_chunk * pairs * lanes..][..starts.len() * pairs * lanes];
                for (rows, sums) in rows.chunks(rows_at_once).zip(sums.chunks_mut(rows_at_once * lanes)) {
                    // SAFETY: detected; checked inside.
                    unsafe {
                        match lanes / 16 {
                            1 => weight_rows::<24, 1>(x, rows, starts, dy, pairs, sums),
                            2 => weight_rows::<12, 2>(x, rows, starts, dy, pairs, sums),
                            _ => weight_rows::<6, 4>(x, rows, starts, dy, pairs, sums),
                        }
                    }
                }
            }
        }
    });

    d_weight.par_chunks_mut(offsets.len()).enumerate().for_each(|(co, d_weight)| {
        let (block, lane) = (co / lanes, co % lanes);
        for (row, d_weight) in d_weight.iter_mut().enumerate() {
            *d_weight = sums[(block * offsets.len() + row) * lanes + lane];
        }
    });
}

/// `dy` as `[sample][block of channels][line][pair of positions][lane]`.
fn pack_gradient(shape: &Conv3d, dy: &[f32], output: [usize; 3], lanes: usize, packed: &mut [u32]) {
    let [frames, height, width] = output;
    let (pairs, positions) = (width.div_ceil(2), frames * height * width);
    let (blocks, lines) = (shape.outputs.div_ceil(lanes), frames * height);
    packed.par_chunks_mut(pairs * lanes).enumerate().for_each(|(index, packed)| {
        let (sample_block, line) = (index / lines, index % lines);
        let (sample, block) = (sample_block / blocks, sample_block % blocks);
        for lane in 0..lanes.min(shape.outputs - block * lanes) {
            let channel = sample * shape.outputs + block * lanes + lane;
            let row = &dy[channel * positions + line * width..][..width];
            for (pair, values) in row.chunks(2).enumerate() {
                let second = values.get(1).map_or(0, |&value| bf16(value) << 16);
                packed[pair * lanes + lane] = bf16(values[0]) | second;
            }
        }
    });
}

/// Adds the products of up to `R` rows with `16 V` output channels over some lines.
///
/// # Safety
/// The machine has the features; `starts` and `rows` were made for the volume `x`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
unsafe fn weight_rows<const R: usize, const V: usize>(
    x: &[u16],
    rows: &[usize],
    starts: &[usize],
    dy: &[u32],
    pairs: usize,
    sums: &mut [f32],
) {
    let lanes = 16 * V;
    assert!(rows.len() <= R && sums.len() == rows.len() * lanes && dy.len() == starts.len() * pairs * lanes);
    let reach = rows.iter().max().unwrap_or(&0) + starts.iter().max().unwrap_or(&0) + 2 * pairs;
    assert!(reach <= x.len());
    // Missing rows repeat the first one; their sums are dropped.
    let offsets: [usize; R] = std::array::from_fn(|row| rows[if row < rows.len() { row } else { 0 }]);
    let mut totals = [[_mm512_setzero_ps(); V]; R];
    // SAFETY: `x` is read up to `reach`, `dy` and `sums` within the asserted lengths.
    unsafe {
        for (line, start) in starts.iter().enumerate() {
            let dy = dy.as_ptr().add(line * pairs * lanes);
            let x: [*const u16; R] = std::array::from_fn(|row| x.as_ptr().add(offsets[row] + start));
            for pair in 0..pairs {
                let b: [__m512bh; V] = std::array::from_fn(|j| load(dy.add(pair * lanes + 16 * j)));
                for (x, totals) in x.iter().zip(&mut totals) {
                    let a = broadcast(x.add(2 * pair).cast());
                    for (total, b) in totals.iter_mut().zip(b) {
                        *total = _mm512_dpbf16_ps(*total, b, a);
                    }
                }
            }
        }
        for (row, totals) in totals.iter().take(rows.len()).enumerate() {
            for (j, total) in totals.iter().enumerate() {
                let to = sums.as_mut_ptr().add(row * lanes + 16 * j);
                _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), *total));
            }
        }
    }
}
