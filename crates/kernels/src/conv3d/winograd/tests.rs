use super::*;
use crate::{
    conv3d::{Conv3d, Form, Frames, PackedConv3d, Values, conv3d_packed, product::run_within, tests::causal},
    lanes::test_values,
    threads::with_threads,
};

fn shapes() -> Vec<Conv3d> {
    let causal = causal();
    vec![
        causal,
        Conv3d { inputs: 16, outputs: 100, size: [2, 4, 32], ..causal },
        Conv3d { inputs: 1, outputs: 1, size: [1, 1, 1], ..causal },
        // Rows of 33 squares, so that runs end in the middle of blocks.
        Conv3d { batch: 1, size: [1, 14, 66], ..causal },
        // One frame tap, no padding, and padding of two.
        Conv3d { kernel: [1, 3, 3], front: [0; 3], back: [0; 3], size: [2, 6, 40], ..causal },
        Conv3d { kernel: [1, 3, 3], front: [0, 2, 2], back: [0, 2, 2], size: [1, 3, 4], ..causal },
        // Every input a square of four.
        Conv3d { doubled: true, kernel: [1, 3, 3], front: [0, 1, 1], size: [2, 7, 18], ..causal },
        // Every second frame.
        Conv3d { stride: [2, 1, 1], front: [0, 1, 1], size: [5, 7, 9], ..causal },
    ]
}

/// The weights of a shape on each instruction set that the machine has: transformed on AVX-512, by taps elsewhere. So
/// the tests hold what a machine without the transforms does at these shapes, and are never empty.
fn packings(shape: Conv3d) -> impl Iterator<Item = (Level, PackedConv3d)> {
    let weight = test_values(shape.weight_len(), 2);
    Level::available().map(move |isa| {
        let pack = if isa.has_avx512() { PackedConv3d::transformed_on } else { PackedConv3d::bf16_on };
        (isa, pack(isa, &weight, shape.filter()))
    })
}

fn cases() -> impl Iterator<Item = (Conv3d, Level, PackedConv3d)> {
    shapes().into_iter().flat_map(|shape| packings(shape).map(move |(isa, packed)| (shape, isa, packed)))
}

#[test]
fn weights_are_transformed_where_that_is_faster() {
    let shape = Conv3d { inputs: LEAST_CHANNELS, outputs: LEAST_CHANNELS, ..causal() };
    for isa in Level::available() {
        let is_transformed = |shape: Conv3d| {
            let weight = vec![1.0; shape.weight_len()];
            let packed = PackedConv3d::bf16_with_stride_on(isa, &weight, shape.filter(), shape.stride);
            matches!(packed.form(&shape), Form::Transformed(_))
        };
        let expected = matches!(isa.isa(), Isa::Avx512 | Isa::Avx512Bf16);
        assert_eq!(is_transformed(shape), expected, "{isa:?}");
        for other in [
            Conv3d { inputs: LEAST_CHANNELS - 1, ..shape },
            Conv3d { outputs: LEAST_CHANNELS - 1, ..shape },
            Conv3d { stride: [1, 2, 1], ..shape },
            Conv3d { kernel: [3, 3, 1], back: [0; 3], front: [0; 3], ..shape },
        ] {
            assert!(!is_transformed(other), "{isa:?} {other:?}");
        }
    }
}

#[test]
fn equals_its_definition() {
    for (shape, isa, packed) in cases() {
        let (x, bias) = (test_values(shape.input_len(), 1), test_values(shape.outputs, 3));
        let weight = test_values(shape.weight_len(), 2);
        let mut slow = vec![f32::NAN; shape.output_len()];
        let fast = conv3d_packed(&shape, &[], Values::F32(&x), &packed, Some(&bias));
        match packed.form(&shape) {
            Form::Transformed(_) => scalar::conv3d(&shape, &x, &weight, Some(&bias), &mut slow),
            Form::Taps(_) => crate::conv3d::scalar::conv3d(&shape, &x, &weight, Some(&bias), &mut slow),
        }
        for (i, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
            // The order of the f32 sums differs, and nine sums meet in an output.
            let tolerance = 2e-6 * (shape.inputs * 27 * 4) as f32 + 1e-5;
            assert!((fast - slow).abs() <= tolerance, "{isa:?} {shape:?} at {i}: {fast} for {slow}");
        }
    }
}

#[test]
fn the_definition_is_a_convolution() {
    // With one channel and small whole numbers nothing is rounded.
    let whole =
        |len, seed| -> Vec<f32> { test_values(len, seed).into_iter().map(|x| (3.0 * x).round()).collect() };
    for shape in shapes() {
        let shape = Conv3d { inputs: 1, outputs: 2, ..shape };
        let (x, weight) = (whole(shape.input_len(), 1), whole(shape.weight_len(), 2));
        let mut by_squares = vec![f32::NAN; shape.output_len()];
        let mut by_taps = by_squares.clone();
        scalar::conv3d(&shape, &x, &weight, None, &mut by_squares);
        crate::conv3d::scalar::conv3d(&shape, &x, &weight, None, &mut by_taps);
        assert_eq!(by_squares, by_taps, "{shape:?}");
    }
}

#[test]
fn bits_depend_neither_on_threads_nor_on_what_is_held_at_once() {
    for (shape, isa, packed) in cases() {
        let x = test_values(shape.input_len(), 1);
        let run = |threads, limit| {
            let (mut y, geometry) = (vec![0.0; shape.output_len()], shape.geometry());
            with_threads(threads, || {
                let (x, to) = (Frames::new(&shape, &[], Values::F32(&x)), Shared::new(&mut y));
                match packed.form(&shape) {
                    Form::Transformed(weights) => run(limit, &geometry, shape.batch, x, weights, None, to),
                    Form::Taps(weights) => run_within(limit, &geometry, shape.batch, x, weights, None, to),
                }
            });
            y
        };
        let whole = run(1, usize::MAX);
        for (threads, limit) in [(2, usize::MAX), (2, 0), (3, 10_000), (1, 100_000)] {
            assert_eq!(whole, run(threads, limit), "{isa:?} {shape:?}, {limit} words");
        }
    }
}

#[test]
fn the_error_is_within_half_a_percent() {
    // As in the autoencoder: many channels, of which the products add up like noise.
    let shape = Conv3d { batch: 1, inputs: 96, outputs: 32, size: [3, 12, 40], ..shapes()[0] };
    let (x, weight) = (test_values(shape.input_len(), 1), test_values(shape.weight_len(), 2));
    let mut exact = vec![0.0; shape.output_len()];
    crate::conv3d::scalar::products(&shape, |i, j, o| exact[o] += f64::from(x[i]) * f64::from(weight[j]));
    let power: f64 = exact.iter().map(|y| y * y).sum();
    for (isa, packed) in packings(shape) {
        let fast = conv3d_packed(&shape, &[], Values::F32(&x), &packed, None);
        let error: f64 = exact.iter().zip(&fast).map(|(y, &fast)| (y - f64::from(fast)).powi(2)).sum();
        let relative = (error / power).sqrt();
        assert!(relative <= 5e-3, "{isa:?}: {relative}");
    }
}
