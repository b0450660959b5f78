//! Between latents and tokens.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use nn::linear;

/// A convolution whose kernel and stride are the patch: a linear map of every patch.
#[derive(Module, Debug)]
pub(super) struct PatchEmbedding {
    weight: Param<Tensor<5>>, // [dim, channels, pt, ph, pw]
    bias: Param<Tensor<1>>,
}

impl PatchEmbedding {
    pub fn new(channels: usize, dim: usize, [pt, ph, pw]: [usize; 3], device: &Device) -> Self {
        Self { weight: nn::zeros([dim, channels, pt, ph, pw], device), bias: nn::zeros([dim], device) }
    }

    /// `[batch, channels, frames, height, width]` to `[batch, tokens, dim]`, frame by frame and row
    /// by row.
    pub fn forward(&self, latents: Tensor<5>) -> Tensor<3> {
        let weight = self.weight.val();
        let [dim, channels, pt, ph, pw] = weight.dims();
        let [batch, _, frames, height, width] = latents.dims();
        let [t, h, w] = [frames / pt, height / ph, width / pw];
        let patches = latents
            .reshape([batch, channels, t, pt, h, ph, w, pw])
            .permute([0, 2, 4, 6, 1, 3, 5, 7]) // [batch, t, h, w, channels, pt, ph, pw]
            .reshape([batch, t * h * w, channels * pt * ph * pw]);
        linear(patches, weight.reshape([dim, channels * pt * ph * pw]), Some(self.bias.val()))
    }
}

/// `[batch, tokens, pt * ph * pw * channels]` to `[batch, channels, frames, height, width]`.
pub(super) fn unpatchify(x: Tensor<3>, [t, h, w]: [usize; 3], [pt, ph, pw]: [usize; 3]) -> Tensor<5> {
    let [batch, _, features] = x.dims();
    let channels = features / (pt * ph * pw);
    x.reshape([batch, t, h, w, pt, ph, pw, channels])
        .permute([0, 7, 1, 4, 2, 5, 3, 6]) // [batch, channels, t, pt, h, ph, w, pw]
        .reshape([batch, channels, t * pt, h * ph, w * pw])
}
