//! Sixteen lanes in plain Rust: loops that the compiler turns into vectors of the machine's width.

/// Lanes of a partial sum: one AVX-512 vector of f32.
pub(crate) const LANES: usize = 16;

/// Compiles a function for each instruction set, and calls the one of the [`Level`](crate::isa::Level) before `=>`.
///
/// The body must be marked `#[inline(always)]`, so that it is compiled inside the wide versions.
macro_rules! widest {
    ($isa:expr => $($body:ident)::+($($arg:ident: $type:ty),* $(,)?)) => {{
        let isa: $crate::isa::Level = $isa;
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as many as the body has")]
            fn avx512($($arg: $type),*) {
                $($body)::+($($arg),*)
            }
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as many as the body has")]
            fn avx2($($arg: $type),*) {
                $($body)::+($($arg),*)
            }
            match isa {
                $crate::isa::Level::Avx512(_)
                | $crate::isa::Level::Avx512Bf16(_)
                | $crate::isa::Level::Amx(..) => {
                    // SAFETY: the level is the proof that the machine has these features.
                    unsafe { avx512($($arg),*) }
                }
                // SAFETY: as above.
                $crate::isa::Level::Avx2(_) => unsafe { avx2($($arg),*) },
                $crate::isa::Level::Portable => $($body)::+($($arg),*),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = isa;
            $($body)::+($($arg),*)
        }
    }};
}
pub(crate) use widest;

/// `Σ f(x, y)` over two slices of one length, in sixteen partial sums.
#[inline(always)]
pub(crate) fn sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(&x, &y)| f(x, y)).sum();
    for (x, y) in xs.zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane], y[lane]);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// `Σ f(x)` in sixteen partial sums.
#[inline(always)]
pub(crate) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum2(x, x, |x, _| f(x))
}

/// `eˣ` with a relative error of at most 2e-7 for `-87 ≤ x ≤ 88`; beyond, `x` is clamped.
///
/// `eˣ = 2ⁿ eʳ` with `n` the nearest integer to `x / ln 2` and `|r| ≤ ln 2 / 2`; `eʳ` by its Taylor
/// polynomial of degree 7. Without branches, so that loops over it become vectors.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the integer in the low bits
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let n = x * std::f32::consts::LOG2_E + ROUND;
    let bits = n.to_bits();
    let n = n - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut e = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        e = e * r + c;
    }
    // A NaN would lose itself in the integer arithmetic.
    if x.is_nan() { x } else { f32::from_bits(e.to_bits().wrapping_add(bits << 23)) }
}

/// Asks for the cache line `ahead` values further on, because it will be read soon.
///
/// The processor foresees this within a page of memory, but not the first lines of the next one.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "a hint of x86-64"))]
pub(crate) fn fetch(at: &f32, ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which any address may be given to.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).wrapping_add(ahead).cast()) }
    }
}

/// How far ahead to [`fetch`]: a page of f32.
pub(crate) const AHEAD: usize = 1024;

/// The bits of the nearest bf16, ties to even.
#[inline(always)]
pub(crate) fn bf16_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) | 0x40; // rounding could carry a NaN into an ordinary number
    }
    bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16
}

/// Deterministic values in -1..1 for tests.
#[cfg(test)]
pub(crate) fn test_values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_keeps_its_bound() {
        let worst = (-870_000..880_000)
            .map(|i| {
                let x = i as f32 / 10_000.0;
                let exact = f64::from(x).exp();
                ((f64::from(exp(x)) - exact) / exact).abs()
            })
            .fold(0.0, f64::max);
        assert!(worst <= 2e-7, "{worst:e}");
    }

    #[test]
    fn exp_is_clamped_beyond_its_range() {
        assert!(exp(-1e9) < 1e-37 && exp(1e9).is_finite());
    }

    #[test]
    fn exp_of_nan_is_nan() {
        for bits in [0x7fc0_0000, 0x7f80_0001, 0x7fff_ffff, 0xffc0_01ff] {
            assert!(exp(f32::from_bits(bits)).is_nan());
        }
    }
}
