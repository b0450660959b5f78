//! What all AVX-512 paths are made of: rounding to bf16, and products of packed words.
//!
//! A word holds two bf16 that are multiplied by those of another word and added to one sum. Machines with AVX-512 BF16
//! have instructions for the rounding and for the products; `NATIVE` says that this is one of them.
//! On the others the rounding is integer arithmetic, and a product of pairs is two products of f32: less than half as
//! fast, with the same values and one rounding more.
//!
//! The instructions of BF16 are written out: as intrinsics they could be used in functions for machines that have them
//! alone, and every path would have to exist twice.

mod exp2;

use std::arch::{asm, x86_64::*};

pub(crate) use exp2::exp2;

/// The lowest `left` of 16 lanes.
pub(crate) fn mask(left: usize) -> __mmask16 {
    if left >= 16 { 0xffff } else { (1 << left) - 1 }
}

/// Adds to each row of `sums`, which are f32, the products of its word, at `a(row)`, and of sixteen words, at `b(j)`
/// for vector `j`.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL and DQ, and BF16 if `NATIVE`; the words are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) unsafe fn multiply_add<const R: usize, const V: usize, const NATIVE: bool>(
    sums: &mut [[__m512i; V]; R],
    a: impl Fn(usize) -> *const u32,
    b: impl Fn(usize) -> *const u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if NATIVE {
            let b: [__m512i; V] = std::array::from_fn(|j| _mm512_loadu_si512(b(j).cast()));
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = _mm512_set1_epi32(a(row).read_unaligned().cast_signed());
                sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = dot_pairs(*sum, a, b));
            }
        } else {
            multiply_add_half::<R, V, false>(sums, &a, &b);
            multiply_add_half::<R, V, true>(sums, &a, &b);
        }
    }
}

/// `sum + a · b` over the pairs of each lane.
///
/// # Safety
/// The machine has AVX-512 BF16.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn dot_pairs(mut sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: one instruction on registers alone.
    unsafe {
        asm!("vdpbf16ps {}, {}, {}", inout(zmm_reg) sum, in(zmm_reg) b, in(zmm_reg) a,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// [`multiply_add`] of the later or of the earlier values of all pairs: half by half, so that all sums and one half of
/// what is at `b` fit in the registers.
///
/// # Safety
/// As [`multiply_add`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn multiply_add_half<const R: usize, const V: usize, const LATER: bool>(
    sums: &mut [[__m512i; V]; R],
    a: impl Fn(usize) -> *const u32,
    b: impl Fn(usize) -> *const u32,
) {
    // A bf16 is the upper half of its f32. Written out, and in this order (without `pure`): else the compiler reads all
    // words first and keeps them for the other half, in registers that are not there.
    macro_rules! half {
        ($words:literal, $at:expr) => {{
            let values: __m512;
            if LATER {
                let upper_halves = _mm512_set1_epi32(0xffff_0000u32.cast_signed());
                asm!(concat!("vpandd {}, {}, ", $words), out(zmm_reg) values, in(zmm_reg) upper_halves, in(reg) $at,
                    options(readonly, nostack, preserves_flags));
            } else {
                asm!(concat!("vpslld {}, ", $words, ", 16"), out(zmm_reg) values, in(reg) $at,
                    options(readonly, nostack, preserves_flags));
            }
            values
        }};
    }
    // SAFETY: the words are readable, by the caller's promise; nothing but registers is written.
    unsafe {
        let b: [__m512; V] = std::array::from_fn(|j| half!("zmmword ptr [{}]", b(j)));
        for (row, sums) in sums.iter_mut().enumerate() {
            let a = half!("dword ptr [{}]{{1to16}}", a(row));
            for (sum, b) in sums.iter_mut().zip(b) {
                asm!("vfmadd231ps {}, {}, {}", inout(zmm_reg) *sum, in(zmm_reg) a, in(zmm_reg) b,
                    options(nomem, nostack, preserves_flags));
            }
        }
    }
}

/// Sixteen values and sixteen more as bf16, one behind the other; rounded to the nearest, ties to even.
///
/// # Safety
/// The machine has AVX-512 F and BW, and BF16 if `NATIVE`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) unsafe fn to_bf16<const NATIVE: bool>(first: __m512, second: __m512) -> __m512i {
    if !NATIVE {
        return _mm512_permutex2var_epi16(rounded(first), every_other(1), rounded(second));
    }
    let both: __m512i;
    // SAFETY: one instruction on registers alone.
    unsafe {
        asm!("vcvtne2ps2bf16 {}, {}, {}", lateout(zmm_reg) both, in(zmm_reg) second, in(zmm_reg) first,
            options(pure, nomem, nostack, preserves_flags));
    }
    both
}

/// Sixteen values as bf16.
///
/// # Safety
/// As [`to_bf16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) unsafe fn to_half<const NATIVE: bool>(values: __m512) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_castsi512_si256(to_bf16::<NATIVE>(values, values)) }
}

/// Value `i` of one beside value `i` of the other, as pairs of bf16.
///
/// # Safety
/// As [`to_bf16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) unsafe fn zip_pairs<const NATIVE: bool>(first: __m512, second: __m512) -> __m512i {
    if !NATIVE {
        let upper_halves = _mm512_set1_epi32(0xffff_0000u32.cast_signed());
        let second = _mm512_and_si512(rounded(second), upper_halves);
        return _mm512_or_si512(_mm512_srli_epi32::<16>(rounded(first)), second);
    }
    // SAFETY: the caller's promise.
    interleave(unsafe { to_bf16::<NATIVE>(first, second) })
}

/// Value `i` of the lower half beside value `i` of the upper.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn interleave(halves: __m512i) -> __m512i {
    _mm512_permutexvar_epi16(beside(16), halves)
}

/// Value `i` of one beside value `i` of the other: the lower halves, then the upper.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn interleave_two(first: __m512i, second: __m512i) -> [__m512i; 2] {
    let low = beside(32);
    let high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    [_mm512_permutex2var_epi16(first, low, second), _mm512_permutex2var_epi16(first, high, second)]
}

/// `0, distance, 1, distance + 1, ..`
#[inline]
#[target_feature(enable = "avx512f")]
fn beside(distance: u32) -> __m512i {
    // The pair of indices `i, i + distance` in a lane of 32 bits.
    let i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let pairs = _mm512_or_si512(i, _mm512_slli_epi32::<16>(i));
    _mm512_add_epi32(pairs, _mm512_set1_epi32((distance << 16).cast_signed()))
}

/// `start, start + 2, start + 4, ..`
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn every_other(start: i16) -> __m512i {
    let i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    // The indices `4 i` and `4 i + 2` in a lane of 32 bits.
    let pairs = _mm512_mullo_epi32(i, _mm512_set1_epi32(0x0004_0004));
    _mm512_add_epi16(_mm512_add_epi32(pairs, _mm512_set1_epi32(0x0002_0000)), _mm512_set1_epi16(start))
}

/// The nearest bf16 of each value, ties to even, in the upper half of its lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn rounded(values: __m512) -> __m512i {
    let bits = _mm512_castps_si512(values);
    let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
    let up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    // Rounding could carry a NaN into an ordinary number.
    let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
    _mm512_mask_or_epi32(up, is_nan, bits, _mm512_set1_epi32(0x0040_0000))
}

/// A 16 × 16 transpose of 32-bit values.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn transpose(r: [__m512i; 16]) -> [__m512i; 16] {
    // Pairs of rows, then quadruples, by interleaving inside 128-bit lanes ...
    let t: [__m512i; 16] = std::array::from_fn(|i| {
        let (a, b) = (r[i & !1], r[i | 1]);
        if i & 1 == 0 { _mm512_unpacklo_epi32(a, b) } else { _mm512_unpackhi_epi32(a, b) }
    });
    let q: [__m512i; 16] = std::array::from_fn(|i| {
        let (base, column) = (i & !3, i & 3);
        let (a, b) = (t[base + (column >> 1)], t[base + 2 + (column >> 1)]);
        if column & 1 == 0 { _mm512_unpacklo_epi64(a, b) } else { _mm512_unpackhi_epi64(a, b) }
    });
    // ... then the four lanes of four quadruples.
    let mut out = [_mm512_setzero_si512(); 16];
    for column in 0..4 {
        let [a, b, c, d] = [q[column], q[4 + column], q[8 + column], q[12 + column]];
        let ab_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b);
        let ab_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b);
        let cd_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d);
        let cd_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d);
        out[column] = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_even, cd_even);
        out[4 + column] = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_odd, cd_odd);
        out[8 + column] = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_even, cd_even);
        out[12 + column] = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_odd, cd_odd);
    }
    out
}
