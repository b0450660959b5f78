//! What clients can ask for, under `/v1` and beside it.

#![allow(unused_qualifications, reason = "the macro that describes the endpoints writes some")]

mod caller;
mod characters;
mod content;
mod derived;
mod events;
mod files;
mod health;
mod images;
mod links;
mod models;
mod provenance;
mod source;
mod videos;
mod webhooks;

use std::sync::Arc;

use axum::{Json, Router, extract::DefaultBodyLimit, http::StatusCode, routing::get};
use utoipa::openapi::{
    InfoBuilder, OpenApi, OpenApiBuilder,
    security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use caller::check as check_caller;

use crate::{app::App, page, problem::Problem};

/// Everything.
pub fn router(app: &Arc<App>) -> Router {
    let (v1, description) = described();
    let (private, open) = (v1.with_state(app.clone()), health::router(app.clone()));
    // What is here is the same for everybody, and for as long as the program runs.
    let description = Arc::new(description);
    Router::new()
        .merge(private)
        .merge(open)
        .merge(page::router())
        .route("/openapi.json", get(move || async move { Json(description.as_ref().clone()) }))
        .fallback(|| async { Problem::missing("There is nothing at this URL.") })
        .method_not_allowed_fallback(|| async {
            let message = "This URL is not asked in this way.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, message).code("method_not_allowed")
        })
        .layer(DefaultBodyLimit::max((app.settings.max_body_mib as usize) << 20))
}

/// All endpoints under `/v1`, and their description.
fn described() -> (Router<Arc<App>>, OpenApi) {
    let info = InfoBuilder::new()
        .title("Kinora")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("OpenAI's Videos API, and what goes beyond it, on the machine you have."));
    let mut description = OpenApiBuilder::new().info(info).build();
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    OpenApiRouter::with_openapi(description)
        .routes(routes!(videos::create, videos::list))
        .routes(routes!(derived::edit))
        .routes(routes!(derived::extend))
        .routes(routes!(characters::create))
        .routes(routes!(characters::get, characters::delete))
        .routes(routes!(videos::get, videos::delete))
        .routes(routes!(content::get))
        .routes(routes!(derived::remix))
        .routes(routes!(videos::cancel))
        .routes(routes!(videos::plan))
        .routes(routes!(events::watch))
        .routes(routes!(images::make))
        .routes(routes!(links::get))
        .routes(routes!(models::list))
        .routes(routes!(models::get))
        .routes(routes!(provenance::check))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::get, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::event_types))
        .split_for_parts()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_every_endpoint_and_what_can_go_wrong_with_it() {
        let (_, description) = described();
        let json = serde_json::to_value(&description).unwrap();
        let paths = json["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 21, "{:?}", paths.keys());
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("4XX"), "{method} {path}");
                assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path}");
            }
        }
        let text = json.to_string();
        for name in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(json["components"]["schemas"][name].is_object(), "{name} is named and not described");
        }
        let schema = &json["components"]["schemas"]["Video"];
        for key in ["id", "object", "model", "status", "progress", "created_at", "seconds", "size"] {
            assert!(schema["required"].as_array().unwrap().iter().any(|name| name == key), "{key}");
        }
    }
}
