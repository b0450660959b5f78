//! The definitions, in f64: every value from its formula, every gradient from the derivatives of all values of a row.

use super::activation::Activation;

/// See [`super::activate`].
pub fn activate(activation: Activation, x: &[f64]) -> Vec<f64> {
    x.iter().map(|&x| value_and_derivative(activation, x).0).collect()
}

/// See [`super::activate_backward`].
pub fn activate_backward(activation: Activation, x: &[f64], dy: &[f64]) -> Vec<f64> {
    x.iter().zip(dy).map(|(&x, dy)| dy * value_and_derivative(activation, x).1).collect()
}

fn value_and_derivative(activation: Activation, x: f64) -> (f64, f64) {
    match activation {
        Activation::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            (x * sigmoid, sigmoid * (1.0 + x * (1.0 - sigmoid)))
        }
        Activation::GeluTanh => {
            let factor = (2.0 / std::f64::consts::PI).sqrt();
            let tanh = (factor * (x + 0.044_715 * x.powi(3))).tanh();
            let du = factor * (1.0 + 3.0 * 0.044_715 * x * x);
            (x / 2.0 * (1.0 + tanh), (1.0 + tanh) / 2.0 + x / 2.0 * (1.0 - tanh * tanh) * du)
        }
    }
}

/// See [`super::layer_norm_modulate`].
pub fn layer_norm_modulate(x: &[f64], shift: &[f64], scale: &[f64], dim: usize, eps: f64) -> Vec<f64> {
    let group = group_of(x, shift, dim);
    let (_, n) = layer_norm(x, dim, eps);
    (0..x.len()).map(|i| n[i] * (1.0 + scale[group(i)]) + shift[group(i)]).collect()
}

/// See [`super::layer_norm_modulate_backward`]: the gradients by `x`, `shift` and `scale`.
pub fn layer_norm_modulate_backward(
    dy: &[f64],
    x: &[f64],
    scale: &[f64],
    dim: usize,
    eps: f64,
) -> [Vec<f64>; 3] {
    let group = group_of(x, scale, dim);
    let (std, n) = layer_norm(x, dim, eps);
    let (mut d_shift, mut d_scale) = (vec![0.0; scale.len()], vec![0.0; scale.len()]);
    for (i, dy) in dy.iter().enumerate() {
        d_shift[group(i)] += dy;
        d_scale[group(i)] += dy * n[i];
    }
    // ∂n_j / ∂x_i = (δ_ij − 1 / dim − n_i n_j / dim) / std
    let dx = (0..x.len()).map(|i| {
        let of_row = |j: usize| {
            let same = if i == j { 1.0 } else { 0.0 };
            dy[j] * (1.0 + scale[group(j)]) * (same - (1.0 + n[i] * n[j]) / dim as f64) / std[i / dim]
        };
        (i / dim * dim..(i / dim + 1) * dim).map(of_row).sum()
    });
    [dx.collect(), d_shift, d_scale]
}

/// The standard deviation of each row, and `(x − mean) / std`.
fn layer_norm(x: &[f64], dim: usize, eps: f64) -> (Vec<f64>, Vec<f64>) {
    let row = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / dim as f64;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / dim as f64;
        (mean, (variance + eps).sqrt())
    };
    let (means, stds): (Vec<_>, Vec<_>) = x.chunks(dim).map(row).unzip();
    let n = x.iter().enumerate().map(|(i, x)| (x - means[i / dim]) / stds[i / dim]).collect();
    (stds, n)
}

/// See [`super::rms_norm`].
pub fn rms_norm(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let dim = weight.len();
    let rms = root_mean_squares(x, dim, eps);
    (0..x.len()).map(|i| x[i] / rms[i / dim] * weight[i % dim]).collect()
}

/// See [`super::rms_norm_backward`]: the gradients by `x` and `weight`.
pub fn rms_norm_backward(dy: &[f64], x: &[f64], weight: &[f64], eps: f64) -> [Vec<f64>; 2] {
    let dim = weight.len();
    let rms = root_mean_squares(x, dim, eps);
    let n = |i: usize| x[i] / rms[i / dim];
    let mut d_weight = vec![0.0; dim];
    for (i, dy) in dy.iter().enumerate() {
        d_weight[i % dim] += dy * n(i);
    }
    // ∂n_j / ∂x_i = (δ_ij − n_i n_j / dim) / rms
    let dx = (0..x.len()).map(|i| {
        let of_row = |j: usize| {
            let same = if i == j { 1.0 } else { 0.0 };
            dy[j] * weight[j % dim] * (same - n(i) * n(j) / dim as f64) / rms[i / dim]
        };
        (i / dim * dim..(i / dim + 1) * dim).map(of_row).sum()
    });
    [dx.collect(), d_weight]
}

fn root_mean_squares(x: &[f64], dim: usize, eps: f64) -> Vec<f64> {
    x.chunks(dim).map(|x| (x.iter().map(|x| x * x).sum::<f64>() / dim as f64 + eps).sqrt()).collect()
}

/// See [`super::channel_rms_norm`].
pub fn channel_rms_norm(x: &[f64], gamma: &[f64], positions: usize, silu: bool) -> Vec<f64> {
    let norms = channel_norms(x, gamma.len(), positions);
    let root = (gamma.len() as f64).sqrt();
    (0..x.len())
        .map(|i| {
            let y = root * x[i] / norms[i] * gamma[i / positions % gamma.len()];
            if silu { value_and_derivative(Activation::Silu, y).0 } else { y }
        })
        .collect()
}

/// See [`super::channel_rms_norm_backward`]: the gradients by `x` and `gamma`.
pub fn channel_rms_norm_backward(
    dy: &[f64],
    x: &[f64],
    gamma: &[f64],
    positions: usize,
    silu: bool,
) -> [Vec<f64>; 2] {
    let (channels, norms) = (gamma.len(), channel_norms(x, gamma.len(), positions));
    let root = (channels as f64).sqrt();
    let n = |i: usize| root * x[i] / norms[i];
    let channel = |i: usize| i / positions % channels;
    let before_silu = |i: usize| match silu {
        true => dy[i] * value_and_derivative(Activation::Silu, n(i) * gamma[channel(i)]).1,
        false => dy[i],
    };
    let mut d_gamma = vec![0.0; channels];
    for i in 0..x.len() {
        d_gamma[channel(i)] += before_silu(i) * n(i);
    }
    // ∂n_j / ∂x_i = (δ_ij sqrt(channels) − n_i n_j / sqrt(channels)) / |x|
    let dx = (0..x.len()).map(|i| {
        let first = i - channel(i) * positions;
        let of_channel = |j: usize| {
            let same = if i == j { root } else { 0.0 };
            before_silu(j) * gamma[channel(j)] * (same - n(i) * n(j) / root) / norms[i]
        };
        (0..channels).map(|c| of_channel(first + c * positions)).sum()
    });
    [dx.collect(), d_gamma]
}

/// For each value the norm of all channels at its position.
fn channel_norms(x: &[f64], channels: usize, positions: usize) -> Vec<f64> {
    let norm = |i: usize| {
        let first = i / (channels * positions) * channels * positions + i % positions;
        let squares = (0..channels).map(|c| x[first + c * positions].powi(2));
        squares.sum::<f64>().sqrt().max(1e-12)
    };
    (0..x.len()).map(norm).collect()
}

/// See [`super::gated_residual`].
pub fn gated_residual(x: &[f64], y: &[f64], gate: &[f64], dim: usize) -> Vec<f64> {
    let group = group_of(x, gate, dim);
    (0..x.len()).map(|i| x[i] + y[i] * gate[group(i)]).collect()
}

/// See [`super::gated_residual_backward`]: the gradients by `y` and `gate`.
pub fn gated_residual_backward(d_out: &[f64], y: &[f64], gate: &[f64], dim: usize) -> [Vec<f64>; 2] {
    let group = group_of(y, gate, dim);
    let mut d_gate = vec![0.0; gate.len()];
    for i in 0..y.len() {
        d_gate[group(i)] += d_out[i] * y[i];
    }
    [(0..y.len()).map(|i| d_out[i] * gate[group(i)]).collect(), d_gate]
}

/// Which of the values of `groups`, `[groups, dim]`, belongs to a value of `x`, `[rows, dim]`.
fn group_of(x: &[f64], groups: &[f64], dim: usize) -> impl Fn(usize) -> usize + use<> {
    let span = x.len() / (groups.len() / dim);
    move |i| i / span * dim + i % dim
}

/// See [`super::rope`].
pub fn rope(x: &[f64], cos: &[f64], sin: &[f64], heads: usize, head_dim: usize, inverse: bool) -> Vec<f64> {
    let (half, row) = (head_dim / 2, heads * head_dim);
    let tokens = cos.len() / half;
    (0..x.len())
        .map(|i| {
            let at = i / row % tokens * half + i % head_dim / 2;
            let (cos, sin) = (cos[at], if inverse { -sin[at] } else { sin[at] });
            let (a, b) = (x[i & !1], x[i | 1]);
            if i % 2 == 0 { a * cos - b * sin } else { a * sin + b * cos }
        })
        .collect()
}

/// See [`super::permute`].
pub fn permute(x: &[f64], dims: &[usize], axes: &[usize]) -> Vec<f64> {
    let stride = |axis: usize| dims[axis + 1..].iter().product::<usize>();
    let source = |mut at: usize| {
        let mut source = 0;
        for &axis in axes.iter().rev() {
            source += at % dims[axis] * stride(axis);
            at /= dims[axis];
        }
        source
    };
    (0..x.len()).map(|at| x[source(at)]).collect()
}
