//! Which instruction set the kernels use, decided once.

use std::sync::OnceLock;

/// The instruction sets that have kernels of their own, from the least to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Any machine: the readable definitions, and loops in plain Rust.
    Portable,
    /// x86-64 with AVX2 and FMA (Intel Haswell and later, every AMD Zen): f32 and 16-bit integer products.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL, DQ and VNNI (Intel Cascade Lake, Ice Lake, Tiger Lake, Rocket
    /// Lake): f32 and 8-bit integer products.
    Avx512,
    /// The same with AVX-512 BF16 (AMD Zen 4 and later, Intel Cooper Lake, Sapphire Rapids and later): bf16 products
    /// too.
    Avx512Bf16,
    /// The same with AMX BF16 and INT8, on Linux (Intel Sapphire Rapids and later): matrix products of whole tiles.
    Amx,
}

impl Isa {
    const ALL: [Self; 5] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16, Self::Amx];

    /// What `KINORA_ISA` calls it: `portable`, `avx2`, `avx512`, `avx512bf16` or `amx`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Amx => "amx",
        }
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// All names.
    pub(crate) fn names() -> String {
        format!("one of {}", Self::ALL.map(Self::name).join(", "))
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        self <= best()
    }

    /// Every one that this machine has, from the least to the best.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }
}

/// The instruction set in use: the best that this machine has, or a lower one if `KINORA_ISA`
/// names it.
///
/// A level that the machine lacks leaves it at the best, and so does a name that is not known, which
/// [`check_settings`](crate::check_settings) refuses.
pub fn isa() -> Isa {
    Level::in_use().isa()
}

fn choose(name: Option<&str>, best: Isa) -> Isa {
    name.and_then(Isa::named).map_or(best, |isa| isa.min(best))
}

/// An instruction set that this machine has.
///
/// Kernels are dispatched by it. A value exists only for what was detected (see [`Level::of`]): it is the proof that
/// functions compiled for this instruction set may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512<false>),
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16(Avx512<true>),
    /// Where there are no tiles, as the one before it.
    #[cfg(target_arch = "x86_64")]
    Amx(Avx512<true>, Avx512<true, true>),
}

/// The proof that this machine has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// The proof that this machine has AVX-512 F, BW, VL, DQ and VNNI, and BF16 if `NATIVE`; and AMX BF16 and INT8, which this process may
/// use, if `TILES`.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512<const NATIVE: bool, const TILES: bool = false>(());

impl Level {
    /// That of [`isa`].
    #[inline]
    pub(crate) fn in_use() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let isa = choose(std::env::var("KINORA_ISA").ok().as_deref(), best());
            Self::of(isa).expect("no better one than the best is chosen")
        })
    }

    /// That of an instruction set, if this machine has it: the only place where levels are made.
    pub(crate) fn of(isa: Isa) -> Option<Self> {
        if !isa.is_available() {
            return None;
        }
        Some(match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self::Avx2(Avx2(())),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Self::Avx512(Avx512(())),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => Self::Avx512Bf16(Avx512(())),
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => Self::Amx(Avx512(()), Avx512(())),
            _ => Self::Portable,
        })
    }

    /// Every one that this machine has, from the least to the best.
    #[cfg(test)]
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        Isa::available().filter_map(Self::of)
    }

    #[inline]
    pub(crate) fn isa(self) -> Isa {
        match self {
            Self::Portable => Isa::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Isa::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Isa::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => Isa::Avx512Bf16,
            #[cfg(target_arch = "x86_64")]
            Self::Amx(..) => Isa::Amx,
        }
    }

    /// Whether it has the vectors of AVX-512, with or without products of bf16.
    #[inline]
    pub(crate) fn has_avx512(self) -> bool {
        self.isa() >= Isa::Avx512
    }
}

fn best() -> Isa {
    static BEST: OnceLock<Isa> = OnceLock::new();
    *BEST.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni");
    match (avx2, avx512) {
        (true, true) if is_x86_feature_detected!("avx512bf16") => {
            if has_amx() {
                Isa::Amx
            } else {
                Isa::Avx512Bf16
            }
        }
        (true, true) => Isa::Avx512,
        (true, false) => Isa::Avx2,
        (false, _) => Isa::Portable,
    }
}

/// Whether the machine has AMX TILE, BF16 and INT8, and Linux lets this process use tiles, which it has to be asked for (its
/// `Documentation/arch/x86/xstate.rst`).
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn has_amx() -> bool {
    const BF16_TILE_INT8: u32 = 1 << 22 | 1 << 24 | 1 << 25;
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    let leaves = std::arch::x86_64::__cpuid(0).eax;
    leaves >= 7
        && std::arch::x86_64::__cpuid_count(7, 0).edx & BF16_TILE_INT8 == BF16_TILE_INT8
        // SAFETY: it asks for a permission, and touches no memory.
        && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) } == 0
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn has_amx() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Portable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lowers_the_level_and_never_raises_it() {
        assert_eq!(choose(None, Isa::Avx512Bf16), Isa::Avx512Bf16);
        assert_eq!(choose(Some("avx2"), Isa::Avx512Bf16), Isa::Avx2);
        assert_eq!(choose(Some("portable"), Isa::Avx2), Isa::Portable);
        assert_eq!(choose(Some("avx512"), Isa::Avx512Bf16), Isa::Avx512);
        assert_eq!(choose(Some("avx512bf16"), Isa::Avx2), Isa::Avx2);
        assert_eq!(choose(Some("avx512bf16"), Isa::Amx), Isa::Avx512Bf16);
        assert_eq!(choose(Some("avx2"), Isa::Portable), Isa::Portable);
        assert_eq!(choose(Some("sse9"), Isa::Avx2), Isa::Avx2);
    }

    #[test]
    fn the_one_in_use_is_available() {
        assert!(isa().is_available() && Isa::available().next() == Some(Isa::Portable));
    }

    #[test]
    fn a_level_is_made_only_of_what_the_machine_has() {
        for isa in Isa::ALL {
            assert_eq!(Level::of(isa).map(Level::isa), isa.is_available().then_some(isa));
        }
        assert!(Level::available().map(Level::isa).eq(Isa::available()));
    }
}
