//! Axes in another order, in memory too.

use burn::tensor::Tensor;

use crate::{
    fused::{Op, apply1},
    precision::on_cpu,
};

/// `x` with axis `axes[i]` in the place of axis `i`, as burn's `permute`: for a tensor that is to be reshaped next. On
/// the CPU it is put in that order at once, by all threads; with gradients by burn, when it is read.
pub fn permute<const D: usize>(x: Tensor<D>, axes: [usize; D]) -> Tensor<D> {
    if on_cpu(&x) && !x.is_autodiff() {
        return apply1(Op::Permute { axes: axes.to_vec() }, x);
    }
    x.permute(axes.map(|axis| axis as isize))
}
