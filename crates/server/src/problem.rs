//! What a client is told when something is not done: always OpenAI's envelope, with all of its keys.

use std::{fmt, io};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    maker::{Kind, Refusal},
    store::{Failure, StoreError},
};

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    error: Box<ErrorBody>,
    /// Seconds.
    retry_after: Option<u64>,
    /// For what clients would try again of themselves, and should not.
    is_final: bool,
    /// For the log, and not for the client.
    cause: Option<Box<str>>,
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ErrorAnswer {
    /// The error.
    pub error: ErrorBody,
}

/// An error. All keys are always there.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// For people.
    pub message: String,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The field of the request.
    pub param: Option<String>,
    /// A word for programs.
    pub code: Option<String>,
}

/// Why a request failed inside, beside the answer: for the log.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

/// The jobs that an answer is about, by their names: for the log, where a request and its jobs are found by each other.
#[derive(Clone, Debug)]
pub struct About(pub Vec<String>);

impl Problem {
    /// Of any status.
    pub fn new(status: StatusCode, message: impl fmt::Display) -> Self {
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        let error = Box::new(ErrorBody { message: message.to_string(), kind, param: None, code: None });
        Self { status, error, retry_after: None, is_final: false, cause: None }
    }

    /// A request that makes no sense.
    pub fn bad(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A value of a field that cannot be.
    pub fn value(param: &str, message: impl fmt::Display) -> Self {
        Self::bad(format!("Invalid value for '{param}': {message}.")).param(param).code("invalid_value")
    }

    /// Something that is not there.
    pub fn missing(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, message).code("not_found")
    }

    /// A thing of that name that is not there.
    pub fn no_such(what: &str, id: &str) -> Self {
        // What is asked for may be anything, and any length.
        let id: String = id.chars().take(64).collect();
        Self::missing(format!("No such {what}: {id}"))
    }

    /// More than is taken.
    pub fn too_large(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("too_large")
    }

    /// Something else that is going on.
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self { is_final: true, ..Self::new(StatusCode::CONFLICT, message) }
    }

    /// A fault of the server's; the client is not told which.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let message = "The server failed on this request; its log says why.";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).code(Failure::INTERNAL);
        Self { cause: Some(cause.to_string().into()), ..problem }
    }

    /// No room on the disk, which no request changes that is sent again.
    pub fn disk_full() -> Self {
        let message = "The server's disk is full: nothing more is accepted until there is room on it.";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, message).code("disk_full").last_word()
    }

    /// Something that the server needs and that comes back by itself; the client is not told what it is.
    pub fn away(cause: impl fmt::Display) -> Self {
        /// Seconds.
        const PAUSE: u64 = 5;
        let message = "The record of the videos cannot be reached now; try again.";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, message).code("unavailable");
        Self { cause: Some(cause.to_string().into()), ..problem }.retry_after(PAUSE)
    }

    /// The field that it is about.
    pub fn param(mut self, param: &str) -> Self {
        self.error.param = Some(param.to_owned());
        self
    }

    /// A word for programs.
    pub fn code(mut self, code: &str) -> Self {
        self.error.code = Some(code.to_owned());
        self
    }

    /// To be tried again in so many seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Not to be tried again.
    pub fn last_word(self) -> Self {
        Self { is_final: true, ..self }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if disk::is_full(&error) { Self::disk_full() } else { Self::internal(error) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(_) => Self::away(error),
            error if error.is_full() => Self::disk_full(),
            error => Self::internal(error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, kind, code) = refusal.kind.in_http();
        let problem = Self::new(status, &refusal.message);
        let (param, own) = match refusal.kind {
            Kind::BadRequest { param, code } => (param, code),
            _ => (None, None),
        };
        let code = own.or_else(|| code.map(str::to_owned));
        Self { error: Box::new(ErrorBody { kind, param, code, ..*problem.error }), ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, error, retry_after, is_final, cause } = self;
        let mut response = (status, Json(ErrorAnswer { error: *error })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if is_final {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(Cause(cause.into()));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_are_always_there() {
        for problem in
            [Problem::bad("x"), Problem::internal("secret"), Refusal::new(Kind::TooLarge, "x").into()]
        {
            let json = serde_json::to_value(ErrorAnswer { error: *problem.error }).unwrap();
            let keys: Vec<_> = json["error"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys.len(), 4, "{keys:?}");
            assert!(!json.to_string().contains("secret"));
        }
    }

    #[test]
    fn what_would_be_refused_again_is_not_tried_again() {
        for kind in [Kind::TooLarge, Kind::OutOfMemory, Kind::Unsupported] {
            let status = Problem::from(Refusal::new(kind, "x")).status.as_u16();
            assert!(![408, 409, 429].contains(&status) && status < 500, "{status}");
        }
        let problem = Problem::from(Refusal::bad("size", "too small"));
        assert_eq!(
            (problem.error.param.as_deref(), problem.error.code.as_deref()),
            (Some("size"), Some("invalid_value"))
        );
    }
}
