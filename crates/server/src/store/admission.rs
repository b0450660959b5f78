//! Whether a job is accepted.

use super::Job;
use crate::keys::Owner;

/// The rules by which a job is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// How the request is known again.
    pub repeat: Repeat,
    /// Jobs that may wait.
    pub queue_length: u64,
    /// Jobs of one owner that may wait or be worked on.
    pub jobs_per_key: u64,
    /// Bytes of all jobs.
    pub quota: u64,
}

/// How a request is known again that a client sends a second time because the answer was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// Whose it is.
    pub owner: Owner,
    /// The hash of all that it says.
    pub fingerprint: [u8; 32],
    /// The name that the client gave it.
    pub key: Option<String>,
    /// Requests since then are looked at, in seconds since 1970; of one that has a name, all.
    pub since: Option<i64>,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Admitted {
    /// It is accepted.
    New,
    /// It was accepted before.
    Before(Box<Job>),
    /// Another request had that name.
    OtherRequest,
    /// Too many wait.
    QueueFull,
    /// Too many of this owner.
    KeyFull,
    /// There is no room on the disk.
    DiskFull,
}
