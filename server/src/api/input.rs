//! What a call brings: ids in the path, the query, the body. Each is looked at in its turn, so
//! that nobody learns from a 422 what a 404 should have kept (interfaces.md, REST API).

use std::{borrow::Cow, fmt::Display, str::FromStr};

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    response::IntoResponse,
};
use bytes::Bytes;
use domain::{
    paging::{LIMIT_DEFAULT, LIMIT_MAX, ListRequest},
    text::FieldError,
};
use http::{StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;

use super::problem::{Problem, Result};

/// An id in the path. One that can't be an id belongs to nothing, so it is not found.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let not_found = || Problem::not_found("object");
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// An id in the path, and behind it the number of a version or the name of an attribute.
#[derive(Debug, Clone)]
pub struct IdAnd<T, U>(pub T, pub U);

impl<S, T, U> FromRequestParts<S> for IdAnd<T, U>
where
    S: Send + Sync,
    T: FromStr + Send,
    U: FromStr + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let not_found = || Problem::not_found("object");
        let Path((id, behind)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| not_found())?;
        match (id.parse(), behind.parse()) {
            (Ok(id), Ok(behind)) => Ok(Self(id, behind)),
            _ => Err(not_found()),
        }
    }
}

/// The query as it came; read with [`Query::parse`] when its turn has come.
#[derive(Debug, Clone)]
pub struct Query(String);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl Query {
    /// The names and values as they came.
    pub fn pairs(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        url::form_urlencoded::parse(self.0.as_bytes()).collect()
    }

    /// Reads the parameters into `T`, which denies unknown ones.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let pairs = url::form_urlencoded::parse(self.0.as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(
            |error| {
                let field = blamed(&error.path().to_string(), &error.inner().to_string());
                Problem::unreadable(field, sentence("The query", error.inner()))
            },
        )
    }
}

/// A body of JSON as it came; read with [`Body::parse`] when its turn has come.
#[derive(Debug)]
pub struct Body(std::result::Result<Bytes, Problem>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = std::convert::Infallible;

    async fn from_request(
        request: Request,
        _state: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_json);
        if !json {
            return Ok(Self(Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unknown media type",
                "Send the body as JSON, with “Content-Type: application/json”.",
            ))));
        }
        Ok(Self(whole(request).await))
    }
}

/// All bytes of a body, up to what one may have.
async fn whole(request: Request) -> Result<Bytes> {
    whole_of(request, "A body may have at most 1 MiB.").await
}

async fn whole_of(request: Request, too_large: &'static str) -> Result<Bytes> {
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| {
            let status = rejection.into_response().status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(status, "Body too large", too_large)
            } else {
                Problem::unreadable(None, "The body could not be read to its end.")
            }
        })
}

/// A body of text as it came, JSON or TOML; read with [`TextBody::parse`] when its turn has come.
#[derive(Debug)]
pub struct TextBody(std::result::Result<Bytes, Problem>);

impl<S: Send + Sync> FromRequest<S> for TextBody {
    type Rejection = std::convert::Infallible;

    async fn from_request(
        request: Request,
        _state: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        let media_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_text = ["application/json", "application/toml", "text/plain"]
            .iter()
            .any(|known| essence.eq_ignore_ascii_case(known));
        if !is_text {
            return Ok(Self(Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unknown media type",
                "Send the file as “application/json” or “application/toml”.",
            ))));
        }
        Ok(Self(whole(request).await))
    }
}

impl TextBody {
    /// The text.
    pub fn parse(self) -> Result<String> {
        String::from_utf8(self.0?.to_vec())
            .map_err(|_| Problem::unreadable(None, "The file isn’t UTF-8."))
    }
}

/// A file as it came; read with [`FileBody::bytes`] when its turn has come.
#[derive(Debug)]
pub struct FileBody(std::result::Result<Bytes, Problem>);

impl<S: Send + Sync> FromRequest<S> for FileBody {
    type Rejection = std::convert::Infallible;

    async fn from_request(
        request: Request,
        _state: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        let media_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_csv = ["text/csv", "text/plain", "application/octet-stream"]
            .iter()
            .any(|known| essence.eq_ignore_ascii_case(known));
        if !is_csv {
            return Ok(Self(Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unknown media type",
                "Send the file itself as the body, with “Content-Type: text/csv”.",
            ))));
        }
        let too_large = "A file may have at most 32 MiB.";
        Ok(Self(whole_of(request, too_large).await))
    }
}

impl FileBody {
    /// The bytes.
    pub fn bytes(self) -> Result<Vec<u8>> {
        self.0.map(Vec::from)
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json")
}

impl Body {
    /// Reads the body into `T`, which denies unknown fields.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.0?;
        let deserializer = &mut serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut *deserializer).map_err(|error| {
            let (path, inner) = (error.path().to_string(), error.inner());
            if inner.is_data() {
                Problem::invalid(FieldError {
                    field: blamed(&path, &inner.to_string()).unwrap_or_default(),
                    message: sentence("The body", inner),
                })
            } else {
                Problem::unreadable(None, sentence("The body is not valid JSON", inner))
            }
        })?;
        deserializer
            .end()
            .map_err(|error| Problem::unreadable(None, sentence("The body", &error)))?;
        Ok(value)
    }
}

fn sentence(subject: &str, error: &impl Display) -> String {
    format!("{subject}: {error}.")
}

/// The field to blame: the path that was read, and for unknown and missing fields, which are
/// reported at their parent, the name in serde's message.
fn blamed(path: &str, message: &str) -> Option<String> {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))
        .and_then(|rest| rest.split('`').next());
    match (path, named) {
        ("." | "" | "?", None) => None,
        ("." | "" | "?", Some(name)) => Some(name.to_owned()),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            Some(format!("{path}.{name}"))
        }
        (path, _) => Some(path.to_owned()),
    }
}

/// What a list call asks for, from its `limit`, `cursor` and `q`.
pub fn list_request(
    limit: Option<u32>,
    cursor: Option<&str>,
    q: Option<String>,
) -> Result<ListRequest> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::unreadable(
            Some("limit".to_owned()),
            format!("limit is between 1 and {LIMIT_MAX}."),
        ));
    }
    let cursor = cursor
        .map(|text| {
            text.parse().map_err(|_| {
                Problem::unreadable(
                    Some("cursor".to_owned()),
                    "This cursor can’t be read: pass the “next” of the answer before, unchanged.",
                )
            })
        })
        .transpose()?;
    Ok(ListRequest {
        limit,
        cursor,
        q: q.filter(|q| !q.trim().is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use domain::{
        credential_profile::NewCredentialProfile, integration::NewIntegration, run::RunStatus,
    };
    use serde::Deserialize;

    use super::*;

    fn refused<T: DeserializeOwned>(body: &str) -> (u16, Option<String>, String) {
        let problem = Body(Ok(body.to_owned().into())).parse::<T>().err().unwrap();
        (
            problem.status,
            problem.field.map(String::from),
            problem.detail.into(),
        )
    }

    #[test]
    fn a_body_is_refused_with_the_field_to_blame() {
        for (body, status, field) in [
            ("{", 400, None),
            ("{} x", 422, Some("name")),
            (
                r#"{"name": "a", "kind": "client_secret", "client_id": "x", "oops": 1}"#,
                422,
                Some("oops"),
            ),
            (r#"{"name": 1}"#, 422, Some("name")),
            (r#"{"name": "a", "kind": "password"}"#, 422, Some("kind")),
            (r#"{"customer_id": "not-an-id"}"#, 422, Some("customer_id")),
            ("[]", 422, Some("name")),
        ] {
            let refused = refused::<NewCredentialProfile>(body);
            if body == "[]" {
                assert_eq!(refused.0, 422, "{refused:?}");
                continue;
            }
            assert_eq!(
                (refused.0, refused.1.as_deref()),
                (status, field),
                "{body} {}",
                refused.2
            );
        }
        let (_, field, _) = refused::<NewIntegration>(
            r#"{"kind": "entra_id", "tenant": "a.example", "credential_profile_id": "0190a0a0-0000-7000-8000-000000000000", "policy": {"guard": {"user": {"max_count": 1, "max_percent": 300}}}}"#,
        );
        assert_eq!(field.as_deref(), Some("policy.guard.user.max_percent"));
        let (_, field, _) = refused::<NewIntegration>(
            r#"{"kind": "entra_id", "tenant": "a.example", "policy": {"guards": 1}}"#,
        );
        assert_eq!(field.as_deref(), Some("policy.guards"));
    }

    #[test]
    fn a_query_is_refused_with_the_parameter_to_blame() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            #[serde(rename = "limit")]
            _limit: Option<u32>,
            #[serde(rename = "status")]
            _status: Option<RunStatus>,
        }
        for (query, field) in [
            ("limit=x", "limit"),
            ("status=gone", "status"),
            ("limits=1", "limits"),
            ("limit=1&limit=2", "limit"),
        ] {
            let problem = Query(query.to_owned()).parse::<Parameters>().unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (400, Some(field)),
                "{}",
                problem.detail
            );
        }
        assert!(
            Query("limit=5&status=held".to_owned())
                .parse::<Parameters>()
                .is_ok()
        );
    }
}
