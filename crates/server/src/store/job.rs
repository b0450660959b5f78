//! A job and what it can be.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    keys::Owner,
    maker::{Estimate, Role, Size, TaskKind},
};

/// A video or a picture that somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What comes out.
    pub kind: JobKind,
    /// How far it is.
    pub status: Status,
    /// Percent; never less than before.
    pub progress: u8,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Since when it waits or is worked on, in thousandths of a second since 1970.
    pub since: i64,
    /// Seconds since 1970.
    pub completed_at: Option<i64>,
    /// When it is removed, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether its end was asked for while it was worked on.
    pub is_cancelled: bool,
    /// Whether its client has asked for it.
    pub is_fetched: bool,
    /// Bytes on the disk.
    pub bytes: u64,
    /// What was asked for.
    pub record: Record,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What was made.
    pub made: Option<MadeFile>,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// An MP4.
    Video,
    /// A PNG.
    Image,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits.
    Queued,
    /// It is worked on.
    InProgress,
    /// It is there.
    Completed,
    /// It will not be. One that was cancelled says so in its error.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::InProgress, Self::Completed, Self::Failed];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What never changes of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What is done.
    pub task: TaskKind,
    /// The model's name, as the client said it.
    pub model: String,
    /// The model's own name.
    pub served: String,
    /// What is seen.
    pub prompt: String,
    /// Of the file.
    pub size: Size,
    /// Of the file.
    pub num_frames: u64,
    /// Of the file.
    pub fps: f64,
    /// Of the file.
    pub seconds: f64,
    /// What the client may expect and will not get.
    pub notes: Vec<String>,
    /// The seed that it is made with.
    #[serde(default)]
    pub seed: u64,
    /// What it takes.
    pub estimate: Estimate,
    /// The video that it was made of, by its name.
    pub source: Option<String>,
    /// What the engine needs.
    pub request: Value,
    /// The files, in their order.
    pub inputs: Vec<StoredInput>,
}

/// A file in a job's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredInput {
    /// Its name in the folder of inputs.
    pub file: String,
    /// What it is there for.
    pub role: Role,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A word for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeFile {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Seconds that each part took.
    pub timings: Vec<(String, f64)>,
    /// What was found out in the making.
    pub notes: Vec<String>,
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Finished {
    /// The file is there.
    Made {
        /// The file.
        made: MadeFile,
        /// Bytes of the job's folder.
        bytes: u64,
    },
    /// There will be no file.
    Failed(Failure),
}

/// A job that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Since when, in thousandths of a second since 1970.
    pub since: i64,
    /// Seconds of work.
    pub seconds: f64,
}

#[cfg(test)]
impl Job {
    /// A video of Alice's that waits.
    pub(crate) fn example(id: String, created_at: i64, since: i64) -> Self {
        Self {
            id,
            owner: "alice".into(),
            kind: JobKind::Video,
            status: Status::Queued,
            progress: 0,
            created_at,
            since,
            completed_at: None,
            expires_at: None,
            is_cancelled: false,
            is_fetched: false,
            bytes: 10,
            record: Record {
                task: TaskKind::Create,
                model: "sora-2".into(),
                served: "fake".into(),
                prompt: "a ball".into(),
                size: Size { width: 64, height: 64 },
                num_frames: 32,
                fps: 8.0,
                seconds: 4.0,
                notes: Vec::new(),
                seed: 0,
                estimate: Estimate { seconds: 10.0, bytes: 1 },
                source: None,
                request: Value::Null,
                inputs: Vec::new(),
            },
            failure: None,
            made: None,
        }
    }
}

impl Failure {
    /// The word for a fault of the server's own.
    pub(crate) const INTERNAL: &str = "internal_error";

    /// Somebody asked for the end.
    pub fn cancelled() -> Self {
        Self { code: "cancelled".to_owned(), message: "The video was cancelled.".to_owned() }
    }

    /// Nobody waits for a picture any more.
    pub fn interrupted() -> Self {
        let message = "The server was stopped, and the client that waited for this picture is gone.";
        Self { code: "interrupted".to_owned(), message: message.to_owned() }
    }

    /// Whether it was a fault of the server's own.
    pub fn is_internal(&self) -> bool {
        self.code == Self::INTERNAL
    }

    /// Whoever works on it comes to no end.
    pub fn crashed() -> Self {
        let message =
            "The server has stopped several times while it worked on this, each time at the same point.";
        Self { code: Self::INTERNAL.to_owned(), message: message.to_owned() }
    }
}
