//! An answer before it goes on the wire.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use futures::{StreamExt, stream};

/// How the body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Delivery {
    /// All of it.
    #[default]
    Whole,
    /// Half of it, then the connection ends.
    Cut,
}

/// Status, headers and body.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub delivery: Delivery,
}

/// The content type of Graph's answers (graph.md §7).
pub(crate) const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

impl Reply {
    /// An answer with a body of the given content type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
            delivery: Delivery::Whole,
        }
    }

    /// A Graph answer.
    pub fn graph(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, GRAPH_JSON, body)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What hyper sends.
    pub fn into_response(self) -> Response<Body> {
        let length = self.body.len();
        let body = match self.delivery {
            Delivery::Whole => Body::from(self.body),
            Delivery::Cut => {
                let half = Bytes::from(self.body).slice(..length / 2);
                let broken = async {
                    // What is there goes out while this waits its turn.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::other("the connection is cut on purpose"))
                };
                Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(broken)))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}
