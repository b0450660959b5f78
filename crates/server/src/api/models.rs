//! Models.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};

use super::caller::Caller;
use crate::{
    app::App,
    problem::{ErrorAnswer, Problem},
    wire::{List, Model},
};

/// Lists the models, and the names that stand for them
#[utoipa::path(
    get, path = "/v1/models", tag = "models", security(("key" = [])),
    responses((status = 200, body = List<Model>), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn list(State(app): State<Arc<App>>, _caller: Caller) -> Result<Json<List<Model>>, Problem> {
    app.blocking(|app| {
        let cards = app.models();
        let mut models: Vec<_> = cards.iter().map(|card| Model::of(card, None, &app.settings)).collect();
        let aliases =
            app.settings.aliases.iter().filter(|alias| cards.iter().all(|card| card.id != alias.name));
        // One that means nothing is not shown.
        models.extend(aliases.filter_map(|alias| {
            let card = app.model(Some(&alias.name)).ok()?;
            Some(Model::of(&card, Some(&alias.name), &app.settings))
        }));
        Ok(Json(List::new(models, false, |model: &Model| &model.id)))
    })
    .await
}

/// Shows what a model can
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "models", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Model), (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Model>, Problem> {
    app.blocking(move |app| {
        let card = app.model(Some(&id))?;
        let alias = (card.id != id).then_some(id.as_str());
        Ok(Json(Model::of(&card, alias, &app.settings)))
    })
    .await
}
