//! The files of a video.

use std::{path::PathBuf, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::Response,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    caller::Caller,
    files::{self, Params, Served},
    videos::fetched,
};
use crate::{
    app::App,
    problem::{ErrorAnswer, Problem},
    store::{Job, JobKind, Status},
};

/// Which file.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// Which file.
    #[serde(default)]
    #[param(inline)]
    variant: Variant,
}

/// Files of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Variant {
    /// The MP4.
    #[default]
    Video,
    /// A picture of it, as WebP.
    Thumbnail,
    /// Many pictures of it beside each other, as JPEG.
    Spritesheet,
}

/// Sends a file of a video, or the part of it that is asked for
#[utoipa::path(
    get, path = "/v1/videos/{id}/content", tag = "videos", security(("key" = [])),
    params(("id" = String, Path), ContentQuery),
    responses(
        (status = 200, content((Vec<u8> = "video/mp4"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"))),
        (status = 206, description = "The part that was asked for", content_type = "video/mp4"),
        (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer),
    ),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    Params(query): Params<ContentQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.blocking(move |app| served(app, &fetched(app, &owner, &id)?, query.variant));
    files::send(file.await?, &method, &headers).await
}

/// A file of what was made; a picture has but one.
pub(super) fn served(app: &App, job: &Job, variant: Variant) -> Result<Served, Problem> {
    let made = job.made.as_ref().filter(|_| job.status == Status::Completed);
    let made = made.ok_or_else(|| match &job.failure {
        Some(failure) => {
            Problem::missing(format!("The video has failed and has no content: {}", failure.message))
        }
        None => {
            let message = "Video is not ready yet, use GET /v1/videos/{video_id} to check status";
            Problem::missing(message).code("video_not_ready")
        }
    })?;
    let folder = app.folder.job(&job.id);
    let hash = &made.sha256;
    let served = |path: PathBuf, media_type, tag: String, extension: &str| Served {
        path,
        media_type,
        etag: format!("\"{tag}\""),
        name: format!("{}.{extension}", job.id),
    };
    let served = match (job.kind, variant) {
        (JobKind::Image, _) => served(folder.output(true), "image/png", hash.clone(), "png"),
        (_, Variant::Video) => served(folder.output(false), "video/mp4", hash.clone(), "mp4"),
        (_, Variant::Thumbnail) => served(folder.thumbnail(), "image/webp", format!("{hash}-t"), "webp"),
        (_, Variant::Spritesheet) => served(folder.spritesheet(), "image/jpeg", format!("{hash}-s"), "jpg"),
    };
    app.jobs.bring(&job.id, &served.path)?;
    match served.path.is_file() {
        true => Ok(served),
        false => Err(Problem::missing("There is no such file of this video.")),
    }
}
