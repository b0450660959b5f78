//! Every path that the machine has against the definitions, at edge sizes and in every layout.

use super::{
    Epilogue, Layout, PackedBf16, PackedInt8, Residual, Sizes, bf16,
    blocked::Product,
    epilogue::Finish,
    grid::Grid,
    linear::{linear_bf16_on, linear_int8_on},
    matmul_on, scalar,
};
use crate::threads::with_threads;
use crate::{Stored, isa::Level, lanes::test_values, pointwise::Activation, shared::Shared};

/// Rows, outputs, inputs: around the tiles, panels and blocks of the depth, and odd.
const SIZES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (1, 130, 63),
    (5, 64, 2),
    (6, 65, 64),
    (7, 63, 65),
    (13, 130, 33),
    (1, 200, 1030),
    (49, 64, 520),
    (64, 128, 257),
    (65, 66, 511),
    (97, 63, 66),
    (100, 200, 129),
    (193, 70, 600),
    (300, 5, 7),
];

fn close(fast: &[f32], slow: &[f32], bound: f32, what: &str) {
    assert_eq!(fast.len(), slow.len());
    for (index, (fast, slow)) in fast.iter().zip(slow).enumerate() {
        assert!((fast - slow).abs() <= bound, "{what}: {fast} for {slow} at {index}");
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn products_equal_the_definition_in_every_layout() {
    for (m, n, k) in SIZES.into_iter().chain([(3, 5, 0), (0, 3, 4), (4, 0, 3)]) {
        let (a, b, bias) = (test_values(m * k, 1), test_values(k * n, 2), test_values(n, 3));
        let sizes = Sizes { m, n, k };
        for a_layout in [Layout::Plain, Layout::Transposed] {
            for b_layout in [Layout::Plain, Layout::Transposed] {
                let mut slow = vec![f32::NAN; m * n];
                scalar::matmul(sizes, (&a, a_layout), (&b, b_layout), Some(&bias), &mut slow);
                for isa in Level::available() {
                    let mut fast = vec![f32::NAN; m * n];
                    matmul_on(
                        isa,
                        sizes,
                        (&a, a_layout),
                        (&b, b_layout),
                        Some(&bias),
                        Shared::new(&mut fast),
                        None,
                    );
                    // All round their inputs alike; only the order of the f32 sums differs.
                    let bound = 2e-6 * (k as f32 + 1.0);
                    close(&fast, &slow, bound, &format!("{isa:?} {m}x{n}x{k} {a_layout:?} {b_layout:?}"));
                }
            }
        }
    }
}

#[test]
fn bf16_layers_equal_the_definition() {
    for (m, n, k) in SIZES {
        let (x, weight) = (test_values(m * k, 1), test_values(k * n, 2));
        let mut slow = vec![f32::NAN; m * n];
        let sizes = Sizes { m, n, k };
        scalar::matmul(sizes, (&x, Layout::Plain), (&weight, Layout::Transposed), None, &mut slow);
        for isa in Level::available() {
            let weight = PackedBf16::new_on(isa, &weight, n, k);
            let mut fast = vec![f32::NAN; m * n];
            linear_bf16_on(isa, &x, &weight, Epilogue::default(), Shared::new(&mut fast));
            close(&fast, &slow, 2e-6 * (k as f32 + 1.0), &format!("{isa:?} {m}x{n}x{k}"));
        }
    }
}

#[test]
fn int8_layers_are_the_definition_on_every_instruction_set() {
    for (m, n, k) in SIZES {
        for magnitude in [1.0, 1e-25, 1e15] {
            let x: Vec<f32> = test_values(m * k, 1).iter().map(|x| x * magnitude).collect();
            let weight = test_values(k * n, 2);
            let mut slow = vec![f32::NAN; m * n];
            scalar::linear_int8(Sizes { m, n, k }, &x, &weight, &mut slow);
            for isa in Level::available() {
                let packed = PackedInt8::new_on(isa, &weight, n, k);
                let mut fast = vec![f32::NAN; m * n];
                linear_int8_on(isa, &x, &packed, Epilogue::default(), Shared::new(&mut fast));
                assert_eq!(bits(&fast), bits(&slow), "{isa:?} {m}x{n}x{k}, x in ±{magnitude}");
            }
        }
    }
}

/// Levels of one sign, and as great as they come: sums beyond 16 bits in every pair.
#[test]
fn int8_sums_do_not_saturate() {
    let (k, n) = (1000, 65);
    for sign in [1.0, -1.0] {
        let (x, weight) = (vec![sign; k], vec![1.0f32; n * k]);
        for isa in Level::available() {
            let packed = PackedInt8::new_on(isa, &weight, n, k);
            let mut y = vec![0.0; n];
            linear_int8_on(isa, &x, &packed, Epilogue::default(), Shared::new(&mut y));
            close(&y, &vec![sign * k as f32; n], 1e-3, &format!("{isa:?}"));
        }
    }
}

#[test]
fn int8_keeps_its_bound() {
    let (m, n, k) = (9, 70, 130);
    let (x, weight) = (test_values(m * k, 5), test_values(n * k, 6));
    let mut y = vec![0.0; m * n];
    scalar::linear_int8(Sizes { m, n, k }, &x, &weight, &mut y);
    let greatest = |row: &[f32]| row.iter().fold(0.0f64, |max, x| max.max(f64::from(x.abs())));
    for (i, x) in x.chunks_exact(k).enumerate() {
        for (j, w) in weight.chunks_exact(k).enumerate() {
            let exact: f64 = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            let (max_x, max_w) = (greatest(x), greatest(w));
            let (sx, sw) = (max_x / 127.0, max_w / 127.0);
            let bound = k as f64 * (sx * max_w / 2.0 + sw * max_x / 2.0 + sx * sw / 4.0);
            assert!((f64::from(y[i * n + j]) - exact).abs() <= 1.0001 * bound);
        }
    }
}

#[test]
fn epilogues_equal_the_definition() {
    let (m, n, k) = (12, 100, 40);
    let (x, weight) = (test_values(m * k, 1), test_values(n * k, 2));
    let (bias, values, gate) = (test_values(n, 3), test_values(m * n, 4), test_values(3 * n, 5));
    let packed_on = |isa| (PackedBf16::new_on(isa, &weight, n, k), PackedInt8::new_on(isa, &weight, n, k));
    let packed: Vec<_> = Level::available().map(|isa| (isa, packed_on(isa))).collect();
    for bias in [None, Some(&*bias)] {
        for activation in [None, Some(Activation::Silu), Some(Activation::GeluTanh)] {
            for gate in [None, Some(None), Some(Some(&*gate))] {
                let residual = gate.map(|gate| Residual { values: &values, gate });
                let epilogue = Epilogue { bias, activation, residual };
                for (isa, packed) in &packed {
                    let (isa, mut fast, mut slow) = (*isa, vec![0.0; m * n], vec![0.0; m * n]);
                    linear_bf16_on(isa, &x, &packed.0, epilogue, Shared::new(&mut fast));
                    linear_bf16_on(isa, &x, &packed.0, Epilogue::default(), Shared::new(&mut slow));
                    scalar::finish(epilogue, n, &mut slow);
                    close(&fast, &slow, 1e-5, &format!("bf16 {isa:?} {epilogue:?}"));
                    linear_int8_on(isa, &x, &packed.1, epilogue, Shared::new(&mut fast));
                    linear_int8_on(isa, &x, &packed.1, Epilogue::default(), Shared::new(&mut slow));
                    scalar::finish(epilogue, n, &mut slow);
                    close(&fast, &slow, 1e-5, &format!("int8 {isa:?} {epilogue:?}"));
                }
            }
        }
    }
}

#[test]
fn activations_of_a_layer_equal_the_definition() {
    // One input of weight 1: the layer is its activation.
    let x: Vec<f32> = (-768..=768).map(|i| scalar::round_bf16(i as f32 / 128.0)).collect();
    let far = [-1e30, -200.0, 200.0, 1e30, f32::NAN];
    for activation in [Activation::Silu, Activation::GeluTanh] {
        let epilogue = Epilogue { activation: Some(activation), ..Epilogue::default() };
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let exact = crate::pointwise::scalar::activate(activation, &wide);
        for isa in Level::available() {
            let weight = PackedBf16::new_on(isa, &vec![1.0], 1, 1);
            let run = |x: &[f32]| {
                let mut y = vec![f32::NAN; x.len()];
                linear_bf16_on(isa, x, &weight, epilogue, Shared::new(&mut y));
                y
            };
            for ((y, exact), x) in run(&x).into_iter().zip(&exact).zip(&x) {
                let error = (f64::from(y) - exact).abs();
                assert!(
                    error <= 1e-5 * exact.abs() + 1e-13,
                    "{activation:?} of {x} on {isa:?}: {y} for {exact}"
                );
            }
            let y = run(&far);
            assert!(y[..2].iter().all(|y| (-1e-6..=0.0).contains(y)), "{isa:?} {y:?}");
            assert!(y[2] == 200.0 && y[3] > 0.99e30 && y[4].is_nan(), "{isa:?} {y:?}");
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    // Cut by rows, by columns, and by both.
    for (m, n, k) in [(200, 150, 77), (1, 1500, 600), (60, 300, 300)] {
        let (x, weight) = (test_values(m * k, 1), test_values(n * k, 2));
        for isa in Level::available() {
            let packed = (PackedBf16::new_on(isa, &weight, n, k), PackedInt8::new_on(isa, &weight, n, k));
            let products = |threads| {
                let mut c = [vec![0.0; m * n], vec![0.0; m * n], vec![0.0; m * n]];
                with_threads(threads, || {
                    let (a, b) = ((&*x, Layout::Plain), (&*weight, Layout::Transposed));
                    matmul_on(isa, Sizes { m, n, k }, a, b, None, Shared::new(&mut c[0]), None);
                    linear_bf16_on(isa, &x, &packed.0, Epilogue::default(), Shared::new(&mut c[1]));
                    linear_int8_on(isa, &x, &packed.1, Epilogue::default(), Shared::new(&mut c[2]));
                });
                c.map(|c| bits(&c))
            };
            let one = products(1);
            assert!([2, 3, 16].into_iter().all(|threads| products(threads) == one), "{isa:?} {m}x{n}x{k}");
        }
    }
}

#[test]
fn the_cut_does_not_change_a_bit() {
    let (m, n, k) = (50, 200, 300);
    let (x, weight) = (test_values(m * k, 1), test_values(n * k, 2));
    for isa in Level::available() {
        let weight = PackedBf16::new_on(isa, &weight, n, k);
        let product = Product {
            isa,
            rows: m,
            unit: 1,
            pack: |range, packed: &mut [u32], _: &mut [f32]| {
                bf16::pack_rows(isa, (&x, Layout::Plain), m, k, range, packed, None);
            },
            right: weight.right(),
            finish: Finish { scales: None, epilogue: Epilogue::default(), rows: m, n },
        };
        let outputs = [(1, 1), (1, 4), (2, 1), (3, 2), (50, 4)].map(|(row_blocks, column_blocks)| {
            let mut out = vec![f32::NAN; m * n];
            product.run_on(Grid { row_blocks, column_blocks }, Shared::new(&mut out));
            out
        });
        assert!(outputs.iter().all(|out| *out == outputs[0] && !out[0].is_nan()), "{isa:?}");
    }
}

#[test]
fn zeros_give_the_bias_and_no_number_stays_in_its_row() {
    let (m, n, k) = (3, 65, 70);
    let (weight, bias) = (test_values(n * k, 2), test_values(n, 3));
    for isa in Level::available() {
        let packed = (PackedBf16::new_on(isa, &weight, n, k), PackedInt8::new_on(isa, &weight, n, k));
        for bad in [0.0, f32::NAN, f32::INFINITY, f32::MAX, 1e-45] {
            let mut x = vec![0.0; m * k];
            x[k + 7] = bad;
            for int8 in [false, true] {
                let mut y = vec![1.0; m * n];
                if int8 {
                    linear_int8_on(isa, &x, &packed.1, Epilogue::bias(&bias), Shared::new(&mut y));
                } else {
                    linear_bf16_on(isa, &x, &packed.0, Epilogue::bias(&bias), Shared::new(&mut y));
                }
                assert_eq!((&y[..n], &y[2 * n..]), (&*bias, &*bias), "{isa:?} {bad}");
                match bad {
                    _ if bad.abs() < 1e-30 => close(&y[n..2 * n], &bias, 1e-30, "tiny"),
                    // Rounded to bf16, the greatest f32 is an infinity.
                    _ if bad == f32::MAX => assert!(y[n..2 * n].iter().any(|y| y.is_nan() || y.abs() > 1e30)),
                    _ => assert!(y[n..2 * n].iter().all(|y| !y.is_finite()), "{isa:?} {bad}"),
                }
            }
        }
    }
}

#[test]
fn weights_are_packed_alike_from_every_format() {
    for (n, k) in [(1, 1), (65, 70), (130, 33), (64, 512)] {
        let rounded: Vec<_> = test_values(n * k, 1).into_iter().map(half::bf16::from_f32).collect();
        let bytes: Vec<_> = rounded.iter().map(|x| x.to_le_bytes()).collect();
        let weight: Vec<f32> = rounded.iter().map(|x| x.to_f32()).collect();
        let (x, identity) = (test_values(3 * k, 2), Epilogue::default());
        for isa in Level::available() {
            let products = |stored: Stored<'_>| {
                let packed = (PackedBf16::new_on(isa, stored, n, k), PackedInt8::new_on(isa, stored, n, k));
                let mut y = [vec![f32::NAN; 3 * n], vec![f32::NAN; 3 * n]];
                linear_bf16_on(isa, &x, &packed.0, identity, Shared::new(&mut y[0]));
                linear_int8_on(isa, &x, &packed.1, identity, Shared::new(&mut y[1]));
                y
            };
            let expected = products(Stored::F32(&weight));
            for stored in [Stored::Bf16(&rounded), Stored::Bf16Bytes(&bytes)] {
                for threads in [1, 3] {
                    assert_eq!(with_threads(threads, || products(stored)), expected, "{isa:?} {n}x{k}");
                }
            }
        }
    }
}

#[test]
fn packed_weights_know_their_size() {
    let weight = test_values(65 * 70, 1);
    let (bf16, int8) = (PackedBf16::new(&weight, 65, 70), PackedInt8::new(&weight, 65, 70));
    assert_eq!([bf16.n(), bf16.k(), int8.n(), int8.k()], [65, 70, 65, 70]);
    // Two panels of 64: 35 pairs, or 18 quadruples and two numbers for each output.
    assert_eq!((bf16.bytes(), int8.bytes()), (2 * 64 * 35 * 4, 2 * 64 * (18 * 4 + 8)));
}

#[test]
fn no_rows_are_no_work() {
    let weight = test_values(6, 1);
    for isa in Level::available() {
        linear_bf16_on(
            isa,
            &[],
            &PackedBf16::new_on(isa, &weight, 2, 3),
            Epilogue::bias(&[1.0, 2.0]),
            Shared::new(&mut []),
        );
        linear_int8_on(
            isa,
            &[],
            &PackedInt8::new_on(isa, &weight, 2, 3),
            Epilogue::bias(&[1.0, 2.0]),
            Shared::new(&mut []),
        );
    }
}

#[test]
#[should_panic(expected = "x of 7 values is not [rows, k = 3]")]
fn a_wrong_length_is_named() {
    let packed = PackedBf16::new(&test_values(6, 1), 2, 3);
    super::linear_bf16(&test_values(7, 2), &packed, Epilogue::default());
}

#[test]
fn results_are_new_and_whole() {
    for (m, n, k) in SIZES.into_iter().filter(|&(_, _, k)| k > 0) {
        let (x, weight) = (test_values(m * k, 1), test_values(n * k, 2));
        let mut expected = vec![f32::NAN; m * n];
        let mut sums = vec![f32::NAN; m];
        let (a, b) = ((&*x, Layout::Plain), (&*weight, Layout::Transposed));
        matmul_on(Level::in_use(), Sizes { m, n, k }, a, b, None, Shared::new(&mut expected), None);
        assert_eq!(super::matmul(Sizes { m, n, k }, a, b, None), expected);
        assert_eq!(super::matmul_and_row_sums(Sizes { m, n, k }, a, b, &mut sums), expected);
        let packed = PackedBf16::new(&weight, n, k);
        assert_eq!(super::linear_bf16(&x, &packed, Epilogue::default()), expected);
        let packed = PackedInt8::new(&weight, n, k);
        linear_int8_on(Level::in_use(), &x, &packed, Epilogue::default(), Shared::new(&mut expected));
        assert_eq!(super::linear_int8(&x, &packed, Epilogue::default()), expected);
    }
}

#[test]
fn rows_are_summed_from_the_first_value_to_the_last() {
    for (m, k, n) in [(1, 1, 1), (37, 70, 5), (64, 33, 130), (100, 200, 64), (3, 0, 4), (130, 64, 300)] {
        for layout in [Layout::Plain, Layout::Transposed] {
            let (a, b) = (test_values(m * k, 5), test_values(k * n, 6));
            let mut expected = vec![0.0; m];
            for l in 0..k {
                for (row, sum) in expected.iter_mut().enumerate() {
                    *sum += if layout == Layout::Plain { a[row * k + l] } else { a[l * m + row] };
                }
            }
            let sizes = Sizes { m, n, k };
            let (a, b) = ((&*a, layout), (&*b, Layout::Plain));
            for isa in Level::available() {
                let (mut c, mut alone) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                let mut sums = vec![f32::NAN; m];
                matmul_on(isa, sizes, a, b, None, Shared::new(&mut c), Some(&mut sums));
                matmul_on(isa, sizes, a, b, None, Shared::new(&mut alone), None);
                assert_eq!(sums, expected, "{isa:?} {layout:?} {m} x {k}");
                assert_eq!(c, alone);
            }
        }
    }
}
