//! The gradient by the weights in plain Rust: loops that the compiler turns into vectors.

use super::{frames::Values, lines::Lines, pack, shape::Conv3d};
use crate::{
    isa::Level,
    lanes::widest,
    matmul::scalar::round_bf16,
    shared::{Buffer, Shared, with_buffers},
    threads::{self, prelude::*},
};

/// Rows whose sums are in registers at once, and output channels beside them: six by two vectors of AVX2.
const ROWS: usize = 6;
const LANES: usize = 16;
/// Values of `dy` that stay in the second-level cache while the taps pass by.
const CHUNK: usize = 32 * 1024;

/// `d_weight[co, ci, tap] = Σ dy[co, p] x[ci, p + tap]`: output channels are lanes, and each sum runs over positions.
pub(super) fn backward_weight(isa: Level, shape: &Conv3d, x: &[f32], dy: &[f32], d_weight: &mut [f32]) {
    let product = Product { isa, shape, lines: Lines::new(shape), blocks: shape.outputs.div_ceil(LANES) };
    with_buffers(|[xs, dys, sums]: &mut [Buffer; 3]| {
        let xs = xs.words(shape.batch * product.sample_len());
        product.pack_input(x, xs);
        let dys = dys.floats(shape.batch * product.blocks * product.gradient_len());
        product.pack_gradient(dy, dys);
        let sums = sums.floats(product.blocks * product.lines.offsets.len() * LANES);
        product.multiply(xs, dys, sums);
        product.unpack(sums, d_weight);
    });
}

/// The product whose rows are an input channel and a tap, and whose columns are output channels.
struct Product<'a> {
    isa: Level,
    shape: &'a Conv3d,
    lines: Lines,
    /// Blocks of output channels.
    blocks: usize,
}

impl Product<'_> {
    /// Words of a sample's packed input.
    fn sample_len(&self) -> usize {
        self.lines.sample_len(self.shape.inputs)
    }

    /// Values of a sample's packed gradient for a block of output channels.
    fn gradient_len(&self) -> usize {
        self.lines.starts.len() * self.lines.geometry.output[2] * LANES
    }

    /// `x` as `[sample][channel][padded frame]` of planes, rounded to bf16.
    fn pack_input(&self, x: &[f32], packed: &mut [u32]) {
        let Self { shape, lines: Lines { geometry, plane, padded, .. }, .. } = self;
        let (len, row_len) = (plane.len(), plane.row_len());
        let packed = Shared::new(packed);
        threads::for_each(shape.batch * shape.inputs * padded, |index| {
            let frame = geometry.source(0, index % padded).map(|frame| {
                let at = (index / padded * shape.size[0] + frame) * geometry.frame_len();
                Values::F32(&x[at..at + geometry.frame_len()])
            });
            // SAFETY: every task packs its own frame of a channel.
            let row = |row: usize| unsafe { packed.range(index * len + row * row_len, row_len) };
            pack::rounded(plane, frame, row);
        });
    }

    /// `dy`, rounded to bf16, as `[sample][block of channels][line][position][lane]`.
    fn pack_gradient(&self, dy: &[f32], packed: &mut [f32]) {
        let Self { shape, blocks, .. } = *self;
        let [frames, height, width] = self.lines.geometry.output;
        let (positions, lines) = (frames * height * width, frames * height);
        packed.par_chunks_mut(width * LANES).enumerate().for_each(|(index, packed)| {
            let (sample_block, line) = (index / lines, index % lines);
            let (sample, block) = (sample_block / blocks, sample_block % blocks);
            packed.fill(0.0);
            for lane in 0..LANES.min(shape.outputs - block * LANES) {
                let channel = sample * shape.outputs + block * LANES + lane;
                let row = &dy[channel * positions + line * width..][..width];
                for (to, &value) in packed[lane..].iter_mut().step_by(LANES).zip(row) {
                    *to = round_bf16(value);
                }
            }
        });
    }

    /// The sums, `[block of channels][row][lane]`.
    fn multiply(&self, xs: &[u32], dys: &[f32], sums: &mut [f32]) {
        let Self { isa, shape, blocks, .. } = *self;
        let (offsets, starts) = (&self.lines.offsets, &self.lines.starts);
        let width = self.lines.geometry.output[2];
        let (sample_len, gradient_len) = (self.sample_len(), self.gradient_len());
        let lines_per_chunk = (CHUNK / (width * LANES)).max(1);
        sums.fill(0.0);
        // A task owns some rows for every position, so no sum is split between threads.
        let rows_per_task = ROWS * 4;
        let tasks = offsets.len().div_ceil(rows_per_task);
        let out = Shared::new(sums);
        threads::for_each(blocks * tasks, |task| {
            let (block, first) = (task / tasks, task % tasks * rows_per_task);
            let rows = &offsets[first..offsets.len().min(first + rows_per_task)];
            // SAFETY: every task has its own rows.
            let sums = unsafe { out.range((block * offsets.len() + first) * LANES, rows.len() * LANES) };
            for sample in 0..shape.batch {
                let x = &xs[sample * sample_len..][..sample_len];
                let dy = &dys[(sample * blocks + block) * gradient_len..][..gradient_len];
                for (starts, dy) in
                    starts.chunks(lines_per_chunk).zip(dy.chunks(lines_per_chunk * width * LANES))
                {
                    for (rows, sums) in rows.chunks(ROWS).zip(sums.chunks_mut(ROWS * LANES)) {
                        widest!(isa => add_lines(
                            x: &[u32], rows: &[usize], starts: &[usize], dy: &[f32], width: usize, sums: &mut [f32],
                        ));
                    }
                }
            }
        });
    }

    /// From sums by lanes to weights by channels.
    fn unpack(&self, sums: &[f32], d_weight: &mut [f32]) {
        let rows = self.lines.offsets.len();
        d_weight.par_chunks_mut(rows).enumerate().for_each(|(co, d_weight)| {
            let (block, lane) = (co / LANES, co % LANES);
            for (row, d_weight) in d_weight.iter_mut().enumerate() {
                *d_weight = sums[(block * rows + row) * LANES + lane];
            }
        });
    }
}

/// Adds the products of up to [`ROWS`] rows with a block of output channels over some lines.
#[inline(always)]
fn add_lines(x: &[u32], rows: &[usize], starts: &[usize], dy: &[f32], width: usize, sums: &mut [f32]) {
    // Missing rows repeat the first one; their sums are dropped.
    let rows_of: [usize; ROWS] = std::array::from_fn(|row| rows[if row < rows.len() { row } else { 0 }]);
    let mut totals = [[0.0f32; LANES]; ROWS];
    for (start, dy) in starts.iter().zip(dy.chunks_exact(width * LANES)) {
        let lines: [&[u32]; ROWS] = rows_of.map(|row| &x[row + start..][..width]);
        for (position, dy) in dy.as_chunks::<LANES>().0.iter().enumerate() {
            for (totals, line) in totals.iter_mut().zip(&lines) {
                let x = f32::from_bits(line[position]);
                for (total, dy) in totals.iter_mut().zip(dy) {
                    *total += x * dy;
                }
            }
        }
    }
    for (sums, totals) in sums.chunks_exact_mut(LANES).zip(&totals) {
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum += total);
    }
}
