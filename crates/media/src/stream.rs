//! An MP4 that plays while it is written.

use std::{fmt, io::Write};

use serde_json::Value;

use crate::{ClipShape, Error, Format, Result, mp4::FragmentWriter, provenance};

/// An MP4 that grows by a fragment for each second: [`push`](Self::push) frames as they come, then
/// [`finish`](Self::finish). What has been written so far can be played at any time, and read by
/// [`read`](crate::read()), too if no more comes: a fragment that is not whole is left out.
///
/// The record of the making is at its beginning. The frames need not be counted beforehand.
pub struct StreamWriter<W> {
    out: W,
    shape: ClipShape,
    fragments: FragmentWriter,
    frames: usize,
}

impl<W: Write> StreamWriter<W> {
    /// Begins an MP4 of frames of this size, in pixels, and rate, in frames per second. Nothing is written before the
    /// first frames.
    ///
    /// # Errors
    /// A size or a rate that MP4 cannot hold (see [`Format::check`]), or a record longer than
    /// [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES).
    pub fn mp4(out: W, width: usize, height: usize, fps: f64, provenance: Option<&Value>) -> Result<Self> {
        let shape = ClipShape { width, height, num_frames: 1, fps };
        shape.check()?;
        Format::Mp4.check(width, height, fps)?;
        provenance.map_or(Ok(()), provenance::check)?;
        let fragments = FragmentWriter::new(shape, provenance.map(provenance::to_comment))?;
        Ok(Self { out, shape, fragments, frames: 0 })
    }

    /// The next frame: `[height, width, 3]`, sRGB values 0 to 255.
    ///
    /// # Errors
    /// A frame of another size, or an `out` that takes no more.
    pub fn push(&mut self, frame: &[u8]) -> Result<()> {
        self.shape.check_frame(frame)?;
        self.frames += 1;
        match self.fragments.push(frame)? {
            Some(fragment) => self.write(&fragment),
            None => Ok(()),
        }
    }

    /// Writes the last frames and gives back `out`. A writer that is dropped leaves them out.
    ///
    /// # Errors
    /// No frame at all, or an `out` that takes no more.
    pub fn finish(mut self) -> Result<W> {
        if self.frames == 0 {
            return Err(Error::InvalidClip {
                expected: "one frame or more".into(),
                found: "0 frames".into(),
            });
        }
        if self.fragments.has_waiting() {
            let fragment = self.fragments.flush()?;
            self.write(&fragment)?;
        }
        Ok(self.out)
    }

    /// At once, and through: somebody may be watching.
    fn write(&mut self, fragment: &[u8]) -> Result<()> {
        let written = self.out.write_all(fragment).and_then(|()| self.out.flush());
        written.map_err(|source| Error::Stream { source })
    }
}

impl<W> fmt::Debug for StreamWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { out: _, shape, fragments: _, frames } = self;
        f.debug_struct("StreamWriter").field("shape", shape).field("frames", frames).finish_non_exhaustive()
    }
}
