//! The AVX-512 micro-kernels: six rows by 64 columns in registers.

use std::arch::x86_64::*;

use super::{
    epilogue::Direct,
    tile::{Operands, PANEL},
};
use crate::avx512::multiply_add;

/// Adds a tile of products to `sums`, `[rows][64]`: pairs of bf16, or quadruples of unsigned by
/// signed bytes; or sends the sums where `direct` says. Six rows are 24 sums: with four vectors of
/// the panel and a broadcast, 29 of the 32 registers.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL, DQ and VNNI, and BF16 if `NATIVE`, and the operands have the sizes that they
/// state. No one else touches the rows that `direct` points at.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn multiply<const INT8: bool, const NATIVE: bool>(
    operands: &Operands<'_>,
    sums: &mut [u32],
    direct: Option<&Direct<'_>>,
) {
    let rows = sums.len() / PANEL;
    let sums = sums.as_mut_ptr();
    // SAFETY: the caller's promise, for so many rows.
    unsafe {
        match rows {
            6 => tile::<6, INT8, NATIVE>(operands, sums, direct),
            5 => tile::<5, INT8, NATIVE>(operands, sums, direct),
            4 => tile::<4, INT8, NATIVE>(operands, sums, direct),
            3 => tile::<3, INT8, NATIVE>(operands, sums, direct),
            2 => tile::<2, INT8, NATIVE>(operands, sums, direct),
            _ => tile::<1, INT8, NATIVE>(operands, sums, direct),
        }
    }
}

/// `R` rows by 64 columns.
///
/// # Safety
/// As [`multiply`], for `R` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tile<const R: usize, const INT8: bool, const NATIVE: bool>(
    operands: &Operands<'_>,
    sums: *mut u32,
    direct: Option<&Direct<'_>>,
) {
    // SAFETY: rows, panel and sums have the sizes that the operands state, and `direct` has as many
    // rows, by the caller's promise.
    unsafe {
        if let Some(direct) = direct {
            // A write that misses the cache waits for the rest of its line: fetched meanwhile.
            for row in 0..R {
                for j in 0..4 {
                    _mm_prefetch::<_MM_HINT_ET0>(direct.out.add(row * direct.stride + 16 * j).cast());
                }
            }
        }
        let load = |from: *const u32| _mm512_loadu_si512(from.cast());
        let mut acc: [[__m512i; 4]; R] = std::array::from_fn(|row| {
            std::array::from_fn(|j| match operands.starts {
                Some(starts) => load(starts.as_ptr().add(16 * j)),
                None => load(sums.add(row * PANEL + 16 * j)),
            })
        });
        let (rows, panel) = (operands.rows.as_ptr().add(operands.steps.start), operands.panel.as_ptr());
        let (next, next_step) = (operands.next.as_ptr(), operands.next.len().div_ceil(operands.steps.len()));
        for step in 0..operands.steps.len() {
            _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(step * next_step).cast());
            let a = |row: usize| rows.add(row * operands.stride + step);
            let b = |j: usize| panel.add(step * PANEL + 16 * j);
            if !INT8 {
                multiply_add::<R, 4, NATIVE>(&mut acc, a, b);
                continue;
            }
            let b: [__m512i; 4] = std::array::from_fn(|j| load(b(j)));
            for (row, acc) in acc.iter_mut().enumerate() {
                let a = _mm512_set1_epi32(a(row).read().cast_signed());
                acc.iter_mut().zip(b).for_each(|(acc, b)| *acc = _mm512_dpbusd_epi32(*acc, a, b));
            }
        }
        let Some(direct) = direct else {
            for (row, acc) in acc.iter().enumerate() {
                for (j, acc) in acc.iter().enumerate() {
                    _mm512_storeu_si512(sums.add(row * PANEL + 16 * j).cast(), *acc);
                }
            }
            return;
        };
        for j in 0..4 {
            let bias = _mm512_loadu_ps(direct.bias.as_ptr().add(16 * j));
            let scale = _mm512_loadu_ps(direct.scales.as_ptr().add(16 * j));
            for (row, acc) in acc.iter().enumerate() {
                let sum = if INT8 {
                    let row_scale = _mm512_set1_ps(*direct.row_scales.get_unchecked(row));
                    _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(acc[j]), row_scale), scale)
                } else {
                    _mm512_castsi512_ps(acc[j])
                };
                let to = direct.out.add(row * direct.stride + 16 * j);
                _mm512_storeu_ps(to, _mm512_add_ps(sum, bias));
            }
        }
    }
}
