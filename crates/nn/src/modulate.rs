//! Adaptive layer norm: what the timestep does to a token (adaLN, Peebles & Xie 2023).
//!
//! `shift`, `scale` and `gate` are `[batch, groups, dim]` where `groups` divides the number of
//! tokens: consecutive tokens share a row. One group is a timestep for the clip (Wan 2.1), as many
//! as latent frames a timestep for each frame, as many as tokens one for each token (Wan 2.2).

use burn::tensor::Tensor;

use crate::{
    fused::{Op, apply3},
    norm::plain_layer_norm,
    precision::on_cpu,
};

/// `layer_norm(x) * (1 + scale) + shift`; `x` is `[batch, tokens, dim]`.
pub fn layer_norm_modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>, eps: f64) -> Tensor<3> {
    if on_cpu(&x) {
        return apply3(Op::LayerNormModulate { eps: eps as f32 }, x, shift, scale);
    }
    plain_layer_norm_modulate(x, shift, scale, eps)
}

pub(crate) fn plain_layer_norm_modulate(
    x: Tensor<3>,
    shift: Tensor<3>,
    scale: Tensor<3>,
    eps: f64,
) -> Tensor<3> {
    let dims = x.dims();
    let normed = by_group(plain_layer_norm(x, None, None, eps), &shift);
    let scale = scale.unsqueeze_dim::<4>(2).add_scalar(1.0);
    (normed * scale + shift.unsqueeze_dim::<4>(2)).reshape(dims)
}

/// `x + y * gate`; `x` and `y` are `[batch, tokens, dim]`.
pub fn gated_residual(x: Tensor<3>, y: Tensor<3>, gate: Tensor<3>) -> Tensor<3> {
    if on_cpu(&x) { apply3(Op::GatedResidual, x, y, gate) } else { plain_gated_residual(x, y, gate) }
}

pub(crate) fn plain_gated_residual(x: Tensor<3>, y: Tensor<3>, gate: Tensor<3>) -> Tensor<3> {
    let dims = x.dims();
    x + (by_group(y, &gate) * gate.unsqueeze_dim::<4>(2)).reshape(dims)
}

/// `[batch, tokens, dim]` to `[batch, groups, tokens / groups, dim]`.
fn by_group(x: Tensor<3>, groups: &Tensor<3>) -> Tensor<4> {
    let [batch, tokens, dim] = x.dims();
    let [_, groups, _] = groups.dims();
    x.reshape([batch, groups, tokens / groups, dim])
}
