//! Layer norm, RMS norm over features and RMS norm over channels.

use burn::{
    module::{Module, Param},
    tensor::{Device, FloatDType, Tensor},
};

use crate::{
    fused::{Op, apply2, apply3},
    parameter::zeros,
    precision::on_cpu,
    rope::rms_norm_rope,
};

/// Layer norm over the last dimension with learnt `weight` and `bias` (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[dim]`
    pub weight: Param<Tensor<1>>,
    /// `[dim]`
    pub bias: Param<Tensor<1>>,
    eps: f64,
}

impl LayerNorm {
    /// A layer of zeros over `dim` features.
    pub fn new(dim: usize, eps: f64, device: &Device) -> Self {
        let weights = || zeros([dim], device);
        Self { weight: weights(), bias: weights(), eps }
    }

    /// `[batch, tokens, dim]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, Some(self.weight.val()), Some(self.bias.val()), self.eps)
    }
}

/// RMS norm over the last dimension (Zhang & Sennrich 2019): torch's `RMSNorm`, T5's layer norm.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[dim]`
    pub weight: Param<Tensor<1>>,
    eps: f64,
}

impl RmsNorm {
    /// A layer of zeros over `dim` features.
    pub fn new(dim: usize, eps: f64, device: &Device) -> Self {
        Self { weight: zeros([dim], device), eps }
    }

    /// `[batch, tokens, dim]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        rms_norm(x, self.weight.val(), self.eps)
    }

    /// Over all heads of `[batch, tokens, heads, head_dim]` together, then [`rope`](crate::rope).
    pub fn forward_rope(&self, x: Tensor<4>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<4> {
        rms_norm_rope(x, self.weight.val(), self.eps, cos, sin)
    }
}

/// `WanRMS_norm`: channels divided by their L2 norm, times `sqrt(channels) * gamma`.
///
/// `D` is the rank of `gamma`: `[channels, 1, 1, 1]` for video, `[channels, 1, 1]` for images.
#[derive(Module, Debug)]
pub struct ChannelRmsNorm<const D: usize> {
    /// `[channels, 1, ..]`
    pub gamma: Param<Tensor<D>>,
}

impl<const D: usize> ChannelRmsNorm<D> {
    /// A layer of zeros over `channels`.
    pub fn new(channels: usize, device: &Device) -> Self {
        let mut shape = [1; D];
        shape[0] = channels;
        Self { gamma: zeros(shape, device) }
    }

    /// `[batch, channels, ..]` to the same; with `silu`, the activation follows in the same pass.
    pub fn forward<const R: usize>(&self, x: Tensor<R>, silu: bool) -> Tensor<R> {
        channel_rms_norm(x, self.gamma.val().flatten(0, D - 1), silu)
    }

    /// [`forward`](Self::forward) with the activation; with `bf16` rounded to that, for convolutions that read it, and
    /// without a gradient.
    pub fn forward_silu<const R: usize>(&self, x: Tensor<R>, bf16: bool) -> Tensor<R> {
        match bf16 {
            true if on_cpu(&x) => {
                let gamma: Tensor<1> = self.gamma.val().flatten(0, D - 1);
                apply2(Op::ChannelRmsNorm { silu: true, rounded: true }, x, gamma)
            }
            true => self.forward(x, true).cast(FloatDType::BF16),
            false => self.forward(x, true),
        }
    }
}

/// `(x - mean) / sqrt(var + eps) * weight + bias` over the last dimension of `[batch, tokens, dim]`.
pub fn layer_norm(x: Tensor<3>, weight: Option<Tensor<1>>, bias: Option<Tensor<1>>, eps: f64) -> Tensor<3> {
    if !on_cpu(&x) {
        return plain_layer_norm(x, weight, bias, eps);
    }
    // The kernel multiplies by `1 + scale`, one row for each sample.
    let ([batch, _, dim], device) = (x.dims(), x.device());
    let row = |row: Option<Tensor<1>>, less: f64| match row {
        Some(row) => row.sub_scalar(less).reshape([1, 1, dim]).expand([batch, 1, dim]),
        None => Tensor::zeros([batch, 1, dim], &device),
    };
    apply3(Op::LayerNormModulate { eps: eps as f32 }, x, row(bias, 0.0), row(weight, 1.0))
}

pub(crate) fn plain_layer_norm(
    x: Tensor<3>,
    weight: Option<Tensor<1>>,
    bias: Option<Tensor<1>>,
    eps: f64,
) -> Tensor<3> {
    let (var, mean) = x.clone().var_mean_bias(2);
    let mut y = (x - mean) / var.add_scalar(eps).sqrt();
    if let Some(weight) = weight {
        y = y * weight.unsqueeze();
    }
    if let Some(bias) = bias {
        y = y + bias.unsqueeze();
    }
    y
}

/// `x / sqrt(mean(x²) + eps) * weight` over the last dimension of `[batch, tokens, dim]`.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, eps: f64) -> Tensor<3> {
    if on_cpu(&x) {
        apply2(Op::RmsNorm { eps: eps as f32 }, x, weight)
    } else {
        plain_rms_norm(x, weight, eps)
    }
}

pub(crate) fn plain_rms_norm(x: Tensor<3>, weight: Tensor<1>, eps: f64) -> Tensor<3> {
    let rms = x.clone().powi_scalar(2).mean_dim(2).add_scalar(eps).sqrt();
    x / rms * weight.unsqueeze()
}

/// `x / max(|x|₂, 1e-12) * sqrt(channels) * gamma` over dimension 1 of `[batch, channels, ..]`,
/// where `gamma` is `[channels]`; with `silu`, followed by the activation.
pub fn channel_rms_norm<const R: usize>(x: Tensor<R>, gamma: Tensor<1>, silu: bool) -> Tensor<R> {
    if on_cpu(&x) {
        apply2(Op::ChannelRmsNorm { silu, rounded: false }, x, gamma)
    } else {
        plain_channel_rms_norm(x, gamma, silu)
    }
}

pub(crate) fn plain_channel_rms_norm<const R: usize>(
    x: Tensor<R>,
    gamma: Tensor<1>,
    silu: bool,
) -> Tensor<R> {
    let channels = x.dims()[1];
    let mut shape = [1; R];
    shape[1] = channels;
    let norm = x.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-12);
    let y = x / norm * gamma.mul_scalar((channels as f64).sqrt()).reshape(shape);
    if silu { crate::silu(y) } else { y }
}
