//! First weights, drawn from a seeded generator of our own: the same on every device.

use std::collections::HashMap;

use burn::{
    module::{ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::weights::{Checkpoint, Parameter, parameters};

/// How one parameter starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// These values.
    Given(Vec<f32>),
    /// Every value the same.
    Constant(f32),
    /// Between `-bound` and `bound`.
    Uniform(f64),
    /// Mean 0 with this standard deviation.
    Normal(f64),
}

impl Start {
    /// Glorot & Bengio 2010: variance kept forward and backward. `shape` is `[out, in, ..]`.
    pub fn xavier(shape: &[usize]) -> Self {
        let (fan_out, fan_in) = fans(shape);
        Self::Uniform((6.0 / (fan_in + fan_out) as f64).sqrt())
    }

    /// PyTorch's start of a convolution or linear layer with `fan_in` inputs.
    pub fn torch_default(fan_in: usize) -> Self {
        Self::Uniform((fan_in as f64).recip().sqrt())
    }

    fn draw(self, count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
        match self {
            Self::Given(values) => {
                assert_eq!(values.len(), count, "a value for each of the parameter's");
                values
            }
            Self::Constant(value) => vec![value; count],
            Self::Uniform(bound) => {
                (0..count).map(|_| (random.random_range(-1.0..1.0) * bound) as f32).collect()
            }
            Self::Normal(std) => (0..count).map(|_| (normal(random) * std) as f32).collect(),
        }
    }
}

/// `(out, in)` of a weight `[out, in, ..]`, where everything after `out` counts as input.
pub fn fans(shape: &[usize]) -> (usize, usize) {
    (shape[0], shape[1..].iter().product())
}

/// The inputs of each layer of `module`, by its path: for [`Start::torch_default`] of its weight and of its bias.
pub fn fan_ins<M: Checkpoint>(module: &M) -> HashMap<String, usize> {
    let of_layer = |parameter: Parameter| {
        Some((parameter.key.strip_suffix(".weight")?.to_owned(), fans(&parameter.shape).1))
    };
    parameters(module).into_iter().filter_map(of_layer).collect()
}

/// A standard normal number (Box & Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Fills every parameter as `recipe(key, shape)` says, where `key` is its name in a checkpoint.
pub fn fill<M: Checkpoint>(module: M, seed: u64, recipe: impl Fn(&str, &[usize]) -> Start) -> M {
    let starts = parameters(&module)
        .into_iter()
        .map(|parameter| recipe(&parameter.key, &parameter.shape))
        .collect::<Vec<_>>();
    module.map(&mut Filler { starts: starts.into_iter(), random: ChaCha8Rng::seed_from_u64(seed) })
}

/// Visits the parameters in the order of [`parameters`].
struct Filler {
    starts: std::vec::IntoIter<Start>,
    random: ChaCha8Rng,
}

impl ModuleMapper for Filler {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let device = param.lazy_device();
        let start = self.starts.next().expect("a start for every parameter");
        let values = start.draw(shape.num_elements(), &mut self.random);
        let tensor = Tensor::from_data(TensorData::new(values, shape), &device);
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}
