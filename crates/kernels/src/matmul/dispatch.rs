//! Which instruction set multiplies a tile.

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, epilogue::Direct, tile::PANEL};
use super::{
    portable,
    tile::{AMX_TILE, Format, Operands, TILE},
};
#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::isa::{Isa, Level};

/// Whether sums can go straight from the registers to the output.
pub(super) fn straight(isa: Level) -> bool {
    matches!(isa.isa(), Isa::Avx512 | Isa::Avx512Bf16)
}

/// Rows that are multiplied and finished together.
pub(super) fn tile_rows(isa: Level) -> usize {
    if isa.isa() == Isa::Amx { AMX_TILE } else { TILE }
}

impl Operands<'_> {
    /// The products and `sums`, finished and sent where `direct` says, in one go.
    ///
    /// # Safety
    /// No one else touches the rows that `direct` points at.
    ///
    /// # Panics
    /// If [`straight`] does not say so.
    #[cfg(target_arch = "x86_64")]
    pub(super) unsafe fn multiply_to(
        &self,
        isa: Level,
        format: Format,
        sums: &mut [u32],
        direct: &Direct<'_>,
    ) {
        self.check(sums, tile_rows(isa));
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
                (Level::Amx(..) | Level::Avx2(_) | Level::Portable, _) => {
                    unreachable!("sums go straight out of the registers of AVX-512 alone")
                }
            }
        }
    }

    /// Adds the products to `sums`, `[rows][64]`.
    pub(super) fn multiply(&self, isa: Level, format: Format, sums: &mut [u32]) {
        self.check(sums, tile_rows(isa));
        // SAFETY: the level proves the instruction set, and the sizes fit.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match (isa, format) {
                (Level::Amx(..), Format::Bf16) => return self.multiply_tiles::<false>(sums),
                (Level::Amx(..), Format::Int8) => return self.multiply_tiles::<true>(sums),
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

    /// # Safety
    /// The machine has AMX, and the sizes fit.
    #[cfg(target_arch = "x86_64")]
    unsafe fn multiply_tiles<const INT8: bool>(&self, sums: &mut [u32]) {
        let to = sums.as_mut_ptr();
        let product = amx::Product {
            rows: sums.len() / PANEL,
            words: self.steps.len(),
            left: (self.rows[self.steps.start..].as_ptr(), self.stride),
            right: (self.panel.as_ptr(), PANEL),
            from: self.starts.map_or((to.cast_const(), PANEL), |starts| (starts.as_ptr(), 0)),
            to: (to, PANEL),
        };
        // SAFETY: the caller's promise.
        unsafe { amx::multiply::<INT8>(product, PANEL / amx::SIDE) }
    }
}
