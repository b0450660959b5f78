//! Scaled dot-product attention over `[batch, tokens, heads, head_dim]`, forward and backward; forward also with a bias.
//!
//! Keys pass by in blocks with an online softmax (Milakov & Gimelshein 2018; Dao et al. 2022), so
//! that no score matrix is ever in memory. Products are bf16 where the machine has them (f32
//! elsewhere), sums and the softmax f32.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backward;
mod forward;
mod head_gradients;
mod loops;
mod packed;
mod products;
pub mod scalar;
mod shape;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use crate::{
    isa::Level,
    shared::{Shared, filled, written},
};
use loops::Loops;
pub use packed::PackedKeys;
pub use shape::{Attention, Bias, Inputs, Saved};

/// `softmax(q kᵀ / sqrt(head_dim)) v`; and `[batch, heads, queries]`, the logarithm of each softmax's denominator for
/// the backward pass.
///
/// # Panics
/// If a slice has not the length that the shape asks for, or there are no keys.
pub fn attention(shape: &Attention, q: &[f32], k: &[f32], v: &[f32]) -> (Vec<f32>, Vec<f32>) {
    attend(shape, Inputs { q, k, v, bias: None })
}

/// `softmax(scale q kᵀ + bias) v`.
///
/// # Panics
/// If a slice has not the length that the shape asks for, or there are no keys.
pub fn attention_biased(shape: &Attention, q: &[f32], k: &[f32], v: &[f32], bias: Bias<'_>) -> Vec<f32> {
    let distances = (shape.queries + shape.keys).saturating_sub(1);
    assert!(bias.by_distance.len() == shape.heads * distances, "biases by distance of {shape:?}");
    assert!(bias.by_key.len() == shape.batch * shape.keys, "biases by key of {shape:?}");
    attend(shape, Inputs { q, k, v, bias: Some(bias) }).0
}

fn attend(shape: &Attention, inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
    let Inputs { q, k, v, .. } = inputs;
    assert!(shape.keys > 0, "attention over no keys");
    assert!(q.len() == shape.query_len(), "queries of {shape:?}");
    assert!(k.len() == shape.key_len() && v.len() == k.len(), "keys of {shape:?}");
    let mut lse = vec![0.0; shape.lse_len()];
    let write = |out: Shared<'_, f32>| attention_on(Level::in_use(), shape, inputs, out, &mut lse);
    // SAFETY: every head of every query has a task, which writes its features.
    let out = unsafe { written(q.len(), write) };
    (out, lse)
}

fn attention_on(isa: Level, shape: &Attention, inputs: Inputs<'_>, out: Shared<'_, f32>, lse: &mut [f32]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(isa) => forward::forward(isa, shape, inputs, out, lse),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16(isa) => forward::forward(isa, shape, inputs, out, lse),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(_, isa) => forward::forward(isa, shape, inputs, out, lse),
        _ => forward::forward(Loops(isa), shape, inputs, out, lse),
    }
}

/// The gradients by `q`, `k` and `v`.
///
/// # Panics
/// If a slice has not the length that the shape asks for.
pub fn attention_backward(shape: &Attention, saved: Saved<'_>, d_out: &[f32]) -> [Vec<f32>; 3] {
    backward_on(Level::in_use(), shape, saved, d_out)
}

fn backward_on(isa: Level, shape: &Attention, saved: Saved<'_>, d_out: &[f32]) -> [Vec<f32>; 3] {
    let (queries, keys) = (shape.query_len(), shape.key_len());
    assert!([saved.q, saved.out, d_out].iter().all(|x| x.len() == queries), "queries of {shape:?}");
    assert!([saved.k, saved.v].iter().all(|x| x.len() == keys), "keys of {shape:?}");
    assert_eq!(saved.lse.len(), shape.lse_len());
    let (mut dk, mut dv) = (Vec::new(), Vec::new());
    let write = |[dq, dk, dv]: [&mut [MaybeUninit<f32>]; 3]| {
        let to = [dq, dk, dv].map(Shared::new);
        match isa {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(isa) => backward::backward(isa, shape, saved, d_out, to),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16(isa) => backward::backward(isa, shape, saved, d_out, to),
            #[cfg(target_arch = "x86_64")]
            Level::Amx(_, isa) => backward::backward(isa, shape, saved, d_out, to),
            _ => backward::backward(Loops(isa), shape, saved, d_out, to),
        }
    };
    // SAFETY: every head of every query and of every key has a task, which writes its features.
    let dq = unsafe {
        filled(queries, |dq| {
            dv = filled(keys, |dv| dk = filled(keys, |dk| write([dq, dk, dv])));
        })
    };
    [dq, dk, dv]
}
