//! The three transforms, and the convolution as they define it.

use crate::{conv3d::shape::Conv3d, matmul::scalar::round_bf16};

/// A square of 4 by 4.
pub type Square = [[f32; 4]; 4];

/// `Bᵀ` of four inputs.
fn inputs_of(d: [f32; 4]) -> [f32; 4] {
    [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]
}

/// `G` of three weights.
fn weights_of(g: [f32; 3]) -> [f32; 4] {
    [g[0], 0.5 * (g[0] + g[1] + g[2]), 0.5 * (g[0] - g[1] + g[2]), g[2]]
}

/// `Aᵀ` of four sums.
fn outputs_of(m: [f32; 4]) -> [f32; 2] {
    [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
}

fn transpose<const R: usize, const C: usize>(rows: [[f32; C]; R]) -> [[f32; R]; C] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

/// `Bᵀ d B`.
pub fn inputs(d: Square) -> Square {
    let rows = d.map(inputs_of);
    transpose(transpose(rows).map(inputs_of))
}

/// `G g Gᵀ` of nine weights, row by row.
pub fn weights(g: &[f32; 9]) -> Square {
    let rows: [[f32; 4]; 3] =
        std::array::from_fn(|row| weights_of([g[3 * row], g[3 * row + 1], g[3 * row + 2]]));
    transpose(transpose(rows).map(weights_of))
}

/// `Aᵀ m A`.
pub fn outputs(m: Square) -> [[f32; 2]; 2] {
    let rows = m.map(outputs_of);
    transpose(transpose(rows).map(outputs_of))
}

/// See [`super`].
///
/// # Panics
/// If the kernel is not of 3 by 3 pixels with a stride of 1.
pub fn conv3d(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    assert!(shape.kernel[1..] == [3, 3] && shape.stride[1..] == [1, 1]);
    let [frames, height, width] = shape.size;
    let [out_frames, out_height, out_width] = shape.output_size();
    let taps = shape.kernel[0];
    let value = |n: usize, c: usize, t: usize, row: usize, column: usize| {
        let at = |padded: usize, axis: usize| {
            let index = padded.checked_sub(shape.front[axis])? / shape.repeat()[axis];
            Some(index).filter(|&index| index < shape.size[axis])
        };
        let (Some(row), Some(column)) = (at(row, 1), at(column, 2)) else { return 0.0 };
        x[(((n * shape.inputs + c) * frames + t) * height + row) * width + column]
    };
    for index in 0..shape.batch * shape.outputs * out_frames {
        let (t, index) = (index % out_frames, index / out_frames);
        let (n, output) = (index / shape.outputs, index % shape.outputs);
        for row in (0..out_height).step_by(2) {
            for column in (0..out_width).step_by(2) {
                let mut sums = Square::default();
                for (c, tap) in (0..shape.inputs).flat_map(|c| (0..taps).map(move |tap| (c, tap))) {
                    let source = (t * shape.stride[0] + tap).checked_sub(shape.front[0]);
                    let Some(source) = source.filter(|&source| source < frames) else { continue };
                    let d = std::array::from_fn(|i| {
                        std::array::from_fn(|j| value(n, c, source, row + i, column + j))
                    });
                    let kernel = &weight[((output * shape.inputs + c) * taps + tap) * 9..][..9];
                    let (v, u) = (inputs(d), weights(kernel.try_into().expect("nine taps")));
                    for (sum, (v, u)) in
                        sums.as_flattened_mut().iter_mut().zip(v.as_flattened().iter().zip(u.as_flattened()))
                    {
                        *sum += round_bf16(*v) * round_bf16(*u);
                    }
                }
                for (i, outputs) in outputs(sums).into_iter().enumerate() {
                    for (j, sum) in outputs.into_iter().enumerate() {
                        if row + i < out_height && column + j < out_width {
                            let place =
                                ((n * shape.outputs + output) * out_frames + t) * out_height + row + i;
                            y[place * out_width + column + j] = sum + bias.map_or(0.0, |bias| bias[output]);
                        }
                    }
                }
            }
        }
    }
}
