//! Rotary position embedding.

use burn::tensor::Tensor;

use crate::{
    fused::{Op, apply3, apply4},
    norm::plain_rms_norm,
    precision::on_cpu,
};

/// Rotates neighbouring pairs of features: `(a, b)` becomes `(a cos - b sin, a sin + b cos)`
/// (Su et al. 2021, interleaved form as in `WanAttnProcessor`).
///
/// `x` is `[batch, tokens, heads, head_dim]`; `cos` and `sin` are `[tokens, head_dim / 2]`.
pub fn rope(x: Tensor<4>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<4> {
    if on_cpu(&x) { apply3(Op::Rope, x, cos, sin) } else { plain_rope(x, cos, sin) }
}

/// [`rms_norm`](crate::rms_norm) over all heads of a token together, then [`rope`].
///
/// `x` is `[batch, tokens, heads, head_dim]`, `weight` `[heads * head_dim]`; `cos` and `sin` are as for [`rope`].
pub fn rms_norm_rope(x: Tensor<4>, weight: Tensor<1>, eps: f64, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<4> {
    if on_cpu(&x) {
        return apply4(Op::RmsNormRope { eps: eps as f32 }, x, weight, cos, sin);
    }
    plain_rms_norm_rope(x, weight, eps, cos, sin)
}

pub(crate) fn plain_rms_norm_rope(
    x: Tensor<4>,
    weight: Tensor<1>,
    eps: f64,
    cos: Tensor<2>,
    sin: Tensor<2>,
) -> Tensor<4> {
    let dims = x.dims();
    plain_rope(plain_rms_norm(x.flatten(2, 3), weight, eps).reshape(dims), cos, sin)
}

pub(crate) fn plain_rope(x: Tensor<4>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<4> {
    let [batch, tokens, heads, head_dim] = x.dims();
    let pairs = x.reshape([batch, tokens, heads, head_dim / 2, 2]);
    let a = pairs.clone().narrow(4, 0, 1);
    let b = pairs.narrow(4, 1, 1);
    let shape = [1, tokens, 1, head_dim / 2, 1];
    let (cos, sin) = (cos.reshape(shape), sin.reshape(shape));
    let rotated = Tensor::cat(vec![a.clone() * cos.clone() - b.clone() * sin.clone(), a * sin + b * cos], 4);
    rotated.reshape([batch, tokens, heads, head_dim])
}
