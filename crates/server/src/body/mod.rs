//! Bodies of requests: JSON or a form of several parts, both become one JSON object and the files beside it.
//!
//! A form's keys say where in the object a value belongs: `input_reference[image_url]`, `characters[][id]`. Its values are
//! texts, whatever they mean; the types of [`wire`](crate::wire) read numbers and truth values from texts too.

mod brackets;
mod form;
mod patient;
mod upload;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use upload::{Sniffed, Upload};

use crate::{
    app::{App, BODY_UNIT},
    problem::Problem,
};

/// What a request brings.
#[derive(Debug)]
pub struct Body {
    /// An object.
    fields: Value,
    files: BTreeMap<String, Upload>,
}

/// Bytes of the longest body without files: a picture as a data URL, and its prompt.
const MAX_JSON_BYTES: usize = 32 << 20;

impl FromRequest<Arc<App>> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let limit = Duration::from_secs(app.settings.body_seconds);
        let patience = Duration::from_secs(app.settings.header_seconds);
        let request = request.map(|body| patient::Patient::body(body, patience));
        let late =
            || Problem::new(StatusCode::REQUEST_TIMEOUT, "The request did not come to its end in time.");
        tokio::time::timeout(limit, Self::read(request, app)).await.map_err(|_| late())?
    }
}

impl Body {
    async fn read(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = media_type(request.headers());
        match kind.as_str() {
            "multipart/form-data" => form::read(request, app).await,
            "application/json" => Self::read_json(request, app).await,
            _ => {
                let message =
                    format!("Expected a body of application/json or multipart/form-data, found '{kind}'.");
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).code("unsupported_media_type"))
            }
        }
    }

    async fn read_json(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        // The longest, unless it says less.
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length =
            length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok()).unwrap_or(MAX_JSON_BYTES);
        if length > MAX_JSON_BYTES {
            return Err(too_long(MAX_JSON_BYTES));
        }
        let units = u32::try_from(length.div_ceil(BODY_UNIT)).unwrap_or(u32::MAX);
        let budget = app.body_budget.clone().acquire_many_owned(units).await;
        let _budget = budget.map_err(Problem::internal)?;
        let bytes = bytes(request, app).await?;
        if bytes.len() > MAX_JSON_BYTES {
            return Err(too_long(MAX_JSON_BYTES));
        }
        Self::from_json(&bytes)
    }

    fn from_json(bytes: &[u8]) -> Result<Self, Problem> {
        let invalid = |message: String| Problem::bad(message).code("invalid_json");
        let fields = serde_json::from_slice(bytes);
        let fields: Value =
            fields.map_err(|error| invalid(format!("The body of the request is not JSON: {error}.")))?;
        match fields.is_object() {
            true => Ok(Self { fields, files: BTreeMap::new() }),
            false => Err(invalid("The body of the request is not a JSON object.".into())),
        }
    }

    /// The fields as a type has them; others are passed over.
    ///
    /// # Errors
    /// What is missing or is of another kind, by its name.
    pub fn fields<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(&self.fields).map_err(|error| {
            let (path, reason) = (error.path().to_string(), error.inner().to_string());
            if let Some(name) = reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
            {
                let name = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
                let message = format!("Missing required parameter: '{name}'.");
                return Problem::bad(message).param(&name).code("missing_required_parameter");
            }
            let code = if reason.starts_with("invalid type") { "invalid_type" } else { "invalid_value" };
            // What was sent may be long.
            let reason: String = reason.chars().take(300).collect();
            Problem::bad(format!("Invalid value for '{path}': {reason}.")).param(&path).code(code)
        })
    }

    /// A field that is none of these.
    pub fn unknown_field(&self, known: &[&str]) -> Option<String> {
        let names =
            self.fields.as_object().into_iter().flat_map(|fields| fields.keys()).chain(self.files.keys());
        names.into_iter().find(|name| !known.contains(&name.as_str())).cloned()
    }

    /// A file by the name of its field.
    pub fn take_file(&mut self, name: &str) -> Option<Upload> {
        self.files.remove(name)
    }

    /// The hash of all that it says: of equal requests it is equal, however they are written down.
    pub fn fingerprint(&self, route: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        add(route.as_bytes());
        let mut fields = self.fields.clone();
        fields.sort_all_objects();
        add(fields.to_string().as_bytes());
        for (name, file) in &self.files {
            add(name.as_bytes());
            add(file.sha256());
        }
        hasher.finalize().into()
    }
}

/// In lower case, without parameters; JSON if nothing is said, as it is with `curl --json` left out by mistake.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.unwrap_or("application/json").split(';').next().unwrap_or_default();
    value.trim().to_ascii_lowercase()
}

async fn bytes(request: Request, app: &Arc<App>) -> Result<Bytes, Problem> {
    Bytes::from_request(request, app).await.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_long(MAX_JSON_BYTES),
        _ => Problem::bad("The body of the request could not be read."),
    })
}

fn too_long(most: usize) -> Problem {
    Problem::too_large(format!("The request is longer than {most} bytes, the most that is taken."))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Wanted {
        prompt: String,
        characters: Option<Vec<Character>>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Character {
        id: String,
    }

    fn told(json: &str) -> String {
        let body = Body::from_json(json.as_bytes());
        format!("{:?}", body.and_then(|body| body.fields::<Wanted>()))
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(told("{}").contains("Missing required parameter: 'prompt'"));
        let message = told(r#"{"prompt": 5}"#);
        assert!(message.contains("invalid_type") && message.contains("Some(\"prompt\")"), "{message}");
        let message = told(r#"{"prompt": "", "characters": [{}]}"#);
        assert!(message.contains("'characters[0].id'"), "{message}");
        for json in ["", "[]", "5", "{", "null", "\"\"", "{\"a\":1}{}"] {
            assert!(told(json).contains("invalid_json"), "{json}");
        }
        // As deep as the parser goes.
        assert!(told(&("{\"a\":".repeat(10_000) + "1")).contains("invalid_json"));
    }

    #[test]
    fn equal_requests_are_equal_however_they_are_written() {
        let print = |json: &str, route: &str| Body::from_json(json.as_bytes()).unwrap().fingerprint(route);
        let one = print(r#"{"prompt": "a", "seconds": "4"}"#, "/videos");
        assert_eq!(one, print(r#"{ "prompt":"\u0061","seconds":"4"}"#, "/videos"));
        assert_eq!(one, print(r#"{"seconds": "4", "prompt": "a"}"#, "/videos"));
        assert_ne!(one, print(r#"{"prompt": "b", "seconds": "4"}"#, "/videos"));
        assert_ne!(one, print(r#"{"prompt": "a", "seconds": "4"}"#, "/videos/edits"));
    }
}
