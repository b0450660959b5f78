//! Weights of linear layers, packed once for all their products.

use super::{
    bf16,
    blocked::Right,
    layout::Layout,
    quantize,
    tile::{Format, PANEL},
};
use crate::{
    isa::Level,
    shared::{Plain, cast, cast_mut},
    threads::prelude::*,
};

/// The weights of a linear layer in bf16: panels of 64 outputs, each `[k / 2][64][2]`.
#[derive(Clone)]
pub struct PackedBf16 {
    panels: Panels,
    n: usize,
    k: usize,
}

impl PackedBf16 {
    /// Packs `weight`, `[n, k]` row after row, as the weights of `x Wᵀ` are stored.
    ///
    /// # Panics
    /// If the slice has not that length, or a size is 0.
    pub fn new(weight: &[f32], n: usize, k: usize) -> Self {
        Self::new_on(Level::in_use(), weight, n, k)
    }

    pub(super) fn new_on(isa: Level, weight: &[f32], n: usize, k: usize) -> Self {
        check(weight, n, k);
        let depth = Format::Bf16.depth(k);
        let mut panels = Panels::zeros(n.div_ceil(PANEL) * depth);
        bf16::pack_panels(isa, (weight, Layout::Transposed), k, n, panels.words_mut());
        Self { panels, n, k }
    }

    /// Outputs of the layer.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Inputs of the layer.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Memory that the packed weights take.
    pub fn bytes(&self) -> usize {
        size_of_val(self.panels.words())
    }

    pub(super) fn right(&self) -> Right<'_> {
        Right { format: Format::Bf16, panels: self.panels.words(), n: self.n, k: self.k, starts: None }
    }
}

/// The weights of a linear layer in 8 bits, with one symmetric scale for each output: panels of
/// 64 outputs, each `[k / 4][64][4]`.
#[derive(Clone)]
pub struct PackedInt8 {
    panels: Panels,
    scales: Vec<f32>,
    /// `−128 Σ q` for each output: takes back the offset of unsigned activations.
    corrections: Vec<u32>,
    n: usize,
    k: usize,
}

/// Inputs that a layer may have at most: `2¹⁷ · 127²` is the last such sum below `2³¹`.
const MAX_K: usize = 1 << 17;

impl PackedInt8 {
    /// Quantises and packs `weight`, `[n, k]` row after row, as the weights of `x Wᵀ` are stored.
    ///
    /// An output whose weights hold a NaN or an infinity is NaN.
    ///
    /// # Panics
    /// If the slice has not that length, a size is 0, or `k` exceeds 131,072.
    pub fn new(weight: &[f32], n: usize, k: usize) -> Self {
        Self::new_on(Level::in_use(), weight, n, k)
    }

    pub(super) fn new_on(isa: Level, weight: &[f32], n: usize, k: usize) -> Self {
        check(weight, n, k);
        assert!(k <= MAX_K, "8-bit weights: k = {k} inputs, but their sums fit for {MAX_K} at most");
        let depth = Format::Int8.depth(k);
        let columns = n.next_multiple_of(PANEL);
        let mut panels = Panels::zeros(columns / PANEL * depth);
        let (mut scales, mut corrections) = (vec![0.0; columns], vec![0u32; columns]);
        let parts = panels.words_mut().par_chunks_mut(depth * PANEL).zip(scales.par_chunks_mut(PANEL));
        let parts = parts.zip(corrections.par_chunks_mut(PANEL)).zip(weight.par_chunks(PANEL * k));
        parts.for_each(|(((panel, scales), corrections), weight)| {
            let mut levels = vec![0; depth * 4];
            for (column, weight) in weight.chunks_exact(k).enumerate() {
                scales[column] = quantize::row(isa, weight, 0, &mut levels);
                let sum: i32 = levels.iter().map(|level| i32::from(level.cast_signed())).sum();
                corrections[column] = (-128 * sum).cast_unsigned();
                for (quad, levels) in levels.as_chunks().0.iter().enumerate() {
                    panel[quad * PANEL + column] = u32::from_ne_bytes(*levels);
                }
            }
        });
        Self { panels, scales, corrections, n, k }
    }

    /// Outputs of the layer.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Inputs of the layer.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Memory that the packed weights take.
    pub fn bytes(&self) -> usize {
        size_of_val(self.panels.words()) + size_of_val(&*self.scales) + size_of_val(&*self.corrections)
    }

    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub(super) fn right(&self) -> Right<'_> {
        let starts = Some(&*self.corrections);
        Right { format: Format::Int8, panels: self.panels.words(), n: self.n, k: self.k, starts }
    }
}

/// Packed panels, on whole cache lines.
#[derive(Clone)]
struct Panels(Vec<Step>);

/// One step of the depth of a panel.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Step([u32; PANEL]);

// SAFETY: 64 words fill four lines.
unsafe impl Plain for Step {}

impl Panels {
    fn zeros(steps: usize) -> Self {
        Self(vec![Step([0; PANEL]); steps])
    }

    fn words(&self) -> &[u32] {
        cast(&self.0)
    }

    fn words_mut(&mut self) -> &mut [u32] {
        cast_mut(&mut self.0)
    }
}

fn check(weight: &[f32], n: usize, k: usize) {
    assert!(n > 0 && k > 0, "packed weights: [n = {n}, k = {k}] must be at least 1 by 1");
    assert_eq!(Some(weight.len()), n.checked_mul(k), "packed weights: not [n = {n}, k = {k}]");
}
