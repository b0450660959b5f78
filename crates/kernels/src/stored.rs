//! Numbers as files store them.

use std::{
    borrow::Cow,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use half::{bf16, f16};

use crate::{
    isa::Level,
    lanes::widest,
    shared::{Buffer, written},
    threads,
};

/// Numbers in a format that weights are stored in: slices of their type, or the little-endian bytes of a file, wherever
/// in memory these begin (`bytes.as_chunks().0`).
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// 32 bits.
    F32(&'a [f32]),
    /// The upper 16 bits of an f32.
    Bf16(&'a [bf16]),
    /// The 16 bits of IEEE 754.
    F16(&'a [f16]),
    /// 32 bits.
    F32Bytes(&'a [[u8; 4]]),
    /// The upper 16 bits of an f32.
    Bf16Bytes(&'a [[u8; 2]]),
    /// The 16 bits of IEEE 754.
    F16Bytes(&'a [[u8; 2]]),
}

impl<'a> From<&'a [f32]> for Stored<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(values)
    }
}

impl<'a> From<&'a Vec<f32>> for Stored<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        Self::F32(values)
    }
}

/// Numbers that one task looks at.
const BLOCK: usize = 1 << 15;

impl<'a> Stored<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::F32Bytes(values) => values.len(),
            Self::Bf16Bytes(values) | Self::F16Bytes(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them as f32, on all threads.
    pub fn to_f32(self) -> Vec<f32> {
        let (isa, len) = (Level::in_use(), self.len());
        let write = |out: crate::shared::Shared<'_, f32>| {
            threads::for_each(len.div_ceil(BLOCK), |task| {
                let range = task * BLOCK..len.min((task + 1) * BLOCK);
                let mut values = [0.0; 1024];
                for start in range.clone().step_by(values.len()) {
                    let values = &mut values[..(range.end - start).min(1024)];
                    self.part(start..start + values.len()).read(isa, values);
                    // SAFETY: inside the task's own range, which lies in `out`.
                    unsafe { out.at(start).copy_from_nonoverlapping(values.as_ptr(), values.len()) }
                }
            });
        };
        // SAFETY: the blocks cover all of them.
        unsafe { written(len, write) }
    }

    /// Where the first one is that is infinite or undefined; looked for on all threads.
    pub fn first_not_finite(self) -> Option<usize> {
        let (isa, len) = (Level::in_use(), self.len());
        let first = AtomicUsize::new(usize::MAX);
        threads::for_each(len.div_ceil(BLOCK), |task| {
            let start = task * BLOCK;
            if start >= first.load(Ordering::Relaxed) {
                return;
            }
            let block = self.part(start..len.min(start + BLOCK));
            let mut special = 0;
            let found = &mut special;
            widest!(isa => any_special(block: Stored<'_>, found: &mut u32));
            if special != 0 {
                let is_special = |at: &usize| {
                    let mut special = 0;
                    any_special(block.part(*at..at + 1), &mut special);
                    special != 0
                };
                let at = (0..block.len()).find(is_special).expect("one of the block's is not finite");
                first.fetch_min(start + at, Ordering::Relaxed);
            }
        });
        Some(first.into_inner()).filter(|&first| first != usize::MAX)
    }

    /// Some of them.
    pub(crate) fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::F32(values) => Self::F32(&values[range]),
            Self::Bf16(values) => Self::Bf16(&values[range]),
            Self::F16(values) => Self::F16(&values[range]),
            Self::F32Bytes(values) => Self::F32Bytes(&values[range]),
            Self::Bf16Bytes(values) => Self::Bf16Bytes(&values[range]),
            Self::F16Bytes(values) => Self::F16Bytes(&values[range]),
        }
    }

    /// All of them as f32: themselves, or what they are converted to in `room`.
    pub(crate) fn in_f32<'b>(self, isa: Level, room: &'b mut Buffer) -> &'b [f32]
    where
        'a: 'b,
    {
        if let Self::F32(values) = self {
            return values;
        }
        let values = room.floats(self.len());
        self.read(isa, values);
        values
    }

    /// All of them as f32: themselves, or new ones.
    pub(crate) fn all_in_f32(self) -> Cow<'a, [f32]> {
        match self {
            Self::F32(values) => Cow::Borrowed(values),
            _ => Cow::Owned(self.to_f32()),
        }
    }

    /// Puts them into `to`, which is as long.
    fn read(self, isa: Level, to: &mut [f32]) {
        assert_eq!(self.len(), to.len());
        let from = self;
        widest!(isa => convert(from: Stored<'_>, to: &mut [f32]));
    }
}

#[inline(always)]
fn convert(from: Stored<'_>, to: &mut [f32]) {
    match from {
        Stored::F32(values) => to.copy_from_slice(values),
        Stored::Bf16(values) => map(values, to, |x| of_bf16(x.to_bits())),
        Stored::F16(values) => map(values, to, |x| of_f16(x.to_bits())),
        Stored::F32Bytes(values) => map(values, to, f32::from_le_bytes),
        Stored::Bf16Bytes(values) => map(values, to, |x| of_bf16(u16::from_le_bytes(x))),
        Stored::F16Bytes(values) => map(values, to, |x| of_f16(u16::from_le_bytes(x))),
    }
}

#[inline(always)]
fn map<T: Copy>(from: &[T], to: &mut [f32], f: impl Fn(T) -> f32) {
    to.iter_mut().zip(from).for_each(|(to, &x)| *to = f(x));
}

#[inline(always)]
fn of_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Without a branch, so that loops over it become vectors.
#[inline(always)]
fn of_f16(bits: u16) -> f32 {
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23); // 2^(127 - 15): exponents count from another zero
    let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7fff) << 13);
    // Denormal numbers come out right too: they are denormal before the product.
    let finite = (f32::from_bits(magnitude) * REBIAS).to_bits();
    let special = magnitude | f32::INFINITY.to_bits();
    f32::from_bits(sign | if bits & 0x7c00 == 0x7c00 { special } else { finite })
}

/// Sets `found` if one is infinite or undefined: if all bits of an exponent are set.
#[inline(always)]
fn any_special(values: Stored<'_>, found: &mut u32) {
    const F32: u32 = f32::INFINITY.to_bits();
    const BF16: u16 = bf16::INFINITY.to_bits();
    const F16: u16 = f16::INFINITY.to_bits();
    *found = u32::from(match values {
        Stored::F32(values) => any(values, |x| x.to_bits() & F32 == F32),
        Stored::Bf16(values) => any(values, |x| x.to_bits() & BF16 == BF16),
        Stored::F16(values) => any(values, |x| x.to_bits() & F16 == F16),
        Stored::F32Bytes(values) => any(values, |x| u32::from_le_bytes(x) & F32 == F32),
        Stored::Bf16Bytes(values) => any(values, |x| u16::from_le_bytes(x) & BF16 == BF16),
        Stored::F16Bytes(values) => any(values, |x| u16::from_le_bytes(x) & F16 == F16),
    });
}

/// All are looked at, so that the loop becomes vectors.
#[inline(always)]
fn any<T: Copy>(values: &[T], is: impl Fn(T) -> bool) -> bool {
    values.iter().fold(false, |any, &x| any | is(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_threads;

    #[test]
    fn every_number_of_16_bits_is_read_as_half_reads_it() {
        let bits: Vec<u16> = (0..=u16::MAX).collect();
        let bytes: Vec<[u8; 2]> = bits.iter().map(|bits| bits.to_le_bytes()).collect();
        let bf16s: Vec<bf16> = bits.iter().map(|&bits| bf16::from_bits(bits)).collect();
        let f16s: Vec<f16> = bits.iter().map(|&bits| f16::from_bits(bits)).collect();
        let same = |values: &[f32], exact: &[f32]| {
            values.iter().zip(exact).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        };
        let exact: Vec<f32> = bf16s.iter().map(|x| x.to_f32()).collect();
        for isa in Level::available() {
            let mut values = vec![0.0; bits.len()];
            for stored in [Stored::Bf16(&bf16s), Stored::Bf16Bytes(&bytes)] {
                stored.read(isa, &mut values);
                assert!(same(&values, &exact), "{isa:?}");
            }
            let exact: Vec<f32> = f16s.iter().map(|x| x.to_f32()).collect();
            for stored in [Stored::F16(&f16s), Stored::F16Bytes(&bytes)] {
                stored.read(isa, &mut values);
                assert!(same(&values, &exact), "{isa:?}");
            }
        }
        assert!(same(&Stored::Bf16(&bf16s).to_f32(), &exact));
    }

    #[test]
    fn bytes_of_32_bits_are_the_numbers() {
        let values: Vec<f32> = (0..3 * BLOCK + 5).map(|i| i as f32 / 7.0 - 1e4).collect();
        let bytes: Vec<u8> = std::iter::once(0).chain(values.iter().flat_map(|x| x.to_le_bytes())).collect();
        let stored = Stored::F32Bytes(bytes[1..].as_chunks().0);
        for threads in [1, 3] {
            with_threads(threads, || assert_eq!(stored.to_f32(), values));
        }
        assert_eq!((stored.len(), Stored::F32(&[]).is_empty()), (values.len(), true));
    }

    #[test]
    fn the_first_that_is_not_finite_is_found() {
        let len = 2 * BLOCK + 3;
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 1, BLOCK - 1, BLOCK, len - 1] {
                let mut values = vec![-1.0; len];
                assert_eq!(Stored::F32(&values).first_not_finite(), None);
                values[at] = bad;
                values[len - 1] = bad;
                let bf16s: Vec<bf16> = values.iter().map(|&x| bf16::from_f32(x)).collect();
                let f16s: Vec<f16> = values.iter().map(|&x| f16::from_f32(x)).collect();
                let bytes: Vec<_> = values.iter().map(|x| x.to_le_bytes()).collect();
                let halves: Vec<_> = f16s.iter().map(|x| x.to_le_bytes()).collect();
                for stored in [
                    Stored::F32(&values),
                    Stored::Bf16(&bf16s),
                    Stored::F16(&f16s),
                    Stored::F32Bytes(&bytes),
                    Stored::F16Bytes(&halves),
                ] {
                    assert_eq!(stored.first_not_finite(), Some(at));
                }
            }
        }
        let greatest = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -0.0];
        assert_eq!(Stored::F32(&greatest).first_not_finite(), None);
    }
}
