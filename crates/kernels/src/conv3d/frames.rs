//! What a convolution reads: frames that were kept from before, then new ones.

use std::{borrow::Cow, ops::Range};

use half::{bf16, slice::HalfFloatSliceExt};

use super::Conv3d;

/// Frames of some number format, `[batch, channels, frames, height, width]`; of a frame, `[height, width]`.
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

impl Default for Values<'_> {
    fn default() -> Self {
        Self::F32(&[])
    }
}

/// The input of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames<'a> {
    past: Values<'a>,
    new: &'a [f32],
    /// How many frames a channel has in each.
    past_frames: usize,
    new_frames: usize,
    /// Values of a frame.
    len: usize,
}

impl<'a> Frames<'a> {
    /// `past`, then `new`; the shape's size counts the frames of both.
    ///
    /// # Panics
    /// If they have not the lengths that the shape asks for.
    pub fn new(shape: &Conv3d, past: Values<'a>, new: &'a [f32]) -> Self {
        assert_eq!(past.len() + new.len(), shape.input_len(), "input of {shape:?}");
        let [frames, height, width] = shape.size;
        let len = height * width;
        let past_frames = past.len() / (shape.batch * shape.inputs * len).max(1);
        assert_eq!(past_frames * shape.batch * shape.inputs * len, past.len(), "whole frames of {shape:?}");
        Self { past, new, past_frames, new_frames: frames - past_frames, len }
    }

    /// New frames alone, of `frames` frames of `len` values a channel.
    pub fn all_new(new: &'a [f32], frames: usize, len: usize) -> Self {
        Self { past: Values::default(), new, past_frames: 0, new_frames: frames, len }
    }

    /// A frame of a channel, counted through all samples.
    #[inline]
    pub fn at(&self, channel: usize, frame: usize) -> Values<'a> {
        let Self { past, new, past_frames, new_frames, len } = *self;
        match frame.checked_sub(past_frames) {
            None => {
                past.part((channel * past_frames + frame) * len..(channel * past_frames + frame + 1) * len)
            }
            Some(frame) => Values::F32(&new[(channel * new_frames + frame) * len..][..len]),
        }
    }
}
