//! Files in and out: what may be written where, files that appear whole or not at all, and bounded reading.

#![forbid(unsafe_code)]

mod atomic;
mod error;
mod input;
mod nameless;
mod room;
mod spool;
mod target;

pub use atomic::{AtomicFile, check_folder_writable, write_atomically, write_privately};
pub use error::{Error, Result};
pub use input::{open, read_bounded, read_within, unreadable};
pub use room::{free_bytes, is_full};
pub use spool::Spool;
pub use target::leads_to_stdout;

use std::{io, path::Path};

/// For `map_err`.
pub fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Unwritable { path: path.into(), source }
}

/// Where the last part of `path` is.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
