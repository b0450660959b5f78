//! A part of a clip, and a clip at another rate.

use crate::{Clip, ClipShape, Error, Result};

impl Clip {
    /// What is shown from one time to another, in seconds from the beginning. A frame belongs to it if its middle does.
    ///
    /// # Errors
    /// Times that are not in order or not within the clip, or that have no frame's middle between them.
    pub fn part(&self, from: f64, to: f64) -> Result<Self> {
        // Times are written with few digits.
        const ROUNDING: f64 = 1e-3;
        if !(0.0 <= from && from < to && to <= self.seconds() + ROUNDING) {
            return Err(Error::InvalidClip {
                expected: format!("a part from 0 to {} seconds", self.seconds()),
                found: format!("from {from} to {to}"),
            });
        }
        let frame_at = |time: f64| ((time * self.fps()).round() as usize).min(self.num_frames());
        let (first, end) = (frame_at(from), frame_at(to));
        if first == end {
            return Err(Error::InvalidClip {
                expected: format!("a part of one frame or more, at {} frames per second", self.fps()),
                found: format!("from {from} to {to} seconds"),
            });
        }
        let frame_bytes = self.shape().frame_bytes();
        let frames = self.as_bytes()[first * frame_bytes..end * frame_bytes].to_vec();
        Self::new(self.width(), self.height(), self.fps(), frames)
    }

    /// The clip at another rate, in frames per second, and of the same length in time: each frame is the one that is
    /// shown at its middle. None is mixed of two.
    ///
    /// # Errors
    /// A rate outside [`Clip::FPS_RANGE`], or more than [`Clip::MAX_BYTES`] of frames.
    pub fn resample(&self, fps: f64) -> Result<Self> {
        ClipShape { fps, ..self.shape() }.check()?;
        let num_frames = ((self.seconds() * fps).round() as usize).max(1);
        let bytes = ClipShape::bytes(self.width(), self.height(), num_frames);
        let bytes = bytes.ok_or_else(|| Error::InvalidClip {
            expected: format!("at most {} bytes of frames", Self::MAX_BYTES),
            found: format!("{num_frames} frames of {}x{}", self.width(), self.height()),
        })?;
        let mut frames = Vec::with_capacity(bytes);
        let frame_bytes = self.shape().frame_bytes();
        for index in 0..num_frames {
            let shown = ((index as f64 + 0.5) * self.fps() / fps) as usize;
            let start = shown.min(self.num_frames() - 1) * frame_bytes;
            frames.extend_from_slice(&self.as_bytes()[start..start + frame_bytes]);
        }
        Self::new(self.width(), self.height(), fps, frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frame `i` is of the value `i`.
    fn clip(num_frames: u8, fps: f64) -> Clip {
        Clip::new(2, 1, fps, (0..num_frames).flat_map(|value| [value; 6]).collect()).unwrap()
    }

    fn values(clip: &Clip) -> Vec<u8> {
        clip.frames().map(|frame| frame[0]).collect()
    }

    #[test]
    fn a_part_has_the_frames_between_its_times() {
        let clip = clip(17, 8.0);
        assert_eq!(clip.part(0.0, clip.seconds()).unwrap(), clip);
        assert_eq!(values(&clip.part(0.0, 1.0).unwrap()), (0..8).collect::<Vec<_>>());
        assert_eq!(values(&clip.part(1.0, 2.125).unwrap()), (8..17).collect::<Vec<_>>());
        assert_eq!(values(&clip.part(0.3, 0.5).unwrap()), [2, 3]);
        assert_eq!(clip.part(2.0, 2.1252).unwrap().num_frames(), 1);
        for (from, to) in [(1.0, 1.0), (2.0, 1.0), (-0.1, 1.0), (0.0, 2.2), (0.0, f64::NAN), (0.51, 0.52)] {
            let message = clip.part(from, to).unwrap_err().to_string();
            assert!(message.contains("a part") && message.contains(&format!("from {from}")), "{message}");
        }
    }

    #[test]
    fn another_rate_keeps_the_time() {
        let clip = clip(12, 24.0);
        assert_eq!(clip.resample(24.0).unwrap(), clip);
        assert_eq!(values(&clip.resample(8.0).unwrap()), [1, 4, 7, 10]);
        assert_eq!(values(&clip.resample(48.0).unwrap()), (0..24).map(|index| index / 2).collect::<Vec<_>>());
        assert_eq!(values(&clip.resample(16.0).unwrap()), [0, 2, 3, 5, 6, 8, 9, 11]);
        assert_eq!(clip.resample(0.01).unwrap().num_frames(), 1);
        for fps in [0.0, f64::NAN, 1001.0] {
            assert!(clip.resample(fps).is_err());
        }
        // A second for each frame of 48 MB.
        let slow = Clip::new(4000, 4000, 0.01, vec![0; 48_000_000]).unwrap();
        assert!(slow.resample(30.0).unwrap_err().to_string().contains("at most"));
    }
}
