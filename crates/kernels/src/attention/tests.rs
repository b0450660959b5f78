//! The fast path against the definition: self- and cross-attention, several blocks, odd sizes.

use super::{Attention, Saved, attention, attention_backward, scalar};
use crate::lanes::test_values;

/// bf16 keeps 8 bits: products of rounded values differ by about 2⁻⁸ of their size.
const TOLERANCE: f32 = 0.02;

fn shapes() -> [Attention; 4] {
    let shape = Attention { batch: 2, queries: 7, keys: 5, heads: 3, head_dim: 8 };
    [
        shape,
        Attention { queries: 100, keys: 300, heads: 1, head_dim: 64, ..shape },
        Attention { batch: 1, queries: 1, keys: 1, ..shape },
        Attention { queries: 97, keys: 513, heads: 2, head_dim: 72, ..shape },
    ]
}

fn worst(fast: &[f32], slow: &[f32]) -> f32 {
    let scale = slow.iter().fold(1e-6f32, |max, x| max.max(x.abs()));
    fast.iter().zip(slow).fold(0.0f32, |max, (a, b)| {
        assert!(a.is_finite());
        max.max((a - b).abs() / scale)
    })
}

#[test]
fn equals_the_definition() {
    for shape in shapes() {
        let scaled = |len, seed| test_values(len, seed).into_iter().map(|x| 3.0 * x).collect::<Vec<_>>();
        let (q, k) = (scaled(shape.query_len(), 1), scaled(shape.key_len(), 2));
        let (v, d_out) = (test_values(k.len(), 3), test_values(q.len(), 4));
        let (mut out, mut lse) = (vec![f32::NAN; q.len()], vec![f32::NAN; shape.lse_len()]);
        attention(&shape, &q, &k, &v, &mut out, &mut lse);
        let (mut exact, mut exact_lse) = (out.clone(), lse.clone());
        scalar::attention(&shape, &q, &k, &v, &mut exact, &mut exact_lse);
        assert!(worst(&out, &exact) < TOLERANCE, "{shape:?}: {}", worst(&out, &exact));
        assert!(worst(&lse, &exact_lse) < TOLERANCE);

        let saved = Saved { q: &q, k: &k, v: &v, out: &exact, lse: &exact_lse };
        let grads = || (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; k.len()]);
        let ((mut dq, mut dk, mut dv), (mut eq, mut ek, mut ev)) = (grads(), grads());
        attention_backward(&shape, saved, &d_out, &mut dq, &mut dk, &mut dv);
        scalar::backward(&shape, saved, &d_out, &mut eq, &mut ek, &mut ev);
        for (fast, slow, name) in [(&dq, &eq, "dq"), (&dk, &ek, "dk"), (&dv, &ev, "dv")] {
            if shape.keys > 1 || name == "dv" {
                assert!(worst(fast, slow) < 2.0 * TOLERANCE, "{shape:?} {name}: {}", worst(fast, slow));
            }
        }
    }
}

#[test]
fn the_backward_definition_is_the_slope_of_the_forward() {
    let shape = shapes()[0];
    let (mut q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
    let (v, d_out) = (test_values(k.len(), 3), test_values(q.len(), 4));
    let loss = |q: &[f32]| {
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; shape.lse_len()]);
        scalar::attention(&shape, q, &k, &v, &mut out, &mut lse);
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
        let slope = (above - below) / (2.0 * f64::from(step));
        assert!((slope - f64::from(dq[i])).abs() < 1e-3, "{slope} and {}", dq[i]);
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let shape = shapes()[1];
    let (q, k) = (test_values(shape.query_len(), 1), test_values(shape.key_len(), 2));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; shape.lse_len()]);
        pool.install(|| attention(&shape, &q, &k, &k, &mut out, &mut lse));
        out
    };
    assert_eq!(run(1), run(3));
}
