//! How exactly products are computed.

use std::cell::Cell;

use burn::{backend::DispatchDevice, tensor::Tensor};

/// The inputs of matrix products, attention and convolutions; sums are f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32, by burn's own operations.
    #[default]
    F32,
    /// bf16, by the CPU kernels where they serve (see [`has_kernels`]); f32 elsewhere.
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

/// Whether the CPU kernels compute products on this processor, packed or not: from AVX2 on, where they are faster than
/// burn's (int8, attention) or close to them in half the memory (bf16). Elsewhere burn computes in f32, and nothing is
/// packed. This is the one rule; pointwise kernels serve every processor.
pub fn has_kernels() -> bool {
    kernels::isa() >= kernels::Isa::Avx2
}

/// Whether fused pointwise kernels serve this tensor.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    matches!(x.device().inner().as_dispatch(), DispatchDevice::Flex(_))
        && x.dtype() == burn::tensor::DType::F32
}

/// Whether the bf16 kernels compute products of this tensor.
pub(crate) fn in_bf16<const D: usize>(x: &Tensor<D>) -> bool {
    PRECISION.get() == Precision::Bf16 && has_kernels() && on_cpu(x)
}
