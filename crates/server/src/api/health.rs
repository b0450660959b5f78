//! What watches the server: whether it lives, whether it works, and its numbers.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::{
    app::App,
    metrics::{label_text, memory},
    problem::Problem,
    store::StoreError,
};

/// These paths.
pub fn router(app: Arc<App>) -> Router {
    let router = Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready));
    router.route("/metrics", get(metrics)).with_state(app)
}

/// Whether jobs can be accepted and made.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let wrong = app.blocking(|app| {
        Ok(match app.jobs.counts() {
            Err(StoreError::Away(_)) => Some("NATS cannot be reached".to_owned()),
            Err(_) => Some("the record of the jobs cannot be read".to_owned()),
            Ok(_) if app.phase.is_stopping() => Some("the server is stopping".to_owned()),
            Ok(_) => app.maker.ready().err(),
        })
    });
    match wrong.await {
        Ok(None) => Json(json!({ "ready": true })).into_response(),
        Ok(Some(reason)) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason })))
                .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.blocking(|app| {
        let jobs = app.jobs.counts()?;
        let jobs =
            jobs.iter().map(|(status, count)| (label_text(&[("status", status.name())]), *count as f64));
        let one = |value: f64| vec![(String::new(), value)];
        let waiting = app.jobs.waiting()?;
        let seconds: f64 = waiting.iter().map(|job| job.seconds).fold(0.0, |sum, seconds| sum + seconds);
        let oldest = waiting.first().map_or(0, |job| crate::clock::now_ms() - job.since);
        let (memory, most) = memory().unwrap_or_default();
        let text = app.metrics.text(&[
            ("kinora_jobs", "Jobs by their status", jobs.collect()),
            ("kinora_queue_seconds", "Seconds of work that wait", one(seconds)),
            (
                "kinora_queue_oldest_seconds",
                "Seconds that the first job of the queue has waited",
                one(oldest as f64 / 1000.0),
            ),
            ("kinora_disk_bytes", "Bytes of all jobs and characters", one(app.jobs.bytes()? as f64)),
            (
                "kinora_disk_quota_bytes",
                "Bytes that these may have",
                one((app.settings.quota_mib << 20) as f64),
            ),
            ("kinora_memory_bytes", "Memory of the process", one(memory as f64)),
            ("kinora_memory_peak_bytes", "The most memory that the process had", one(most as f64)),
        ]);
        Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
    })
    .await
}
