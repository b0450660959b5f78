//! The transforms of sixteen neighbouring squares at once.

use std::{arch::x86_64::*, ops::Range};

use super::strip::{POSITIONS, Run, Strip, UNIT};
use crate::{
    avx512::{mask, zip_pairs},
    conv3d::{avx512::pack::load, frames::Values, plane::TILE},
};

/// Transforms the channels of a frame at a unit's squares to pairs of bf16, `[positions][pairs][squares]` and a gap
/// behind each position.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL and DQ, and BF16 if `NATIVE`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn transform<'a, const NATIVE: bool>(
    strip: &Strip<'_>,
    unit: usize,
    channels: impl Iterator<Item = Values<'a>> + Clone,
    to: &mut [u32],
) {
    let start = unit * UNIT;
    let position_len = strip.position_len();
    assert!(to.len() >= POSITIONS * position_len);
    for run in strip.runs(start, strip.squares().min(start + UNIT)) {
        let patch = Patch::new(strip, &run);
        let used = mask(run.len);
        let mut channels = channels.clone();
        for group in 0..strip.groups {
            let (mut a, mut b) = ([_mm512_setzero_ps(); POSITIONS], [_mm512_setzero_ps(); POSITIONS]);
            for square in [&mut a, &mut b] {
                match channels.next() {
                    Some(channel) if strip.is_doubled() => patch.transform_doubled(channel, square),
                    Some(channel) => patch.transform(channel, square),
                    None => {}
                }
            }
            let to = to[group * UNIT + run.square - start..].as_mut_ptr();
            for position in (0..POSITIONS).filter(|&position| strip.has(position)) {
                // SAFETY: the caller's promise; squares of this unit, a position of this slice.
                unsafe {
                    let words = zip_pairs::<NATIVE>(a[position], b[position]);
                    let to = to.add(position * position_len).cast();
                    // Stores with a mask are slow.
                    if run.len == TILE {
                        _mm512_storeu_si512(to, words);
                    } else {
                        _mm512_mask_storeu_epi32(to.cast(), used, words);
                    }
                }
            }
        }
    }
}

/// What the squares of a run read of a channel.
struct Patch {
    height: usize,
    width: usize,
    /// The first row and column; what lies before 0 is padding.
    top: isize,
    left: isize,
    /// Which of the columns are there, in three vectors: `left..left + 34`, or if every input stands for a square of
    /// four, the sixteen from `left`, from `left + 1` and from `left + 2` on.
    masks: [__mmask16; 3],
}

impl Patch {
    fn new(strip: &Strip<'_>, run: &Run) -> Self {
        let geometry = strip.geometry;
        let [_, height, width] = geometry.size;
        let [top, left] = match strip.is_doubled() {
            // The input before the one that a square's middle stands for.
            true => [run.row, run.column].map(|at| at.cast_signed() - 1),
            false => [(run.row, 1), (run.column, 2)]
                .map(|(at, axis)| (2 * at).cast_signed() - geometry.front[axis].cast_signed()),
        };
        let inside = |start: isize, count: isize| {
            let from = (-start).clamp(0, count);
            let to = (width.cast_signed() - start).clamp(from, count);
            mask(to.cast_unsigned()) & !mask(from.cast_unsigned())
        };
        let masks = match strip.is_doubled() {
            true => [inside(left, 16), inside(left + 1, 16), inside(left + 2, 16)],
            false => [inside(left, 16), inside(left + 16, 16), inside(left + 32, 2)],
        };
        Self { height, width, top, left, masks }
    }

    /// `Bᵀ d B` of up to sixteen squares of a channel, by position.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn transform(&self, channel: Values<'_>, to: &mut [__m512; POSITIONS]) {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        let mut rows = [[_mm512_setzero_ps(); 4]; 4];
        for (row, transformed) in (self.top..).zip(&mut rows) {
            if !(0..self.height.cast_signed()).contains(&row) {
                continue;
            }
            let row = row.cast_unsigned();
            let row = channel.part(row * self.width..(row + 1) * self.width);
            // SAFETY: the masks leave only columns of the row.
            let (low, high, last) = unsafe {
                (
                    load(self.masks[0], row, self.left),
                    load(self.masks[1], row, self.left + 16),
                    load(self.masks[2], row, self.left + 32),
                )
            };
            let d0 = _mm512_permutex2var_ps(low, even, high);
            let d1 = _mm512_permutex2var_ps(low, odd, high);
            // The next square's first two columns are a square's last two.
            let last = _mm512_castps_si512(last);
            let d2 = next(d0, last);
            let d3 = next(d1, _mm512_alignr_epi32::<1>(last, last));
            *transformed =
                [_mm512_sub_ps(d0, d2), _mm512_add_ps(d1, d2), _mm512_sub_ps(d2, d1), _mm512_sub_ps(d1, d3)];
        }
        for j in 0..4 {
            let d = [rows[0][j], rows[1][j], rows[2][j], rows[3][j]];
            to[j] = _mm512_sub_ps(d[0], d[2]);
            to[4 + j] = _mm512_add_ps(d[1], d[2]);
            to[8 + j] = _mm512_sub_ps(d[2], d[1]);
            to[12 + j] = _mm512_sub_ps(d[1], d[3]);
        }
    }

    /// The same where every input stands for a square of four: the middle two of a square's four rows are alike, and
    /// of its columns. The third row and column, which are zero, are left as they are.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn transform_doubled(&self, channel: Values<'_>, to: &mut [__m512; POSITIONS]) {
        let of = |[before, at, after]: [__m512; 3]| {
            [_mm512_sub_ps(before, at), _mm512_add_ps(at, at), _mm512_sub_ps(at, after)]
        };
        let mut rows = [[_mm512_setzero_ps(); 3]; 3];
        for (row, transformed) in (self.top..).zip(&mut rows) {
            if !(0..self.height.cast_signed()).contains(&row) {
                continue;
            }
            let row = row.cast_unsigned();
            let row = channel.part(row * self.width..(row + 1) * self.width);
            let [before, at, after] = self.masks;
            // SAFETY: the masks leave only columns of the row.
            *transformed = of(unsafe {
                [load(before, row, self.left), load(at, row, self.left + 1), load(after, row, self.left + 2)]
            });
        }
        for (j, column) in [0, 1, 3].into_iter().enumerate() {
            let values = of([rows[0][j], rows[1][j], rows[2][j]]);
            for (i, value) in [0, 1, 3].into_iter().zip(values) {
                to[4 * i + column] = value;
            }
        }
    }
}

/// The lanes from the second on, and behind them the first of `last`.
#[inline]
#[target_feature(enable = "avx512f")]
fn next(lanes: __m512, last: __m512i) -> __m512 {
    _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(last, _mm512_castps_si512(lanes)))
}

/// `Aᵀ m A + bias` of some squares of a strip, to the frame at `y`; `sums` begin at the first of them.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL and DQ; a frame of the output's size is at `y`, and no one else touches the
/// pixels of these squares.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn outputs(
    strip: &Strip<'_>,
    squares: Range<usize>,
    sums: [&[f32]; POSITIONS],
    bias: f32,
    y: *mut f32,
) {
    let [_, height, width] = strip.geometry.output;
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    let bias = _mm512_set1_ps(bias);
    for run in strip.runs(squares.start, squares.end) {
        let at = run.square - squares.start;
        let used = mask(run.len);
        let rows: [[__m512; 2]; 4] = std::array::from_fn(|i| {
            let m: [__m512; 4] = std::array::from_fn(|j| {
                let sums = &sums[4 * i + j][at..at + run.len];
                // SAFETY: the mask leaves out what lies beyond the slice.
                unsafe { _mm512_maskz_loadu_ps(used, sums.as_ptr()) }
            });
            outputs_of(m)
        });
        let [evens, odds]: [[__m512; 2]; 2] =
            std::array::from_fn(|j| outputs_of([rows[0][j], rows[1][j], rows[2][j], rows[3][j]]));
        let left = 2 * run.column;
        let count = (2 * run.len).min(width - left);
        for (row, (even, odd)) in (2 * run.row..height).zip(evens.into_iter().zip(odds)) {
            let (even, odd) = (_mm512_add_ps(even, bias), _mm512_add_ps(odd, bias));
            let to = y.wrapping_add(row * width + left);
            let (left, right) =
                (_mm512_permutex2var_ps(even, low, odd), _mm512_permutex2var_ps(even, high, odd));
            // SAFETY: the masks keep the stores inside the row; the caller's promise.
            unsafe {
                if count == 2 * TILE {
                    _mm512_storeu_ps(to, left);
                    _mm512_storeu_ps(to.add(TILE), right);
                } else {
                    _mm512_mask_storeu_ps(to, mask(count), left);
                    let rest = mask(count.saturating_sub(TILE));
                    _mm512_mask_storeu_ps(to.wrapping_add(TILE), rest, right);
                }
            }
        }
    }
}

/// `Aᵀ` of four sums.
#[inline]
#[target_feature(enable = "avx512f")]
fn outputs_of(m: [__m512; 4]) -> [__m512; 2] {
    let sum = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
    [sum, _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3])]
}
