//! The fast paths against the definition, over strides, paddings and odd sizes.

use super::{
    Conv3d, PackedConv3d, backward_input_on, conv3d, conv3d_backward_input, conv3d_backward_weight,
    conv3d_packed, forward_on, scalar,
};
use crate::Isa;
use crate::lanes::test_values;
use crate::threads::with_threads;

fn shapes() -> Vec<Conv3d> {
    let causal = Conv3d {
        batch: 2,
        inputs: 5,
        outputs: 7,
        size: [3, 5, 19],
        kernel: [3, 3, 3],
        stride: [1, 1, 1],
        front: [2, 1, 1],
        back: [0, 1, 1],
    };
    vec![
        causal,
        Conv3d { inputs: 12, outputs: 33, size: [2, 4, 32], ..causal },
        Conv3d { inputs: 1, outputs: 70, size: [1, 2, 3], ..causal },
        Conv3d { kernel: [1, 1, 1], front: [0; 3], back: [0; 3], ..causal },
        // Wan's downsampling: zeros only behind, stride 2; then in time.
        Conv3d {
            size: [1, 8, 18],
            kernel: [1, 3, 3],
            stride: [1, 2, 2],
            front: [0; 3],
            back: [0, 1, 1],
            ..causal
        },
        // Odd sizes under stride 2 on every axis; a stride beyond the kernel; a width of one.
        Conv3d { size: [5, 7, 37], stride: [2, 2, 2], ..causal },
        Conv3d {
            size: [2, 5, 40],
            kernel: [1, 1, 1],
            stride: [1, 2, 3],
            front: [0; 3],
            back: [0; 3],
            ..causal
        },
        Conv3d { inputs: 3, outputs: 70, size: [2, 3, 1], ..causal },
        Conv3d {
            size: [9, 3, 17],
            kernel: [3, 1, 1],
            stride: [2, 1, 1],
            front: [0; 3],
            back: [0; 3],
            ..causal
        },
    ]
}

fn assert_close(fast: &[f32], slow: &[f32], terms: usize, what: &str) {
    for (i, (fast, slow)) in fast.iter().zip(slow).enumerate() {
        // Both round their inputs alike; only the order of the f32 sums differs.
        assert!((fast - slow).abs() <= 2e-6 * terms as f32 + 1e-5, "{what} at {i}: {fast} for {slow}");
    }
}

#[test]
fn equals_the_definition() {
    for shape in shapes() {
        let x = test_values(shape.input_len(), 1);
        let weight = test_values(shape.weight_len(), 2);
        let bias = test_values(shape.outputs, 3);
        let dy = test_values(shape.output_len(), 4);

        let (mut slow, mut slow_int8) = (vec![f32::NAN; dy.len()], vec![f32::NAN; dy.len()]);
        scalar::conv3d(&shape, &x, &weight, Some(&bias), &mut slow);
        scalar::conv3d_int8(&shape, &x, &weight, Some(&bias), &mut slow_int8);
        let mut slow_dx = vec![f32::NAN; x.len()];
        scalar::backward_input(&shape, &dy, &weight, &mut slow_dx);
        for isa in Isa::available() {
            let mut fast = vec![f32::NAN; dy.len()];
            forward_on(isa, &shape, &x, &weight, Some(&bias), &mut fast);
            let what = format!("{isa:?} of {shape:?}");
            assert_close(&fast, &slow, shape.inputs * 27, &format!("forward on {what}"));
            let packed = PackedConv3d::bf16_on(isa, &weight, shape.outputs, shape.inputs, shape.kernel);
            let mut again = vec![f32::NAN; dy.len()];
            conv3d_packed(&shape, &x, &packed, Some(&bias), &mut again);
            assert_eq!(fast, again, "packed weights on {what}");

            let packed = PackedConv3d::int8_on(isa, &weight, shape.outputs, shape.inputs, shape.kernel);
            conv3d_packed(&shape, &x, &packed, Some(&bias), &mut fast);
            assert_close(&fast, &slow_int8, shape.inputs * 27, &format!("eight bits on {what}"));

            let mut fast = vec![f32::NAN; x.len()];
            backward_input_on(isa, &shape, &dy, &weight, &mut fast);
            assert_close(&fast, &slow_dx, shape.outputs * 27, &format!("input gradient on {what}"));
        }

        let (mut fast, mut slow) = (vec![f32::NAN; weight.len()], vec![f32::NAN; weight.len()]);
        let mut d_bias = vec![f32::NAN; shape.outputs];
        conv3d_backward_weight(&shape, &x, &dy, &mut fast, &mut d_bias);
        scalar::backward_weight(&shape, &x, &dy, &mut slow);
        assert_close(&fast, &slow, shape.output_len() / shape.outputs, &format!("weights of {shape:?}"));
        let positions = dy.len() / shape.batch / shape.outputs;
        for (channel, sum) in d_bias.iter().enumerate() {
            let values = dy.iter().enumerate().filter(|(i, _)| i / positions % shape.outputs == channel);
            let exact: f32 = values.map(|(_, d)| d).sum();
            assert!((sum - exact).abs() <= 1e-4 * positions as f32);
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let shape = shapes()[1];
    let (x, weight) = (test_values(shape.input_len(), 1), test_values(shape.weight_len(), 2));
    let dy = test_values(shape.output_len(), 4);
    let run = |threads| {
        let (mut y, mut dw) = (vec![0.0; dy.len()], vec![0.0; weight.len()]);
        let mut db = vec![0.0; shape.outputs];
        with_threads(threads, || {
            conv3d(&shape, &x, &weight, None, &mut y);
            conv3d_backward_weight(&shape, &x, &dy, &mut dw, &mut db);
        });
        (y, dw, db)
    };
    assert_eq!(run(1), run(3));
}
