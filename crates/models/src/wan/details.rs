//! What single latents are told beside what their tokens say.
//!
//! ```text
//! latents and planes ─ conv ─► y
//! y  +=  conv(silu(norm(conv(silu(norm(y) (1 + scale) + shift)))))      for each block
//! answers and gates  +=  conv(silu(norm(y)))
//! ```
//!
//! A token of Wan answers for a patch of latents, and what it says of them goes through its features: of 28 channels and patches of
//! four there are as many numbers of noise alone as a small model has features for half of, and two tokens do not see how what they
//! draw meets. Here a few convolutions see the noisy latents themselves, at their own size and across the borders of patches, and
//! tokens say by shifts and scales (Perez et al. 2018, "FiLM") what is to be made of them. Convolutional ends of transformers are
//! known from images (Bao et al. 2023, "All are worth words: a ViT backbone for diffusion models", section 3.1).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{ChannelRmsNorm, Conv3d, Linear, silu};

use super::{patch::unpatchify, transformer_config::WanTransformer3dConfig};

/// Residual blocks.
const BLOCKS: usize = 2;

/// Convolutions at the size of the latents; the last one is zeros at first, which say nothing.
#[derive(Module, Debug)]
pub(super) struct Details {
    told: Linear,
    conv_in: Conv3d,
    blocks: Vec<Block>,
    norm_out: ChannelRmsNorm<4>,
    conv_out: Conv3d,
    #[module(skip)]
    patch: [usize; 3],
}

nn::pack_parts!(Details { told, conv_in, blocks, conv_out });

/// Convolutions over three frames, of what is shifted and scaled.
#[derive(Module, Debug)]
struct Block {
    norm1: ChannelRmsNorm<4>,
    conv1: Conv3d,
    norm2: ChannelRmsNorm<4>,
    conv2: Conv3d,
}

nn::pack_parts!(Block { conv1, conv2 });

impl Details {
    pub fn new(config: &WanTransformer3dConfig, device: &Device) -> Self {
        let channels = config.detail_channels;
        let conv = |channels, kernel| Conv3d::new(channels, kernel, [1; 3], device);
        let norm = || ChannelRmsNorm::new(channels, device);
        let conv_inside = || conv([channels; 2], [3; 3]);
        let block = |_| Block { norm1: norm(), conv1: conv_inside(), norm2: norm(), conv2: conv_inside() };
        let told = BLOCKS * 2 * channels * config.patch_size.iter().product::<usize>();
        Self {
            told: Linear::new(config.dim(), told, true, device),
            conv_in: conv([config.in_channels, channels], [1, 3, 3]),
            blocks: (0..BLOCKS).map(block).collect(),
            norm_out: norm(),
            conv_out: conv([channels, config.answers()], [1, 3, 3]),
            patch: config.patch_size,
        }
    }

    /// What is added to the answers and gates, `[batch, answers, frames, height, width]`: of `latents` with their planes,
    /// `[batch, in_channels, frames, height, width]`, and normed `tokens` of the `grid`, `[batch, tokens, dim]`.
    pub fn forward(&self, latents: Tensor<5>, tokens: Tensor<3>, grid: [usize; 3]) -> Tensor<5> {
        let told = unpatchify(self.told.forward(tokens), grid, self.patch);
        let mut y = self.conv_in.forward(latents);
        let channels = y.dims()[1];
        for (index, block) in self.blocks.iter().enumerate() {
            let [shift, scale] =
                [0, 1].map(|part| told.clone().narrow(1, (2 * index + part) * channels, channels));
            let x = silu(block.norm1.forward(y.clone(), false) * (scale + 1.0) + shift);
            let x = block.conv1.forward(x);
            y = y + block.conv2.forward(block.norm2.forward(x, true));
        }
        self.conv_out.forward(self.norm_out.forward(y, true))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tolerance};
    use nn::{Pack, Packing};

    use super::*;

    const GRID: [usize; 3] = [7, 2, 2];

    fn config() -> WanTransformer3dConfig {
        WanTransformer3dConfig {
            num_attention_heads: 2,
            attention_head_dim: 8,
            in_channels: 5,
            out_channels: 3,
            shown_channels: 2,
            detail_channels: 8,
            data_std: vec![None, Some(0.5), Some(0.3)],
            ..Default::default()
        }
    }

    fn random<const D: usize>(dims: [usize; D]) -> Tensor<D> {
        Tensor::random(dims, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    /// Of weights at random, none of which say nothing.
    fn details() -> Details {
        let mut details = Details::new(&config(), &Device::flex());
        let Details { told, conv_in, blocks, norm_out, conv_out, .. } = &mut details;
        let mut convs = vec![conv_in, conv_out];
        let mut norms = vec![norm_out];
        for Block { norm1, conv1, norm2, conv2 } in blocks {
            convs.extend([conv1, conv2]);
            norms.extend([norm1, norm2]);
        }
        for conv in convs {
            conv.weight = (random(conv.weight.dense().dims()) * 0.1).into();
        }
        for norm in norms {
            norm.gamma = norm.gamma.clone().map(|gamma| gamma.ones_like());
        }
        told.weight = (random(told.weight.dense().dims()) * 0.1).into();
        details
    }

    fn inputs() -> (Tensor<5>, Tensor<3>) {
        (random([1, 5, 7, 4, 4]), random([1, 28, 16]))
    }

    /// Where two differ, `[frames, height, width]` of the first sample.
    fn differs(a: Tensor<5>, b: Tensor<5>) -> Vec<[usize; 3]> {
        let [_, _, _, height, width] = a.dims();
        let change = (a - b).abs().max_dim(1).into_data().try_into_vec::<f32>().unwrap();
        let at = |i: usize| [i / (height * width), i / width % height, i % width];
        change.iter().enumerate().filter(|(_, change)| **change > 1e-6).map(|(i, _)| at(i)).collect()
    }

    #[test]
    fn latents_are_seen_across_the_borders_of_patches_and_frames() {
        let (details, (latents, tokens)) = (details(), inputs());
        let said = details.forward(latents.clone(), tokens.clone(), GRID);
        assert_eq!(said.dims(), [1, 6, 7, 4, 4]);
        let changed = latents.slice_assign([0..1, 0..5, 0..1, 1..2, 1..2], random([1, 5, 1, 1, 1]));
        let differs = differs(said, details.forward(changed, tokens, GRID));
        // The latent belongs to the first patch of the first frame.
        for seen in [[0, 1, 1], [0, 2, 2], [1, 2, 1]] {
            assert!(differs.contains(&seen), "{seen:?} of {differs:?}");
        }
    }

    #[test]
    fn a_token_says_what_is_made_of_its_latents() {
        let (details, (latents, tokens)) = (details(), inputs());
        let said = details.forward(latents.clone(), tokens.clone(), GRID);
        let changed = tokens.slice_assign([0..1, 27..28, 0..16], random([1, 1, 16]));
        let differs = differs(said, details.forward(latents, changed, GRID));
        // Four convolutions see one frame to each side.
        assert!(differs.contains(&[6, 3, 3]) && differs.iter().all(|at| at[0] >= 2), "{differs:?}");
    }

    #[test]
    fn packed_weights_say_the_same() {
        let (mut details, (latents, tokens)) = (details(), inputs());
        let said = details.forward(latents.clone(), tokens.clone(), GRID);
        details.pack(Packing::Bf16);
        let packed = details.forward(latents, tokens, GRID);
        packed.into_data().assert_approx_eq::<f32>(&said.into_data(), Tolerance::absolute(0.05));
    }

    #[test]
    fn it_says_nothing_at_first() {
        let config =
            WanTransformer3dConfig { num_layers: 1, text_dim: 4, ffn_dim: 8, freq_dim: 8, ..config() };
        let model = crate::wan::WanTransformer3d::new(&config, &Device::flex()).unwrap().init_weights(1);
        let details = model.details.expect("details");
        let (latents, tokens) = inputs();
        assert_eq!(details.forward(latents, tokens, GRID).abs().max().into_scalar::<f32>(), 0.0);
    }
}
