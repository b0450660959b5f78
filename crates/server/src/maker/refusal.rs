//! Why something is not made, and the one table of what that is in HTTP.

use std::fmt;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::store::Failure;

/// Why a request or a job was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason it is.
    pub kind: Kind,
    /// The reason, for the user: what was expected, what was found, what to do.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A value that cannot be served.
    BadRequest {
        /// The field of the request, as the client wrote it.
        param: Option<String>,
        /// A word for programs, such as `invalid_value`.
        code: Option<String>,
    },
    /// More than the server takes or makes: pixels, frames, bytes.
    TooLarge,
    /// More memory than there is.
    OutOfMemory,
    /// Something that this model cannot do, and another one might.
    Unsupported,
    /// The observer said `Break`.
    Cancelled,
    /// A fault of the server's.
    Internal,
}

impl Refusal {
    /// A reason of that kind.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string() }
    }

    /// A value of the field `param` that cannot be served.
    pub fn bad(param: &str, message: impl fmt::Display) -> Self {
        let kind = Kind::BadRequest { param: Some(param.to_owned()), code: Some("invalid_value".to_owned()) };
        Self::new(kind, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl Kind {
    /// The status of an answer, OpenAI's `type` of the error, and its `code` where the kind itself brings none.
    ///
    /// Clients try again after 408, 409, 429 and every 5xx: what would be refused again must be none of these.
    pub(crate) fn in_http(&self) -> (StatusCode, &'static str, Option<&'static str>) {
        const REQUEST: &str = "invalid_request_error";
        match self {
            Self::BadRequest { .. } => (StatusCode::BAD_REQUEST, REQUEST, None),
            Self::Unsupported => (StatusCode::BAD_REQUEST, REQUEST, Some("unsupported")),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, REQUEST, Some("too_large")),
            Self::OutOfMemory => (StatusCode::UNPROCESSABLE_ENTITY, REQUEST, Some("out_of_memory")),
            Self::Cancelled => (StatusCode::CONFLICT, REQUEST, Some("cancelled")),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", Some(Failure::INTERNAL)),
        }
    }
}
