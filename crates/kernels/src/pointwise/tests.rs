//! Every operation on every instruction set against its formula in f64, every gradient against finite differences.

use half::bf16;

use super::{
    Activation,
    activation::{activate_backward_on, activate_on},
    channel_norm::{channel_rms_norm_backward_on, channel_rms_norm_bf16_on, channel_rms_norm_on},
    modulate::{gated_residual_backward_on, gated_residual_on},
    norm::{layer_norm_modulate_backward_on, layer_norm_modulate_on, rms_norm_backward_on, rms_norm_on},
    rope::rope_on,
};
use crate::{isa::Level, lanes::test_values};

/// Finite differences of `loss` by some of the coordinates against `grad`.
fn check_gradient(what: &str, at: &[f32], grad: &[f32], loss: impl Fn(&[f32]) -> f64) {
    let scale = grad.iter().fold(1e-3f32, |max, g| max.max(g.abs()));
    for i in (0..at.len()).step_by((at.len() / 7).max(1)) {
        let mut moved = at.to_vec();
        let step = 5e-3;
        moved[i] = at[i] + step;
        let above = loss(&moved);
        moved[i] = at[i] - step;
        let difference = (above - loss(&moved)) / (2.0 * f64::from(step));
        let error = (difference - f64::from(grad[i])).abs() / f64::from(scale);
        assert!(error < 5e-3, "{what} at {i}: finite difference {difference}, gradient {}", grad[i]);
    }
}

fn weighted(y: &[f32], dy: &[f32]) -> f64 {
    y.iter().zip(dy).map(|(y, dy)| f64::from(*y) * f64::from(*dy)).sum()
}

fn close(a: &[f32], exact: impl Iterator<Item = f64>) {
    for (i, (a, exact)) in a.iter().zip(exact).enumerate() {
        assert!((f64::from(*a) - exact).abs() < 2e-6 * (1.0 + exact.abs()), "at {i}: {a} for {exact}");
    }
}

#[test]
fn activations() {
    for isa in Level::available() {
        let x: Vec<f32> = test_values(1000, 1).iter().map(|x| 6.0 * x).collect();
        let dy = test_values(1000, 2);
        let silu = |x: f64| x / (1.0 + (-x).exp());
        let gelu = |x: f64| {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            x / 2.0 * (1.0 + u.tanh())
        };
        for activation in [Activation::Silu, Activation::GeluTanh] {
            let run = |x: &[f32]| {
                let mut y = vec![0.0; x.len()];
                activate_on(isa, activation, x, &mut y);
                y
            };
            let f: &dyn Fn(f64) -> f64 = if activation == Activation::Silu { &silu } else { &gelu };
            close(&run(&x), x.iter().map(|&x| f(f64::from(x))));
            let mut dx = vec![0.0; x.len()];
            activate_backward_on(isa, activation, &x, &dy, &mut dx);
            check_gradient("activation", &x, &dx, |x| weighted(&run(x), &dy));
        }
    }
}

#[test]
fn layer_norm_with_modulation() {
    for isa in Level::available() {
        let (dim, rows, groups) = (37, 12, 4);
        let x = test_values(rows * dim, 1);
        let (shift, scale) = (test_values(groups * dim, 2), test_values(groups * dim, 3));
        let dy = test_values(x.len(), 4);
        let run = |x: &[f32], shift: &[f32], scale: &[f32]| {
            let mut y = vec![0.0; x.len()];
            layer_norm_modulate_on(isa, x, shift, scale, dim, 1e-6, &mut y);
            y
        };
        let exact = x.chunks(dim).enumerate().flat_map(|(row, x)| {
            let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / dim as f64;
            let var = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / dim as f64;
            let group = row / (rows / groups) * dim;
            let (shift, scale) = (&shift[group..group + dim], &scale[group..group + dim]);
            x.iter()
                .zip(shift)
                .zip(scale)
                .map(move |((&x, &shift), &scale)| {
                    (f64::from(x) - mean) / (var + 1e-6).sqrt() * (1.0 + f64::from(scale)) + f64::from(shift)
                })
                .collect::<Vec<_>>()
        });
        close(&run(&x, &shift, &scale), exact);

        let (mut dx, mut d_shift, mut d_scale) =
            (vec![0.0; x.len()], vec![0.0; shift.len()], vec![0.0; scale.len()]);
        layer_norm_modulate_backward_on(
            isa,
            &dy,
            &x,
            &scale,
            dim,
            1e-6,
            (&mut dx, &mut d_shift, &mut d_scale),
        );
        check_gradient("x", &x, &dx, |x| weighted(&run(x, &shift, &scale), &dy));
        check_gradient("shift", &shift, &d_shift, |shift| weighted(&run(&x, shift, &scale), &dy));
        check_gradient("scale", &scale, &d_scale, |scale| weighted(&run(&x, &shift, scale), &dy));
    }
}

#[test]
fn rms_norm_over_features() {
    for isa in Level::available() {
        let (dim, rows) = (35, 70);
        let (x, weight, dy) = (test_values(rows * dim, 1), test_values(dim, 2), test_values(rows * dim, 3));
        let run = |x: &[f32], weight: &[f32]| {
            let mut y = vec![0.0; x.len()];
            rms_norm_on(isa, x, weight, 1e-6, &mut y);
            y
        };
        let exact = x.chunks(dim).flat_map(|x| {
            let square = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / dim as f64;
            x.iter()
                .zip(&weight)
                .map(move |(&x, &w)| f64::from(x) / (square + 1e-6).sqrt() * f64::from(w))
                .collect::<Vec<_>>()
        });
        close(&run(&x, &weight), exact);
        let (mut dx, mut d_weight) = (vec![0.0; x.len()], vec![0.0; dim]);
        rms_norm_backward_on(isa, &dy, &x, &weight, 1e-6, &mut dx, &mut d_weight);
        check_gradient("x", &x, &dx, |x| weighted(&run(x, &weight), &dy));
        check_gradient("weight", &weight, &d_weight, |weight| weighted(&run(&x, weight), &dy));
    }
}

#[test]
fn rms_norm_over_channels() {
    for isa in Level::available() {
        let (batch, channels, positions) = (2, 5, 70);
        let x = test_values(batch * channels * positions, 1);
        let (gamma, dy) = (test_values(channels, 2), test_values(x.len(), 3));
        for silu in [false, true] {
            let run = |x: &[f32], gamma: &[f32]| {
                let mut y = vec![0.0; x.len()];
                channel_rms_norm_on(isa, x, gamma, positions, silu, &mut y);
                y
            };
            let exact = (0..x.len()).map(|i| {
                let (sample, channel, position) =
                    (i / (channels * positions), i / positions % channels, i % positions);
                let at = |c: usize| f64::from(x[(sample * channels + c) * positions + position]);
                let norm = (0..channels).map(|c| at(c).powi(2)).sum::<f64>().sqrt();
                let y = at(channel) / norm * (channels as f64).sqrt() * f64::from(gamma[channel]);
                if silu { y / (1.0 + (-y).exp()) } else { y }
            });
            close(&run(&x, &gamma), exact);
            let mut rounded = vec![bf16::ZERO; x.len()];
            channel_rms_norm_bf16_on(isa, &x, &gamma, positions, silu, &mut rounded);
            assert_eq!(rounded, run(&x, &gamma).into_iter().map(bf16::from_f32).collect::<Vec<_>>());
            let (mut dx, mut d_gamma) = (vec![0.0; x.len()], vec![0.0; channels]);
            channel_rms_norm_backward_on(isa, &dy, &x, &gamma, positions, silu, (&mut dx, &mut d_gamma));
            check_gradient("x", &x, &dx, |x| weighted(&run(x, &gamma), &dy));
            check_gradient("gamma", &gamma, &d_gamma, |gamma| weighted(&run(&x, gamma), &dy));
        }
    }
}

#[test]
fn gated_residuals() {
    for isa in Level::available() {
        let (dim, rows, groups) = (19, 6, 3);
        let (x, y, gate) =
            (test_values(rows * dim, 1), test_values(rows * dim, 2), test_values(groups * dim, 3));
        let d_out = test_values(x.len(), 4);
        let run = |y: &[f32], gate: &[f32]| {
            let mut out = vec![0.0; x.len()];
            gated_residual_on(isa, &x, y, gate, dim, &mut out);
            out
        };
        let exact = (0..x.len()).map(|i| {
            let gate = gate[i / (rows / groups * dim) * dim + i % dim];
            f64::from(x[i]) + f64::from(y[i]) * f64::from(gate)
        });
        close(&run(&y, &gate), exact);
        let (mut dy, mut d_gate) = (vec![0.0; y.len()], vec![0.0; gate.len()]);
        gated_residual_backward_on(isa, &d_out, &y, &gate, dim, &mut dy, &mut d_gate);
        check_gradient("y", &y, &dy, |y| weighted(&run(y, &gate), &d_out));
        check_gradient("gate", &gate, &d_gate, |gate| weighted(&run(&y, gate), &d_out));
    }
}

#[test]
fn rope_turns_and_turns_back() {
    for isa in Level::available() {
        let (batch, tokens, heads, head_dim) = (2, 3, 2, 6);
        let x = test_values(batch * tokens * heads * head_dim, 1);
        let angles = test_values(tokens * head_dim / 2, 2);
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
        let (mut y, mut back) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        rope_on(isa, &x, (&cos, &sin), heads, head_dim, false, &mut y);
        let (row, half) = (heads * head_dim, head_dim / 2);
        let exact = (0..x.len()).map(|i| {
            let (token, pair) = (i / row % tokens, i % head_dim / 2);
            let angle = f64::from(angles[token * half + pair]);
            let (a, b) = (f64::from(x[i & !1]), f64::from(x[i | 1]));
            if i % 2 == 0 { a * angle.cos() - b * angle.sin() } else { a * angle.sin() + b * angle.cos() }
        });
        close(&y, exact);
        rope_on(isa, &y, (&cos, &sin), heads, head_dim, true, &mut back);
        close(&back, x.iter().map(|&x| f64::from(x)));
    }
}
