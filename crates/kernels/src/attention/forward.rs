//! The forward pass, block by block.
//!
//! Scores are rows of queries times panels of 64 keys; the weights that the softmax makes of them
//! lie in order for the product with the values. Blocks are so small that scores, weights and sums
//! stay in the second-level cache while keys and values stream by, and so large that what is done once for a block of
//! keys, as rescaling the sums, is little beside the products.

use super::{
    products::{Finish, Head, Left, PANEL, Products, Right, RowBias, Size, Sizes, VECTOR},
    scalar,
    shape::{Attention, Bias, Inputs},
};
use crate::{
    shared::{Buffer, Shared, with_buffers},
    threads::prelude::*,
};

/// The most queries of a block.
const QUERIES: usize = 48;
/// Keys of a block, in whole panels.
const KEYS: usize = 512;
/// Blocks of queries that one task takes.
const BLOCKS_PER_TASK: usize = 4;

pub(super) fn forward<P: Products>(
    products: P,
    shape: &Attention,
    inputs: Inputs<'_>,
    out: Shared<'_, f32>,
    lse: &mut [f32],
) {
    if shape.lse_len() == 0 || shape.head_dim == 0 {
        return scalar::attention(shape, inputs, &mut [], lse);
    }
    let Inputs { q, k, v, bias } = inputs;
    let [keys_len, values_len] = packed_len::<P>(shape);
    with_buffers(|[keys, values]: &mut [Buffer; 2]| {
        let (keys, values) = (keys.words(keys_len), values.words(values_len));
        pack(products, shape, (k, v), keys, values);
        attend(products, shape, q, (keys, values), bias, out, lse);
    });
}

/// Words of the packed keys and of the packed values of all heads.
pub(super) fn packed_len<P: Products>(shape: &Attention) -> [usize; 2] {
    let sizes = Sizes::of::<P>(shape, shape.keys);
    [sizes.keys_len, sizes.values_len].map(|len| shape.batch * shape.heads * len)
}

/// Brings keys and values into the order that the products read, head by head.
pub(super) fn pack<P: Products>(
    products: P,
    shape: &Attention,
    (k, v): (&[f32], &[f32]),
    keys: &mut [u32],
    values: &mut [u32],
) {
    let sizes = Sizes::of::<P>(shape, shape.keys);
    let packed = (Shared::new(keys), Shared::new(values));
    let chunks = shape.keys.div_ceil(KEYS);
    (0..shape.batch * shape.heads * chunks).into_par_iter().for_each(|task| {
        let (head, first) = (task / chunks, task % chunks * KEYS);
        let end = shape.keys.min(first + KEYS);
        let count = Sizes::of::<P>(shape, end - first);
        // SAFETY: every task packs its own keys.
        unsafe {
            let keys = packed.0.range(head * sizes.keys_len + first * sizes.words, count.keys_len);
            products.pack_columns(shape.head(k, shape.keys, head).part(first, end), keys);
            let at = head * sizes.values_len + first / P::DEPTH * sizes.width;
            let values = packed.1.range(at, count.values_len);
            products.pack_tokens(shape.head(v, shape.keys, head).part(first, end), values);
        }
    });
}

/// All queries over packed keys and values.
pub(super) fn attend<P: Products>(
    products: P,
    shape: &Attention,
    q: &[f32],
    (keys, values): (&[u32], &[u32]),
    bias: Option<Bias<'_>>,
    out: Shared<'_, f32>,
    lse: &mut [f32],
) {
    let sizes = Sizes::of::<P>(shape, shape.keys);
    let blocks = shape.queries.div_ceil(QUERIES);
    let groups = blocks.div_ceil(BLOCKS_PER_TASK);
    let lse = Shared::new(lse);
    (0..shape.batch * shape.heads * groups).into_par_iter().for_each(|task| {
        let (head, group) = (task / groups, task % groups);
        let keys = &keys[head * sizes.keys_len..][..sizes.keys_len];
        let values = &values[head * sizes.values_len..][..sizes.values_len];
        for block in group * blocks / groups..(group + 1) * blocks / groups {
            let first = block * shape.queries / blocks;
            let queries =
                shape.head(q, shape.queries, head).part(first, (block + 1) * shape.queries / blocks);
            // SAFETY: every task has its own queries.
            let lse = unsafe { lse.range(head * shape.queries + first, queries.count) };
            let bias = bias.map(|bias| BlockBias { bias, head, first });
            query_block(products, shape, queries, (keys, values), bias, lse, |row, values| {
                let at = shape.token(shape.queries, head, first + row);
                assert!(at + values.len() <= out.len());
                // SAFETY: inside by the assertion, and this task's own.
                unsafe { out.at(at).copy_from_nonoverlapping(values.as_ptr(), values.len()) }
            });
        }
    });
}

/// The bias of the queries of a head from `first` on.
struct BlockBias<'a> {
    bias: Bias<'a>,
    head: usize,
    first: usize,
}

/// All keys of a head for one block of queries; `out(row, values)` gets the rows of the result.
fn query_block<P: Products>(
    products: P,
    shape: &Attention,
    queries: Head<'_>,
    (keys, values): (&[u32], &[u32]),
    bias: Option<BlockBias<'_>>,
    lse: &mut [f32],
    out: impl Fn(usize, &[f32]),
) {
    let Sizes { words, width, .. } = Sizes::of::<P>(shape, shape.keys);
    let count = queries.count;
    // Biased scores are scaled before their bias.
    let scale = if bias.is_some() { 1.0 } else { shape.scale() };
    with_buffers(|[rows, scores, weights, sums, state]: &mut [Buffer; 5]| {
        let rows = rows.words(count * words);
        products.pack_rows(queries, rows);
        let scores = scores.floats(count * KEYS);
        let weights = weights.words(count * KEYS / P::DEPTH);
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
                let finish = match bias {
                    None => Finish::Maxima { lanes, columns: block - start },
                    Some(_) => Finish::Set,
                };
                products.multiply(
                    Left { words: rows, row: words, step: 1 },
                    Right { words: &keys[(first + start) * words..][..PANEL * words], step: PANEL },
                    Size { rows: count, words, vectors: PANEL / VECTOR },
                    &mut scores[start..],
                    KEYS,
                    finish,
                );
            }
            for row in 0..count {
                let width = block.next_multiple_of(2 * VECTOR);
                let (scores, weights) =
                    (&mut scores[row * KEYS..][..width], &mut weights[row * KEYS / P::DEPTH..]);
                let (lanes, totals) = (&mut lanes[row * VECTOR..], &mut totals[row * VECTOR..]);
                if let Some(BlockBias { bias, head, first: query }) = &bias {
                    let [by_distance, by_key] =
                        bias.row(shape, *head, query + row).map(|bias| &bias[first..][..block]);
                    products.add_bias(scores, lanes, &RowBias { scale: bias.scale, by_distance, by_key });
                }
                factors[row] = products.softmax_row(scores, lanes, scale, &mut maxima[row], totals, weights);
            }
            products.multiply(
                Left { words: weights, row: KEYS / P::DEPTH, step: 1 },
                Right { words: &values[first / P::DEPTH * width..], step: width },
                Size { rows: count, words: block.div_ceil(P::DEPTH), vectors: width / VECTOR },
                sums,
                width,
                Finish::Rescale(factors),
            );
        }

        for (row, lse) in lse.iter_mut().enumerate() {
            let total: f32 = totals[row * VECTOR..][..VECTOR].iter().sum();
            let factor = 1.0 / total;
            let sums = &mut sums[row * width..][..shape.head_dim];
            sums.iter_mut().for_each(|sum| *sum *= factor);
            out(row, sums);
            *lse = maxima[row] * scale + total.ln();
        }
    });
}
