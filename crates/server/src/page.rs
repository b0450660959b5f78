//! The page: files that are a part of the program. It asks nobody but this server.

use axum::{
    Router,
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY},
    },
    response::IntoResponse,
    routing::get,
};

/// Nothing from elsewhere, nothing within the text, nobody around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A path, what is there, and the file.
type File = (&'static str, &'static str, &'static str);

/// Files by their names, all of one kind.
macro_rules! files {
    ($media_type:literal: $($name:literal),+ $(,)?) => {
        &[$((concat!("/", $name), $media_type, include_str!(concat!("../page/", $name)))),+]
    };
}

const DOCUMENT: &[File] = &[("/", "text/html; charset=utf-8", include_str!("../page/index.html"))];
const PICTURES: &[File] = files!("image/svg+xml": "mark.svg");
const STYLES: &[File] = files!(
    "text/css; charset=utf-8":
    "clips.css",
    "storyboard.css",
    "style.css",
    "viewer.css",
);
const SCRIPTS: &[File] = files!(
    "text/javascript; charset=utf-8":
    "actions.js",
    "again.js",
    "api.js",
    "app.js",
    "board.js",
    "chooser.js",
    "composer.js",
    "confirm.js",
    "dom.js",
    "format.js",
    "forms.js",
    "gallery.js",
    "key.js",
    "making.js",
    "memory.js",
    "menu.js",
    "models.js",
    "notice.js",
    "picture.js",
    "reel.js",
    "regions.js",
    "storyboard.js",
    "strings.js",
    "tools.js",
    "viewer.js",
    "vocabulary.js",
);

/// These paths.
pub fn router() -> Router {
    let files = [DOCUMENT, PICTURES, STYLES, SCRIPTS].into_iter().flatten();
    files.fold(Router::new(), |router, &(path, media_type, text)| {
        router.route(path, get(move || async move { file(media_type, text) }))
    })
}

fn file(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Another version of the program has another page.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text)
}
