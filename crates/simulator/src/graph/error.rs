//! Graph's refusals (graph.md §7).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::directory::json::push_text;
use crate::reply::Reply;

/// A refusal on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub headers: Vec<(&'static str, String)>,
}

impl GraphError {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub fn unknown_segment(segment: &str) -> Self {
        let message = format!("Resource not found for the segment '{segment}'.");
        Self::new(400, "BadRequest", message)
    }

    pub fn unknown_property(name: &str, type_name: &str) -> Self {
        let message = format!("Could not find a property named '{name}' on type '{type_name}'.");
        Self::new(400, "BadRequest", message)
    }

    pub fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub fn method() -> Self {
        let message = "Specified HTTP method is not allowed for the request target.";
        Self::new(405, "Request_BadRequest", message)
    }

    pub fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(403, "Authorization_RequestDenied", message)
    }

    pub fn unauthorized(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message).header(
            "www-authenticate",
            "Bearer realm=\"\", error=\"invalid_token\"",
        )
    }

    pub fn expired_state() -> Self {
        let message = "The sync state generation is not found. The delta token is expired and data must be synchronized again.";
        Self::new(400, "syncStateNotFound", message)
    }

    pub fn resync(location: String) -> Self {
        let message =
            "Resync required. Any delta tokens are no longer valid and a full sync must be made.";
        Self::new(410, "resyncRequired", message).header("location", location)
    }

    pub fn expired_page() -> Self {
        let message = "The specified page token value has expired and can no longer be included in your request.";
        Self::new(400, "Directory_ExpiredPageToken", message)
    }

    /// The answer.
    pub fn reply(self, now: DateTime<Utc>, request_id: Uuid, client_request_id: &str) -> Reply {
        let mut body = Vec::with_capacity(400);
        body.extend_from_slice(b"{\"error\":{\"code\":");
        push_text(&mut body, self.code);
        body.extend_from_slice(b",\"message\":");
        push_text(&mut body, &self.message);
        // The date has no zone suffix (graph.md §7).
        let date = now.format("%Y-%m-%dT%H:%M:%S");
        body.extend_from_slice(
            format!(r#","innerError":{{"date":"{date}","request-id":"{request_id}","client-request-id":"#)
                .as_bytes(),
        );
        push_text(&mut body, client_request_id);
        body.extend_from_slice(b"}}}");
        let mut reply = Reply::new(self.status, "application/json", body);
        reply.headers.extend(self.headers);
        reply
    }
}
