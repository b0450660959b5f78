//! The shape of an attention, and what its backward pass reads.

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
