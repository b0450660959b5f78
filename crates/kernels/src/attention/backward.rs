//! The gradients of attention: scores are made again, key block by key block.

use std::mem::MaybeUninit;

use super::{
    head_gradients::{HeadGradients, KEYS},
    products::{Products, VECTOR},
    scalar,
    shape::{Attention, Saved},
};
use crate::{
    shared::{Buffer, Shared, cleared, with_buffers},
    threads::prelude::*,
};

/// With fewer heads than this, keys are cut into parts whose shares of `dq` are added at the end.
/// A constant: bits must not depend on the number of threads.
const TASKS: usize = 32;
/// The fewest keys of such a part.
const KEYS_PER_PART: usize = 512;

pub(super) fn backward<P: Products>(
    products: P,
    shape: &Attention,
    saved: Saved<'_>,
    d_out: &[f32],
    [dq, dk, dv]: [Shared<'_, MaybeUninit<f32>>; 3],
) {
    let heads = shape.batch * shape.heads;
    if heads * shape.queries * shape.keys * shape.head_dim == 0 {
        // SAFETY: no task has a part of them.
        let [dq, dk, dv] = [dq, dk, dv].map(|all| cleared(unsafe { all.range(0, all.len()) }));
        return scalar::backward(shape, saved, d_out, dq, dk, dv);
    }
    let parts = TASKS.div_ceil(heads).min(shape.keys.div_ceil(KEYS_PER_PART));
    let blocks = shape.keys.div_ceil(KEYS);
    let width = shape.head_dim.next_multiple_of(VECTOR);
    let part = |head: usize, part: usize, share: &mut [f32]| {
        let first = part * blocks / parts * KEYS;
        let end = shape.keys.min((part + 1) * blocks / parts * KEYS);
        share.fill(0.0);
        // SAFETY: every task has its own head and keys.
        let out = |of_values, token| unsafe {
            let gradient = if of_values { &dv } else { &dk };
            cleared(gradient.range(shape.token(shape.keys, head, token), shape.head_dim))
        };
        HeadGradients { products, shape, saved, d_out, head }.of_keys(first..end, share, out);
    };
    // A share of `dq` is [queries, width]; those of a head's parts lie one behind the other.
    let share = shape.queries * width;
    let finish = |head: usize, shares: &[f32]| {
        for token in 0..shape.queries {
            // SAFETY: every task has its own head.
            let dq = cleared(unsafe { dq.range(shape.token(shape.queries, head, token), shape.head_dim) });
            for part in shares.chunks_exact(share) {
                let row = &part[token * width..][..shape.head_dim];
                dq.iter_mut().zip(row).for_each(|(dq, share)| *dq += share * shape.scale());
            }
        }
    };
    if parts == 1 {
        (0..heads).into_par_iter().for_each(|head| {
            with_buffers(|[buffer]: &mut [Buffer; 1]| {
                let buffer = buffer.floats(share);
                part(head, 0, buffer);
                finish(head, buffer);
            });
        });
    } else {
        with_buffers(|[buffer]: &mut [Buffer; 1]| {
            let buffer = buffer.floats(heads * parts * share);
            buffer.par_chunks_mut(share).enumerate().for_each(|(task, share)| {
                part(task / parts, task % parts, share);
            });
            buffer.par_chunks(parts * share).enumerate().for_each(|(head, shares)| finish(head, shares));
        });
    }
}
