//! The AVX-512 paths: products of bf16 pairs and of quadruples of eight bits.

pub(super) mod pack;
mod weight_gradient;

use std::{arch::x86_64::*, ops::Range};

pub(super) use weight_gradient::backward_weight;

use super::{
    job::{FrameTap, Group, Job},
    plane::TILE,
};
use crate::avx512::{mask, multiply_add};

/// One block of output channels by a group of tiles: quadruples of bytes if `INT8`, else pairs of bf16.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL, DQ and VNNI, and BF16 if `NATIVE`; every tile of every frame tap plus every
/// offset plus 16 lies in the volume; the tiles lie in the output and are written by no one else.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn block<const INT8: bool, const NATIVE: bool>(
    job: &Job<'_>,
    tiles: &Group,
    rows: Range<usize>,
) {
    macro_rules! tile_of {
        ($($rows:literal by $tiles:literal),*) => {
            match (rows.len(), job.weights.format.rows_and_tiles(job.weights.filter.outputs).1) {
                // SAFETY: the caller's promise.
                $(($rows, $tiles) => unsafe { tile::<$rows, $tiles, INT8, NATIVE>(job, tiles, rows) },)*
                sizes => unreachable!("{sizes:?} are no block"),
            }
        };
    }
    tile_of!(
        1 by 4, 2 by 4, 3 by 4, 4 by 4, 5 by 4, 6 by 4, 4 by 2, 5 by 2, 6 by 2, 7 by 2, 8 by 2, 9 by 2, 10 by 2,
        11 by 2, 12 by 2
    );
}

/// `R` output channels by `V` tiles; sums become numbers after each frame tap, for in eight bits
/// every frame has its own scale.
///
/// # Safety
/// As [`block`], for `R` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tile<const R: usize, const V: usize, const INT8: bool, const NATIVE: bool>(
    job: &Job<'_>,
    tiles: &Group,
    rows: Range<usize>,
) {
    assert!(rows.len() == R);
    // SAFETY: the caller's promise.
    let of_tap = |tap| unsafe { tap_sums::<R, V, INT8, NATIVE>(job, tap, tiles, &rows) };
    let mut taps = job.frame_taps.iter();
    // No zeros to begin with: writing them would be a tenth of the work where channels are few.
    let mut totals = taps.next().map_or([[_mm512_setzero_ps(); V]; R], of_tap);
    for tap in taps {
        for (totals, sums) in totals.iter_mut().zip(of_tap(tap)) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total = _mm512_add_ps(*total, sum);
            }
        }
    }
    for (index, row) in rows.enumerate() {
        let bias = _mm512_set1_ps(job.bias.map_or(0.0, |bias| bias[row]));
        let scale = _mm512_set1_ps(if INT8 { job.weights.scales[row] } else { 1.0 });
        for (j, tile) in tiles[..V].iter().enumerate().filter(|(_, tile)| tile.width > 0) {
            let y = _mm512_fmadd_ps(totals[index][j], scale, bias);
            // SAFETY: the mask keeps the store inside the tile; the caller's promise.
            unsafe {
                // Stores with a mask are slow.
                if tile.width == TILE {
                    _mm512_storeu_ps(job.target(row, tile), y);
                } else {
                    _mm512_mask_storeu_ps(job.target(row, tile), mask(tile.width), y);
                }
            }
        }
    }
}

/// The sums of a frame tap, as numbers.
///
/// # Safety
/// As [`block`], for `R` rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tap_sums<const R: usize, const V: usize, const INT8: bool, const NATIVE: bool>(
    job: &Job<'_>,
    tap: &FrameTap,
    tiles: &Group,
    rows: &Range<usize>,
) -> [[__m512; V]; R] {
    let words = job.offsets.len();
    let weights = &job.block_weights(rows)[tap.tap * words * R..][..words * R];
    let mut sums = [[_mm512_setzero_si512(); V]; R];
    // SAFETY: the caller's promise; `weights` has `R` values for every offset.
    unsafe {
        let weights = weights.as_ptr();
        let x: [*const u32; V] = std::array::from_fn(|j| job.volume.as_ptr().add(tap.start + tiles[j].from));
        for (k, &offset) in job.offsets.iter().enumerate() {
            let (weight, x) = (|row: usize| weights.add(k * R + row), |j: usize| x[j].add(offset));
            if !INT8 {
                multiply_add::<R, V, NATIVE>(&mut sums, weight, x);
                continue;
            }
            let x: [__m512i; V] = std::array::from_fn(|j| _mm512_loadu_si512(x(j).cast()));
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = _mm512_set1_epi32(weight(row).read().cast_signed());
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum = _mm512_dpbusd_epi32(*sum, x, weight));
            }
        }
    }
    let scale = _mm512_set1_ps(tap.scale.scale);
    let mut numbers = [[_mm512_setzero_ps(); V]; R];
    for ((index, sums), numbers) in sums.into_iter().enumerate().zip(&mut numbers) {
        let offset = if INT8 {
            tap.scale.zero as i32
                * job.weights.sums[(rows.start + index) * job.weights.filter.kernel[0] + tap.tap]
        } else {
            0
        };
        for (sum, number) in sums.into_iter().zip(numbers) {
            *number = if INT8 {
                let sum = _mm512_sub_epi32(sum, _mm512_set1_epi32(offset));
                _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale)
            } else {
                _mm512_castsi512_ps(sum)
            };
        }
    }
    numbers
}
