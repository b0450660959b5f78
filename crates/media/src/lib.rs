//! Frames to and from MP4, GIF and PNG, and the record of how a clip was made.
//!
//! ```text
//! Clip ── write ──> .mp4  H.264 (openh264) in boxes (mp4-atom), plays in browsers
//!      │        ──> .gif  one palette for the whole clip, ordered dither
//!      │        ──> .png  one frame as it is; more frames as a contact sheet
//!      └─ provenance (any JSON value) goes into the same file, in the format's own comment
//! ```
//!
//! A still is a [`Clip`] of one frame, so there is one type for pictures and video. A [`ClipWriter`]
//! takes frames one by one, for clips that need not be in memory. Files appear whole or not at all, and the same clip gives the same bytes on every run: no clock is read.
//!
//! ```
//! # fn main() -> media::Result<()> {
//! let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("grey.mp4");
//! media::check_writable(&path)?; // before hours of work, not after
//! let clip = media::Clip::new(64, 48, 8.0, vec![128; 5 * 48 * 64 * 3])?;
//! media::write(&clip, &path, Some(&serde_json::json!({ "prompt": "fog" })))?;
//! assert_eq!(media::read(&path)?.num_frames(), 5);
//! assert_eq!(media::read_provenance(&path)?.unwrap()["prompt"], "fog");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod caption;
mod clip;
mod colour;
mod contact_sheet;
mod error;
mod format;
mod gif;
mod h264;
mod mp4;
mod palette;
mod png;
mod provenance;
mod sps;
mod writer;

use std::{
    io::{BufRead, BufReader, Cursor, Read, Seek},
    path::Path,
};

use serde_json::Value;

pub use clip::{Clip, ClipShape};
pub use contact_sheet::{SheetLayout, SheetRow, contact_sheet};
pub use error::{Error, Result};
pub use format::Format;
pub use provenance::MAX_RECORD_BYTES;
pub use writer::ClipWriter;

/// Writes `clip` in the format that the extension of `path` names (`.mp4`, `.gif` or `.png`), with
/// `provenance` inside the file. The file is replaced in one step: a failure leaves what was there.
///
/// A `.png` of one frame is that frame, exactly; of more frames it is a contact sheet of them.
///
/// # Errors
/// An unknown extension, a clip that the format cannot hold (see [`Format::check`]) or a path that
/// cannot be written.
pub fn write(clip: &Clip, path: &Path, provenance: Option<&Value>) -> Result<()> {
    let mut writer = ClipWriter::create(path, clip.shape(), provenance)?;
    for frame in clip.frames() {
        writer.push(frame)?;
    }
    writer.finish()
}

/// The largest file that is read whole: no clip that can be in memory makes a larger one. Of a longer MP4 there is
/// still a [`summary`].
pub const MAX_FILE_BYTES: u64 = Clip::MAX_BYTES as u64;

/// Reads every frame of an MP4 (H.264, 4:2:0), GIF or PNG; the content decides, not the name.
///
/// # Errors
/// A file that cannot be opened (a pipe or a device, too), is none of the three, is damaged, is larger than
/// [`MAX_FILE_BYTES`] or needs more memory than [`Clip::MAX_BYTES`].
pub fn read(path: &Path) -> Result<Clip> {
    let mut file = disk::open(path)?;
    // What starts like none of the formats is not read to its end.
    sniff(&mut file, path)?;
    let bytes = disk::read_within(file, path, MAX_FILE_BYTES)?;
    decode_from(&bytes, path)
}

/// [`read`] of a file's bytes.
///
/// # Errors
/// As for [`read`].
pub fn decode(bytes: &[u8]) -> Result<Clip> {
    decode_from(bytes, Path::new(IN_MEMORY))
}

/// What a file holds, as far as can be told without decoding its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// What the content is, whatever the name.
    pub format: Format,
    /// As [`read`] would give it, except that a longer clip than fits memory has a summary too.
    pub shape: ClipShape,
    /// The value that [`write()`] stored in the file; `None` for any other program's.
    pub provenance: Option<Value>,
}

/// Reads what a file holds by what it says around its pictures, which takes no longer for a long MP4 than for a
/// short one.
///
/// # Errors
/// As for [`read`], but for damage within the pictures; an MP4 may be of any size.
pub fn summary(path: &Path) -> Result<Summary> {
    let mut file = disk::open(path)?;
    let len = file.metadata().map_err(disk::unreadable(path))?.len();
    // The index of an MP4 says where all is, the other formats must be gone through.
    if sniff(&mut file, path)? != Format::Mp4 && len > MAX_FILE_BYTES {
        return Err(disk::Error::TooLarge { path: path.into(), most: MAX_FILE_BYTES }.into());
    }
    summarise(&mut BufReader::new(file), path)
}

/// [`summary`] of a file's bytes.
///
/// # Errors
/// As for [`summary`].
pub fn inspect(bytes: &[u8]) -> Result<Summary> {
    summarise(&mut Cursor::new(bytes), Path::new(IN_MEMORY))
}

/// The [`provenance`](Summary::provenance) of a file.
///
/// # Errors
/// As for [`summary`].
pub fn read_provenance(path: &Path) -> Result<Option<Value>> {
    Ok(summary(path)?.provenance)
}

/// Whether a later [`write()`] to `path` can succeed: the extension is known, the folder exists and
/// takes new files, and `path` is not itself a folder. Ask before the work, not after it.
///
/// # Errors
/// What stands in the way.
pub fn check_writable(path: &Path) -> Result<Format> {
    let format = Format::from_path(path)?;
    disk::check_folder_writable(path)?;
    Ok(format)
}

/// Stands for the path in errors about bytes.
const IN_MEMORY: &str = "these bytes";

fn decode_from(bytes: &[u8], path: &Path) -> Result<Clip> {
    let format = sniff(&mut Cursor::new(bytes), path)?;
    let clip = match format {
        Format::Mp4 => mp4::decode(bytes),
        Format::Gif => gif::decode(bytes),
        Format::Png => png::decode(bytes),
    };
    clip.map_err(|reason| reason.of(path, format))
}

fn summarise(file: &mut (impl BufRead + Seek), path: &Path) -> Result<Summary> {
    let format = sniff(file, path)?;
    let found = match format {
        Format::Mp4 => mp4::summary(file),
        Format::Gif => gif::summary(file),
        Format::Png => png::summary(file),
    };
    let found = found.and_then(|(shape, provenance)| {
        shape.check()?;
        Ok(Summary { format, shape, provenance })
    });
    found.map_err(|reason| reason.of(path, format))
}

/// The format that the first bytes announce; the next ones to be read are these again.
fn sniff(file: &mut (impl Read + Seek), path: &Path) -> Result<Format> {
    let mut start = Vec::new();
    file.take(Format::SNIFFED_BYTES).read_to_end(&mut start).map_err(disk::unreadable(path))?;
    file.rewind().map_err(disk::unreadable(path))?;
    Format::sniff(&start).ok_or_else(|| Error::UnknownContent { path: path.into() })
}
