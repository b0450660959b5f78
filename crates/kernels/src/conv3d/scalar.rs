//! The definition: every output, every channel, every tap.

use super::{
    quantize::{Extremes, quantize_weight, weight_scale},
    shape::Conv3d,
};
use crate::matmul::scalar::round_bf16;

/// Calls `visit(x index, weight index, y index)` for every product of the convolution.
pub(super) fn products(shape: &Conv3d, mut visit: impl FnMut(usize, usize, usize)) {
    let [ot, oh, ow] = shape.output_size();
    let [it, ih, iw] = shape.size;
    let [kt, kh, kw] = shape.kernel;
    let input = |axis: usize, output: usize, tap: usize| {
        let inside = (output * shape.stride[axis] + tap).checked_sub(shape.front[axis])?;
        Some(inside / shape.repeat()[axis]).filter(|&i| i < shape.size[axis])
    };
    for n in 0..shape.batch {
        for co in 0..shape.outputs {
            for (t, h, w) in grid([ot, oh, ow]) {
                let y = (((n * shape.outputs + co) * ot + t) * oh + h) * ow + w;
                for ci in 0..shape.inputs {
                    for (a, b, c) in grid([kt, kh, kw]) {
                        let at = (input(0, t, a), input(1, h, b), input(2, w, c));
                        if let (Some(t), Some(h), Some(w)) = at {
                            let x = (((n * shape.inputs + ci) * it + t) * ih + h) * iw + w;
                            let weight = (((co * shape.inputs + ci) * kt + a) * kh + b) * kw + c;
                            visit(x, weight, y);
                        }
                    }
                }
            }
        }
    }
}

fn grid([t, h, w]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..t).flat_map(move |t| (0..h).flat_map(move |h| (0..w).map(move |w| (t, h, w))))
}

/// See [`super::conv3d`].
pub fn conv3d(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let positions: usize = shape.output_size().iter().product();
    for (i, y) in y.iter_mut().enumerate() {
        *y = bias.map_or(0.0, |bias| bias[i / positions % shape.outputs]);
    }
    products(shape, |i, j, o| y[o] += round_bf16(x[i]) * round_bf16(weight[j]));
}

/// See [`super::conv3d_backward_input`].
pub fn backward_input(shape: &Conv3d, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    products(shape, |i, j, o| dx[i] += round_bf16(dy[o]) * round_bf16(weight[j]));
}

/// See [`super::conv3d_backward_weight`].
pub fn backward_weight(shape: &Conv3d, x: &[f32], dy: &[f32], d_weight: &mut [f32]) {
    d_weight.fill(0.0);
    products(shape, |i, j, o| d_weight[j] += round_bf16(x[i]) * round_bf16(dy[o]));
}

/// See [`super::conv3d_packed`] with weights in eight bits.
pub fn conv3d_int8(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let (frames, plane) = (shape.size[0], shape.size[1] * shape.size[2]);
    let of_channel = shape.inputs * frames * plane;
    let mut rounded = x.to_vec();
    for sample in rounded.chunks_exact_mut(of_channel) {
        for frame in 0..frames {
            let places = || (0..shape.inputs).map(|c| (c * frames + frame) * plane).map(|at| at..at + plane);
            let extremes = places().map(|at| Extremes::of(&sample[at]));
            let scale = extremes.fold(Extremes::default(), Extremes::join).scale();
            for at in places() {
                for x in &mut sample[at] {
                    *x = (scale.quantize(*x) - scale.zero) * scale.scale;
                }
            }
        }
    }
    let mut weights = weight.to_vec();
    for weights in weights.chunks_exact_mut(weight.len() / shape.outputs) {
        let scale = weight_scale(weights);
        weights.iter_mut().for_each(|w| *w = quantize_weight(*w, scale) * scale);
    }
    let positions: usize = shape.output_size().iter().product();
    for (i, y) in y.iter_mut().enumerate() {
        *y = bias.map_or(0.0, |bias| bias[i / positions % shape.outputs]);
    }
    products(shape, |i, j, o| y[o] += rounded[i] * weights[j]);
}
