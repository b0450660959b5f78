//! Webhook endpoints.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lenient;
use crate::{
    hooks::{Event, secret_hint},
    problem::Problem,
    store,
};

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateEndpoint {
    /// Its name for people.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is told.
    pub event_types: Vec<String>,
}

/// What changes of an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeEndpoint {
    /// Its name for people.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub url: Option<String>,
    /// What it is told.
    #[serde(default)]
    pub event_types: Option<Vec<String>>,
}

/// A new secret.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RotateSecret {
    /// Whether messages are signed with the old one too, for a day.
    #[serde(default, deserialize_with = "lenient::value")]
    pub keep_old_secret_active_for_24_hours: Option<bool>,
}

/// A message for a trial.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TestEndpoint {
    /// What it tells.
    pub event_type: String,
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Endpoint {
    /// Its name for programs.
    pub id: String,
    /// `webhook_endpoint`.
    pub object: &'static str,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is told.
    pub event_types: Vec<String>,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub updated_at: i64,
    /// The end of the secret.
    pub signing_secret_hint: String,
    /// The secret, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

impl Endpoint {
    /// With its secret, or without.
    pub fn of(endpoint: store::Endpoint, shows_secret: bool) -> Self {
        let store::Endpoint { id, name, url, event_types, secret, created_at, updated_at, .. } = endpoint;
        let signing_secret_hint = secret_hint(&secret);
        let signing_secret = shows_secret.then_some(secret);
        let object = "webhook_endpoint";
        Self {
            id,
            object,
            name,
            url,
            event_types,
            created_at,
            updated_at,
            signing_secret_hint,
            signing_secret,
        }
    }
}

/// What became of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestResult {
    /// `webhook_endpoint.test`.
    pub object: &'static str,
    /// The endpoint.
    pub webhook_endpoint_id: String,
    /// What it was told.
    pub event_type: String,
    /// What it answered.
    pub status_code: u16,
    /// True: it answered.
    pub success: bool,
}

/// What endpoints can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventTypes {
    /// `list`.
    pub object: &'static str,
    /// Their names.
    pub data: Vec<&'static str>,
}

/// The event of that name.
///
/// # Errors
/// A name that is none.
pub fn event_of(param: &str, name: &str) -> Result<Event, Problem> {
    let event = Event::ALL.into_iter().find(|event| event.name() == name);
    event.ok_or_else(|| {
        let known = Event::ALL.map(Event::name).join(", ");
        Problem::value(param, format!("expected {known}"))
    })
}

/// Refuses a list that is empty or has names that are none.
///
/// # Errors
/// Such a list.
pub fn check_event_types(names: &[String]) -> Result<(), Problem> {
    if names.is_empty() {
        return Err(Problem::value("event_types", "expected one or more"));
    }
    names.iter().try_for_each(|name| event_of("event_types", name).map(drop))
}

/// Refuses a name that is empty or long.
///
/// # Errors
/// Such a name.
pub fn check_endpoint_name(name: &str) -> Result<(), Problem> {
    match name.chars().count() {
        1..=200 => Ok(()),
        _ => Err(Problem::value("name", "expected 1 to 200 characters")),
    }
}
