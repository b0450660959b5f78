//! The gradient by the weights.

use std::arch::x86_64::*;

use super::pack;
use crate::{
    avx512::multiply_add,
    conv3d::{
        plane::{Geometry, Plane},
        shape::Conv3d,
    },
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
    shape: &Conv3d,
    x: &[f32],
    dy: &[f32],
    d_weight: &mut [f32],
) {
    with_buffers(|buffers: &mut [Buffer; 3]| sum_products(isa, shape, x, dy, d_weight, buffers));
}

fn sum_products<const NATIVE: bool>(
    _: Avx512<NATIVE>,
    shape: &Conv3d,
    x: &[f32],
    dy: &[f32],
    d_weight: &mut [f32],
    [xs, dys, sums]: &mut [Buffer; 3],
) {
    let output @ [frames, height, width] = shape.output_size();
    let taps = shape.taps();
    let geometry = Geometry {
        size: shape.size,
        front: shape.front,
        spread: [1; 3],
        repeat: [1; 3],
        kernel: shape.kernel,
        stride: shape.stride,
        output,
    };
    let plane = Plane::new(&geometry);
    // Here the frames of the padding are there too: every tap runs over all positions.
    let padded = (frames - 1) * shape.stride[0] + shape.kernel[0];
    let channel = padded * plane.len();
    // Two values more: the last pair of a row may reach beyond it.
    let values = shape.batch * shape.inputs * channel + 2;
    let xs = &mut cast_mut(xs.words(values.div_ceil(2)))[..values];
    xs[values - 2..].fill(0);
    let packed = Shared::new(xs);
    threads::for_each(shape.batch * shape.inputs * padded, |index| {
        // SAFETY: every task packs its own frame of a channel.
        let packed = unsafe { packed.range(index * plane.len(), plane.len()) };
        match geometry.source(0, index % padded) {
            Some(frame) => {
                let at = (index / padded * shape.size[0] + frame) * geometry.frame_len();
                // SAFETY: the caller has the proof of AVX-512.
                unsafe { pack::single::<NATIVE>(&plane, &x[at..at + geometry.frame_len()], packed) }
            }
            None => packed.fill(0),
        }
    });

    let lanes = if shape.outputs > 32 { 64 } else { shape.outputs.next_multiple_of(16) };
    let blocks = shape.outputs.div_ceil(lanes);
    let pairs = width.div_ceil(2);
    let lines = frames * height;
    let dys = dys.words(shape.batch * blocks * lines * pairs * lanes);
    pack_gradient(shape, dy, output, lanes, dys);

    // The rows of the product: an input channel and a tap.
    let [_, kh, kw] = shape.kernel;
    let offsets: Vec<usize> = (0..shape.inputs * taps)
        .map(|row| {
            let (ci, tap) = (row / taps, row % taps);
            ci * channel
                + tap / (kh * kw) * plane.len()
                + tap / kw % kh * plane.row_len()
                + plane.column_tap(tap % kw)
        })
        .collect();
    let line_starts: Vec<usize> = (0..lines)
        .map(|line| {
            let (t, h) = (line / height, line % height);
            t * shape.stride[0] * plane.len() + h * shape.stride[1] * plane.row_len()
        })
        .collect();

    let rows_at_once = 24 / (lanes / 16);
    let sums = sums.floats(blocks * offsets.len() * lanes);
    sums.fill(0.0);
    // A task owns some rows for every position, so no sum is split between threads.
    let rows_per_task = rows_at_once * 4;
    let tasks = offsets.len().div_ceil(rows_per_task);
    let lines_per_chunk = (CHUNK / (pairs * lanes)).max(1);
    let out = Shared::new(sums);
    threads::for_each(blocks * tasks, |task| {
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
