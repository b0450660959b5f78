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
            Isa::Amx => {
                // SAFETY: the features were detected, and tiles are this process's to use.
                let bf16 = tiles::rate(4.0, |steps| unsafe { tiles::of_bf16(steps) });
                // SAFETY: as above.
                let int8 = tiles::rate(8.0, |steps| unsafe { tiles::of_bytes(steps) });
                return Some(Self { bf16, int8 });
            }
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
    operations_per_sum * avx512::SUMS as f64 * steps_per_second(1_000_000, run)
}

/// Of all threads together.
#[cfg(target_arch = "x86_64")]
fn steps_per_second(steps: usize, run: impl Fn(usize) + Sync + Send) -> f64 {
    let seconds = (0..12).map(|_| {
        let start = Instant::now();
        threads::for_each(threads::available(), |_| run(steps));
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    (steps * threads::available()) as f64 / best
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

/// Products of tiles of AMX: four tiles of sums of sixteen rows and columns, and a depth of sixteen words.
#[cfg(target_arch = "x86_64")]
mod tiles {
    use std::arch::asm;

    /// Of so many operations for each word of a row and a column.
    pub fn rate(operations_per_word: f64, run: impl Fn(usize) + Sync + Send) -> f64 {
        operations_per_word * (4 * 16 * 16 * 16) as f64 * super::steps_per_second(200_000, run)
    }

    macro_rules! products {
        ($name:ident, $instruction:literal) => {
            /// # Safety
            /// The machine has the instruction, and the process may use it.
            pub unsafe fn $name(steps: usize) {
                #[repr(align(64))]
                struct Shapes([u8; 64]);
                // Palette 1; six tiles of sixteen rows of 64 bytes.
                let mut shapes = Shapes([0; 64]);
                shapes.0[0] = 1;
                for tile in 0..6 {
                    (shapes.0[16 + 2 * tile], shapes.0[48 + tile]) = (64, 16);
                }
                // SAFETY: the caller's promise; nothing but tiles, which begin as zeros and are released, is touched.
                unsafe {
                    asm!(
                        "ldtilecfg [{shapes}]",
                        "2:",
                        concat!($instruction, " tmm0, tmm4, tmm5"),
                        concat!($instruction, " tmm1, tmm4, tmm5"),
                        concat!($instruction, " tmm2, tmm4, tmm5"),
                        concat!($instruction, " tmm3, tmm4, tmm5"),
                        "dec {steps}",
                        "jnz 2b",
                        "tilerelease",
                        shapes = in(reg) &raw const shapes,
                        steps = inout(reg) steps => _,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _,
                        options(nostack),
                    );
                }
            }
        };
    }
    products!(of_bf16, "tdpbf16ps");
    products!(of_bytes, "tdpbusd");
}
