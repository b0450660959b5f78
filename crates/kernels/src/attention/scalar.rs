//! The definition in f32, one query at a time.

use super::shape::{Attention, Inputs, Saved};

/// Where a token of a head begins in `[batch, tokens, heads, head_dim]`.
fn at(shape: &Attention, tokens: usize, sample: usize, token: usize, head: usize) -> usize {
    ((sample * tokens + token) * shape.heads + head) * shape.head_dim
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn for_each_query(shape: &Attention, mut visit: impl FnMut(usize, usize, usize)) {
    for sample in 0..shape.batch {
        for head in 0..shape.heads {
            (0..shape.queries).for_each(|query| visit(sample, head, query));
        }
    }
}

/// See [`super::attention`] and [`super::attention_biased`].
pub fn attention(shape: &Attention, inputs: Inputs<'_>, out: &mut [f32], lse: &mut [f32]) {
    let (Inputs { q, k, v, bias }, dim) = (inputs, shape.head_dim);
    for_each_query(shape, |sample, head, query| {
        let q_at = at(shape, shape.queries, sample, query, head);
        let key = |key| at(shape, shape.keys, sample, key, head);
        let mut scores: Vec<f32> =
            (0..shape.keys).map(|i| dot(&q[q_at..q_at + dim], &k[key(i)..key(i) + dim])).collect();
        match bias {
            None => scores.iter_mut().for_each(|score| *score *= shape.scale()),
            Some(bias) => {
                let [by_distance, by_key] = bias.row(shape, sample * shape.heads + head, query);
                let biases = by_distance.iter().zip(by_key);
                scores.iter_mut().zip(biases).for_each(|(s, (d, k))| *s = *s * bias.scale + d + k);
            }
        }
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = scores.iter().map(|score| (score - max).exp()).sum();
        lse[(sample * shape.heads + head) * shape.queries + query] = max + sum.ln();
        for d in 0..dim {
            let weighted = scores.iter().enumerate().map(|(i, score)| (score - max).exp() * v[key(i) + d]);
            out[q_at + d] = weighted.sum::<f32>() / sum;
        }
    });
}

/// See [`super::attention_backward`].
pub fn backward(
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    dq: &mut [f32],
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let Saved { q, k, v, out, lse } = saved;
    let dim = shape.head_dim;
    dq.fill(0.0);
    dk.fill(0.0);
    dv.fill(0.0);
    for_each_query(shape, |sample, head, query| {
        let q_at = at(shape, shape.queries, sample, query, head);
        let lse = lse[(sample * shape.heads + head) * shape.queries + query];
        let d_out = &d_out[q_at..q_at + dim];
        let delta = dot(d_out, &out[q_at..q_at + dim]);
        for key in 0..shape.keys {
            let k_at = at(shape, shape.keys, sample, key, head);
            let score = dot(&q[q_at..q_at + dim], &k[k_at..k_at + dim]) * shape.scale();
            let p = (score - lse).exp();
            let ds = p * (dot(d_out, &v[k_at..k_at + dim]) - delta) * shape.scale();
            for d in 0..dim {
                dv[k_at + d] += p * d_out[d];
                dq[q_at + d] += ds * k[k_at + d];
                dk[k_at + d] += ds * q[q_at + d];
            }
        }
    });
}
