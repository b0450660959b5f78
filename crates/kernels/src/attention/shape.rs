//! The shape of an attention, what it reads, and what its backward pass reads.

/// The shape of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Samples.
    pub batch: usize,
    /// Tokens of `q` and of the result.
    pub queries: usize,
    /// Tokens of `k` and `v`, at least 1.
    pub keys: usize,
    /// Heads.
    pub heads: usize,
    /// Features of a head.
    pub head_dim: usize,
}

impl Attention {
    /// What the scores are multiplied by: `1 / sqrt(head_dim)`.
    pub fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    pub(super) fn query_len(&self) -> usize {
        self.batch * self.queries * self.heads * self.head_dim
    }

    pub(super) fn key_len(&self) -> usize {
        self.batch * self.keys * self.heads * self.head_dim
    }

    /// Values of the log-sum-exp: one for each sample, head and query.
    pub fn lse_len(&self) -> usize {
        self.batch * self.heads * self.queries
    }
}

/// What the forward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The queries.
    pub q: &'a [f32],
    /// The keys.
    pub k: &'a [f32],
    /// The values.
    pub v: &'a [f32],
    /// What is added to the scores. Without, they are `q kᵀ` times [`Attention::scale`].
    pub bias: Option<Bias<'a>>,
}

/// What makes scores of products: `scale q kᵀ + by_distance + by_key`.
///
/// A bias for each pair of tokens is as large as all scores together; that which T5 learns is the same for all pairs of
/// one distance, and padding is the same for all queries.
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a> {
    /// What the products are multiplied by.
    pub scale: f32,
    /// `[heads, queries + keys - 1]`: for each head the bias of a key that stands `1 - queries` places behind its query,
    /// and so on to `keys - 1` places.
    pub by_distance: &'a [f32],
    /// `[batch, keys]`: 0, or a number so negative that nothing is left of the key; finite.
    pub by_key: &'a [f32],
}

impl<'a> Bias<'a> {
    /// Of a query of a head of a sample: what is added to the score of each key, in two parts.
    pub(super) fn row(&self, shape: &Attention, head: usize, query: usize) -> [&'a [f32]; 2] {
        let (sample, head) = (head / shape.heads, head % shape.heads);
        let distances = shape.queries + shape.keys - 1;
        let first = head * distances + shape.queries - 1 - query;
        [&self.by_distance[first..][..shape.keys], &self.by_key[sample * shape.keys..][..shape.keys]]
    }
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// The queries.
    pub q: &'a [f32],
    /// The keys.
    pub k: &'a [f32],
    /// The values.
    pub v: &'a [f32],
    /// The result of the forward pass.
    pub out: &'a [f32],
    /// Its log-sum-exp.
    pub lse: &'a [f32],
}
