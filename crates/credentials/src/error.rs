//! What can go wrong with credentials, and what the user can do about it.

use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file was not signed or not looked at. That its credentials are wrong is no error but an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] disk::Error),
    /// The content is of no kind that credentials are looked for in.
    #[error("{}: expected {expected}, found neither by its first bytes; give such a file", .path.display())]
    UnknownContent {
        /// The path as given.
        path: PathBuf,
        /// The kinds of files.
        expected: &'static str,
    },
    /// The file has a manifest already.
    #[error("{}: it has content credentials already; sign the file from before they were added", .path.display())]
    AlreadySigned {
        /// The path as given.
        path: PathBuf,
    },
    /// A file with certificates or a key is not one.
    #[error("{}: expected {expected}, found {found}", .path.display())]
    Malformed {
        /// The path as given.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// The key and the certificates make no signature that C2PA accepts.
    #[error(
        "{}: expected a certificate for signing C2PA claims and its key, found that what they sign is refused: {reason}",
        .path.display()
    )]
    Unfit {
        /// Where the certificates are.
        path: PathBuf,
        /// What is wrong with the signature.
        reason: String,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {reason}; please report this")]
    Certificate {
        /// What the library said.
        reason: String,
    },
    /// The file could not take a manifest.
    #[error("{}: cannot add content credentials: {reason}", .path.display())]
    Unsignable {
        /// The path as given.
        path: PathBuf,
        /// What stood in the way.
        reason: String,
    },
}
