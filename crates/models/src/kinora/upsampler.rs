//! What draws decoded frames larger, and clean.
//!
//! ```text
//! two blocks of frames ─ conv ─ conv ─┬───────────────────────────────────────────────────┬─ conv ─ conv ─► what squares lack
//!                                     └─ half the size ─ conv ─ residual blocks ─ conv ─ ×2 ─┘
//! ```
//!
//! A U-Net of two sizes (Ronneberger et al. 2015) whose last layer answers a square of pixels for each one it sees (Shi et al. 2016,
//! "sub-pixel convolution"). It sees the frames of a block of the code, all at once, and those of the block before, and is trained
//! on what a denoiser leaves undone: in pixels, where rims and seams between blocks are, some hundred thousand parameters learn in
//! minutes what millions at the size of the latents had not in as many.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Conv2d, permute, silu};

use super::{
    AutoencoderKinoraConfig,
    pixels::{channels_to_space, conv3, space_to_channels},
};

/// Where it looks farther, pictures are smaller by this.
const HALF: usize = 2;

#[derive(Module, Debug)]
pub(super) struct Upsampler {
    conv_in: Conv2d,
    conv_near: Conv2d,
    down: Conv2d,
    blocks: Vec<ResidualBlock>,
    up: Conv2d,
    conv_both: Conv2d,
    conv_out: Conv2d,
    /// Frames of a block.
    #[module(skip)]
    time: usize,
    #[module(skip)]
    upscale: usize,
}

nn::pack_parts!(Upsampler { conv_in, conv_near, down, blocks, up, conv_both, conv_out });

impl Upsampler {
    pub fn new(config: &AutoencoderKinoraConfig, device: &Device) -> Self {
        let AutoencoderKinoraConfig { upscale, upsampler_widths: [near, far], upsampler_blocks, .. } =
            *config;
        let time = config.scale_factor_temporal;
        let [seen, answered] = [2 * 3 * time, 3 * time * upscale * upscale];
        Self {
            conv_in: conv3(seen, near, device),
            conv_near: conv3(near, near, device),
            down: conv3(near * HALF * HALF, far, device),
            blocks: (0..upsampler_blocks).map(|_| ResidualBlock::new(far, device)).collect(),
            up: Conv2d::new([far, near * HALF * HALF], 1, 1, [0; 2], device),
            conv_both: conv3(2 * near, near, device),
            conv_out: conv3(near, answered, device),
            time,
            upscale,
        }
    }

    /// `[batch, 3, frames, height, width]` to the same of `upscale` times the height and the width. `before` are the frames of the
    /// block before, `[batch, 3, time, height, width]`; where there are none, the video starts with a frame of its own.
    pub fn forward(&self, video: Tensor<5>, before: Option<Tensor<5>>) -> Tensor<5> {
        let (starts, block) = (before.is_none(), self.time);
        let still = video.clone().narrow(2, 0, 1);
        let stills = |count: usize| (0..count).map(|_| still.clone());
        // A first frame is a block that stands still, behind another such.
        let video = match starts {
            true => Tensor::cat(stills(block - 1).chain([video]).collect(), 2),
            false => video,
        };
        let before = before.unwrap_or_else(|| Tensor::cat(stills(block).collect(), 2));
        let [batch, colours, frames, height, width] = video.dims();
        let count = frames / block;
        let earlier = match count {
            1 => before,
            _ => Tensor::cat(vec![before, video.clone().narrow(2, 0, frames - block)], 2),
        };
        // `[batch * blocks, time * 3, height, width]`
        let by_block = |video: Tensor<5>| -> Tensor<4> {
            permute(video, [0, 2, 1, 3, 4]).reshape([batch * count, block * colours, height, width])
        };
        let shown = by_block(video);
        let added = self.added(Tensor::cat(vec![by_block(earlier), shown.clone()], 1));

        let u = self.upscale;
        // A square shows the pixel that it is of, and what is added.
        let [pictures, area] = [batch * frames * colours, height * width];
        let shown = shown.reshape([pictures, 1, area]);
        let squares = Tensor::cat(vec![shown; u * u], 1) + added.reshape([pictures, u * u, area]);
        let drawn = channels_to_space(squares.reshape([1, pictures * u * u, height, width]), u).reshape([
            batch,
            frames,
            colours,
            height * u,
            width * u,
        ]);
        let drawn = permute(drawn, [0, 2, 1, 3, 4]);
        if !starts {
            return drawn;
        }
        let first = drawn.clone().narrow(2, 0, block).mean_dim(2);
        match count {
            1 => first,
            _ => Tensor::cat(vec![first, drawn.narrow(2, block, frames - block)], 2),
        }
    }

    /// What squares lack, as channels: `[blocks, 2 * time * 3, height, width]` to `[blocks, time * 3 * upscale², height, width]`.
    fn added(&self, x: Tensor<4>) -> Tensor<4> {
        let near = silu(self.conv_near.forward(silu(self.conv_in.forward(x))));
        let mut far = silu(self.down.forward(space_to_channels(near.clone(), HALF)));
        for block in &self.blocks {
            far = block.forward(far);
        }
        let far = channels_to_space(self.up.forward(silu(far)), HALF);
        self.conv_out.forward(silu(self.conv_both.forward(Tensor::cat(vec![near, far], 1))))
    }
}

/// Two convolutions with a shortcut around them.
#[derive(Module, Debug)]
struct ResidualBlock {
    conv1: Conv2d,
    conv2: Conv2d,
}

nn::pack_parts!(ResidualBlock { conv1, conv2 });

impl ResidualBlock {
    fn new(channels: usize, device: &Device) -> Self {
        Self { conv1: conv3(channels, channels, device), conv2: conv3(channels, channels, device) }
    }

    /// `[frames, channels, height, width]` to the same.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        x.clone() + self.conv2.forward(silu(self.conv1.forward(x)))
    }
}

/// About how many parameters it has.
pub(super) fn large_parameters(config: &AutoencoderKinoraConfig) -> f64 {
    let [near, far] = config.upsampler_widths.map(|width| width as f64);
    let (blocks, time) = (config.upsampler_blocks as f64, config.scale_factor_temporal as f64);
    let answered = 3.0 * time * (config.upscale as f64).powi(2);
    let of_near = 9.0 * near * (6.0 * time + 3.0 * near + answered);
    of_near + 36.0 * near * far + 18.0 * blocks * far * far + 4.0 * near * far
}
