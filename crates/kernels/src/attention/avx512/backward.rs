//! The gradients of attention: scores are made again, key block by key block.

use std::arch::x86_64::*;

use crate::threads::prelude::*;

use super::{
    Sizes,
    exp2::exp2,
    pack::{self, PANEL, interleave_two, to_bf16},
    tile::{Finish, Left, Right, Size, VECTOR, first_lanes, multiply},
};
use crate::{
    attention::{Attention, Saved},
    lanes::sum2,
    shared::{Buffer, Shared, with_buffers},
};

/// The most queries of a block.
const QUERIES: usize = 64;
/// Keys of a block, in whole panels.
const KEYS: usize = 128;
/// With fewer heads than this, keys are cut into parts whose shares of `dq` are added at the end.
/// A constant: bits must not depend on the number of threads.
const TASKS: usize = 32;
/// The fewest keys of such a part.
const KEYS_PER_PART: usize = 512;

pub(in super::super) fn backward(
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    dq: &mut [f32],
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let heads = shape.batch * shape.heads;
    if heads * shape.queries * shape.keys * shape.head_dim == 0 {
        return super::super::scalar::backward(shape, saved, d_out, dq, dk, dv);
    }
    let parts = TASKS.div_ceil(heads).min(shape.keys.div_ceil(KEYS_PER_PART));
    let blocks = shape.keys.div_ceil(KEYS);
    let width = shape.head_dim.next_multiple_of(VECTOR);
    let (dq, dk, dv) = (Shared::new(dq), Shared::new(dk), Shared::new(dv));
    let part = |head: usize, part: usize, share: &mut [f32]| {
        let first = part * blocks / parts * KEYS;
        let end = shape.keys.min((part + 1) * blocks / parts * KEYS);
        share.fill(0.0);
        // SAFETY: the path was chosen after detection; every task has its own head and keys.
        unsafe {
            keys_part(shape, saved, d_out, head, first..end, share, |of_values, token| {
                let gradient = if of_values { &dv } else { &dk };
                gradient.range(shape.token(shape.keys, head, token), shape.head_dim)
            });
        }
    };
    // A share of `dq` is [queries, width]; those of a head's parts lie one behind the other.
    let share = shape.queries * width;
    let finish = |head: usize, shares: &[f32]| {
        for token in 0..shape.queries {
            // SAFETY: every task has its own head.
            let dq = unsafe { dq.range(shape.token(shape.queries, head, token), shape.head_dim) };
            dq.fill(0.0);
            for part in shares.chunks_exact(share) {
                let row = &part[token * width..][..shape.head_dim];
                dq.iter_mut().zip(row).for_each(|(dq, share)| *dq += share * shape.scale());
            }
        }
    };
    if parts == 1 {
        (0..heads).into_par_iter().for_each(|head| {
            with_buffers(|[buffer]: &mut [Buffer; 1]| {
                let buffer = buffer.floats(share);
                part(head, 0, buffer);
                finish(head, buffer);
            });
        });
    } else {
        with_buffers(|[buffer]: &mut [Buffer; 1]| {
            let buffer = buffer.floats(heads * parts * share);
            buffer.par_chunks_mut(share).enumerate().for_each(|(task, share)| {
                part(task / parts, task % parts, share);
            });
            buffer.par_chunks(parts * share).enumerate().for_each(|(head, shares)| finish(head, shares));
        });
    }
}

/// The gradients of some keys of a head and their share of that by the queries, added to `dq`;
/// `out(of_values, token)` is where a row of `dv` or `dk` goes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn keys_part<'a>(
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    head: usize,
    range: std::ops::Range<usize>,
    dq: &mut [f32],
    out: impl Fn(bool, usize) -> &'a mut [f32],
) {
    let Sizes { pairs, width, .. } = Sizes::of(shape, shape.keys);
    let blocks = shape.queries.div_ceil(QUERIES);
    with_buffers(|[q, d_out_rows, q_pairs, d_out_pairs, state, keys, work]: &mut [Buffer; 7]| {
        let all = |x| shape.head(x, shape.queries, head);
        let (head_q, head_d) = (all(saved.q), all(d_out));
        let lse = &saved.lse[head * shape.queries..][..shape.queries];
        // Every block begins on a pair of its own, even behind an odd number of queries.
        let block_pairs = QUERIES / 2 * width;
        let queries = Queries {
            q: q.words(shape.queries * pairs),
            d_out: d_out_rows.words(shape.queries * pairs),
            q_pairs: q_pairs.words(blocks * block_pairs),
            d_out_pairs: d_out_pairs.words(blocks * block_pairs),
            slope: state.floats(shape.queries),
        };
        pack::rows(head_q, queries.q);
        pack::rows(head_d, queries.d_out);
        for block in 0..blocks {
            let (first, end) = (block * shape.queries / blocks, (block + 1) * shape.queries / blocks);
            pack::token_pairs(head_q.part(first, end), &mut queries.q_pairs[block * block_pairs..]);
            pack::token_pairs(head_d.part(first, end), &mut queries.d_out_pairs[block * block_pairs..]);
        }
        let head_out = all(saved.out);
        for (token, slope) in queries.slope.iter_mut().enumerate() {
            *slope = sum2(head_d.row(token), head_out.row(token), |d, o| d * o);
        }

        let panel = KEYS * pairs;
        let (k_columns, keys) = keys.words(2 * panel + KEYS / 2 * width).split_at_mut(panel);
        let (v_columns, k_pairs) = keys.split_at_mut(panel);
        let square = QUERIES * KEYS;
        let (sums, work) =
            work.floats(2 * KEYS * width + 2 * square + 3 * square / 2).split_at_mut(2 * KEYS * width);
        let (dk, dv) = sums.split_at_mut(KEYS * width);
        let (scores, work) = work.split_at_mut(square);
        let (d_weights, work) = work.split_at_mut(square);
        let work = words(work);
        let (weights, work) = work.split_at_mut(square / 2);
        let (d_scores, d_scores_rows) = work.split_at_mut(square / 2);

        for first in range.clone().step_by(KEYS) {
            let count = KEYS.min(range.end - first);
            let part = |x| shape.head(x, shape.keys, head).part(first, first + count);
            let panels = count.div_ceil(PANEL);
            pack::columns(part(saved.k), &mut k_columns[..panels * PANEL * pairs]);
            pack::columns(part(saved.v), &mut v_columns[..panels * PANEL * pairs]);
            pack::token_pairs(part(saved.k), k_pairs);
            dk.fill(0.0);
            dv.fill(0.0);
            for block in 0..blocks {
                let (start, end) = (block * shape.queries / blocks, (block + 1) * shape.queries / blocks);
                let rows = end - start;
                for panel in 0..panels {
                    let size = Size { rows, pairs, vectors: PANEL / VECTOR };
                    let product = |left: &[u32], right: &[u32], out: &mut [f32]| {
                        multiply(
                            Left { pairs: &left[start * pairs..], row: pairs, step: 1 },
                            Right { pairs: &right[panel * PANEL * pairs..], step: PANEL },
                            size,
                            &mut out[panel * PANEL..],
                            KEYS,
                            Finish::Set,
                        );
                    };
                    product(queries.q, k_columns, scores);
                    product(queries.d_out, v_columns, d_weights);
                }
                for row in (0..rows).step_by(2) {
                    // Behind an odd number of queries comes a row of no weight.
                    let second = (row + 1 < rows).then_some(start + row + 1);
                    let softmax = Softmax {
                        scale: shape.scale() * std::f32::consts::LOG2_E,
                        keys: [count, second.map_or(0, |_| count)],
                        lse: [lse[start + row], second.map_or(0.0, |row| lse[row])],
                        slope: [queries.slope[start + row], second.map_or(0.0, |row| queries.slope[row])],
                    };
                    softmax.pair_of_rows(
                        (&scores[row * KEYS..], &d_weights[row * KEYS..]),
                        &mut weights[row / 2 * KEYS..],
                        &mut d_scores[row / 2 * KEYS..],
                        &mut d_scores_rows[row / 2 * KEYS..],
                    );
                }
                let by_query = |left: &[u32], right: &[u32], out: &mut [f32]| {
                    multiply(
                        Left { pairs: left, row: 1, step: KEYS },
                        Right { pairs: &right[block * block_pairs..], step: width },
                        Size { rows: count, pairs: rows.div_ceil(2), vectors: width / VECTOR },
                        out,
                        width,
                        Finish::Add,
                    );
                };
                by_query(weights, queries.d_out_pairs, dv);
                by_query(d_scores, queries.q_pairs, dk);
                multiply(
                    Left { pairs: d_scores_rows, row: KEYS / 2, step: 1 },
                    Right { pairs: k_pairs, step: width },
                    Size { rows, pairs: count.div_ceil(2), vectors: width / VECTOR },
                    &mut dq[start * width..],
                    width,
                    Finish::Add,
                );
            }
            for token in 0..count {
                let at = token * width..token * width + shape.head_dim;
                out(true, first + token).copy_from_slice(&dv[at.clone()]);
                let dk = dk[at].iter().map(|d| d * shape.scale());
                out(false, first + token).iter_mut().zip(dk).for_each(|(out, d)| *out = d);
            }
        }
    });
}

/// A head's queries and the gradient of its result, packed for both sides of products.
struct Queries<'a> {
    q: &'a mut [u32],
    d_out: &'a mut [u32],
    q_pairs: &'a mut [u32],
    d_out_pairs: &'a mut [u32],
    /// `Σ d_out out`, by which the softmax's gradient is lowered.
    slope: &'a mut [f32],
}

/// What turns two rows of scores into weights.
struct Softmax {
    scale: f32,
    /// Keys of each row; what stands behind them is arbitrary.
    keys: [usize; 2],
    lse: [f32; 2],
    slope: [f32; 2],
}

impl Softmax {
    /// From two rows of scores and gradients by the weights (`KEYS` apart): the weights and the
    /// gradients by the scores as pairs of rows, and the latter also as pairs of keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
    fn pair_of_rows(
        &self,
        (scores, d_weights): (&[f32], &[f32]),
        weights: &mut [u32],
        d_scores: &mut [u32],
        d_scores_rows: &mut [u32],
    ) {
        let width = self.keys[0].next_multiple_of(2 * VECTOR);
        assert!(width <= KEYS && scores.len() >= 2 * KEYS && d_weights.len() >= 2 * KEYS);
        assert!(weights.len() >= KEYS && d_scores.len() >= KEYS && d_scores_rows.len() >= KEYS);
        let scale = _mm512_set1_ps(self.scale);
        let shift = self.lse.map(|lse| _mm512_set1_ps(lse * std::f32::consts::LOG2_E));
        let slope = self.slope.map(|slope| _mm512_set1_ps(slope));
        for key in (0..width).step_by(2 * VECTOR) {
            let (mut p, mut ds) = ([_mm512_setzero_si512(); 2], [_mm512_setzero_si512(); 2]);
            for row in 0..2 {
                let half = |half: usize| {
                    let at = key + half * VECTOR;
                    let mask = first_lanes(self.keys[row].saturating_sub(at));
                    // SAFETY: `at + 16 <= KEYS`, and both rows were asserted to be there.
                    let (score, d_weight) = unsafe {
                        (
                            _mm512_loadu_ps(scores.as_ptr().add(row * KEYS + at)),
                            _mm512_loadu_ps(d_weights.as_ptr().add(row * KEYS + at)),
                        )
                    };
                    let p = exp2(_mm512_fmsub_ps(score, scale, shift[row]));
                    let p = _mm512_maskz_mov_ps(mask, p);
                    (p, _mm512_maskz_mul_ps(mask, p, _mm512_sub_ps(d_weight, slope[row])))
                };
                let (low, high) = (half(0), half(1));
                (p[row], ds[row]) = (to_bf16(low.0, high.0), to_bf16(low.1, high.1));
            }
            // SAFETY: `key + 32 <= KEYS`, within the asserted lengths.
            unsafe {
                for (row, ds) in ds.iter().enumerate() {
                    let to = d_scores_rows.as_mut_ptr().add((row * KEYS + key) / 2);
                    _mm512_storeu_si512(to.cast(), *ds);
                }
                for (half, p) in interleave_two(p[0], p[1]).into_iter().enumerate() {
                    _mm512_storeu_si512(weights.as_mut_ptr().add(key + half * VECTOR).cast(), p);
                }
                for (half, ds) in interleave_two(ds[0], ds[1]).into_iter().enumerate() {
                    _mm512_storeu_si512(d_scores.as_mut_ptr().add(key + half * VECTOR).cast(), ds);
                }
            }
        }
    }
}

/// The bits of numbers.
fn words(values: &mut [f32]) -> &mut [u32] {
    // SAFETY: of the same size and alignment, and any bits are valid.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}
