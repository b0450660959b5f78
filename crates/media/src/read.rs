//! Clips out of files: which format a file has, and what it holds.

use std::{
    io::{BufRead, BufReader, Cursor, Read, Seek},
    path::Path,
};

use serde_json::Value;

use crate::{
    Clip, ClipShape, Error, Format, Result,
    content::{self, Container, Content, Sniffed},
    error::{Malformed, Refusal},
    ffmpeg::{self, Source},
    fit::{Fit, Wanted},
    gif, jpeg, mp4, png,
    schedule::Schedule,
    webp,
};

/// The largest file that is read whole: no clip that can be in memory makes a larger one. Of a longer MP4 there is
/// still a [`summary`].
pub const MAX_FILE_BYTES: u64 = Clip::MAX_BYTES as u64;

/// Reads every frame of a picture (PNG, JPEG, WebP) or a clip (GIF, animated WebP, MP4 or MOV of H.264); the content
/// decides, not the name. Frames are upright, in the order of display, and transparency is on black. Times that vary
/// become a constant rate, which [`Summary::rate_varies`] tells.
///
/// Other codecs in MP4 and MOV, and other containers (WebM, MKV, AVI and more), are read through `ffmpeg` if it is on the
/// PATH.
///
/// # Errors
/// A file that cannot be opened (a pipe or a device, too), is none of these, is damaged, is larger than
/// [`MAX_FILE_BYTES`] or needs more memory than [`Clip::MAX_BYTES`].
pub fn read(path: &Path) -> Result<Clip> {
    read_with(path, Path::new(ffmpeg::PROGRAM), None)
}

/// [`read`] at another size, as [`Clip::fit`] would give it. Of MP4 and of what is read through ffmpeg each frame is brought to
/// it as it comes: a long clip of large frames needs the memory of small ones.
///
/// # Errors
/// As for [`read`] and [`Clip::fit`].
pub fn read_fitted(path: &Path, width: usize, height: usize, fit: Fit) -> Result<Clip> {
    ClipShape { width, height, num_frames: 1, fps: 1.0 }.check()?;
    read_with(path, Path::new(ffmpeg::PROGRAM), Some(Wanted { size: (width, height), fit }))
}

/// [`read`], or [`read_fitted`], with another ffmpeg.
pub(crate) fn read_with(path: &Path, ffmpeg: &Path, wanted: Option<Wanted>) -> Result<Clip> {
    let mut file = disk::open(path)?;
    // What starts like none of the formats is not read to its end.
    let start = start_of(&mut file, path)?;
    let format = match content(&start, path)? {
        Content::Container(container) => {
            return source(path, ffmpeg, container, found(container, &start)).read(wanted);
        }
        Content::Own(format) => format,
    };
    let bytes = disk::read_within(file, path, MAX_FILE_BYTES)?;
    match decode_as(format, &bytes, wanted) {
        Ok(clip) => Ok(clip),
        Err(Refusal::Malformed(malformed)) => Err(malformed.of(path, format)),
        Err(Refusal::Foreign(found)) => source(path, ffmpeg, content::MP4, found).read(wanted),
    }
}

/// [`read`] of a file's bytes, but for what is read through ffmpeg.
///
/// # Errors
/// As for [`read`].
pub fn decode(bytes: &[u8]) -> Result<Clip> {
    let format = own_format(bytes)?;
    decode_as(format, bytes, None).map_err(|refusal| in_memory(refusal, format))
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
    /// Whether the file is cut short and the clip is what is left: an MP4 that was written in fragments,
    /// within one of them, or another container, as ffmpeg tells. Any other file that is cut short is refused.
    pub is_cut_short: bool,
    /// The value that [`write()`](crate::write()) stored in the file; `None` for any other program's.
    pub provenance: Option<Value>,
}

/// Reads what a file holds by what it says around its pictures, which takes no longer for a long MP4 than for a
/// short one. Of what is read through ffmpeg it takes decoding.
///
/// # Errors
/// As for [`read`], but for damage within the pictures; an MP4 may be of any size.
pub fn summary(path: &Path) -> Result<Summary> {
    summary_with(path, Path::new(ffmpeg::PROGRAM))
}

/// [`summary`] with another ffmpeg.
pub(crate) fn summary_with(path: &Path, ffmpeg: &Path) -> Result<Summary> {
    let mut file = disk::open(path)?;
    let len = file.metadata().map_err(disk::unreadable(path))?.len();
    let start = start_of(&mut file, path)?;
    let format = match content(&start, path)? {
        Content::Container(container) => {
            let contents = source(path, ffmpeg, container, found(container, &start)).summary()?;
            return Ok(contents.of(Format::Other(container.name)));
        }
        Content::Own(format) => format,
    };
    // The index of an MP4 says where all is, the other formats must be gone through.
    if format != Format::Mp4 && len > MAX_FILE_BYTES {
        return Err(disk::Error::TooLarge { path: path.into(), most: MAX_FILE_BYTES }.into());
    }
    match summarise(format, &mut BufReader::new(file)) {
        Ok(contents) => Ok(contents.of(format)),
        Err(Refusal::Malformed(malformed)) => Err(malformed.of(path, format)),
        Err(Refusal::Foreign(found)) => Ok(source(path, ffmpeg, content::MP4, found).summary()?.of(format)),
    }
}

/// [`summary`] of a file's bytes, but for what is read through ffmpeg.
///
/// # Errors
/// As for [`summary`].
pub fn inspect(bytes: &[u8]) -> Result<Summary> {
    let format = own_format(bytes)?;
    match summarise(format, &mut Cursor::new(bytes)) {
        Ok(contents) => Ok(contents.of(format)),
        Err(refusal) => Err(in_memory(refusal, format)),
    }
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

fn decode_as(format: Format, bytes: &[u8], wanted: Option<Wanted>) -> std::result::Result<Clip, Refusal> {
    let clip = match format {
        Format::Mp4 => return mp4::decode(bytes, wanted),
        Format::Gif => gif::decode(bytes)?,
        Format::Png => png::decode(bytes)?,
        Format::Jpeg => jpeg::decode(bytes)?,
        Format::WebP => webp::decode(bytes)?,
        Format::Other(name) => return Err(Refusal::Foreign(name.into())),
    };
    let Some(Wanted { size: (width, height), fit }) = wanted else { return Ok(clip) };
    Ok(clip.fit(width, height, fit).map_err(Malformed::from)?)
}

fn summarise(format: Format, file: &mut (impl BufRead + Seek)) -> std::result::Result<Contents, Refusal> {
    let whole = |file: &mut dyn Read| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map(|_| bytes).map_err(Malformed::from)
    };
    let contents = match format {
        Format::Mp4 => mp4::summary(file)?,
        Format::Gif => gif::summary(file)?,
        Format::Png => png::summary(file)?,
        Format::Jpeg => jpeg::summary(&whole(file)?)?,
        Format::WebP => webp::summary(&whole(file)?)?,
        Format::Other(name) => return Err(Refusal::Foreign(name.into())),
    };
    contents.shape.check().map_err(Malformed::from)?;
    Ok(contents)
}

/// The first bytes of a file; the next ones to be read are these again.
fn start_of(file: &mut (impl Read + Seek), path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(content::SNIFFED_BYTES).read_to_end(&mut start).map_err(disk::unreadable(path))?;
    file.rewind().map_err(disk::unreadable(path))?;
    Ok(start)
}

fn content(start: &[u8], path: &Path) -> Result<Content> {
    match content::sniff(start) {
        Some(Sniffed::Known(content)) => Ok(content),
        Some(Sniffed::Picture(found)) => Err(Error::UnknownPicture { path: path.into(), found }),
        None => Err(Error::UnknownContent { path: path.into() }),
    }
}

/// The format of bytes that are read here.
fn own_format(bytes: &[u8]) -> Result<Format> {
    match content(bytes, Path::new(IN_MEMORY))? {
        Content::Own(format) => Ok(format),
        Content::Container(container) => Err(Error::NeedsFile { found: found(container, bytes) }),
    }
}

/// For errors: the container, and what can be seen of its codec.
fn found(container: Container, start: &[u8]) -> String {
    match content::codec(container, start) {
        Some(codec) => format!("{} ({codec})", container.name),
        None => container.name.into(),
    }
}

fn source<'a>(path: &'a Path, program: &'a Path, container: Container, found: String) -> Source<'a> {
    Source { program, path, demuxer: container.demuxer, found }
}

fn in_memory(refusal: Refusal, format: Format) -> Error {
    match refusal {
        Refusal::Malformed(malformed) => malformed.of(Path::new(IN_MEMORY), format),
        Refusal::Foreign(found) => Error::NeedsFile { found },
    }
}
