//! Links to files, for what sends no key: the players and pictures of a browser, and people who are shown something. A link
//! counts for a while, and for one file.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::Response,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use utoipa::IntoParams;

use super::{
    content::{Variant, served},
    files::{self, Params},
};
use crate::{
    app::App,
    clock,
    ids::Sort,
    problem::{ErrorAnswer, Problem},
    wire::Links,
};

/// Seconds between the ends of links. One counts for as long as this, and at most for twice as long; until its end comes
/// near it stays the same, so that a browser keeps what it has fetched.
const STEP: i64 = 1800;

/// What a link brings.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LinkQuery {
    /// Which file of a video.
    #[serde(default)]
    #[param(inline)]
    variant: Variant,
    /// Until when it counts, in seconds since 1970.
    expires: i64,
    /// What makes it ours.
    signature: String,
}

/// Sends the file that a link leads to, or a part of it, without a key
#[utoipa::path(
    get, path = "/v1/links/{id}", tag = "links", params(("id" = String, Path), LinkQuery),
    responses(
        (status = 200, content(
            (Vec<u8> = "video/mp4"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"),
        )),
        (status = 206, description = "The part that was asked for", content_type = "video/mp4"),
        (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer),
    ),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Params(LinkQuery { variant, expires, signature }): Params<LinkQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.blocking(move |app| {
        let missing = || Problem::missing("This link leads nowhere, or no longer.");
        let expected = sign(app, &id, variant, expires);
        let is_ours = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        let is_name = Sort::Video.is_name(&id) || Sort::Image.is_name(&id);
        if !is_ours || !is_name || expires < clock::now() {
            return Err(missing());
        }
        served(app, &app.jobs.get(&id)?.ok_or_else(missing)?, variant)
    });
    files::send(file.await?, &method, &headers).await
}

/// Links to all files of a video.
pub fn of(app: &App, id: &str) -> Links {
    let expires = expires();
    let to = |variant| path(app, id, variant, expires);
    Links {
        video: to(Variant::Video),
        thumbnail: to(Variant::Thumbnail),
        spritesheet: to(Variant::Spritesheet),
        expires_at: expires,
    }
}

/// The link to a picture, or to the MP4 of a video.
pub fn to(app: &App, id: &str) -> String {
    path(app, id, Variant::default(), expires())
}

/// When a link ends that is given now.
fn expires() -> i64 {
    (clock::now() / STEP + 2) * STEP
}

fn path(app: &App, id: &str, variant: Variant, expires: i64) -> String {
    let which = match variant {
        Variant::Video => "",
        Variant::Thumbnail => "variant=thumbnail&",
        Variant::Spritesheet => "variant=spritesheet&",
    };
    let signature = sign(app, id, variant, expires);
    format!("/v1/links/{id}?{which}expires={expires}&signature={signature}")
}

fn sign(app: &App, id: &str, variant: Variant, expires: i64) -> String {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.link_secret).expect("a key of any length");
    mac.update(format!("{id}.{variant:?}.{expires}").as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}
