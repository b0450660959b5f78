//! What the denoiser is told of pictures by their features (`WanImageEmbedding`).

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::gelu},
};
use nn::LayerNorm;

use super::block::FeedForward;

/// PyTorch's own, which upstream leaves it at.
const EPS: f64 = 1e-5;

/// Features of an image encoder as tokens of the denoiser.
#[derive(Module, Debug)]
pub(super) struct ImageEmbedding {
    pos_embed: Option<Param<Tensor<3>>>, // [1, tokens, image_dim]
    norm1: LayerNorm,
    ff: FeedForward,
    norm2: LayerNorm,
}

nn::pack_parts!(ImageEmbedding { ff });

impl ImageEmbedding {
    /// `positions` are the tokens of all pictures together, of models that tell them apart.
    pub fn new(image_dim: usize, dim: usize, positions: Option<usize>, device: &Device) -> Self {
        Self {
            pos_embed: positions.map(|tokens| nn::zeros([1, tokens, image_dim], device)),
            norm1: LayerNorm::new(image_dim, EPS, device),
            ff: FeedForward::new([image_dim, image_dim, dim], device),
            norm2: LayerNorm::new(dim, EPS, device),
        }
    }

    /// Features of all pictures, `[batch, tokens, image_dim]`, as `[batch, tokens, dim]`.
    pub fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        let features = match &self.pos_embed {
            Some(positions) => features + positions.val(),
            None => features,
        };
        let x = self.ff.proj_in.forward(self.norm1.forward(features));
        // The exact GELU, where the blocks have its tanh form.
        self.norm2.forward(self.ff.proj_out.forward(gelu(x)))
    }
}
