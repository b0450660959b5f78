//! The gated residual of adaLN: `x + y gate`.

use std::mem::MaybeUninit;

use crate::{
    isa::Level,
    lanes::widest,
    shared::{Shared, filled},
    threads::prelude::*,
};

/// `x + y * gate`, where `gate` (`[groups, dim]`) is shared by consecutive rows.
///
/// `x` and `y` are `[rows, dim]`; `groups` divides `rows`.
///
/// # Panics
/// If the lengths do not fit.
pub fn gated_residual(x: &[f32], y: &[f32], gate: &[f32], dim: usize) -> Vec<f32> {
    gated_residual_on(Level::in_use(), x, y, gate, dim)
}

pub(super) fn gated_residual_on(isa: Level, x: &[f32], y: &[f32], gate: &[f32], dim: usize) -> Vec<f32> {
    assert!(x.len() == y.len());
    let span = group_span(x.len(), gate.len(), dim);
    let fill = |out: &mut [MaybeUninit<f32>]| {
        let rows = out.par_chunks_mut(dim).zip(x.par_chunks(dim)).zip(y.par_chunks(dim)).with_min_len(16);
        rows.enumerate().for_each(|(row, ((out, x), y))| {
            let gate = &gate[row * dim / span * dim..][..dim];
            widest!(isa => forward(x: &[f32], y: &[f32], gate: &[f32], out: &mut [MaybeUninit<f32>]));
        });
    };
    // SAFETY: all inputs have the output's rows, each of which is written whole.
    unsafe { filled(x.len(), fill) }
}

/// The gradients of [`gated_residual`] by `y` and `gate` (that by `x` is `d_out` itself).
///
/// # Panics
/// If the lengths do not fit.
pub fn gated_residual_backward(d_out: &[f32], y: &[f32], gate: &[f32], dim: usize) -> [Vec<f32>; 2] {
    gated_residual_backward_on(Level::in_use(), d_out, y, gate, dim)
}

pub(super) fn gated_residual_backward_on(
    isa: Level,
    d_out: &[f32],
    y: &[f32],
    gate: &[f32],
    dim: usize,
) -> [Vec<f32>; 2] {
    assert!(d_out.len() == y.len());
    let span = group_span(y.len(), gate.len(), dim);
    let mut d_gate = vec![0.0; gate.len()];
    let fill = |dy: &mut [MaybeUninit<f32>]| {
        let dy = Shared::new(dy);
        d_gate.par_chunks_mut(dim).enumerate().for_each(|(group, d_gate)| {
            let part = group * span..(group + 1) * span;
            let (d_out, y, gate) = (&d_out[part.clone()], &y[part.clone()], &gate[group * dim..][..dim]);
            // SAFETY: every group writes its own rows.
            let dy = unsafe { dy.range(part.start, span) };
            let rows = d_out.chunks_exact(dim).zip(y.chunks_exact(dim)).zip(dy.chunks_exact_mut(dim));
            for ((d_out, y), dy) in rows {
                widest!(isa => backward(
                    d_out: &[f32], y: &[f32], gate: &[f32], dy: &mut [MaybeUninit<f32>], d_gate: &mut [f32],
                ));
            }
        });
    };
    // SAFETY: the groups have all rows, each of which is written whole.
    let dy = unsafe { filled(y.len(), fill) };
    [dy, d_gate]
}

/// Values (not rows) that share one row of `groups` values.
pub(super) fn group_span(values: usize, groups: usize, dim: usize) -> usize {
    assert!(dim > 0 && groups > 0 && groups.is_multiple_of(dim), "groups are rows of {dim} values");
    let (rows, groups) = (values / dim, groups / dim);
    assert!(values.is_multiple_of(dim) && rows.is_multiple_of(groups), "{groups} groups of {rows} rows");
    rows / groups * dim
}

#[inline(always)]
fn forward(x: &[f32], y: &[f32], gate: &[f32], out: &mut [MaybeUninit<f32>]) {
    for (((out, x), y), gate) in out.iter_mut().zip(x).zip(y).zip(gate) {
        out.write(x + y * gate);
    }
}

#[inline(always)]
fn backward(d_out: &[f32], y: &[f32], gate: &[f32], dy: &mut [MaybeUninit<f32>], d_gate: &mut [f32]) {
    for ((((d_out, y), gate), dy), d_gate) in d_out.iter().zip(y).zip(gate).zip(dy).zip(d_gate) {
        dy.write(d_out * gate);
        *d_gate += d_out * y;
    }
}
