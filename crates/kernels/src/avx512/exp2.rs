//! `2ˣ` for values that are rounded to bf16 or to eight bits.

use std::arch::x86_64::*;

/// Minimax polynomial of `2ʳ` on `0 ≤ r < 1` by relative error, from the highest power.
const POLYNOMIAL: [f32; 5] = [0.013_534_168, 0.052_011_46, 0.241_442_75, 0.693_003_83, 1.000_002_6];

/// `2ˣ` with a relative error of at most 3e-6, a thousandth of a bf16's rounding; 0 for -∞.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(crate) fn exp2(x: __m512) -> __m512 {
    const FLOOR_EXACTLY: i32 = 0b1001;
    let r = _mm512_reduce_ps::<FLOOR_EXACTLY>(x);
    let mut power = _mm512_set1_ps(POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        power = _mm512_fmadd_ps(power, r, _mm512_set1_ps(*coefficient));
    }
    _mm512_scalef_ps(power, x) // times 2 to the floor of x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    /// The polynomial in plain Rust, which a machine without AVX-512 can hold against the bound.
    fn plain(values: [f32; 16]) -> [f32; 16] {
        values.map(|x| {
            let r = if x.is_infinite() { 0.0 } else { x - x.floor() };
            let power = POLYNOMIAL[1..].iter().fold(POLYNOMIAL[0], |power, c| power.mul_add(r, *c));
            (f64::from(power) * f64::from(x.floor()).exp2()) as f32
        })
    }

    fn vectors(values: [f32; 16]) -> [f32; 16] {
        assert!(Isa::Avx512.is_available());
        let mut out = [0.0; 16];
        // SAFETY: the instruction set is there; both arrays hold sixteen values.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), exp2(_mm512_loadu_ps(values.as_ptr()))) };
        out
    }

    fn keeps_its_bound_and_its_limits(of: impl Fn([f32; 16]) -> [f32; 16]) {
        let mut worst = 0.0f64;
        for start in -12_000..200 {
            let x: [f32; 16] = std::array::from_fn(|i| (start * 16 + i as i32) as f32 / 1600.0);
            for (x, y) in x.into_iter().zip(of(x)) {
                let exact = f64::from(x).exp2();
                worst = worst.max(((f64::from(y) - exact) / exact).abs());
            }
        }
        assert!(worst <= 3e-6, "{worst:e}");
        assert_eq!(of([f32::NEG_INFINITY; 16]), [0.0; 16]);
        assert_eq!(of([-1e30; 16]), [0.0; 16]);
        assert!(of([f32::NAN; 16])[0].is_nan());
    }

    #[test]
    fn the_polynomial_keeps_its_bound_and_its_limits() {
        keeps_its_bound_and_its_limits(plain);
        if Isa::Avx512.is_available() {
            keeps_its_bound_and_its_limits(vectors);
        }
    }
}
