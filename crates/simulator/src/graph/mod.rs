//! Microsoft Graph's side: who asks, which resource, what it costs, what goes wrong, the answer.

mod batch;
mod cursor;
mod delta;
mod error;
mod extensions;
mod filter;
mod list;
mod lookup;
mod members;
mod page;
mod query;
mod route;
mod search;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::directory::schema::Kind;
use crate::entra::access::{self, Claims};
use crate::farm::Farm;
use crate::faults::Fault;
use crate::incoming::Incoming;
use crate::reply::{Delivery, Reply};
use crate::stats::{LoggedRequest, Verdict};
use crate::tenant::{Tenant, quota_for};

use error::GraphError;
use route::Route;

/// Where a foreign link leads: nowhere (RFC 2606).
pub(crate) const FOREIGN_ORIGIN: &str = "https://graph.elsewhere.example";

/// What an answer is made from.
pub(crate) struct Context<'a> {
    pub farm: &'a Farm,
    pub tenant: &'a Tenant,
    pub roles: &'a BTreeSet<String>,
    pub request: &'a Incoming,
    pub fault: Option<Fault>,
}

impl Context<'_> {
    /// Where the client thinks Graph is.
    pub fn origin(&self) -> &str {
        &self.request.origin
    }

    pub fn can_read(&self, kind: Kind) -> bool {
        route::can_read(self.roles, kind)
    }

    pub fn skip_link(&self, kind: Kind, token: &str) -> String {
        let collection = kind.schema().collection;
        format!(
            "{}/v1.0/{collection}/delta?$skiptoken={token}",
            self.origin()
        )
    }

    pub fn delta_link(&self, kind: Kind, token: &str) -> String {
        let collection = kind.schema().collection;
        format!(
            "{}/v1.0/{collection}/delta?$deltatoken={token}",
            self.origin()
        )
    }
}

/// A tenant and the token with which it was reached.
struct Caller {
    tenant: Arc<Tenant>,
    claims: Claims,
}

/// Answers a request to Graph; with the tenant, where the token names one.
pub(crate) fn answer(farm: &Farm, request: &Incoming) -> (Reply, Option<Arc<Tenant>>) {
    let request_id = farm.next_id();
    let client_request_id = request
        .header("client-request-id")
        .map_or_else(|| request_id.to_string(), str::to_owned);
    let caller = match authenticate(farm, request) {
        Ok(caller) => caller,
        Err(error) => {
            let reply = error.reply(farm.now(), request_id, &client_request_id);
            return (dress(reply, request_id, &client_request_id), None);
        }
    };
    let tenant = &caller.tenant;
    let routed = Route::parse(
        &request.method,
        request.segments.get(1..).unwrap_or_default(),
    );
    let label = match &routed {
        Ok(route) => route.label(),
        Err(_) => "other".to_owned(),
    };
    let (result, verdict, units) = handle(farm, request, &caller, routed);
    let mut reply = match result {
        Ok(reply) => reply,
        Err(error) => error.reply(tenant.clock.now(), request_id, &client_request_id),
    };
    reply = dress(reply, request_id, &client_request_id);
    if units > 0 {
        reply = reply.header("x-ms-resource-unit", units.to_string());
    }
    if verdict.percentage >= 80 {
        let share = format!(
            "{}.{:02}",
            verdict.percentage / 100,
            verdict.percentage % 100
        );
        reply = reply.header("x-ms-throttle-limit-percentage", share);
    }
    let status = if reply.delivery == Delivery::Cut {
        0
    } else {
        reply.status
    };
    tenant
        .meter()
        .record(label, logged(request, status), reply.body.len());
    (reply, Some(caller.tenant))
}

fn handle(
    farm: &Farm,
    request: &Incoming,
    caller: &Caller,
    routed: Result<Route, GraphError>,
) -> (Result<Reply, GraphError>, Verdict, u64) {
    let tenant = &caller.tenant;
    let route = match routed {
        Ok(route) => route,
        Err(error) => {
            return (
                Err(error),
                Verdict {
                    refused: false,
                    percentage: 0,
                },
                1,
            );
        }
    };
    let units = route.units(request);
    let verdict = charge(tenant, request, units);
    if verdict.refused {
        return (Err(throttled(tenant, &caller.claims, true)), verdict, units);
    }
    let fault = tenant.faults().draw(&request.path, route.shape(request));
    let result = refuse(tenant, request, &caller.claims, &route, fault).and_then(|()| {
        let roles: BTreeSet<String> = caller.claims.roles.iter().cloned().collect();
        if !route.is_allowed(&roles) {
            return Err(GraphError::denied());
        }
        let context = Context {
            farm,
            tenant,
            roles: &roles,
            request,
            fault,
        };
        dispatch(&context, &route)
    });
    let result = result.map(|mut reply| {
        match fault {
            Some(Fault::Cut) => reply.delivery = Delivery::Cut,
            Some(Fault::Truncated) => reply.body.truncate(reply.body.len() / 2),
            _ => {}
        }
        tenant.faults().rewrite(&request.path, &mut reply.body);
        reply
    });
    (result, verdict, units)
}

fn dispatch(context: &Context, route: &Route) -> Result<Reply, GraphError> {
    match route {
        Route::Organization => Ok(lookup::organization(context)),
        Route::List(kind) => list::answer(context, *kind),
        Route::Count(kind) => list::count(context, *kind),
        Route::One(kind, id) => lookup::one(context, *kind, id),
        Route::Delta(kind) => delta::answer(context, *kind),
        Route::Members {
            group,
            cast,
            transitive,
            count,
        } => members::answer(context, group, *cast, *transitive, *count),
        Route::MemberOf {
            kind,
            id,
            transitive,
        } => members::groups_of(context, *kind, id, *transitive),
        Route::CheckMemberGroups { kind, id } => members::check(context, *kind, id),
        Route::GetByIds => lookup::by_ids(context),
        Route::ExtensionProperties => extensions::answer(context),
        Route::DirectoryObject(id) => lookup::any(context, id),
        Route::Deleted(kind) => list::deleted(context, *kind),
        Route::DeletedOne(id) => lookup::deleted(context, id),
        Route::Batch => batch::answer(context),
    }
}

/// Finds the tenant that a bearer token belongs to.
fn authenticate(farm: &Farm, request: &Incoming) -> Result<Caller, GraphError> {
    let header = request.header("authorization").unwrap_or_default();
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| GraphError::unauthorized("Access token is empty."))?;
    let malformed =
        || GraphError::unauthorized("CompactToken parsing failed with error code: 80049217");
    let id = access::claimed_tenant(token).ok_or_else(malformed)?;
    let tenant = farm.find_id(id).ok_or_else(malformed)?;
    let claims = access::open(token, &tenant.key)
        .ok_or_else(|| GraphError::unauthorized("Access token validation failure."))?;
    if claims.exp <= tenant.now() {
        let message = "Lifetime validation failed, the token is expired.";
        return Err(GraphError::unauthorized(message));
    }
    if claims.oid.is_none() {
        let message = "The identity of the calling application could not be established.";
        return Err(GraphError::new(
            401,
            "Authorization_IdentityNotFound",
            message,
        ));
    }
    Ok(Caller { tenant, claims })
}

fn charge(tenant: &Tenant, request: &Incoming, units: u64) -> Verdict {
    let settings = tenant.settings();
    let quota = settings
        .quota_units
        .unwrap_or_else(|| quota_for(tenant.directory().of_kind(Kind::User).len()));
    let high = request
        .header("x-ms-throttle-priority")
        .is_some_and(|text| text.eq_ignore_ascii_case("high"));
    tenant.meter().charge(tenant.now_ms(), units, quota, high)
}

/// Turns the faults that refuse a request into their refusals.
fn refuse(
    tenant: &Tenant,
    request: &Incoming,
    claims: &Claims,
    route: &Route,
    fault: Option<Fault>,
) -> Result<(), GraphError> {
    let Some(fault) = fault else { return Ok(()) };
    let retry_after = tenant.settings().retry_after_s.to_string();
    let busy = |status, code, message: &str| GraphError::new(status, code, message);
    Err(match fault {
        Fault::Throttled => throttled(tenant, claims, true),
        Fault::ThrottledSilently => throttled(tenant, claims, false),
        Fault::InternalError => busy(500, "generalException", "An unexpected error occurred."),
        Fault::NotImplemented => busy(
            501,
            "NotImplemented",
            "This operation target is not yet supported.",
        ),
        Fault::BadGateway => busy(502, "UnknownError", ""),
        Fault::Unavailable => busy(503, "serviceNotAvailable", "Service is unavailable.")
            .header("retry-after", retry_after),
        Fault::UnavailableSilently => busy(503, "ServiceUnavailable", "Service is unavailable."),
        Fault::GatewayTimeout => busy(504, "GatewayTimeout", "The gateway timed out."),
        Fault::Unauthorized => GraphError::unauthorized("Access token validation failure."),
        Fault::Forbidden => GraphError::denied(),
        Fault::Conflict => busy(
            409,
            "Directory_ConcurrencyViolation",
            "A conflicting update is in progress. Please retry.",
        ),
        Fault::ExpiredDeltaToken => GraphError::expired_state(),
        Fault::ExpiredPageToken => GraphError::expired_page(),
        Fault::Resync => {
            let Route::Delta(kind) = route else {
                return Ok(());
            };
            let collection = kind.schema().collection;
            let origin = &request.origin;
            GraphError::resync(format!("{origin}/v1.0/{collection}/delta?$deltatoken="))
        }
        _ => return Ok(()),
    })
}

fn throttled(tenant: &Tenant, claims: &Claims, with_retry_after: bool) -> GraphError {
    let scope = format!(
        "Tenant_Application/ReadWrite/{}/{}",
        claims.appid, tenant.id
    );
    let error = GraphError::new(429, "TooManyRequests", "Please retry again later.")
        .header("x-ms-throttle-scope", scope)
        .header("x-ms-throttle-information", "ResourceUnitLimitExceeded");
    if with_retry_after {
        error.header("retry-after", tenant.settings().retry_after_s.to_string())
    } else {
        error
    }
}

/// What every answer of Graph carries (graph.md §7).
fn dress(reply: Reply, request_id: Uuid, client_request_id: &str) -> Reply {
    reply
        .header("request-id", request_id.to_string())
        .header("client-request-id", client_request_id)
        .header("odata-version", "4.0")
        .header("strict-transport-security", "max-age=31536000")
        .header("cache-control", "no-cache")
        .header(
            "x-ms-ags-diagnostic",
            r#"{"ServerInfo":{"DataCenter":"Simulator","Slice":"E","Ring":"4","ScaleUnit":"000","RoleInstance":"SIM"}}"#,
        )
}

fn logged(request: &Incoming, status: u16) -> LoggedRequest {
    let headers: BTreeMap<String, String> = [
        "x-ms-throttle-priority",
        "prefer",
        "consistencylevel",
        "client-request-id",
        "user-agent",
    ]
    .into_iter()
    .filter_map(|name| Some((name.to_owned(), request.header(name)?.to_owned())))
    .collect();
    LoggedRequest {
        method: request.method.clone(),
        target: request.target(),
        status,
        headers,
    }
}
