//! From latents to video (`WanDecoder3d`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm};

use super::{
    blocks::{MidBlock, ResidualBlock, conv3},
    config::AutoencoderKlWanConfig,
    past::{Past, joined},
    resample::{PIXELS, Upsample},
    shortcut::DupUp,
};

#[derive(Module, Debug)]
pub(super) struct WanDecoder3d {
    conv_in: CausalConv3d,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    norm_out: ChannelRmsNorm<4>,
    conv_out: CausalConv3d,
}

nn::pack_parts!(WanDecoder3d { conv_in, mid_block, up_blocks, conv_out });

impl WanDecoder3d {
    pub fn new(config: &AutoencoderKlWanConfig, device: &Device) -> Self {
        let dims = config.decoder_dims();
        let last = dims[dims.len() - 1];
        Self {
            conv_in: conv3(config.z_dim, dims[0], device),
            mid_block: MidBlock::new(dims[0], device),
            up_blocks: (0..dims.len() - 1).map(|scale| UpBlock::new(config, scale, device)).collect(),
            norm_out: ChannelRmsNorm::new(last, device),
            conv_out: conv3(last, config.out_channels, device),
        }
    }

    /// `[batch, z_dim, frames, height, width]` to `[batch, out_channels, ..]`.
    pub fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let x = self.mid_block.forward(past.conv(&self.conv_in, x), past);
        self.scales(&self.up_blocks, x, past)
    }

    /// The scales of `blocks` and the output layer. What a scale has made goes through all later ones before
    /// it makes more, so that a stream never holds all frames at the largest scale.
    fn scales(&self, blocks: &[UpBlock], x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let Some((block, later)) = blocks.split_first() else {
            return past.silu_conv(&self.norm_out, &self.conv_out, x);
        };
        let video = past.pieces(x, 1).into_iter().map(|x| {
            let (x, shortcut) = block.before_space(x, past);
            let pieces = past.pieces(x, block.growth());
            let mut done = 0;
            let video = pieces.into_iter().map(|x| {
                let frames = x.dims()[2];
                let shortcut = shortcut.clone().map(|shortcut| shortcut.narrow(2, done, frames));
                done += frames;
                self.scales(later, block.space(x, shortcut), past)
            });
            joined(video.collect())
        });
        joined(video.collect())
    }
}

/// One scale: residual blocks, then twice the size unless it is the last scale.
///
/// In Wan 2.1 (`WanUpBlock`) upsampling halves the channels; in Wan 2.2 (`WanResidualUpBlock`) it
/// keeps them, and a shortcut leads around all of it.
#[derive(Module, Debug)]
pub(super) struct UpBlock {
    resnets: Vec<ResidualBlock>,
    upsampler: Option<Upsample>,
    #[module(skip)]
    shortcut: Option<DupUp>,
}

nn::pack_parts!(UpBlock { resnets, upsampler });

impl UpBlock {
    fn new(config: &AutoencoderKlWanConfig, scale: usize, device: &Device) -> Self {
        let dims = config.decoder_dims();
        let outputs = dims[scale + 1];
        let (inputs, upsampled) = match (config.is_residual, scale) {
            (true, _) => (dims[scale], outputs),
            (false, 0) => (dims[0], outputs / 2),
            (false, _) => (dims[scale] / 2, outputs / 2),
        };
        let doubles_time = config.temperal_downsample.iter().rev().nth(scale).copied(); // none at the last scale
        let shortcut = |time| DupUp { channels: outputs, time: if time { 2 } else { 1 }, space: 2 };
        Self {
            resnets: ResidualBlock::stack(config.num_res_blocks + 1, inputs, outputs, device),
            upsampler: doubles_time.map(|time| Upsample::new(outputs, upsampled, time, device)),
            shortcut: doubles_time.filter(|_| config.is_residual).map(shortcut),
        }
    }

    /// All but the doubling of height and width: the frames that [`space`](Self::space) takes, and their shortcut,
    /// which has its size.
    fn before_space(&self, x: Tensor<5>, past: &mut Past) -> (Tensor<5>, Option<Tensor<5>>) {
        let shortcut = self.shortcut.map(|shortcut| shortcut.forward(x.clone(), past.at_start()));
        let x = self.resnets.iter().fold(x, |x, block| block.forward(x, past));
        match &self.upsampler {
            Some(upsampler) => (upsampler.time(x, past), shortcut),
            None => (x, shortcut),
        }
    }

    /// Twice the height and width, frame by frame, unless it is the last scale.
    fn space(&self, x: Tensor<5>, shortcut: Option<Tensor<5>>) -> Tensor<5> {
        let x = match &self.upsampler {
            Some(upsampler) => upsampler.space(x),
            None => x,
        };
        match shortcut {
            Some(shortcut) => x + shortcut,
            None => x,
        }
    }

    /// How many times more values [`space`](Self::space) works on than it takes.
    fn growth(&self) -> usize {
        if self.upsampler.is_some() { PIXELS } else { 1 }
    }
}
