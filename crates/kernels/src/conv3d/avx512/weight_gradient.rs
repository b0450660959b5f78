//! The gradient by the weights.

use std::{arch::x86_64::*, ops::Range};

use super::pack;
use crate::{
    amx,
    avx512::multiply_add,
    conv3d::{lines::Lines, shape::Conv3d, weights::part},
    isa::Avx512,
    lanes::bf16_bits,
    shared::{Buffer, Shared, cast_mut, with_buffers},
    threads::{self, prelude::*},
};

/// Values of `dy` that stay in the second-level cache while the taps pass by.
const CHUNK: usize = 64 * 1024;

/// `d_weight[co, ci, tap] = Σ dy[co, p] x[ci, p + tap]`: output channels are lanes, and each sum
/// runs over pairs of neighbouring positions.
pub(in crate::conv3d) fn backward_weight<const NATIVE: bool>(
    isa: Avx512<NATIVE>,
    tiles: Option<Avx512<true, true>>,
    shape: &Conv3d,
    x: &[f32],
    dy: &[f32],
    d_weight: &mut [f32],
) {
    let product = Product::new(shape, tiles.is_some());
    with_buffers(|[xs, dys, sums]: &mut [Buffer; 3]| {
        let len = product.input_len();
        let xs = &mut cast_mut(xs.words(len.div_ceil(2)))[..len];
        product.pack_input(isa, x, xs);
        let dys = dys.words(shape.batch * product.blocks * product.gradient_len());
        product.pack_gradient(dy, dys);
        let sums = sums.floats(product.blocks * product.lines.offsets.len() * product.lanes);
        match tiles {
            Some(tiles) => product.multiply_tiles(tiles, xs, dys, sums),
            None => product.multiply(isa, xs, dys, sums),
        }
        product.unpack(sums, d_weight);
    });
}

/// The product whose rows are an input channel and a tap, and whose columns are output channels.
struct Product<'a> {
    shape: &'a Conv3d,
    lines: Lines,
    /// Output channels of a block, and how many blocks there are.
    lanes: usize,
    blocks: usize,
    /// Pairs of positions of a line, which is a row of a frame of the output; in tiles, of zeros too, until all tiles of a
    /// line have as many.
    pairs: usize,
}

/// Channels of two tiles, the most that are multiplied at once on either side.
const TWO_TILES: usize = 2 * amx::SIDE;

impl<'a> Product<'a> {
    fn new(shape: &'a Conv3d, in_tiles: bool) -> Self {
        let lines = Lines::new(shape);
        let pairs = lines.geometry.output[2].div_ceil(2);
        let (lanes, pairs) = match (in_tiles, shape.outputs) {
            (true, _) => (TWO_TILES, pairs.next_multiple_of(pairs.div_ceil(amx::SIDE))),
            (false, 33..) => (64, pairs),
            (false, outputs) => (outputs.next_multiple_of(16), pairs),
        };
        Self { shape, lines, lanes, blocks: shape.outputs.div_ceil(lanes), pairs }
    }

    /// Values of a sample's packed input.
    fn sample_len(&self) -> usize {
        self.lines.sample_len(self.shape.inputs)
    }

    /// Values of the packed input. More than there are: the last pairs of a row may reach beyond it.
    fn input_len(&self) -> usize {
        self.shape.batch * self.sample_len() + 2 * amx::SIDE
    }

    /// Words of a sample's packed gradient for a block of output channels.
    fn gradient_len(&self) -> usize {
        self.lines.starts.len() * self.pairs * self.lanes
    }

    /// `x` as `[sample][channel][padded frame]` of planes.
    fn pack_input<const NATIVE: bool>(&self, _: Avx512<NATIVE>, x: &[f32], packed: &mut [u16]) {
        let Self { shape, lines: Lines { geometry, plane, padded, .. }, .. } = self;
        packed[shape.batch * self.sample_len()..].fill(0);
        let packed = Shared::new(packed);
        threads::for_each(shape.batch * shape.inputs * padded, |index| {
            // SAFETY: every task packs its own frame of a channel.
            let packed = unsafe { packed.range(index * plane.len(), plane.len()) };
            match geometry.source(0, index % padded) {
                Some(frame) => {
                    let at = (index / padded * shape.size[0] + frame) * geometry.frame_len();
                    // SAFETY: the caller has the proof of AVX-512.
                    unsafe { pack::single::<NATIVE>(plane, &x[at..at + geometry.frame_len()], packed) }
                }
                None => packed.fill(0),
            }
        });
    }

    /// `dy` as `[sample][block of channels][line][pair of positions][lane]`.
    fn pack_gradient(&self, dy: &[f32], packed: &mut [u32]) {
        let Self { shape, lanes, blocks, pairs, .. } = *self;
        let [frames, height, width] = self.lines.geometry.output;
        let (positions, lines) = (frames * height * width, frames * height);
        packed.par_chunks_mut(pairs * lanes).enumerate().for_each(|(index, packed)| {
            let (sample_block, line) = (index / lines, index % lines);
            let (sample, block) = (sample_block / blocks, sample_block % blocks);
            packed.fill(0);
            for lane in 0..lanes.min(shape.outputs - block * lanes) {
                let channel = sample * shape.outputs + block * lanes + lane;
                let row = &dy[channel * positions + line * width..][..width];
                for (pair, values) in row.chunks(2).enumerate() {
                    let second = values.get(1).map_or(0, |&value| bf16_bits(value) << 16);
                    packed[pair * lanes + lane] = bf16_bits(values[0]) | second;
                }
            }
        });
    }

    /// The sums, `[block of channels][row][lane]`.
    fn multiply<const NATIVE: bool>(&self, isa: Avx512<NATIVE>, xs: &[u16], dys: &[u32], sums: &mut [f32]) {
        let Self { shape, lanes, blocks, .. } = *self;
        let offsets = &self.lines.offsets;
        sums.fill(0.0);
        // A task owns some rows for every position, so no sum is split between threads.
        let rows_per_task = self.rows_at_once() * 4;
        let tasks = offsets.len().div_ceil(rows_per_task);
        let out = Shared::new(sums);
        threads::for_each(blocks * tasks, |task| {
            let (block, start) = (task / tasks, task % tasks * rows_per_task);
            let rows = &offsets[start..offsets.len().min(start + rows_per_task)];
            // SAFETY: every task has its own rows.
            let sums = unsafe { out.range((block * offsets.len() + start) * lanes, rows.len() * lanes) };
            for sample in 0..shape.batch {
                let len = self.gradient_len();
                let dy = &dys[(sample * blocks + block) * len..][..len];
                self.add_sample(isa, &xs[sample * self.sample_len()..], dy, rows, sums);
            }
        });
    }

    /// As [`Self::multiply`], in tiles: of up to 32 input by 32 output channels for each tap, along lines.
    fn multiply_tiles(&self, isa: Avx512<true, true>, xs: &[u16], dys: &[u32], sums: &mut [f32]) {
        let Self { shape, lanes, blocks, .. } = *self;
        let (taps, parts) = (shape.taps(), shape.inputs.div_ceil(TWO_TILES));
        // Two tasks for each thread if there are as many taps, and no more: the taps of a task read `dy` together.
        let in_a_task = taps.div_ceil((2 * threads::available()).div_ceil(blocks * parts));
        let tasks = taps.div_ceil(in_a_task);
        sums.fill(0.0);
        let out = Shared::new(sums);
        threads::for_each(blocks * parts * tasks, |task| {
            let (block, task) = (task / (parts * tasks), task % (parts * tasks));
            let inputs = part(task / tasks, parts, shape.inputs);
            let first = task % tasks * in_a_task;
            for sample in 0..shape.batch {
                let len = self.gradient_len();
                let dy = &dys[(sample * blocks + block) * len..][..len];
                let x = &xs[sample * self.sample_len()..];
                let beside = shape.outputs - block * lanes > amx::SIDE;
                self.add_sample_of_tiles(
                    isa,
                    x,
                    dy,
                    beside,
                    inputs.clone(),
                    first..taps.min(first + in_a_task),
                    |channel, tap| {
                        let row = block * self.lines.offsets.len() + channel * taps + tap;
                        // SAFETY: every task has its own channels and taps.
                        unsafe { out.range(row * lanes, lanes) }
                    },
                );
            }
        });
    }

    /// Adds a sample's products of some input channels at some taps with a block of output channels; `sums(channel, tap)` are
    /// where they are added.
    #[expect(clippy::too_many_arguments, reason = "one side each of a product")]
    fn add_sample_of_tiles<'s>(
        &self,
        _: Avx512<true, true>,
        x: &[u16],
        dy: &[u32],
        beside: bool,
        inputs: Range<usize>,
        taps: Range<usize>,
        sums: impl Fn(usize, usize) -> &'s mut [f32],
    ) {
        let Self { lanes, pairs, ref lines, shape, .. } = *self;
        let words = pairs / pairs.div_ceil(amx::SIDE);
        let rows = amx::in_two_tiles(inputs.len());
        let lines_per_chunk = (CHUNK / (pairs * lanes)).max(1);
        let channel = lines.padded * lines.plane.len();
        let mut of_tiles = amx::Sums::ZEROS;
        for (chunk, starts) in lines.starts.chunks(lines_per_chunk).enumerate() {
            let dy = &dy[chunk * lines_per_chunk * pairs * lanes..][..starts.len() * pairs * lanes];
            let step = |(line, start): (usize, &usize), first: usize| {
                [2 * (start + 2 * first), 4 * (line * pairs + first) * lanes]
            };
            let steps: Vec<[usize; 2]> = starts
                .iter()
                .enumerate()
                .flat_map(|line| (0..pairs).step_by(words).map(move |first| step(line, first)))
                .collect();
            for tap in taps.clone() {
                let offset = lines.offsets[inputs.start * shape.taps() + tap];
                let reach = (inputs.len() - 1) * channel + starts.iter().max().unwrap_or(&0) + 2 * pairs;
                let left = &x[offset..][..reach];
                let product = amx::Scattered {
                    steps: &steps,
                    rows,
                    words,
                    left: (left.as_ptr().cast(), 2 * channel),
                    right: (dy.as_ptr().cast(), 4 * lanes),
                    beside: beside.then_some(4 * amx::SIDE.cast_signed()),
                };
                // SAFETY: the proof of the level; both sides have all that the steps reach, by the slices.
                unsafe { amx::multiply_scattered(product, &mut of_tiles) }
                for (index, input) in inputs.clone().enumerate() {
                    let columns = sums(input, tap).chunks_exact_mut(amx::SIDE).take(1 + usize::from(beside));
                    for (column, sums) in columns.enumerate() {
                        sums.iter_mut()
                            .zip(of_tiles.row(rows, index, column))
                            .for_each(|(to, sum)| *to += sum);
                    }
                }
            }
        }
    }

    /// Rows whose sums are in registers at once.
    fn rows_at_once(&self) -> usize {
        24 / (self.lanes / 16)
    }

    /// Adds a sample's products of some rows with a block of output channels.
    fn add_sample<const NATIVE: bool>(
        &self,
        _: Avx512<NATIVE>,
        x: &[u16],
        dy: &[u32],
        rows: &[usize],
        sums: &mut [f32],
    ) {
        let Self { lanes, pairs, .. } = *self;
        let lines_per_chunk = (CHUNK / (pairs * lanes)).max(1);
        for (chunk, starts) in self.lines.starts.chunks(lines_per_chunk).enumerate() {
            let dy = &dy[chunk * lines_per_chunk * pairs * lanes..][..starts.len() * pairs * lanes];
            let at_once = self.rows_at_once();
            for (rows, sums) in rows.chunks(at_once).zip(sums.chunks_mut(at_once * lanes)) {
                // SAFETY: the caller has the proof of AVX-512; lengths are checked inside.
                unsafe {
                    match lanes / 16 {
                        1 => weight_rows::<24, 1, NATIVE>(x, rows, starts, dy, pairs, sums),
                        2 => weight_rows::<12, 2, NATIVE>(x, rows, starts, dy, pairs, sums),
                        _ => weight_rows::<6, 4, NATIVE>(x, rows, starts, dy, pairs, sums),
                    }
                }
            }
        }
    }

    /// From sums by lanes to weights by channels.
    fn unpack(&self, sums: &[f32], d_weight: &mut [f32]) {
        let (lanes, rows) = (self.lanes, self.lines.offsets.len());
        d_weight.par_chunks_mut(rows).enumerate().for_each(|(co, d_weight)| {
            let (block, lane) = (co / lanes, co % lanes);
            for (row, d_weight) in d_weight.iter_mut().enumerate() {
                *d_weight = sums[(block * rows + row) * lanes + lane];
            }
        });
    }
}

/// Adds the products of up to `R` rows with `16 V` output channels over some lines.
///
/// # Safety
/// The machine has the features; `starts` and `rows` were made for the volume `x`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn weight_rows<const R: usize, const V: usize, const NATIVE: bool>(
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
    let mut totals = [[_mm512_setzero_si512(); V]; R];
    // SAFETY: `x` is read up to `reach`, `dy` and `sums` within the asserted lengths.
    unsafe {
        for (line, start) in starts.iter().enumerate() {
            let dy = dy.as_ptr().add(line * pairs * lanes);
            let x: [*const u16; R] = std::array::from_fn(|row| x.as_ptr().add(offsets[row] + start));
            for pair in 0..pairs {
                let a = |row: usize| x[row].add(2 * pair).cast::<u32>();
                let b = |j: usize| dy.add(pair * lanes + 16 * j);
                multiply_add::<R, V, NATIVE>(&mut totals, a, b);
            }
        }
        for (row, totals) in totals.iter().take(rows.len()).enumerate() {
            for (j, total) in totals.iter().enumerate() {
                let to = sums.as_mut_ptr().add(row * lanes + 16 * j);
                _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), _mm512_castsi512_ps(*total)));
            }
        }
    }
}
