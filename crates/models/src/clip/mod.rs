//! The image encoder of Wan 2.1's image-to-video models: the vision half of CLIP (Radford et al. 2021; `CLIPVisionModel` in
//! transformers).
//!
//! ```text
//! picture ─ patches, and a token for all of it ─ positions ─ norm ─► (norm, attention, norm, GELU) × n
//! ```
//!
//! Wan reads the features behind the last layer but one, so that the last one and the norm behind it are read with the file,
//! and not asked.

mod block;
mod config;
#[cfg(test)]
mod tests;

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, TensorData},
};
use nn::{LayerNorm, linear};

pub use config::ClipVisionConfig;

use self::block::ClipBlock;
use crate::{
    ModelConfig, Result,
    weights::{Checkpoint, Naming},
};

/// `CLIPVisionModel`.
#[derive(Module, Debug)]
pub struct ClipVision {
    embeddings: Embeddings,
    pre_layrnorm: LayerNorm, // so spelled upstream
    layers: Vec<ClipBlock>,
    post_layernorm: LayerNorm,
    #[module(skip)]
    config: ClipVisionConfig,
}

nn::pack_parts!(ClipVision { layers });

/// Patches as tokens, with one before them that stands for the whole picture, and what their places add.
#[derive(Module, Debug)]
struct Embeddings {
    class_embedding: Param<Tensor<1>>, // [dim]
    patch_embedding: PatchWeight,
    position_embedding: PositionWeight,
}

#[derive(Module, Debug)]
struct PatchWeight {
    weight: Param<Tensor<4>>, // [dim, 3, patch, patch]
}

#[derive(Module, Debug)]
struct PositionWeight {
    weight: Param<Tensor<2>>, // [tokens, dim]
}

impl ClipVision {
    /// A model of zeros; a checkpoint fills it.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn new(config: &ClipVisionConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let (dim, patch) = (config.hidden_size, config.patch_size);
        let norm = || LayerNorm::new(dim, config.layer_norm_eps, device);
        Ok(Self {
            embeddings: Embeddings {
                class_embedding: nn::zeros([dim], device),
                patch_embedding: PatchWeight { weight: nn::zeros([dim, 3, patch, patch], device) },
                position_embedding: PositionWeight { weight: nn::zeros([config.tokens(), dim], device) },
            },
            pre_layrnorm: norm(),
            layers: (0..config.num_hidden_layers).map(|_| ClipBlock::new(config, device)).collect(),
            post_layernorm: norm(),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &ClipVisionConfig {
        &self.config
    }

    /// The features behind the last layer but one, `[batch, tokens, hidden_size]`, of pictures `[batch, 3, image_size,
    /// image_size]`, normed as [`normed`] does it.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<3> {
        let x = self.pre_layrnorm.forward(self.embeddings.forward(pictures));
        let asked = self.layers.len() - 1;
        self.layers[..asked].iter().fold(x, |x, layer| layer.forward(x))
    }
}

impl Embeddings {
    fn forward(&self, pictures: Tensor<4>) -> Tensor<3> {
        let weight = self.patch_embedding.weight.val();
        let [dim, channels, patch, _] = weight.dims();
        let [batch, _, height, width] = pictures.dims();
        let [rows, columns] = [height / patch, width / patch];
        // What is left at the right and below, as a convolution leaves it.
        let pictures = pictures.narrow(2, 0, rows * patch).narrow(3, 0, columns * patch);
        let patches = pictures
            .reshape([batch, channels, rows, patch, columns, patch])
            .permute([0, 2, 4, 1, 3, 5]) // [batch, rows, columns, channels, patch, patch]
            .reshape([batch, rows * columns, channels * patch * patch]);
        let tokens = linear(patches, weight.reshape([dim, channels * patch * patch]), None);
        let whole = self.class_embedding.val().reshape([1, 1, dim]).expand([batch, 1, dim]);
        Tensor::cat(vec![whole, tokens], 1) + self.position_embedding.weight.val().unsqueeze_dim(0)
    }
}

impl Checkpoint for ClipVision {
    const NAMING: Naming = Naming::TRANSFORMERS;
    /// Of files that transformers wrote before its version 5, such as Wan's.
    const PREFIX: &'static str = "vision_model.";

    fn key(&self, path: &str) -> String {
        match path.strip_prefix("layers.") {
            Some(layer) => format!("encoder.layers.{layer}"),
            None => path.to_owned(),
        }
    }
}

/// What a picture is normed by before CLIP sees it: mean and standard deviation of red, green and blue over its training set, for
/// values from 0 to 1 (`CLIPImageProcessor` in transformers).
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// A picture `[side, side, 3]`, values from 0 to 1, as [`ClipVision::forward`] reads it: `[1, 3, side, side]`.
pub fn normed(picture: &[f32], side: usize, device: &Device) -> Tensor<4> {
    let mut values = vec![0.0; picture.len()];
    for (at, pixel) in picture.chunks_exact(3).enumerate() {
        for (channel, value) in pixel.iter().enumerate() {
            values[channel * side * side + at] = (value - MEAN[channel]) / STD[channel];
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, side, side]), device)
}
