//! Weights of linear layers, packed once for all their products.

use std::ops::Range;

use super::{
    bf16,
    blocked::Right,
    quantize,
    tile::{Format, PANEL, STRIP, strip_of},
};
use crate::{
    Stored,
    isa::Level,
    shared::{Buffer, Plain, Shared, cast, cast_mut, with_buffers, written},
    threads,
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
    /// If there are not as many values, or a size is 0.
    pub fn new<'a>(weight: impl Into<Stored<'a>>, n: usize, k: usize) -> Self {
        Self::new_on(Level::in_use(), weight, n, k)
    }

    pub(super) fn new_on<'a>(isa: Level, weight: impl Into<Stored<'a>>, n: usize, k: usize) -> Self {
        let weight = weight.into();
        check(weight, n, k);
        let panels = Panels::packed(n, Format::Bf16.depth(k), |columns, at, panel| {
            with_buffers(|[room]: &mut [Buffer; 1]| {
                let weight = weight.part(columns.start * k..columns.end * k);
                bf16::pack_strip(isa, weight.in_f32(isa, room), k, at, panel);
            });
        });
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
    /// If there are not as many values, a size is 0, or `k` exceeds 131,072.
    pub fn new<'a>(weight: impl Into<Stored<'a>>, n: usize, k: usize) -> Self {
        Self::new_on(Level::in_use(), weight, n, k)
    }

    pub(super) fn new_on<'a>(isa: Level, weight: impl Into<Stored<'a>>, n: usize, k: usize) -> Self {
        let weight = weight.into();
        check(weight, n, k);
        assert!(k <= MAX_K, "8-bit weights: k = {k} inputs, but their sums fit for {MAX_K} at most");
        let (depth, outputs) = (Format::Int8.depth(k), n.next_multiple_of(PANEL));
        let (mut scales, mut corrections) = (vec![0.0; outputs], vec![0u32; outputs]);
        let (to_scales, to_corrections) = (Shared::new(&mut scales), Shared::new(&mut corrections));
        let panels = Panels::packed(n, depth, |columns, at, panel| {
            // SAFETY: every strip has columns of its own.
            let (scales, corrections) = unsafe {
                let count = columns.len();
                (to_scales.range(columns.start, count), to_corrections.range(columns.start, count))
            };
            with_buffers(|[room, levels]: &mut [Buffer; 2]| {
                let levels = levels.words(columns.len() * depth);
                let rows = levels.chunks_exact_mut(depth).zip(columns).zip(scales);
                for ((levels, column), scale) in rows {
                    let weight = weight.part(column * k..(column + 1) * k);
                    *scale = quantize::row(isa, weight.in_f32(isa, room), 0, cast_mut(levels));
                }
                let mut sums = [0; STRIP];
                quantize::strip(isa, levels, depth, at, panel, &mut sums);
                let sums = corrections.iter_mut().zip(sums);
                sums.for_each(|(correction, sum)| *correction = (-128 * sum).cast_unsigned());
            });
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
    /// Panels of `depth` steps for `n` columns, packed on all threads: `pack(columns, at, panel)` puts up to 16 columns
    /// behind column `at` of a panel; without any, zeros.
    fn packed(n: usize, depth: usize, pack: impl Fn(Range<usize>, usize, &mut [u32]) + Sync) -> Self {
        let panels = n.div_ceil(PANEL);
        let write = |steps: Shared<'_, Step>| {
            threads::for_each(panels, |panel| {
                assert!((panel + 1) * depth <= steps.len());
                let start = steps.at(panel * depth);
                // SAFETY: inside by the assertion, and every panel is packed by one task; zeros are steps.
                let panel_steps = unsafe {
                    start.write_bytes(0, depth);
                    std::slice::from_raw_parts_mut(start, depth)
                };
                for at in (0..PANEL).step_by(STRIP) {
                    pack(strip_of(panel, at, n), at, cast_mut(panel_steps));
                }
            });
        };
        // SAFETY: the tasks write all panels, and read none before.
        Self(unsafe { written(panels * depth, write) })
    }

    fn words(&self) -> &[u32] {
        cast(&self.0)
    }
}

fn check(weight: Stored<'_>, n: usize, k: usize) {
    assert!(n > 0 && k > 0, "packed weights: [n = {n}, k = {k}] must be at least 1 by 1");
    assert_eq!(Some(weight.len()), n.checked_mul(k), "packed weights: not [n = {n}, k = {k}]");
}
