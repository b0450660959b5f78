//! Answers about videos.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    jobs::Moment,
    maker::{Credential, Estimate, Size, TaskKind},
    store::{self, Failure, Job, Status},
};

/// A video and how far it is. All keys are always there.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Video {
    /// Its name.
    pub id: String,
    /// `video`.
    pub object: &'static str,
    /// The model's name, as it was asked for.
    pub model: String,
    /// How far it is. One that was cancelled has failed, with the code `cancelled`.
    pub status: Status,
    /// Percent.
    #[schema(minimum = 0, maximum = 100)]
    pub progress: u8,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub completed_at: Option<i64>,
    /// When it is removed, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Length in seconds, as a text.
    pub seconds: String,
    /// Width and height.
    pub size: Size,
    /// What is seen.
    pub prompt: Option<String>,
    /// The video that it is a remix of.
    pub remixed_from_video_id: Option<String>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Beyond OpenAI's: more of it.
    pub kinora: Details,
}

/// What goes beyond OpenAI's fields.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Details {
    /// The model's own name.
    pub model: String,
    /// What was asked for.
    pub task: TaskKind,
    /// The video that it was made of.
    pub source_video_id: Option<String>,
    /// Frames of the file.
    pub num_frames: u64,
    /// Frames a second of the file.
    pub fps: f64,
    /// The seed: with it the same request gives the same file.
    pub seed: u64,
    /// What is not exactly as it was asked for, and what it waits for if nobody has the memory for it.
    pub notes: Vec<String>,
    /// The part of the work, while it is worked on.
    pub stage: Option<String>,
    /// Steps of it that are done.
    pub step: u64,
    /// Steps of it in all.
    pub total: u64,
    /// About how many seconds are left, while it is worked on.
    pub seconds_left: Option<f64>,
    /// Bytes of the file.
    pub bytes: Option<u64>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Seconds that each part took.
    pub timings: Vec<Timing>,
    /// Where its files are, once it is completed.
    pub links: Option<Links>,
}

/// Where the files of a video can be had without a key, for a while: paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    /// The MP4.
    pub video: String,
    /// A picture of it.
    pub thumbnail: String,
    /// Many pictures of it beside each other.
    pub spritesheet: String,
    /// Until when these count, in seconds since 1970: half an hour at least.
    pub expires_at: i64,
}

/// How long a part took.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Timing {
    /// The part of the work.
    pub stage: String,
    /// How long.
    pub seconds: f64,
}

impl Video {
    /// Of a job, and of how it is at this moment if it is worked on.
    pub fn of(job: &Job, moment: Option<&Moment>, links: Option<Links>) -> Self {
        let record = &job.record;
        let moment = moment.filter(|_| job.status == Status::InProgress);
        let made = job.made.as_ref();
        let notes = record.notes.iter().chain(made.iter().flat_map(|made| &made.notes));
        let timings = made.iter().flat_map(|made| &made.timings);
        let kinora = Details {
            model: record.served.clone(),
            task: record.task,
            source_video_id: record.source.clone(),
            num_frames: record.num_frames,
            fps: record.fps,
            seed: record.seed,
            notes: notes.cloned().collect(),
            stage: moment.map(|moment| moment.stage.clone()).filter(|stage| !stage.is_empty()),
            step: moment.map_or(0, |moment| moment.step),
            total: moment.map_or(0, |moment| moment.total),
            seconds_left: moment.and_then(Moment::seconds_left),
            bytes: made.map(|made| made.bytes),
            sha256: made.map(|made| made.sha256.clone()),
            timings: timings
                .map(|(stage, seconds)| Timing { stage: stage.clone(), seconds: *seconds })
                .collect(),
            links,
        };
        Self {
            id: job.id.clone(),
            object: "video",
            model: record.model.clone(),
            status: job.status,
            progress: moment.map_or(job.progress, |moment| moment.percent().max(job.progress)),
            created_at: job.created_at,
            completed_at: job.completed_at.filter(|_| job.status == Status::Completed),
            expires_at: job.expires_at,
            seconds: seconds_text(record.seconds),
            size: record.size,
            prompt: Some(record.prompt.clone()),
            remixed_from_video_id: record.source.clone().filter(|_| record.task == TaskKind::Remix),
            error: job.failure.clone(),
            kinora,
        }
    }
}

/// `4`, or `4.125`.
pub fn seconds_text(seconds: f64) -> String {
    ((seconds * 1000.0).round() / 1000.0).to_string()
}

/// What a video takes, and what is made before it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Plan {
    /// The video's name.
    pub id: String,
    /// `video.plan`.
    pub object: &'static str,
    /// How far it is.
    pub status: Status,
    /// Width and height.
    pub size: Size,
    /// Frames of the file.
    pub num_frames: u64,
    /// Frames a second of the file.
    pub fps: f64,
    /// Length in seconds, as a text.
    pub seconds: String,
    /// What is not exactly as it was asked for.
    pub notes: Vec<String>,
    /// What it takes.
    pub estimate: Estimate,
    /// Videos that wait and came before it.
    pub jobs_before: u64,
    /// About how many seconds pass until it is begun: what these take, and what is left of those that are worked on.
    pub seconds_before: f64,
    /// About how many seconds are left until it is there; 0 if it is.
    pub seconds_left: f64,
}

/// Something that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deleted {
    /// Its name.
    pub id: String,
    /// `video.deleted`, `character.deleted` or `webhook_endpoint.deleted`.
    pub object: &'static str,
    /// True.
    pub deleted: bool,
}

/// Somebody who can be in videos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Character {
    /// The name for programs.
    pub id: String,
    /// The name in prompts.
    pub name: String,
    /// Seconds since 1970.
    pub created_at: i64,
}

impl From<store::Character> for Character {
    fn from(character: store::Character) -> Self {
        let store::Character { id, name, created_at, .. } = character;
        Self { id, name, created_at }
    }
}

/// What a file says of where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Provenance {
    /// `content_provenance_check`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created_at: i64,
    /// What was found.
    pub results: Vec<Credential>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_as_short_as_can_be() {
        assert_eq!([4.0, 4.125, 0.5, 8.000_000_1].map(seconds_text), ["4", "4.125", "0.5", "8"]);
    }
}
