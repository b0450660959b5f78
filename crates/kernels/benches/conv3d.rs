//! Convolutions at the shapes of Wan's autoencoder, and small ones, against PyTorch in bf16: see
//! `peer`. Packed weights in bf16 and in eight bits, the quantisation of the input included.

mod peer;

use std::hint::black_box;

use kernels::conv3d::{Conv3d, PackedConv3d, conv3d_packed};
use peer::{Peer, values};

fn main() {
    let mut peer = Peer::start();
    let (cube, point, time, space) = ([3, 3, 3], [1, 1, 1], [3, 1, 1], [1, 3, 3]);
    for (inputs, outputs, [frames, height, width], kernel, stride) in [
        (96, 96, [4, 128, 128], cube, 1),
        (192, 192, [4, 64, 64], cube, 1),
        (384, 384, [3, 32, 32], cube, 1),
        (16, 384, [3, 32, 32], cube, 1),
        (96, 3, [4, 128, 128], cube, 1),
        (3, 96, [4, 128, 128], cube, 1),
        (384, 384, [3, 32, 32], point, 1),
        (384, 384, [4, 32, 32], time, 1),
        (192, 384, [2, 64, 64], time, 1),
        (192, 96, [4, 128, 128], space, 1),
        (96, 96, [4, 128, 128], space, 2),
        (12, 24, [4, 64, 64], cube, 1),
        (16, 16, [4, 64, 64], cube, 1),
        (24, 24, [8, 64, 64], cube, 1),
        (48, 48, [4, 64, 64], cube, 1),
    ] {
        let pad = usize::from(kernel[1] == 3);
        let shape = Conv3d {
            batch: 1,
            inputs,
            outputs,
            // In time as inside a clip: behind the cached frames of what came before.
            size: [frames + kernel[0] - 1, height, width],
            kernel,
            stride: [1, stride, stride],
            front: [0, if stride == 1 { pad } else { 0 }, if stride == 1 { pad } else { 0 }],
            back: [0, pad, pad],
        };
        let (x, weight) = (values(shape.input_len()), values(shape.weight_len()));
        let mut y = vec![0.0; shape.output_len()];
        let flop = 2.0 * (shape.output_len() * shape.weight_len() / outputs) as f64;
        let [kt, kh, kw] = kernel;
        let request = format!("conv3d {inputs} {outputs} {frames} {height} {width} {kt} {kh} {kw} {stride}");
        let name = format!("{inputs} to {outputs}, {frames}x{height}x{width}, {kt}x{kh}x{kw} / {stride}");
        for (precision, weight) in [
            ("bf16", PackedConv3d::bf16(&weight, outputs, inputs, kernel)),
            ("int8", PackedConv3d::int8(&weight, outputs, inputs, kernel)),
        ] {
            peer.compare(&format!("{name}, {precision}"), flop, &request, || {
                conv3d_packed(&shape, &x, &weight, None, black_box(&mut y));
            });
        }
    }
}
