//! A request as both sides of the farm see it.

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use url::form_urlencoded;

/// Method, path, query, headers and body.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub method: String,
    /// As it came, still encoded, without the query.
    pub path: String,
    /// The path's segments, decoded.
    pub segments: Vec<String>,
    /// As it came, without the `?`.
    pub raw_query: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where the client thinks it is: `http://127.0.0.1:4010`.
    pub origin: String,
}

impl Incoming {
    pub fn new(
        method: &str,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
        origin: String,
    ) -> Self {
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            segments,
            raw_query: raw_query.to_owned(),
            query: form_urlencoded::parse(raw_query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            body,
            origin,
        }
    }

    /// From what axum received.
    pub fn received(
        scheme: &str,
        method: &str,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let host = headers
            .get("host")
            .and_then(|host| host.to_str().ok())
            .or(uri.authority().map(axum::http::uri::Authority::as_str))
            .unwrap_or("127.0.0.1");
        let origin = format!("{scheme}://{host}");
        let target = uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        Self::new(method, &target, headers, body, origin)
    }

    /// Path and query as they came.
    pub fn target(&self) -> String {
        if self.raw_query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.raw_query)
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A query parameter; `OData`'s own may come with or without the dollar sign.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        let plain = name.trim_start_matches('$');
        let found = self.query.iter().find(|(key, _)| {
            key.eq_ignore_ascii_case(name)
                || key.trim_start_matches('$').eq_ignore_ascii_case(plain)
        });
        found.map(|(_, value)| value.as_str())
    }
}

/// A path segment without its percent signs; `+` stays.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2)).flatten();
        let value = escaped
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
