//! Reading what the two services say when they refuse.

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use super::aadsts::{self, Blame};
use super::{Endpoint, Error};
use crate::resource::Resource;
use crate::retry;

/// Longest text of a service that is kept, in characters.
const MESSAGE_MAX: usize = 600;

/// A refusal by Graph (graph.md §7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// By whom.
    pub endpoint: Endpoint,
    /// HTTP status.
    pub status: u16,
    /// Graph's code, e.g. `Authorization_RequestDenied`; empty where the answer had none.
    pub code: String,
    /// Graph's words; empty where the answer had none.
    pub message: String,
    /// `request-id`.
    pub request_id: Option<String>,
    /// The id that we gave the request.
    pub client_request_id: Uuid,
    /// When Graph said it.
    pub date: Option<DateTime<Utc>>,
}

/// A refusal by a token endpoint (graph.md §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRefusal {
    /// By whom.
    pub endpoint: Endpoint,
    /// HTTP status.
    pub status: u16,
    /// The OAuth error, e.g. `invalid_client`; empty where the answer had none.
    pub error: String,
    /// The number of the AADSTS code, where there is one.
    pub number: Option<u32>,
    /// `AADSTS7000215`, else the OAuth error, else `sign_in_failed`.
    pub code: String,
    /// Entra's words, without code, ids and time.
    pub message: String,
    /// Entra's trace id.
    pub trace_id: Option<String>,
    /// The id that we gave the request.
    pub correlation_id: Uuid,
    /// When Entra said it.
    pub date: Option<DateTime<Utc>>,
}

impl SignInRefusal {
    /// Whom or what the code blames.
    pub fn blame(&self) -> Blame {
        aadsts::blame(self)
    }

    /// Whether this secret or certificate is not, or no longer, the application’s, so that another
    /// may well be (graph.md §2.4: 7000215 wrong, 7000222 expired, 700027 an unknown or expired
    /// certificate).
    pub fn refuses_secret(&self) -> bool {
        matches!(self.number, Some(7_000_215 | 7_000_222 | 700_027))
    }

    /// Whether the same request may succeed in a moment (graph.md §2.4, retry classes).
    pub fn is_transient(&self) -> bool {
        self.blame() == Blame::Service
    }
}

/// What is known of a failed exchange before its body is read.
pub(crate) struct Refusal<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) id: Uuid,
    /// Taken out of whatever is quoted: a server might repeat what it was sent.
    pub(crate) secrets: &'a [&'a str],
    pub(crate) now: DateTime<Utc>,
}

impl Refusal<'_> {
    /// Sorts a refusal by Graph. `delta` where a delta link was followed.
    pub(crate) fn by_graph(&self, body: &[u8], resource: Resource, delta: bool) -> Error {
        let answer = Box::new(self.answer(body));
        let retry_after = retry::retry_after(self.headers, self.now);
        let code = answer.code.to_ascii_lowercase();
        let lost = code == "syncstatenotfound" || code.starts_with("resync");
        match self.status {
            429 | 509 => Error::Throttled {
                endpoint: self.endpoint.clone(),
                retry_after,
                answer: Some(answer),
            },
            410 if delta => Error::DeltaExpired { answer },
            400..=499 if delta && lost && !matches!(self.status, 401 | 403) => {
                Error::DeltaExpired { answer }
            }
            401 | 403 if code == "authorization_identitynotfound" => {
                Error::IdentityNotFound { answer }
            }
            401 | 403 if code == "authorization_identitydisabled" => {
                Error::IdentityDisabled { answer }
            }
            401 => Error::TokenRefused { answer },
            403 => Error::PermissionMissing { resource, answer },
            404 => Error::NotFound { answer },
            400 if code == "directory_expiredpagetoken" => Error::PageExpired { answer },
            408 | 500 | 502..=504 => Error::Unavailable {
                retry_after,
                answer,
            },
            _ => Error::Refused { answer },
        }
    }

    /// Sorts a refusal by a token endpoint.
    pub(crate) fn by_sign_in(&self, body: &[u8]) -> Error {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let error = self.quote(text_at(&json, "error"));
        let description = text_at(&json, "error_description");
        let number = json["error_codes"][0]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .or_else(|| aadsts::number_in(description));
        if self.status == 429 {
            return Error::Throttled {
                endpoint: self.endpoint.clone(),
                retry_after: retry::retry_after(self.headers, self.now),
                answer: Some(Box::new(Answer {
                    code: number.map_or(error.clone(), aadsts::code),
                    message: self.quote(aadsts::words_of(description)),
                    ..self.answer(b"")
                })),
            };
        }
        if number.is_none() && error.is_empty() && matches!(self.status, 408 | 500..=599) {
            let retry_after = retry::retry_after(self.headers, self.now);
            return Error::Unavailable {
                retry_after,
                answer: Box::new(self.answer(body)),
            };
        }
        let code = match (number, error.as_str()) {
            (Some(number), _) => aadsts::code(number),
            (None, "") => "sign_in_failed".to_owned(),
            (None, error) => error.to_owned(),
        };
        Error::SignIn(Box::new(SignInRefusal {
            endpoint: self.endpoint.clone(),
            status: self.status,
            code,
            number,
            error,
            message: self.quote(aadsts::words_of(description)),
            trace_id: json["trace_id"]
                .as_str()
                .map(|id| self.quote(id))
                .or_else(|| self.header("x-ms-request-id")),
            correlation_id: self.id,
            date: date(text_at(&json, "timestamp")).or_else(|| self.header_date()),
        }))
    }

    /// The common form of a refusal by Graph, from a body that may be anything.
    pub(crate) fn answer(&self, body: &[u8]) -> Answer {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let error = &json["error"];
        let inner = ["innerError", "innererror"]
            .into_iter()
            .map(|name| &error[name])
            .find(|inner| inner.is_object())
            .unwrap_or(&Value::Null);
        let code = match text_at(error, "code") {
            "" => text_at(inner, "code"),
            code => code,
        };
        Answer {
            endpoint: self.endpoint.clone(),
            status: self.status,
            code: self.quote(code),
            message: self.quote(text_at(error, "message")),
            request_id: self
                .header("request-id")
                .or_else(|| inner["request-id"].as_str().map(|id| self.quote(id))),
            client_request_id: self.id,
            date: date(text_at(inner, "date")).or_else(|| self.header_date()),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().ok()?;
        (!value.is_empty()).then(|| self.quote(value))
    }

    fn header_date(&self) -> Option<DateTime<Utc>> {
        let text = self.headers.get("date")?.to_str().ok()?;
        DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|date| date.to_utc())
    }

    /// A service's text as it may be shown: without secrets and control characters, and not long.
    fn quote(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "•••");
        }
        let mut quoted: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MESSAGE_MAX)
            .collect();
        quoted.truncate(quoted.trim_end().len());
        quoted
    }
}

fn text_at<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

/// Graph writes `2025-02-13T10:17:06` (UTC, no zone), Entra `2023-02-20 07:21:29Z`.
fn date(text: &str) -> Option<DateTime<Utc>> {
    let plain = text.trim_end_matches('Z').replacen(' ', "T", 1);
    NaiveDateTime::parse_from_str(&plain, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::super::Service;
    use super::*;

    fn refusal<'a>(
        endpoint: &'a Endpoint,
        headers: &'a HeaderMap,
        status: u16,
        secrets: &'a [&'a str],
    ) -> Refusal<'a> {
        Refusal {
            endpoint,
            status,
            headers,
            id: Uuid::nil(),
            secrets,
            now: DateTime::UNIX_EPOCH,
        }
    }

    fn graph() -> Endpoint {
        Endpoint {
            service: Service::Graph,
            host: "graph.microsoft.com".to_owned(),
        }
    }

    #[test]
    fn statuses_and_codes_sort_graphs_refusals() {
        for (status, code, delta, expected) in [
            (400, "syncStateNotFound", true, "delta_expired"),
            (400, "SyncStateNotFound", true, "delta_expired"),
            (404, "ResyncApplyDifferences", true, "delta_expired"),
            (410, "", true, "delta_expired"),
            (400, "syncStateNotFound", false, "refused"),
            (403, "resyncRequired", true, "permission_missing"),
            (429, "resyncRequired", true, "throttled"),
            (400, "Directory_ExpiredPageToken", true, "page_expired"),
            (400, "Directory_ExpiredPageToken", false, "page_expired"),
            (401, "InvalidAuthenticationToken", false, "token_refused"),
            (
                401,
                "Authorization_IdentityNotFound",
                false,
                "identity_not_found",
            ),
            (
                403,
                "Authorization_IdentityNotFound",
                false,
                "identity_not_found",
            ),
            (
                403,
                "Authorization_IdentityDisabled",
                false,
                "identity_disabled",
            ),
            (
                403,
                "Authorization_RequestDenied",
                false,
                "permission_missing",
            ),
            (404, "Request_ResourceNotFound", false, "not_found"),
            (500, "", false, "unavailable"),
            (501, "NotImplemented", false, "refused"),
            (504, "UnknownError", false, "unavailable"),
            (509, "", false, "throttled"),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            let error = refusal(&graph(), &HeaderMap::new(), status, &[]).by_graph(
                body.as_bytes(),
                Resource::Users,
                delta,
            );
            assert_eq!(error.code(), expected, "{status} {code} {delta}");
        }
    }

    #[test]
    fn an_answer_carries_ids_and_date() {
        let body = br#"{"error":{"code":"Request_BadRequest","message":"Bad \u0007thing",
            "innerError":{"date":"2025-02-13T10:17:06","request-id":"r-1","client-request-id":"c"}}}"#;
        let endpoint = graph();
        let answer = refusal(&endpoint, &HeaderMap::new(), 400, &[]).answer(body);
        assert_eq!(answer.request_id.as_deref(), Some("r-1"));
        assert_eq!(answer.message, "Bad  thing");
        assert_eq!(
            answer.date.unwrap().to_rfc3339(),
            "2025-02-13T10:17:06+00:00"
        );
    }

    #[test]
    fn bodies_that_are_no_json_are_no_trouble() {
        for body in [
            &b"<html>Bad gateway</html>"[..],
            b"",
            b"[1]",
            b"\xff\xfe",
            b"{\"error\":7}",
        ] {
            let endpoint = graph();
            let answer = refusal(&endpoint, &HeaderMap::new(), 502, &[]).answer(body);
            assert_eq!((answer.status, answer.code.as_str()), (502, ""));
            let error = refusal(&endpoint, &HeaderMap::new(), 400, &[]).by_sign_in(body);
            assert!(matches!(error, Error::SignIn(_)), "{error}");
            let error = refusal(&endpoint, &HeaderMap::new(), 503, &[]).by_sign_in(b"");
            assert_eq!(error.code(), "unavailable");
        }
    }

    #[test]
    fn an_echoed_secret_is_scrubbed() {
        let body = br#"{"error":"invalid_client","error_codes":[7000215],
            "error_description":"AADSTS7000215: You sent hunter2! Trace ID: x","trace_id":"hunter2"}"#;
        let endpoint = graph();
        let error = refusal(&endpoint, &HeaderMap::new(), 401, &["hunter2"]).by_sign_in(body);
        assert!(!format!("{error} {error:?} {}", error.fix()).contains("hunter2"));
        assert_eq!(error.code(), "AADSTS7000215");
    }

    #[test]
    fn both_spellings_of_a_token_error_are_read() {
        let new = "AADSTS90002: Tenant 'x' not found. Check it. Trace ID: t Correlation ID: c \
                   Timestamp: 2024-02-20 07:21:29Z";
        let old = "AADSTS90002: Tenant 'x' not found. Check it.\\r\\nTrace ID: t\\r\\n\
                   Correlation ID: c\\r\\nTimestamp: 2024-02-20 07:21:29Z";
        for text in [new, old] {
            let body = format!(r#"{{"error":"invalid_tenant","error_description":"{text}"}}"#);
            let endpoint = graph();
            let error = refusal(&endpoint, &HeaderMap::new(), 400, &[]).by_sign_in(body.as_bytes());
            let Error::SignIn(refusal) = error else {
                panic!("{error}")
            };
            assert_eq!(refusal.number, Some(90002));
            assert_eq!(refusal.message, "Tenant 'x' not found. Check it.");
        }
    }
}
