//! Every error in words: what it is, what happened, what to do.

use std::time::Duration;

use super::aadsts;
use super::{
    Answer, CertificateProblem, Endless, Endpoint, Error, Service, SignInRefusal, Unreachable,
};

impl Error {
    /// Stable, for programs: an AADSTS code where a token endpoint refused with one, else a name
    /// in `snake_case`.
    pub fn code(&self) -> &str {
        match self {
            Self::InvalidCloud { .. } => "invalid_cloud",
            Self::InvalidTenant { .. } => "invalid_tenant",
            Self::InvalidCertificate(problem) => match problem {
                CertificateProblem::Unreadable(_) => "certificate_unreadable",
                CertificateProblem::UnreadableKey(_) => "private_key_unreadable",
                CertificateProblem::EncryptedKey => "private_key_encrypted",
                CertificateProblem::NotRsa => "private_key_not_rsa",
                CertificateProblem::Mismatch => "certificate_mismatch",
            },
            Self::InvalidCall { .. } => "invalid_call",
            Self::HttpClient { .. } => "http_client",
            Self::Unreachable { why, .. } => match why {
                Unreachable::Dns => "unreachable_dns",
                Unreachable::Refused => "unreachable_refused",
                Unreachable::Timeout => "unreachable_timeout",
                Unreachable::Lost => "connection_lost",
            },
            Self::Tls { .. } => "tls",
            Self::SignIn(refusal) => &refusal.code,
            Self::TenantChanged { .. } => "tenant_changed",
            Self::PermissionMissing { .. } => "permission_missing",
            Self::TokenRefused { .. } => "token_refused",
            Self::IdentityNotFound { .. } => "identity_not_found",
            Self::IdentityDisabled { .. } => "identity_disabled",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::DeltaExpired { .. } => "delta_expired",
            Self::PageExpired { .. } => "page_expired",
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::Incomplete { .. } => "incomplete",
            Self::EndlessRound { .. } => "endless_round",
            Self::ForeignLink { .. } => "foreign_link",
            Self::Redirected { .. } => "redirected",
            Self::TooLarge { .. } => "answer_too_large",
            Self::BadAnswer { .. } => "bad_answer",
        }
    }

    /// What it is, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::InvalidCloud { .. } => "The cloud's address is not valid".to_owned(),
            Self::InvalidTenant { .. } => "The tenant is not valid".to_owned(),
            Self::InvalidCertificate(problem) => match problem {
                CertificateProblem::Unreadable(_) => "The certificate can't be read",
                CertificateProblem::UnreadableKey(_) => "The private key can't be read",
                CertificateProblem::EncryptedKey => "The private key is protected by a passphrase",
                CertificateProblem::NotRsa => "The private key is not an RSA key",
                CertificateProblem::Mismatch => "The private key belongs to another certificate",
            }
            .to_owned(),
            Self::InvalidCall { .. } => "Graph can't be asked this way".to_owned(),
            Self::HttpClient { .. } => "The HTTP client can't be set up".to_owned(),
            Self::Unreachable { endpoint, .. } => format!("{} can't be reached", name(endpoint)),
            Self::Tls { endpoint, .. } => format!("{} can't be trusted", name(endpoint)),
            Self::SignIn(refusal) => aadsts::meaning(refusal).title.to_owned(),
            Self::TenantChanged { .. } => "The token is for another tenant".to_owned(),
            Self::PermissionMissing { resource, .. } => {
                format!("The permission to read {resource} is missing")
            }
            Self::TokenRefused { .. } => "Microsoft Graph doesn't accept the token".to_owned(),
            Self::IdentityNotFound { .. } => {
                "Microsoft Graph doesn't know the application in this tenant".to_owned()
            }
            Self::IdentityDisabled { .. } => {
                "The application is disabled in this tenant".to_owned()
            }
            Self::Throttled { endpoint, .. } => format!("{} is throttling", name(endpoint)),
            Self::Unavailable { answer, .. } => {
                format!("{} has a failure", name(&answer.endpoint))
            }
            Self::DeltaExpired { .. } => "The position in the changes has been lost".to_owned(),
            Self::PageExpired { .. } => "The reading took too long to go on".to_owned(),
            Self::NotFound { .. } => "It doesn't exist in this tenant".to_owned(),
            Self::Refused { .. } => "Microsoft Graph refused the request".to_owned(),
            Self::Incomplete { resource, .. } => format!("The reading of {resource} is incomplete"),
            Self::EndlessRound { resource, .. } => {
                format!("The reading of {resource} doesn't come to an end")
            }
            Self::ForeignLink { .. } => "A link leads elsewhere".to_owned(),
            Self::Redirected { endpoint, .. } => format!("{} redirects", name(endpoint)),
            Self::TooLarge { endpoint, .. } => {
                format!("An answer of {} is too large", name(endpoint))
            }
            Self::BadAnswer { endpoint, .. } => {
                format!("An answer of {} can't be understood", name(endpoint))
            }
        }
    }

    /// What happened: the service's own words, with ids and time where it gave them.
    pub fn detail(&self) -> String {
        match self {
            Self::InvalidCloud { origin, reason } => format!("{origin:?}: {reason}."),
            Self::InvalidTenant { tenant, reason } => format!("{tenant:?}: {reason}."),
            Self::InvalidCertificate(problem) => certificate(problem),
            Self::InvalidCall { reason } | Self::HttpClient { reason } => format!("{reason}."),
            Self::Unreachable {
                endpoint,
                why,
                reason,
            } => cut_off(&endpoint.host, *why, reason),
            Self::Tls { endpoint, reason } => {
                format!("No secure connection to {}: {reason}.", endpoint.host)
            }
            Self::SignIn(refusal) => sign_in(refusal),
            Self::TenantChanged {
                expected,
                found: Some(found),
            } => {
                format!(
                    "Expected was tenant {expected}, the token is for {found}. Nothing was read."
                )
            }
            Self::TenantChanged {
                expected,
                found: None,
            } => {
                format!("Expected was tenant {expected}, the token names none. Nothing was read.")
            }
            Self::Throttled {
                endpoint,
                retry_after,
                answer,
            } => throttled(&endpoint.host, *retry_after, answer.as_deref()),
            Self::Incomplete { pages, .. } => {
                format!("The last page, number {pages}, had neither a next link nor a delta link.")
            }
            Self::EndlessRound { why, pages, .. } => endless(*why, *pages),
            Self::ForeignLink { link, expected, .. } => {
                format!(
                    "A link to {link} came where links begin with {expected}. It was not followed and no token was sent."
                )
            }
            Self::Redirected { endpoint, to } => {
                format!(
                    "{} sent on to {to}. That was not followed and no token was sent.",
                    endpoint.host
                )
            }
            Self::TooLarge { endpoint, limit } => {
                format!(
                    "{} sent more than {} MiB in one answer.",
                    endpoint.host,
                    limit >> 20
                )
            }
            Self::BadAnswer {
                endpoint,
                reason,
                request_id,
            } => {
                let id = request_id.as_ref().map(|id| format!(" (request {id})"));
                format!("{}: {reason}{}.", endpoint.host, id.unwrap_or_default())
            }
            Self::PermissionMissing { answer, .. }
            | Self::TokenRefused { answer }
            | Self::IdentityNotFound { answer }
            | Self::IdentityDisabled { answer }
            | Self::Unavailable { answer, .. }
            | Self::DeltaExpired { answer }
            | Self::PageExpired { answer }
            | Self::NotFound { answer }
            | Self::Refused { answer } => said(answer),
        }
    }

    /// What to do, and where.
    pub fn fix(&self) -> String {
        match self {
            Self::SignIn(refusal) => aadsts::meaning(refusal).fix.to_owned(),
            Self::PermissionMissing { resource, .. } => permission(resource.least_role()),
            Self::Unreachable { endpoint, why, .. } => unreachable(&endpoint.host, *why),
            Self::Tls { endpoint, .. } => format!(
                "If a firewall inspects TLS, let {} through untouched or have this server trust \
                 its certificate authority. Otherwise check this server's clock and its list of \
                 certificate authorities.",
                endpoint.host
            ),
            Self::InvalidCertificate(problem) => match problem {
                CertificateProblem::EncryptedKey => {
                    "Remove the passphrase (openssl pkey -in key.pem -out plain.pem) and enter the \
                     result; it is stored sealed."
                }
                CertificateProblem::NotRsa => {
                    "Make a certificate with an RSA key of at least 2048 bits; Entra takes no \
                     other for signed assertions."
                }
                CertificateProblem::Mismatch => {
                    "Enter the private key that was made together with this certificate."
                }
                CertificateProblem::Unreadable(_) => {
                    "Enter the certificate as PEM: it begins with -----BEGIN CERTIFICATE-----."
                }
                CertificateProblem::UnreadableKey(_) => {
                    "Enter the private key as PEM: it begins with -----BEGIN PRIVATE KEY----- or \
                     -----BEGIN RSA PRIVATE KEY-----."
                }
            }
            .to_owned(),
            _ => self.fixed_fix().to_owned(),
        }
    }

    /// The fixes that are the same whatever the error carries.
    fn fixed_fix(&self) -> &'static str {
        match self {
            Self::InvalidCloud { .. } => {
                "In the configuration, write the cloud's authority and graph as origins, for \
                 example https://graph.microsoft.com."
            }
            Self::InvalidTenant { .. } => {
                "Enter the Tenant ID (a GUID) or a verified domain, as the Overview page of the \
                 Entra admin center shows them."
            }
            Self::TenantChanged { .. } => {
                "If the domain has moved to another tenant, delete this integration and add a new \
                 one. If not, look for a wrong credential profile or cloud."
            }
            Self::TokenRefused { .. } => {
                "Check that the Azure Cloud is the tenant's. If consent was given or the \
                 application was changed a moment ago, wait some minutes and try again."
            }
            Self::IdentityNotFound { .. } => {
                "Let an administrator of this tenant open the application's consent link and \
                 accept. If that was done a moment ago, wait some minutes and try again."
            }
            Self::IdentityDisabled { .. } => {
                "Let an administrator of this tenant open Enterprise applications, the \
                 application, Properties, and set \"Enabled for users to sign-in?\" to Yes."
            }
            Self::Throttled { .. } => {
                "Nothing needs to be done: the next run tries again. If it happens often, let the \
                 schedule run less often or use a credential profile of its own for this customer."
            }
            Self::Unavailable { .. } => {
                "Nothing needs to be done: the next run tries again. If it goes on for more than \
                 an hour, look at the Microsoft service health page."
            }
            Self::DeltaExpired { .. } => {
                "Nothing needs to be done: the next run reads everything anew."
            }
            Self::PageExpired { .. } | Self::Incomplete { .. } | Self::BadAnswer { .. } => {
                "Nothing was changed or deleted. The next run begins anew; if this comes back, \
                 report it with the ids."
            }
            Self::NotFound { .. } => {
                "It may have been deleted in Entra. Remove it from the settings or restore it there."
            }
            Self::EndlessRound { .. } => {
                "Nothing was changed or deleted. Run a full scan; if this comes back, report it to \
                 Microsoft's support."
            }
            Self::ForeignLink { .. } | Self::Redirected { .. } => {
                "Check the cloud's addresses in the configuration, and whether a proxy or firewall \
                 stands between this server and Microsoft."
            }
            _ => "Report it to the makers of this program, with the code and the detail.",
        }
    }
}

/// "Sign-in (login.microsoftonline.com)".
fn name(endpoint: &Endpoint) -> String {
    match endpoint.service {
        Service::SignIn => format!("The sign-in service {}", endpoint.host),
        Service::Graph => format!("Microsoft Graph at {}", endpoint.host),
    }
}

/// What Graph said, with what someone needs to find it in Microsoft's logs.
fn said(answer: &Answer) -> String {
    let host = &answer.endpoint.host;
    let text = match (answer.message.as_str(), answer.code.as_str()) {
        ("", "") => format!("{host} answered with nothing but a status"),
        ("", code) => format!("{host} answered {code}"),
        (message, "") => format!("{host} answered \"{message}\""),
        (message, code) => format!("{host} answered {code}, \"{message}\""),
    };
    let mut marks = vec![format!("HTTP {}", answer.status)];
    if let Some(id) = &answer.request_id {
        marks.push(format!("request {id}"));
    }
    if let Some(date) = answer.date {
        marks.push(date.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    }
    text + " (" + &marks.join(", ") + ")."
}

fn cut_off(host: &str, why: Unreachable, reason: &str) -> String {
    match why {
        Unreachable::Dns => format!("The name {host} can't be resolved ({reason})."),
        Unreachable::Refused => format!("{host} can't be connected to ({reason})."),
        Unreachable::Timeout => format!("{host} doesn't answer in time ({reason})."),
        Unreachable::Lost => {
            format!("The connection to {host} was cut before the answer was complete ({reason}).")
        }
    }
}

fn throttled(host: &str, retry_after: Option<Duration>, answer: Option<&Answer>) -> String {
    let asked = match retry_after {
        Some(wait) => format!("asks for {} of rest", span(wait)),
        None => "is asked for more than it allows".to_owned(),
    };
    let said = answer
        .map(|answer| format!(" {}", said(answer)))
        .unwrap_or_default();
    format!("{host} {asked}, and there was no more time to wait.{said}")
}

fn endless(why: Endless, pages: u32) -> String {
    match why {
        Endless::RepeatedLink => format!("After {pages} pages a link came for the second time."),
        Endless::Pages => format!("It was broken off after {pages} pages."),
        Endless::EmptyPages => {
            format!("It was broken off after {pages} pages, the last ones all empty.")
        }
        Endless::Time => {
            format!("It was broken off after {pages} pages: it took longer than allowed.")
        }
    }
}

fn sign_in(refusal: &SignInRefusal) -> String {
    let mut marks = vec![format!("HTTP {}", refusal.status), refusal.code.clone()];
    if let Some(id) = &refusal.trace_id {
        marks.push(format!("trace {id}"));
    }
    if let Some(date) = refusal.date {
        marks.push(date.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    }
    let marks = marks.join(", ");
    if refusal.message.is_empty() {
        format!(
            "{} refused without a word ({marks}).",
            refusal.endpoint.host
        )
    } else {
        format!(
            "{} said: \"{}\" ({marks}).",
            refusal.endpoint.host, refusal.message
        )
    }
}

fn certificate(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::Unreadable(reason) | CertificateProblem::UnreadableKey(reason) => {
            format!("{reason}.")
        }
        CertificateProblem::EncryptedKey => {
            "A sync runs with nobody there to enter the passphrase.".to_owned()
        }
        CertificateProblem::NotRsa => {
            "Assertions for Entra are signed with RSA (PS256).".to_owned()
        }
        CertificateProblem::Mismatch => {
            "A signature by the private key doesn't verify with the certificate.".to_owned()
        }
    }
}

fn permission(role: &str) -> String {
    format!(
        "In the Entra admin center open App registrations, the application, API permissions, add \
         the application permission {role} of Microsoft Graph, and let an administrator of the \
         customer's tenant grant consent. It takes a few minutes to work."
    )
}

fn unreachable(host: &str, why: Unreachable) -> String {
    match why {
        Unreachable::Dns => format!(
            "Check this server's DNS, and that {host} is the right address for the Azure Cloud."
        ),
        Unreachable::Refused | Unreachable::Timeout => format!(
            "Check this server's way to the internet: the firewall has to allow HTTPS (port 443) \
             to {host}."
        ),
        Unreachable::Lost => format!(
            "Nothing needs to be done if it happens seldom: the next run tries again. Otherwise \
             look for a firewall or proxy that cuts connections to {host}."
        ),
    }
}

fn span(duration: Duration) -> String {
    match duration.as_secs() {
        1 => "1 second".to_owned(),
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
