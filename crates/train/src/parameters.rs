//! A module's parameters as one flat list of numbers, which the optimiser and checkpoints work on.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{DType, Gradients, Tensor, TensorData},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, TrainError},
    optim::CHUNK,
};

/// Where one parameter lies in the flat list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path in the module, which is its key in a diffusers checkpoint.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

impl Entry {
    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether weight decay applies: to matrices and kernels, not to biases and norms' scales.
    ///
    /// Wan's norms keep their scale as `[channels, 1, 1, 1]`, so dimensions of 1 do not count.
    pub fn decays(&self) -> bool {
        self.shape.iter().filter(|&&dim| dim > 1).count() >= 2
    }
}

/// The parameters of `module`, in visiting order.
pub fn entries<M: Module>(module: &M) -> Vec<Entry> {
    struct Entries(Vec<String>, Vec<Entry>);
    impl ModuleVisitor for Entries {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push(Entry { name: self.0.join("."), shape: param.dims().to_vec() });
        }
    }
    let mut visitor = Entries(Vec::new(), Vec::new());
    module.visit(&mut visitor);
    visitor.1
}

/// The values of all parameters, one after the other.
///
/// # Errors
/// A tensor that its device does not give back.
pub fn gather<M: Module>(module: &M) -> Result<Vec<f32>> {
    struct Gather(Result<Vec<f32>>);
    impl ModuleVisitor for Gather {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Ok(values) = &mut self.0 {
                match to_vec(param.val()) {
                    Ok(more) => values.extend_from_slice(&more),
                    Err(error) => self.0 = Err(error),
                }
            }
        }
    }
    let mut visitor = Gather(Ok(Vec::new()));
    module.visit(&mut visitor);
    visitor.0
}

/// The module with the values that [`gather`] lists. Each parameter stays on its device, and keeps
/// asking for a gradient if it did.
pub fn scatter<M: Module>(module: M, values: &[f32]) -> M {
    struct Scatter<'a>(&'a [f32]);
    impl ModuleMapper for Scatter<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let shape = tensor.shape();
                let (own, rest) = self.0.split_at(shape.num_elements());
                self.0 = rest;
                let data = TensorData::new(own.to_vec(), shape);
                Tensor::from_data(data, &tensor.device()).set_require_grad(tensor.is_require_grad())
            })
        }
    }
    let mut mapper = Scatter(values);
    let module = module.map(&mut mapper);
    assert!(mapper.0.is_empty(), "a flat list of another module's parameters");
    module
}

/// Adds `scale` times the gradients of `module`'s parameters to the flat list `sum`. A parameter
/// that the loss does not depend on adds nothing.
///
/// # Errors
/// A tensor that its device does not give back.
pub fn add_gradients<M: Module>(
    module: &M,
    gradients: &mut Gradients,
    scale: f32,
    sum: &mut [f32],
) -> Result<()> {
    struct Add<'a> {
        gradients: &'a mut Gradients,
        scale: f32,
        rest: &'a mut [f32],
        result: Result<()>,
    }
    impl ModuleVisitor for Add<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let (own, rest) = std::mem::take(&mut self.rest).split_at_mut(param.shape().num_elements());
            self.rest = rest;
            let Some(gradient) = param.grad_remove(self.gradients) else { return };
            match to_data(gradient) {
                Ok(data) => {
                    let values = data.as_slice::<f32>().unwrap_or_default();
                    let parts = own.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
                    parts.for_each(|(own, values)| {
                        own.iter_mut().zip(values).for_each(|(sum, value)| *sum += self.scale * value);
                    });
                }
                Err(error) => self.result = Err(error),
            }
        }
    }
    let mut visitor = Add { gradients, scale, rest: sum, result: Ok(()) };
    module.visit(&mut visitor);
    visitor.result
}

fn to_data<const D: usize>(tensor: Tensor<D>) -> Result<TensorData> {
    let tensor = if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(DType::F32) };
    tensor.try_into_data().map_err(|error| TrainError::Part {
        what: "reading a tensor".into(),
        source: format!("{error:?}").into(),
    })
}

/// The values of a tensor in row-major order.
///
/// # Errors
/// A tensor that its device does not give back.
pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = to_data(tensor)?;
    Ok(data.as_slice::<f32>().map(<[f32]>::to_vec).unwrap_or_default())
}

/// The value of a tensor of one element.
///
/// # Errors
/// A tensor that its device does not give back.
pub fn to_scalar(tensor: Tensor<1>) -> Result<f32> {
    Ok(to_vec(tensor)?[0])
}
