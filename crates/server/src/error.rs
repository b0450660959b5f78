//! Why the server does not start, or stops.

use std::{io, net::SocketAddr, path::PathBuf};

/// The result of every fallible function at the border of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that cannot be.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting, as it is called in the file.
        name: String,
        /// What would be accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An address that others reach, and nothing that keeps them out.
    #[error(
        "{address} can be reached from other machines, and there are no API keys: make one with --new-key NAME, listen on \
         127.0.0.1, or say --open-to-all"
    )]
    NoKeys {
        /// The address.
        address: SocketAddr,
    },
    /// An address that is taken or not the machine's.
    #[error("cannot listen on {address}: {source}; choose another --host or --port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another server works on the same folder.
    #[error("{}: another server uses this folder; give this one another --data", .folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("{}: {source}", .path.display())]
    Folder {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The record of the jobs cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// NATS cannot be used.
    #[error("{url}: {what}; is `nats-server -js` running there, and is --queue right?")]
    Queue {
        /// Where it should be, without passwords.
        url: String,
        /// What it or its client said.
        what: String,
    },
    /// A configuration file that cannot be read.
    #[error(transparent)]
    File(#[from] disk::Error),
    /// No threads, or no sockets.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    /// A model is missing.
    #[error("the engine serves no model")]
    NoModel,
}

impl Error {
    /// Whether the user asked for something that cannot be.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Setting { .. } | Self::NoKeys { .. })
    }

    /// For `map_err`.
    pub(crate) fn folder(path: &std::path::Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Folder { path: path.into(), source }
    }
}
