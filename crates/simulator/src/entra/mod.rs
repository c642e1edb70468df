//! Entra's side: tokens by client credentials, sign-in, discovery, admin consent (graph.md §2).

pub(crate) mod access;
mod assertion;
pub mod certificate;
mod consent;
mod discovery;
mod errors;
pub(crate) mod sign_in;
mod token;

use url::form_urlencoded;
use uuid::Uuid;

use crate::farm::Farm;
use crate::faults::{Fault, Shape};
use crate::incoming::Incoming;
use crate::reply::{Delivery, Reply};
use crate::stats::LoggedRequest;
use crate::tenant::Tenant;

pub(crate) use errors::Refusal;

/// Content type of Entra's answers.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// Answers a request to the authority; `None` where the path isn't one of its own.
pub(crate) fn answer(farm: &Farm, request: &Incoming) -> Option<Reply> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let (name, rest) = segments.split_first()?;
    let reply = match rest {
        ["discovery", "instance"] if *name == "common" => discovery::instance(request),
        ["discovery", "v2.0", "keys"] => with_tenant(farm, request, name, "GET /keys", |tenant| {
            Ok(sign_in::keys(tenant, request))
        }),
        ["oauth2", "v2.0", "authorize"] => {
            with_tenant(farm, request, name, "GET /authorize", |tenant| {
                sign_in::authorize(tenant, request)
            })
        }
        ["v2.0", ".well-known", "openid-configuration"] => {
            with_tenant(farm, request, name, "GET /openid-configuration", |tenant| {
                Ok(discovery::document(tenant, request))
            })
        }
        ["oauth2", "v2.0", "token"] => with_tenant(farm, request, name, "POST /token", |tenant| {
            token::issue(tenant, request)
        }),
        ["v2.0", "adminconsent"] => {
            with_tenant(farm, request, name, "GET /adminconsent", |tenant| {
                Ok(consent::answer(tenant, request))
            })
        }
        _ => return None,
    };
    Some(reply)
}

/// Finds the tenant, applies its faults, counts, and turns refusals into answers.
fn with_tenant(
    farm: &Farm,
    request: &Incoming,
    name: &str,
    kind: &str,
    answer: impl FnOnce(&Tenant) -> Result<Reply, Refusal>,
) -> Reply {
    let trace = farm.next_id();
    let correlation = request
        .header("client-request-id")
        .and_then(|id| Uuid::try_parse(id).ok())
        .unwrap_or_else(|| farm.next_id());
    let Some(tenant) = farm.find(name) else {
        return unknown(name).reply(farm.now(), trace, correlation);
    };
    let fault = tenant.faults().draw(&request.path, Shape::default());
    let result = match fault {
        Some(Fault::Throttled | Fault::ThrottledSilently) => Err(Refusal::throttled()),
        Some(Fault::InternalError) => Err(Refusal::transient(500)),
        Some(Fault::BadGateway) => Err(Refusal::transient(502)),
        Some(Fault::Unavailable | Fault::UnavailableSilently) => Err(Refusal::transient(503)),
        Some(Fault::GatewayTimeout) => Err(Refusal::transient(504)),
        _ => answer(&tenant),
    };
    let mut reply = match result {
        Ok(reply) => headers(reply, trace),
        Err(refusal) => refusal.reply(tenant.clock.now(), trace, correlation),
    };
    match fault {
        Some(Fault::Throttled | Fault::Unavailable) => {
            let seconds = tenant.settings().retry_after_s.to_string();
            reply = reply.header("retry-after", seconds);
        }
        Some(Fault::Cut) => reply.delivery = Delivery::Cut,
        Some(Fault::Truncated) => reply.body.truncate(reply.body.len() / 2),
        _ => {}
    }
    let status = if reply.delivery == Delivery::Cut {
        0
    } else {
        reply.status
    };
    let entry = LoggedRequest {
        method: request.method.clone(),
        target: request.target(),
        status,
        headers: std::collections::BTreeMap::new(),
    };
    tenant
        .meter()
        .record(kind.to_owned(), entry, reply.body.len());
    reply
}

fn unknown(name: &str) -> Refusal {
    if matches!(name, "common" | "consumers" | "organizations") {
        return Refusal::common_tenant(name);
    }
    let looks_like_a_name = name.contains('.')
        && name.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
    if looks_like_a_name || Uuid::try_parse(name).is_ok() {
        Refusal::unknown_tenant(name)
    } else {
        Refusal::malformed_tenant(name)
    }
}

/// What every answer of Entra carries.
pub(crate) fn headers(reply: Reply, trace: Uuid) -> Reply {
    reply
        .header("cache-control", "no-store, no-cache")
        .header("pragma", "no-cache")
        .header("expires", "-1")
        .header(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        )
        .header("x-content-type-options", "nosniff")
        .header("x-ms-request-id", trace.to_string())
        .header("x-ms-ests-server", "2.1.0 - simulator ProdSlices")
}

/// The fields of a form.
pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}
