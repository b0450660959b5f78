//! Convolutions with packed weights at the shapes of Wan's autoencoder and of kinora-tiny's: by taps, transformed
//! where the kernel and the stride allow it, and in eight bits.

use std::hint::black_box;

use kernels::conv3d::{Conv3d, PackedConv3d, Values, conv3d_packed};

use super::{measure, values};

pub fn run() {
    let (cube, point, time, space) = ([3, 3, 3], [1, 1, 1], [3, 1, 1], [1, 3, 3]);
    for (inputs, outputs, [frames, height, width], kernel, stride) in [
        (96, 96, [4, 256, 256], cube, 1),
        (192, 192, [4, 128, 128], cube, 1),
        (384, 384, [4, 64, 64], cube, 1),
        (384, 384, [3, 60, 104], cube, 1),
        (16, 384, [3, 32, 32], cube, 1),
        (96, 3, [4, 128, 128], cube, 1),
        (3, 96, [4, 128, 128], cube, 1),
        (384, 384, [3, 32, 32], point, 1),
        (384, 768, [3, 32, 32], time, 1),
        (192, 96, [4, 128, 128], space, 1),
        (96, 96, [4, 128, 128], space, 2),
        (12, 24, [4, 64, 64], cube, 1),
        (24, 24, [8, 64, 64], cube, 1),
        (48, 48, [4, 64, 64], cube, 1),
    ] {
        let pad = usize::from(kernel[1] == 3);
        let before = if stride == 1 { pad } else { 0 };
        let stride = [1, stride, stride];
        let shape = Conv3d {
            batch: 1,
            inputs,
            outputs,
            // In time as inside a clip: behind the cached frames of what came before.
            size: [frames + kernel[0] - 1, height, width],
            doubled: false,
            kernel,
            stride,
            front: [0, before, before],
            back: [0, pad, pad],
        };
        let (x, weight) = (values(shape.input_len()), values(shape.weight_len()));
        let flop = 2.0 * (shape.output_len() * shape.weight_len() / outputs) as f64;
        let [kt, kh, kw] = kernel;
        println!("conv3d {inputs} to {outputs}, {frames}x{height}x{width}, {kt}x{kh}x{kw} / {}", stride[1]);
        for (form, weight) in [
            ("  by taps", PackedConv3d::bf16(&weight, outputs, inputs, kernel)),
            (
                "  as packed for its stride",
                PackedConv3d::bf16_with_stride(&weight, outputs, inputs, kernel, stride),
            ),
            ("  eight bits", PackedConv3d::int8(&weight, outputs, inputs, kernel)),
        ] {
            measure(form, "GFLOP/s", flop, || {
                black_box(conv3d_packed(&shape, &[], Values::F32(&x), &weight, None));
            });
        }
    }
}
