//! Frames in memory.

use crate::{Error, Result};

/// How large and long a clip is, and how fast it plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipShape {
    /// Pixels in a row, at least 1.
    pub width: usize,
    /// Rows of pixels, at least 1.
    pub height: usize,
    /// Frames, at least 1.
    pub num_frames: usize,
    /// Frames per second, within [`Clip::FPS_RANGE`]. A still has a rate too, which nothing shows.
    pub fps: f64,
}

impl ClipShape {
    /// The bytes of so many frames of this size, if that is no more than a clip may have ([`Clip::MAX_BYTES`]).
    pub fn bytes(width: usize, height: usize, num_frames: usize) -> Option<usize> {
        let bytes = [width, height, 3].iter().try_fold(num_frames, |bytes, &side| bytes.checked_mul(side));
        bytes.filter(|&bytes| bytes <= Clip::MAX_BYTES)
    }

    /// Fails unless a clip can be so.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { width, height, num_frames, fps } = *self;
        let invalid = |expected: String, found: String| Err(Error::InvalidClip { expected, found });
        if width == 0 || height == 0 {
            return invalid("a width and a height of at least 1".into(), format!("{width}x{height}"));
        }
        if !Clip::FPS_RANGE.contains(&fps) {
            let (slowest, fastest) = (Clip::FPS_RANGE.start(), Clip::FPS_RANGE.end());
            return invalid(format!("{slowest} to {fastest} frames per second"), format!("{fps}"));
        }
        match width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3)) {
            Some(_) if num_frames > 0 => Ok(()),
            _ => invalid(
                format!("one or more whole frames of {width}x{height}x3 bytes"),
                format!("{num_frames} frames"),
            ),
        }
    }

    /// Fails unless `frame` is `[height, width, 3]`, of a shape that was checked.
    pub(crate) fn check_frame(&self, frame: &[u8]) -> Result<()> {
        let Self { width, height, .. } = *self;
        if frame.len() == self.frame_bytes() {
            return Ok(());
        }
        Err(Error::InvalidClip {
            expected: format!("a frame of {width}x{height}x3 bytes"),
            found: format!("{} bytes", frame.len()),
        })
    }

    /// Bytes of a frame of a shape that was checked.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.width * self.height * 3
    }

    /// The indices of `count` frames at even distances in time, the first and the last among them (only the first if
    /// `count` is 1; every frame if there are no more than `count`).
    pub(crate) fn evenly_spaced(&self, count: usize) -> impl Iterator<Item = usize> {
        let last = self.num_frames - 1;
        let count = count.min(self.num_frames);
        let steps = count.saturating_sub(1).max(1);
        (0..count).map(move |i| (2 * i * last + steps) / (2 * steps))
    }
}

/// Video as 8-bit RGB frames at a constant rate. A still is a clip of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    shape: ClipShape,
    frames: Vec<u8>,
}

impl Clip {
    /// The most memory that a clip may take, 4 GiB: a bound that keeps a few forged bytes in a file
    /// from claiming all of the machine's memory.
    pub const MAX_BYTES: usize = 1 << 32;

    /// The slowest and the fastest rate, in frames per second, that every format's clock can count.
    pub const FPS_RANGE: std::ops::RangeInclusive<f64> = 0.01..=1000.0;

    /// `frames`: `[num_frames, height, width, 3]`, sRGB values 0 to 255; `fps`: frames per second.
    ///
    /// # Errors
    /// A side of 0, no frame, a length that is no whole number of frames, more than
    /// [`Clip::MAX_BYTES`], or a rate outside [`Clip::FPS_RANGE`].
    pub fn new(width: usize, height: usize, fps: f64, frames: Vec<u8>) -> Result<Self> {
        let invalid = |expected: String, found: String| Err(Error::InvalidClip { expected, found });
        let one = ClipShape { width, height, num_frames: 1, fps };
        one.check()?;
        if frames.len() > Self::MAX_BYTES {
            let found = format!("{} bytes", frames.len());
            return invalid(format!("at most {} bytes of frames", Self::MAX_BYTES), found);
        }
        let num_frames = frames.len() / one.frame_bytes();
        if num_frames == 0 || !frames.len().is_multiple_of(one.frame_bytes()) {
            return invalid(
                format!("one or more whole frames of {width}x{height}x3 bytes"),
                format!("{} bytes", frames.len()),
            );
        }
        Ok(Self { shape: ClipShape { num_frames, ..one }, frames })
    }

    /// One picture: `pixels` is `[height, width, 3]`.
    ///
    /// # Errors
    /// As for [`Clip::new`], and more than one frame's worth of pixels.
    pub fn still(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self> {
        let clip = Self::new(width, height, 1.0, pixels)?;
        if clip.num_frames() != 1 {
            let found = format!("{} frames", clip.num_frames());
            return Err(Error::InvalidClip { expected: "one frame".into(), found });
        }
        Ok(clip)
    }

    /// Size, length and rate.
    pub fn shape(&self) -> ClipShape {
        self.shape
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.shape.width
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.shape.height
    }

    /// Frames per second. A still has a rate too, which nothing shows.
    pub fn fps(&self) -> f64 {
        self.shape.fps
    }

    /// At least 1.
    pub fn num_frames(&self) -> usize {
        self.shape.num_frames
    }

    /// How long the clip plays, in seconds; the last frame counts as long as each other one.
    pub fn seconds(&self) -> f64 {
        self.num_frames() as f64 / self.fps()
    }

    /// All pixels, `[num_frames, height, width, 3]`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.frames
    }

    /// All pixels, `[num_frames, height, width, 3]`, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.frames
    }

    /// The frames in order, each `[height, width, 3]`.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.frames.chunks_exact(self.shape.frame_bytes())
    }

    /// [`frames`](Self::frames) to be changed.
    pub(crate) fn frames_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        let bytes = self.shape.frame_bytes();
        self.frames.chunks_exact_mut(bytes)
    }

    /// Frame `index`, `[height, width, 3]`; `None` past the end.
    pub fn frame(&self, index: usize) -> Option<&[u8]> {
        self.frames.chunks_exact(self.shape.frame_bytes()).nth(index)
    }

    /// `count` frames at even distances in time, the first and the last among them (only the first
    /// if `count` is 1; every frame if there are no more than `count`).
    pub fn evenly_spaced(&self, count: usize) -> Vec<&[u8]> {
        self.shape.evenly_spaced(count).filter_map(|index| self.frame(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_is_checked() {
        assert!(Clip::new(2, 2, 8.0, vec![0; 24]).is_ok());
        for (width, height, fps, bytes) in [
            (0, 2, 8.0, 12),
            (2, 0, 8.0, 12),
            (2, 2, 8.0, 0),
            (2, 2, 8.0, 13),
            (2, 2, 0.0, 12),
            (2, 2, -8.0, 12),
            (2, 2, f64::NAN, 12),
            (2, 2, f64::INFINITY, 12),
            (usize::MAX, usize::MAX, 8.0, 12),
        ] {
            let message = Clip::new(width, height, fps, vec![0; bytes]).unwrap_err().to_string();
            assert!(message.contains("expected") && message.contains("found"), "{message}");
        }
        assert!(Clip::still(2, 2, vec![0; 24]).is_err());
    }

    #[test]
    fn evenly_spaced_frames_reach_both_ends() {
        let clip = Clip::new(1, 1, 8.0, (0..17).flat_map(|i| [i, i, i]).collect()).unwrap();
        let picked = |count| clip.evenly_spaced(count).iter().map(|frame| frame[0]).collect::<Vec<_>>();
        assert_eq!(picked(1), [0]);
        assert_eq!(picked(2), [0, 16]);
        assert_eq!(picked(5), [0, 4, 8, 12, 16]);
        assert_eq!(picked(4), [0, 5, 11, 16]);
        assert_eq!(picked(99), (0..17).collect::<Vec<_>>());
        assert!(picked(0).is_empty());
    }
}
