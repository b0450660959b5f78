//! From the bytes of a tensor to f32, checked on the way.

use std::io::{self, Read};

use half::{
    bf16, f16,
    slice::{HalfBitsSliceExt, HalfFloatSliceExt},
};
use safetensors::tensor::Dtype;

/// Values that are read at a time: few enough to stay in the processor's cache while they are converted and checked.
const PIECE: usize = 8 << 10;

/// The bits of a number without its sign.
const SIZE: u32 = u32::MAX >> 1;

/// A number format that weights are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    F32,
    Bf16,
    F16,
}

impl Stored {
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

    fn convert(self, bytes: &[u8], values: &mut [f32], halves: &mut Vec<u16>) {
        if self == Self::F32 {
            for (value, b) in values.iter_mut().zip(bytes.chunks_exact(4)) {
                *value = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
            return;
        }
        halves.clear();
        halves.extend(bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])));
        match self {
            Self::F16 => halves.reinterpret_cast::<f16>().convert_to_f32_slice(values),
            _ => halves.reinterpret_cast::<bf16>().convert_to_f32_slice(values),
        }
    }
}

/// Reads `count` numbers; or where the first one is that is infinite or undefined, and what it is.
pub(super) fn read(
    reader: &mut dyn Read,
    stored: Stored,
    count: usize,
) -> io::Result<Result<Vec<f32>, (usize, f32)>> {
    let mut values = vec![0.0; count];
    let mut bytes = vec![0; PIECE.min(count) * stored.bytes()];
    let mut halves = Vec::new();
    for (piece, values) in values.chunks_mut(PIECE).enumerate() {
        let bytes = &mut bytes[..values.len() * stored.bytes()];
        reader.read_exact(bytes)?;
        stored.convert(bytes, values, &mut halves);
        // The largest exponent of all tells of many values at once.
        let largest = values.iter().fold(0, |largest, value| (value.to_bits() & SIZE).max(largest));
        if largest >= f32::INFINITY.to_bits()
            && let Some(at) = values.iter().position(|value| !value.is_finite())
        {
            return Ok(Err((piece * PIECE + at, values[at])));
        }
    }
    Ok(Ok(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read_and_every_place_is_looked_at() {
        let whole = (0..2 * PIECE + 3).map(|i| i as f32 - 7.0).collect::<Vec<_>>();
        for (stored, nan) in
            [(Stored::F32, f32::NAN), (Stored::Bf16, f32::INFINITY), (Stored::F16, f32::NEG_INFINITY)]
        {
            let bytes = |values: &[f32]| -> Vec<u8> {
                match stored {
                    Stored::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                    Stored::Bf16 => values.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes()).collect(),
                    Stored::F16 => values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect(),
                }
            };
            let found = read(&mut bytes(&whole).as_slice(), stored, whole.len()).unwrap().unwrap();
            assert!((found[12] - 5.0, found.len()) == (0.0, whole.len()), "{stored:?}");
            for at in [0, 1, PIECE - 1, PIECE, 2 * PIECE + 2] {
                let mut damaged = whole.clone();
                damaged[at] = nan;
                let (found, value) =
                    read(&mut bytes(&damaged).as_slice(), stored, whole.len()).unwrap().unwrap_err();
                assert_eq!(found, at, "{stored:?}");
                assert!(value.is_nan() || value == nan, "{stored:?}: {value}");
            }
        }
    }

    #[test]
    fn large_finite_values_are_no_fault() {
        let values = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0];
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(read(&mut bytes.as_slice(), Stored::F32, 4).unwrap().unwrap(), values);
    }

    #[test]
    fn bytes_that_are_missing_are_an_error() {
        assert!(read(&mut [0; 7].as_slice(), Stored::F32, 2).is_err());
    }
}
