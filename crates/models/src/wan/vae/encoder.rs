//! From video to latents (`WanEncoder3d`).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm};

use super::{
    blocks::{MidBlock, ResidualBlock, conv3},
    config::AutoencoderKlWanConfig,
    past::Past,
    resample::Downsample,
    shortcut::AvgDown,
};

#[derive(Module, Debug)]
pub(super) struct WanEncoder3d {
    conv_in: CausalConv3d,
    down_blocks: Vec<DownBlock>,
    pub(super) mid_block: MidBlock,
    norm_out: ChannelRmsNorm<4>,
    conv_out: CausalConv3d,
}

nn::pack_parts!(WanEncoder3d { conv_in, mid_block, down_blocks, conv_out });

impl WanEncoder3d {
    pub fn new(config: &AutoencoderKlWanConfig, device: &Device) -> Self {
        let dims = config.encoder_dims();
        let last = dims[dims.len() - 1];
        Self {
            conv_in: conv3(config.in_channels, dims[0], device),
            down_blocks: (0..dims.len() - 1).map(|scale| DownBlock::new(config, scale, device)).collect(),
            mid_block: MidBlock::new(last, device),
            norm_out: ChannelRmsNorm::new(last, device),
            conv_out: conv3(last, 2 * config.z_dim, device),
        }
    }

    /// `[batch, in_channels, frames, height, width]` to `[batch, 2 * z_dim, ..]`.
    pub fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let x = past.conv(&self.conv_in, x);
        let x = self.down_blocks.iter().fold(x, |x, block| block.forward(x, past));
        let x = self.mid_block.forward(x, past);
        past.silu_conv(&self.norm_out, &self.conv_out, x)
    }
}

/// One scale: residual blocks, then half the size unless it is the last scale.
///
/// In Wan 2.2 (`WanResidualDownBlock`) a shortcut leads around all of it.
#[derive(Module, Debug)]
pub(super) struct DownBlock {
    resnets: Vec<ResidualBlock>,
    downsampler: Option<Downsample>,
    #[module(skip)]
    shortcut: Option<AvgDown>,
}

nn::pack_parts!(DownBlock { resnets, downsampler });

impl DownBlock {
    fn new(config: &AutoencoderKlWanConfig, scale: usize, device: &Device) -> Self {
        let dims = config.encoder_dims();
        let (inputs, outputs) = (dims[scale], dims[scale + 1]);
        let halves_time = config.temperal_downsample.get(scale).copied(); // none at the last scale
        let shortcut = AvgDown {
            channels: outputs,
            time: if halves_time == Some(true) { 2 } else { 1 },
            space: if halves_time.is_some() { 2 } else { 1 },
        };
        Self {
            resnets: ResidualBlock::stack(config.num_res_blocks, inputs, outputs, device),
            downsampler: halves_time.map(|time| Downsample::new(outputs, time, device)),
            shortcut: config.is_residual.then_some(shortcut),
        }
    }

    fn forward(&self, x: Tensor<5>, past: &mut Past) -> Tensor<5> {
        let shortcut = self.shortcut.map(|shortcut| shortcut.forward(x.clone()));
        let x = self.resnets.iter().fold(x, |x, block| block.forward(x, past));
        let x = match &self.downsampler {
            Some(downsampler) => downsampler.forward(x, past),
            None => x,
        };
        match shortcut {
            Some(shortcut) => x + shortcut,
            None => x,
        }
    }
}

/// The key in the layout of Wan 2.1, which lists the encoder's layers without grouping them by
/// scale: `down_blocks.{scale}.resnets.{at}` is `down_blocks.{scale * (resnets + 1) + at}`, and the
/// downsampler comes after them.
pub(super) fn flat_key(key: &str, resnets: usize) -> String {
    let flat = || {
        let (scale, rest) = key.strip_prefix("encoder.down_blocks.")?.split_once('.')?;
        let first = scale.parse::<usize>().ok()? * (resnets + 1);
        let (at, rest) = match rest.strip_prefix("resnets.") {
            Some(rest) => rest.split_once('.').map(|(at, rest)| (at.parse().ok(), rest))?,
            None => (Some(resnets), rest.strip_prefix("downsampler.")?),
        };
        Some(format!("encoder.down_blocks.{}.{rest}", first + at?))
    };
    flat().unwrap_or_else(|| key.to_owned())
}
