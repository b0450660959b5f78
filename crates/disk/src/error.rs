//! What can go wrong with a file, and what the user can do about it.

use std::{io, path::PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be created where it was asked for.
    #[error("cannot write {}: {source}; {}", .path.display(), advice(source))]
    Unwritable {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is finished but its place refuses it, which it did not before the work.
    #[error("cannot put the finished file at {}: {source}; it is kept as {}", .path.display(), .kept.display())]
    Misplaced {
        /// The path as given.
        path: PathBuf,
        /// Where the file is instead.
        kept: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is larger than anything that is read from such a file.
    #[error("{}: larger than {most} bytes, the most that is read of such a file", .path.display())]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// Bytes.
        most: u64,
    },
}

/// A way out of what the system said of writing.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room there, or choose another place"
        }
        io::ErrorKind::InvalidFilename => "choose a shorter name",
        _ => "choose a place that exists and that you may write to",
    }
}
