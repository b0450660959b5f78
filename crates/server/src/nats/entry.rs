//! What the record holds of a job, and how that changes. Nothing here knows of NATS.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    keys::Owner,
    store::{Failure, Finished, Job, Status},
};

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A job.
    Job(Box<Entry>),
    /// What is left of one: its place in lists.
    Removed(Removed),
}

/// A job, and what is not told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The job.
    pub job: Job,
    /// Its place in lists, which grows: about when it was accepted, in millionths of a second since 1970.
    pub seq: u64,
    /// The hash of all that its request says.
    pub fingerprint: [u8; 32],
    /// The name that the client gave its request.
    pub key: Option<String>,
    /// The server that accepted it, and that tells of its end.
    pub server: String,
    /// Whether that has told.
    pub is_announced: bool,
    /// Seconds that it is kept when it has ended.
    pub retention: Option<i64>,
    /// How often it may bring a worker down without getting further.
    pub max_crashes: u64,
    /// How often it did.
    pub crashes: u64,
    /// Its progress when the work on it began or went on.
    pub progress_before: u8,
    /// How often work on it began or went on.
    pub attempt: u64,
    /// The worker whose it is, by a name that it has for this one attempt.
    pub holder: Option<String>,
    /// Its files: their paths in the job's folder, and which of the versions that were stored counts.
    pub files: BTreeMap<String, String>,
}

/// What is left of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Whose it was.
    pub owner: Owner,
    /// Its place in lists.
    pub seq: u64,
    /// When it was removed, in seconds since 1970.
    pub at: i64,
}

impl Line {
    /// The job, if it is one.
    pub fn job(&self) -> Option<&Entry> {
        match self {
            Self::Job(entry) => Some(entry),
            Self::Removed(_) => None,
        }
    }

    /// Whose it is, and its place in lists.
    pub fn place(&self) -> (&Owner, u64) {
        match self {
            Self::Job(entry) => (&entry.job.owner, entry.seq),
            Self::Removed(removed) => (&removed.owner, removed.seq),
        }
    }
}

impl Entry {
    /// Makes it the job of `holder`, or ends it if nobody should work on it any more. Whether it is the holder's then.
    pub fn begin(&mut self, holder: &str, now_ms: i64) -> bool {
        if self.job.status == Status::InProgress {
            // The one before has not been heard of for too long.
            let is_further = self.job.progress > self.progress_before;
            self.crashes = if is_further { 0 } else { self.crashes + 1 };
        }
        let failure = match () {
            () if self.job.status.is_end() => return false,
            () if self.job.is_cancelled => Some(Failure::cancelled()),
            () if self.crashes >= self.max_crashes => Some(Failure::crashed()),
            () => None,
        };
        if let Some(failure) = failure {
            self.end(&Finished::Failed(failure), now_ms);
            return false;
        }
        self.job.status = Status::InProgress;
        self.job.since = now_ms;
        self.progress_before = self.job.progress;
        self.attempt += 1;
        self.holder = Some(holder.to_owned());
        true
    }

    /// Whether it is the job of `holder`.
    pub fn is_of(&self, holder: &str) -> bool {
        self.job.status == Status::InProgress && self.holder.as_deref() == Some(holder)
    }

    /// Another one goes on later.
    pub fn put_back(&mut self, now_ms: i64) {
        self.job.status = Status::Queued;
        self.job.since = now_ms;
        self.crashes = 0;
        self.holder = None;
    }

    /// Its end.
    pub fn end(&mut self, end: &Finished, now_ms: i64) {
        let (job, now) = (&mut self.job, now_ms / 1000);
        match end {
            Finished::Made { made, bytes } => {
                (job.status, job.progress, job.bytes) = (Status::Completed, 100, *bytes);
                job.made = Some(made.clone());
            }
            Finished::Failed(failure) => {
                job.status = Status::Failed;
                job.failure = Some(failure.clone());
            }
        }
        job.completed_at = Some(now);
        job.expires_at = self.retention.map(|seconds| now.saturating_add(seconds));
    }

    /// Ends it if it waits, or asks for its end if it is worked on. Whether that changes anything.
    pub fn cancel(&mut self, now_ms: i64) -> bool {
        match self.job.status {
            Status::Queued => self.end(&Finished::Failed(Failure::cancelled()), now_ms),
            Status::InProgress if !self.job.is_cancelled => self.job.is_cancelled = true,
            Status::InProgress | Status::Completed | Status::Failed => return false,
        }
        true
    }

    /// Whether `server` is still to tell of its end.
    pub fn is_untold(&self, server: &str) -> bool {
        self.job.status.is_end() && !self.is_announced && self.server == server
    }

    /// What is left of it.
    pub fn bury(&self, now: i64) -> Line {
        Line::Removed(Removed { owner: self.job.owner.clone(), seq: self.seq, at: now })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::store::MadeFile;

    /// A job of Alice's that waits.
    pub fn entry(id: &str, seq: u64) -> Entry {
        Entry {
            job: Job::example(id.into(), 1, seq as i64),
            seq,
            fingerprint: [seq as u8; 32],
            key: None,
            server: "here".into(),
            is_announced: false,
            retention: Some(100),
            max_crashes: 2,
            crashes: 0,
            progress_before: 0,
            attempt: 0,
            holder: None,
            files: BTreeMap::new(),
        }
    }

    fn code(entry: &Entry) -> &str {
        entry.job.failure.as_ref().map_or("", |failure| &failure.code)
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut entry = entry("video_1", 7);
        entry.files.insert("inputs/0.png".into(), "0".into());
        assert!(entry.begin("worker", 5000));
        for line in [Line::Job(Box::new(entry.clone())), entry.bury(9)] {
            let text = serde_json::to_vec(&line).unwrap();
            assert_eq!(serde_json::from_slice::<Line>(&text).unwrap(), line);
            assert_eq!(line.place(), (&"alice".to_owned(), 7));
        }
    }

    #[test]
    fn only_the_last_who_took_a_job_holds_it() {
        let mut entry = entry("video_1", 1);
        assert!(entry.begin("first", 1000) && entry.is_of("first"));
        assert!(entry.begin("second", 2000));
        assert!(!entry.is_of("first") && entry.is_of("second") && entry.attempt == 2);
        entry.put_back(3000);
        assert!(!entry.is_of("second"));
        assert!(entry.begin("third", 4000));
        let made = MadeFile { sha256: String::new(), bytes: 5, timings: Vec::new(), notes: Vec::new() };
        entry.end(&Finished::Made { made, bytes: 15 }, 5000);
        assert!(!entry.is_of("third") && !entry.begin("fourth", 6000));
        assert_eq!((entry.job.progress, entry.job.bytes, entry.job.expires_at), (100, 15, Some(105)));
    }

    #[test]
    fn a_job_that_brings_workers_down_is_given_up_unless_it_gets_further() {
        let mut stuck = entry("video_1", 1);
        assert!(stuck.begin("a", 1) && stuck.begin("b", 2), "one crash is allowed");
        assert!(!stuck.begin("c", 3), "the second is the last");
        assert_eq!((stuck.job.status, code(&stuck)), (Status::Failed, "internal_error"));
        let mut slow = entry("video_1", 1);
        for attempt in 0..20 {
            assert!(slow.begin("a", attempt));
            slow.job.progress += 1;
        }
        let mut orderly = entry("video_1", 1);
        for attempt in 0..20 {
            assert!(orderly.begin("a", attempt));
            orderly.put_back(attempt);
        }
    }

    #[test]
    fn what_is_cancelled_is_not_begun_and_not_gone_on_with() {
        let mut waiting = entry("video_1", 1);
        assert!(waiting.cancel(1000) && !waiting.cancel(2000) && !waiting.begin("a", 3000));
        assert_eq!((code(&waiting), waiting.job.completed_at), ("cancelled", Some(1)));
        let mut running = entry("video_1", 1);
        assert!(running.begin("a", 1) && running.cancel(2) && !running.cancel(3));
        assert_eq!(running.job.status, Status::InProgress, "its worker ends it");
        assert!(!running.begin("b", 4), "or the next one");
        assert_eq!(code(&running), "cancelled");
    }
}
