//! Frames to MP4, GIF and PNG, frames from these and what else people have, and the record of how a clip was made.
//!
//! ```text
//! .png .jpg .webp .gif .mp4 .mov ──────────────── read ──> Clip   upright, at a constant rate
//! .webm .mkv .avi, and .mp4 of other codecs ── ffmpeg ─┘
//!
//! Clip ── write ──> .mp4  H.264 (openh264) in boxes (mp4-atom), plays in browsers
//!      │        ──> .gif  one palette for the whole clip, ordered dither
//!      │        ──> .png  one frame as it is; more frames as a contact sheet
//!      └─ provenance (any JSON value) goes into the same file, in the format's own comment
//! ```
//!
//! A still is a [`Clip`] of one frame, so there is one type for pictures and video. A [`ClipWriter`]
//! takes frames one by one, for clips that need not be in memory; a [`StreamWriter`]
//! makes an MP4 that plays while it grows. [`Clip::fit`], [`Clip::part`] and [`Clip::resample`]
//! make a clip that was read what a model wants. Files appear whole or not at all, and the same clip
//! gives the same bytes on every run: no clock is read.
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
mod content;
mod error;
mod ffmpeg;
mod fit;
mod format;
mod gif;
mod h264;
mod jpeg;
mod mark;
mod mp4;
mod palette;
mod png;
mod provenance;
mod read;
mod schedule;
mod sps;
mod stream;
mod time;
mod upright;
mod webp;
mod writer;

use std::path::Path;

use serde_json::Value;

pub use clip::{Clip, ClipShape};
pub use contact_sheet::{SheetLayout, SheetRow, contact_sheet};
pub use error::{Error, Result};
pub use fit::{Fit, ParseFitError};
pub use format::Format;
pub use provenance::MAX_RECORD_BYTES;
pub use read::{MAX_FILE_BYTES, Summary, decode, inspect, read, read_fitted, read_provenance, summary};
pub use stream::StreamWriter;
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
