//! The weight of a layer, in one of the forms that it can have.

use burn::{
    backend::DispatchDevice,
    module::{
        Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
    },
    tensor::{Device, Tensor},
};
use kernels::Stored;

use crate::{
    WeightSource, join,
    parameter::zeros,
    precision::{has_kernels, on_cpu},
};

/// The weight of a layer. As a module it is its parameter, under the name of the field that it is in, or nothing.
#[derive(Clone, Debug)]
pub enum Weight<const D: usize, P> {
    /// A parameter: it can be trained and saved.
    Dense(Param<Tensor<D>>),
    /// As the CPU kernels read it.
    Packed(P),
}

/// A parameter with these values.
impl<const D: usize, P> From<Tensor<D>> for Weight<D, P> {
    fn from(values: Tensor<D>) -> Self {
        Self::Dense(Param::from_tensor(values))
    }
}

/// What every layer calls it.
const WEIGHT: &str = "weight";

impl<const D: usize, P> Weight<D, P> {
    /// A parameter of zeros.
    pub fn zeros(shape: [usize; D], device: &Device) -> Self {
        Self::Dense(zeros(shape, device))
    }

    /// Its values as a tensor.
    ///
    /// # Panics
    /// If it is packed.
    pub fn dense(&self) -> Tensor<D> {
        match self {
            Self::Dense(weight) => weight.val(),
            Self::Packed(_) => panic!("a packed weight is no tensor"),
        }
    }

    /// It as the kernels read it, if it is packed.
    pub fn packed(&self) -> Option<&P> {
        match self {
            Self::Dense(_) => None,
            Self::Packed(packed) => Some(packed),
        }
    }

    /// Packs a parameter that is not trained, where the CPU kernels serve; anything else stays as it is.
    pub(crate) fn pack(&mut self, pack: impl FnOnce(Stored<'_>, [usize; D]) -> P) {
        let Self::Dense(weight) = self else { return };
        let values = weight.val();
        if !has_kernels() || !on_cpu(&values) || values.is_require_grad() {
            return;
        }
        let (dims, data) = (values.dims(), values.into_data());
        if let Ok(values) = data.as_slice() {
            *self = Self::Packed(pack(Stored::F32(values), dims));
        }
    }

    /// [`pack`](Self::pack) of the values that `source` has for the layer at `path`.
    pub(crate) fn pack_from<S: WeightSource>(
        &mut self,
        path: &str,
        source: &mut S,
        pack: impl FnOnce(Stored<'_>, [usize; D]) -> P,
    ) -> Result<(), S::Error> {
        let Self::Dense(weight) = self else { return Ok(()) };
        // The parameter itself may never have had values, and need not have any now.
        if has_kernels() && matches!(weight.lazy_device().as_dispatch(), DispatchDevice::Flex(_)) {
            let dims = weight.lazy_shape().dims();
            *self = Self::Packed(source.values(&join(path, WEIGHT), |values| pack(values, dims))?);
        }
        Ok(())
    }
}

impl<const D: usize, P: Clone + std::fmt::Debug + Send> Module for Weight<D, P> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        match self {
            Self::Dense(weight) => weight.collect_devices(devices),
            Self::Packed(_) => devices,
        }
    }

    fn fork(self, device: &Device) -> Self {
        self.changed(|weight| weight.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.changed(|weight| weight.to_device(device))
    }

    fn materialize(self) -> Self {
        self.changed(Module::materialize)
    }

    fn valid(&self) -> Self {
        self.clone().changed(|weight| weight.valid())
    }

    fn train(self) -> Self {
        self.changed(Module::train)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        if let Self::Dense(weight) = self {
            weight.visit(visitor);
        }
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.changed(|weight| Module::map(weight, mapper))
    }
}

impl<const D: usize, P> Weight<D, P> {
    /// With another parameter.
    fn changed(self, change: impl FnOnce(Param<Tensor<D>>) -> Param<Tensor<D>>) -> Self {
        match self {
            Self::Dense(weight) => Self::Dense(change(weight)),
            packed @ Self::Packed(_) => packed,
        }
    }
}

impl<const D: usize, P: std::fmt::Debug> ModuleDisplayDefault for Weight<D, P> {
    fn content(&self, content: Content) -> Option<Content> {
        match self {
            Self::Dense(weight) => content.add_single(weight).optional(),
            Self::Packed(packed) => content.add_formatted(&format!("{packed:?}")).optional(),
        }
    }
}

impl<const D: usize, P: std::fmt::Debug> ModuleDisplay for Weight<D, P> {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(Vec<Vec<usize>>);

    impl ModuleVisitor for Counter {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.lazy_shape().as_slice().to_vec());
        }
    }

    fn parameters(weight: &Weight<2, usize>) -> Vec<Vec<usize>> {
        let mut counter = Counter(Vec::new());
        weight.visit(&mut counter);
        counter.0
    }

    #[test]
    fn a_packed_weight_is_no_parameter() {
        let mut weight = Weight::<2, usize>::zeros([2, 3], &Device::flex());
        assert_eq!(parameters(&weight), [[2, 3]]);
        weight.pack(|values, dims| values.len() + dims[0]);
        assert_eq!((parameters(&weight).len(), weight.packed()), (0, Some(&8)));
        weight.pack(|_, _| panic!("it is packed already"));
    }

    #[test]
    fn what_is_trained_is_not_packed() {
        let mut weight = Weight::<2, usize>::zeros([2, 3], &Device::flex().autodiff());
        weight.pack(|_, _| panic!("it has gradients"));
        assert_eq!(weight.dense().dims(), [2, 3]);
    }
}
