//! The half that decodes.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm, Conv2d, Linear, silu};

use super::{AutoencoderKinoraConfig, blocks::from_blocks, config::PIXEL_PATCH};

/// Latent frames that the decoder sees before the one that it decodes.
pub(super) const PAST: usize = 2;

/// A linear code read back, and what a network makes of it.
#[derive(Module, Debug)]
pub(super) struct Decoder {
    code: Linear,
    conv_in: CausalConv3d,
    blocks: Vec<ResidualBlock>,
    norm_out: ChannelRmsNorm<3>,
    conv_out: Conv2d,
    pixels_in: Conv2d,
    pixels_out: Conv2d,
    /// Frames, rows and columns of a block.
    #[module(skip)]
    block: [usize; 3],
}

nn::pack_parts!(Decoder { conv_in, blocks, conv_out, pixels_in, pixels_out });

impl Decoder {
    pub fn new(config: &AutoencoderKinoraConfig, device: &Device) -> Self {
        let AutoencoderKinoraConfig { z_dim, width, num_res_blocks, pixel_width, .. } = *config;
        let values = config.block_values();
        let pixels = 3 * PIXEL_PATCH * PIXEL_PATCH;
        Self {
            code: Linear::new(z_dim, values, true, device),
            conv_in: CausalConv3d::new([z_dim, width], [PAST + 1, 3, 3], [1; 3], [1; 3], device),
            blocks: (0..num_res_blocks).map(|_| ResidualBlock::new(width, device)).collect(),
            norm_out: ChannelRmsNorm::new(width, device),
            conv_out: Conv2d::new([width, values], 1, 1, [0; 2], device),
            pixels_in: conv3(pixels, pixel_width, device),
            pixels_out: conv3(pixel_width, pixels, device),
            block: config.scale_factors(),
        }
    }

    /// What the code alone gives of `[batch, z_dim, frames, height, width]`: blocks `[batch, frames, height, width, values]`.
    pub fn code(&self, latents: Tensor<5>) -> Tensor<5> {
        self.code.forward(latents.permute([0, 2, 3, 4, 1]))
    }

    /// `[batch, z_dim, frames, height, width]` to `[batch, 3, frames', height', width']`. `past` are up to [`PAST`] latent
    /// frames that came before, each `[batch, z_dim, 1, height, width]`; the clip starts where there are none.
    pub fn forward(&self, latents: Tensor<5>, past: Vec<Tensor<5>>) -> Tensor<5> {
        let starts = past.is_empty();
        let code = self.code(latents.clone());
        let [batch, frames, height, width, values] = code.dims();

        let x = self.conv_in.forward_after(PAST - past.len(), past, latents);
        let mut x = by_frame(x); // [batch * frames, channels, height, width]
        for block in &self.blocks {
            x = block.forward(x);
        }
        let x = self.conv_out.forward(self.norm_out.forward(x, true));
        let x = x.permute([0, 2, 3, 1]).reshape([batch, frames, height, width, values]);
        let video = from_blocks(code + x, self.block, starts);

        // What blocks cannot know of their neighbours' edges.
        let [batch, colours, frames, height, width] = video.dims();
        let pixels = space_to_channels(by_frame(video.clone()));
        let x = self.pixels_out.forward(silu(self.pixels_in.forward(pixels)));
        let x = channels_to_space(x).reshape([batch, frames, colours, height, width]).swap_dims(1, 2);
        video + x
    }
}

/// Two convolutions of each latent frame, with a shortcut around them.
#[derive(Module, Debug)]
struct ResidualBlock {
    norm1: ChannelRmsNorm<3>,
    conv1: Conv2d,
    norm2: ChannelRmsNorm<3>,
    conv2: Conv2d,
}

nn::pack_parts!(ResidualBlock { conv1, conv2 });

impl ResidualBlock {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            norm1: ChannelRmsNorm::new(channels, device),
            conv1: conv3(channels, channels, device),
            norm2: ChannelRmsNorm::new(channels, device),
            conv2: conv3(channels, channels, device),
        }
    }

    /// `[frames, channels, height, width]` to the same.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = self.conv1.forward(self.norm1.forward(x.clone(), true));
        x + self.conv2.forward(self.norm2.forward(h, true))
    }
}

/// A 3×3 convolution that keeps the size.
fn conv3(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2d::new([inputs, outputs], 3, 1, [1; 2], device)
}

/// `[batch, channels, frames, height, width]` to `[batch * frames, channels, height, width]`.
fn by_frame(x: Tensor<5>) -> Tensor<4> {
    let [batch, channels, frames, height, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch * frames, channels, height, width])
}

/// Squares of pixels become channels: `[frames, 3, height, width]` to `[frames, 12, height / 2, width / 2]`.
fn space_to_channels(x: Tensor<4>) -> Tensor<4> {
    const P: usize = PIXEL_PATCH;
    let [frames, colours, height, width] = x.dims();
    let [h, w] = [height / P, width / P];
    x.reshape([frames, colours, h, P, w, P]).permute([0, 1, 3, 5, 2, 4]).reshape([
        frames,
        colours * P * P,
        h,
        w,
    ])
}

/// The inverse of [`space_to_channels`].
fn channels_to_space(x: Tensor<4>) -> Tensor<4> {
    const P: usize = PIXEL_PATCH;
    let [frames, channels, h, w] = x.dims();
    x.reshape([frames, channels / (P * P), P, P, h, w]).permute([0, 1, 4, 2, 5, 3]).reshape([
        frames,
        channels / (P * P),
        h * P,
        w * P,
    ])
}
