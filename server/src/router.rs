//! The whole of what is served on the public address.

use std::time::Duration;

use axum::{Router, http::StatusCode, middleware::from_fn_with_state};
use backend::Backend;
use tower_http::{
    compression::CompressionLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer,
};

use crate::{
    api,
    client_address::{self, TrustedProxies},
    config::Config,
    consent,
    cross_site::{self, OwnOrigin},
    export, health, metrics, oidc, pages,
    security::{self, Https},
    session, strangers, trace, upload,
};

/// The most bytes a request may bring: a certificate with its chain and a thousand group ids fit
/// many times over.
pub const BODY_MAX: usize = 1024 * 1024;

/// The longest an answer may take to begin. Test Connection asks Entra ID a handful of questions,
/// each with its own limit; nothing else comes near.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// The paths of what browsers are led to beside pages: files, uploads and ways to others and back. A
/// file of such routes has its line here and its router below.
pub fn paths_beside_pages() -> impl Iterator<Item = &'static str> {
    export::paths()
        .chain(upload::paths())
        .chain(oidc::paths())
        .chain(consent::paths())
}

/// Everything of the public address, from the outside in: an id and a log line, who is at the
/// other end, security headers, compression, limits; then the API, or pages with a session.
pub fn public(backend: &Backend, config: &Config, metrics: &metrics::Metrics) -> Router {
    public_within(ANSWER_MAX, backend, config, metrics)
}

/// The same with another limit for answers, which a test doesn't wait for.
pub fn public_within(
    answer_max: Duration,
    backend: &Backend,
    config: &Config,
    metrics: &metrics::Metrics,
) -> Router {
    let own = OwnOrigin::new(&config.public_url);
    let pages = pages::router(backend, &config.site)
        .merge(export::router(backend))
        .merge(oidc::router(backend))
        .merge(consent::router(backend, config.is_https()))
        .layer(RequestBodyLimitLayer::new(BODY_MAX))
        // Files are larger, and have a limit of their own.
        .merge(upload::router(backend))
        .layer(from_fn_with_state(backend.clone(), strangers::limit))
        .layer(session::layer(backend, config.is_https()))
        .layer(from_fn_with_state(own, cross_site::refuse));
    Router::new()
        .merge(health::router(backend))
        .merge(api::router(backend))
        .merge(pages)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            answer_max,
        ))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(
            Https(config.is_https()),
            security::headers,
        ))
        .layer(from_fn_with_state(metrics.clone(), metrics::count))
        .layer(from_fn_with_state(backend.clone(), trace::request))
        .layer(from_fn_with_state(
            TrustedProxies::new(&config.trusted_proxies),
            client_address::resolve,
        ))
}
