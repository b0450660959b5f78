//! Who asks, and whether they may.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
};

use crate::{
    app::App,
    clock,
    config::is_loopback,
    keys::{NOBODY, Owner, owner_of},
    problem::Problem,
    store::Repeat,
};

/// Seconds for which a client that says that it tries again is believed: it waits ten minutes for an answer.
const RETRIES: i64 = 900;

/// Letters of the longest name of a request.
const LONGEST_KEY: usize = 255;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Owner);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("nobody has checked the key"))
    }
}

/// Who asks, by the key; or anybody, where there are none. A browser then must not be used by pages of other sites.
///
/// # Errors
/// Somebody who may not.
pub fn check(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
    if app.keys.is_empty() {
        check_host(app, uri, headers)?;
        return Ok(Caller(NOBODY.to_owned()));
    }
    let refuse = |message: &str| Problem::new(StatusCode::UNAUTHORIZED, message).code("invalid_api_key");
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, key) = value.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || key.trim().is_empty() {
        return Err(refuse(
            "You did not provide an API key: send it in the header 'Authorization: Bearer KEY'.",
        ));
    }
    owner_of(key.trim(), &app.keys).map(Caller).ok_or_else(|| refuse("Incorrect API key provided."))
}

/// Refuses a page of another site: by the name that it calls the server, which it may have made lead here; and by the site
/// that the browser says it is.
fn check_host(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if app.settings.open_to_all {
        return Ok(());
    }
    let refuse = |what: &str| {
        let message = format!("{what}, which may not use a server without API keys (see --allowed-hosts).");
        Problem::new(StatusCode::FORBIDDEN, message).code("forbidden")
    };
    let header = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        uri.authority().map(|authority| authority.as_str()).or(header(header::HOST)).unwrap_or_default();
    if !is_ours(app, host) {
        return Err(refuse("The request calls the server by another name"));
    }
    if let Some(origin) = header(header::ORIGIN)
        && !is_ours(app, origin.split_once("://").map_or(origin, |(_, host)| host))
    {
        return Err(refuse("The request comes from a page of another site"));
    }
    match headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        true => Err(refuse("The request comes from a page of another site")),
        false => Ok(()),
    }
}

/// Whether a host, perhaps with its port, is this machine as seen from itself, or one that is allowed.
fn is_ours(app: &App, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_local =
        name.parse::<IpAddr>().is_ok_and(|address| is_loopback(address) || address == app.settings.host);
    is_local
        || name.eq_ignore_ascii_case("localhost")
        || app.settings.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// Whether a request may be one that came before, as far as its headers tell. The SDKs send no name for it, but count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    key: Option<String>,
    /// How often it was tried before; `None` if that is not said.
    count: Option<u64>,
}

impl FromRequestParts<Arc<App>> for Retry {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Infallible> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let key = header("idempotency-key").filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
        let count = header("x-stainless-retry-count").and_then(|count| count.parse().ok());
        Ok(Self { key: key.map(str::to_owned), count })
    }
}

impl Retry {
    /// The rule for a request with that fingerprint.
    pub fn repeat(self, app: &App, owner: Owner, fingerprint: [u8; 32]) -> Repeat {
        let usual = i64::try_from(app.settings.repeat_seconds).unwrap_or(i64::MAX);
        let seconds = match self.count {
            Some(0) => None,
            Some(_) => Some(RETRIES),
            None => (usual > 0).then_some(usual),
        };
        let since = seconds.map(|seconds| clock::now().saturating_sub(seconds));
        Repeat { owner, fingerprint, key: self.key, since }
    }
}
