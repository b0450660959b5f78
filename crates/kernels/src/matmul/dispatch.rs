//! Which instruction set multiplies a tile.

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, epilogue::Direct, tile::PANEL};
use super::{
    portable,
    tile::{Format, Operands},
};
use crate::isa::Level;

impl Operands<'_> {
    /// The products and `sums`, finished and sent where `direct` says, in one go.
    ///
    /// # Safety
    /// No one else touches the rows that `direct` points at.
    ///
    /// # Panics
    /// If `isa` is not AVX-512, with or without BF16.
    #[cfg(target_arch = "x86_64")]
    pub(super) unsafe fn multiply_to(
        &self,
        isa: Level,
        format: Format,
        sums: &mut [u32],
        direct: &Direct<'_>,
    ) {
        self.check(sums);
        assert!(format == Format::Bf16 || direct.row_scales.len() == sums.len() / PANEL);
        // SAFETY: the caller's promise; the level proves the instruction set, and the sizes fit.
        unsafe {
            match (isa, format) {
                (Level::Avx512Bf16(_), Format::Bf16) => {
                    avx512::multiply::<false, true>(self, sums, Some(direct));
                }
                (Level::Avx512(_), Format::Bf16) => {
                    avx512::multiply::<false, false>(self, sums, Some(direct));
                }
                (Level::Avx512(_) | Level::Avx512Bf16(_), Format::Int8) => {
                    avx512::multiply::<true, false>(self, sums, Some(direct));
                }
                (Level::Avx2(_) | Level::Portable, _) => {
                    unreachable!("sums go straight out on AVX-512 alone")
                }
            }
        }
    }

    /// Adds the products to `sums`, `[rows][64]`.
    pub(super) fn multiply(&self, isa: Level, format: Format, sums: &mut [u32]) {
        self.check(sums);
        // SAFETY: the level proves the instruction set, and the sizes fit.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match (isa, format) {
                (Level::Avx512Bf16(_), Format::Bf16) => {
                    return avx512::multiply::<false, true>(self, sums, None);
                }
                (Level::Avx512(_), Format::Bf16) => {
                    return avx512::multiply::<false, false>(self, sums, None);
                }
                (Level::Avx512(_) | Level::Avx512Bf16(_), Format::Int8) => {
                    return avx512::multiply::<true, false>(self, sums, None);
                }
                (Level::Avx2(_), Format::Bf16) => return avx2::multiply_bf16(self, sums),
                (Level::Avx2(_), Format::Int8) => return avx2::multiply_int8(self, sums),
                (Level::Portable, _) => {}
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = isa;
        match format {
            Format::Bf16 => portable::multiply_bf16(self, sums),
            Format::Int8 => portable::multiply_int8(self, sums),
        }
    }
}
