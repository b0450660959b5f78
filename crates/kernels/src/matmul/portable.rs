//! Tile products in plain Rust.

use super::tile::{Operands, PANEL};

/// Pairs of bf16, sums in f32.
pub(super) fn multiply_bf16(operands: &Operands<'_>, sums: &mut [u32]) {
    let halves = |pair: u32| (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
    multiply(operands, sums, |sum, a, b| {
        let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
        (f32::from_bits(sum) + a0 * b0 + a1 * b1).to_bits()
    });
}

/// Quadruples of signed bytes, sums in i32.
pub(super) fn multiply_int8(operands: &Operands<'_>, sums: &mut [u32]) {
    // By shifts, which become vectors; the order does not matter, as both sides have the same.
    let bytes = |quad: u32| [24, 16, 8, 0].map(|shift| (quad << shift).cast_signed() >> 24);
    multiply(operands, sums, |sum, a, b| {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (bytes(a), bytes(b));
        sum.wrapping_add((a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3).cast_unsigned())
    });
}

#[inline(always)]
fn multiply(operands: &Operands<'_>, sums: &mut [u32], add: impl Fn(u32, u32, u32) -> u32) {
    for (row, sums) in operands.rows.chunks_exact(operands.stride).zip(sums.chunks_exact_mut(PANEL)) {
        if let Some(starts) = operands.starts {
            sums.copy_from_slice(starts);
        }
        for (&a, panel) in row[operands.steps.clone()].iter().zip(operands.panel.chunks_exact(PANEL)) {
            for (sum, &b) in sums.iter_mut().zip(panel) {
                *sum = add(*sum, a, b);
            }
        }
    }
}
