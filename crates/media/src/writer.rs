//! Clips that are written as their frames come.

use std::path::Path;

use serde_json::Value;

use disk::{AtomicFile, Spool};

use crate::{ClipShape, Error, Format, Result, contact_sheet, gif, mp4, png, provenance};

/// A file in the making: [`push`](Self::push) every frame, then [`finish`](Self::finish).
///
/// Memory does not grow with the number of frames: what has been made so far waits in a nameless temporary file
/// beside the result (coded pictures for MP4, pixels for GIF, whose palette depends on all of them; a contact sheet
/// keeps its own frames). Dropped before the end, or in a program that is killed, it leaves nothing behind.
pub struct ClipWriter {
    file: AtomicFile,
    shape: ClipShape,
    pushed: usize,
    encoder: Box<dyn Encode + Send>,
}

/// One format's way from frames to a file.
pub(crate) trait Encode {
    /// The next frame, `[height, width, 3]`.
    fn push(&mut self, frame: &[u8]) -> Result<()>;

    /// Writes the file.
    fn finish(self: Box<Self>, file: &mut AtomicFile) -> Result<()>;
}

impl ClipWriter {
    /// Begins the file at `path`, in the format that its extension names, with `provenance` inside.
    ///
    /// # Errors
    /// An unknown extension, a clip that the format cannot hold (see [`Format::check`]) or a place that takes no
    /// files.
    pub fn create(path: &Path, shape: ClipShape, provenance: Option<&Value>) -> Result<Self> {
        let format = Format::from_path(path)?;
        shape.check()?;
        format.check(shape.width, shape.height, shape.fps)?;
        provenance.map_or(Ok(()), provenance::check)?;
        // Now, so that the place cannot refuse it at the end.
        let file = AtomicFile::create(path)?;
        let encoder: Box<dyn Encode + Send> = match format {
            Format::Mp4 => Box::new(mp4::Writer::new(shape, provenance, Spool::beside(path)?)?),
            Format::Gif => Box::new(gif::Writer::new(shape, provenance, Spool::beside(path)?)),
            Format::Png => Box::new(contact_sheet::Writer::new(shape, provenance)),
            Format::Jpeg | Format::WebP | Format::Other(_) => {
                return Err(Error::OnlyRead { path: path.into(), format });
            }
        };
        Ok(Self { file, shape, pushed: 0, encoder })
    }

    /// The next frame: `[height, width, 3]`, sRGB values 0 to 255.
    ///
    /// # Errors
    /// A frame of another size, one more than the clip has, or a full disk.
    pub fn push(&mut self, frame: &[u8]) -> Result<()> {
        self.shape.check_frame(frame)?;
        self.pushed += 1;
        if self.pushed > self.shape.num_frames {
            return Err(self.another_number());
        }
        self.encoder.push(frame)
    }

    /// Puts the file in its place, in one step: a failure leaves what was there.
    ///
    /// # Errors
    /// Fewer frames than the clip has, or a full disk.
    pub fn finish(self) -> Result<()> {
        if self.pushed != self.shape.num_frames {
            return Err(self.another_number());
        }
        let Self { mut file, encoder, .. } = self;
        encoder.finish(&mut file)?;
        Ok(file.commit()?)
    }

    fn another_number(&self) -> Error {
        let expected = format!("{} frames, as announced", self.shape.num_frames);
        Error::InvalidClip { expected, found: format!("{} frames", self.pushed) }
    }
}

impl std::fmt::Debug for ClipWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, shape, pushed, encoder: _ } = self;
        let mut f = f.debug_struct("ClipWriter");
        f.field("file", file).field("shape", shape).field("pushed", pushed).finish_non_exhaustive()
    }
}

// A PNG is one picture: the only frame, or a contact sheet.
impl Encode for contact_sheet::Writer {
    fn push(&mut self, frame: &[u8]) -> Result<()> {
        self.keep(frame);
        Ok(())
    }

    fn finish(self: Box<Self>, file: &mut AtomicFile) -> Result<()> {
        let (picture, provenance) = self.draw()?;
        Ok(file.append(&png::encode(&picture, provenance.as_ref())?)?)
    }
}
