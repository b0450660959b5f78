use super::*;
use crate::{
    conv3d::{Conv3d, Frames, PackedConv3d, Values, conv3d_packed, tests::causal},
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

/// The transformed weights of every instruction set that has them.
fn packings(shape: &Conv3d) -> impl Iterator<Item = PackedConv3d> {
    let (weight, Conv3d { outputs, inputs, kernel, .. }) = (test_values(shape.weight_len(), 2), *shape);
    let transforms =
        Isa::available().filter(move |isa| suits(*isa, usize::MAX, usize::MAX, [1, 3, 3], [1; 3]));
    transforms.map(move |isa| PackedConv3d::transformed_on(isa, &weight, outputs, inputs, kernel))
}

#[test]
fn equals_its_definition() {
    for (shape, packed) in
        shapes().iter().flat_map(|shape| packings(shape).map(move |packed| (shape, packed)))
    {
        let (x, bias) = (test_values(shape.input_len(), 1), test_values(shape.outputs, 3));
        let mut slow = vec![f32::NAN; shape.output_len()];
        let fast = conv3d_packed(shape, &[], Values::F32(&x), &packed, Some(&bias));
        scalar::conv3d(shape, &x, &test_values(shape.weight_len(), 2), Some(&bias), &mut slow);
        for (i, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
            // The order of the f32 sums differs, and nine sums meet in an output.
            let tolerance = 2e-6 * (shape.inputs * 27 * 4) as f32 + 1e-5;
            assert!((fast - slow).abs() <= tolerance, "{shape:?} at {i}: {fast} for {slow}");
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
    for (shape, weights) in
        shapes().iter().flat_map(|shape| packings(shape).map(move |packed| (shape, packed)))
    {
        let x = test_values(shape.input_len(), 1);
        let run = |threads, limit| {
            let mut y = vec![0.0; shape.output_len()];
            let weights = weights.transformed_of(shape).expect("transformed");
            with_threads(threads, || {
                let x = Frames::new(shape, &[], Values::F32(&x));
                run(limit, &shape.geometry(), shape.batch, x, weights, None, Shared::new(&mut y));
            });
            y
        };
        let whole = run(1, usize::MAX);
        for (threads, limit) in [(2, usize::MAX), (2, 0), (3, 10_000), (1, 100_000)] {
            assert_eq!(whole, run(threads, limit), "{shape:?}, {limit} words");
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
    for packed in packings(&shape) {
        let fast = conv3d_packed(&shape, &[], Values::F32(&x), &packed, None);
        let error: f64 = exact.iter().zip(&fast).map(|(y, &fast)| (y - f64::from(fast)).powi(2)).sum();
        let relative = (error / power).sqrt();
        assert!(relative <= 5e-3, "{relative}");
    }
}
