//! The sizes of a product, and how its matrices lie in memory.

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row after row.
    Plain,
    /// Column after column: the slice holds the transpose.
    Transposed,
}

/// A matrix and how it lies in memory.
pub(super) type Matrix<'a> = (&'a [f32], Layout);

/// The sizes of `C [m, n] = A [m, k] B [k, n]`.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of `A` and `C`.
    pub m: usize,
    /// Columns of `B` and `C`.
    pub n: usize,
    /// Columns of `A`, rows of `B`.
    pub k: usize,
}

impl Sizes {
    pub(super) fn check_inputs(self, a: &[f32], b: &[f32], bias: Option<&[f32]>) {
        let Self { m, n, k } = self;
        assert_eq!(a.len(), m * k, "matmul: a is not [m, k]");
        assert_eq!(b.len(), k * n, "matmul: b is not [k, n]");
        assert!(bias.is_none_or(|bias| bias.len() == n), "matmul: bias is not [n]");
    }
}
