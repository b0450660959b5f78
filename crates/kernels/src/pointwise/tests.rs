//! Every operation on every instruction set against its definition, every gradient of a definition against finite
//! differences.

use half::bf16;

use super::{
    Activation,
    activation::{activate_backward_on, activate_on},
    channel_norm::{channel_rms_norm_backward_on, channel_rms_norm_bf16_on, channel_rms_norm_on},
    modulate::{gated_residual_backward_on, gated_residual_on},
    norm::{layer_norm_modulate_backward_on, layer_norm_modulate_on, rms_norm_backward_on, rms_norm_on},
    rope::{rms_norm_rope_on, rope_on},
    scalar,
};
use crate::{isa::Level, lanes::test_values, threads::with_threads};

/// Rows, features and groups of rows: around the sixteen lanes, and more rows than one task takes.
const SIZES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (4, 15, 2), (3, 16, 3), (2, 17, 1), (12, 37, 4), (130, 35, 2), (40, 256, 1)];
/// Samples, channels and positions: around the positions that are normed side by side.
const CHANNEL_SIZES: [(usize, usize, usize); 5] =
    [(1, 1, 1), (2, 5, 70), (1, 16, 64), (3, 3, 63), (35, 2, 129)];
const EPS: f32 = 1e-6;

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// An error of at most 2e-6 of the value or of 1, whichever is greater: some sixteen roundings of f32.
fn close(what: &str, fast: &[f32], exact: &[f64]) {
    close_sums(what, fast, exact, 1);
}

/// The same for sums of `terms` values, whose roundings add up like noise.
fn close_sums(what: &str, fast: &[f32], exact: &[f64], terms: usize) {
    assert_eq!(fast.len(), exact.len(), "{what}");
    for (i, (fast, exact)) in fast.iter().zip(exact).enumerate() {
        let bound = 2e-6 * (terms as f64).sqrt() * exact.abs().max(1.0);
        assert!((f64::from(*fast) - exact).abs() <= bound, "{what} at {i}: {fast} for {exact}");
    }
}

/// Finite differences of `Σ y dy` by some of the coordinates of `at` against `gradient`.
fn check_gradient(what: &str, at: &[f64], gradient: &[f64], dy: &[f64], y: impl Fn(&[f64]) -> Vec<f64>) {
    let loss = |at: &[f64]| y(at).iter().zip(dy).map(|(y, dy)| y * dy).sum::<f64>();
    let (scale, step) = (gradient.iter().fold(1e-3f64, |max, g| max.max(g.abs())), 1e-5);
    assert_eq!(at.len(), gradient.len(), "{what}");
    for i in (0..at.len()).step_by((at.len() / 7).max(1)) {
        let mut moved = at.to_vec();
        moved[i] = at[i] + step;
        let above = loss(&moved);
        moved[i] = at[i] - step;
        let difference = (above - loss(&moved)) / (2.0 * step);
        let error = (difference - gradient[i]).abs() / scale;
        assert!(error < 1e-7, "{what} at {i}: finite difference {difference}, gradient {}", gradient[i]);
    }
}

#[test]
fn activations() {
    for len in [0, 1, 15, 17, 1000, 8200] {
        let x: Vec<f32> = test_values(len, 1).iter().map(|x| 6.0 * x).collect();
        let dy = test_values(len, 2);
        for activation in [Activation::Silu, Activation::GeluTanh] {
            let y = scalar::activate(activation, &wide(&x));
            let dx = scalar::activate_backward(activation, &wide(&x), &wide(&dy));
            for isa in Level::available() {
                let fast = activate_on(isa, activation, &x);
                let fast_dx = activate_backward_on(isa, activation, &x, &dy);
                close(&format!("{activation:?} on {isa:?}"), &fast, &y);
                close(&format!("gradient of {activation:?} on {isa:?}"), &fast_dx, &dx);
            }
            check_gradient("x", &wide(&x), &dx, &wide(&dy), |x| scalar::activate(activation, x));
        }
    }
}

#[test]
fn layer_norm_with_modulation() {
    for (rows, dim, groups) in SIZES {
        let (x, dy) = (test_values(rows * dim, 1), test_values(rows * dim, 4));
        let (shift, scale) = (test_values(groups * dim, 2), test_values(groups * dim, 3));
        let [wx, wdy, wshift, wscale] = [&x, &dy, &shift, &scale].map(|values| wide(values));
        let eps = f64::from(EPS);
        let y = scalar::layer_norm_modulate(&wx, &wshift, &wscale, dim, eps);
        let [dx, d_shift, d_scale] = scalar::layer_norm_modulate_backward(&wdy, &wx, &wscale, dim, eps);
        for isa in Level::available() {
            let what = format!("{rows} x {dim} in {groups} on {isa:?}");
            close(&what, &layer_norm_modulate_on(isa, &x, &shift, &scale, dim, EPS), &y);
            let [fast, by_shift, by_scale] = layer_norm_modulate_backward_on(isa, &dy, &x, &scale, dim, EPS);
            // A row is divided by its deviation.
            close_sums(&format!("dx of {what}"), &fast, &dx, 4);
            close_sums(&format!("d_shift of {what}"), &by_shift, &d_shift, rows);
            close_sums(&format!("d_scale of {what}"), &by_scale, &d_scale, rows);
        }
        let norm =
            |x: &[f64], shift: &[f64], scale: &[f64]| scalar::layer_norm_modulate(x, shift, scale, dim, eps);
        check_gradient("x", &wx, &dx, &wdy, |x| norm(x, &wshift, &wscale));
        check_gradient("shift", &wshift, &d_shift, &wdy, |shift| norm(&wx, shift, &wscale));
        check_gradient("scale", &wscale, &d_scale, &wdy, |scale| norm(&wx, &wshift, scale));
    }
}

#[test]
fn rms_norm_over_features() {
    for (rows, dim, _) in SIZES {
        let (x, weight, dy) = (test_values(rows * dim, 1), test_values(dim, 2), test_values(rows * dim, 3));
        let [wx, wdy, wweight] = [&x, &dy, &weight].map(|values| wide(values));
        let eps = f64::from(EPS);
        let y = scalar::rms_norm(&wx, &wweight, eps);
        let [dx, d_weight] = scalar::rms_norm_backward(&wdy, &wx, &wweight, eps);
        for isa in Level::available() {
            let what = format!("{rows} x {dim} on {isa:?}");
            close(&what, &rms_norm_on(isa, &x, &weight, EPS), &y);
            let [fast, by_weight] = rms_norm_backward_on(isa, &dy, &x, &weight, EPS);
            close_sums(&format!("dx of {what}"), &fast, &dx, 4);
            close_sums(&format!("d_weight of {what}"), &by_weight, &d_weight, rows);
        }
        check_gradient("x", &wx, &dx, &wdy, |x| scalar::rms_norm(x, &wweight, eps));
        check_gradient("weight", &wweight, &d_weight, &wdy, |weight| scalar::rms_norm(&wx, weight, eps));
    }
}

#[test]
fn rms_norm_over_channels() {
    for ((batch, channels, positions), silu) in
        CHANNEL_SIZES.into_iter().flat_map(|size| [(size, false), (size, true)])
    {
        let x = test_values(batch * channels * positions, 1);
        let (gamma, dy) = (test_values(channels, 2), test_values(x.len(), 3));
        let [wx, wdy, wgamma] = [&x, &dy, &gamma].map(|values| wide(values));
        let y = scalar::channel_rms_norm(&wx, &wgamma, positions, silu);
        let [dx, d_gamma] = scalar::channel_rms_norm_backward(&wdy, &wx, &wgamma, positions, silu);
        for isa in Level::available() {
            let what = format!("{batch} x {channels} x {positions} on {isa:?}");
            let fast = channel_rms_norm_on(isa, &x, &gamma, positions, silu);
            close(&what, &fast, &y);
            let rounded = channel_rms_norm_bf16_on(isa, &x, &gamma, positions, silu);
            assert_eq!(rounded, fast.into_iter().map(bf16::from_f32).collect::<Vec<_>>(), "{what}");
            let [fast, by_gamma] = channel_rms_norm_backward_on(isa, &dy, &x, &gamma, positions, silu);
            // The gradient grows as the norm falls, which with few channels may be small.
            let greatest = dx.iter().fold(1.0f64, |max, dx| max.max(dx.abs()));
            for (i, (fast, exact)) in fast.iter().zip(&dx).enumerate() {
                let error = (f64::from(*fast) - exact).abs();
                assert!(error < 2e-6 * greatest, "dx of {what} at {i}: {fast} for {exact}");
            }
            close_sums(&format!("d_gamma of {what}"), &by_gamma, &d_gamma, batch * positions);
        }
        // With fewer channels the norm may be so small that a step is no longer small beside it.
        if channels > 2 {
            let norm = |x: &[f64], gamma: &[f64]| scalar::channel_rms_norm(x, gamma, positions, silu);
            check_gradient("x", &wx, &dx, &wdy, |x| norm(x, &wgamma));
            check_gradient("gamma", &wgamma, &d_gamma, &wdy, |gamma| norm(&wx, gamma));
        }
    }
}

#[test]
fn gated_residuals() {
    for (rows, dim, groups) in SIZES {
        let (x, y) = (test_values(rows * dim, 1), test_values(rows * dim, 2));
        let (gate, d_out) = (test_values(groups * dim, 3), test_values(rows * dim, 4));
        let [wx, wy, wgate, wd] = [&x, &y, &gate, &d_out].map(|values| wide(values));
        let out = scalar::gated_residual(&wx, &wy, &wgate, dim);
        let [dy, d_gate] = scalar::gated_residual_backward(&wd, &wy, &wgate, dim);
        for isa in Level::available() {
            let what = format!("{rows} x {dim} in {groups} on {isa:?}");
            close(&what, &gated_residual_on(isa, &x, &y, &gate, dim), &out);
            let [fast, by_gate] = gated_residual_backward_on(isa, &d_out, &y, &gate, dim);
            close(&format!("dy of {what}"), &fast, &dy);
            close_sums(&format!("d_gate of {what}"), &by_gate, &d_gate, rows);
        }
        check_gradient("y", &wy, &dy, &wd, |y| scalar::gated_residual(&wx, y, &wgate, dim));
        check_gradient("gate", &wgate, &d_gate, &wd, |gate| scalar::gated_residual(&wx, &wy, gate, dim));
    }
}

#[test]
fn rope_turns_and_turns_back() {
    for (batch, tokens, heads, head_dim) in [(1, 1, 1, 2), (2, 3, 2, 6), (3, 17, 2, 32), (1, 5, 1, 34)] {
        let x = test_values(batch * tokens * heads * head_dim, 1);
        let angles = test_values(tokens * head_dim / 2, 2);
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
        let [turned, turned_back] = [false, true]
            .map(|inverse| scalar::rope(&wide(&x), &wide(&cos), &wide(&sin), heads, head_dim, inverse));
        for isa in Level::available() {
            let what = format!("{batch} x {tokens} x {heads} x {head_dim} on {isa:?}");
            let table = (&*cos, &*sin);
            close(&what, &rope_on(isa, &x, table, heads, head_dim, true), &turned_back);
            let y = rope_on(isa, &x, table, heads, head_dim, false);
            close(&what, &y, &turned);
            close(&what, &rope_on(isa, &y, table, heads, head_dim, true), &wide(&x));
            let weight = test_values(heads * head_dim, 3);
            let normed = rms_norm_on(isa, &x, &weight, EPS);
            let both = rms_norm_rope_on(isa, &x, &weight, EPS, table, head_dim);
            assert_eq!(both, rope_on(isa, &normed, table, heads, head_dim, false), "{what}");
        }
        // The definition turns by the angle.
        for (i, turned) in turned.iter().enumerate() {
            let (token, pair) = (i / (heads * head_dim) % tokens, i % head_dim / 2);
            let angle = f64::from(angles[token * head_dim / 2 + pair]);
            let (a, b) = (f64::from(x[i & !1]), f64::from(x[i | 1]));
            let (radius, from) = (a.hypot(b), b.atan2(a));
            let exact = if i % 2 == 0 { (from + angle).cos() } else { (from + angle).sin() };
            assert!((turned - radius * exact).abs() < 1e-6, "at {i}");
        }
    }
}

#[test]
fn bits_depend_neither_on_threads_nor_on_the_instruction_set() {
    let (rows, dim, groups) = (200, 70, 2);
    let [x, dy] = [1, 2].map(|seed| test_values(rows * dim, seed));
    let [shift, scale] = [3, 4].map(|seed| test_values(groups * dim, seed));
    let (weight, gamma) = (test_values(dim, 5), test_values(rows / 10, 6));
    let run = |threads, isa| {
        let mut results = Vec::new();
        with_threads(threads, || {
            results.push(activate_on(isa, Activation::GeluTanh, &x));
            results.push(layer_norm_modulate_on(isa, &x, &shift, &scale, dim, EPS));
            results.extend(layer_norm_modulate_backward_on(isa, &dy, &x, &scale, dim, EPS));
            results.extend(rms_norm_backward_on(isa, &dy, &x, &weight, EPS));
            results.extend(channel_rms_norm_backward_on(isa, &dy, &x, &gamma, 10 * dim, true));
            results.extend(gated_residual_backward_on(isa, &dy, &x, &scale, dim));
        });
        results
    };
    let expected = run(1, Level::available().next().expect("any machine is portable"));
    for isa in Level::available() {
        for threads in [1, 2, 3] {
            assert_eq!(run(threads, isa), expected, "{isa:?}, {threads} threads");
        }
    }
}

/// Small and large planes and rows, with axes that become one, on one thread and on three: the same numbers in other places.
#[test]
fn axes_in_another_order() {
    for (dims, axes) in [
        (vec![5], vec![0]),
        (vec![0, 4], vec![1, 0]),
        (vec![1, 7, 1], vec![2, 0, 1]),
        (vec![70, 45], vec![1, 0]),
        (vec![2, 300, 65], vec![0, 2, 1]),
        (vec![3, 2, 40, 33], vec![0, 2, 3, 1]),
        // Channels to space, space to channels, frames before channels, blocks side by side.
        (vec![3, 5, 2, 2, 34, 35], vec![0, 1, 4, 2, 5, 3]),
        (vec![2, 3, 8, 4, 9, 4], vec![0, 1, 3, 5, 2, 4]),
        (vec![2, 3, 4, 50, 60], vec![0, 2, 1, 3, 4]),
        (vec![1, 3, 2, 5, 3, 2, 8, 8], vec![0, 4, 1, 5, 2, 6, 3, 7]),
    ] {
        let x = test_values(dims.iter().product(), 3);
        let definition = scalar::permute(&wide(&x), &dims, &axes);
        for threads in [1, 3] {
            let y = with_threads(threads, || super::permute(&x, &dims, &axes));
            assert_eq!(wide(&y), definition, "{dims:?} {axes:?} on {threads} threads");
        }
    }
}
