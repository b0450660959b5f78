//! The CPU kernels as burn operations with gradients.
//!
//! An [`Op`] names a kernel and its constants. It takes one to five float tensors and makes one;
//! `flex` runs it forward and backward on slices, `autodiff` records it.

mod autodiff;
mod flex;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};
use kernels::{attention::PackedKeys, pointwise::Activation};

use crate::{PackedKernel, PackedLinear};

/// A kernel with its constants; the tensors that it takes stand beside each.
#[derive(Clone, Debug)]
pub enum Op {
    /// `x [.., dim]`
    Activate(Activation),
    /// `x [..]`; has no gradient
    Permute { axes: Vec<usize> },
    /// `x [.., in]`, `weight [out, in]`
    Linear,
    /// `x [.., in]`, `weight [out, in]`, `bias [out]`
    LinearBias,
    /// `x [.., in]` and perhaps `bias [out]`; has no gradient
    PackedLinear { weight: PackedLinear, activation: Option<Activation> },
    /// `x [.., dim]`, `weight [dim]`
    RmsNorm { eps: f32 },
    /// `x [batch, channels, ..]`, `gamma [channels]`; has no gradient if it is `rounded` to bf16
    ChannelRmsNorm { silu: bool, rounded: bool },
    /// `x [batch, tokens, dim]`, `shift` and `scale` `[batch, groups, dim]`
    LayerNormModulate { eps: f32 },
    /// `x` and `y` `[batch, tokens, dim]`, `gate [batch, groups, dim]`
    GatedResidual,
    /// `x [batch, tokens, heads, head_dim]`, `cos` and `sin` `[tokens, head_dim / 2]`, which get no
    /// gradient
    Rope,
    /// `x [batch, tokens, heads, head_dim]`, `weight [heads * head_dim]`, `cos` and `sin` as for [`Rope`](Self::Rope)
    RmsNormRope { eps: f32 },
    /// `q`, `k`, `v` `[batch, tokens, heads, head_dim]`
    Attention,
    /// `q [batch, tokens, heads, head_dim]`; has no gradient
    AttentionTo { keys: Arc<PackedKeys> },
    /// `q`, `k`, `v` `[batch, tokens, heads, head_dim]`, `by_distance [heads, queries + keys - 1]`,
    /// `by_key [batch, keys]`; has no gradient
    AttentionBiased,
    /// `x [batch, in, frames, height, width]`, `weight [out, in, kt, kh, kw]`, `bias [out]`
    Conv3d { window: Window },
    /// `x [batch, in, frames, height, width]`, `bias [out]` and up to two single frames that came before `x`; all but
    /// the bias in bf16 or f32; has no gradient
    PackedConv3d { weight: PackedKernel, window: Window },
}

/// How a convolution goes over its input; triples are `[frames, height, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub stride: [usize; 3],
    /// Zeros before the input.
    pub front: [usize; 3],
    /// Zeros behind the input.
    pub back: [usize; 3],
    /// Whether every pixel of the input stands for a square of four.
    pub doubled: bool,
}

/// What a backend needs to run an [`Op`] and its gradient.
pub trait Kernels: Backend {
    /// The result, and what else the backward pass wants to know.
    fn forward(op: &Op, inputs: &[FloatTensor<Self>]) -> (FloatTensor<Self>, Option<FloatTensor<Self>>);

    /// The gradient by each input; inputs that are not `wanted` may get none.
    fn backward(
        op: &Op,
        inputs: &[FloatTensor<Self>],
        result: &(FloatTensor<Self>, Option<FloatTensor<Self>>),
        grad: FloatTensor<Self>,
        wanted: &[bool],
    ) -> Vec<Option<FloatTensor<Self>>>;
}

/// [`Op`]s as burn operations, by the number of their inputs.
#[backend_extension(Flex, Autodiff)]
pub trait FusedOps: Backend {
    /// An operation on one tensor.
    fn fused1(a: FloatTensor<Self>, op: Op) -> FloatTensor<Self>;
    /// An operation on two tensors.
    fn fused2(a: FloatTensor<Self>, b: FloatTensor<Self>, op: Op) -> FloatTensor<Self>;
    /// An operation on three tensors.
    fn fused3(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Op) -> FloatTensor<Self>;
    /// An operation on four tensors.
    fn fused4(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self>;
    /// An operation on five tensors.
    fn fused5(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self>;
}

impl FusedOps for Flex {
    fn fused1(a: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        Self::forward(&op, &[a]).0
    }

    fn fused2(a: FloatTensor<Self>, b: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        Self::forward(&op, &[a, b]).0
    }

    fn fused3(a: FloatTensor<Self>, b: FloatTensor<Self>, c: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        Self::forward(&op, &[a, b, c]).0
    }

    fn fused4(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self> {
        Self::forward(&op, &[a, b, c, d]).0
    }

    fn fused5(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self> {
        Self::forward(&op, &[a, b, c, d, e]).0
    }
}

/// Applies an operation on one tensor.
pub(crate) fn apply1<const A: usize, const R: usize>(op: Op, a: Tensor<A>) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused1(a.into_dispatch(), op))
}

/// Applies an operation on two tensors.
pub(crate) fn apply2<const A: usize, const B: usize, const R: usize>(
    op: Op,
    a: Tensor<A>,
    b: Tensor<B>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused2(a.into_dispatch(), b.into_dispatch(), op))
}

/// Applies an operation on three tensors.
pub(crate) fn apply3<const A: usize, const B: usize, const C: usize, const R: usize>(
    op: Op,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused3(
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
        op,
    ))
}

/// Applies an operation on four tensors.
pub(crate) fn apply4<const A: usize, const B: usize, const C: usize, const D: usize, const R: usize>(
    op: Op,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
    d: Tensor<D>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused4(
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
        d.into_dispatch(),
        op,
    ))
}

/// Applies an operation on five tensors.
pub(crate) fn apply5<
    const A: usize,
    const B: usize,
    const C: usize,
    const D: usize,
    const E: usize,
    const R: usize,
>(
    op: Op,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
    d: Tensor<D>,
    e: Tensor<E>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused5(
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
        d.into_dispatch(),
        e.into_dispatch(),
        op,
    ))
}
