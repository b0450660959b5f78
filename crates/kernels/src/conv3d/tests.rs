//! The fast paths against the definition, over strides, paddings and odd sizes.

use half::bf16;

use super::{
    Conv3d, Form, Frames, PackedConv3d, Values, backward_input_on, backward_weight_on, conv3d_packed,
    forward_on, product::run_within, scalar,
};
use crate::{
    isa::Level, lanes::test_values, matmul::scalar::round_bf16, pointwise::channel_rms_norm, shared::Shared,
    threads::with_threads,
};

/// As in the autoencoder, in small.
pub(super) fn causal() -> Conv3d {
    Conv3d {
        batch: 2,
        inputs: 5,
        outputs: 7,
        size: [3, 5, 19],
        doubled: false,
        kernel: [3, 3, 3],
        stride: [1, 1, 1],
        front: [2, 1, 1],
        back: [0, 1, 1],
    }
}

fn shapes() -> Vec<Conv3d> {
    let causal = causal();
    vec![
        causal,
        Conv3d { inputs: 12, outputs: 33, size: [2, 4, 32], ..causal },
        Conv3d { inputs: 1, outputs: 70, size: [1, 2, 3], ..causal },
        // Several tiles of words, of input channels and of positions, none of them whole.
        Conv3d { batch: 1, inputs: 70, outputs: 40, size: [2, 3, 70], ..causal },
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
        for isa in Level::available() {
            let fast = forward_on(isa, &shape, &x, &weight, Some(&bias));
            let what = format!("{isa:?} of {shape:?}");
            assert_close(&fast, &slow, shape.inputs * 27, &format!("forward on {what}"));
            let packed = PackedConv3d::bf16_on(isa, &weight, shape.filter());
            let again = conv3d_packed(&shape, &[], Values::F32(&x), &packed, Some(&bias));
            assert_eq!(fast, again, "packed weights on {what}");

            let packed = PackedConv3d::int8_on(isa, &weight, shape.filter());
            let fast = conv3d_packed(&shape, &[], Values::F32(&x), &packed, Some(&bias));
            assert_close(&fast, &slow_int8, shape.inputs * 27, &format!("eight bits on {what}"));

            let fast = backward_input_on(isa, &shape, &dy, &weight);
            assert_close(&fast, &slow_dx, shape.outputs * 27, &format!("input gradient on {what}"));
        }

        let mut slow = vec![f32::NAN; weight.len()];
        scalar::backward_weight(&shape, &x, &dy, &mut slow);
        let positions = dy.len() / shape.batch / shape.outputs;
        for isa in Level::available() {
            let [fast, d_bias] = backward_weight_on(isa, &shape, &x, &dy);
            let what = format!("weight gradient on {isa:?} of {shape:?}");
            assert_close(&fast, &slow, shape.output_len() / shape.outputs, &what);
            for (channel, sum) in d_bias.iter().enumerate() {
                let values = dy.iter().enumerate().filter(|(i, _)| i / positions % shape.outputs == channel);
                let exact: f32 = values.map(|(_, d)| d).sum();
                assert!((sum - exact).abs() <= 1e-4 * positions as f32, "{what}");
            }
        }
    }
}

/// Each shape on each instruction set that the machine has.
fn cases() -> impl Iterator<Item = (Conv3d, Level)> {
    shapes().into_iter().flat_map(|shape| Level::available().map(move |isa| (shape, isa)))
}

/// Weights by taps in bf16 and in eight bits.
fn packings(isa: Level, shape: &Conv3d, weight: &[f32]) -> [PackedConv3d; 2] {
    [PackedConv3d::bf16_on, PackedConv3d::int8_on].map(|pack| pack(isa, weight, shape.filter()))
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for (shape, isa) in cases() {
        let (x, weight) = (test_values(shape.input_len(), 1), test_values(shape.weight_len(), 2));
        let dy = test_values(shape.output_len(), 4);
        let [bf16, int8] = packings(isa, &shape, &weight);
        let run = |threads| {
            with_threads(threads, || {
                let y = forward_on(isa, &shape, &x, &weight, None);
                let dx = backward_input_on(isa, &shape, &dy, &weight);
                let [dw, db] = backward_weight_on(isa, &shape, &x, &dy);
                let packed = [&bf16, &int8].map(|w| conv3d_packed(&shape, &[], Values::F32(&x), w, None));
                ([y, dx, dw, db], packed)
            })
        };
        let one = run(1);
        assert_eq!(one, run(2), "{isa:?} {shape:?}");
        assert_eq!(one, run(3), "{isa:?} {shape:?}");
    }
}

#[test]
fn bits_do_not_depend_on_how_many_frames_are_held_at_once() {
    for (shape, isa) in cases() {
        let (x, weight) = (test_values(shape.input_len(), 1), test_values(shape.weight_len(), 2));
        for packed in packings(isa, &shape, &weight) {
            let run = |limit| {
                let mut y = vec![0.0; shape.output_len()];
                let frames = Frames::new(&shape, &[], Values::F32(&x));
                let Form::Taps(weights) = packed.form(&shape) else { panic!("packed by taps") };
                run_within(limit, &shape.geometry(), shape.batch, frames, weights, None, Shared::new(&mut y));
                y
            };
            let whole = run(usize::MAX);
            for limit in [0, 1_000, 10_000] {
                assert_eq!(whole, run(limit), "{isa:?} {shape:?}, {limit} words");
            }
        }
    }
}

fn half(values: &[f32]) -> Vec<bf16> {
    values.iter().map(|&x| bf16::from_f32(x)).collect()
}

#[test]
fn a_clip_in_parts_is_the_clip() {
    // Frames behind the cached ones of the part before, in eight bits too: a frame's scale is its own.
    let shape = Conv3d { batch: 2, ..shapes()[0] };
    let weight = test_values(shape.weight_len(), 2);
    let whole = Conv3d { size: [6, 5, 19], ..shape };
    // Numbers that bf16 can keep.
    let x: Vec<f32> = test_values(whole.input_len(), 1).into_iter().map(round_bf16).collect();
    let plane = 5 * 19;
    let mut packings: Vec<_> = Level::available().flat_map(|isa| packings(isa, &shape, &weight)).collect();
    for isa in Level::available().filter(|isa| isa.has_avx512()) {
        packings.push(PackedConv3d::transformed_on(isa, &weight, shape.filter()));
    }
    for packed in packings {
        let y = conv3d_packed(&whole, &[], Values::F32(&x), &packed, None);
        // The last three output frames, from the last five input frames, of which two or none were kept.
        let part = Conv3d { size: [5, 5, 19], front: [0, 1, 1], ..shape };
        let frames = |range: std::ops::Range<usize>| -> Vec<f32> {
            x.chunks_exact(6 * plane)
                .flat_map(|x| x[range.start * plane..range.end * plane].to_vec())
                .collect()
        };
        let (new, tail) = (frames(3..6), frames(1..6));
        let past = [frames(1..2), frames(2..3)];
        let halves = [half(&past[0]), half(&past[1])];
        let half_new = half(&new);
        for (past, new) in [
            (vec![], Values::F32(&tail)),
            (vec![Values::F32(&past[0]), Values::F32(&past[1])], Values::F32(&new)),
            (vec![Values::Bf16(&halves[0]), Values::Bf16(&halves[1])], Values::F32(&new)),
            (vec![Values::F32(&past[0]), Values::Bf16(&halves[1])], Values::Bf16(&half_new)),
        ] {
            let y_part = conv3d_packed(&part, &past, new, &packed, None);
            for (whole, part) in y.chunks_exact(6 * plane).zip(y_part.chunks_exact(3 * plane)) {
                assert_eq!(&whole[3 * plane..], part);
            }
        }
    }
}

#[test]
fn kept_frames_meet_any_stride() {
    for (shape, isa) in cases() {
        let x: Vec<f32> = test_values(shape.input_len(), 1).into_iter().map(round_bf16).collect();
        let weight = test_values(shape.weight_len(), 2);
        let plane = shape.size[1] * shape.size[2];
        let frame = |t: usize| -> Vec<f32> {
            x.chunks_exact(plane).skip(t).step_by(shape.size[0]).flatten().copied().collect()
        };
        let frames: Vec<Vec<f32>> = (0..shape.size[0]).map(frame).collect();
        let halves: Vec<Vec<bf16>> = frames.iter().map(|frame| half(frame)).collect();
        for packed in packings(isa, &shape, &weight) {
            let run = |past: &[Values<'_>], new: Values<'_>| conv3d_packed(&shape, past, new, &packed, None);
            let expected = run(&[], Values::F32(&x));
            assert_eq!(run(&[], Values::Bf16(&half(&x))), expected, "{isa:?} {shape:?}");
            let frames: Vec<_> = frames.iter().map(|frame| Values::F32(frame)).collect();
            let halves: Vec<_> = halves.iter().map(|frame| Values::Bf16(frame)).collect();
            assert_eq!(run(&frames, Values::F32(&[])), expected, "{isa:?} {shape:?}");
            assert_eq!(run(&halves, Values::F32(&[])), expected, "{isa:?} {shape:?}");
        }
    }
}

/// Every pixel as a square of four.
fn doubled(x: &[f32], width: usize) -> Vec<f32> {
    let twice = |row: &[f32]| row.iter().flat_map(|&x| [x, x]).collect::<Vec<_>>();
    x.chunks_exact(width).map(twice).flat_map(|row| [row.clone(), row].concat()).collect()
}

#[test]
fn a_doubled_picture_is_met_pixel_by_pixel() {
    let images = Conv3d { kernel: [1, 3, 3], front: [0, 1, 1], doubled: true, ..causal() };
    for small in [
        images,
        Conv3d { inputs: 16, outputs: 33, size: [1, 8, 40], back: [0, 0, 2], ..images },
        Conv3d { inputs: 1, outputs: 1, size: [1, 1, 1], ..images },
        Conv3d { kernel: [3; 3], front: [2, 1, 1], size: [3, 2, 17], ..images },
        // By taps alone: other paddings, a kernel that is larger, a stride.
        Conv3d { front: [0; 3], ..images },
        Conv3d { front: [0, 2, 0], back: [0, 2, 2], ..images },
        Conv3d { kernel: [1, 5, 4], front: [0, 3, 2], ..images },
        Conv3d { stride: [1, 2, 3], ..images },
    ] {
        let [frames, height, width] = small.size;
        let large = Conv3d { size: [frames, 2 * height, 2 * width], doubled: false, ..small };
        let (x, weight) = (test_values(small.input_len(), 1), test_values(small.weight_len(), 2));
        let (half, many) = (half(&x), doubled(&x, width));
        let (mut by_definition, mut expected) =
            (vec![0.0; large.output_len()], vec![0.0; large.output_len()]);
        scalar::conv3d(&small, &x, &weight, None, &mut by_definition);
        scalar::conv3d(&large, &many, &weight, None, &mut expected);
        assert_eq!(by_definition, expected, "{small:?}");

        let mut packings: Vec<_> =
            Level::available().flat_map(|isa| packings(isa, &small, &weight)).collect();
        let by_squares = small.kernel[1..] == [3, 3] && small.front[1..] == [1, 1] && small.stride == [1; 3];
        for isa in Level::available().filter(|isa| isa.has_avx512() && by_squares) {
            packings.push(PackedConv3d::transformed_on(isa, &weight, small.filter()));
        }
        for packed in packings {
            let run = |threads, shape: &Conv3d, x: Values<'_>| {
                with_threads(threads, || conv3d_packed(shape, &[], x, &packed, None))
            };
            let expected = run(1, &large, Values::F32(&many));
            for threads in [1, 2, 3] {
                assert_eq!(run(threads, &small, Values::F32(&x)), expected, "{small:?}");
            }
            let rounded: Vec<f32> = many.iter().map(|&x| round_bf16(x)).collect();
            let expected = run(1, &large, Values::F32(&rounded));
            assert_eq!(run(1, &small, Values::Bf16(&half)), expected, "{small:?}");
        }
    }
}

#[test]
fn what_is_not_finite_is_not_hidden() {
    let shape = shapes()[0];
    let weight = test_values(shape.weight_len(), 2);
    for (isa, value) in Level::available().flat_map(|isa| [(isa, f32::NAN), (isa, f32::INFINITY)]) {
        let mut x = test_values(shape.input_len(), 1);
        x[40] = value;
        for packed in packings(isa, &shape, &weight) {
            let y = conv3d_packed(&shape, &[], Values::F32(&x), &packed, None);
            assert!(!y[40].is_finite());
            assert!(y[y.len() / 2..].iter().all(|y| y.is_finite()), "the other sample");
        }
        let mut weight = weight.clone();
        weight[3] = value;
        let packed = PackedConv3d::int8_on(isa, &weight, shape.filter());
        let y = conv3d_packed(&shape, &[], Values::F32(&test_values(shape.input_len(), 1)), &packed, None);
        let positions = y.len() / shape.batch / shape.outputs;
        assert!(y[..positions].iter().all(|y| !y.is_finite()));
        assert!(y[positions..2 * positions].iter().all(|y| y.is_finite()));
    }
}

/// Residual blocks of norm, SiLU and convolution as in Wan's autoencoder, then a picture.
fn decoder_like(isa: Level, channels: usize, size: [usize; 3], int8: bool) -> Vec<f32> {
    let positions: usize = size.iter().product();
    let mut x = test_values(channels * positions, 1);
    let layer = |x: &[f32], outputs: usize, seed: u64| {
        let shape = Conv3d {
            batch: 1,
            inputs: channels,
            outputs,
            size,
            doubled: false,
            kernel: [3; 3],
            stride: [1; 3],
            front: [2, 1, 1],
            back: [0, 1, 1],
        };
        let gamma: Vec<f32> = test_values(channels, seed).into_iter().map(|g| 1.0 + 0.5 * g).collect();
        let normal = channel_rms_norm(x, &gamma, positions, true);
        // Sums of three uniform values: about as many far from the mean as trained weights have.
        let size = 1.7 / ((channels * 27) as f32).sqrt();
        let parts: Vec<_> = (1..4).map(|part| test_values(shape.weight_len(), part * 100 + seed)).collect();
        let weight: Vec<f32> =
            (0..shape.weight_len()).map(|i| size * parts.iter().map(|part| part[i]).sum::<f32>()).collect();
        let pack = if int8 { PackedConv3d::int8_on } else { PackedConv3d::bf16_on };
        let packed = pack(isa, &weight, shape.filter());
        conv3d_packed(&shape, &[], Values::F32(&normal), &packed, None)
    };
    for block in 0..5 {
        let h = layer(&x, channels, 2 * block + 2);
        let h = layer(&h, channels, 2 * block + 3);
        x.iter_mut().zip(h).for_each(|(x, h)| *x += h);
    }
    layer(&x, 3, 99)
}

#[test]
fn a_decoder_in_eight_bits_keeps_forty_decibels() {
    for isa in Level::available() {
        let [exact, eight] = [false, true].map(|int8| decoder_like(isa, 32, [3, 12, 20], int8));
        let (least, most) = exact.iter().fold((0.0f32, 0.0f32), |(a, b), &x| (a.min(x), b.max(x)));
        let squares: f32 = exact.iter().zip(&eight).map(|(a, b)| (a - b).powi(2)).sum();
        let decibels = 10.0 * ((most - least).powi(2) / (squares / exact.len() as f32)).log10();
        assert!(decibels >= 40.0, "{isa:?}: {decibels}");
        assert!(exact != eight);
    }
}
