//! The denoiser: a diffusion transformer over space-time patches (`WanTransformer3DModel`).
//!
//! ```text
//! latents ─ patches ─► tokens ─► block × n ─► norm, shift, scale ─► linear ─ patches ─► velocity
//! timestep ─ sinusoids ─ mlp ─┬──► 6 vectors for each block
//!                             └──► 2 vectors for the output norm
//! context ─ mlp ──────────────────► keys and values of the cross-attention (pictures likewise)
//! ```
//!
//! Where latents have more channels than a token of the model can carry noise for, `data_std` says what their variance alone
//! tells of the velocity, and the network adds to that; see [`precondition`]. A small model is told before each block what is
//! at the same place in the frames beside; see [`neighbours`](super::neighbours), and its timestep
//! is told all of the text; see [`pooled`](super::pooled). What single latents are is said beside their tokens by convolutions; see
//! [`details`].

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use nn::{KeysValues, Linear, Pack, Packing, WeightSource, join, layer_norm_modulate};

use super::{
    block::WanTransformerBlock,
    details::Details,
    embed::{ConditionEmbedder, table_rows},
    patch::{PatchEmbedding, unpatchify},
    precondition,
    rope::RopeTable,
    transformer_config::WanTransformer3dConfig,
};
use crate::{
    ModelConfig, Result,
    init::{self, Start},
    weights::{Checkpoint, Naming},
};

/// `WanTransformer3DModel`: predicts the velocity `noise - x_0` of noisy latents.
#[derive(Module, Debug)]
pub struct WanTransformer3d {
    patch_embedding: PatchEmbedding,
    condition_embedder: ConditionEmbedder,
    pub(super) blocks: Vec<WanTransformerBlock>,
    scale_shift_table: Param<Tensor<3>>, // [1, 2, dim]
    proj_out: Linear,
    pub(super) details: Option<Details>,
    #[module(skip)]
    config: WanTransformer3dConfig,
}

/// What the blocks of a [`WanTransformer3d`] look at of a text: its keys and values in each of them.
#[derive(Clone, Debug)]
pub struct WanText {
    keys_values: Vec<KeysValues>,
    pooled: Option<Tensor<3>>, // [batch, 1, dim]
    /// Of pictures; none in models that do not look at them.
    pictures: Vec<KeysValues>,
}

impl WanTransformer3d {
    /// A model of zeros; [`init_weights`](Self::init_weights) or a checkpoint fills it.
    pub fn new(config: &WanTransformer3dConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let dim = config.dim();
        let outputs = config.answers() * config.patch_size.iter().product::<usize>();
        Ok(Self {
            patch_embedding: PatchEmbedding::new(config.in_channels, dim, config.patch_size, device),
            condition_embedder: ConditionEmbedder::new(config, device),
            blocks: (0..config.num_layers).map(|_| WanTransformerBlock::new(config, device)).collect(),
            scale_shift_table: nn::zeros([1, 2, dim], device),
            proj_out: Linear::new(dim, outputs, true, device),
            details: (config.detail_channels > 0).then(|| Details::new(config, device)),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &WanTransformer3dConfig {
        &self.config
    }

    /// What the blocks look at of a text, `[batch, text_tokens, text_dim]`: it is the same at every step.
    pub fn read(&self, context: Tensor<3>) -> WanText {
        self.read_with_pictures(context, None)
    }

    /// The same beside features of pictures, `[batch, image_tokens, image_dim]`, for models of image to video with an
    /// [`image_dim`](WanTransformer3dConfig::image_dim).
    pub fn read_with_pictures(&self, context: Tensor<3>, pictures: Option<Tensor<3>>) -> WanText {
        let pictures = pictures.and_then(|features| self.condition_embedder.embed_image(features));
        let context = self.condition_embedder.embed_text(context);
        let pooled = self.condition_embedder.pool_text(&context);
        let keys_values = self.blocks.iter().map(|block| block.keys_values(context.clone())).collect();
        let pictures = pictures.map_or_else(Vec::new, |pictures| {
            self.blocks.iter().filter_map(|block| block.picture_keys_values(pictures.clone())).collect()
        });
        WanText { keys_values, pooled, pictures }
    }

    /// The velocity, of the shape of `latents` (with `out_channels` channels).
    ///
    /// - `latents`: `[batch, in_channels, frames, height, width]`, a size that
    ///   [`token_grid`](WanTransformer3dConfig::token_grid) accepts. The last `shown_channels` of
    ///   the channels are no latents, and may be left out where nothing is known of the tracks.
    /// - `timestep`: `[batch, groups]`, 0 (clean) to 1000 (noise). `groups` divides the number of
    ///   tokens, which run frame by frame: 1 is a timestep for the clip (Wan 2.1), the number of
    ///   latent frames one for each frame, the number of tokens one for each token (Wan 2.2).
    /// - `text`: what [`read`](Self::read) made of a text for each sample.
    pub fn forward(&self, latents: Tensor<5>, timestep: Tensor<2>, text: &WanText) -> Tensor<5> {
        self.forward_tapped(latents, timestep, text, |_, _| ())
    }

    /// [`forward`](Self::forward), which shows the tokens behind each block on the way: `tap` gets the block's index
    /// and `[batch, tokens, dim]`.
    pub fn forward_tapped(
        &self,
        latents: Tensor<5>,
        timestep: Tensor<2>,
        text: &WanText,
        mut tap: impl FnMut(usize, &Tensor<3>),
    ) -> Tensor<5> {
        let [batch, _, frames, height, width] = latents.dims();
        let grid = self.config.patches([frames, height, width]);
        let data_std = &self.config.data_std;
        let channels = self.config.latent_channels();
        let only_latents = || latents.clone().narrow(1, 0, channels);
        let noisy = (!data_std.is_empty()).then(|| (only_latents(), timestep.clone()));
        let latents = match self.config.shown_channels {
            planes if planes > 0 && latents.dims()[1] == channels => {
                let nothing =
                    latents.zeros_like().narrow(1, 0, 1).expand([batch, planes, frames, height, width]);
                Tensor::cat(vec![latents, nothing], 1)
            }
            _ => latents,
        };
        let rope = RopeTable::new(self.config.attention_head_dim, grid, &latents.device());

        let mut x = self.patch_embedding.forward(latents.clone()); // [batch, tokens, dim]
        let condition = self.condition_embedder.forward(timestep, text.pooled.clone());
        for (index, (block, keys_values)) in self.blocks.iter().zip(&text.keys_values).enumerate() {
            x = block.forward(x, grid[0], &condition, keys_values, text.pictures.get(index), &rope);
            tap(index, &x);
        }
        let [shift, scale] = table_rows(self.scale_shift_table.val(), condition.time.unsqueeze_dim(2));
        let x = layer_norm_modulate(x, shift, scale, self.config.eps);
        let mut output = unpatchify(self.proj_out.forward(x.clone()), grid, self.config.patch_size); // [batch, channels, frames, height, width]
        if let Some(details) = &self.details {
            output = output + details.forward(latents, x, grid);
        }
        match noisy {
            Some((latents, timestep)) => precondition::velocity(latents, output, timestep, grid, data_std),
            None => output,
        }
    }

    /// First weights: Xavier for linear layers and patches, and an output layer of zeros, as published for Wan, with
    /// two exceptions that a narrow model needs to hear its text.
    ///
    /// - The cross-attentions add nothing at first (as in PixArt-α, Chen et al. 2023). Otherwise the untrained text is
    ///   noise to every block, and the model learns within some hundred steps to look at the padding of the prompts
    ///   alone: the text's share of the softmax falls to 1e-8, and no gradient brings it back.
    /// - The time and text embedders are Xavier too. Their published start, normal with a deviation of 0.02, is made
    ///   for thousands of features; at 256 it lets the text through at a twentieth of its size.
    pub fn init_weights(self, seed: u64) -> Self {
        let patch = self.config.in_channels * self.config.patch_size.iter().product::<usize>();
        init::fill(self, seed, |key, shape| match key {
            "proj_out.weight" => Start::Constant(0.0),
            _ if key.ends_with("attn2.to_out.0.weight") => Start::Constant(0.0),
            _ if key.contains(".neighbours.") => Start::Constant(0.0),
            _ if key.ends_with(".pooled_text.out.weight") => Start::Constant(0.0),
            "details.conv_out.weight" | "details.told.weight" => Start::Constant(0.0),
            // Beside constants, a norm over channels leaves it to be seen how large the others were.
            "details.conv_in.bias" => Start::Normal(0.5),
            "patch_embedding.bias" => Start::torch_default(patch),
            _ if key.ends_with("scale_shift_table") => Start::Normal((shape[2] as f64).sqrt().recip()),
            _ if key.ends_with(".bias") => Start::Constant(0.0),
            _ if key.contains("norm") => Start::Constant(1.0),
            _ => Start::xavier(shape),
        })
    }
}

impl Pack for WanTransformer3d {
    /// The blocks in the packing asked for; what makes their conditions and the output in no less than bf16, since an
    /// error there is in every token, and they cost little.
    fn pack(&mut self, packing: Packing) {
        self.condition_embedder.pack(Packing::Bf16);
        self.blocks.pack(packing);
        self.proj_out.pack(Packing::Bf16);
        self.details.pack(Packing::Bf16);
    }

    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error> {
        self.condition_embedder.pack_from(Packing::Bf16, &join(path, "condition_embedder"), source)?;
        self.blocks.pack_from(packing, &join(path, "blocks"), source)?;
        self.proj_out.pack_from(Packing::Bf16, &join(path, "proj_out"), source)?;
        self.details.pack_from(Packing::Bf16, &join(path, "details"), source)
    }
}

impl Checkpoint for WanTransformer3d {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn key(&self, path: &str) -> String {
        path.replace(".ffn.proj_in.", ".ffn.net.0.proj.")
            .replace(".ffn.proj_out.", ".ffn.net.2.")
            .replace(".ff.proj_in.", ".ff.net.0.proj.")
            .replace(".ff.proj_out.", ".ff.net.2.")
            .replace(".added.", ".")
    }
}
