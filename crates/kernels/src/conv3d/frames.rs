//! What a convolution reads: frames that were kept from before, then new ones.

use std::{borrow::Cow, ops::Range};

use half::{bf16, slice::HalfFloatSliceExt};

use super::shape::Conv3d;

/// A frame in some number format, `[batch, channels, height, width]`, or one of its channels, `[height, width]`.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// 32 bits.
    F32(&'a [f32]),
    /// 16 bits.
    Bf16(&'a [bf16]),
}

impl<'a> Values<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of them.
    #[inline(always)]
    pub(super) fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::F32(values) => Self::F32(&values[range]),
            Self::Bf16(values) => Self::Bf16(&values[range]),
        }
    }

    /// As f32.
    pub(super) fn to_f32(self) -> Cow<'a, [f32]> {
        match self {
            Self::F32(values) => Cow::Borrowed(values),
            Self::Bf16(values) => Cow::Owned(values.to_f32_vec()),
        }
    }
}

/// The input of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames<'a> {
    /// Frames of all channels.
    past: &'a [Values<'a>],
    new: Values<'a>,
    /// How many new frames a channel has.
    new_frames: usize,
    /// Values of a frame.
    len: usize,
}

impl<'a> Frames<'a> {
    /// The frames of `past`, then `new`; the shape's size counts all of them.
    ///
    /// # Panics
    /// If they have not the lengths that the shape asks for.
    pub fn new(shape: &Conv3d, past: &'a [Values<'a>], new: Values<'a>) -> Self {
        let [frames, height, width] = shape.size;
        let (channels, len) = (shape.batch * shape.inputs, height * width);
        let new_frames = frames.checked_sub(past.len()).expect("the size counts past frames");
        assert!(past.iter().all(|frame| frame.len() == channels * len), "past frames of {shape:?}");
        assert_eq!(new.len(), channels * new_frames * len, "new frames of {shape:?}");
        Self { past, new, new_frames, len }
    }

    /// New frames alone, of `frames` frames of `len` values a channel.
    pub fn all_new(new: &'a [f32], frames: usize, len: usize) -> Self {
        Self { past: &[], new: Values::F32(new), new_frames: frames, len }
    }

    /// A frame of a channel, counted through all samples.
    #[inline]
    pub fn at(&self, channel: usize, frame: usize) -> Values<'a> {
        let Self { past, new, new_frames, len } = *self;
        match frame.checked_sub(past.len()) {
            None => past[frame].part(channel * len..(channel + 1) * len),
            Some(frame) => {
                let start = (channel * new_frames + frame) * len;
                new.part(start..start + len)
            }
        }
    }
}
