//! Layers that look back and forth in time.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, silu};

/// How many frames back and forth each layer looks.
const STEPS: [usize; 5] = [1, 2, 4, 8, 1];

/// Residual layers over time; each sees so many frames back and forth, and the mean over all frames.
#[derive(Module, Debug)]
pub(super) struct OverTime {
    first: Linear,
    layers: Vec<Linear>,
}

impl OverTime {
    pub fn new(inputs: usize, width: usize, device: &Device) -> Self {
        Self {
            first: Linear::new(3 * inputs, width, true, device),
            layers: STEPS.iter().map(|_| Linear::new(4 * width, width, true, device)).collect(),
        }
    }

    /// `[tracks, frames, inputs]` to `[tracks, frames, width]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let mut x = silu(self.first.forward(around(x, 1)));
        for (layer, &step) in self.layers.iter().zip(&STEPS) {
            let mean = x.clone().mean_dim(1).expand(x.dims());
            let seen = Tensor::cat(vec![around(x.clone(), step), mean], 2); // [tracks, frames, 4 * width]
            x = x + silu(layer.forward(seen));
        }
        x
    }
}

/// Every frame with the one `step` frames before and the one `step` frames behind it; at the ends the frame itself.
fn around(x: Tensor<3>, step: usize) -> Tensor<3> {
    let [tracks, frames, width] = x.dims();
    let step = step.min(frames);
    let ends = |at: usize| x.clone().narrow(1, at, 1).expand([tracks, step, width]);
    let kept = frames - step;
    let shifted = |first: bool| match (kept, first) {
        (0, true) => ends(0),
        (0, false) => ends(frames - 1),
        (_, true) => Tensor::cat(vec![ends(0), x.clone().narrow(1, 0, kept)], 1),
        (_, false) => Tensor::cat(vec![x.clone().narrow(1, step, kept), ends(frames - 1)], 1),
    };
    Tensor::cat(vec![shifted(true), x.clone(), shifted(false)], 2)
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn frames_stand_beside_their_neighbours() {
        let device = Device::flex();
        let values: Vec<f32> = (0..5).map(|i| i as f32).collect();
        let x = Tensor::<3>::from_data(TensorData::new(values, [1, 5, 1]), &device);
        let of = |step| around(x.clone(), step).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(of(2), [0., 0., 2., 0., 1., 3., 0., 2., 4., 1., 3., 4., 2., 4., 4.]);
        assert_eq!(of(8), [0., 0., 4., 0., 1., 4., 0., 2., 4., 0., 3., 4., 0., 4., 4.]);
    }
}
