//! What every answer tells the browser to refuse (architecture.md, The browser's rules).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use backend::store::enrolment::STYLE_SOURCES;
use http::{HeaderName, HeaderValue, header};

/// For everything that is not a page: it loads and runs nothing.
const POLICY_OF_DATA: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Two years, as the browsers' preload list asks for.
const TRANSPORT_SECURITY: &str = "max-age=63072000; includeSubDomains";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
         fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
         payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), \
         screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The policy of a page whose own inline scripts carry `nonce`. Style attributes and inline
/// style sheets are refused like foreign scripts, but for those of the mails that a page may preview in
/// a frame, which has the page's policy. `None` for a nonce that no header can hold.
pub fn page_policy(nonce: &str) -> Option<HeaderValue> {
    let styles = STYLE_SOURCES.as_str();
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' {styles}; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
}

/// Whether browsers come by https.
#[derive(Debug, Clone, Copy)]
pub struct Https(pub bool);

/// Adds the headers to every answer. A Content-Security-Policy or Cache-Control that is there
/// already stays: pages and files bring their own.
pub async fn headers(State(https): State<Https>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https.0 {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(TRANSPORT_SECURITY),
        );
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY_OF_DATA));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
