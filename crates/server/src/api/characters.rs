//! Characters: clips of somebody who is then in videos.

use std::{fs, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};

use super::{caller::Caller, source};
use crate::{
    app::App,
    body::{Body, Sniffed},
    clock,
    ids::Sort,
    jobs::{has_room, report},
    problem::{ErrorAnswer, Problem},
    store,
    wire::{Character, CreateCharacter, CreateCharacterForm, Deleted},
};

/// Letters of the longest name.
const LONGEST_NAME: usize = 80;

/// Keeps a character
#[utoipa::path(
    post, path = "/v1/videos/characters", tag = "videos", security(("key" = [])),
    request_body(content = CreateCharacterForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Character), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    mut body: Body,
) -> Result<Json<Character>, Problem> {
    app.blocking(move |app| {
        let fields: CreateCharacter = body.fields()?;
        let count = fields.name.chars().count();
        if fields.name.trim().is_empty() || count > LONGEST_NAME {
            return Err(Problem::value("name", format!("expected 1 to {LONGEST_NAME} characters")));
        }
        let upload = body.take_file("video").ok_or_else(|| {
            let message = "Missing required parameter: 'video'.";
            Problem::bad(message).param("video").code("missing_required_parameter")
        })?;
        source::check_is_clip(&Sniffed::of(upload.path(), "video", app)?)?;
        if app.jobs.bytes()?.saturating_add(upload.bytes()) > app.settings.quota_mib << 20 {
            let message = "There is no room for more; delete some videos or characters.";
            let problem = Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, message);
            return Err(problem.code("disk_quota_exceeded").last_word());
        }
        if !has_room(app)? {
            return Err(Problem::disk_full());
        }
        let seen = app.met(upload.path())?;
        let character = store::Character {
            id: Sort::Character.name(),
            owner,
            name: fields.name,
            created_at: clock::now(),
            bytes: upload.bytes(),
            seen,
        };
        let path = app.folder.character(&character.id);
        fs::hard_link(upload.path(), &path)
            .or_else(|_| fs::copy(upload.path(), &path).map(drop))
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .and_then(|()| app.folder.sync_characters())?;
        app.records.add_character(&character)?;
        Ok(Json(character.into()))
    })
    .await
}

/// Shows a character
#[utoipa::path(
    get, path = "/v1/videos/characters/{id}", tag = "videos", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Character), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Character>, Problem> {
    app.blocking(move |app| {
        let known = if Sort::Character.is_name(&id) { app.records.character(&owner, &id)? } else { None };
        known.map(|character| Json(character.into())).ok_or_else(|| Problem::no_such("character", &id))
    })
    .await
}

/// Forgets a character; videos that name it and are accepted are made all the same
#[utoipa::path(
    delete, path = "/v1/videos/characters/{id}", tag = "videos beyond OpenAI's", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Json<Deleted>, Problem> {
    app.blocking(move |app| {
        if !Sort::Character.is_name(&id) || !app.records.remove_character(&owner, &id)? {
            return Err(Problem::no_such("character", &id));
        }
        report(app, &id, fs::remove_file(app.folder.character(&id)));
        Ok(Json(Deleted { id, object: "character.deleted", deleted: true }))
    })
    .await
}
