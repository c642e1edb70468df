//! No other site may change anything in a signed-in person's name.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, and no script can
//! forge either. Changes are made by POST alone, and only from our own pages. The API needs none
//! of this: it knows bearer tokens and no cookies.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use backend::refusal::{self, Why};
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// The origin of our own pages, as a browser writes it.
#[derive(Debug, Clone)]
pub struct OwnOrigin(Arc<str>);

impl OwnOrigin {
    /// The origin of `public_url`.
    pub fn new(public_url: &Url) -> Self {
        Self(public_url.origin().ascii_serialization().into())
    }

    /// Whether a request with these headers comes from our own pages.
    fn sent(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin == &*self.0,
            (None, None) => false,
        }
    }
}

/// Whether a page is opened by a link on one of our own pages, where that matters though nothing is
/// changed by opening it: a browser that doesn't say where it comes from names the page before.
pub fn opened_from_own_page(public_url: &Url, headers: &HeaderMap) -> bool {
    let own = OwnOrigin::new(public_url);
    if headers.contains_key("sec-fetch-site") {
        return own.sent(headers);
    }
    let before = headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Url::parse(text).ok());
    before.is_some_and(|before| before.origin().ascii_serialization() == *own.0)
}

/// Refuses changes that other sites ask for, and methods that no page of ours uses.
pub async fn refuse(State(own): State<OwnOrigin>, request: Request, next: Next) -> Response {
    let method = request.method();
    if [Method::GET, Method::HEAD].contains(method) {
        return next.run(request).await;
    }
    if method != Method::POST {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [(header::ALLOW, "GET, HEAD, POST")],
            "Pages are read with GET and changed with POST.\n",
        )
            .into_response();
    }
    if own.sent(request.headers()) {
        next.run(request).await
    } else {
        refusal::note_why(Why::OtherSite);
        (
            StatusCode::FORBIDDEN,
            "This request did not come from a page of this installation. Open the page again \
             and repeat what you did. Behind a proxy, public_url has to be the address that \
             people type.\n",
        )
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_on_our_own_page_is_told_from_others() {
        let own: Url = "https://rollcall.example/".parse().unwrap();
        for (site, referer, expected) in [
            (Some("same-origin"), None, true),
            (
                Some("cross-site"),
                Some("https://rollcall.example/account"),
                false,
            ),
            (Some("same-site"), None, false),
            (Some("none"), None, false),
            (None, Some("https://rollcall.example/account"), true),
            (None, Some("https://rollcall.example.evil/account"), false),
            (None, Some("http://rollcall.example/account"), false),
            (None, Some("nothing"), false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("referer", referer)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let opened = opened_from_own_page(&own, &headers);
            assert_eq!(opened, expected, "{site:?} {referer:?}");
        }
    }

    #[test]
    fn only_our_own_pages_may_change_anything() {
        let own = OwnOrigin::new(&"https://rollcall.example/".parse().unwrap());
        for (site, origin, expected) in [
            (Some("same-origin"), Some("https://rollcall.example"), true),
            (Some("same-origin"), None, true),
            (None, Some("https://rollcall.example"), true),
            (Some("same-site"), Some("https://rollcall.example"), false),
            (Some("cross-site"), Some("https://rollcall.example"), false),
            (Some("none"), None, false),
            (None, Some("https://rollcall.example:8443"), false),
            (None, Some("http://rollcall.example"), false),
            (None, Some("null"), false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(own.sent(&headers), expected, "{site:?} {origin:?}");
        }
    }
}
