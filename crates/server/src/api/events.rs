//! What happens to a video, as it happens: server-sent events.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::{Path, State},
    response::sse::{Event, KeepAlive, KeepAliveStream, Sse},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::{broadcast::error::RecvError, mpsc};
use utoipa::ToSchema;

use super::{
    caller::Caller,
    videos::{fetched, seen},
};
use crate::{
    app::App,
    jobs::News,
    problem::{ErrorAnswer, Problem},
    store::Status,
};

/// Events that wait for a client who is slow.
const WAITING: usize = 8;

/// How often to look whether the server stops.
const LOOK: Duration = Duration::from_secs(1);

/// An event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct WatchEvent {
    /// `progress`, `preview`, `completed` or `failed`.
    event: String,
    /// The video, or of `preview` its id and `image_url`, as JSON.
    data: String,
}

/// A picture of what is being made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewEvent {
    /// The video.
    pub id: String,
    /// The picture, as a data URL.
    pub image_url: String,
}

/// Tells what happens to a video until it is completed or has failed
///
/// Events: `progress` (data: the video), `preview` (data: its id and `image_url`), and at the end `completed` or `failed`
/// (data: the video).
#[utoipa::path(
    get, path = "/v1/videos/{id}/events", tag = "videos beyond OpenAI's", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, content((WatchEvent = "text/event-stream"))), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn watch(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Sse<KeepAliveStream<Receiver>>, Problem> {
    // Before it is asked how things are, so that nothing is missed between.
    let news = app.live.watch();
    let job = app.blocking(move |app| fetched(app, &owner, &id)).await?;
    let (events, receiver) = mpsc::channel(WAITING);
    tokio::spawn(tell(app, job.id, news, events));
    Ok(Sse::new(Receiver(receiver)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// Sends an event for each change, until the end, or until nobody listens.
async fn tell(
    app: Arc<App>,
    id: String,
    mut news: tokio::sync::broadcast::Receiver<News>,
    events: mpsc::Sender<Event>,
) {
    let (mut last, mut previews) = (None, 0);
    while !app.phase.is_stopping() {
        let (asked, of) = (app.clone(), id.clone());
        let now = asked
            .blocking(move |app| Ok(app.jobs.get(&of)?.map(|job| (seen(app, &job), app.live.moment(&of)))));
        // One that was removed meanwhile has no more to tell.
        let Ok(Some((video, moment))) = now.await else { return };
        if let Some(moment) = moment
            && let Some(preview) = moment.preview
            && moment.previews > previews
        {
            previews = moment.previews;
            let image_url =
                format!("data:{};base64,{}", preview.media_type, BASE64_STANDARD.encode(&preview.bytes));
            let event =
                Event::default().event("preview").json_data(PreviewEvent { id: id.clone(), image_url });
            if !send(&events, event).await {
                return;
            }
        }
        let name = match video.status {
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Queued | Status::InProgress => "progress",
        };
        let is_end = video.status.is_end();
        if last.as_ref() != Some(&video) {
            if !send(&events, Event::default().event(name).json_data(&video)).await {
                return;
            }
            last = Some(video);
        }
        if is_end {
            return;
        }
        if !next(&app, &id, &mut news, &events).await {
            return;
        }
    }
}

async fn send(events: &mpsc::Sender<Event>, event: Result<Event, axum::Error>) -> bool {
    match event {
        Ok(event) => events.send(event).await.is_ok(),
        Err(_) => false,
    }
}

/// Waits until something about the video has changed. Whether somebody still listens.
async fn next(
    app: &App,
    id: &str,
    news: &mut tokio::sync::broadcast::Receiver<News>,
    events: &mpsc::Sender<Event>,
) -> bool {
    while !app.phase.is_stopping() && !events.is_closed() {
        match tokio::time::timeout(LOOK, news.recv()).await {
            Ok(Ok(news)) if *news.id == *id => return true,
            // So much was missed that it must be asked again.
            Ok(Err(RecvError::Lagged(_))) => return true,
            Ok(Err(RecvError::Closed)) => return false,
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    false
}

/// Events as they come.
#[derive(Debug)]
pub struct Receiver(mpsc::Receiver<Event>);

impl Stream for Receiver {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
