//! The pictures of what is known, in the video's size.

use media::Clip;

use super::{Frame, Known, Layout, motion::Motion};
use crate::{Result, Size};

/// What a request knows, read and fitted.
#[derive(Debug)]
pub(crate) struct Given(Vec<Pictures>);

#[derive(Debug)]
struct Pictures {
    clip: Clip,
    /// Of a clip of which nothing else counts.
    motion: Option<Motion>,
}

impl Given {
    /// # Errors
    /// A file that cannot be read.
    pub fn read(known: &[Known], size: Size) -> Result<Self> {
        let read = |known: &Known| {
            let clip = known.read(size)?;
            let motion = known.motion_only.then(|| Motion::of(&clip));
            let clip = if known.motion_only { Motion::in_grey(&clip)? } else { clip };
            Ok(Pictures { clip, motion })
        };
        known.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Of a frame of which only the motion counts, whether something moves in each square of `side` pixels, by row and column;
    /// none of others.
    pub fn moving(&self, layout: &Layout, frame: usize, side: usize) -> Option<Vec<bool>> {
        match layout.frame(frame as isize)? {
            Frame::Known { index, source } => Some(self.0[index].motion.as_ref()?.squares(source, side)),
            Frame::Anew | Frame::Again(_) => None,
        }
    }

    /// A frame of the video that is known, `[height, width, 3]`, 0 to 1; none if it is not.
    pub fn frame(&self, layout: &Layout, frame: usize) -> Option<Vec<f32>> {
        match layout.frame(frame as isize)? {
            Frame::Known { index, source } => self.0[index]
                .clip
                .frame(source)
                .map(|frame| frame.iter().map(|&byte| f32::from(byte) / 255.0).collect()),
            Frame::Anew | Frame::Again(_) => None,
        }
    }
}
