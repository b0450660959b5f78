//! What can go wrong with a terminal, and what the user can do about it.

use std::io;

/// The result of the fallible functions of this crate, but for those that only write.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a picture or a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes that are no picture of the stated size.
    #[error(
        "a picture of {width}x{height} pixels has {expected} bytes of RGB, not {found}; no side may be 0"
    )]
    InvalidPicture {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// What it would take.
        expected: String,
        /// What there is.
        found: usize,
    },
    /// A way to show pictures that has no such name.
    #[error("'{found}' is no way to show pictures in a terminal; there are {names}")]
    UnknownProtocol {
        /// What was asked for.
        found: String,
        /// What there is.
        names: String,
    },
    /// Keys are read from a terminal, and the input is a file or a pipe.
    #[error("keys are read from a terminal, and the standard input is none")]
    NotATerminal,
    /// A program in the background must not take the keys, and would be stopped if it tried.
    #[error("keys are read by the program in the foreground; bring this one there with `fg`")]
    Background,
    /// The terminal refused, or went away.
    #[error("the terminal does not answer: {0}")]
    Terminal(#[from] io::Error),
}
