//! What the API answers when it refuses: RFC 9457 `application/problem+json`.

use axum::response::{IntoResponse, Response};
use backend::refusal;
use domain::{id::RunId, run::RunError, text::FieldError};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder},
};

/// The media type of RFC 9457.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a call was refused, in words a person can act on. Boxed texts keep it small: every call's
/// result has room for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What went wrong, the same words each time.
    #[schema(value_type = String)]
    pub title: Box<str>,
    /// The status of the answer.
    pub status: u16,
    /// What was wrong with this call, and what to do.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// The field of the body or the query that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub field: Option<Box<str>>,
    /// The run that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Microsoft's code or ours, where Entra ID or Graph refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<Box<str>>,
    /// What to do, where Entra ID or Graph refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub fix: Option<Box<str>>,
    /// What an unexpected failure is found by in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub report_id: Option<Box<str>>,
    /// Seconds to wait; becomes the header Retry-After.
    #[serde(skip)]
    pub retry_after_s: Option<u16>,
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// A refusal with this status.
    pub fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into().into(),
            field: None,
            run_id: None,
            code: None,
            fix: None,
            report_id: None,
            retry_after_s: None,
        }
    }

    /// The token is missing, unknown, ended or revoked.
    pub fn signed_out() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Not signed in",
            "Send a valid token as “Authorization: Bearer rc_…”.",
        )
    }

    /// There is no such thing, or the caller may not see it.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not found",
            format!("This {what} doesn’t exist, or the token may not see it."),
        )
    }

    /// The syntax can't be read (RFC 9110 §15.5.1).
    pub fn unreadable(field: Option<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.map(Into::into),
            ..Self::new(StatusCode::BAD_REQUEST, "Unreadable request", detail)
        }
    }

    /// A field can be read but not accepted (RFC 9110 §15.5.21).
    pub fn invalid(error: FieldError) -> Self {
        Self {
            field: (!error.field.is_empty()).then(|| error.field.into()),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid field",
                error.message,
            )
        }
    }

    /// Too many tries.
    pub fn too_many(retry_after_s: u64) -> Self {
        Self {
            retry_after_s: Some(u16::try_from(retry_after_s).unwrap_or(u16::MAX)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                format!("Wait {retry_after_s} seconds."),
            )
        }
    }

    fn source(error: RunError) -> Self {
        Self {
            code: Some(error.code.into()),
            fix: Some(error.fix.into()),
            ..Self::new(StatusCode::BAD_GATEWAY, &error.title, error.detail)
        }
    }

    /// The inside is logged here, once, and never answered.
    fn internal(error: &backend::Error, request_id: &str) -> Self {
        tracing::error!(report_id = request_id, error = %error, "a call failed");
        Self {
            report_id: Some(request_id.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "This is a fault of Rollcall’s. The log holds more under the report id.",
            )
        }
    }

    /// The backend's refusal, of the request with this id.
    pub fn from_backend(error: backend::Error, request_id: &str) -> Self {
        use backend::Error;
        refusal::note_error(&error);
        match error {
            Error::SignedOut => Self::signed_out(),
            Error::TokenRefused(why) => Self {
                detail: why.into(),
                ..Self::signed_out()
            },
            Error::Forbidden(permission) => Self::new(
                StatusCode::FORBIDDEN,
                "Not allowed",
                format!("The token’s role or its customers don’t allow this ({permission})."),
            ),
            // For operators in a browser: no token is asked.
            Error::ProveAgain => Self::new(
                StatusCode::FORBIDDEN,
                "Not allowed",
                "This asks a person to confirm who they are.",
            ),
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(error) => Self::invalid(error),
            Error::Conflict { message, run_id } => Self {
                run_id,
                ..Self::new(StatusCode::CONFLICT, "Conflict", message)
            },
            Error::TooMany { retry_after_s } => Self::too_many(retry_after_s),
            Error::Busy { retry_after_s } => Self {
                retry_after_s: Some(u16::try_from(retry_after_s).unwrap_or(u16::MAX)),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not available",
                    format!("There is too much to do just now. Wait {retry_after_s} seconds."),
                )
            },
            Error::Source(error) => Self::source(error),
            Error::Unavailable(message) => Self {
                retry_after_s: Some(5),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not available", message)
            },
            error => Self::internal(&error, request_id),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"rollcall\""),
            );
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The refusals that every call may answer, for the description.
#[derive(Debug)]
pub struct Refusals;

/// Those and a clash with what already is.
#[derive(Debug)]
pub struct RefusalsWithConflict;

const REFUSALS: [(&str, &str); 6] = [
    ("400", "The body or the query can’t be read"),
    (
        "401",
        "The token is missing, unknown, ended, revoked or from another network",
    ),
    ("403", "The token’s role or customers don’t allow it"),
    (
        "404",
        "Something in the path doesn’t exist, or may not be seen",
    ),
    ("422", "A field can’t be accepted"),
    (
        "429",
        "Too many failed tries from this address, or too many pages of lists",
    ),
];

/// What a call that asks a source may answer besides.
#[derive(Debug)]
pub struct SourceRefusals;

/// The responses of a call, by status.
type Responses = std::collections::BTreeMap<String, RefOr<utoipa::openapi::Response>>;

/// Responses with a problem as their body.
pub fn refusals<'a>(of: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Responses {
    let content = || {
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build()
    };
    of.into_iter()
        .map(|(status, description)| {
            let response = ResponseBuilder::new()
                .description(*description)
                .content(MEDIA_TYPE, content())
                .build();
            ((*status).to_owned(), response.into())
        })
        .collect()
}

impl utoipa::IntoResponses for Refusals {
    fn responses() -> Responses {
        refusals(&REFUSALS)
    }
}

impl utoipa::IntoResponses for SourceRefusals {
    fn responses() -> Responses {
        refusals(&[
            (
                "502",
                "The source refused, or couldn’t be reached: what it said, and what to do",
            ),
            ("503", "There is too much to do just now; try again later"),
        ])
    }
}

impl utoipa::IntoResponses for RefusalsWithConflict {
    fn responses() -> Responses {
        refusals(
            REFUSALS
                .iter()
                .chain([&("409", "It clashes with what already is")]),
        )
    }
}
