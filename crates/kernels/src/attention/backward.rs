//! The gradients of attention: scores are made again, key block by key block.

use super::{
    products::{Finish, Gradients, Left, PANEL, Products, Right, Size, Sizes, Softmax, VECTOR},
    scalar,
    shape::{Attention, Saved},
};
use crate::{
    lanes::sum2,
    shared::{Buffer, Shared, cast_mut, with_buffers},
    threads::prelude::*,
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

pub(super) fn backward<P: Products>(
    products: P,
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    dq: &mut [f32],
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let heads = shape.batch * shape.heads;
    if heads * shape.queries * shape.keys * shape.head_dim == 0 {
        return scalar::backward(shape, saved, d_out, dq, dk, dv);
    }
    let parts = TASKS.div_ceil(heads).min(shape.keys.div_ceil(KEYS_PER_PART));
    let blocks = shape.keys.div_ceil(KEYS);
    let width = shape.head_dim.next_multiple_of(VECTOR);
    let (dq, dk, dv) = (Shared::new(dq), Shared::new(dk), Shared::new(dv));
    let part = |head: usize, part: usize, share: &mut [f32]| {
        let first = part * blocks / parts * KEYS;
        let end = shape.keys.min((part + 1) * blocks / parts * KEYS);
        share.fill(0.0);
        // SAFETY: every task has its own head and keys.
        let out = |of_values, token| unsafe {
            let gradient = if of_values { &dv } else { &dk };
            gradient.range(shape.token(shape.keys, head, token), shape.head_dim)
        };
        keys_part(products, shape, (saved, d_out), head, first..end, share, out);
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
fn keys_part<'a, P: Products>(
    products: P,
    shape: &Attention,
    (saved, d_out): (Saved<'_>, &[f32]),
    head: usize,
    range: std::ops::Range<usize>,
    dq: &mut [f32],
    out: impl Fn(bool, usize) -> &'a mut [f32],
) {
    let Sizes { words, width, .. } = Sizes::of::<P>(shape, shape.keys);
    let blocks = shape.queries.div_ceil(QUERIES);
    with_buffers(|[q, d_out_rows, q_pairs, d_out_pairs, state, keys, work]: &mut [Buffer; 7]| {
        let all = |x| shape.head(x, shape.queries, head);
        let (head_q, head_d) = (all(saved.q), all(d_out));
        let lse = &saved.lse[head * shape.queries..][..shape.queries];
        // Every block begins on a pair of its own, even behind an odd number of queries.
        let block_pairs = QUERIES / P::DEPTH * width;
        let queries = Queries {
            q: q.words(shape.queries * words),
            d_out: d_out_rows.words(shape.queries * words),
            q_pairs: q_pairs.words(blocks * block_pairs),
            d_out_pairs: d_out_pairs.words(blocks * block_pairs),
            delta: state.floats(shape.queries),
        };
        products.pack_rows(head_q, queries.q);
        products.pack_rows(head_d, queries.d_out);
        for block in 0..blocks {
            let (first, end) = (block * shape.queries / blocks, (block + 1) * shape.queries / blocks);
            products.pack_tokens(head_q.part(first, end), &mut queries.q_pairs[block * block_pairs..]);
            products.pack_tokens(head_d.part(first, end), &mut queries.d_out_pairs[block * block_pairs..]);
        }
        let head_out = all(saved.out);
        for (token, delta) in queries.delta.iter_mut().enumerate() {
            *delta = sum2(head_d.row(token), head_out.row(token), |d, o| d * o);
        }

        let panel = KEYS * words;
        let (k_columns, keys) = keys.words(2 * panel + KEYS / P::DEPTH * width).split_at_mut(panel);
        let (v_columns, k_pairs) = keys.split_at_mut(panel);
        let square = QUERIES * KEYS;
        let (sums, work) =
            work.floats(2 * KEYS * width + 2 * square + 3 * square / P::DEPTH).split_at_mut(2 * KEYS * width);
        let (dk, dv) = sums.split_at_mut(KEYS * width);
        let (scores, work) = work.split_at_mut(square);
        let (d_weights, work) = work.split_at_mut(square);
        let work = cast_mut(work);
        let (weights, work) = work.split_at_mut(square / P::DEPTH);
        let (d_scores, d_scores_rows) = work.split_at_mut(square / P::DEPTH);

        for first in range.clone().step_by(KEYS) {
            let count = KEYS.min(range.end - first);
            let part = |x| shape.head(x, shape.keys, head).part(first, first + count);
            let panels = count.div_ceil(PANEL);
            products.pack_columns(part(saved.k), &mut k_columns[..panels * PANEL * words]);
            products.pack_columns(part(saved.v), &mut v_columns[..panels * PANEL * words]);
            products.pack_tokens(part(saved.k), k_pairs);
            dk.fill(0.0);
            dv.fill(0.0);
            for block in 0..blocks {
                let (start, end) = (block * shape.queries / blocks, (block + 1) * shape.queries / blocks);
                let rows = end - start;
                for panel in 0..panels {
                    let size = Size { rows, words, vectors: PANEL / VECTOR };
                    let product = |left: &[u32], right: &[u32], out: &mut [f32]| {
                        products.multiply(
                            Left { words: &left[start * words..], row: words, step: 1 },
                            Right { words: &right[panel * PANEL * words..], step: PANEL },
                            size,
                            &mut out[panel * PANEL..],
                            KEYS,
                            Finish::Set,
                        );
                    };
                    product(queries.q, k_columns, scores);
                    product(queries.d_out, v_columns, d_weights);
                }
                for row in (0..rows).step_by(P::DEPTH) {
                    // Behind an odd number of queries comes a row of no weight.
                    let second = (P::DEPTH > 1 && row + 1 < rows).then_some(start + row + 1);
                    let softmax = Softmax {
                        scale: shape.scale(),
                        keys: [count, second.map_or(0, |_| count)],
                        lse: [lse[start + row], second.map_or(0.0, |row| lse[row])],
                        delta: [queries.delta[start + row], second.map_or(0.0, |row| queries.delta[row])],
                    };
                    let at = row / P::DEPTH * KEYS;
                    let to = Gradients {
                        weights: &mut weights[at..],
                        d_scores: &mut d_scores[at..],
                        d_scores_rows: &mut d_scores_rows[at..],
                    };
                    products.softmax_backward(
                        &softmax,
                        KEYS,
                        (&scores[row * KEYS..], &d_weights[row * KEYS..]),
                        to,
                    );
                }
                let by_query = |left: &[u32], right: &[u32], out: &mut [f32]| {
                    products.multiply(
                        Left { words: left, row: 1, step: KEYS },
                        Right { words: &right[block * block_pairs..], step: width },
                        Size { rows: count, words: rows.div_ceil(P::DEPTH), vectors: width / VECTOR },
                        out,
                        width,
                        Finish::Add,
                    );
                };
                by_query(weights, queries.d_out_pairs, dv);
                by_query(d_scores, queries.q_pairs, dk);
                products.multiply(
                    Left { words: d_scores_rows, row: KEYS / P::DEPTH, step: 1 },
                    Right { words: k_pairs, step: width },
                    Size { rows, words: count.div_ceil(P::DEPTH), vectors: width / VECTOR },
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
    delta: &'a mut [f32],
}
