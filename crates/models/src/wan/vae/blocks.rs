//! What both halves of the autoencoder are made of.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm, Conv2d, attention};

use super::past::Past;

/// A 3×3×3 convolution that keeps the size.
pub(super) fn conv3(inputs: usize, outputs: usize, device: &Device) -> CausalConv3d {
    CausalConv3d::new([inputs, outputs], [3; 3], [1; 3], [1; 3], device)
}

/// Two convolutions with a shortcut around them (`WanResidualBlock`).
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    norm1: ChannelRmsNorm<4>,
    conv1: CausalConv3d,
    norm2: ChannelRmsNorm<4>,
    conv2: CausalConv3d,
    conv_shortcut: Option<CausalConv3d>,
}

nn::pack_parts!(ResidualBlock { conv1, conv2, conv_shortcut });

impl ResidualBlock {
    pub fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        let pointwise = || CausalConv3d::new([inputs, outputs], [1; 3], [1; 3], [0; 3], device);
        Self {
            norm1: ChannelRmsNorm::new(inputs, device),
            conv1: conv3(inputs, outputs, device),
            norm2: ChannelRmsNorm::new(outputs, device),
            conv2: conv3(outputs, outputs, device),
            conv_shortcut: (inputs != outputs).then(pointwise),
        }
    }

    /// Blocks in a row, the first of which goes from `inputs` to `outputs` channels.
    pub fn stack(count: usize, inputs: usize, outputs: usize, device: &Device) -> Vec<Self> {
        (0..count).map(|at| Self::new(if at == 0 { inputs } else { outputs }, outputs, device)).collect()
    }

    /// `[batch, channels, frames, height, width]` to the same size.
    pub fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let h = past.silu_conv(&self.norm1, &self.conv1, x.clone());
        let h = past.silu_conv(&self.norm2, &self.conv2, h);
        match &self.conv_shortcut {
            Some(conv) => conv.forward(x) + h,
            None => x + h,
        }
    }
}

/// Attention within each frame, with one head (`WanAttentionBlock`).
#[derive(Module, Debug)]
pub(super) struct AttentionBlock {
    norm: ChannelRmsNorm<3>,
    to_qkv: Conv2d,
    proj: Conv2d,
}

impl AttentionBlock {
    fn new(dim: usize, device: &Device) -> Self {
        Self {
            norm: ChannelRmsNorm::new(dim, device),
            to_qkv: Conv2d::new([dim, 3 * dim], 1, 1, [0, 0], device),
            proj: Conv2d::new([dim, dim], 1, 1, [0, 0], device),
        }
    }

    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let [batch, channels, frames, height, width] = x.dims();
        let pixels = self.norm.forward(x.clone(), false).permute([0, 2, 3, 4, 1]).reshape([
            batch * frames,
            height * width,
            channels,
        ]);
        let qkv = self.to_qkv.forward_pixels(pixels).unsqueeze_dim::<4>(2); // [images, pixels, 1 head, 3 * channels]
        let [q, k, v] = std::array::from_fn(|part| qkv.clone().narrow(3, part * channels, channels));
        let y = self
            .proj
            .forward_pixels(attention(q, k, v).squeeze_dim::<3>(2))
            .reshape([batch, frames, height, width, channels])
            .permute([0, 4, 1, 2, 3]);
        x + y
    }
}

/// Residual, attention, residual at the coarsest scale (`WanMidBlock`).
#[derive(Module, Debug)]
pub(super) struct MidBlock {
    pub(super) attentions: Vec<AttentionBlock>, // one
    pub(super) resnets: Vec<ResidualBlock>,     // one more
}

nn::pack_parts!(MidBlock { resnets });

impl MidBlock {
    pub fn new(dim: usize, device: &Device) -> Self {
        Self {
            attentions: vec![AttentionBlock::new(dim, device)],
            resnets: ResidualBlock::stack(2, dim, dim, device),
        }
    }

    pub fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let mut x = self.resnets[0].forward(x, past);
        for (attention, resnet) in self.attentions.iter().zip(&self.resnets[1..]) {
            x = resnet.forward(attention.forward(x), past);
        }
        x
    }
}
