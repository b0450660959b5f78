//! SiLU and GELU.

use std::mem::MaybeUninit;

use crate::{
    isa::Level,
    lanes::{exp, widest},
    shared::filled,
    threads::prelude::*,
};

/// Values that one task takes when nothing else decides: 32 KiB of f32.
const BLOCK: usize = 8192;

/// A pointwise activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x σ(x)`
    Silu,
    /// `x σ(2u)`, `u = sqrt(2/π) (x + 0.044715 x³)`: the tanh form of GELU, since
    /// `(1 + tanh u) / 2 = σ(2u)`.
    GeluTanh,
}

pub(crate) const TWO_SQRT_2_OVER_PI: f32 = 1.595_769;
pub(crate) const CUBIC: f32 = 0.044_715;

impl Activation {
    /// The value and the derivative at `x`.
    #[inline(always)]
    pub(crate) fn at(self, x: f32) -> (f32, f32) {
        let (u, du) = match self {
            Self::Silu => (x, 1.0),
            Self::GeluTanh => (
                TWO_SQRT_2_OVER_PI * (x + CUBIC * x * x * x),
                TWO_SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * x * x),
            ),
        };
        let sigmoid = 1.0 / (1.0 + exp(-u));
        (x * sigmoid, sigmoid + x * sigmoid * (1.0 - sigmoid) * du)
    }
}

/// `f(x)`.
pub fn activate(activation: Activation, x: &[f32]) -> Vec<f32> {
    activate_on(Level::in_use(), activation, x)
}

pub(super) fn activate_on(isa: Level, activation: Activation, x: &[f32]) -> Vec<f32> {
    let fill = |y: &mut [MaybeUninit<f32>]| {
        y.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(y, x)| {
            widest!(isa => forward(activation: Activation, x: &[f32], y: &mut [MaybeUninit<f32>]));
        });
    };
    // SAFETY: the blocks cover all values.
    unsafe { filled(x.len(), fill) }
}

/// `dy f'(x)`.
///
/// # Panics
/// If the lengths differ.
pub fn activate_backward(activation: Activation, x: &[f32], dy: &[f32]) -> Vec<f32> {
    activate_backward_on(Level::in_use(), activation, x, dy)
}

pub(super) fn activate_backward_on(isa: Level, activation: Activation, x: &[f32], dy: &[f32]) -> Vec<f32> {
    assert!(x.len() == dy.len());
    let fill = |dx: &mut [MaybeUninit<f32>]| {
        let blocks = dx.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).zip(dy.par_chunks(BLOCK));
        blocks.for_each(|((dx, x), dy)| {
            widest!(isa => backward(activation: Activation, x: &[f32], dy: &[f32], dx: &mut [MaybeUninit<f32>]));
        });
    };
    // SAFETY: the blocks cover all values.
    unsafe { filled(x.len(), fill) }
}

#[inline(always)]
fn forward(activation: Activation, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    // One loop for each function: a match inside the loop would keep it from becoming vectors.
    match activation {
        Activation::Silu => y.iter_mut().zip(x).for_each(|(y, &x)| _ = y.write(Activation::Silu.at(x).0)),
        Activation::GeluTanh => {
            y.iter_mut().zip(x).for_each(|(y, &x)| _ = y.write(Activation::GeluTanh.at(x).0));
        }
    }
}

#[inline(always)]
fn backward(activation: Activation, x: &[f32], dy: &[f32], dx: &mut [MaybeUninit<f32>]) {
    let values = dx.iter_mut().zip(x).zip(dy);
    match activation {
        Activation::Silu => {
            values.for_each(|((dx, &x), &dy)| _ = dx.write(dy * Activation::Silu.at(x).1));
        }
        Activation::GeluTanh => {
            values.for_each(|((dx, &x), &dy)| _ = dx.write(dy * Activation::GeluTanh.at(x).1));
        }
    }
}
