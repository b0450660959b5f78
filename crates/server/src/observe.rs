//! Around every request: its name, who it is from, a line about it, and its count.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    api,
    app::App,
    drain::Rest,
    ids::Sort,
    problem::{About, Cause, Problem},
};

/// Letters of a path that are written down.
const LONGEST_PATH: usize = 120;

/// Lets a request through, if it may.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = Sort::Request.name();
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(LONGEST_PATH).collect();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut owner = None;
    let rest = Rest::default();
    let mut request = rest.lend(request);
    let mut response = match is_open(&method, request.uri().path()) {
        true => next.run(request).await,
        false => match api::check_caller(&app, request.uri(), request.headers()) {
            Ok(caller) => {
                owner = Some(caller.0.clone());
                request.extensions_mut().insert(caller);
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        },
    };
    rest.drain().await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    headers.insert("openai-processing-ms", HeaderValue::from((seconds * 1000.0) as u64));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    let route = route.as_deref().unwrap_or("none");
    let labels = [("method", known(&method)), ("route", route), ("status", &status.to_string())];
    app.metrics.add("kinora_http_requests_total", &labels, 1.0);
    app.metrics.add("kinora_http_request_seconds_total", &[("route", route)], seconds);
    let cause = response.extensions_mut().remove::<Cause>().map(|Cause(cause)| cause);
    let jobs = response.extensions_mut().remove::<About>().map(|About(jobs)| jobs.join(","));
    app.journal.event(
        "request",
        json!({
            "id": id, "method": method.as_str(), "path": path, "status": status, "seconds": seconds, "owner": owner,
            "job": jobs, "cause": cause,
        }),
    );
    response
}

/// A method by its name; all that nobody here answers to by one: what is counted does not grow with what strangers think of.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// What everybody may see: the page, the description, whether the server lives, and files by a signed link.
fn is_open(method: &Method, path: &str) -> bool {
    let is_link = path.starts_with("/v1/links/") && (method == Method::GET || method == Method::HEAD);
    !path.starts_with("/v1/") && path != "/metrics" || is_link
}

/// A handler that panicked is a request that failed, and nothing more.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("a panic, see above").into_response()
}
