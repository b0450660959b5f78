//! How exactly products are computed.

use std::cell::Cell;

use burn::{backend::DispatchDevice, tensor::Tensor};

/// The inputs of matrix products, attention and convolutions; sums are f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32, by burn's own operations.
    #[default]
    F32,
    /// bf16, by the CPU kernels where the processor has bf16 products; f32 elsewhere.
    Bf16,
}

thread_local! {
    static PRECISION: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// Runs `work` with products computed in `precision` on this thread.
///
/// The backward pass of what ran inside uses the same precision, wherever it is called.
pub fn with_precision<R>(precision: Precision, work: impl FnOnce() -> R) -> R {
    struct Restore(Precision);
    impl Drop for Restore {
        fn drop(&mut self) {
            PRECISION.set(self.0);
        }
    }
    let _restore = Restore(PRECISION.replace(precision));
    work()
}

/// Whether fused pointwise kernels serve this tensor.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    matches!(x.device().inner().as_dispatch(), DispatchDevice::Flex(_))
        && x.dtype() == burn::tensor::DType::F32
}

/// Whether the bf16 kernels compute products of this tensor.
pub(crate) fn in_bf16<const D: usize>(x: &Tensor<D>) -> bool {
    PRECISION.get() == Precision::Bf16 && kernels::isa() >= kernels::Isa::Avx512 && on_cpu(x)
}
