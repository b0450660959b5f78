//! What a linear layer does with its sums before they are written.

use crate::{
    Isa,
    lanes::widest,
    matmul::blocked::{PANEL, Place},
    pointwise::Activation,
    shared::Shared,
};

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
    /// Fetches a place of the output while its sums are being computed: a write that misses the
    /// cache waits for the rest of its line.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "a hint of x86-64"))]
    pub(super) fn prepare(&self, place: &Place, out: &Shared<'_, f32>) {
        #[cfg(target_arch = "x86_64")]
        for row in place.rows.clone() {
            for column in place.columns.clone().step_by(16) {
                use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
                // SAFETY: a hint, which any address may be given to.
                unsafe { _mm_prefetch::<_MM_HINT_ET0>(out.at(row * self.n + column).cast()) }
            }
        }
    }

    /// Writes a block of sums (`[rows][64]`, f32 or i32 bits) to its place in the output.
    ///
    /// # Safety
    /// No one else touches that place.
    pub(super) unsafe fn block(
        &self,
        isa: Isa,
        place: &Place,
        sums: &[u32],
        row_scales: &[f32],
        out: &Shared<'_, f32>,
    ) {
        let finish = self;
        widest!(isa => finish_block(
            finish: &Finish<'_>,
            place: &Place,
            sums: &[u32],
            row_scales: &[f32],
            out: &Shared<'_, f32>,
        ));
    }
}

#[inline(always)]
fn finish_block(finish: &Finish<'_>, place: &Place, sums: &[u32], row_scales: &[f32], out: &Shared<'_, f32>) {
    let Epilogue { bias, activation, residual } = finish.epilogue;
    let columns = place.columns.clone();
    let bias = bias.map(|bias| &bias[columns.clone()]);
    let scales = finish.scales.map(|scales| &scales[columns.clone()]);
    for (index, (row, sums)) in place.rows.clone().zip(sums.chunks_exact(PANEL)).enumerate() {
        let at = row * finish.n + columns.start;
        // SAFETY: the place is this task's own, by the promise of `Finish::block`.
        let out = unsafe { out.range(at, columns.len()) };
        match scales {
            Some(scales) => {
                let row_scale = row_scales[index];
                for ((out, &sum), &scale) in out.iter_mut().zip(sums).zip(scales) {
                    *out = sum.cast_signed() as f32 * row_scale * scale;
                }
            }
            None => out.iter_mut().zip(sums).for_each(|(out, &sum)| *out = f32::from_bits(sum)),
        }
        if let Some(bias) = bias {
            out.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
        }
        // One loop for each function: a match inside the loop would keep it from becoming vectors.
        match activation {
            Some(Activation::Silu) => out.iter_mut().for_each(|x| *x = Activation::Silu.at(*x).0),
            Some(Activation::GeluTanh) => out.iter_mut().for_each(|x| *x = Activation::GeluTanh.at(*x).0),
            None => {}
        }
        if let Some(residual) = residual {
            let values = &residual.values[at..at + columns.len()];
            match residual.gate {
                Some(gate) => {
                    let group = row / (finish.rows / (gate.len() / finish.n));
                    let gate = &gate[group * finish.n..][columns.clone()];
                    for ((out, &x), &gate) in out.iter_mut().zip(values).zip(gate) {
                        *out = x + gate * *out;
                    }
                }
                None => out.iter_mut().zip(values).for_each(|(out, x)| *out += x),
            }
        }
    }
}
