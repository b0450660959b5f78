//! What a token is told of the tokens at its own place one frame before it and one behind it.
//!
//! ```text
//! x_f  +=  A norm(x_{f-1}) + B norm(x_{f+1})
//! ```
//!
//! Wan's attention has to find the same place in another frame by rotary positions alone. A large model learns that; one of
//! some million parameters that learns for hours does not: after 3,000 batches a clean first frame told it nothing of those
//! behind it. A convolution over time before each block, as video models that grew out of image models have it (Ho et al.
//! 2022, "Video diffusion models"; Singer et al. 2023, "Make-A-Video", there after each layer and with zeros at first), gives
//! it that for a seventh of a block's work.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, layer_norm};

/// A convolution over time of three frames, without the middle one; zeros at first, which say nothing.
#[derive(Module, Debug)]
pub(super) struct Neighbours {
    before: Linear,
    behind: Linear,
    eps: f64,
}

nn::pack_parts!(Neighbours { before, behind });

impl Neighbours {
    pub fn new(dim: usize, eps: f64, device: &Device) -> Self {
        let linear = || Linear::new(dim, dim, false, device);
        Self { before: linear(), behind: linear(), eps }
    }

    /// `[batch, frames * places, dim]` to the same. Beyond the first and the last frame there is nothing.
    pub fn forward(&self, x: Tensor<3>, frames: usize) -> Tensor<3> {
        let [_, tokens, _] = x.dims();
        if frames < 2 {
            return x;
        }
        let (places, rest) = (tokens / frames, tokens - tokens / frames);
        let normed = layer_norm(x.clone(), None, None, self.eps);
        let nothing = || normed.zeros_like().narrow(1, 0, places);
        let before = self.before.forward(normed.clone().narrow(1, 0, rest));
        let behind = self.behind.forward(normed.clone().narrow(1, places, rest));
        x + Tensor::cat(vec![nothing(), before], 1) + Tensor::cat(vec![behind, nothing()], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hear_of_their_place_before_and_behind_alone() {
        let device = Device::flex();
        let mut neighbours = Neighbours::new(2, 0.0, &device);
        // Three frames of two places. A norm over two features makes 1 and -1 of any.
        let x = Tensor::<3>::from_floats(
            [[[2.0, 0.0], [0.0, 2.0], [0.0, 6.0], [6.0, 0.0], [9.0, 1.0], [1.0, 9.0]]],
            &device,
        );
        let same = neighbours.forward(x.clone(), 3);
        same.into_data().assert_eq(&x.clone().into_data(), true);
        neighbours.before.weight = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device).into();
        neighbours.behind.weight = Tensor::<2>::from_floats([[10.0, 0.0], [0.0, 10.0]], &device).into();
        let expected = Tensor::<3>::from_floats(
            [[
                [2.0 - 10.0, 10.0],
                [10.0, 2.0 - 10.0],
                [1.0 + 10.0, 6.0 - 1.0 - 10.0],
                [6.0 - 1.0 - 10.0, 1.0 + 10.0],
                [9.0 - 1.0, 1.0 + 1.0],
                [1.0 + 1.0, 9.0 - 1.0],
            ]],
            &device,
        );
        neighbours
            .forward(x.clone(), 3)
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), burn::tensor::Tolerance::absolute(1e-5));
        // A still has none.
        neighbours.forward(x.clone(), 1).into_data().assert_eq(&x.into_data(), true);
    }
}
