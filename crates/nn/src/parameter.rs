//! Parameters before they have values.

use burn::{
    module::{Param, ParamId},
    tensor::{Device, Tensor},
};

/// A parameter of zeros. It takes no memory until it is used, and a checkpoint fills it before.
pub fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    let init = move |device: &Device, is_required: bool| {
        let zeros = Tensor::zeros(shape, device);
        if is_required { zeros.require_grad() } else { zeros }
    };
    Param::uninitialized(ParamId::new(), init, device.clone(), true, shape.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_any_memory_has_a_shape() {
        let weight = zeros([1 << 30, 1 << 30], &Device::flex());
        assert_eq!(weight.lazy_shape().dims::<2>(), [1 << 30; 2]);
    }

    #[test]
    fn it_asks_for_gradients_where_there_are_any() {
        assert!(!zeros([2], &Device::flex()).val().is_require_grad());
        assert!(zeros([2], &Device::flex().autodiff()).val().is_require_grad());
    }
}
