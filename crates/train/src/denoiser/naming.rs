//! Naming what is where and how it moves: a second task for the features in the middle of the transformer.
//!
//! What a thing's kind says about its picture moves the flow loss but little, so kinds are learnt last, and so are events
//! and camera moves. Here a linear layer on the features after half of the blocks has to tell what each token shows, where
//! that goes, what it does and how the camera moves, however noisy it is, and what is needed for that has to come out of the
//! prompt. The idea is that of representation alignment (REPA, Yu et al. 2024), with the world's exact truth in place of
//! another model's features. The layer is not part of the exported model.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, layer_norm};

use super::truth::CLASSES;
use crate::{cross_entropy::cross_entropies, error::Result, log::Figures, parameters::to_vec};

/// The questions that [`CLASSES`] are the answers to, as logs name them.
const QUESTIONS: [&str; CLASSES.len()] = ["kind", "colour", "across", "down", "farther", "action", "camera"];

/// A norm and a linear layer.
#[derive(Module, Debug)]
pub struct Naming {
    to_classes: Linear,
}

impl Naming {
    /// A layer of zeros, for which all is equally likely, on `dim` features.
    pub fn new(dim: usize, device: &Device) -> Self {
        Self { to_classes: Linear::new(dim, CLASSES.iter().sum(), true, device) }
    }

    /// The cross entropies of all questions, `[questions]`: means over the tokens of `features`, `[batch, tokens, dim]`;
    /// `targets` are the shares, `[batch, tokens, classes]`.
    pub fn losses(&self, features: Tensor<3>, targets: Tensor<3>) -> Tensor<1> {
        const EPS: f64 = 1e-6;
        let [batch, tokens, _] = targets.dims();
        let logits = self.to_classes.forward(layer_norm(features, None, None, EPS));
        Tensor::cat(cross_entropies(&logits, &targets, &CLASSES), 0) / (batch * tokens) as f64
    }

    /// These losses by name.
    pub fn figures(losses: Tensor<1>) -> Result<Figures> {
        let values = to_vec(losses)?.into_iter().zip(QUESTIONS);
        Ok(values.fold(Figures::new(), |figures, (loss, question)| {
            figures.with(format!("naming_{question}"), f64::from(loss))
        }))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::parameters::to_scalar;

    #[test]
    fn the_loss_of_not_knowing_and_of_knowing() {
        let device = Device::flex();
        let naming = Naming::new(4, &device);
        let features = Tensor::from_floats([[[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]], &device);
        let mut targets = vec![0.0; 2 * CLASSES.iter().sum::<usize>()];
        let width = targets.len() / 2;
        for (token, [kind, colour]) in [[3, 2], [0, 0]].into_iter().enumerate() {
            targets[token * width + kind] = 1.0;
            targets[token * width + CLASSES[0] + colour] = 1.0;
        }
        let targets = Tensor::<3>::from_data(TensorData::new(targets, [1, 2, width]), &device);
        // Zeros: every class is as likely as any other.
        let unknown = to_scalar(naming.losses(features.clone(), targets.clone()).sum()).unwrap();
        // Nothing is asked about motion.
        let expected = CLASSES[..2].iter().map(|&classes| (classes as f32).ln()).sum::<f32>();
        assert!((unknown - expected).abs() < 1e-5, "{unknown} {expected}");

        // Weights that tell the two tokens apart.
        let mut known = naming;
        let transposed = targets.clone().squeeze_dim::<2>(0).transpose(); // [classes, tokens]
        let zeros = Tensor::zeros([width, 1], &device);
        let columns =
            vec![transposed.clone().narrow(1, 0, 1), zeros.clone(), transposed.narrow(1, 1, 1), zeros];
        known.to_classes.weight = (Tensor::cat(columns, 1) * 20.0).into();
        let loss = to_scalar(known.losses(features, targets).sum()).unwrap();
        assert!(loss < 1e-5, "{loss}");
    }
}
