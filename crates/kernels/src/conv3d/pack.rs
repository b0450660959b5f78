//! Planes in plain Rust, for machines without AVX-512.

use half::bf16;

use super::{
    frames::Values,
    plane::{Plane, Read, TILE},
    quantize::{Extremes, Scale},
};
use crate::{isa::Level, lanes::widest, matmul::scalar::round_bf16};

/// The extremes of some values.
pub(super) fn extremes(isa: Level, values: Values<'_>) -> Extremes {
    let mut found = Extremes::default();
    let to = &mut found;
    match values {
        Values::F32(values) => widest!(isa => extremes_of_f32(values: &[f32], to: &mut Extremes)),
        Values::Bf16(values) => widest!(isa => extremes_of_bf16(values: &[bf16], to: &mut Extremes)),
    }
    found
}

#[inline(always)]
fn extremes_of_f32(values: &[f32], to: &mut Extremes) {
    *to = Extremes::of(values);
}

#[inline(always)]
fn extremes_of_bf16(values: &[bf16], to: &mut Extremes) {
    // `bf16::to_f32` looks at each value whether it is a NaN.
    *to = Extremes::of_each(values, |x| f32::from_bits(u32::from(x.to_bits()) << 16));
}

/// A channel rounded to bf16, as f32.
pub(super) fn rounded<'a>(plane: &Plane, x: Option<Values<'_>>, to: impl Fn(usize) -> &'a mut [u32]) {
    plane_of(plane, x, to, round_bf16);
}

/// A channel quantised to eight bits, as the f32 that they stand for.
pub(super) fn dequantized<'a>(
    plane: &Plane,
    x: Option<Values<'_>>,
    scale: Scale,
    to: impl Fn(usize) -> &'a mut [u32],
) {
    plane_of(plane, x, to, |x| (scale.quantize(x) - scale.zero) * scale.scale);
}

/// `to(row)` is where a padded row goes.
fn plane_of<'a>(
    plane: &Plane,
    x: Option<Values<'_>>,
    to: impl Fn(usize) -> &'a mut [u32],
    value: impl Fn(f32) -> f32,
) {
    for (row, source) in plane.rows.iter().enumerate() {
        let words = to(row);
        words.fill(value(0.0).to_bits());
        let (Some(x), Some(row)) = (x, source) else { continue };
        let row = &*x.part(row * plane.width..(row + 1) * plane.width).to_f32();
        for chunk in &plane.chunks {
            let to = &mut words[chunk.at..][..chunk.len];
            match chunk.read {
                Read::Neighbours { first } if chunk.mask == u16::MAX && first >= 0 => {
                    let row = &row[first.cast_unsigned()..][..TILE];
                    to.iter_mut().zip(row).for_each(|(to, &x)| *to = value(x).to_bits());
                }
                _ => {
                    for (i, to) in to.iter_mut().enumerate() {
                        if let Some(column) = chunk.column(i) {
                            *to = value(row[column]).to_bits();
                        }
                    }
                }
            }
        }
    }
}
