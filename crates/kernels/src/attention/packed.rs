//! Keys and values that many queries will look at, packed once.

use super::{
    forward::{attend, pack, packed_len},
    loops::Loops,
    products::Products,
    shape::Attention,
};
use crate::{
    isa::Level,
    shared::{Shared, written},
};

/// Keys and values in the order that the products read: pairs of bf16 where the machine has such products, f32
/// elsewhere.
///
/// Those of a text are the same at every step of a video. Kept like this they are neither computed nor packed again,
/// and take half the memory where they are bf16.
#[derive(Debug)]
pub struct PackedKeys {
    isa: Level,
    /// The shape, of no queries.
    shape: Attention,
    keys: Vec<u32>,
    values: Vec<u32>,
}

impl PackedKeys {
    /// Of `k` and `v`, `[batch, keys, heads, head_dim]`; the queries of `shape` do not count.
    ///
    /// # Panics
    /// If a slice has not the length that the shape asks for, or there are no keys or no features.
    pub fn new(shape: &Attention, k: &[f32], v: &[f32]) -> Self {
        Self::for_isa(Level::in_use(), shape, k, v)
    }

    pub(super) fn for_isa(isa: Level, shape: &Attention, k: &[f32], v: &[f32]) -> Self {
        let shape = Attention { queries: 0, ..*shape };
        assert!(shape.keys > 0 && shape.head_dim > 0, "attention over no keys: {shape:?}");
        assert!(k.len() == shape.key_len() && v.len() == k.len(), "keys of {shape:?}");
        let mut packed = Self { isa, shape, keys: Vec::new(), values: Vec::new() };
        match isa {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(isa) => packed.fill(isa, k, v),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16(isa) => packed.fill(isa, k, v),
            #[cfg(target_arch = "x86_64")]
            Level::Amx(_, isa) => packed.fill(isa, k, v),
            _ => packed.fill(Loops(isa), k, v),
        }
        packed
    }

    fn fill<P: Products>(&mut self, products: P, k: &[f32], v: &[f32]) {
        let [keys_len, values_len] = packed_len::<P>(&self.shape);
        (self.keys, self.values) = (vec![0; keys_len], vec![0; values_len]);
        pack(products, &self.shape, (k, v), &mut self.keys, &mut self.values);
    }

    /// The shape of the attention of so many queries of each sample.
    pub fn shape(&self, queries: usize) -> Attention {
        Attention { queries, ..self.shape }
    }

    /// `softmax(q kᵀ / sqrt(head_dim)) v` for `q`, `[batch, queries, heads, head_dim]`; the result has the shape of
    /// `q`, and is that of [`attention`](super::attention) to the last bit.
    ///
    /// # Panics
    /// If `q` is not made of whole queries of every sample.
    pub fn attend(&self, q: &[f32]) -> Vec<f32> {
        let of_a_query = self.shape(1).query_len().max(1);
        assert!(q.len().is_multiple_of(of_a_query), "queries over keys of {:?}", self.shape);
        let shape = self.shape(q.len() / of_a_query);
        if q.is_empty() {
            return Vec::new();
        }
        let mut lse = vec![0.0; shape.lse_len()];
        let packed = (&*self.keys, &*self.values);
        let write = |out: Shared<'_, f32>| match self.isa {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(isa) => attend(isa, &shape, q, packed, None, out, &mut lse),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16(isa) => attend(isa, &shape, q, packed, None, out, &mut lse),
            #[cfg(target_arch = "x86_64")]
            Level::Amx(_, isa) => attend(isa, &shape, q, packed, None, out, &mut lse),
            isa => attend(Loops(isa), &shape, q, packed, None, out, &mut lse),
        };
        // SAFETY: every head of every query has a task, which writes its features.
        unsafe { written(q.len(), write) }
    }
}
