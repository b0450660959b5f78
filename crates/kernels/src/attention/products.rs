//! What blocked attention is made of: packing, products and the softmax between them.
//!
//! Operands are words of as many numbers as are multiplied at once: pairs of bf16, or one f32.

use super::shape::Attention;

/// Columns of a vector.
pub(super) const VECTOR: usize = 16;
/// Columns of a panel of keys.
pub(super) const PANEL: usize = 64;

/// The parts for one instruction set; a value is the proof that the machine has it.
pub(super) trait Products: Copy + Sync {
    /// Numbers of a word.
    const DEPTH: usize;

    /// `[tokens][dim / DEPTH]`: neighbouring features, for the left side of a product.
    fn pack_rows(self, x: Head<'_>, packed: &mut [u32]);

    /// `[tokens / 64][dim / DEPTH][64]`: neighbouring features by columns, zeros behind the last
    /// token.
    fn pack_columns(self, x: Head<'_>, packed: &mut [u32]);

    /// `[tokens / DEPTH][dim, in whole vectors]`: neighbouring tokens, zeros behind the last token
    /// and feature.
    fn pack_tokens(self, x: Head<'_>, packed: &mut [u32]);

    /// `left · right` into `out`, whose rows are `stride` apart.
    fn multiply(
        self,
        left: Left<'_>,
        right: Right<'_>,
        size: Size,
        out: &mut [f32],
        stride: usize,
        finish: Finish<'_>,
    );

    /// Turns the products of a row into scores with a bias, makes all behind the last key -∞, and updates the row's
    /// sixteen lanes of greatest values.
    fn add_bias(self, scores: &mut [f32], lanes: &mut [f32], bias: &RowBias<'_>);

    /// The online softmax of a row: turns its scores into weights under the greatest score so far
    /// (of its sixteen `lanes`), adds them to the row's lanes of totals, and returns the factor that
    /// rescales what was summed under an earlier maximum.
    fn softmax_row(
        self,
        scores: &[f32],
        lanes: &[f32],
        scale: f32,
        maximum: &mut f32,
        totals: &mut [f32],
        weights: &mut [u32],
    ) -> f32;

    /// From `DEPTH` rows of scores and of gradients by the weights (`stride` apart): the weights and
    /// the gradients by the scores as words of rows, and the latter also as words of keys.
    fn softmax_backward(self, softmax: &Softmax, stride: usize, rows: (&[f32], &[f32]), to: Gradients<'_>);
}

/// The [`Bias`](super::Bias) of a query and a block of keys.
pub(super) struct RowBias<'a> {
    pub scale: f32,
    pub by_distance: &'a [f32],
    pub by_key: &'a [f32],
}

/// The softmax of up to two rows, from its log-sum-exp.
pub(super) struct Softmax {
    pub scale: f32,
    /// Keys of each row; what stands behind them is arbitrary.
    pub keys: [usize; 2],
    pub lse: [f32; 2],
    /// `Σ d_out out`, by which the gradient is lowered.
    pub delta: [f32; 2],
}

/// Where the results of [`Products::softmax_backward`] go.
pub(super) struct Gradients<'a> {
    pub weights: &'a mut [u32],
    pub d_scores: &'a mut [u32],
    /// A row here is `stride / DEPTH` words long.
    pub d_scores_rows: &'a mut [u32],
}

/// The left side: word `p` of row `r` is at `row * r + step * p`.
///
/// A matrix whose words lie along its columns is read transposed by `row: 1`.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub words: &'a [u32],
    pub row: usize,
    pub step: usize,
}

/// The right side: the words `p` of all columns begin at `step * p`.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    pub words: &'a [u32],
    pub step: usize,
}

/// The size of a product; columns come in whole vectors.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub rows: usize,
    pub words: usize,
    pub vectors: usize,
}

/// What becomes of a product.
pub(super) enum Finish<'a> {
    /// It is written.
    Set,
    /// It is added to what is there.
    Add,
    /// It is added to what is there times the row's factor.
    Rescale(&'a [f32]),
    /// The first `columns` are written, the others as -∞; each row's sixteen lanes of greatest
    /// values are updated.
    Maxima { lanes: &'a mut [f32], columns: usize },
}

/// Some tokens of one head in `[batch, tokens, heads, head_dim]`.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    values: &'a [f32],
    pub dim: usize,
    stride: usize,
    pub count: usize,
}

impl<'a> Head<'a> {
    /// `count` tokens that begin at `start` and are `stride` apart.
    pub fn new(x: &'a [f32], start: usize, stride: usize, dim: usize, count: usize) -> Self {
        let values = if count == 0 { &[] } else { &x[start..start + (count - 1) * stride + dim] };
        Self { values, dim, stride, count }
    }

    /// Token `index`.
    #[inline]
    pub fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.stride..][..self.dim]
    }

    /// Tokens `first..end`.
    pub fn part(&self, first: usize, end: usize) -> Self {
        Self::new(self.values, first * self.stride, self.stride, self.dim, end - first)
    }
}

/// The sizes of a shape's packed forms.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Words of a token, and features in whole vectors.
    pub words: usize,
    pub width: usize,
    /// Words of a head's keys and values.
    pub keys_len: usize,
    pub values_len: usize,
}

impl Sizes {
    pub fn of<P: Products>(shape: &Attention, keys: usize) -> Self {
        let (words, width) = (shape.head_dim.div_ceil(P::DEPTH), shape.head_dim.next_multiple_of(VECTOR));
        Self {
            words,
            width,
            keys_len: keys.div_ceil(PANEL) * PANEL * words,
            values_len: keys.div_ceil(P::DEPTH) * width,
        }
    }
}

impl Attention {
    /// The tokens of one head of one sample in `x`.
    pub(super) fn head<'a>(&self, x: &'a [f32], tokens: usize, head: usize) -> Head<'a> {
        let stride = self.heads * self.head_dim;
        let start = head / self.heads * tokens * stride + head % self.heads * self.head_dim;
        Head::new(x, start, stride, self.head_dim, tokens)
    }

    /// Where token `token` of a head begins.
    pub(super) fn token(&self, tokens: usize, head: usize, token: usize) -> usize {
        ((head / self.heads * tokens + token) * self.heads + head % self.heads) * self.head_dim
    }
}
