//! The number formats that weights are read from.

use nn::Stored;
use safetensors::tensor::Dtype;

/// A number format that weights are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    Bf16,
    F16,
}

impl Format {
    /// The format of that name, if it is one that is read.
    pub fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::F32),
            Dtype::BF16 => Some(Self::Bf16),
            Dtype::F16 => Some(Self::F16),
            _ => None,
        }
    }

    /// Of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    /// The numbers that little-endian `bytes` hold.
    pub fn stored(self, bytes: &[u8]) -> Stored<'_> {
        match self {
            Self::F32 => Stored::F32Bytes(bytes.as_chunks().0),
            Self::Bf16 => Stored::Bf16Bytes(bytes.as_chunks().0),
            Self::F16 => Stored::F16Bytes(bytes.as_chunks().0),
        }
    }
}

/// Where the first value is that is infinite or undefined, and what it is.
pub(super) fn not_finite(stored: Stored<'_>) -> Option<(usize, f32)> {
    let at = stored.first_not_finite()?;
    Some((at, stored.to_f32()[at]))
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn every_format_is_read_and_every_place_is_looked_at() {
        let whole = (0..70_003).map(|i| (i % 1000) as f32 - 7.0).collect::<Vec<_>>();
        for (format, nan) in
            [(Format::F32, f32::NAN), (Format::Bf16, f32::INFINITY), (Format::F16, f32::NEG_INFINITY)]
        {
            let bytes = |values: &[f32]| -> Vec<u8> {
                match format {
                    Format::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                    Format::Bf16 => values.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes()).collect(),
                    Format::F16 => values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect(),
                }
            };
            let stored = bytes(&whole);
            assert_eq!(stored.len(), whole.len() * format.bytes());
            assert_eq!(not_finite(format.stored(&stored)), None);
            assert_eq!(format.stored(&stored).to_f32()[12], 5.0, "{format:?}");
            for at in [0, 1, 40_000, whole.len() - 1] {
                let mut damaged = whole.clone();
                damaged[at] = nan;
                let (found, value) = not_finite(format.stored(&bytes(&damaged))).unwrap();
                assert_eq!(found, at, "{format:?}");
                assert!(value.is_nan() || value == nan, "{format:?}: {value}");
            }
        }
    }

    #[test]
    fn large_finite_values_are_no_fault() {
        let values = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0];
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(not_finite(Format::F32.stored(&bytes)), None);
        assert_eq!(Format::F32.stored(&bytes).to_f32(), values);
    }
}
