//! Videos: to ask for one, and to see what became of it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::HeaderValue,
    response::{IntoResponse, Response},
};
use serde_json::json;
use utoipa::{PartialSchema, ToSchema};

use super::{
    caller::{Caller, Retry},
    files::Params,
    links, source,
};
use crate::{
    app::App,
    body::Body,
    jobs::{self, Order, accept},
    keys::Owner,
    maker::{Size, Task},
    problem::{About, ErrorAnswer, Problem},
    store::{Job, Removed, Status},
    wire::{CreateVideo, Deleted, Extensions, List, ListQuery, Plan, Video, check_prompt, seconds_text},
};

/// A request for a video, with what goes beyond OpenAI's fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct CreateVideoRequest {
    #[serde(flatten)]
    video: CreateVideo,
    #[serde(flatten)]
    extensions: Extensions,
}

/// Asks for a video of a text
#[utoipa::path(
    post, path = "/v1/videos", tag = "videos", security(("key" = [])),
    request_body(content((CreateVideoRequest = "multipart/form-data"), (CreateVideoRequest = "application/json"))),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    retry: Retry,
    mut body: Body,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let fields: CreateVideo = body.fields()?;
        let extensions = extensions::<CreateVideo>(app, &body)?;
        check_prompt(&fields.prompt)?;
        let repeat = retry.repeat(app, owner.clone(), body.fingerprint("/videos"));
        let model = app.model(fields.model.as_deref())?;
        let size = size(fields.size, &extensions)?;
        let is_strict = app.settings.strict;
        let extras = extensions.extras(is_strict)?;
        let mut inputs = Vec::new();
        if let Some((given, sniffed)) =
            source::first_frame(app, body.take_file("input_reference"), fields.input_reference)?
        {
            let is_same =
                |size: Size| (sniffed.width, sniffed.height) == (size.width.into(), size.height.into());
            if extras.is_strict && size.is_some_and(|size| !is_same(size)) {
                let message = "Inpaint image must match the requested width and height";
                return Err(Problem::bad(message).param("input_reference"));
            }
            inputs.push(given);
        }
        inputs.extend(source::known(app, &owner, fields.known.unwrap_or_default())?);
        let characters = fields.characters.unwrap_or_default();
        inputs.extend(source::characters(app, &owner, characters, &fields.prompt)?);
        let seconds = match (fields.seconds, extras.num_frames) {
            (None, None) => Some(app.settings.default_seconds),
            (seconds, _) => checked_seconds(seconds)?,
        };
        let order = Order {
            repeat,
            task: Task::Create { spans: fields.spans.unwrap_or_default() },
            prompt: fields.prompt,
            model: fields.model.unwrap_or_else(|| model.id.clone()),
            served: model.id,
            seconds,
            size,
            extras,
            inputs,
            source: None,
        };
        answer(app, &accept(app, order)?)
    })
    .await
}

/// Lists videos
#[utoipa::path(
    get, path = "/v1/videos", tag = "videos", security(("key" = [])), params(ListQuery),
    responses((status = 200, body = List<Video>), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<List<Video>>, Problem> {
    app.blocking(move |app| {
        let cut = query.cut()?;
        let unknown = || Problem::value("after", "expected the name of a video of yours");
        let page = app.jobs.list(&owner, &cut)?.ok_or_else(unknown)?;
        let videos = page.data.iter().map(|job| seen(app, job)).collect();
        Ok(Json(List::new(videos, page.has_more, |video: &Video| &video.id)))
    })
    .await
}

/// Shows a video
#[utoipa::path(
    get, path = "/v1/videos/{id}", tag = "videos", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.blocking(move |app| answer(app, &fetched(app, &owner, &id)?)).await
}

/// Removes a video that is completed or has failed
#[utoipa::path(
    delete, path = "/v1/videos/{id}", tag = "videos", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Deleted>, Problem> {
    app.blocking(move |app| {
        let job = source::job(app, &owner, &id)?;
        match jobs::remove(app, &owner, &job.id)? {
            Removed::Gone => Ok(Json(Deleted { id: job.id, object: "video.deleted", deleted: true })),
            Removed::Missing => Err(Problem::no_such("video", &id)),
            Removed::Busy => {
                let message =
                    "Only videos that are completed or have failed can be deleted; cancel this one first.";
                Err(Problem::conflict(message).code("video_not_done"))
            }
        }
    })
    .await
}

/// Ends the work on a video, or takes it from the queue
#[utoipa::path(
    post, path = "/v1/videos/{id}/cancel", tag = "videos beyond OpenAI's", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Video), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn cancel(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let before = fetched(app, &owner, &id)?;
        if before.status == Status::Completed {
            return Err(Problem::conflict("The video is completed.").code("video_done"));
        }
        let job = app.jobs.cancel(&owner, &before.id)?.ok_or_else(|| Problem::no_such("video", &id))?;
        app.live.cancel(&job.id);
        app.hook_bell.ring();
        answer(app, &job)
    })
    .await
}

/// Says what a video takes, and when it will be there
#[utoipa::path(
    get, path = "/v1/videos/{id}/plan", tag = "videos beyond OpenAI's", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Plan), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn plan(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Plan>, Problem> {
    app.blocking(move |app| {
        let job = fetched(app, &owner, &id)?;
        let (jobs_before, seconds_before) = before(app, &job)?;
        Ok(Json(planned(app, &job, jobs_before, seconds_before)))
    })
    .await
}

/// How many jobs are made before one, and about how long they take.
fn before(app: &App, job: &Job) -> Result<(u64, f64), Problem> {
    const NOTHING: (u64, f64) = (0, 0.0);
    if job.status != Status::Queued {
        return Ok(NOTHING);
    }
    let (waiting, begun) = (app.jobs.waiting()?, app.live.ids());
    // Asked last: it may have begun since it was read, and is then neither before itself nor after others.
    if app.jobs.get(&job.id)?.is_none_or(|now| now.status != Status::Queued) {
        return Ok(NOTHING);
    }
    let (mut jobs_before, mut seconds_before) = (0, 0.0);
    for other in waiting.iter().take_while(|other| other.id != job.id) {
        jobs_before += 1;
        seconds_before += other.seconds;
    }
    for id in begun {
        seconds_before += app.jobs.get(&id)?.map_or(0.0, |other| seconds_left(app, &other));
    }
    // They share the work.
    Ok((jobs_before, seconds_before / app.settings.runners as f64))
}

/// About how much longer the work on a job takes.
fn seconds_left(app: &App, job: &Job) -> f64 {
    let whole = job.record.estimate.seconds;
    match job.status {
        Status::Completed | Status::Failed => 0.0,
        Status::Queued => whole,
        Status::InProgress => app
            .live
            .moment(&job.id)
            .map_or(whole, |moment| moment.seconds_left().unwrap_or(whole * (1.0 - moment.done))),
    }
}

fn planned(app: &App, job: &Job, jobs_before: u64, seconds_before: f64) -> Plan {
    let record = &job.record;
    Plan {
        id: job.id.clone(),
        object: "video.plan",
        status: job.status,
        size: record.size,
        num_frames: record.num_frames,
        fps: record.fps,
        seconds: seconds_text(record.seconds),
        notes: record.notes.clone(),
        estimate: record.estimate,
        jobs_before,
        seconds_before,
        seconds_left: seconds_before + seconds_left(app, job),
    }
}

/// A job that its client then knows of: the next request that is equal means another.
pub(super) fn fetched(app: &App, owner: &Owner, id: &str) -> Result<Job, Problem> {
    let job = source::job(app, owner, id)?;
    if !job.is_fetched
        && let Err(error) = app.jobs.mark_fetched(&job.id)
    {
        // Whoever asks is told also while the disk is full.
        app.journal.event("store_error", json!({ "error": error.to_string() }));
    }
    Ok(job)
}

/// A job as clients see it now.
pub(super) fn seen(app: &App, job: &Job) -> Video {
    let links = (job.status == Status::Completed).then(|| links::of(app, &job.id));
    let mut video = Video::of(job, app.live.moment(&job.id).as_ref(), links);
    video.kinora.notes.extend(app.jobs.lack(job));
    video
}

/// A job, and how long to wait before asking again: the SDKs take the first word on that for all times.
pub(super) fn answer(app: &App, job: &Job) -> Result<Response, Problem> {
    let mut response = (Extension(About(vec![job.id.clone()])), Json(seen(app, job))).into_response();
    if !job.status.is_end() {
        let (_, seconds_before) = before(app, job)?;
        let wait = HeaderValue::from(poll_after_ms(seconds_before + seconds_left(app, job)));
        response.headers_mut().insert("openai-poll-after-ms", wait);
    }
    Ok(response)
}

/// A twentieth of the time that it takes, within what is neither a burden nor too late.
fn poll_after_ms(seconds: f64) -> u64 {
    let milliseconds = seconds * 1000.0 / 20.0;
    // What is no number is the least.
    if milliseconds.is_nan() { 500 } else { milliseconds.clamp(500.0, 10_000.0) as u64 }
}

/// What goes beyond OpenAI's fields; fields that nobody knows are refused where that is wanted.
pub(super) fn extensions<T: PartialSchema>(app: &App, body: &Body) -> Result<Extensions, Problem> {
    let extensions: Extensions = body.fields()?;
    if app.settings.strict || extensions.is_strict == Some(true) {
        let known = [names::<T>(), names::<Extensions>()].concat();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        if let Some(name) = body.unknown_field(&known) {
            let name: String = name.chars().take(64).collect();
            let message = format!("Unknown parameter: '{name}'.");
            return Err(Problem::bad(message).param(&name).code("unknown_parameter"));
        }
    }
    Ok(extensions)
}

/// The fields of a type, as its description has them.
fn names<T: PartialSchema>() -> Vec<String> {
    let schema = serde_json::to_value(T::schema()).unwrap_or_default();
    schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

/// The size in either of its forms.
pub(super) fn size(size: Option<Size>, extensions: &Extensions) -> Result<Option<Size>, Problem> {
    match (size, extensions.size()?) {
        (Some(size), Some(other)) if size != other => Err(Problem::value(
            "width",
            format!("expected a size that 'size' does not contradict, which is {size}"),
        )),
        (size, other) => Ok(size.or(other)),
    }
}

/// Refuses a length that is none.
pub(super) fn checked_seconds(seconds: Option<f64>) -> Result<Option<f64>, Problem> {
    match seconds {
        Some(seconds) if !(seconds > 0.0 && seconds.is_finite()) => {
            Err(Problem::value("seconds", "expected more than 0"))
        }
        seconds => Ok(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_to_wait_as_long_as_it_makes_sense() {
        assert_eq!([0.0, 20.0, 100.0, 1e9, f64::NAN].map(poll_after_ms), [500, 1000, 5000, 10_000, 500]);
    }

    #[test]
    fn fields_are_known_by_their_description() {
        let names = [names::<CreateVideo>(), names::<Extensions>()].concat();
        for name in
            ["prompt", "input_reference", "characters", "seed", "loop", "strict", "num_inference_steps"]
        {
            assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
        }
    }
}
