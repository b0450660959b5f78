//! Weights in the form that the CPU kernels read, made once when a model is loaded.

use std::{fmt, sync::Arc};

use kernels::{
    Stored,
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

    /// [`pack`](Self::pack) of the values that `source` has for each weight, which takes no more memory than the packed
    /// weights and one that is not. `path` is that of this part in the model.
    ///
    /// # Errors
    /// What `source` answers.
    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error>;
}

/// Where the values of weights come from, one weight at a time.
pub trait WeightSource {
    /// Why one cannot be had.
    type Error;

    /// Hands on the values, in row-major order, of the parameter whose names in the model are joined to `path` by dots.
    ///
    /// # Errors
    /// As the source has them.
    fn values<R>(&mut self, path: &str, take: impl FnOnce(Stored<'_>) -> R) -> Result<R, Self::Error>;
}

/// The path of a part within another.
pub fn join(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&mut self, packing: Packing) {
        self.iter_mut().for_each(|part| part.pack(packing));
    }

    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let mut parts = self.iter_mut().enumerate();
        parts.try_for_each(|(index, part)| part.pack_from(packing, &join(path, &index.to_string()), source))
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&mut self, packing: Packing) {
        self.iter_mut().for_each(|part| part.pack(packing));
    }

    fn pack_from<S: WeightSource>(
        &mut self,
        packing: Packing,
        path: &str,
        source: &mut S,
    ) -> Result<(), S::Error> {
        self.iter_mut().try_for_each(|part| part.pack_from(packing, path, source))
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

            fn pack_from<S: $crate::WeightSource>(
                &mut self,
                packing: $crate::Packing,
                path: &str,
                source: &mut S,
            ) -> ::std::result::Result<(), S::Error> {
                $($crate::Pack::pack_from(
                    &mut self.$part,
                    packing,
                    &$crate::join(path, stringify!($part)),
                    source,
                )?;)+
                Ok(())
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

    /// Of the values of a weight `[out, in]`.
    pub(crate) fn new(values: Stored<'_>, [outputs, inputs]: [usize; 2], packing: Packing) -> Self {
        match packing {
            Packing::Bf16 => Self::Bf16(Arc::new(PackedBf16::new(values, outputs, inputs))),
            Packing::Int8 => Self::Int8(Arc::new(PackedInt8::new(values, outputs, inputs))),
        }
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
    /// Of the values of a weight whose five dimensions are `dims`, for convolutions of this stride.
    pub(crate) fn new(values: Stored<'_>, dims: [usize; 5], stride: [usize; 3], packing: Packing) -> Self {
        let [outputs, inputs, kt, kh, kw] = dims;
        let packed = match packing {
            Packing::Bf16 => PackedConv3d::bf16_with_stride(values, outputs, inputs, [kt, kh, kw], stride),
            Packing::Int8 => PackedConv3d::int8(values, outputs, inputs, [kt, kh, kw]),
        };
        Self { weight: Arc::new(packed), dims }
    }
}

impl fmt::Debug for PackedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims)
    }
}
