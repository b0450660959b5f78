//! The record of what was accepted. A change is on the disk before anybody is told of it.
//!
//! [`Jobs`] is all that the endpoints ask of jobs, so that NATS's record takes the place of SQLite's where several machines
//! share the work; what those do who work on jobs is each record's own. Endpoints and characters stay with the server.

mod admission;
mod job;
mod sqlite;

use std::{io, path::Path};

pub use admission::{Admission, Admitted, Repeat};
pub use job::{Failure, Finished, Job, JobKind, MadeFile, Record, Status, StoredInput, Waiting};
pub(crate) use sqlite::event_body;
pub use sqlite::{Character, Delivery, Endpoint, EndpointChange, Records};

use crate::keys::Owner;

/// Why the record could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refuses: a full disk, a file that is damaged.
    #[error("the record of the jobs: {0}")]
    Database(#[from] rusqlite::Error),
    /// What is in it was written by a newer program, or not by one of ours.
    #[error("the record of the jobs: {0}; was it written by a newer program?")]
    Malformed(#[from] serde_json::Error),
    /// The file was made by a newer program.
    #[error(
        "the record of the jobs has version {found}, newer than {expected}: use the program that made it"
    )]
    Newer {
        /// The version of this program.
        expected: i64,
        /// The version of the file.
        found: i64,
    },
    /// A file that is kept with it.
    #[error("the files of the jobs: {0}")]
    File(#[from] io::Error),
    /// The record is in NATS, and that does not answer as it should.
    #[error("NATS: {0}")]
    Away(String),
}

impl StoreError {
    /// Whether there was no room on the disk.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::File(error) => disk::is_full(error),
            Self::Malformed(_) | Self::Newer { .. } | Self::Away(_) => false,
        }
    }
}

/// The result of asking the record.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// In order.
    pub data: Vec<T>,
    /// Whether there is something behind them.
    pub has_more: bool,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What it begins behind.
    pub after: Option<String>,
    /// The most of it.
    pub limit: u32,
    /// Whether the oldest come first.
    pub is_ascending: bool,
}

/// What became of the wish to remove a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// There is none.
    Missing,
    /// It waits or is worked on.
    Busy,
}

/// The record of jobs. Every function is whole: it happens, or nothing does.
pub trait Jobs: Send + Sync {
    /// Accepts a job, if it is not the same as one that was accepted before, and if there is room.
    ///
    /// # Errors
    /// As all of these: a record that cannot be read or written.
    fn admit(&self, job: &Job, admission: &Admission) -> Result<Admitted>;

    /// The job that a request was accepted as before, if it is that one again.
    fn repeated(&self, repeat: &Repeat) -> Result<Option<Job>>;

    /// A job that is not removed.
    fn get(&self, id: &str) -> Result<Option<Job>>;

    /// Somebody has asked for the job: its client knows of it.
    fn mark_fetched(&self, id: &str) -> Result<()>;

    /// The videos of an owner. `None` if there never was what it begins behind.
    fn list(&self, owner: &Owner, cut: &Cut) -> Result<Option<Page<Job>>>;

    /// Removes a job that is done.
    fn remove(&self, owner: &Owner, id: &str) -> Result<Removed>;

    /// All that wait, those that have waited longest first.
    fn waiting(&self) -> Result<Vec<Waiting>>;

    /// Ends a job that waits, or asks for the end of one that is worked on. The job as it then is.
    fn cancel(&self, owner: &Owner, id: &str) -> Result<Option<Job>>;

    /// After a start: what this program worked on waits again, but for jobs that bring it down each time or whose end was
    /// asked for, and pictures for which nobody waits any more.
    fn recover(&self, max_crashes: u64) -> Result<()>;

    /// Removes what has expired, and returns the names.
    fn expire(&self, now: i64) -> Result<Vec<String>>;

    /// Names of all jobs that are not removed.
    fn names(&self) -> Result<Vec<String>>;

    /// How many jobs have each status.
    fn counts(&self) -> Result<Vec<(Status, u64)>>;

    /// Bytes on the disk.
    fn bytes(&self) -> Result<u64>;

    /// What a job that waits needs and nobody has who could work on it, in words.
    fn lack(&self, job: &Job) -> Option<String>;

    /// Brings a file of a job that has ended into the job's folder, if it is kept elsewhere. There need be no such file.
    fn bring(&self, id: &str, file: &Path) -> Result<()>;
}
