//! What the machine could do at most: products that never leave the registers, on all threads.

use std::time::Instant;

use kernels::threads;

/// The greatest rate seen in several short runs, in operations (two for each product) a second.
pub struct Peak {
    /// bf16 products with f32 sums; without instructions for them, products of f32, which they are made of then.
    pub bf16: f64,
    /// 8-bit products with 32-bit sums.
    pub int8: f64,
}

impl Peak {
    /// Measures for about a fifth of a second. `None` where there are no such instructions.
    #[cfg(target_arch = "x86_64")]
    pub fn measure() -> Option<Self> {
        use kernels::Isa;
        let bf16 = match kernels::isa() {
            // SAFETY: the features were detected.
            Isa::Avx512Bf16 => rate(64.0, |steps| unsafe { avx512::of_bf16(steps) }),
            // SAFETY: the features were detected.
            Isa::Avx512 => rate(32.0, |steps| unsafe { avx512::of_f32(steps) }),
            Isa::Avx2 | Isa::Portable => return None,
        };
        // SAFETY: the features were detected.
        Some(Self { bf16, int8: rate(128.0, |steps| unsafe { avx512::of_bytes(steps) }) })
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

    macro_rules! products {
        ($name:ident, $instruction:literal) => {
            /// The machine has the instruction.
            #[target_feature(enable = "avx512f")]
            pub fn $name(steps: usize) {
                let a = _mm512_set1_epi32(black_box(0x0101_0101));
                let mut sums = [_mm512_setzero_si512(); SUMS];
                for _ in 0..steps {
                    for sum in &mut sums {
                        // SAFETY: one instruction on registers alone, written out so that none is optimised away.
                        unsafe {
                            asm!(concat!($instruction, " {0}, {1}, {1}"), inout(zmm_reg) *sum, in(zmm_reg) a,
                                options(pure, nomem, nostack));
                        }
                    }
                }
                black_box(sums);
            }
        };
    }
    products!(of_bf16, "vdpbf16ps");
    products!(of_f32, "vfmadd231ps");
    products!(of_bytes, "vpdpbusd");
}
