//! Attention on the packed matrix products of `matmul`.

use rayon::prelude::*;

use super::{Attention, Saved};
use crate::{
    lanes::{exp, sum, sum2, widest},
    matmul::{
        Layout,
        avx512::{PANEL, Target, rows_by_panel},
        pack,
    },
    shared::Shared,
};

/// Queries of a block: sixteen row tiles.
const QUERIES: usize = 96;
/// Keys of a block: its scores (96 KiB) stay in the second-level cache.
const KEYS: usize = 256;

/// A matrix packed as the right side of a product.
struct Panels {
    packed: Vec<u32>,
    pairs: usize,
    columns: usize,
}

impl Panels {
    /// Packs `[k, n]` (or its transpose).
    fn new(matrix: &[f32], layout: Layout, k: usize, n: usize) -> Self {
        let pairs = k.div_ceil(2);
        let mut packed = vec![0; n.div_ceil(PANEL) * pairs * PANEL];
        for (panel, packed) in packed.chunks_exact_mut(pairs * PANEL).enumerate() {
            pack::panel((matrix, layout), k, n, panel * PANEL, packed);
        }
        Self { packed, pairs, columns: n }
    }
}

/// The left side of a product, packed again and again into one buffer.
#[derive(Default)]
struct Rows {
    packed: Vec<u32>,
    count: usize,
    pairs: usize,
}

impl Rows {
    /// Packs `[m, k]` (or its transpose).
    fn pack(&mut self, matrix: &[f32], layout: Layout, m: usize, k: usize) -> &Self {
        (self.count, self.pairs) = (m, k.div_ceil(2));
        self.packed.resize(m * self.pairs, 0);
        pack::rows((matrix, layout), m, k, 0..m, &mut self.packed);
        self
    }

    /// `c = self · panels`, or `c +=` with `accumulate`.
    fn times(&self, panels: &Panels, c: &mut [f32], accumulate: bool) {
        assert!(self.pairs == panels.pairs && c.len() == self.count * panels.columns);
        for (index, panel) in panels.packed.chunks_exact(panels.pairs * PANEL).enumerate() {
            let target = Target {
                c: c[index * PANEL..].as_mut_ptr(),
                stride: panels.columns,
                rows: self.count,
                width: PANEL.min(panels.columns - index * PANEL),
            };
            // SAFETY: this module runs after detection; `c` holds `count` rows of `columns`.
            unsafe { rows_by_panel(&self.packed, self.pairs, panel, target, None, accumulate) }
        }
    }
}

/// Copies one head of `count` tokens from `first` on to `[count, head_dim]`, times `scale`.
fn gather(x: &[f32], shape: &Attention, tokens: usize, place: Place, scale: f32) -> Vec<f32> {
    let dim = shape.head_dim;
    let mut out = Vec::with_capacity(place.count * dim);
    for token in place.first..place.first + place.count {
        let at = ((place.sample * tokens + token) * shape.heads + place.head) * dim;
        out.extend(x[at..at + dim].iter().map(|x| x * scale));
    }
    out
}

/// Writes `[count, head_dim]` back to its head.
fn scatter(x: &[f32], shape: &Attention, tokens: usize, place: Place, out: &Shared<'_, f32>) {
    let dim = shape.head_dim;
    for (token, row) in x.chunks_exact(dim).enumerate() {
        let at = ((place.sample * tokens + place.first + token) * shape.heads + place.head) * dim;
        // SAFETY: every task writes the tokens and heads of its own place.
        unsafe { out.range(at, dim) }.copy_from_slice(row);
    }
}

#[derive(Clone, Copy)]
struct Place {
    sample: usize,
    head: usize,
    first: usize,
    count: usize,
}

/// The keys of a block, packed for the scores, and its values for the sum.
struct KeyBlock {
    keys: Panels,
    values: Panels,
}

pub(super) fn forward(shape: &Attention, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], lse: &mut [f32]) {
    let dim = shape.head_dim;
    let heads = shape.batch * shape.heads;
    let key_blocks: Vec<Vec<KeyBlock>> = (0..heads)
        .into_par_iter()
        .map(|index| {
            (0..shape.keys)
                .step_by(KEYS)
                .map(|first| {
                    let count = KEYS.min(shape.keys - first);
                    let place =
                        Place { sample: index / shape.heads, head: index % shape.heads, first, count };
                    let keys = gather(k, shape, shape.keys, place, 1.0);
                    let values = gather(v, shape, shape.keys, place, 1.0);
                    KeyBlock {
                        keys: Panels::new(&keys, Layout::Transposed, dim, count),
                        values: Panels::new(&values, Layout::Plain, count, dim),
                    }
                })
                .collect()
        })
        .collect();

    let query_blocks = shape.queries.div_ceil(QUERIES);
    let (out, lse) = (Shared::new(out), Shared::new(lse));
    (0..heads * query_blocks).into_par_iter().for_each(|task| {
        let (index, first) = (task / query_blocks, task % query_blocks * QUERIES);
        let count = QUERIES.min(shape.queries - first);
        let place = Place { sample: index / shape.heads, head: index % shape.heads, first, count };
        let q = gather(q, shape, shape.queries, place, shape.scale());
        let (mut rows, mut weights) = (Rows::default(), Rows::default());
        rows.pack(&q, Layout::Plain, count, dim);

        let mut sums = vec![0.0f32; count * dim];
        let (mut maxima, mut totals) = (vec![f32::NEG_INFINITY; count], vec![0.0f32; count]);
        for block in &key_blocks[index] {
            let keys = block.keys.columns;
            let mut scores = vec![0.0f32; count * keys];
            rows.times(&block.keys, &mut scores, false);
            for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
                let (max, total) = (&mut maxima[row], &mut totals[row]);
                let sums = &mut sums[row * dim..][..dim];
                widest!(online_softmax(scores: &mut [f32], max: &mut f32, total: &mut f32, sums: &mut [f32]));
            }
            weights.pack(&scores, Layout::Plain, count, keys).times(&block.values, &mut sums, true);
        }
        // SAFETY: every task has its own queries.
        let lse = unsafe { lse.range(index * shape.queries + first, count) };
        for (row, sums) in sums.chunks_exact_mut(dim).enumerate() {
            sums.iter_mut().for_each(|sum| *sum /= totals[row]);
            lse[row] = maxima[row] + totals[row].ln();
        }
        scatter(&sums, shape, shape.queries, place, &out);
    });
}

/// Turns a row of scores into weights under the greatest score so far, and rescales what was
/// summed under an earlier one.
#[inline(always)]
fn online_softmax(scores: &mut [f32], max: &mut f32, total: &mut f32, sums: &mut [f32]) {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let chunks = scores.chunks_exact(16);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *lane = if *score > *lane { *score } else { *lane };
        }
    }
    let new = lanes.iter().copied().fold(rest.max(*max), f32::max);
    let rescale = if *max == f32::NEG_INFINITY { 0.0 } else { exp(*max - new) };
    scores.iter_mut().for_each(|score| *score = exp(*score - new));
    *total = *total * rescale + sum(scores, |p| p);
    sums.iter_mut().for_each(|sum| *sum *= rescale);
    *max = new;
}

pub(super) fn backward(
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    dq: &mut [f32],
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let dim = shape.head_dim;
    let (dq, dk, dv) = (Shared::new(dq), Shared::new(dk), Shared::new(dv));
    (0..shape.batch * shape.heads).into_par_iter().for_each(|index| {
        let (sample, head) = (index / shape.heads, index % shape.heads);
        let whole = Place { sample, head, first: 0, count: shape.queries };
        let mut d_queries = vec![0.0f32; shape.queries * dim];
        // For each block of queries: `q` and `d_out` as left and right sides, and `Σ d_out out`.
        let blocks: Vec<QueryBlock> = (0..shape.queries)
            .step_by(QUERIES)
            .map(|first| {
                let place = Place { first, count: QUERIES.min(shape.queries - first), ..whole };
                QueryBlock::new(shape, saved, d_out, place)
            })
            .collect();
        let (mut weights, mut slopes) = (Rows::default(), Rows::default());
        for first in (0..shape.keys).step_by(KEYS) {
            let keys = KEYS.min(shape.keys - first);
            let place = Place { first, count: keys, ..whole };
            let k = gather(saved.k, shape, shape.keys, place, 1.0);
            let v = gather(saved.v, shape, shape.keys, place, 1.0);
            let k_columns = Panels::new(&k, Layout::Transposed, dim, keys);
            let v_columns = Panels::new(&v, Layout::Transposed, dim, keys);
            let k_rows = Panels::new(&k, Layout::Plain, keys, dim);
            let (mut dk_block, mut dv_block) = (vec![0.0f32; keys * dim], vec![0.0f32; keys * dim]);
            for block in &blocks {
                let count = block.place.count;
                let mut p = vec![0.0f32; count * keys];
                let mut ds = vec![0.0f32; count * keys];
                block.q.times(&k_columns, &mut p, false);
                block.d_out.times(&v_columns, &mut ds, false);
                for (row, (p, ds)) in p.chunks_exact_mut(keys).zip(ds.chunks_exact_mut(keys)).enumerate() {
                    let (lse, delta) = (block.lse[row], block.delta[row]);
                    widest!(softmax_backward(p: &mut [f32], ds: &mut [f32], lse: f32, delta: f32));
                }
                weights.pack(&p, Layout::Transposed, keys, count);
                weights.times(&block.d_out_panels, &mut dv_block, true);
                slopes.pack(&ds, Layout::Transposed, keys, count);
                slopes.times(&block.q_panels, &mut dk_block, true);
                let dq_block = &mut d_queries[block.place.first * dim..][..count * dim];
                slopes.pack(&ds, Layout::Plain, count, keys).times(&k_rows, dq_block, true);
            }
            scatter(&dk_block, shape, shape.keys, place, &dk);
            scatter(&dv_block, shape, shape.keys, place, &dv);
        }
        d_queries.iter_mut().for_each(|d| *d *= shape.scale());
        scatter(&d_queries, shape, shape.queries, whole, &dq);
    });
}

struct QueryBlock {
    place: Place,
    q: Rows,
    q_panels: Panels,
    d_out: Rows,
    d_out_panels: Panels,
    delta: Vec<f32>,
    lse: Vec<f32>,
}

impl QueryBlock {
    fn new(shape: &Attention, saved: Saved<'_>, d_out: &[f32], place: Place) -> Self {
        let (dim, count) = (shape.head_dim, place.count);
        let q = gather(saved.q, shape, shape.queries, place, shape.scale());
        let out = gather(saved.out, shape, shape.queries, place, 1.0);
        let d_out = gather(d_out, shape, shape.queries, place, 1.0);
        let rows = d_out.chunks_exact(dim).zip(out.chunks_exact(dim));
        let (mut q_rows, mut d_out_rows) = (Rows::default(), Rows::default());
        q_rows.pack(&q, Layout::Plain, count, dim);
        d_out_rows.pack(&d_out, Layout::Plain, count, dim);
        let lse_at = (place.sample * shape.heads + place.head) * shape.queries + place.first;
        Self {
            place,
            delta: rows.map(|(d, o)| sum2(d, o, |d, o| d * o)).collect(),
            lse: saved.lse[lse_at..lse_at + count].to_vec(),
            q: q_rows,
            q_panels: Panels::new(&q, Layout::Plain, count, dim),
            d_out: d_out_rows,
            d_out_panels: Panels::new(&d_out, Layout::Plain, count, dim),
        }
    }
}

/// Scores to weights, and the gradient by the weights (in `ds`) to that by the scores.
#[inline(always)]
fn softmax_backward(p: &mut [f32], ds: &mut [f32], lse: f32, delta: f32) {
    for (p, ds) in p.iter_mut().zip(ds) {
        *p = exp(*p - lse);
        *ds = *p * (*ds - delta);
    }
}
