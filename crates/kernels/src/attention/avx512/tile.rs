//! Products of packed bf16 pairs: tiles of up to six rows by 64 columns in registers.

use std::arch::x86_64::*;

use crate::{
    amx,
    attention::products::{Finish, Left, Right, Size, VECTOR},
    avx512::{mask, multiply_add},
};

/// Vectors and rows in registers at once: 24 sums, 4 columns and a broadcast of 32 registers.
const VECTORS: usize = 4;
const ROWS: usize = 6;

/// The same for one tile.
#[derive(Clone, Copy)]
enum TileFinish {
    Set,
    Add,
    Rescale(*const f32),
    Maxima(*mut f32, usize),
}

/// `left · right` into `out`, whose rows are `stride` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn multiply<const NATIVE: bool, const TILES: bool>(
    left: Left<'_>,
    right: Right<'_>,
    size: Size,
    out: &mut [f32],
    stride: usize,
    mut finish: Finish<'_>,
) {
    let Size { rows, words: pairs, vectors } = size;
    if rows == 0 || pairs == 0 || vectors == 0 {
        return;
    }
    let columns = vectors * VECTOR;
    assert!((rows - 1) * left.row + (pairs - 1) * left.step < left.words.len(), "left side of a product");
    assert!((pairs - 1) * right.step + columns <= right.words.len(), "right side of a product");
    assert!((rows - 1) * stride + columns <= out.len(), "result of a product");
    match &finish {
        Finish::Rescale(factors) => assert!(factors.len() >= rows),
        Finish::Maxima { lanes, .. } => assert!(lanes.len() >= rows * VECTOR),
        Finish::Set | Finish::Add => {}
    }
    // A tile of AMX has its words one behind the other.
    let by_tiles = TILES && left.step == 1;
    let most_rows = if by_tiles { amx::SIDE } else { ROWS };
    let (groups, tiles) = (vectors.div_ceil(VECTORS), rows.div_ceil(most_rows));
    for group in 0..groups {
        let (first, end) = (group * vectors / groups, (group + 1) * vectors / groups);
        for tile in 0..tiles {
            // As even as possible: 64 rows are 6 and 5 by turns, not ten sixes and a four.
            let (row, end_row) = (tile * rows / tiles, (tile + 1) * rows / tiles);
            let finish = match &mut finish {
                Finish::Set => TileFinish::Set,
                Finish::Add => TileFinish::Add,
                Finish::Rescale(factors) => TileFinish::Rescale(factors[row..].as_ptr()),
                Finish::Maxima { lanes, columns } => TileFinish::Maxima(
                    lanes[row * VECTOR..].as_mut_ptr(),
                    columns.saturating_sub(first * VECTOR),
                ),
            };
            let tile = Tile {
                left: left.words[row * left.row..].as_ptr(),
                row: left.row,
                step: left.step,
                right: right.words[first * VECTOR..].as_ptr(),
                right_step: right.step,
                pairs,
                out: out[row * stride + first * VECTOR..].as_mut_ptr(),
                stride,
                finish,
            };
            // SAFETY: the tile lies inside the lengths asserted above.
            unsafe {
                match end - first {
                    4 if by_tiles => tile.run_tiles::<4>(end_row - row),
                    3 if by_tiles => tile.run_tiles::<3>(end_row - row),
                    2 if by_tiles => tile.run_tiles::<2>(end_row - row),
                    _ if by_tiles => tile.run_tiles::<1>(end_row - row),
                    4 => tile.rows::<4, NATIVE>(end_row - row),
                    3 => tile.rows::<3, NATIVE>(end_row - row),
                    2 => tile.rows::<2, NATIVE>(end_row - row),
                    _ => tile.rows::<1, NATIVE>(end_row - row),
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Tile {
    left: *const u32,
    row: usize,
    step: usize,
    right: *const u32,
    right_step: usize,
    pairs: usize,
    out: *mut f32,
    stride: usize,
    finish: TileFinish,
}

impl Tile {
    /// # Safety
    /// `rows` rows by `V` vectors lie inside both sides, the result and what the finish points to.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn rows<const V: usize, const NATIVE: bool>(self, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match rows {
                6 => self.run::<6, V, NATIVE>(),
                5 => self.run::<5, V, NATIVE>(),
                4 => self.run::<4, V, NATIVE>(),
                3 => self.run::<3, V, NATIVE>(),
                2 => self.run::<2, V, NATIVE>(),
                _ => self.run::<1, V, NATIVE>(),
            }
        }
    }

    /// # Safety
    /// As [`Self::rows`], for `R` rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn run<const R: usize, const V: usize, const NATIVE: bool>(self) {
        let mut sums = [[_mm512_setzero_si512(); V]; R];
        for pair in 0..self.pairs {
            // SAFETY: the caller's promise.
            unsafe {
                let a = |row: usize| self.left.add(row * self.row + pair * self.step);
                let b = |j: usize| self.right.add(pair * self.right_step + VECTOR * j);
                multiply_add::<R, V, NATIVE>(&mut sums, a, b);
            }
        }
        // SAFETY: both are as many times 512 plain bits.
        let sums: [[__m512; V]; R] = unsafe { std::mem::transmute_copy(&sums) };
        // SAFETY: the caller's promise.
        unsafe { self.finish(sums) }
    }

    /// # Safety
    /// As [`Self::rows`], for up to sixteen rows, on a machine with AMX.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn run_tiles<const V: usize>(self, rows: usize) {
        const NOTHING: [u32; VECTORS * VECTOR] = [0; VECTORS * VECTOR];
        let mut sums = [[0_u32; VECTORS * VECTOR]; amx::SIDE];
        let product = amx::Product {
            rows,
            words: self.pairs,
            left: (self.left, self.row),
            right: (self.right, self.right_step),
            from: (NOTHING.as_ptr(), 0),
            to: (sums.as_flattened_mut().as_mut_ptr(), VECTORS * VECTOR),
        };
        // SAFETY: the caller's promise; the sums have room for sixteen rows of four tiles.
        unsafe { amx::multiply::<false>(product, V) }
        for (row, sums) in sums.iter().enumerate().take(rows) {
            // SAFETY: the caller's promise, for one row.
            unsafe {
                let sums = std::array::from_fn(|j| _mm512_loadu_ps(sums.as_ptr().add(VECTOR * j).cast()));
                let finish = match self.finish {
                    TileFinish::Set => TileFinish::Set,
                    TileFinish::Add => TileFinish::Add,
                    TileFinish::Rescale(factors) => TileFinish::Rescale(factors.add(row)),
                    TileFinish::Maxima(lanes, columns) => {
                        TileFinish::Maxima(lanes.add(row * VECTOR), columns)
                    }
                };
                Self { out: self.out.add(row * self.stride), finish, ..self }.finish::<1, V>([sums]);
            }
        }
    }

    /// # Safety
    /// As [`Self::rows`], for `R` rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn finish<const R: usize, const V: usize>(&self, sums: [[__m512; V]; R]) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.finish {
                TileFinish::Set => self.store(&sums, |_, sum, _| sum),
                TileFinish::Add => {
                    self.store(&sums, |_, sum, to| _mm512_add_ps(sum, _mm512_loadu_ps(to)));
                }
                TileFinish::Rescale(factors) => self.store(&sums, |row, sum, to| {
                    _mm512_fmadd_ps(_mm512_loadu_ps(to), _mm512_set1_ps(*factors.add(row)), sum)
                }),
                TileFinish::Maxima(lanes, columns) => self.store_scores(sums, lanes, columns),
            }
        }
    }

    /// # Safety
    /// As [`Self::rows`], for `R` rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn store<const R: usize, const V: usize>(
        &self,
        sums: &[[__m512; V]; R],
        value: impl Fn(usize, __m512, *const f32) -> __m512,
    ) {
        for (row, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let to = self.out.add(row * self.stride + VECTOR * j);
                    _mm512_storeu_ps(to, value(row, *sum, to));
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::rows`], for `R` rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn store_scores<const R: usize, const V: usize>(
        &self,
        sums: [[__m512; V]; R],
        lanes: *mut f32,
        columns: usize,
    ) {
        let masks: [__mmask16; V] = std::array::from_fn(|j| mask(columns.saturating_sub(VECTOR * j)));
        let (whole, nothing) = (columns >= V * VECTOR, _mm512_set1_ps(f32::NEG_INFINITY));
        for (row, sums) in sums.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let mut max = _mm512_loadu_ps(lanes.add(row * VECTOR));
                for (j, sum) in sums.into_iter().enumerate() {
                    let score = if whole { sum } else { _mm512_mask_blend_ps(masks[j], nothing, sum) };
                    max = _mm512_max_ps(max, score);
                    _mm512_storeu_ps(self.out.add(row * self.stride + VECTOR * j), score);
                }
                _mm512_storeu_ps(lanes.add(row * VECTOR), max);
            }
        }
    }
}
