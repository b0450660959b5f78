//! Weights in the form that the CPU kernels read, made once when a model is loaded.

use std::{fmt, sync::Arc};

use burn::{module::Param, tensor::Tensor};
use kernels::{
    conv3d::PackedConv3d,
    matmul::{PackedBf16, PackedInt8},
};

/// The number format of packed weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// 16 bits, as products read them anyway: nothing is lost but the time of packing.
    Bf16,
    /// 8 bits, with a scale for every output; inputs are quantised on the fly.
    Int8,
}

/// What holds weights that can be packed.
///
/// Packed weights take the place of the f32 ones, whose memory is freed: the model can make videos, but neither be
/// trained nor saved. They are for tensors on the CPU; elsewhere nothing is packed.
pub trait Pack {
    /// Packs every weight inside. Weights that are packed already stay as they are.
    fn pack(&mut self, packing: Packing);
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&mut self, packing: Packing) {
        self.iter_mut().for_each(|part| part.pack(packing));
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&mut self, packing: Packing) {
        self.iter_mut().for_each(|part| part.pack(packing));
    }
}

/// Implements [`Pack`] for a module: its named parts are packed.
#[macro_export]
macro_rules! pack_parts {
    ($module:ty { $($part:ident),+ $(,)? }) => {
        impl $crate::Pack for $module {
            fn pack(&mut self, packing: $crate::Packing) {
                $($crate::Pack::pack(&mut self.$part, packing);)+
            }
        }
    };
}

/// The packed weights of a linear layer.
#[derive(Clone)]
pub enum PackedLinear {
    /// 16 bits.
    Bf16(Arc<PackedBf16>),
    /// 8 bits.
    Int8(Arc<PackedInt8>),
}

impl PackedLinear {
    /// Outputs of the layer.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Bf16(weight) => weight.n(),
            Self::Int8(weight) => weight.n(),
        }
    }

    /// Packs `weight` `[out, in]` and leaves nothing of it; `None` for tensors that the kernels do not serve.
    pub(crate) fn take(weight: &mut Param<Tensor<2>>, packing: Packing) -> Option<Self> {
        let [outputs, inputs] = weight.dims();
        take(weight, |values| match packing {
            Packing::Bf16 => Self::Bf16(Arc::new(PackedBf16::new(values, outputs, inputs))),
            Packing::Int8 => Self::Int8(Arc::new(PackedInt8::new(values, outputs, inputs))),
        })
    }
}

impl fmt::Debug for PackedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bf16(weight) => write!(f, "bf16 [{}, {}]", weight.n(), weight.k()),
            Self::Int8(weight) => write!(f, "int8 [{}, {}]", weight.n(), weight.k()),
        }
    }
}

/// The packed weights of a convolution.
#[derive(Clone)]
pub struct PackedKernel {
    pub(crate) weight: Arc<PackedConv3d>,
    /// `[out, in, kt, kh, kw]`
    pub(crate) dims: [usize; 5],
}

impl PackedKernel {
    /// Packs `weight`, whose five dimensions are `dims`, for convolutions of this stride, and leaves nothing of it.
    pub(crate) fn take<const D: usize>(
        weight: &mut Param<Tensor<D>>,
        dims: [usize; 5],
        stride: [usize; 3],
        packing: Packing,
    ) -> Option<Self> {
        let [outputs, inputs, kt, kh, kw] = dims;
        take(weight, |values| {
            let packed = match packing {
                Packing::Bf16 => {
                    PackedConv3d::bf16_with_stride(values, outputs, inputs, [kt, kh, kw], stride)
                }
                Packing::Int8 => PackedConv3d::int8(values, outputs, inputs, [kt, kh, kw]),
            };
            Self { weight: Arc::new(packed), dims }
        })
    }
}

impl fmt::Debug for PackedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims)
    }
}

fn take<const D: usize, P>(weight: &mut Param<Tensor<D>>, pack: impl FnOnce(&[f32]) -> P) -> Option<P> {
    let values = weight.val();
    if !crate::precision::on_cpu(&values) || values.is_require_grad() {
        return None;
    }
    let (device, data) = (values.device(), values.into_data());
    let packed = pack(data.as_slice().ok()?);
    // The parameter keeps its identity, by which streams know the layer.
    *weight = Param::initialized(weight.id, Tensor::zeros([0; D], &device));
    Some(packed)
}
