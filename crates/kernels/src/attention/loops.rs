//! Attention in plain Rust: words of one f32, loops that the compiler turns into vectors.

#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::products::{
    Finish, Gradients, Head, Left, PANEL, Products, Right, RowBias, Size, Softmax, VECTOR,
};
use crate::{
    isa::Level,
    lanes::{exp, widest},
};

/// Rows that are computed side by side: with sixteen columns they fill the registers of AVX2.
pub(super) const ROWS: usize = 6;

/// The parts for every machine, compiled for each.
#[derive(Clone, Copy)]
pub(super) struct Loops(pub Level);

impl Products for Loops {
    const DEPTH: usize = 1;

    fn pack_rows(self, x: Head<'_>, packed: &mut [u32]) {
        for (token, packed) in packed.chunks_exact_mut(x.dim).take(x.count).enumerate() {
            packed.iter_mut().zip(x.row(token)).for_each(|(to, x)| *to = x.to_bits());
        }
    }

    fn pack_columns(self, x: Head<'_>, packed: &mut [u32]) {
        for (panel, packed) in packed.chunks_exact_mut(x.dim * PANEL).enumerate() {
            packed.fill(0);
            let first = panel * PANEL;
            for (column, token) in (first..x.count.min(first + PANEL)).enumerate() {
                let to = packed[column..].iter_mut().step_by(PANEL);
                to.zip(x.row(token)).for_each(|(to, x)| *to = x.to_bits());
            }
        }
    }

    fn pack_tokens(self, x: Head<'_>, packed: &mut [u32]) {
        let width = x.dim.next_multiple_of(VECTOR);
        for (token, packed) in packed.chunks_exact_mut(width).take(x.count).enumerate() {
            packed[x.dim..].fill(0);
            packed.iter_mut().zip(x.row(token)).for_each(|(to, x)| *to = x.to_bits());
        }
    }

    fn multiply(
        self,
        left: Left<'_>,
        right: Right<'_>,
        size: Size,
        out: &mut [f32],
        stride: usize,
        mut finish: Finish<'_>,
    ) {
        for first in (0..size.vectors * VECTOR).step_by(VECTOR) {
            for row in (0..size.rows).step_by(ROWS) {
                let rows = ROWS.min(size.rows - row);
                let left = Left { words: &left.words[row * left.row..], ..left };
                let right = Right { words: &right.words[first..], ..right };
                let (mut sums, words) = ([[0.0; VECTOR]; ROWS], size.words);
                let to = &mut sums;
                match self.0 {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2(isa) if words > 0 => avx2::sum(isa, left, right, rows, words, to),
                    isa => widest!(isa => sum(
                        left: Left<'_>, right: Right<'_>, rows: usize, words: usize, to: &mut [[f32; VECTOR]; ROWS],
                    )),
                }
                for (i, sums) in sums.iter().take(rows).enumerate() {
                    let out = &mut out[(row + i) * stride + first..][..VECTOR];
                    store(sums, out, row + i, first, &mut finish);
                }
            }
        }
    }

    fn add_bias(self, scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>) {
        widest!(self.0 => add_bias(scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>));
    }

    fn softmax_row(
        self,
        scores: &[f32],
        lanes: &[f32],
        scale: f32,
        maximum: &mut f32,
        totals: &mut [f32],
        weights: &mut [u32],
    ) -> f32 {
        let new = lanes[..VECTOR].iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let factor = exp((*maximum - new) * scale);
        *maximum = new;
        totals[..VECTOR].iter_mut().for_each(|total| *total *= factor);
        widest!(self.0 => exponentials(scores: &[f32], new: f32, scale: f32, totals: &mut [f32], weights: &mut [u32]));
        factor
    }

    fn softmax_backward(
        self,
        softmax: &Softmax,
        _stride: usize,
        (scores, d_weights): (&[f32], &[f32]),
        to: Gradients<'_>,
    ) {
        let (scores, d_weights) = (&scores[..softmax.keys[0]], &d_weights[..softmax.keys[0]]);
        widest!(self.0 => scores_backward(softmax: &Softmax, scores: &[f32], d_weights: &[f32], to: Gradients<'_>));
    }
}

#[inline(always)]
fn sum(left: Left<'_>, right: Right<'_>, rows: usize, words: usize, to: &mut [[f32; VECTOR]; ROWS]) {
    match rows {
        6 => sum_rows::<6>(left, right, words, to),
        5 => sum_rows::<5>(left, right, words, to),
        4 => sum_rows::<4>(left, right, words, to),
        3 => sum_rows::<3>(left, right, words, to),
        2 => sum_rows::<2>(left, right, words, to),
        _ => sum_rows::<1>(left, right, words, to),
    }
}

#[inline(always)]
fn sum_rows<const R: usize>(left: Left<'_>, right: Right<'_>, words: usize, to: &mut [[f32; VECTOR]; ROWS]) {
    let mut sums = [[0.0f32; VECTOR]; R];
    // Every row at the length that all have, so that bounds are checked once.
    let len = words.saturating_sub(1) * left.step + 1;
    let rows: [&[u32]; R] = std::array::from_fn(|row| &left.words[row * left.row..][..len]);
    for word in 0..words {
        let b: &[u32; VECTOR] = right.words[word * right.step..].first_chunk().expect("whole vectors");
        let at = word * left.step;
        if at >= len {
            break;
        }
        for (row, sums) in rows.iter().zip(&mut sums) {
            let a = f32::from_bits(row[at]);
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += a * f32::from_bits(*b);
            }
        }
    }
    to[..R].copy_from_slice(&sums);
}

/// Stores sixteen columns from `first` on of a row of a product.
fn store(sums: &[f32; VECTOR], out: &mut [f32], row: usize, first: usize, finish: &mut Finish<'_>) {
    match finish {
        Finish::Set => out.copy_from_slice(sums),
        Finish::Add => out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum),
        Finish::Rescale(factors) => {
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = *out * factors[row] + sum);
        }
        Finish::Maxima { lanes, columns } => {
            let lanes = &mut lanes[row * VECTOR..][..VECTOR];
            for (i, ((out, sum), lane)) in out.iter_mut().zip(sums).zip(lanes).enumerate() {
                *out = if first + i < *columns { *sum } else { f32::NEG_INFINITY };
                *lane = lane.max(*out);
            }
        }
    }
}

/// See [`Products::add_bias`].
#[inline(always)]
pub(super) fn add_bias(scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>) {
    let keys = bias.by_key.len();
    let lanes: &mut [f32; VECTOR] = lanes.first_chunk_mut().expect("sixteen lanes");
    let (whole, rest) = scores.split_at_mut(keys / VECTOR * VECTOR);
    let (by_distance, by_key) = (bias.by_distance.chunks_exact(VECTOR), bias.by_key.chunks_exact(VECTOR));
    let ends = by_distance.remainder().iter().zip(by_key.remainder());
    for ((scores, by_distance), by_key) in whole.chunks_exact_mut(VECTOR).zip(by_distance).zip(by_key) {
        for i in 0..VECTOR {
            scores[i] = scores[i] * bias.scale + by_distance[i] + by_key[i];
            lanes[i] = if scores[i] > lanes[i] { scores[i] } else { lanes[i] };
        }
    }
    let (last, beyond) = rest.split_at_mut(keys % VECTOR);
    for ((score, (by_distance, by_key)), lane) in last.iter_mut().zip(ends).zip(lanes) {
        *score = *score * bias.scale + by_distance + by_key;
        *lane = lane.max(*score);
    }
    beyond.fill(f32::NEG_INFINITY);
}

/// The weights of scores under their maximum, and their sums in sixteen lanes.
#[inline(always)]
fn exponentials(scores: &[f32], maximum: f32, scale: f32, totals: &mut [f32], weights: &mut [u32]) {
    let totals: &mut [f32; VECTOR] = totals.first_chunk_mut().expect("sixteen lanes");
    for (scores, weights) in scores.chunks_exact(VECTOR).zip(weights.chunks_exact_mut(VECTOR)) {
        for i in 0..VECTOR {
            let weight = exp((scores[i] - maximum) * scale);
            totals[i] += weight;
            weights[i] = weight.to_bits();
        }
    }
}

/// The softmax's weights again, and the gradients by its scores.
#[inline(always)]
fn scores_backward(softmax: &Softmax, scores: &[f32], d_weights: &[f32], to: Gradients<'_>) {
    let count = scores.len();
    let Gradients { weights, d_scores, d_scores_rows } = to;
    let (weights, d_scores) = (&mut weights[..count], &mut d_scores[..count]);
    let d_scores_rows = &mut d_scores_rows[..count];
    for i in 0..count {
        let weight = exp(scores[i] * softmax.scale - softmax.lse[0]);
        let d_score = weight * (d_weights[i] - softmax.delta[0]);
        weights[i] = weight.to_bits();
        d_scores[i] = d_score.to_bits();
        d_scores_rows[i] = d_score.to_bits();
    }
}
