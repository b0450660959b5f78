//! From the bytes of a tensor to f32, checked on the way.

use std::io::{self, Read};

use half::{f16, slice::HalfFloatSliceExt};
use safetensors::tensor::Dtype;

/// Values that are read at a time: few enough to stay in the processor's cache while they are converted and checked.
const PIECE: usize = 8 << 10;

/// The bits of the exponent, all set in what is infinite or undefined.
const SPECIAL: u32 = f32::INFINITY.to_bits();

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

    /// Puts the numbers that `bytes` hold into `values`, of which there are as many.
    fn convert(self, bytes: &[u8], values: &mut [f32], halves: &mut Vec<f16>) {
        match self {
            Self::F32 => {
                for (value, b) in values.iter_mut().zip(bytes.chunks_exact(4)) {
                    *value = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                }
            }
            // The upper half of the f32.
            Self::Bf16 => {
                for (value, b) in values.iter_mut().zip(bytes.chunks_exact(2)) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16);
                }
            }
            Self::F16 => {
                halves.clear();
                halves.extend(bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])));
                halves.convert_to_f32_slice(values);
            }
        }
    }
}

/// Reads `count` numbers; or where the first one is that is infinite or undefined, and what it is.
pub(super) fn read(
    reader: &mut dyn Read,
    stored: Stored,
    count: usize,
) -> io::Result<Result<Vec<f32>, (usize, f32)>> {
    let mut all = Vec::with_capacity(count);
    let mut bytes = vec![0; PIECE.min(count) * stored.bytes()];
    let mut values = vec![0.0; PIECE.min(count)];
    let mut halves = Vec::new();
    while all.len() < count {
        let values = &mut values[..PIECE.min(count - all.len())];
        let bytes = &mut bytes[..values.len() * stored.bytes()];
        reader.read_exact(bytes)?;
        stored.convert(bytes, values, &mut halves);
        // Without a branch, many at once.
        let special = |value: &f32| u32::from(value.to_bits() & SPECIAL == SPECIAL);
        if values.iter().fold(0, |any, value| any | special(value)) != 0
            && let Some(at) = values.iter().position(|value| !value.is_finite())
        {
            return Ok(Err((all.len() + at, values[at])));
        }
        all.extend_from_slice(values);
    }
    Ok(Ok(all))
}

#[cfg(test)]
mod tests {
    use half::bf16;

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
