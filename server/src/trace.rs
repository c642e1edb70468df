//! One id and one line in the log for each request.
//!
//! Neither queries, nor bodies, nor headers are logged: they hold what people typed.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use backend::Backend;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument;

/// Carries the request's id inwards to whoever logs or reports, and outwards to the client.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that [`request`] gave; empty outside of it.
pub fn request_id_of(headers: &HeaderMap) -> &str {
    headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
}

/// Gives the request an id of ours, whatever the client sent, and logs how it went.
pub async fn request(State(backend): State<Backend>, mut request: Request, next: Next) -> Response {
    let id = backend.ids.uuid().to_string();
    let value = HeaderValue::try_from(id.as_str()).unwrap_or(HeaderValue::from_static("none"));
    request.headers_mut().insert(REQUEST_ID, value.clone());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = %request.uri().path(),
        route
    );
    let started = backend.clock.now();
    let mut response = async {
        let response = next.run(request).await;
        let took_ms = (backend.clock.now() - started).num_milliseconds();
        let status = response.status().as_u16();
        if response.status().is_server_error() {
            tracing::warn!(status, took_ms, "answered");
        } else if matches!(status, 401 | 403 | 429) {
            // What security people look for: who was refused, how often, from where.
            tracing::info!(status, took_ms, "refused");
        } else {
            tracing::debug!(status, took_ms, "answered");
        }
        response
    }
    .instrument(span)
    .await;
    response.headers_mut().insert(REQUEST_ID, value);
    response
}
