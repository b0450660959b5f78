//! What a linear layer does with its sums before they are written.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::avx512_finish;
use super::tile::{PANEL, Place};
use crate::{isa::Level, lanes::widest, pointwise::Activation, shared::Shared};

/// `out = residual + gate ⊙ f(x Wᵀ + bias)`; every part may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to every row: `[n]`.
    pub bias: Option<&'a [f32]>,
    /// `f`.
    pub activation: Option<Activation>,
    /// What the layer's result is added to.
    pub residual: Option<Residual<'a>>,
}

/// The branch around a layer.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'a> {
    /// `[rows, n]`.
    pub values: &'a [f32],
    /// `[groups, n]`: one row of gates for each `rows / groups` successive rows. Without, 1.
    pub gate: Option<&'a [f32]>,
}

impl<'a> Epilogue<'a> {
    /// A bias alone.
    pub fn bias(bias: &'a [f32]) -> Self {
        Self { bias: Some(bias), ..Self::default() }
    }

    pub(super) fn check(&self, rows: usize, n: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() == n), "linear: bias is not [n = {n}]");
        if let Some(residual) = self.residual {
            assert_eq!(residual.values.len(), rows * n, "linear: residual is not [rows, n]");
            let groups = |gate: &[f32]| (gate.len() / n, gate.len() % n);
            let fits = |(groups, rest)| rest == 0 && groups > 0 && rows.is_multiple_of(groups);
            assert!(
                residual.gate.is_none_or(|gate| fits(groups(gate))),
                "linear: gate is not [groups, n = {n}] with groups that divide {rows} rows"
            );
        }
    }
}

/// The last step of a product: from sums to the output.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// For integer sums: the scale of each column.
    pub scales: Option<&'a [f32]>,
    pub epilogue: Epilogue<'a>,
    pub rows: usize,
    pub n: usize,
}

impl Finish<'_> {
    /// What is applied to the sums of a panel's columns.
    pub(super) fn affine(&self, columns: &Range<usize>) -> Affine {
        let of = |values: Option<&[f32]>| {
            values.map_or_else(Columns::default, |values| Columns::new(&values[columns.clone()]))
        };
        Affine { scales: of(self.scales), bias: of(self.epilogue.bias) }
    }

    /// Whether sums can go straight from the registers to the output: whole panels, if nothing but scales and a bias
    /// stands between the two.
    pub(super) fn is_affine(&self, columns: &Range<usize>) -> bool {
        let Epilogue { activation, residual, .. } = self.epilogue;
        columns.len() == PANEL && activation.is_none() && residual.is_none()
    }

    /// Asks for the memory that [`Self::tile`] will touch: what misses the cache is fetched while products are made.
    pub(super) fn fetch(&self, isa: Level, place: &Place, out: &Shared<'_, f32>) {
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            avx512_finish::fetch(self, place, out);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (isa, place, out);
    }

    /// Writes a tile of sums (`[rows][64]`, f32 or i32 bits) to its place in the output, and
    /// leaves arbitrary values behind.
    ///
    /// Activations on AVX-512 are within `1e-5` of their value, on the others within some roundings.
    ///
    /// # Safety
    /// No one else touches that place.
    pub(super) unsafe fn tile(
        &self,
        isa: Level,
        place: &Place,
        sums: &mut [u32],
        row_scales: &[f32],
        out: &Shared<'_, f32>,
    ) {
        let (finish, sums) = (self, sums.as_chunks_mut().0);
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx512() {
            // SAFETY: the level proves the instruction set; the place is this task's own, by the caller's promise.
            return unsafe { avx512_finish::tile(finish, place, sums, row_scales, out) };
        }
        widest!(isa => finish_tile(
            finish: &Finish<'_>,
            place: &Place,
            sums: &mut [[u32; PANEL]],
            row_scales: &[f32],
            out: &Shared<'_, f32>,
        ));
    }

    /// The gates of a row, at the columns of a panel.
    #[inline(always)]
    pub(super) fn gate(
        &self,
        residual: &Residual<'_>,
        row: usize,
        columns: &Range<usize>,
    ) -> Option<Columns> {
        residual.gate.map(|gate| {
            let group = row / (self.rows / (gate.len() / self.n));
            Columns::new(&gate[group * self.n..][columns.clone()])
        })
    }
}

/// `sum · row scale · scale + bias`, for the columns of a panel.
pub(super) struct Affine {
    pub scales: Columns,
    pub bias: Columns,
}

impl Affine {
    /// # Panics
    /// If the rows of 64 values at `place` do not lie in `out`.
    pub(super) fn direct<'a>(
        &'a self,
        place: &Place,
        stride: usize,
        row_scales: &'a [f32],
        out: &Shared<'_, f32>,
    ) -> Direct<'a> {
        out.at((place.rows.end - 1) * stride + place.columns.end);
        let out = out.at(place.rows.start * stride + place.columns.start);
        Direct { out, stride, row_scales, scales: &self.scales.0, bias: &self.bias.0 }
    }
}

/// Where the rows of a tile go straight from the registers, and what is applied on the way.
pub(super) struct Direct<'a> {
    pub out: *mut f32,
    /// From row to row.
    pub stride: usize,
    /// For integer sums, one for each row.
    pub row_scales: &'a [f32],
    /// For integer sums.
    pub scales: &'a [f32; PANEL],
    pub bias: &'a [f32; PANEL],
}

/// One pass for each step, over whole panels in the first-level cache: loops of a known length
/// without a condition inside become a few vector instructions.
#[inline(always)]
fn finish_tile(
    finish: &Finish<'_>,
    place: &Place,
    sums: &mut [[u32; PANEL]],
    row_scales: &[f32],
    out: &Shared<'_, f32>,
) {
    let Epilogue { bias, activation, residual } = finish.epilogue;
    let (start, width) = (place.columns.start, place.columns.len());
    let bias = bias.map(|bias| Columns::new(&bias[start..start + width]));
    match (finish.scales, bias) {
        (Some(scales), bias) => {
            let scales = Columns::new(&scales[start..start + width]);
            dequantize(sums, row_scales, &scales, &bias.unwrap_or_default());
        }
        (None, Some(bias)) => add_bias(sums, &bias),
        (None, None) => {}
    }
    match activation {
        Some(Activation::Silu) => map(sums, |x| Activation::Silu.at(x).0),
        Some(Activation::GeluTanh) => map(sums, |x| Activation::GeluTanh.at(x).0),
        None => {}
    }
    for (row, sums) in place.rows.clone().zip(sums) {
        let at = row * finish.n + start;
        if let Some(residual) = residual {
            let gate = finish.gate(&residual, row, &place.columns);
            add_residual(sums, &Columns::new(&residual.values[at..at + width]), gate.as_ref());
        }
        assert!(at + width <= out.len());
        // SAFETY: inside the output by the assertion, and the place is this task's own, by the promise of
        // `Finish::tile`; the sums are bits of f32, at least as many.
        unsafe { out.at(at).copy_from_nonoverlapping(sums.as_ptr().cast(), width) }
    }
}

/// Integer sums to numbers, and the bias.
#[inline(always)]
fn dequantize(sums: &mut [[u32; PANEL]], row_scales: &[f32], scales: &Columns, bias: &Columns) {
    for (sums, row_scale) in sums.iter_mut().zip(row_scales) {
        for ((sum, scale), bias) in sums.iter_mut().zip(&scales.0).zip(&bias.0) {
            *sum = (sum.cast_signed() as f32 * row_scale * scale + bias).to_bits();
        }
    }
}

#[inline(always)]
fn add_bias(sums: &mut [[u32; PANEL]], bias: &Columns) {
    for sums in sums {
        for (sum, bias) in sums.iter_mut().zip(&bias.0) {
            *sum = (f32::from_bits(*sum) + bias).to_bits();
        }
    }
}

#[inline(always)]
fn map(sums: &mut [[u32; PANEL]], f: impl Fn(f32) -> f32) {
    for sum in sums.as_flattened_mut() {
        *sum = f(f32::from_bits(*sum)).to_bits();
    }
}

#[inline(always)]
fn add_residual(sums: &mut [u32; PANEL], values: &Columns, gate: Option<&Columns>) {
    if let Some(gate) = gate {
        for (sum, gate) in sums.iter_mut().zip(&gate.0) {
            *sum = (f32::from_bits(*sum) * gate).to_bits();
        }
    }
    for (sum, value) in sums.iter_mut().zip(&values.0) {
        *sum = (f32::from_bits(*sum) + value).to_bits();
    }
}

/// The columns of a panel, zeros beyond the matrix.
#[repr(align(64))]
pub(super) struct Columns(pub [f32; PANEL]);

impl Columns {
    #[inline(always)]
    pub(super) fn new(values: &[f32]) -> Self {
        let mut columns = Self::default();
        match values.first_chunk() {
            Some(values) => columns.0 = *values,
            None => columns.0[..values.len()].copy_from_slice(values),
        }
        columns
    }
}

impl Default for Columns {
    #[inline(always)]
    fn default() -> Self {
        Self([0.0; PANEL])
    }
}
