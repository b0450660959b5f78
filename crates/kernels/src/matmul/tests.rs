//! The fast path against the definition, at edge sizes and in every layout.

use super::{Layout, Sizes, matmul, scalar};
use crate::lanes::test_values;

#[test]
fn equals_the_definition_at_edge_sizes() {
    let sizes = [(1, 1, 1), (7, 65, 3), (6, 64, 32), (13, 130, 33), (97, 63, 66), (100, 200, 129), (3, 5, 0)];
    for (m, n, k) in sizes {
        for a_layout in [Layout::Plain, Layout::Transposed] {
            for b_layout in [Layout::Plain, Layout::Transposed] {
                let (a, b, bias) = (test_values(m * k, 1), test_values(k * n, 2), test_values(n, 3));
                let (mut fast, mut slow) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                let sizes = Sizes { m, n, k };
                matmul(sizes, (&a, a_layout), (&b, b_layout), Some(&bias), &mut fast);
                scalar::matmul(sizes, (&a, a_layout), (&b, b_layout), Some(&bias), &mut slow);
                for (fast, slow) in fast.iter().zip(&slow) {
                    // Both round their inputs alike; only the order of the f32 sums differs.
                    assert!((fast - slow).abs() <= 1e-5 * (k as f32 + 1.0), "{m}x{n}x{k}: {fast} for {slow}");
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let sizes = Sizes { m: 200, n: 150, k: 77 };
    let (a, b) = (test_values(200 * 77, 1), test_values(77 * 150, 2));
    let product = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut c = vec![0.0; 200 * 150];
        pool.install(|| matmul(sizes, (&a, Layout::Plain), (&b, Layout::Plain), None, &mut c));
        c
    };
    assert_eq!(product(1), product(3));
}
