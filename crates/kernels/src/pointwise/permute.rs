//! Axes in another order: what cutting pictures into channels, and putting them together again, comes to.

use std::{mem::MaybeUninit, ops::Range};

use crate::{
    shared::{Shared, filled},
    threads::prelude::*,
};

/// Rows and columns of a part of a plane that is turned in the cache.
const TILE: usize = 32;
/// Numbers that a task copies, about.
const LEAST: usize = 4096;

/// `x`, of `dims`, with axis `axes[i]` in the place of axis `i`.
///
/// # Panics
/// If the lengths do not fit, or `axes` are not each axis once.
pub fn permute(x: &[f32], dims: &[usize], axes: &[usize]) -> Vec<f32> {
    assert_eq!(x.len(), dims.iter().product::<usize>(), "{dims:?}");
    let mut seen = axes.to_vec();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..dims.len()), "{axes:?} of {dims:?}");
    if x.is_empty() {
        return Vec::new();
    }
    let axes = Axis::merged(dims, axes);
    let [outer @ .., last] = axes.as_slice() else { return x.to_vec() };
    // Two axes inside, which are copied together, and the others, of which each task has some places.
    let one = Axis { count: 1, stride: 0 };
    let (outer, rows) = match outer {
        [outer @ .., rows] if last.stride > 1 => (outer, *rows),
        outer => (outer, one),
    };
    let plane = Plane { rows, columns: *last };
    let fill = |y: &mut [MaybeUninit<f32>]| {
        let (len, count) = (plane.len(), y.len() / plane.len());
        // Small planes go to a task together, large ones are cut by rows.
        let together = (LEAST / len).max(1);
        let strips = if len > 2 * LEAST { rows.count.div_ceil(TILE) } else { 1 };
        let out = Shared::new(y);
        (0..count.div_ceil(together) * strips).into_par_iter().for_each(|task| {
            let (first, strip) = (task / strips * together, task % strips);
            let rows = match strips {
                1 => 0..rows.count,
                _ => strip * TILE..((strip + 1) * TILE).min(rows.count),
            };
            for at in first..(first + together).min(count) {
                // SAFETY: each task has planes, or rows of them, of its own.
                let y = unsafe { out.range(at * len + rows.start * last.count, rows.len() * last.count) };
                plane.copy(&x[start(outer, at)..], rows.clone(), y);
            }
        });
    };
    // SAFETY: the tasks have all rows of all planes, and `copy` writes all columns of each.
    unsafe { filled(x.len(), fill) }
}

/// How many places, and how far from one to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    count: usize,
    stride: usize,
}

impl Axis {
    /// The axes of the result with their strides in `x`, as few as there can be.
    fn merged(dims: &[usize], axes: &[usize]) -> Vec<Self> {
        let stride = |axis: usize| dims[axis + 1..].iter().product();
        let mut merged: Vec<Self> = Vec::new();
        for &axis in axes.iter().filter(|&&axis| dims[axis] != 1) {
            let is = Self { count: dims[axis], stride: stride(axis) };
            match merged.last_mut() {
                Some(last) if last.stride == is.count * is.stride => {
                    *last = Self { count: last.count * is.count, stride: is.stride };
                }
                _ => merged.push(is),
            }
        }
        merged
    }
}

/// Where the place `at` of these axes, one row after the other, begins.
fn start(axes: &[Axis], mut at: usize) -> usize {
    let mut start = 0;
    for axis in axes.iter().rev() {
        start += at % axis.count * axis.stride;
        at /= axis.count;
    }
    start
}

/// The two axes inside.
#[derive(Clone, Copy)]
struct Plane {
    rows: Axis,
    columns: Axis,
}

impl Plane {
    fn len(&self) -> usize {
        self.rows.count * self.columns.count
    }

    /// Some rows of the plane that begins with `x`.
    fn copy(&self, x: &[f32], rows: Range<usize>, y: &mut [MaybeUninit<f32>]) {
        let Self { rows: Axis { stride: down, .. }, columns: Axis { count, stride: across } } = *self;
        if across == 1 {
            for (row, y) in rows.zip(y.chunks_exact_mut(count)) {
                y.write_copy_of_slice(&x[row * down..][..count]);
            }
            return;
        }
        for first in (0..count).step_by(TILE) {
            for column in first..(first + TILE).min(count) {
                let places = y.iter_mut().skip(column).step_by(count);
                for (row, y) in rows.clone().zip(places) {
                    y.write(x[row * down + column * across]);
                }
            }
        }
    }
}
