//! What can go wrong, as types that carry what someone needs to act on it.
//!
//! [`Error::code`] is stable and meant for programs; [`Error::title`], [`Error::detail`] and
//! [`Error::fix`] are for people. No variant holds a secret or a token: what a server sent back is
//! scrubbed of them before it gets here.

mod aadsts;
mod answer;
mod network;
mod words;

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use aadsts::Blame;
pub(crate) use answer::Refusal;
pub use answer::{Answer, SignInRefusal};
pub(crate) use network::{chain, from_reqwest};

use crate::resource::Resource;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which of a cloud's two services was talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The authority: token endpoints.
    SignIn,
    /// Microsoft Graph.
    Graph,
}

/// A service at a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Which service.
    pub service: Service,
    /// Its host, with the port where one was given.
    pub host: String,
}

/// Why a host can't be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Its name has no address.
    Dns,
    /// Nothing listens there, or a firewall says so.
    Refused,
    /// It doesn't answer in time.
    Timeout,
    /// The connection was cut, perhaps in the middle of an answer.
    Lost,
}

/// What is wrong with a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// There is no certificate in the text, or it can't be read.
    Unreadable(String),
    /// There is no private key in the text, or it can't be read.
    UnreadableKey(String),
    /// The private key is protected by a passphrase.
    EncryptedKey,
    /// The key isn't RSA: assertions are signed PS256.
    NotRsa,
    /// No certificate in the text belongs to the key.
    Mismatch,
}

/// Why a round was broken off as endless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endless {
    /// A link came a second time.
    RepeatedLink,
    /// More pages than the limit.
    Pages,
    /// More empty pages in a row than the limit.
    EmptyPages,
    /// Longer than the limit.
    Time,
}

/// Which step of "can this integration work" an error belongs to, in the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What was typed in, before anything was sent.
    Settings,
    /// Reaching the sign-in service.
    Authority,
    /// The tenant is known in this cloud.
    Tenant,
    /// The application and its credential are accepted.
    Credential,
    /// The token is for the tenant that was expected.
    TokenTenant,
    /// Reaching Graph.
    Graph,
    /// Graph allows the reading.
    Permission,
    /// The reading itself.
    Read,
}

/// Everything that can go wrong here.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", self.title(), self.detail())]
pub enum Error {
    /// A cloud's origin is not one.
    InvalidCloud {
        /// The text.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tenant is neither a GUID nor a domain.
    InvalidTenant {
        /// The text, shortened.
        tenant: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate and its key can't be used.
    InvalidCertificate(CertificateProblem),
    /// A call was given more than Graph takes, e.g. 51 ids in a filter.
    InvalidCall {
        /// What is wrong.
        reason: String,
    },
    /// The HTTP client can't be made.
    HttpClient {
        /// What is wrong.
        reason: String,
    },
    /// The host can't be reached.
    Unreachable {
        /// Where.
        endpoint: Endpoint,
        /// Why.
        why: Unreachable,
        /// The system's words.
        reason: String,
    },
    /// TLS failed: mostly a certificate that isn't trusted.
    Tls {
        /// Where.
        endpoint: Endpoint,
        /// The TLS library's words.
        reason: String,
    },
    /// The token endpoint refused.
    SignIn(Box<SignInRefusal>),
    /// The token is for another tenant than the pinned one; nothing was read.
    TenantChanged {
        /// The pinned tenant.
        expected: Uuid,
        /// The token's `tid`, where it can be read.
        found: Option<Uuid>,
    },
    /// Graph answers 403: the application lacks a permission.
    PermissionMissing {
        /// For what.
        resource: Resource,
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// Graph answers 401, also to a new token.
    TokenRefused {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// The application has no service principal in the tenant (yet).
    IdentityNotFound {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// The application's service principal is disabled.
    IdentityDisabled {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// Throttled for longer than this call may wait.
    Throttled {
        /// Where.
        endpoint: Endpoint,
        /// When to come back, where the service said so.
        retry_after: Option<Duration>,
        /// What it said; none where our own limiter held the request back.
        answer: Option<Box<Answer>>,
    },
    /// The service has a failure of its own (5xx), also after all tries.
    Unavailable {
        /// When to come back, where the service said so.
        retry_after: Option<Duration>,
        /// What it said.
        answer: Box<Answer>,
    },
    /// The delta link is no longer good: read everything anew.
    DeltaExpired {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// A next link is no longer good: begin this reading anew.
    PageExpired {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// What was asked for doesn't exist.
    NotFound {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// Any other refusal.
    Refused {
        /// What Graph said.
        answer: Box<Answer>,
    },
    /// A round ended without a delta link: not everything was delivered.
    Incomplete {
        /// Of what.
        resource: Resource,
        /// Pages read until then.
        pages: u32,
    },
    /// A round doesn't end.
    EndlessRound {
        /// Of what.
        resource: Resource,
        /// How that was noticed.
        why: Endless,
        /// Pages read until then.
        pages: u32,
    },
    /// A link leads away from the Graph origin or from the round's resource; it was not followed.
    ForeignLink {
        /// Of what.
        resource: Resource,
        /// Where it leads: without its query, which holds a token.
        link: String,
        /// Where links of this round must begin.
        expected: String,
    },
    /// A redirect; it was not followed.
    Redirected {
        /// By whom.
        endpoint: Endpoint,
        /// Where to: the origin alone.
        to: String,
    },
    /// An answer is over the limit.
    TooLarge {
        /// Whose.
        endpoint: Endpoint,
        /// The limit in bytes.
        limit: usize,
    },
    /// A success that can't be understood.
    BadAnswer {
        /// Whose.
        endpoint: Endpoint,
        /// What is wrong with it; holds nothing of its content.
        reason: String,
        /// The service's id of the request.
        request_id: Option<String>,
    },
}

impl Error {
    /// The step this error belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Self::InvalidCloud { .. }
            | Self::InvalidTenant { .. }
            | Self::InvalidCertificate(_)
            | Self::InvalidCall { .. }
            | Self::HttpClient { .. } => Stage::Settings,
            Self::Unreachable { endpoint, .. }
            | Self::Tls { endpoint, .. }
            | Self::Throttled { endpoint, .. }
            | Self::Redirected { endpoint, .. }
            | Self::TooLarge { endpoint, .. }
            | Self::BadAnswer { endpoint, .. } => match endpoint.service {
                Service::SignIn => Stage::Authority,
                Service::Graph => Stage::Graph,
            },
            Self::SignIn(refusal) => match refusal.blame() {
                Blame::Service => Stage::Authority,
                Blame::Tenant | Blame::Cloud => Stage::Tenant,
                _ => Stage::Credential,
            },
            Self::TenantChanged { .. } => Stage::TokenTenant,
            Self::Unavailable { answer, .. } => match answer.endpoint.service {
                Service::SignIn => Stage::Authority,
                Service::Graph => Stage::Graph,
            },
            Self::PermissionMissing { .. }
            | Self::TokenRefused { .. }
            | Self::IdentityNotFound { .. }
            | Self::IdentityDisabled { .. } => Stage::Permission,
            Self::DeltaExpired { .. }
            | Self::PageExpired { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Incomplete { .. }
            | Self::EndlessRound { .. }
            | Self::ForeignLink { .. } => Stage::Read,
        }
    }

    /// Whether the same may well succeed later without anyone doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::SignIn(refusal) => refusal.is_transient(),
            Self::Unreachable { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::DeltaExpired { .. }
            | Self::PageExpired { .. }
            | Self::Incomplete { .. }
            | Self::BadAnswer { .. } => true,
            _ => false,
        }
    }

    /// Whether the application or its credential isn't accepted: somebody has to act in Entra or
    /// in the credential profile, and trying again meanwhile is of no use.
    pub fn is_authentication(&self) -> bool {
        match self {
            Self::SignIn(refusal) => !refusal.is_transient(),
            Self::TokenRefused { .. }
            | Self::IdentityNotFound { .. }
            | Self::IdentityDisabled { .. }
            | Self::TenantChanged { .. } => true,
            _ => false,
        }
    }

    /// How long the service asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// The HTTP status, where a service answered.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::SignIn(refusal) => Some(refusal.status),
            _ => self.answer().map(|answer| answer.status),
        }
    }

    /// The service's id of the request: `request-id` of Graph, the trace id of a token endpoint.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::SignIn(refusal) => refusal.trace_id.as_deref(),
            Self::BadAnswer { request_id, .. } => request_id.as_deref(),
            _ => self
                .answer()
                .and_then(|answer| answer.request_id.as_deref()),
        }
    }

    /// When the service said it.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::SignIn(refusal) => refusal.date,
            _ => self.answer().and_then(|answer| answer.date),
        }
    }

    /// What Graph said, where it answered.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::PermissionMissing { answer, .. }
            | Self::TokenRefused { answer }
            | Self::IdentityNotFound { answer }
            | Self::IdentityDisabled { answer }
            | Self::Unavailable { answer, .. }
            | Self::DeltaExpired { answer }
            | Self::PageExpired { answer }
            | Self::NotFound { answer }
            | Self::Refused { answer } => Some(answer),
            Self::Throttled { answer, .. } => answer.as_deref(),
            _ => None,
        }
    }
}
