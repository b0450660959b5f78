//! The AMX path: a step is a tap of some words of channels, for up to 32 output channels by 32 outputs.

use std::{arch::x86_64::*, ops::Range};

use super::{
    job::{Group, Job, Tile},
    plane::TILE,
};
use crate::{
    amx::{SIDE, Scattered, Sums, in_two_tiles, multiply_scattered},
    avx512::mask,
    isa::Avx512,
};

const _: () = assert!(SIDE == TILE);

/// One block of output channels by groups of up to two tiles.
///
/// # Safety
/// Every tile of every frame tap plus every offset plus 16 lies in the volume; the tiles lie in the output and are written
/// by no one else.
pub(super) unsafe fn block(isa: Avx512<true, true>, job: &Job<'_>, groups: &[Group], rows: Range<usize>) {
    let filter = job.weights.filter;
    let (words, outputs) = (job.weights.format.words_of_tile(filter.inputs), rows.len());
    let tiles = job.weights.format.words(filter.inputs) / words;
    let steps_of_tap = filter.kernel[1] * tiles * filter.kernel[2];
    let step = |start: usize, tap: usize, index: usize| {
        // Offsets are `[row taps][words][column taps]`.
        let (row, column) = (index / filter.kernel[2], index % filter.kernel[2]);
        let offset = job.offsets[row * words * filter.kernel[2] + column];
        [4 * (tap * steps_of_tap + index) * outputs * words, 4 * (start + offset)]
    };
    let taps = job.frame_taps.iter();
    let steps: Vec<[usize; 2]> =
        taps.flat_map(|tap| (0..steps_of_tap).map(move |index| step(tap.start, tap.tap, index))).collect();
    let weights = job.block_weights(&rows);
    assert_eq!(weights.len(), filter.kernel[0] * steps_of_tap * outputs * words);
    let tiles_of_rows = in_two_tiles(outputs);
    let mut sums = Sums::ZEROS;
    for [first, second, ..] in groups.iter().filter(|group| group[0].width > 0) {
        let beside = (second.width > 0).then(|| 4 * (second.from.cast_signed() - first.from.cast_signed()));
        let product = Scattered {
            steps: &steps,
            rows: tiles_of_rows,
            words,
            left: (weights.as_ptr().cast(), 4 * words),
            right: (job.volume[first.from..].as_ptr().cast(), 4 * job.word_len),
            beside,
        };
        // SAFETY: the level proves the instruction set; weights have their length by the assertion, and tiles of the volume
        // and of the output are there by the caller's promise.
        unsafe {
            multiply_scattered(product, &mut sums);
            write(isa, job, [first, second], tiles_of_rows, rows.clone(), &sums);
        }
    }
}

/// Writes sums and bias to two tiles of outputs.
///
/// # Safety
/// As [`block`]; the level proves AVX-512.
unsafe fn write(
    _: Avx512<true, true>,
    job: &Job<'_>,
    tiles: [&Tile; 2],
    tiles_of_rows: [usize; 2],
    rows: Range<usize>,
    sums: &Sums,
) {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn line(sums: &[f32; TILE], bias: f32, width: usize, to: *mut f32) {
        // SAFETY: the mask keeps the store inside the tile; the caller's promise.
        unsafe {
            let y = _mm512_add_ps(_mm512_loadu_ps(sums.as_ptr()), _mm512_set1_ps(bias));
            // Stores with a mask are slow.
            if width == TILE {
                _mm512_storeu_ps(to, y);
            } else {
                _mm512_mask_storeu_ps(to, mask(width), y);
            }
        }
    }
    for (index, row) in rows.enumerate() {
        let bias = job.bias.map_or(0.0, |bias| bias[row]);
        for (column, tile) in tiles.into_iter().enumerate().filter(|(_, tile)| tile.width > 0) {
            // SAFETY: the caller's promise.
            unsafe { line(sums.row(tiles_of_rows, index, column), bias, tile.width, job.target(row, tile)) }
        }
    }
}
