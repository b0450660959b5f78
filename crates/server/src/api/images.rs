//! Pictures: a video of one frame, for which the client waits.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::{
    caller::{Caller, Retry},
    links, source,
    videos::{extensions, size},
};
use crate::{
    app::App,
    body::Body,
    clock,
    jobs::{self, Order, accept},
    keys::Owner,
    maker::{Size, Task},
    problem::{About, ErrorAnswer, Problem},
    store::Job,
    wire::{Extensions, ImageAnswer, ImageData, MakeImage, check_prompt},
};

/// How often to look, if nobody tells of the picture.
const LOOK: Duration = Duration::from_secs(1);

/// A request for a picture, with what goes beyond OpenAI's fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct MakeImageRequest {
    #[serde(flatten)]
    image: MakeImage,
    #[serde(flatten)]
    extensions: Extensions,
}

/// Makes a picture of a text
#[utoipa::path(
    post, path = "/v1/images/generations", tag = "images", security(("key" = [])),
    request_body(content((MakeImageRequest = "application/json"), (MakeImageRequest = "multipart/form-data"))),
    responses((status = 200, body = ImageAnswer), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn make(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    retry: Retry,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<About>, Json<ImageAnswer>), Problem> {
    let fields: MakeImage = body.fields()?;
    let is_link = match fields.response_format.as_deref() {
        None | Some("b64_json") => false,
        Some("url") => true,
        Some(_) => return Err(Problem::value("response_format", "expected 'b64_json' or 'url'")),
    };
    if fields.output_format.as_deref().is_some_and(|format| format != "png") {
        return Err(Problem::value("output_format", "expected 'png'").code("unsupported"));
    }
    let count = fields.n.unwrap_or(1);
    if !(1..=4).contains(&count) {
        return Err(Problem::value("n", "expected 1 to 4"));
    }
    let whose = owner.clone();
    let jobs = app.blocking(move |app| order(app, &whose, retry, &body, fields, count)).await?;
    // From here on a client that goes away takes its pictures back.
    let mut wanted =
        Wanted { app: &app, owner: &owner, ids: jobs.iter().map(|job| job.id.clone()).collect() };
    let mut data = Vec::new();
    let mut shown = String::new();
    for job in &jobs {
        let job = done(&app, &job.id).await?;
        if let Some(failure) = &job.failure {
            let status = if failure.is_internal() { 500 } else { 400 };
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return Err(Problem::new(status, &failure.message).code(&failure.code).last_word());
        }
        shown = job.record.size.to_string();
        data.push(match is_link {
            true => ImageData { b64_json: None, url: Some(link(&app, &headers, &job.id)) },
            false => {
                let of = job.clone();
                let path = app.blocking(move |app| source::output(app, &of)).await?;
                let bytes = tokio::fs::read(path).await.map_err(Problem::internal)?;
                // Nobody can ask for it again.
                let (whose, id) = (owner.clone(), job.id.clone());
                app.blocking(move |app| Ok(jobs::remove(app, &whose, &id)?)).await?;
                ImageData { b64_json: Some(BASE64_STANDARD.encode(bytes)), url: None }
            }
        });
    }
    let about = About(std::mem::take(&mut wanted.ids));
    let answer = ImageAnswer { created: clock::now(), data, output_format: "png", size: shown };
    Ok((Extension(about), Json(answer)))
}

/// Puts the pictures into the queue.
fn order(
    app: &Arc<App>,
    owner: &Owner,
    retry: Retry,
    body: &Body,
    fields: MakeImage,
    count: u64,
) -> Result<Vec<Job>, Problem> {
    let extensions = extensions::<MakeImage>(app, body)?;
    check_prompt(&fields.prompt)?;
    let model = app.model(fields.model.as_deref())?;
    let asked: Option<Size> = match fields.size.as_deref() {
        None | Some("auto") => None,
        Some(text) => {
            Some(text.parse().map_err(|expected| Problem::value("size", format!("expected {expected}")))?)
        }
    };
    let size = size(asked, &extensions)?;
    let extras = extensions.extras(app.settings.strict)?;
    let mut jobs = Vec::new();
    for index in 0..count {
        let mut repeat =
            retry.clone().repeat(app, owner.clone(), body.fingerprint(&format!("/images/{index}")));
        // The picture goes with the answer: there is nothing to find again. The name of a request is for videos.
        (repeat.key, repeat.since) = (None, None);
        let job = accept(
            app,
            Order {
                repeat,
                task: Task::Image,
                prompt: fields.prompt.clone(),
                model: fields.model.clone().unwrap_or_else(|| model.id.clone()),
                served: model.id.clone(),
                seconds: None,
                size,
                extras: crate::maker::Extras {
                    num_frames: Some(1),
                    // The same picture several times is of no use to anybody.
                    seed: extras.seed.map(|seed| seed.wrapping_add(index)),
                    ..extras.clone()
                },
                inputs: Vec::new(),
                source: None,
            },
        );
        match job {
            Ok(job) => jobs.push(job),
            Err(problem) => {
                jobs.iter().for_each(|job| drop(app.jobs.cancel(owner, &job.id)));
                return Err(problem);
            }
        }
    }
    Ok(jobs)
}

/// Pictures that somebody waits for.
struct Wanted<'a> {
    app: &'a Arc<App>,
    owner: &'a Owner,
    ids: Vec<String>,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let (app, owner, ids) = (self.app.clone(), self.owner.clone(), std::mem::take(&mut self.ids));
        // Without a runtime the server is at its end, and the next start takes them back.
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !ids.is_empty()
        {
            runtime.spawn_blocking(move || {
                for id in &ids {
                    // At worst they are made for nobody.
                    let _ = app.jobs.cancel(&owner, id);
                    app.live.cancel(id);
                }
            });
        }
    }
}

/// Waits until a job ends.
async fn done(app: &Arc<App>, id: &str) -> Result<Job, Problem> {
    let mut news = app.live.watch();
    loop {
        let of = id.to_owned();
        let job =
            app.blocking(move |app| app.jobs.get(&of)?.ok_or_else(|| Problem::no_such("image", &of))).await?;
        if job.status.is_end() {
            return Ok(job);
        }
        if app.phase.is_stopping() {
            let message = "The server is stopping.";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(5));
        }
        loop {
            match tokio::time::timeout(LOOK, news.recv()).await {
                Ok(Ok(news)) if *news.id != *id => {}
                Ok(Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed)) | Err(_) => break,
            }
        }
    }
}

/// Where a picture is, for a while.
fn link(app: &App, headers: &HeaderMap, id: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let base = match app.settings.public_url.trim_end_matches('/') {
        "" => format!("http://{}", host.map_or_else(|| app.settings.address().to_string(), str::to_owned)),
        url => url.to_owned(),
    };
    base + &links::to(app, id)
}
