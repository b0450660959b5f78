//! The half that decodes.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm, Conv2d, Linear, permute, silu};

use super::{
    AutoencoderKinoraConfig,
    blocks::from_blocks,
    config::PIXEL_PATCH,
    pixels::{channels_to_space, conv3, space_to_channels},
    upsampler::Upsampler,
};

/// Latent frames that the decoder sees before the one that it decodes.
pub(super) const PAST: usize = 2;

/// What came before the latents that are decoded; nothing at the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// Up to [`PAST`] latent frames, each `[batch, z_dim, 1, height, width]`.
    latents: Vec<Tensor<5>>,
    /// The frames of the last block, as the upsampler sees them.
    block: Option<Tensor<5>>,
}

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
    pub upsampler: Option<Upsampler>,
    /// Frames, rows and columns of a block.
    #[module(skip)]
    block: [usize; 3],
}

nn::pack_parts!(Decoder { conv_in, blocks, conv_out, pixels_in, pixels_out, upsampler });

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
            upsampler: (config.upscale > 1).then(|| Upsampler::new(config, device)),
            block: config.code_block(),
        }
    }

    /// What the code alone gives of `[batch, z_dim, frames, height, width]`: blocks `[batch, frames, height, width, values]`.
    pub fn code(&self, latents: Tensor<5>) -> Tensor<5> {
        self.code.forward(permute(latents, [0, 2, 3, 4, 1]))
    }

    /// `[batch, z_dim, frames, height, width]` to `[batch, 3, frames', height', width']`. `past` becomes that of what comes next.
    pub fn forward(&self, latents: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let decoded = self.decode(latents.clone(), past.latents.clone());
        let frames = latents.dims()[2];
        past.latents.extend((0..frames).map(|frame| latents.clone().narrow(2, frame, 1)));
        past.latents.drain(..past.latents.len().saturating_sub(PAST));
        let Some(upsampler) = &self.upsampler else { return decoded };
        let [time, ..] = self.block;
        let last = match decoded.dims()[2] {
            // A first frame, which stands still.
            1 if time > 1 => Tensor::cat(vec![decoded.clone(); time], 2),
            frames => decoded.clone().narrow(2, frames - time, time),
        };
        upsampler.forward(decoded, past.block.replace(last))
    }

    /// [`forward`](Self::forward) before it is drawn larger; the clip starts where there are no latents in the past.
    pub fn decode(&self, latents: Tensor<5>, past: Vec<Tensor<5>>) -> Tensor<5> {
        let starts = past.is_empty();
        let code = self.code(latents.clone());
        let [batch, frames, height, width, values] = code.dims();

        let x = self.conv_in.forward_after(PAST - past.len(), past, latents);
        let mut x = by_frame(x); // [batch * frames, channels, height, width]
        for block in &self.blocks {
            x = block.forward(x);
        }
        let x = self.conv_out.forward(self.norm_out.forward(x, true));
        let x = permute(x, [0, 2, 3, 1]).reshape([batch, frames, height, width, values]);
        let video = from_blocks(code + x, self.block, starts);

        // What blocks cannot know of their neighbours' edges.
        let [batch, colours, frames, height, width] = video.dims();
        let pixels = space_to_channels(by_frame(video.clone()), PIXEL_PATCH);
        let x = self.pixels_out.forward(silu(self.pixels_in.forward(pixels)));
        let x = channels_to_space(x, PIXEL_PATCH).reshape([batch, frames, colours, height, width]);
        video + permute(x, [0, 2, 1, 3, 4])
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

/// `[batch, channels, frames, height, width]` to `[batch * frames, channels, height, width]`.
fn by_frame(x: Tensor<5>) -> Tensor<4> {
    let [batch, channels, frames, height, width] = x.dims();
    permute(x, [0, 2, 1, 3, 4]).reshape([batch * frames, channels, height, width])
}
