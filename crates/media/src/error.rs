//! What can go wrong, and what the user can do about it.

use std::path::{Path, PathBuf};

use crate::Format;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a clip could not be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name does not say which format to write.
    #[error("{}: cannot tell the format from this name; end it in one of {}", .path.display(), Format::extensions())]
    UnknownExtension {
        /// The path as given.
        path: PathBuf,
    },
    /// The name is that of a format that is read and not written.
    #[error("{}: {format} is read but not written; end the name in one of {}", .path.display(), Format::extensions())]
    OnlyRead {
        /// The path as given.
        path: PathBuf,
        /// The format that the name asks for.
        format: Format,
    },
    /// The file starts like none of the formats.
    #[error(
        "{}: the content is neither a picture (PNG, JPEG, WebP, GIF) nor a clip (MP4, MOV, WebM, MKV, AVI); \
         give a file in one of these formats",
        .path.display()
    )]
    UnknownContent {
        /// The path as given.
        path: PathBuf,
    },
    /// The file is a picture of a kind that nothing here reads.
    #[error("{}: found {found}, which is not read; save it as PNG or JPEG", .path.display())]
    UnknownPicture {
        /// The path as given.
        path: PathBuf,
        /// What the content is.
        found: &'static str,
    },
    /// The file is of a kind that is read through ffmpeg, which is not there.
    #[error(
        "{}: found {found}, which is read through ffmpeg; install ffmpeg, so that it is on the PATH, \
         or convert the file to an MP4 of H.264 (8 bits, 4:2:0)",
        .path.display()
    )]
    NeedsFfmpeg {
        /// The path as given.
        path: PathBuf,
        /// What the content is.
        found: String,
    },
    /// The bytes are of a kind that is read through ffmpeg, which reads files.
    #[error(
        "found {found}, which is read through ffmpeg, and that from a file only; write the bytes to a file first"
    )]
    NeedsFile {
        /// What the content is.
        found: String,
    },
    /// ffmpeg is there, and did not read the file.
    #[error("{}: found {found}, which ffmpeg could not read: {reason}", .path.display())]
    Ffmpeg {
        /// The path as given.
        path: PathBuf,
        /// What the content is.
        found: String,
        /// What ffmpeg said, or what it did.
        reason: String,
    },
    /// A file cannot be written or read.
    #[error(transparent)]
    File(#[from] disk::Error),
    /// What takes a stream takes no more of it.
    #[error("cannot write the stream: {source}; what came before can be played")]
    Stream {
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is damaged, or uses a part of its format that is not supported.
    #[error("{}: not a {format} that can be read: {reason}", .path.display())]
    Malformed {
        /// The path as given.
        path: PathBuf,
        /// The format that the first bytes announce.
        format: Format,
        /// Which rule is broken, and where.
        reason: String,
    },
    /// The numbers given do not describe a clip.
    #[error("not a clip: expected {expected}, found {found}")]
    InvalidClip {
        /// The rule.
        expected: String,
        /// What broke it.
        found: String,
    },
    /// The clip is fine, but this format cannot hold it.
    #[error("cannot write this clip as {format}: expected {expected}, found {found}; {advice}")]
    Unsupported {
        /// The format asked for.
        format: Format,
        /// The rule.
        expected: String,
        /// What broke it.
        found: String,
        /// A way out.
        advice: &'static str,
    },
    /// An encoder failed on a clip that the format can hold. This is a bug: please report it.
    #[error("the {format} encoder failed: {reason}; please report this")]
    Encoder {
        /// The format being written.
        format: Format,
        /// What the encoder said.
        reason: String,
    },
}

impl Error {
    /// For `map_err` on the errors of encoder libraries.
    pub(crate) fn encoder<E: std::fmt::Display>(format: Format) -> impl Fn(E) -> Self {
        move |error| Self::Encoder { format, reason: error.to_string() }
    }
}

/// Why bytes could not be parsed. Decoders work on bytes alone; the path is added by the caller.
#[derive(Debug)]
pub(crate) struct Malformed(pub String);

impl Malformed {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The error of the file at `path`.
    pub(crate) fn of(self, path: &Path, format: Format) -> Error {
        Error::Malformed { path: path.into(), format, reason: self.0 }
    }
}

/// Why a file is not read in this process.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No other program could read it either.
    Malformed(Malformed),
    /// It is whole as far as can be seen, of a kind that ffmpeg may know: what was found.
    Foreign(String),
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Any library's error becomes a reason, so that decoders can use `?` throughout.
impl<E: std::error::Error> From<E> for Malformed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
