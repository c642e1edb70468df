//! One id and one line in the log for each request.
//!
//! Neither queries, nor bodies, nor headers are logged: they hold what people typed.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use backend::{
    Backend,
    refusal::{self, Noted, Why},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
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
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from = from.map(|client| client.0.ip());
    let method = request.method().clone();
    let started = backend.clock.now();
    let mut response = async {
        let (response, noted) = refusal::noting(next.run(request)).await;
        let took_ms = (backend.clock.now() - started).num_milliseconds();
        let why = why(response.status(), &noted);
        let status = response.status().as_u16();
        if response.status().is_server_error() {
            tracing::warn!(status, took_ms, "answered");
        } else if is_refused(&method, response.status(), why) {
            // What security people look for: who was refused what, how often, from where.
            tracing::info!(
                status,
                took_ms,
                why = why.map(Why::as_str),
                permission = why.and_then(Why::permission).map(display),
                caller = noted.caller.map_or("nobody", |(kind, _)| kind.as_str()),
                caller_id = noted.caller.map(|(_, id)| display(id)),
                from = from.map(display),
                "refused"
            );
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

/// Why the caller was refused, as far as that is known.
fn why(status: StatusCode, noted: &Noted) -> Option<Why> {
    noted.why.or(match status {
        StatusCode::UNAUTHORIZED => Some(Why::SignedOut),
        StatusCode::TOO_MANY_REQUESTS => Some(Why::TooMany),
        _ => None,
    })
}

/// Whether the caller was refused. A plain form of a browser is led back to its page, whatever came of
/// it.
fn is_refused(method: &Method, status: StatusCode, why: Option<Why>) -> bool {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => true,
        status if status.is_redirection() && method == Method::POST => matches!(
            why,
            Some(Why::Permission(_) | Why::ProofWanted | Why::TooMany)
        ),
        _ => false,
    }
}
