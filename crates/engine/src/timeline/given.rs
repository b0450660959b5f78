//! The pictures of what is known, in the video's size.

use media::Clip;

use super::{Frame, Known, Layout};
use crate::{Result, Size};

/// What a request knows, read and fitted.
#[derive(Debug)]
pub(crate) struct Given(Vec<Clip>);

impl Given {
    /// # Errors
    /// A file that cannot be read.
    pub fn read(known: &[Known], size: Size) -> Result<Self> {
        let read = |known: &Known| Ok(media::read(&known.file)?.fit(size.width, size.height, known.fit)?);
        known.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// A frame of the video that is known, `[height, width, 3]`, 0 to 1; none if it is not.
    pub fn frame(&self, layout: &Layout, frame: usize) -> Option<Vec<f32>> {
        match layout.frame(frame as isize)? {
            Frame::Known { index, source } => self.0[index]
                .frame(source)
                .map(|frame| frame.iter().map(|&byte| f32::from(byte) / 255.0).collect()),
            Frame::Anew | Frame::Again(_) => None,
        }
    }
}
