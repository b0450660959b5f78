//! How layers are gone through: as they are, or made to suit what goes in.

use std::collections::HashMap;

use burn::{
    module::{ModuleMapper, Param, ParamId},
    tensor::{Tensor, TensorData},
};
use nn::{Conv3d, Linear, Weight};

/// Goes through layers.
pub(crate) trait Pass {
    fn conv(&mut self, layer: &Conv3d, x: Tensor<5>) -> Tensor<5>;

    fn linear<const D: usize>(&mut self, layer: &Linear, x: Tensor<D>) -> Tensor<D>;
}

/// Layers as they are.
pub(crate) struct Forward;

impl Pass for Forward {
    fn conv(&mut self, layer: &Conv3d, x: Tensor<5>) -> Tensor<5> {
        layer.forward(x)
    }

    fn linear<const D: usize>(&mut self, layer: &Linear, x: Tensor<D>) -> Tensor<D> {
        layer.forward(x)
    }
}

/// First weights that suit the data: LSUV (Mishkin and Matas 2016). Each output of a layer gets mean 0 and variance 1 over
/// what goes in; as a mapper it then changes the module that was gone through.
///
/// Pictures share most of what they show, and so do features of them: without this, a layer would see little but what is
/// always the same.
#[derive(Default)]
pub(crate) struct Standardise {
    changed: HashMap<ParamId, TensorData>,
}

impl Standardise {
    /// Keeps what makes of outputs, each a row of `rows`, such of mean 0 and variance 1: what they are to be lowered by and then
    /// multiplied with.
    fn suit<const D: usize>(
        &mut self,
        weight: &Param<Tensor<D>>,
        bias: &Param<Tensor<1>>,
        rows: Tensor<2>,
    ) -> [Tensor<1>; 2] {
        const LEAST: f64 = 1e-6;
        let (variance, mean) = rows.var_mean_bias(1);
        let (shift, scale): (Tensor<1>, Tensor<1>) =
            (mean.flatten(0, 1), (variance + LEAST).sqrt().recip().flatten(0, 1));
        let mut of_output = [1; D];
        of_output[0] = scale.dims()[0];
        let changed = weight.val() * scale.clone().reshape(of_output);
        self.changed.insert(weight.id, changed.into_data());
        self.changed.insert(bias.id, ((bias.val() - shift.clone()) * scale.clone()).into_data());
        [shift, scale]
    }
}

impl Pass for Standardise {
    /// A packed layer stays as it is.
    fn conv(&mut self, layer: &Conv3d, x: Tensor<5>) -> Tensor<5> {
        let y = layer.forward(x);
        let Weight::Dense(weight) = &layer.weight else { return y };
        let channels = y.dims()[1];
        let rows = y.clone().swap_dims(0, 1).reshape([channels as i32, -1]);
        let [shift, scale] = self.suit(weight, &layer.bias, rows);
        let by_channel = |values: Tensor<1>| values.reshape([1, channels, 1, 1, 1]);
        (y - by_channel(shift)) * by_channel(scale)
    }

    /// A layer without a bias, or a packed one, stays as it is.
    fn linear<const D: usize>(&mut self, layer: &Linear, x: Tensor<D>) -> Tensor<D> {
        let y = layer.forward(x);
        let (Weight::Dense(weight), Some(bias)) = (&layer.weight, &layer.bias) else { return y };
        let channels = y.dims()[D - 1];
        let rows = y.clone().reshape([-1, channels as i32]).transpose();
        let [shift, scale] = self.suit(weight, bias, rows);
        let mut last = [1; D];
        last[D - 1] = channels;
        (y - shift.reshape(last)) * scale.reshape(last)
    }
}

impl ModuleMapper for Standardise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.changed.remove(&param.id) {
            Some(values) => {
                let device = param.val().device();
                Param::initialized(param.id, Tensor::from_data(values, &device))
            }
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        tensor::{Device, Distribution},
    };

    use super::*;

    #[test]
    fn outputs_are_of_one_size_and_centred() {
        let device = Device::flex();
        let random = |dims: [usize; 5]| Tensor::<5>::random(dims, Distribution::Uniform(0.0, 3.0), &device);
        let mut conv = Conv3d::new([2, 3], [3, 3, 3], [1; 3], &device);
        conv.weight = random([3, 2, 3, 3, 3]).into();
        let mut linear = Linear::new(3, 4, true, &device);
        linear.weight = Weight::Dense(Param::from_tensor(random([4, 3, 1, 1, 1]).reshape([4, 3])));

        let mut pass = Standardise::default();
        let x = random([2, 2, 3, 6, 6]);
        let told = pass.conv(&conv, x.clone()).permute([0, 2, 3, 4, 1]);
        let told = pass.linear(&linear, told);
        // The changed layers give what the pass gave.
        let (conv, linear) = (conv.map(&mut pass), linear.map(&mut pass));
        let y = conv.forward(x);
        let z = linear.forward(y.clone().permute([0, 2, 3, 4, 1]));
        assert!((z.clone() - told).abs().max().into_scalar::<f32>() < 1e-3);
        for rows in [y.swap_dims(0, 1).reshape([3, -1]), z.reshape([-1, 4]).transpose()] {
            let (variance, mean) = rows.var_mean_bias(1);
            assert!(mean.abs().max().into_scalar::<f32>() < 1e-3);
            assert!((variance - 1.0).abs().max().into_scalar::<f32>() < 1e-2);
        }
    }
}
