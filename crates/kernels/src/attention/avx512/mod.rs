//! Attention on AVX-512 BF16.
//!
//! Scores are rows of queries times panels of 64 keys; the weights that the softmax makes of them
//! lie in order for the product with the values. Blocks are so small that scores, weights and sums
//! stay in the first-level cache while keys and values stream by.

mod backward;
mod exp2;
mod pack;
mod tile;

use std::arch::x86_64::*;

use crate::threads::prelude::*;

pub(super) use backward::backward;
use exp2::exp2;
use pack::{Head, PANEL, to_bf16};
use tile::{Finish, Left, Right, Size, VECTOR, multiply};

use super::Attention;
use crate::shared::{Buffer, Shared, with_buffers};

/// The most queries of a block.
const QUERIES: usize = 48;
/// Keys of a block, in whole panels.
const KEYS: usize = 256;
/// Blocks of queries that one task takes.
const BLOCKS_PER_TASK: usize = 4;

/// The sizes of a shape's packed forms.
#[derive(Clone, Copy)]
struct Sizes {
    /// Pairs of features, and features in whole vectors.
    pairs: usize,
    width: usize,
    /// Words of a head's keys and values.
    keys_len: usize,
    values_len: usize,
}

impl Sizes {
    fn of(shape: &Attention, keys: usize) -> Self {
        let (pairs, width) = (shape.head_dim.div_ceil(2), shape.head_dim.next_multiple_of(VECTOR));
        Self {
            pairs,
            width,
            keys_len: keys.div_ceil(PANEL) * PANEL * pairs,
            values_len: keys.div_ceil(2) * width,
        }
    }
}

impl Attention {
    /// The tokens of one head of one sample in `x`.
    fn head<'a>(&self, x: &'a [f32], tokens: usize, head: usize) -> Head<'a> {
        let stride = self.heads * self.head_dim;
        let start = head / self.heads * tokens * stride + head % self.heads * self.head_dim;
        Head::new(x, start, stride, self.head_dim, tokens)
    }

    /// Where token `token` of a head begins.
    fn token(&self, tokens: usize, head: usize, token: usize) -> usize {
        ((head / self.heads * tokens + token) * self.heads + head % self.heads) * self.head_dim
    }
}

pub(super) fn forward(shape: &Attention, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], lse: &mut [f32]) {
    let heads = shape.batch * shape.heads;
    let blocks = shape.queries.div_ceil(QUERIES);
    if heads * blocks == 0 || shape.head_dim == 0 {
        return super::scalar::attention(shape, q, k, v, out, lse);
    }
    let sizes = Sizes::of(shape, shape.keys);
    with_buffers(|[keys, values]: &mut [Buffer; 2]| {
        let keys = keys.words(heads * sizes.keys_len);
        let values = values.words(heads * sizes.values_len);
        let packed = (Shared::new(keys), Shared::new(values));
        let chunks = shape.keys.div_ceil(KEYS);
        (0..heads * chunks).into_par_iter().for_each(|task| {
            let (head, first) = (task / chunks, task % chunks * KEYS);
            let end = shape.keys.min(first + KEYS);
            let count = Sizes::of(shape, end - first);
            // SAFETY: every task packs its own keys; the path was chosen after detection.
            unsafe {
                let keys = packed.0.range(head * sizes.keys_len + first * sizes.pairs, count.keys_len);
                pack::columns(shape.head(k, shape.keys, head).part(first, end), keys);
                let at = head * sizes.values_len + first / 2 * sizes.width;
                let values = packed.1.range(at, count.values_len);
                pack::token_pairs(shape.head(v, shape.keys, head).part(first, end), values);
            }
        });

        let (out, lse) = (Shared::new(out), Shared::new(lse));
        let groups = blocks.div_ceil(BLOCKS_PER_TASK);
        (0..heads * groups).into_par_iter().for_each(|task| {
            let (head, group) = (task / groups, task % groups);
            let keys = &keys[head * sizes.keys_len..][..sizes.keys_len];
            let values = &values[head * sizes.values_len..][..sizes.values_len];
            for block in group * blocks / groups..(group + 1) * blocks / groups {
                let first = block * shape.queries / blocks;
                let queries =
                    shape.head(q, shape.queries, head).part(first, (block + 1) * shape.queries / blocks);
                // SAFETY: every task has its own queries; the path was chosen after detection.
                unsafe {
                    let lse = lse.range(head * shape.queries + first, queries.count);
                    query_block(shape, queries, (keys, values), lse, |row| {
                        out.range(shape.token(shape.queries, head, first + row), shape.head_dim)
                    });
                }
            }
        });
    });
}

/// All keys of a head for one block of queries; `out(row)` is where a row of the result goes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn query_block<'a>(
    shape: &Attention,
    queries: Head<'_>,
    (keys, values): (&[u32], &[u32]),
    lse: &mut [f32],
    out: impl Fn(usize) -> &'a mut [f32],
) {
    let Sizes { pairs, width, .. } = Sizes::of(shape, shape.keys);
    let count = queries.count;
    with_buffers(|[rows, scores, weights, sums, state]: &mut [Buffer; 5]| {
        let rows = rows.words(count * pairs);
        pack::rows(queries, rows);
        let scores = scores.floats(count * KEYS);
        let weights = weights.words(count * KEYS / 2);
        let sums = sums.floats(count * width);
        sums.fill(0.0);
        let (lanes, state) = state.floats(count * (2 * VECTOR + 2)).split_at_mut(count * VECTOR);
        let (totals, state) = state.split_at_mut(count * VECTOR);
        let (maxima, factors) = state.split_at_mut(count);
        lanes.fill(f32::NEG_INFINITY);
        totals.fill(0.0);
        maxima.fill(f32::NEG_INFINITY);

        for first in (0..shape.keys).step_by(KEYS) {
            let block = KEYS.min(shape.keys - first);
            for start in (0..block).step_by(PANEL) {
                multiply(
                    Left { pairs: rows, row: pairs, step: 1 },
                    Right { pairs: &keys[(first + start) * pairs..][..PANEL * pairs], step: PANEL },
                    Size { rows: count, pairs, vectors: PANEL / VECTOR },
                    &mut scores[start..],
                    KEYS,
                    Finish::Maxima { lanes, columns: block - start },
                );
            }
            for row in 0..count {
                let (scores, weights) = (&scores[row * KEYS..][..KEYS], &mut weights[row * KEYS / 2..]);
                let (lanes, totals) = (&lanes[row * VECTOR..], &mut totals[row * VECTOR..]);
                let width = block.next_multiple_of(2 * VECTOR);
                factors[row] = soften(
                    &scores[..width],
                    lanes,
                    shape.scale() * std::f32::consts::LOG2_E,
                    &mut maxima[row],
                    totals,
                    weights,
                );
            }
            multiply(
                Left { pairs: weights, row: KEYS / 2, step: 1 },
                Right { pairs: &values[first / 2 * width..], step: width },
                Size { rows: count, pairs: block.div_ceil(2), vectors: width / VECTOR },
                sums,
                width,
                Finish::Rescale(factors),
            );
        }

        for (row, lse) in lse.iter_mut().enumerate() {
            // SAFETY: sixteen values were just sliced.
            let total =
                unsafe { _mm512_reduce_add_ps(_mm512_loadu_ps(totals[row * VECTOR..][..VECTOR].as_ptr())) };
            let factor = 1.0 / total;
            let sums = &sums[row * width..][..shape.head_dim];
            out(row).iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * factor);
            *lse = maxima[row] * shape.scale() + total.ln();
        }
    });
}

/// Turns a row of scores into bf16 weights under the greatest score so far, adds them to the
/// row's lanes of totals, and gives the factor of what was summed under an earlier maximum.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn soften(
    scores: &[f32],
    lanes: &[f32],
    scale: f32,
    maximum: &mut f32,
    totals: &mut [f32],
    weights: &mut [u32],
) -> f32 {
    assert!(lanes.len() >= VECTOR && totals.len() >= VECTOR && weights.len() >= scores.len() / 2);
    // SAFETY: loads and stores lie in the asserted lengths.
    unsafe {
        let new = _mm512_reduce_max_ps(_mm512_loadu_ps(lanes.as_ptr()));
        let factor = exp2(_mm512_set1_ps((*maximum - new) * scale));
        *maximum = new;
        let (scale, shift) = (_mm512_set1_ps(scale), _mm512_set1_ps(new * scale));
        let mut total = _mm512_mul_ps(_mm512_loadu_ps(totals.as_ptr()), factor);
        let mut other = _mm512_setzero_ps();
        for (scores, weights) in scores.chunks_exact(2 * VECTOR).zip(weights.chunks_exact_mut(VECTOR)) {
            let first = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores.as_ptr()), scale, shift));
            let second = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores[VECTOR..].as_ptr()), scale, shift));
            total = _mm512_add_ps(total, first);
            other = _mm512_add_ps(other, second);
            _mm512_storeu_si512(weights.as_mut_ptr().cast(), to_bf16(first, second));
        }
        _mm512_storeu_ps(totals.as_mut_ptr(), _mm512_add_ps(total, other));
        _mm512_cvtss_f32(factor)
    }
}
