//! Webhook endpoints: where the news of videos goes.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};

use super::{caller::Caller, files::Params};
use crate::{
    app::App,
    body::Body,
    clock,
    hooks::{self, Event},
    ids::Sort,
    keys::Owner,
    problem::{ErrorAnswer, Problem},
    store::{self, EndpointChange},
    wire::{
        ChangeEndpoint, CreateEndpoint, Deleted, Endpoint, EventTypes, List, ListQuery, RotateSecret,
        TestEndpoint, TestResult, check_endpoint_name, check_event_types, event_of,
    },
};

/// Endpoints of one owner, at most.
const MOST: u32 = 100;

/// Seconds for which an old secret still counts, where that is wanted.
const DAY: i64 = 24 * 3600;

/// Keeps an endpoint, and shows its secret this once
#[utoipa::path(
    post, path = "/v1/webhook_endpoints", tag = "webhooks", security(("key" = [])),
    request_body = CreateEndpoint,
    responses((status = 200, body = Endpoint), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    body: Body,
) -> Result<Json<Endpoint>, Problem> {
    app.blocking(move |app| {
        let CreateEndpoint { name, url, event_types } = body.fields()?;
        check_endpoint_name(&name)?;
        check_url(app, &url)?;
        check_event_types(&event_types)?;
        let all = store::Cut { after: None, limit: MOST, is_ascending: false };
        if app.records.endpoints(&owner, &all)?.is_some_and(|page| page.data.len() >= MOST as usize) {
            return Err(Problem::bad(format!("You have {MOST} endpoints, the most that are kept.")));
        }
        let now = clock::now();
        let endpoint = store::Endpoint {
            id: Sort::Endpoint.name(),
            owner,
            name,
            url,
            event_types,
            secret: hooks::new_secret(),
            old_secret: None,
            created_at: now,
            updated_at: now,
        };
        app.records.add_endpoint(&endpoint)?;
        Ok(Json(Endpoint::of(endpoint, true)))
    })
    .await
}

/// Lists the endpoints
#[utoipa::path(
    get, path = "/v1/webhook_endpoints", tag = "webhooks", security(("key" = [])), params(ListQuery),
    responses((status = 200, body = List<Endpoint>), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<List<Endpoint>>, Problem> {
    app.blocking(move |app| {
        let cut = query.cut()?;
        let unknown = || Problem::value("after", "expected the name of an endpoint of yours");
        let page = app.records.endpoints(&owner, &cut)?.ok_or_else(unknown)?;
        let endpoints = page.data.into_iter().map(|endpoint| Endpoint::of(endpoint, false)).collect();
        Ok(Json(List::new(endpoints, page.has_more, |endpoint: &Endpoint| &endpoint.id)))
    })
    .await
}

/// Shows an endpoint
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Endpoint), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Endpoint>, Problem> {
    app.blocking(move |app| Ok(Json(Endpoint::of(endpoint(app, &owner, &id)?, false)))).await
}

/// Changes an endpoint
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", security(("key" = [])), params(("id" = String, Path)),
    request_body = ChangeEndpoint,
    responses((status = 200, body = Endpoint), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Endpoint>, Problem> {
    app.blocking(move |app| {
        let ChangeEndpoint { name, url, event_types } = body.fields()?;
        name.as_deref().map_or(Ok(()), check_endpoint_name)?;
        url.as_deref().map_or(Ok(()), |url| check_url(app, url))?;
        event_types.as_deref().map_or(Ok(()), check_event_types)?;
        let change = EndpointChange { name, url, event_types, secret: None };
        changed(app, &owner, &id, change).map(|endpoint| Json(Endpoint::of(endpoint, false)))
    })
    .await
}

/// Removes an endpoint
#[utoipa::path(
    delete, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Deleted>, Problem> {
    app.blocking(move |app| {
        match Sort::Endpoint.is_name(&id) && app.records.remove_endpoint(&owner, &id)? {
            true => Ok(Json(Deleted { id, object: "webhook_endpoint.deleted", deleted: true })),
            false => Err(Problem::no_such("webhook endpoint", &id)),
        }
    })
    .await
}

/// Gives an endpoint a new secret, and shows it this once
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/rotate_secret", tag = "webhooks", security(("key" = [])),
    params(("id" = String, Path)), request_body = RotateSecret,
    responses((status = 200, body = Endpoint), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn rotate_secret(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Endpoint>, Problem> {
    app.blocking(move |app| {
        let fields: RotateSecret = body.fields()?;
        let seconds = if fields.keep_old_secret_active_for_24_hours == Some(true) { DAY } else { 0 };
        let change =
            EndpointChange { secret: Some((hooks::new_secret(), seconds)), ..EndpointChange::default() };
        changed(app, &owner, &id, change).map(|endpoint| Json(Endpoint::of(endpoint, true)))
    })
    .await
}

/// Sends an endpoint a message for a trial
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/test", tag = "webhooks", security(("key" = [])), params(("id" = String, Path)),
    request_body = TestEndpoint,
    responses((status = 200, body = TestResult), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn test(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<TestResult>, Problem> {
    app.blocking(move |app| {
        let TestEndpoint { event_type } = body.fields()?;
        let event = event_of("event_type", &event_type)?;
        let endpoint = endpoint(app, &owner, &id)?;
        let status_code = hooks::test_delivery(&app.net, &endpoint, event).map_err(|reason| {
            let problem =
                Problem::new(StatusCode::BAD_REQUEST, format!("The endpoint did not answer: {reason}."));
            problem.param("url").code("endpoint_unreachable")
        })?;
        let object = "webhook_endpoint.test";
        Ok(Json(TestResult { object, webhook_endpoint_id: id, event_type, status_code, success: true }))
    })
    .await
}

/// Lists what endpoints can be told
#[utoipa::path(
    get, path = "/v1/webhook_event_types", tag = "webhooks", security(("key" = [])),
    responses((status = 200, body = EventTypes), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn event_types(_caller: Caller) -> Json<EventTypes> {
    Json(EventTypes { object: "list", data: Event::ALL.map(Event::name).to_vec() })
}

fn endpoint(app: &App, owner: &Owner, id: &str) -> Result<store::Endpoint, Problem> {
    let known = if Sort::Endpoint.is_name(id) { app.records.endpoint(owner, id)? } else { None };
    known.ok_or_else(|| Problem::no_such("webhook endpoint", id))
}

fn changed(app: &App, owner: &Owner, id: &str, change: EndpointChange) -> Result<store::Endpoint, Problem> {
    let known =
        if Sort::Endpoint.is_name(id) { app.records.change_endpoint(owner, id, change)? } else { None };
    known.ok_or_else(|| Problem::no_such("webhook endpoint", id))
}

fn check_url(app: &App, url: &str) -> Result<(), Problem> {
    /// Letters of the longest URL.
    const LONGEST: usize = 2048;
    if url.len() > LONGEST {
        return Err(Problem::value("url", format!("expected at most {LONGEST} characters")));
    }
    app.net.check_webhook(url).map_err(|reason| Problem::value("url", reason))
}
