//! The gradients of one head, a block of keys after the other, and for each a block of queries after the other.

use std::ops::Range;

use super::{
    products::{Finish, Gradients, Left, PANEL, Products, Right, Size, Sizes, Softmax, VECTOR},
    shape::{Attention, Saved},
};
use crate::{
    lanes::sum2,
    shared::{Buffer, cast_mut, with_buffers},
};

/// The most queries of a block.
const QUERIES: usize = 64;
/// Keys of a block, in whole panels.
pub(super) const KEYS: usize = 128;

/// One head of a backward pass.
pub(super) struct HeadGradients<'a, P> {
    pub products: P,
    pub shape: &'a Attention,
    pub saved: Saved<'a>,
    pub d_out: &'a [f32],
    pub head: usize,
}

/// The queries and the gradient of the result, packed for both sides of products.
struct Queries<'a> {
    q: &'a mut [u32],
    d_out: &'a mut [u32],
    /// By blocks, each of which begins on a pair of its own, even behind an odd number of queries.
    q_pairs: &'a mut [u32],
    d_out_pairs: &'a mut [u32],
    /// `Σ d_out out`, by which the softmax's gradient is lowered.
    delta: &'a mut [f32],
}

/// A block of keys and values, packed, and the sums of their gradients.
struct Keys<'a> {
    k_columns: &'a mut [u32],
    v_columns: &'a mut [u32],
    k_pairs: &'a mut [u32],
    dk: &'a mut [f32],
    dv: &'a mut [f32],
}

/// What a block of queries and a block of keys have in common: rows of queries.
struct Square<'a> {
    scores: &'a mut [f32],
    d_weights: &'a mut [f32],
    weights: &'a mut [u32],
    d_scores: &'a mut [u32],
    d_scores_rows: &'a mut [u32],
}

impl<P: Products> HeadGradients<'_, P> {
    /// The gradients of the keys in `range`, and their share of that by the queries, added to `dq`;
    /// `out(of_values, token)` is where a row of `dv` or `dk` goes.
    pub fn of_keys<'b>(
        &self,
        range: Range<usize>,
        dq: &mut [f32],
        out: impl Fn(bool, usize) -> &'b mut [f32],
    ) {
        let Sizes { words, width, .. } = self.sizes();
        with_buffers(|[q, d_out, q_pairs, d_out_pairs, delta, columns, work]: &mut [Buffer; 7]| {
            let queries = self.pack_queries([q, d_out, q_pairs, d_out_pairs, delta]);
            let square = QUERIES * KEYS;
            let work = work.floats(2 * KEYS * width + 2 * square + 3 * square / P::DEPTH);
            let (sums, work) = work.split_at_mut(2 * KEYS * width);
            let columns = columns.words(2 * KEYS * words + KEYS / P::DEPTH * width);
            let mut keys = Keys::of(columns, sums, KEYS * words);
            let mut square = Square::of(work, square, P::DEPTH);
            for first in range.clone().step_by(KEYS) {
                let tokens = first..range.end.min(first + KEYS);
                self.pack_keys(tokens.clone(), &mut keys);
                for block in 0..self.blocks() {
                    self.scores(&queries, &keys, block, tokens.len(), &mut square);
                    self.softmax(&queries, block, tokens.len(), &mut square);
                    self.add_products(&queries, &mut keys, block, tokens.len(), &square, dq);
                }
                for (index, token) in tokens.enumerate() {
                    let at = index * width..index * width + self.shape.head_dim;
                    out(true, token).copy_from_slice(&keys.dv[at.clone()]);
                    let dk = keys.dk[at].iter().map(|d| d * self.shape.scale());
                    out(false, token).iter_mut().zip(dk).for_each(|(out, d)| *out = d);
                }
            }
        });
    }

    fn sizes(&self) -> Sizes {
        Sizes::of::<P>(self.shape, self.shape.keys)
    }

    /// How many blocks the queries are cut into.
    fn blocks(&self) -> usize {
        self.shape.queries.div_ceil(QUERIES)
    }

    /// The queries of a block, as even as possible.
    fn block(&self, index: usize) -> Range<usize> {
        let (queries, blocks) = (self.shape.queries, self.blocks());
        index * queries / blocks..(index + 1) * queries / blocks
    }

    /// Words of a block of queries in pairs.
    fn block_pairs(&self) -> usize {
        QUERIES / P::DEPTH * self.sizes().width
    }

    fn pack_queries<'b>(&self, [q, d_out, q_pairs, d_out_pairs, delta]: [&'b mut Buffer; 5]) -> Queries<'b> {
        let all = |x| self.shape.head(x, self.shape.queries, self.head);
        let (head_q, head_d, head_out) = (all(self.saved.q), all(self.d_out), all(self.saved.out));
        let (len, block_pairs) = (self.shape.queries * self.sizes().words, self.block_pairs());
        let queries = Queries {
            q: q.words(len),
            d_out: d_out.words(len),
            q_pairs: q_pairs.words(self.blocks() * block_pairs),
            d_out_pairs: d_out_pairs.words(self.blocks() * block_pairs),
            delta: delta.floats(self.shape.queries),
        };
        self.products.pack_rows(head_q, queries.q);
        self.products.pack_rows(head_d, queries.d_out);
        for block in 0..self.blocks() {
            let (Range { start, end }, at) = (self.block(block), block * block_pairs);
            self.products.pack_tokens(head_q.part(start, end), &mut queries.q_pairs[at..]);
            self.products.pack_tokens(head_d.part(start, end), &mut queries.d_out_pairs[at..]);
        }
        for (token, delta) in queries.delta.iter_mut().enumerate() {
            *delta = sum2(head_d.row(token), head_out.row(token), |d, o| d * o);
        }
        queries
    }

    /// Packs some keys and values, and begins their sums.
    fn pack_keys(&self, tokens: Range<usize>, keys: &mut Keys<'_>) {
        let part = |x| self.shape.head(x, self.shape.keys, self.head).part(tokens.start, tokens.end);
        let len = tokens.len().next_multiple_of(PANEL) * self.sizes().words;
        self.products.pack_columns(part(self.saved.k), &mut keys.k_columns[..len]);
        self.products.pack_columns(part(self.saved.v), &mut keys.v_columns[..len]);
        self.products.pack_tokens(part(self.saved.k), keys.k_pairs);
        keys.dk.fill(0.0);
        keys.dv.fill(0.0);
    }

    /// `q kᵀ` and `d_out vᵀ`.
    fn scores(
        &self,
        queries: &Queries<'_>,
        keys: &Keys<'_>,
        block: usize,
        count: usize,
        to: &mut Square<'_>,
    ) {
        let (rows, Sizes { words, .. }) = (self.block(block), self.sizes());
        for panel in 0..count.div_ceil(PANEL) {
            let product = |left: &[u32], right: &[u32], out: &mut [f32]| {
                self.products.multiply(
                    Left { words: &left[rows.start * words..], row: words, step: 1 },
                    Right { words: &right[panel * PANEL * words..], step: PANEL },
                    Size { rows: rows.len(), words, vectors: PANEL / VECTOR },
                    &mut out[panel * PANEL..],
                    KEYS,
                    Finish::Set,
                );
            };
            product(queries.q, keys.k_columns, to.scores);
            product(queries.d_out, keys.v_columns, to.d_weights);
        }
    }

    /// The weights, and the gradients by the scores.
    fn softmax(&self, queries: &Queries<'_>, block: usize, count: usize, square: &mut Square<'_>) {
        let (Range { start, end }, delta) = (self.block(block), &*queries.delta);
        let lse = &self.saved.lse[self.head * self.shape.queries..][..self.shape.queries];
        for row in (0..end - start).step_by(P::DEPTH) {
            // Behind an odd number of queries comes a row of no weight.
            let second = (P::DEPTH > 1 && start + row + 1 < end).then_some(start + row + 1);
            let softmax = Softmax {
                scale: self.shape.scale(),
                keys: [count, second.map_or(0, |_| count)],
                lse: [lse[start + row], second.map_or(0.0, |row| lse[row])],
                delta: [delta[start + row], second.map_or(0.0, |row| delta[row])],
            };
            let at = row / P::DEPTH * KEYS;
            let to = Gradients {
                weights: &mut square.weights[at..],
                d_scores: &mut square.d_scores[at..],
                d_scores_rows: &mut square.d_scores_rows[at..],
            };
            let rows = (&square.scores[row * KEYS..], &square.d_weights[row * KEYS..]);
            self.products.softmax_backward(&softmax, KEYS, rows, to);
        }
    }

    /// Adds what a block of queries gives to the gradients by the keys and values, and these to its own.
    fn add_products(
        &self,
        queries: &Queries<'_>,
        keys: &mut Keys<'_>,
        block: usize,
        count: usize,
        square: &Square<'_>,
        dq: &mut [f32],
    ) {
        let (rows, Sizes { width, .. }) = (self.block(block), self.sizes());
        let (at, vectors) = (block * self.block_pairs(), width / VECTOR);
        let by_query = |left: &[u32], right: &[u32], out: &mut [f32]| {
            self.products.multiply(
                Left { words: left, row: 1, step: KEYS },
                Right { words: &right[at..], step: width },
                Size { rows: count, words: rows.len().div_ceil(P::DEPTH), vectors },
                out,
                width,
                Finish::Add,
            );
        };
        by_query(square.weights, queries.d_out_pairs, keys.dv);
        by_query(square.d_scores, queries.q_pairs, keys.dk);
        self.products.multiply(
            Left { words: square.d_scores_rows, row: KEYS / P::DEPTH, step: 1 },
            Right { words: keys.k_pairs, step: width },
            Size { rows: rows.len(), words: count.div_ceil(P::DEPTH), vectors },
            &mut dq[rows.start * width..],
            width,
            Finish::Add,
        );
    }
}

impl<'a> Keys<'a> {
    /// Of a buffer for keys and values, whose columns take `panel` words each, and of one for the sums of both.
    fn of(packed: &'a mut [u32], sums: &'a mut [f32], panel: usize) -> Self {
        let (k_columns, packed) = packed.split_at_mut(panel);
        let (v_columns, k_pairs) = packed.split_at_mut(panel);
        let (dk, dv) = sums.split_at_mut(sums.len() / 2);
        Self { k_columns, v_columns, k_pairs, dk, dv }
    }
}

impl<'a> Square<'a> {
    /// Of a buffer for `len` scores and what is made of them, `depth` in a word.
    fn of(work: &'a mut [f32], len: usize, depth: usize) -> Self {
        let (scores, work) = work.split_at_mut(len);
        let (d_weights, work) = work.split_at_mut(len);
        let (weights, work) = cast_mut(work).split_at_mut(len / depth);
        let (d_scores, d_scores_rows) = work.split_at_mut(len / depth);
        Self { scores, d_weights, weights, d_scores, d_scores_rows }
    }
}
