//! What files say of where they come from.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::caller::Caller;
use crate::{
    app::App,
    body::Body,
    clock,
    problem::{ErrorAnswer, Problem},
    wire::{FileForm, Provenance},
};

/// Reads the content credentials of a picture or a video
#[utoipa::path(
    post, path = "/v1/content_provenance_checks", tag = "provenance", security(("key" = [])),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Provenance), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn check(
    State(app): State<Arc<App>>,
    _caller: Caller,
    mut body: Body,
) -> Result<Json<Provenance>, Problem> {
    app.blocking(move |app| {
        let file = body.take_file("file").ok_or_else(|| {
            let message = "Missing required parameter: 'file'.";
            Problem::bad(message).param("file").code("missing_required_parameter")
        })?;
        let results = app.maker.provenance(file.path())?;
        Ok(Json(Provenance { object: "content_provenance_check", created_at: clock::now(), results }))
    })
    .await
}
