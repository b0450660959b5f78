//! Videos that are made of another one.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use utoipa::ToSchema;

use super::{
    caller::{Caller, Retry},
    source,
    videos::{answer, checked_seconds, extensions},
};
use crate::{
    app::App,
    body::Body,
    jobs::{Given, GivenFile, Order, accept},
    maker::{Role, Task},
    problem::{ErrorAnswer, Problem},
    store::Job,
    wire::{EditVideo, ExtendVideo, Extensions, RemixVideo, Video, check_prompt, check_strength},
};

/// A request for a remix, with what goes beyond OpenAI's fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct RemixVideoRequest {
    #[serde(flatten)]
    video: RemixVideo,
    #[serde(flatten)]
    extensions: Extensions,
}

/// A request for an edit, with what goes beyond OpenAI's fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct EditVideoRequest {
    #[serde(flatten)]
    video: EditVideo,
    #[serde(flatten)]
    extensions: Extensions,
}

/// A request for an extension, with what goes beyond OpenAI's fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct ExtendVideoRequest {
    #[serde(flatten)]
    video: ExtendVideo,
    #[serde(flatten)]
    extensions: Extensions,
}

/// Asks for a video near to another
#[utoipa::path(
    post, path = "/v1/videos/{id}/remix", tag = "videos", security(("key" = [])), params(("id" = String, Path)),
    request_body(content((RemixVideoRequest = "application/json"), (RemixVideoRequest = "multipart/form-data"))),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn remix(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    retry: Retry,
    body: Body,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let fields: RemixVideo = body.fields()?;
        let extensions = extensions::<RemixVideo>(app, &body)?;
        check_prompt(&fields.prompt)?;
        check_strength("strength", fields.strength)?;
        let repeat = retry.repeat(app, owner.clone(), body.fingerprint(&format!("/videos/{id}/remix")));
        let source = source::completed(app, &owner, &id, "video_id")?;
        let file = GivenFile::Shared(source::output(app, &source)?);
        let order = Order {
            repeat,
            task: Task::Remix { strength: fields.strength },
            prompt: fields.prompt,
            model: source.record.model.clone(),
            served: source.record.served.clone(),
            seconds: None,
            size: extensions.size()?,
            extras: extensions.extras(app.settings.strict)?,
            inputs: vec![Given { role: Role::SourceVideo, file, extension: "mp4" }],
            source: Some(source.id),
        };
        answer(app, &accept(app, order)?)
    })
    .await
}

/// Asks for a video with a change
#[utoipa::path(
    post, path = "/v1/videos/edits", tag = "videos", security(("key" = [])),
    request_body(content((EditVideoRequest = "multipart/form-data"), (EditVideoRequest = "application/json"))),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    retry: Retry,
    mut body: Body,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let fields: EditVideo = body.fields()?;
        let extensions = extensions::<EditVideo>(app, &body)?;
        check_prompt(&fields.prompt)?;
        check_strength("strength", fields.strength)?;
        let repeat = retry.repeat(app, owner.clone(), body.fingerprint("/videos/edits"));
        let (given, source) = source::video(app, &owner, body.take_file("video"), fields.video)?;
        let (model, served) = models(app, fields.model, source.as_ref())?;
        let order = Order {
            repeat,
            task: Task::Edit { strength: fields.strength, regions: fields.regions.unwrap_or_default() },
            prompt: fields.prompt,
            model,
            served,
            seconds: None,
            size: extensions.size()?,
            extras: extensions.extras(app.settings.strict)?,
            inputs: vec![given],
            source: source.map(|job| job.id),
        };
        answer(app, &accept(app, order)?)
    })
    .await
}

/// Asks for a video that goes on
#[utoipa::path(
    post, path = "/v1/videos/extensions", tag = "videos", security(("key" = [])),
    request_body(content((ExtendVideoRequest = "multipart/form-data"), (ExtendVideoRequest = "application/json"))),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn extend(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    retry: Retry,
    mut body: Body,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let fields: ExtendVideo = body.fields()?;
        let extensions = extensions::<ExtendVideo>(app, &body)?;
        check_prompt(&fields.prompt)?;
        let seconds = checked_seconds(fields.seconds)?.ok_or_else(|| {
            let message = "Missing required parameter: 'seconds'.";
            Problem::bad(message).param("seconds").code("missing_required_parameter")
        })?;
        let repeat = retry.repeat(app, owner.clone(), body.fingerprint("/videos/extensions"));
        let (given, source) = source::video(app, &owner, body.take_file("video"), fields.video)?;
        let (model, served) = models(app, fields.model, source.as_ref())?;
        let order = Order {
            repeat,
            task: Task::Extend { side: fields.side },
            prompt: fields.prompt,
            model,
            served,
            seconds: Some(seconds),
            size: extensions.size()?,
            extras: extensions.extras(app.settings.strict)?,
            inputs: vec![given],
            source: source.map(|job| job.id),
        };
        answer(app, &accept(app, order)?)
    })
    .await
}

/// The model's name and its own name: those of the source, or what is asked for.
fn models(app: &App, name: Option<String>, source: Option<&Job>) -> Result<(String, String), Problem> {
    match (name, source) {
        (None, Some(source)) => Ok((source.record.model.clone(), source.record.served.clone())),
        (name, _) => {
            let model = app.model(name.as_deref())?;
            Ok((name.unwrap_or_else(|| model.id.clone()), model.id))
        }
    }
}
