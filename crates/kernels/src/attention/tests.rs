//! The fast path against the definition: self- and cross-attention, several blocks, odd sizes.

use super::{
    Attention, Bias, Inputs, PackedKeys, Saved, attention_biased, attention_on, backward_on, scalar,
};
use crate::{isa::Level, lanes::test_values, shared::Shared, threads::with_threads};

/// The greatest error as a share of the greatest value. bf16 keeps 8 bits: products of rounded
/// values differ by about 2⁻⁸ of their size, and the exponential of a score by more.
const BF16: f32 = 0.02;
const F32: f32 = 1e-4;

fn shapes() -> Vec<Attention> {
    let shape = Attention { batch: 2, queries: 7, keys: 5, heads: 3, head_dim: 8 };
    vec![
        shape,
        Attention { queries: 100, keys: 300, heads: 1, head_dim: 64, ..shape },
        Attention { batch: 1, queries: 1, keys: 1, ..shape },
        Attention { queries: 97, keys: 513, heads: 2, head_dim: 72, ..shape },
        // The training shapes of kinora-tiny, in one head: whole panels and a part of one.
        Attention { queries: 64, keys: 64, heads: 1, head_dim: 64, ..shape },
        Attention { batch: 1, queries: 49, keys: 320, heads: 1, head_dim: 128 },
        // One more and one less than a panel of keys, a block and a pair.
        Attention { batch: 1, queries: 3, keys: 65, heads: 1, head_dim: 24 },
        Attention { batch: 1, queries: 65, keys: 63, heads: 2, head_dim: 40 },
        Attention { batch: 1, queries: 33, keys: 257, heads: 1, head_dim: 136 },
        // So many keys for one head that the backward pass cuts them into parts.
        Attention { batch: 1, queries: 5, keys: 1100, heads: 1, head_dim: 16 },
    ]
}

/// Each shape on each instruction set that the machine has.
fn cases() -> impl Iterator<Item = (Attention, Level)> {
    shapes().into_iter().flat_map(|shape| Level::available().map(move |isa| (shape, isa)))
}

fn worst(fast: &[f32], slow: &[f32]) -> f32 {
    let scale = slow.iter().fold(1e-6f32, |max, x| max.max(x.abs()));
    fast.iter().zip(slow).fold(0.0f32, |max, (a, b)| {
        assert!(a.is_finite());
        max.max((a - b).abs() / scale)
    })
}

#[test]
fn every_instruction_set_equals_the_definition() {
    for (shape, isa) in cases() {
        let scaled = |len, seed| test_values(len, seed).into_iter().map(|x| 3.0 * x).collect::<Vec<_>>();
        let (q, k) = (scaled(shape.query_len(), 1), scaled(shape.key_len(), 2));
        let (v, d_out) = (test_values(k.len(), 3), test_values(q.len(), 4));
        let (mut out, mut lse) = (vec![f32::NAN; q.len()], vec![f32::NAN; shape.lse_len()]);
        let inputs = Inputs { q: &q, k: &k, v: &v, bias: None };
        attention_on(isa, &shape, inputs, Shared::new(&mut out), &mut lse);
        let (mut exact, mut exact_lse) = (out.clone(), lse.clone());
        scalar::attention(&shape, inputs, &mut exact, &mut exact_lse);
        let tolerance = if isa.has_avx512() { BF16 } else { F32 };
        assert!(worst(&out, &exact) < tolerance, "{isa:?} {shape:?}: {}", worst(&out, &exact));
        assert!(worst(&lse, &exact_lse) < tolerance);

        let saved = Saved { q: &q, k: &k, v: &v, out: &exact, lse: &exact_lse };
        let (mut eq, mut ek, mut ev) = (q.clone(), k.clone(), v.clone());
        let [dq, dk, dv] = backward_on(isa, &shape, saved, &d_out);
        scalar::backward(&shape, saved, &d_out, &mut eq, &mut ek, &mut ev);
        for (fast, slow, name) in [(&dq, &eq, "dq"), (&dk, &ek, "dk"), (&dv, &ev, "dv")] {
            if shape.keys > 1 || name == "dv" {
                let worst = worst(fast, slow);
                assert!(worst < 2.0 * tolerance, "{isa:?} {shape:?} {name}: {worst}");
            }
        }
    }
}

#[test]
fn the_backward_definition_is_the_derivative_of_the_forward() {
    let shape = shapes()[0];
    let (mut q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
    let (v, d_out) = (test_values(k.len(), 3), test_values(q.len(), 4));
    let loss = |q: &[f32]| {
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; shape.lse_len()]);
        scalar::attention(&shape, Inputs { q, k: &k, v: &v, bias: None }, &mut out, &mut lse);
        (out.iter().zip(&d_out).map(|(a, b)| f64::from(a * b)).sum::<f64>(), out, lse)
    };
    let (_, out, lse) = loss(&q);
    let saved = Saved { q: &q.clone(), k: &k, v: &v, out: &out, lse: &lse };
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; k.len()]);
    scalar::backward(&shape, saved, &d_out, &mut dq, &mut dk, &mut dv);
    for i in [0, 17, q.len() - 1] {
        let (at, step) = (q[i], 1e-2);
        q[i] = at + step;
        let above = loss(&q).0;
        q[i] = at - step;
        let below = loss(&q).0;
        q[i] = at;
        let derivative = (above - below) / (2.0 * f64::from(step));
        assert!((derivative - f64::from(dq[i])).abs() < 1e-3, "{derivative} and {}", dq[i]);
    }
}

/// Forward and backward: the result, its log-sum-exp and the three gradients.
fn both_ways(isa: Level, shape: &Attention, q: &[f32], k: &[f32], v: &[f32]) -> [Vec<f32>; 5] {
    let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; shape.lse_len()]);
    attention_on(isa, shape, Inputs { q, k, v, bias: None }, Shared::new(&mut out), &mut lse);
    let d_out = test_values(q.len(), 4);
    let saved = Saved { q, k, v, out: &out, lse: &lse };
    let [dq, dk, dv] = backward_on(isa, shape, saved, &d_out);
    [out, lse, dq, dk, dv]
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for (shape, isa) in cases() {
        let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
        let run = |threads| with_threads(threads, || both_ways(isa, &shape, &q, &k, &k));
        let one = run(1);
        assert_eq!(one, run(2), "{isa:?} {shape:?}");
        assert_eq!(one, run(3), "{isa:?} {shape:?}");
    }
}

#[test]
fn what_an_earlier_call_left_behind_has_no_effect() {
    with_threads(1, || {
        for (shape, isa) in cases() {
            let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
            let before = both_ways(isa, &shape, &q, &k, &k);
            let larger = Attention { batch: 2, queries: 130, keys: 700, heads: 2, head_dim: 136 };
            let (nan, more) = (vec![f32::NAN; larger.query_len()], vec![f32::NAN; larger.key_len()]);
            assert!(both_ways(isa, &larger, &nan, &more, &more)[0][0].is_nan());
            assert_eq!(before, both_ways(isa, &shape, &q, &k, &k), "{isa:?} {shape:?}");
        }
    });
}

#[test]
fn the_error_stays_below_half_a_percent() {
    for (shape, isa) in cases() {
        let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
        let v = test_values(k.len(), 3);
        let [out, lse, ..] = both_ways(isa, &shape, &q, &k, &v);
        let (mut exact, mut exact_lse) = (out.clone(), lse);
        scalar::attention(&shape, Inputs { q: &q, k: &k, v: &v, bias: None }, &mut exact, &mut exact_lse);
        let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
        let error = norm(&mut out.iter().zip(&exact).map(|(a, b)| a - b));
        assert!(error <= 5e-3 * norm(&mut exact.iter().copied()), "{isa:?} {shape:?}");
    }
}

/// What is added to the scores of a shape: for every distance, and for every third key as for padding.
struct Biases {
    by_distance: Vec<f32>,
    by_key: Vec<f32>,
}

impl Biases {
    fn new(shape: &Attention) -> Self {
        let by_distance = test_values(shape.heads * (shape.queries + shape.keys - 1), 5);
        let padded = |key| if key % 3 == 2 { -1e9 } else { 0.0 };
        Self {
            by_distance: by_distance.into_iter().map(|x| 4.0 * x).collect(),
            by_key: (0..shape.batch * shape.keys).map(padded).collect(),
        }
    }

    /// With the scale of UMT5, and another.
    fn both(&self) -> [Bias<'_>; 2] {
        [1.0, 0.3].map(|scale| Bias { scale, by_distance: &self.by_distance, by_key: &self.by_key })
    }
}

fn biased(isa: Level, shape: &Attention, inputs: Inputs<'_>) -> [Vec<f32>; 2] {
    let (mut out, mut lse) = (vec![f32::NAN; shape.query_len()], vec![f32::NAN; shape.lse_len()]);
    attention_on(isa, shape, inputs, Shared::new(&mut out), &mut lse);
    [out, lse]
}

#[test]
fn a_bias_equals_the_definition_on_every_instruction_set() {
    for (shape, isa) in cases() {
        let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
        let (v, biases) = (test_values(k.len(), 3), Biases::new(&shape));
        for bias in biases.both() {
            let inputs = Inputs { q: &q, k: &k, v: &v, bias: Some(bias) };
            let [out, lse] = biased(isa, &shape, inputs);
            let (mut exact, mut exact_lse) = (out.clone(), lse.clone());
            scalar::attention(&shape, inputs, &mut exact, &mut exact_lse);
            let tolerance = if isa.has_avx512() { BF16 } else { F32 };
            assert!(worst(&out, &exact) < tolerance, "{isa:?} {shape:?}: {}", worst(&out, &exact));
            assert!(worst(&lse, &exact_lse) < tolerance, "{isa:?} {shape:?}");
            let again = with_threads(3, || biased(isa, &shape, inputs));
            assert!(again == with_threads(1, || biased(isa, &shape, inputs)) && again == [out, lse]);
        }
    }
}

#[test]
fn the_bias_of_a_pair_is_that_of_its_distance_and_its_key() {
    // Scores of nothing but the bias, and values that say which key they are of.
    let shape = Attention { batch: 2, queries: 3, keys: 4, heads: 2, head_dim: 4 };
    let q = vec![0.0; shape.query_len()];
    let k = test_values(shape.key_len(), 2);
    let mut v = vec![0.0; k.len()];
    (0..k.len()).filter(|i| i / 8 % 4 == i % 4).for_each(|i| v[i] = 1.0);
    let bias_of = |head: usize, distance: i64| (10 * head) as f32 + distance as f32 / 4.0;
    let by_distance = [0, 1].map(|head| [-2, -1, 0, 1, 2, 3].map(|distance| bias_of(head, distance)));
    let by_key = [0.0, 0.0, -1e9, 0.0, 0.5, 0.0, 0.0, 0.0];
    let bias = Bias { scale: 1.0, by_distance: by_distance.as_flattened(), by_key: &by_key };
    let out = attention_biased(&shape, &q, &k, &v, bias);
    for (row, weights) in out.chunks(4).enumerate() {
        let (sample, query, head) = (row / 6, row / 2 % 3, row % 2);
        let power = |key| {
            let bias: f32 = bias_of(head, key as i64 - query as i64) + by_key[sample * 4 + key];
            bias.exp()
        };
        let total: f32 = (0..4).map(power).sum();
        for (key, weight) in weights.iter().enumerate() {
            assert!((weight - power(key) / total).abs() < 5e-3, "sample {sample} query {query} key {key}");
        }
    }
}

#[test]
fn only_padding_still_gives_numbers() {
    for (shape, isa) in cases() {
        let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
        let by_distance = test_values(shape.heads * (shape.queries + shape.keys - 1), 5);
        let by_key = vec![-1e9; shape.batch * shape.keys];
        let bias = Some(Bias { scale: 1.0, by_distance: &by_distance, by_key: &by_key });
        let [out, _] = biased(isa, &shape, Inputs { q: &q, k: &k, v: &k, bias });
        assert!(out.iter().all(|x| x.abs() <= 1.01), "{isa:?} {shape:?}");
    }
}

#[test]
fn packed_keys_give_the_same_bits_for_any_number_of_queries() {
    for (shape, isa) in cases() {
        let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
        let v = test_values(k.len(), 3);
        let (mut out, mut lse) = (vec![f32::NAN; q.len()], vec![f32::NAN; shape.lse_len()]);
        let inputs = Inputs { q: &q, k: &k, v: &v, bias: None };
        attention_on(isa, &shape, inputs, Shared::new(&mut out), &mut lse);
        let packed = PackedKeys::for_isa(isa, &Attention { queries: 3, ..shape }, &k, &v);
        assert_eq!(packed.attend(&q), out, "{isa:?} {shape:?}");
        assert!(packed.attend(&[]).is_empty());
    }
}
