//! Files that credentials are in.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use media::Format;

use crate::{Error, Result};

/// The kinds of files, for messages.
const KINDS: &str = "an MP4, PNG, JPEG, WebP or GIF";

/// Bytes of the longest file that is looked at.
const MAX_FILE_BYTES: u64 = media::MAX_FILE_BYTES;

/// A file that may hold credentials, and its media type.
pub fn open(path: &Path) -> Result<(File, &'static str)> {
    let mut file = disk::open(path)?;
    let unreadable = disk::unreadable(path);
    if file.metadata().map_err(&unreadable)?.len() > MAX_FILE_BYTES {
        return Err(disk::Error::TooLarge { path: path.into(), most: MAX_FILE_BYTES }.into());
    }
    let start = start(&mut file).map_err(&unreadable)?;
    let media_type = media_type(&start);
    Ok((file, media_type.ok_or_else(|| Error::UnknownContent { path: path.into(), expected: KINDS })?))
}

/// What a file begins with; it is read from its first byte on afterwards.
fn start(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(16).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start)
}

fn media_type(start: &[u8]) -> Option<&'static str> {
    Some(match Format::of_content(start)? {
        Format::Mp4 => "video/mp4",
        Format::Png => PNG,
        Format::Jpeg => "image/jpeg",
        Format::WebP => "image/webp",
        Format::Gif => "image/gif",
        Format::Other(_) => return None,
    })
}

/// The media type of the one kind with checksums of its own.
pub const PNG: &str = "image/png";
