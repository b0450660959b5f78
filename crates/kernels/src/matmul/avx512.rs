//! The AVX-512 BF16 micro-kernel: six rows by 64 columns in registers.

use std::arch::x86_64::*;

/// Columns of a panel: four vectors of 16.
pub(crate) const PANEL: usize = 64;
/// Rows in registers at once: 6 × 4 sums, 4 columns and a broadcast make 29 of 32 registers.
const ROWS: usize = 6;

/// Where a block of the product goes: `rows` rows of `width` (≤ 64) values, `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub c: *mut f32,
    pub stride: usize,
    pub rows: usize,
    pub width: usize,
}

/// Multiplies packed rows (`[rows][pairs]`) by one packed panel (`[pairs][64]`).
///
/// With `accumulate` the product is added to the target, otherwise it overwrites it; `bias` is
/// one value for each column.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL, DQ and BF16; the target's rows are valid for writing (and
/// initialised if `accumulate`), and no one else touches them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(crate) unsafe fn rows_by_panel(
    rows: &[u32],
    pairs: usize,
    panel: &[u32],
    target: Target,
    bias: Option<&[f32]>,
    accumulate: bool,
) {
    assert!(rows.len() >= target.rows * pairs && panel.len() >= pairs * PANEL && target.width <= PANEL);
    assert!(bias.is_none_or(|bias| bias.len() == target.width));
    let mut row = 0;
    while row < target.rows {
        let count = ROWS.min(target.rows - row);
        let a = rows[row * pairs..].as_ptr();
        // SAFETY: `count` packed rows start at `a` and `pairs` packed vectors at the panel, by the
        // assertion; the target has `count` rows from `row` on, by the caller's promise.
        unsafe {
            let c = target.c.add(row * target.stride);
            let out = (c, target.stride, target.width);
            match count {
                6 => tile::<6>(a, pairs, panel.as_ptr(), out, bias, accumulate),
                5 => tile::<5>(a, pairs, panel.as_ptr(), out, bias, accumulate),
                4 => tile::<4>(a, pairs, panel.as_ptr(), out, bias, accumulate),
                3 => tile::<3>(a, pairs, panel.as_ptr(), out, bias, accumulate),
                2 => tile::<2>(a, pairs, panel.as_ptr(), out, bias, accumulate),
                _ => tile::<1>(a, pairs, panel.as_ptr(), out, bias, accumulate),
            }
        }
        row += count;
    }
}

/// `R` rows by 64 columns.
///
/// # Safety
/// As [`rows_by_panel`], for `R` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
unsafe fn tile<const R: usize>(
    a: *const u32,
    pairs: usize,
    panel: *const u32,
    (c, stride, width): (*mut f32, usize, usize),
    bias: Option<&[f32]>,
    accumulate: bool,
) {
    let mut sums = [[_mm512_setzero_ps(); 4]; R];
    for pair in 0..pairs {
        // SAFETY: `pair < pairs`: the panel has `pairs` groups of 64, each row `pairs` values.
        unsafe {
            let b: [__m512bh; 4] = std::array::from_fn(|j| load(panel.add(pair * PANEL + 16 * j)));
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = broadcast(a.add(row * pairs + pair));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_dpbf16_ps(*sum, b, x);
                }
            }
        }
    }
    for j in 0..width.div_ceil(16) {
        let mask = mask(width - 16 * j);
        // SAFETY: masked lanes are not read; the others lie inside `bias` and the target.
        unsafe {
            let bias = match bias {
                Some(bias) => _mm512_maskz_loadu_ps(mask, bias.as_ptr().add(16 * j)),
                None => _mm512_setzero_ps(),
            };
            for (row, sums) in sums.iter().enumerate() {
                let to = c.add(row * stride + 16 * j);
                let mut sum = _mm512_add_ps(sums[j], bias);
                if accumulate {
                    sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, to));
                }
                _mm512_mask_storeu_ps(to, mask, sum);
            }
        }
    }
}

/// The lowest `left` of 16 lanes.
pub(crate) fn mask(left: usize) -> __mmask16 {
    if left >= 16 { 0xffff } else { (1 << left) - 1 }
}

/// 16 pairs of bf16.
///
/// # Safety
/// 64 bytes are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(crate) unsafe fn load(from: *const u32) -> __m512bh {
    // SAFETY: the caller's promise; both types are 512 plain bits.
    unsafe { std::mem::transmute(_mm512_loadu_si512(from.cast())) }
}

/// One pair of bf16 in all 16 places.
///
/// # Safety
/// Four bytes are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(crate) unsafe fn broadcast(from: *const u32) -> __m512bh {
    // SAFETY: the caller's promise; both types are 512 plain bits.
    unsafe { std::mem::transmute(_mm512_set1_epi32(from.read_unaligned().cast_signed())) }
}
