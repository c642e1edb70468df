//! Every error's words, as people read them.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use graph::{
    Answer, CertificateProblem, Endless, Endpoint, Error, Resource, Service, SignInRefusal,
    Unreachable,
};
use uuid::Uuid;

fn sign_in() -> Endpoint {
    Endpoint {
        service: Service::SignIn,
        host: "login.microsoftonline.com".to_owned(),
    }
}

fn microsoft_graph() -> Endpoint {
    Endpoint {
        service: Service::Graph,
        host: "graph.microsoft.com".to_owned(),
    }
}

fn date() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_352_000, 0).unwrap()
}

fn refusal(status: u16, error: &str, number: Option<u32>, message: &str) -> Error {
    Error::SignIn(Box::new(SignInRefusal {
        endpoint: sign_in(),
        status,
        error: error.to_owned(),
        number,
        code: number.map_or_else(|| error.to_owned(), |number| format!("AADSTS{number}")),
        message: message.to_owned(),
        trace_id: Some("6bad8289-db4a-49da-8609-0848d8d71700".to_owned()),
        correlation_id: Uuid::nil(),
        date: Some(date()),
    }))
}

fn answer(status: u16, code: &str, message: &str) -> Box<Answer> {
    Box::new(Answer {
        endpoint: microsoft_graph(),
        status,
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: Some("93b6f17e-0000-4000-8000-000000000000".to_owned()),
        client_request_id: Uuid::nil(),
        date: Some(date()),
    })
}

fn show(errors: impl IntoIterator<Item = Error>) -> String {
    let mut text = String::new();
    for error in errors {
        let class = match (error.is_retryable(), error.is_authentication()) {
            (true, false) => "passes by itself",
            (false, true) => "needs someone",
            (false, false) => "stays",
            (true, true) => panic!("{error} can't be both"),
        };
        let (code, stage) = (error.code(), error.stage());
        let (title, detail, fix) = (error.title(), error.detail(), error.fix());
        assert!(
            !fix.is_empty() && !title.ends_with('.') && detail.ends_with('.'),
            "{error}"
        );
        writeln!(
            text,
            "{code} ({stage:?}, {class})\n  {title}\n  {detail}\n  {fix}\n"
        )
        .unwrap();
    }
    text
}

/// Status, OAuth error, number and the beginning of the words, as in graph.md §2.4.
const ROWS: &[(u16, &str, u32, &str)] = &[
    (
        401,
        "invalid_client",
        7_000_215,
        "Invalid client secret provided.",
    ),
    (
        401,
        "invalid_client",
        7_000_222,
        "The provided client secret keys are expired.",
    ),
    (
        400,
        "unauthorized_client",
        700_016,
        "Application with identifier 'a' was not found.",
    ),
    (
        401,
        "invalid_client",
        7_000_229,
        "The client application is missing.",
    ),
    (400, "invalid_request", 90_002, "Tenant 't' not found."),
    (
        400,
        "invalid_request",
        900_023,
        "Specified tenant identifier 't' is neither.",
    ),
    (
        400,
        "invalid_request",
        9_001_023,
        "The grant type is not supported here.",
    ),
    (
        400,
        "invalid_request",
        90_124,
        "Resource is not supported here.",
    ),
    (
        401,
        "invalid_client",
        700_027,
        "Client assertion contains an invalid signature.",
    ),
    (401, "invalid_client", 50_027, "Invalid JWT token."),
    (
        401,
        "invalid_client",
        700_024,
        "Client assertion is not within its valid time range.",
    ),
    (
        401,
        "invalid_client",
        700_021,
        "Client assertion application identifier is wrong.",
    ),
    (
        401,
        "invalid_client",
        70_021,
        "No matching federated identity record found.",
    ),
    (401, "invalid_client", 700_211, "No matching issuer."),
    (401, "invalid_client", 700_212, "No matching audience."),
    (401, "invalid_client", 700_213, "No matching subject."),
    (401, "invalid_client", 7_002_138, "A case mismatch."),
    (
        400,
        "unauthorized_client",
        7_000_112,
        "Application 'a' is disabled.",
    ),
    (
        400,
        "invalid_resource",
        500_014,
        "The service principal is disabled.",
    ),
    (
        400,
        "invalid_resource",
        500_011,
        "The resource principal was not found.",
    ),
    (
        400,
        "invalid_scope",
        70_011,
        "The provided scope is not valid.",
    ),
    (400, "invalid_scope", 28_000, "Several resources."),
    (400, "invalid_scope", 700_022, "Several resources."),
    (
        401,
        "invalid_request",
        7_000_216,
        "A credential is required.",
    ),
    (
        401,
        "invalid_client",
        7_000_218,
        "A credential is required.",
    ),
    (401, "invalid_client", 70_002, "A credential is required."),
    (
        400,
        "invalid_request",
        900_144,
        "The request body must contain 'scope'.",
    ),
    (400, "invalid_grant", 53_003, "Access has been blocked."),
    (
        400,
        "invalid_request",
        90_038,
        "The tenant is in another cloud.",
    ),
    (
        400,
        "invalid_request",
        900_382,
        "Confidential client is not supported.",
    ),
    (
        400,
        "invalid_request",
        900_432,
        "Confidential client is not supported.",
    ),
    (503, "temporarily_unavailable", 90_055, "Throttled."),
    (
        503,
        "temporarily_unavailable",
        50_196,
        "A loop was detected.",
    ),
    (503, "temporarily_unavailable", 90_006, "A passing failure."),
    (503, "temporarily_unavailable", 90_024, "A passing failure."),
    (503, "temporarily_unavailable", 90_033, "A passing failure."),
    (503, "temporarily_unavailable", 90_090, "A passing failure."),
    (400, "invalid_request", 1, "A code nobody knows."),
    (
        500,
        "server_error",
        2,
        "A code nobody knows, with a status that passes.",
    ),
];

#[test]
fn sign_in_refusals() {
    let coded = ROWS
        .iter()
        .map(|(status, error, number, words)| refusal(*status, error, Some(*number), words));
    let plain = [
        refusal(503, "temporarily_unavailable", None, ""),
        refusal(400, "invalid_client", None, "Words without a code."),
    ];
    insta::assert_snapshot!(show(coded.chain(plain)));
}

#[test]
fn settings() {
    let certificate = |problem| Error::InvalidCertificate(problem);
    let reason = || "There is none in the text".to_owned();
    insta::assert_snapshot!(show([
        Error::InvalidCloud {
            origin: "https://graph.microsoft.com/v1.0".to_owned(),
            reason: "it must end after the host, without a path".to_owned(),
        },
        Error::InvalidTenant {
            tenant: "contoso".to_owned(),
            reason: "it is neither a GUID nor a domain name such as contoso.com",
        },
        certificate(CertificateProblem::Unreadable(reason())),
        certificate(CertificateProblem::UnreadableKey(reason())),
        certificate(CertificateProblem::EncryptedKey),
        certificate(CertificateProblem::NotRsa),
        certificate(CertificateProblem::Mismatch),
        Error::InvalidCall {
            reason: "20 groups can be counted at once, not 21".to_owned()
        },
        Error::HttpClient {
            reason: "TLS can't be set up: no certificates".to_owned()
        },
    ]));
}

#[test]
fn network() {
    let unreachable = |why| Error::Unreachable {
        endpoint: sign_in(),
        why,
        reason: "the system's words".to_owned(),
    };
    insta::assert_snapshot!(show([
        unreachable(Unreachable::Dns),
        unreachable(Unreachable::Refused),
        unreachable(Unreachable::Timeout),
        unreachable(Unreachable::Lost),
        Error::Tls {
            endpoint: microsoft_graph(),
            reason: "invalid peer certificate: UnknownIssuer".to_owned(),
        },
        Error::Redirected {
            endpoint: microsoft_graph(),
            to: "https://proxy.example".to_owned(),
        },
        Error::TooLarge {
            endpoint: microsoft_graph(),
            limit: 64 << 20
        },
        Error::BadAnswer {
            endpoint: microsoft_graph(),
            reason: "the JSON text is cut off (line 1, column 8)".to_owned(),
            request_id: Some("93b6f17e".to_owned()),
        },
    ]));
}

#[test]
fn graph_refusals() {
    let denied = || {
        answer(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges.",
        )
    };
    let permissions = Resource::ALL.map(|resource| Error::PermissionMissing {
        resource,
        answer: denied(),
    });
    let token = "Access token validation failure. Invalid audience.";
    let identity = "The identity of the calling application could not be established.";
    let others = [
        Error::TokenRefused {
            answer: answer(401, "InvalidAuthenticationToken", token),
        },
        Error::IdentityNotFound {
            answer: answer(401, "Authorization_IdentityNotFound", identity),
        },
        Error::IdentityDisabled {
            answer: answer(403, "Authorization_IdentityDisabled", ""),
        },
        Error::TenantChanged {
            expected: Uuid::from_u128(1),
            found: Some(Uuid::from_u128(2)),
        },
        Error::TenantChanged {
            expected: Uuid::from_u128(1),
            found: None,
        },
        Error::Throttled {
            endpoint: microsoft_graph(),
            retry_after: Some(Duration::from_mins(20)),
            answer: Some(answer(429, "TooManyRequests", "Please retry again later.")),
        },
        Error::Throttled {
            endpoint: sign_in(),
            retry_after: None,
            answer: None,
        },
        Error::Unavailable {
            retry_after: None,
            answer: answer(504, "", ""),
        },
        Error::NotFound {
            answer: answer(404, "Request_ResourceNotFound", "It does not exist."),
        },
        Error::Refused {
            answer: answer(400, "", "A bad request."),
        },
    ];
    insta::assert_snapshot!(show(permissions.into_iter().chain(others)));
}

#[test]
fn rounds() {
    let endless = |why| Error::EndlessRound {
        resource: Resource::Groups,
        why,
        pages: 12,
    };
    insta::assert_snapshot!(show([
        Error::DeltaExpired {
            answer: answer(410, "resyncRequired", "Resync required.")
        },
        Error::PageExpired {
            answer: answer(400, "Directory_ExpiredPageToken", "Expired.")
        },
        Error::Incomplete {
            resource: Resource::Users,
            pages: 3
        },
        endless(Endless::RepeatedLink),
        endless(Endless::Pages),
        endless(Endless::EmptyPages),
        endless(Endless::Time),
        Error::ForeignLink {
            resource: Resource::Users,
            link: "https://evil.example/v1.0/users/delta".to_owned(),
            expected: "https://graph.microsoft.com/v1.0/users/delta".to_owned(),
        },
    ]));
}
