//! The description as a document and as a page to try the calls. All of its files are part of
//! the program, so nothing is loaded from anywhere else.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use utoipa::openapi::OpenApi;

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// The page runs its own script, asks its own API and nothing else. It has no cookies and keeps
/// the token in the page alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

type Headers = [(HeaderName, HeaderValue); 2];

fn file(media_type: &'static str) -> Headers {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}

async fn page() -> impl IntoResponse {
    let policy = [(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    )];
    (policy, file("text/html; charset=utf-8"), PAGE)
}

/// The routes of the description.
pub fn router(description: &OpenApi) -> Router {
    let json = description.to_json().unwrap_or_default();
    Router::new()
        .route(
            "/api/v1/openapi.json",
            get(async move || (file("application/json"), json.clone())),
        )
        .route("/api/docs", get(page))
        .route(
            "/api/docs/page.js",
            get(async || (file("text/javascript; charset=utf-8"), SCRIPT)),
        )
        .route(
            "/api/docs/page.css",
            get(async || (file("text/css; charset=utf-8"), STYLE)),
        )
}
