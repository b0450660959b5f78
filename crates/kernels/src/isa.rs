//! Which instruction set the kernels use, decided once.

use std::sync::OnceLock;

/// The instruction sets that have kernels of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64 with AVX-512 F, BW, VL, DQ and BF16 (AMD Zen 4 and later, Intel Cooper Lake and later).
    Avx512Bf16,
    /// Any other machine: no bf16 products; callers use f32 ones.
    Portable,
}

/// The best instruction set that this machine has, unless `KINORA_ISA=portable` forbids it.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        let forced = std::env::var("KINORA_ISA").is_ok_and(|name| name == "portable");
        if !forced && has_avx512_bf16() { Isa::Avx512Bf16 } else { Isa::Portable }
    })
}

#[cfg(target_arch = "x86_64")]
fn has_avx512_bf16() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512_bf16() -> bool {
    false
}
