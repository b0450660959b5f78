//! Clips out of files: which format a file has, and what it holds.

use std::{
    io::{BufRead, BufReader, Cursor, Read, Seek},
    path::Path,
};

use serde_json::Value;

use crate::{
    Clip, ClipShape, Error, Format, Result,
    error::{Malformed, Refusal},
    gif, mp4, png,
    schedule::Schedule,
};

/// The largest file that is read whole: no clip that can be in memory makes a larger one. Of a longer MP4 there is
/// still a [`summary`].
pub const MAX_FILE_BYTES: u64 = Clip::MAX_BYTES as u64;

/// Reads every frame of an MP4 or MOV (H.264, 4:2:0), GIF or PNG; the content decides, not the name. Frames are upright
/// and in the order of display. Times that vary become a constant rate, which [`Summary::rate_varies`] tells.
///
/// # Errors
/// A file that cannot be opened (a pipe or a device, too), is none of these, is damaged, is larger than
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
    /// Whether the file's frames are not all of one length, so that [`read`] repeats or drops some to give a clip of
    /// the usual rate.
    pub rate_varies: bool,
    /// Whether the file, an MP4 that was written in fragments, ends within one: the clip is what came before it.
    pub is_cut_short: bool,
    /// The value that [`write()`](crate::write()) stored in the file; `None` for any other program's.
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

/// Stands for the path in errors about bytes.
const IN_MEMORY: &str = "these bytes";

/// What a format's reader tells of a file.
pub(crate) struct Contents {
    pub shape: ClipShape,
    pub rate_varies: bool,
    pub is_cut_short: bool,
    pub provenance: Option<Value>,
}

impl Contents {
    /// Of frames of this size.
    pub fn new(schedule: &Schedule, (width, height): (usize, usize)) -> Self {
        let shape = schedule.shape(width, height);
        Self { shape, rate_varies: schedule.rate_varies, is_cut_short: false, provenance: None }
    }

    fn of(self, format: Format) -> Summary {
        let Self { shape, rate_varies, is_cut_short, provenance } = self;
        Summary { format, shape, rate_varies, is_cut_short, provenance }
    }

    /// Of one picture.
    pub fn still(size: (usize, usize)) -> Self {
        Self::new(&Schedule::steady(1, 1.0), size)
    }
}

fn decode_from(bytes: &[u8], path: &Path) -> Result<Clip> {
    let format = sniff(&mut Cursor::new(bytes), path)?;
    let clip = match format {
        Format::Mp4 => mp4::decode(bytes),
        Format::Gif => gif::decode(bytes).map_err(Refusal::from),
        Format::Png => png::decode(bytes).map_err(Refusal::from),
    };
    clip.map_err(|refusal| refused(refusal, path, format))
}

fn summarise(file: &mut (impl BufRead + Seek), path: &Path) -> Result<Summary> {
    let format = sniff(file, path)?;
    let contents = match format {
        Format::Mp4 => mp4::summary(file),
        Format::Gif => gif::summary(file).map_err(Refusal::from),
        Format::Png => png::summary(file).map_err(Refusal::from),
    };
    let contents = contents.map_err(|refusal| refused(refusal, path, format))?;
    contents.shape.check().map_err(|error| Malformed::from(error).of(path, format))?;
    Ok(contents.of(format))
}

fn refused(refusal: Refusal, path: &Path, format: Format) -> Error {
    match refusal {
        Refusal::Malformed(malformed) => malformed.of(path, format),
        Refusal::Foreign(found) => {
            Malformed::new(format!("found {found}; convert it with another tool first")).of(path, format)
        }
    }
}

/// The format that the first bytes announce; the next ones to be read are these again.
fn sniff(file: &mut (impl Read + Seek), path: &Path) -> Result<Format> {
    let mut start = Vec::new();
    file.take(Format::SNIFFED_BYTES).read_to_end(&mut start).map_err(disk::unreadable(path))?;
    file.rewind().map_err(disk::unreadable(path))?;
    Format::sniff(&start).ok_or_else(|| Error::UnknownContent { path: path.into() })
}
