//! What all of a text says, where every token hears it.
//!
//! ```text
//! pooled = out(silu(Σ_i softmax_i(score(context_i)) value(context_i)))
//! ```
//!
//! Wan's tokens ask the text one by one, by cross-attention. How the camera moves is of all of them at once, and a small
//! model learns of no token to ask for it: after ten thousand batches it drew one camera in four as asked. Added to the
//! embedded timestep, as Stable Diffusion 3 adds the pooled output of its text encoders (Esser et al. 2024, section 4), it
//! shifts, scales and gates in every block.

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::softmax},
};
use nn::{Linear, silu};

/// Sums of the text, each with weights of its own.
const HEADS: usize = 4;

/// A mean of the words of a text by learnt weights; zeros at first, which say nothing.
#[derive(Module, Debug)]
pub(super) struct PooledText {
    score: Linear,
    value: Linear,
    out: Linear,
}

nn::pack_parts!(PooledText { score, value, out });

impl PooledText {
    pub fn new(dim: usize, device: &Device) -> Self {
        // Without biases, so that padding, which is zeros, has a score of 0 and says nothing.
        Self {
            score: Linear::new(dim, HEADS, false, device),
            value: Linear::new(dim, dim, false, device),
            out: Linear::new(dim, dim, false, device),
        }
    }

    /// `[batch, text_tokens, dim]` to `[batch, 1, dim]`.
    pub fn forward(&self, context: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, dim] = context.dims();
        let weights = softmax(self.score.forward(context.clone()), 1); // [batch, tokens, heads]
        let values = self.value.forward(context).reshape([batch, tokens, HEADS, dim / HEADS]);
        let summed = (values * weights.unsqueeze_dim(3)).sum_dim(1); // [batch, 1, heads, dim / heads]
        self.out.forward(silu(summed.reshape([batch, 1, dim])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_by_their_scores_and_padding_says_nothing() {
        let device = Device::flex();
        let mut pooled = PooledText::new(4, &device);
        let context =
            Tensor::<3>::from_floats([[[3.0, 0.0, 0.0, 0.0], [0.0; 4], [0.0; 4], [0.0; 4]]], &device);
        let nothing = pooled.forward(context.clone());
        assert_eq!(nothing.into_data().try_into_vec::<f32>().unwrap(), [0.0; 4]);
        let diagonal = |value: f32| {
            let row = |at: usize| std::array::from_fn::<f32, 4, _>(|i| if i == at { value } else { 0.0 });
            Tensor::<2>::from_floats([row(0), row(1), row(2), row(3)], &device).into()
        };
        (pooled.value.weight, pooled.out.weight) = (diagonal(1.0), diagonal(1.0));
        let silu = |x: f32| x / (1.0 + (-x).exp());
        let said = |pooled: &PooledText| {
            pooled.forward(context.clone()).into_data().try_into_vec::<f32>().unwrap()[0]
        };
        // Of four words of equal scores, a quarter.
        assert!((said(&pooled) - silu(0.75)).abs() < 1e-5);
        // exp(ln 2 * 3) = 8 to three times 1.
        pooled.score.weight = diagonal(2f32.ln());
        assert!((said(&pooled) - silu(3.0 * 8.0 / 11.0)).abs() < 1e-5);
    }
}
