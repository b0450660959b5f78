//! Naming what is where: a second task for the features in the middle of the transformer.
//!
//! What a thing's kind says about its picture moves the flow loss but little, so kinds are learnt last. Here a linear
//! layer on the features after half of the blocks has to tell the kind and the colour of what each token shows, however
//! noisy it is, and what is needed for that has to come out of the prompt. The idea is that of representation alignment
//! (REPA, Yu et al. 2024), with the world's exact truth in place of another model's features. The layer is not part of
//! the exported model.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, layer_norm};

use super::truth::CLASSES;
use crate::cross_entropy::cross_entropy;

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

    /// The cross entropy of kind and of colour, added up: mean over the tokens of `features`, `[batch, tokens, dim]`;
    /// `targets` are the shares, `[batch, tokens, classes]`.
    pub fn loss(&self, features: Tensor<3>, targets: Tensor<3>) -> Tensor<1> {
        const EPS: f64 = 1e-6;
        let [batch, tokens, _] = targets.dims();
        let logits = self.to_classes.forward(layer_norm(features, None, None, EPS));
        cross_entropy(&logits, &targets, &CLASSES) / (batch * tokens) as f64
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
        let unknown = to_scalar(naming.loss(features.clone(), targets.clone())).unwrap();
        let expected = CLASSES.map(|classes| (classes as f32).ln()).iter().sum::<f32>();
        assert!((unknown - expected).abs() < 1e-5, "{unknown} {expected}");

        // Weights that tell the two tokens apart.
        let mut known = naming;
        let transposed = targets.clone().squeeze_dim::<2>(0).transpose(); // [classes, tokens]
        let zeros = Tensor::zeros([width, 1], &device);
        let columns =
            vec![transposed.clone().narrow(1, 0, 1), zeros.clone(), transposed.narrow(1, 1, 1), zeros];
        known.to_classes.weight = (Tensor::cat(columns, 1) * 20.0).into();
        let loss = to_scalar(known.loss(features, targets)).unwrap();
        assert!(loss < 1e-5, "{loss}");
    }
}
