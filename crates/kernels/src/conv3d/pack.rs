//! Planes in plain Rust, for machines without AVX-512.

use std::borrow::Cow;

use super::{
    frames::Values,
    plane::{Plane, Read, TILE},
    quantize::{Extremes, Scale},
};
use crate::{lanes::widest, matmul::scalar::round_bf16};

/// The extremes of some values.
pub(super) fn extremes(values: Values<'_>) -> Extremes {
    /// Few enough to be widened in the first-level cache.
    const AT_ONCE: usize = 2048;
    let parts = (0..values.len()).step_by(AT_ONCE);
    let parts = parts.map(|start| values.part(start..values.len().min(start + AT_ONCE)).to_f32());
    let of_part = |values: Cow<'_, [f32]>| {
        let (mut found, values) = (Extremes::default(), &*values);
        let to = &mut found;
        widest!(find(values: &[f32], to: &mut Extremes));
        found
    };
    parts.map(of_part).fold(Extremes::default(), Extremes::join)
}

#[inline(always)]
fn find(values: &[f32], to: &mut Extremes) {
    *to = Extremes::of(values);
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
