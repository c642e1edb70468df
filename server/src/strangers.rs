//! What somebody may do who isn't signed in: as much as an office of people needs, and no more than
//! the database bears. Signing in, forgotten passwords and the like have their own waits beside it
//! (`backend::auth`).

use std::net::SocketAddr;

use app::{error::AppError, flash, routes};
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use backend::{
    Backend,
    store::sessions::{HALF, OPERATOR, USER},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use leptos::prelude::FromServerFnError as _;
use serde_json::Value;
use tower_sessions::Session;

/// Refuses strangers from whose network too much came, before anything is read or kept; and what they
/// ask for that would keep a new session, where too many were kept for them lately.
pub async fn limit(
    State(backend): State<Backend>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let html = flash::wants_html(request.headers());
    // In this order: what only opens a page or a file has its session looked up by nobody.
    if costs(request.method(), request.uri().path())
        && !holds(&session, OPERATOR).await
        && !holds(&session, USER).await
        && let Err(error) = backend.limits.stranger(client.ip())
    {
        return refused(error.into(), html);
    }
    let response = next.run(request).await;
    let begun = session.id().is_none() && session.is_modified() && !session.is_empty().await;
    // Who is let in, or half in, gave a right password or more.
    let proved = begun
        && (holds(&session, OPERATOR).await
            || holds(&session, USER).await
            || holds(&session, HALF).await);
    if !begun || proved {
        return response;
    }
    match backend.limits.strangers_session(client.ip()) {
        Ok(()) => response,
        Err(error) => {
            // What is empty is not kept.
            session.clear().await;
            refused(error.into(), html)
        }
    }
}

async fn holds(session: &Session, what: &str) -> bool {
    matches!(session.get_value(what).await, Ok(Some(value)) if value != Value::Null)
}

/// Whether it may change something, or asks a provider: what only opens a page does neither.
fn costs(method: &Method, path: &str) -> bool {
    let (to_providers, _) = routes::PROVIDER_SIGN_IN
        .split_once('{')
        .unwrap_or((routes::PROVIDER_SIGN_IN, ""));
    *method == Method::POST
        || path.starts_with(to_providers)
        || (path.starts_with(routes::CONSENT) && path != routes::CONSENT)
}

/// A line for a browser without our code; else what the browser code shows.
fn refused(error: AppError, html: bool) -> Response {
    let retry_after = match &error {
        AppError::TooMany { retry_after_s } => HeaderValue::from(*retry_after_s),
        _ => HeaderValue::from(1),
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, retry_after);
    if html {
        let text = format!(
            "{error} So many requests came from your network without anybody being signed in. \
             Nothing was changed.\n"
        );
        return (status, headers, text).into_response();
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    (status, headers, error.ser()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_a_page_costs_nothing() {
        for (method, path, expected) in [
            (Method::GET, "/", false),
            (Method::GET, "/sign-in", false),
            (Method::GET, "/consent", false),
            (Method::GET, "/pkg/rollcall.wasm", false),
            (Method::POST, "/api/session/sign-in", true),
            (Method::POST, "/api/no-such-function", true),
            (Method::GET, "/sign-in/oidc/contoso", true),
            (Method::GET, "/sign-in/oidc/contoso/callback", true),
            (Method::GET, "/consent/continue", true),
            (Method::GET, "/consent/callback", true),
        ] {
            assert_eq!(costs(&method, path), expected, "{method} {path}");
        }
    }
}
