//! The files for the browser: compressed ahead, and kept by browsers as long as they may be.

use std::path::PathBuf;

use axum::{
    Router,
    body::Body,
    extract::Request,
    handler::Handler,
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::Response,
};
use tower_http::services::ServeDir;

use crate::config::SiteFiles;

/// For files whose name carries the hash of their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For fonts and icons, which change with a release at most.
const FOR_AN_HOUR: &str = "public, max-age=3600";
/// For everything whose name stays while its content changes.
const ASK_AGAIN: &str = "no-cache";

/// Serves the files of the site, and `page` for whatever isn't one.
pub fn files<H, T>(site: &SiteFiles, page: H) -> Router
where
    H: Handler<T, ()>,
    T: 'static,
{
    let folder = ServeDir::new(PathBuf::from(&site.root))
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .call_fallback_on_method_not_allowed(true)
        .fallback(page.with_state(()));
    Router::new()
        .fallback_service(folder)
        .layer(from_fn(move |request: Request, next: Next| {
            let kept = kept(request.uri().path());
            keep(kept, request, next)
        }))
}

fn kept(path: &str) -> &'static str {
    if path.starts_with("/pkg/") && is_hashed(path) {
        FOR_EVER
    } else if path.starts_with("/fonts/") || ["/icons.svg", "/favicon.svg"].contains(&path) {
        FOR_AN_HOUR
    } else {
        ASK_AGAIN
    }
}

/// Whether a file is called `name.HASH.kind`, as the build names what it made.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut parts = name.rsplit('.').skip(1);
    let hash = parts.next().unwrap_or_default();
    parts.next().is_some() && hash.len() >= 16 && hash.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Pages brought by the fallback are HTML and are never kept.
async fn keep(kept: &'static str, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_file = matches!(
        response.status(),
        StatusCode::OK | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
    ) && response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| !kind.as_bytes().starts_with(b"text/html"));
    if is_file {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for (path, expected) in [
            ("/pkg/rollcall.0123456789abcdef.js", FOR_EVER),
            ("/pkg/rollcall.0123456789abcdef.wasm", FOR_EVER),
            ("/pkg/rollcall.js", ASK_AGAIN),
            ("/pkg/0123456789abcdef.js", ASK_AGAIN),
            ("/pkg/snippets/a/inline0.js", ASK_AGAIN),
            ("/rollcall.0123456789abcdef.js", ASK_AGAIN),
            ("/fonts/inter-latin.woff2", FOR_AN_HOUR),
            ("/icons.svg", FOR_AN_HOUR),
            ("/robots.txt", ASK_AGAIN),
        ] {
            assert_eq!(kept(path), expected, "{path}");
        }
    }
}
