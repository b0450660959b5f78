//! What the machine could do at most: products that never leave the registers, on all threads.

use std::time::Instant;

use kernels::threads;

/// The greatest rate seen in several short runs, in operations (two for each product) a second.
pub struct Peak {
    /// bf16 products with f32 sums.
    pub bf16: f64,
    /// 8-bit products with 32-bit sums.
    pub int8: f64,
}

impl Peak {
    /// Measures for about a fifth of a second. `None` where there are no such instructions.
    #[cfg(target_arch = "x86_64")]
    pub fn measure() -> Option<Self> {
        (kernels::isa() == kernels::Isa::Avx512Bf16).then(|| Self {
            // SAFETY: the features were detected.
            bf16: rate(64.0, |steps| unsafe { avx512::products::<false>(steps) }),
            // SAFETY: the features were detected.
            int8: rate(128.0, |steps| unsafe { avx512::products::<true>(steps) }),
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn measure() -> Option<Self> {
        None
    }
}

#[cfg(target_arch = "x86_64")]
fn rate(operations_per_sum: f64, run: impl Fn(usize) + Sync + Send) -> f64 {
    const STEPS: usize = 1_000_000;
    let seconds = (0..12).map(|_| {
        let start = Instant::now();
        threads::for_each(threads::available(), |_| run(STEPS));
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    operations_per_sum * (avx512::SUMS * STEPS * threads::available()) as f64 / best
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::{
        arch::{asm, x86_64::*},
        hint::black_box,
    };

    /// Sums side by side: enough to hide the latency of each.
    pub const SUMS: usize = 24;

    #[target_feature(enable = "avx512f,avx512bf16,avx512vnni")]
    pub fn products<const INT8: bool>(steps: usize) {
        let a = _mm512_set1_epi32(black_box(0x0101_0101));
        let mut sums = [_mm512_setzero_si512(); SUMS];
        for _ in 0..steps {
            for sum in &mut sums {
                // SAFETY: one instruction on registers alone, written out so that none is optimised away.
                unsafe {
                    if INT8 {
                        asm!("vpdpbusd {0}, {1}, {1}", inout(zmm_reg) *sum, in(zmm_reg) a, options(pure, nomem, nostack));
                    } else {
                        asm!("vdpbf16ps {0}, {1}, {1}", inout(zmm_reg) *sum, in(zmm_reg) a, options(pure, nomem, nostack));
                    }
                }
            }
        }
        black_box(sums);
    }
}
