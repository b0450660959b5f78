//! First weights that suit the data: LSUV (Mishkin and Matas 2016).
//!
//! Pictures share most of what they show, and so do features of them: without this, a layer would see little but what is
//! always the same.

use burn::{module::Param, tensor::Tensor};
use nn::{Conv3d, Linear, Weight};

/// Scales and shifts a layer so that each of its outputs has mean 0 and variance 1 over `x`, and returns these.
pub(crate) trait Standardise<const D: usize> {
    fn standardise(&mut self, x: Tensor<D>) -> Tensor<D>;
}

impl Standardise<5> for Conv3d {
    fn standardise(&mut self, x: Tensor<5>) -> Tensor<5> {
        let y = self.forward(x.clone());
        let channels = y.dims()[1];
        let by_channel = y.swap_dims(0, 1).reshape([channels as i32, -1]);
        let (shift, scale) = statistics(by_channel);
        let outputs = scale.clone().reshape([channels, 1, 1, 1, 1]);
        self.weight = changed(&self.weight, |weight| weight * outputs);
        self.bias = changed(&self.bias, |bias| (bias - shift) * scale);
        self.forward(x)
    }
}

impl<const D: usize> Standardise<D> for Linear {
    fn standardise(&mut self, x: Tensor<D>) -> Tensor<D> {
        let y = self.forward(x.clone());
        let channels = y.dims()[D - 1];
        let by_channel = y.reshape([-1, channels as i32]).transpose();
        let (shift, scale) = statistics(by_channel);
        let outputs = scale.clone().reshape([channels, 1]);
        if let Weight::Dense(weight) = &self.weight {
            self.weight = Weight::Dense(changed(weight, |weight| weight * outputs));
        }
        self.bias = self.bias.as_ref().map(|bias| changed(bias, |bias| (bias - shift) * scale));
        self.forward(x)
    }
}

/// Means and reciprocal standard deviations of rows.
fn statistics(rows: Tensor<2>) -> (Tensor<1>, Tensor<1>) {
    const LEAST: f64 = 1e-6;
    let (variance, mean) = rows.var_mean_bias(1);
    (mean.flatten(0, 1), (variance + LEAST).sqrt().recip().flatten(0, 1))
}

fn changed<const D: usize>(
    parameter: &Param<Tensor<D>>,
    change: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Param<Tensor<D>> {
    let is_trained = parameter.is_require_grad();
    Param::initialized(parameter.id, change(parameter.val().detach()).set_require_grad(is_trained))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn outputs_are_of_one_size_and_centred() {
        let device = Device::flex();
        let random = |dims: [usize; 5]| Tensor::<5>::random(dims, Distribution::Uniform(0.0, 3.0), &device);
        let mut conv = Conv3d::new([2, 3], [3, 3, 3], [1; 3], &device);
        conv.weight = Param::from_tensor(random([3, 2, 3, 3, 3]));
        let y = conv.standardise(random([2, 2, 3, 6, 6]));
        let mut linear = Linear::new(3, 4, true, &device);
        linear.weight = Weight::Dense(Param::from_tensor(random([4, 3, 1, 1, 1]).reshape([4, 3])));
        let z = linear.standardise(y.clone().permute([0, 2, 3, 4, 1]));
        for rows in [y.swap_dims(0, 1).reshape([3, -1]), z.reshape([-1, 4]).transpose()] {
            let (variance, mean) = rows.var_mean_bias(1);
            assert!(mean.abs().max().into_scalar::<f32>() < 1e-3);
            assert!((variance - 1.0).abs().max().into_scalar::<f32>() < 1e-2);
        }
    }
}
