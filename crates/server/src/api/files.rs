//! Files over HTTP: whole, or the part that is asked for, so that players can jump; and queries.

mod range;

use std::{io::SeekFrom, path::PathBuf};

use axum::{
    body::Body,
    extract::{FromRequestParts, Query},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
            ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use crate::problem::Problem;
use range::Range;

/// A query, whose faults are told as all others.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|rejection| {
            let message: String = rejection.body_text().chars().take(300).collect();
            Problem::bad(message).code("invalid_query")
        })?;
        Ok(Self(query))
    }
}

/// A file to be sent.
#[derive(Clone, Debug)]
pub struct Served {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub media_type: &'static str,
    /// Of its content, with the quotation marks.
    pub etag: String,
    /// What it is called where it is kept.
    pub name: String,
}

/// Sends a file, or the part of it that is asked for, or word that the client has it.
///
/// # Errors
/// A file that is gone.
pub async fn send(served: Served, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
    let gone = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Problem::missing("The file is gone."),
        _ => Problem::internal(error),
    };
    let mut file = File::open(&served.path).await.map_err(gone)?;
    let length = file.metadata().await.map_err(Problem::internal)?.len();
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut response = Response::default();
    let answer = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(Problem::internal);
    answer.insert(ETAG, value(&served.etag)?);
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // It never changes, and is nobody else's.
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    if header(IF_NONE_MATCH).is_some_and(|tags| is_among(tags, &served.etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(served.media_type));
    answer.insert(CONTENT_DISPOSITION, value(&format!("inline; filename=\"{}\"", served.name))?);
    // A part of another content is of no use to anybody.
    let range = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|tag| tag == served.etag));
    let (first, count) = match range.map_or(Range::Whole, |range| Range::of(range, length)) {
        Range::Whole => (0, length),
        Range::Part { first, last } => {
            answer.insert(CONTENT_RANGE, value(&format!("bytes {first}-{last}/{length}"))?);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (first, last - first + 1)
        }
        Range::Outside => {
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "The file has no such part.");
            let mut response = problem.code("invalid_range").into_response();
            response.headers_mut().insert(CONTENT_RANGE, value(&format!("bytes */{length}"))?);
            return Ok(response);
        }
    };
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(count));
    if method != Method::HEAD {
        file.seek(SeekFrom::Start(first)).await.map_err(Problem::internal)?;
        *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(file.take(count), 64 << 10));
    }
    Ok(response)
}

/// Whether a tag is in a list of them; a weak one counts as well here.
fn is_among(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
