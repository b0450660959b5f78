//! The AVX-512 micro-kernels: six rows by 64 columns in registers.

use std::arch::x86_64::*;

use super::blocked::Operands;
pub(crate) use super::blocked::PANEL;

/// Adds a tile of products to `sums`, `[rows][64]`: pairs of bf16, or quadruples of unsigned by
/// signed bytes. Six rows are 24 sums: with four vectors of the panel and a broadcast, 29 of the 32
/// registers.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL, DQ, BF16 and VNNI, and the operands have the sizes that they
/// state.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni")]
pub(super) unsafe fn multiply<const INT8: bool>(operands: &Operands<'_>, sums: &mut [u32]) {
    let a = operands.rows[operands.steps.start..].as_ptr();
    let rows = sums.len() / PANEL;
    let sums = sums.as_mut_ptr();
    // SAFETY: so many rows start at `a` and at `sums`, by the caller's promise.
    unsafe {
        match rows {
            6 => tile::<6, INT8>(operands, a, sums),
            5 => tile::<5, INT8>(operands, a, sums),
            4 => tile::<4, INT8>(operands, a, sums),
            3 => tile::<3, INT8>(operands, a, sums),
            2 => tile::<2, INT8>(operands, a, sums),
            _ => tile::<1, INT8>(operands, a, sums),
        }
    }
}

/// `R` rows from `a` on by 64 columns.
///
/// # Safety
/// As [`multiply`]; `R` rows are there, `stride` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni")]
unsafe fn tile<const R: usize, const INT8: bool>(operands: &Operands<'_>, a: *const u32, sums: *mut u32) {
    // SAFETY: rows, panel and sums have the sizes that the operands state, by the caller's promise.
    unsafe {
        let load = |from: *const u32| _mm512_loadu_si512(from.cast());
        let mut acc: [[__m512i; 4]; R] = std::array::from_fn(|row| {
            std::array::from_fn(|j| match operands.starts {
                Some(starts) => load(starts.as_ptr().add(16 * j)),
                None => load(sums.add(row * PANEL + 16 * j)),
            })
        });
        let panel = operands.panel.as_ptr();
        for step in 0..operands.steps.len() {
            let b: [__m512i; 4] = std::array::from_fn(|j| load(panel.add(step * PANEL + 16 * j)));
            for (row, acc) in acc.iter_mut().enumerate() {
                let a = _mm512_set1_epi32(a.add(row * operands.stride + step).read().cast_signed());
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = dot::<INT8>(*acc, a, b);
                }
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            for (j, acc) in acc.iter().enumerate() {
                _mm512_storeu_si512(sums.add(row * PANEL + 16 * j).cast(), *acc);
            }
        }
    }
}

/// `sum + a · b` over the pairs or quadruples of each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512vnni")]
fn dot<const INT8: bool>(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    if INT8 {
        return _mm512_dpbusd_epi32(sum, a, b);
    }
    // SAFETY: both types are 512 plain bits.
    let pairs = |x: __m512i| unsafe { std::mem::transmute::<__m512i, __m512bh>(x) };
    _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), pairs(b), pairs(a)))
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
