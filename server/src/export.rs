//! "Export to CSV" of the interface's lists: the list's own address, as a file; and the public part
//! of certificates. Signed in like a page; what a page would not understand of its address is left
//! aside here too.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Query},
    http::{HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use backend::{
    Backend, Origin, Scope, refusal,
    store::{
        audit::{self, AuditFilter},
        bulk, contacts, credential_profiles, devices,
        directory::DirectoryQuery,
        groups::{self, GroupQuery},
        imports::{self, RowQuery},
        integrations::{self, IntegrationQuery},
        matches,
        runs::{self, ChangeQuery, HistoryQuery},
        sessions::OPERATOR,
        settings_files,
        users::{self, UserQuery},
    },
};
use chrono::TimeDelta;
use domain::{
    DateTime,
    audit::AuditAction,
    id::{
        BulkId, CredentialProfileId, CustomerId, ImportId, IntegrationId, OperatorId,
        PolicyTemplateId, RunId,
    },
    matching::MatchFilter,
    permission::Permission,
    settings::file::FileFormat,
};
use tower_sessions::Session;

use crate::{
    certificate::{self, Format},
    csv,
    trace::request_id_of,
};

/// What is answered, by the path of `app::routes` with that name: all that this file serves.
fn answers() -> [(&'static str, MethodRouter<Backend>); 13] {
    [
        (app::routes::USERS_CSV, get(user_rows)),
        (app::routes::BULK_CSV, get(bulk_rows)),
        (app::routes::GROUPS_CSV, get(group_rows)),
        (app::routes::CONTACTS_CSV, get(contact_rows)),
        (app::routes::DEVICES_CSV, get(device_rows)),
        (app::routes::INTEGRATIONS_CSV, get(integration_rows)),
        (app::routes::MATCHES_CSV, get(match_rows)),
        (app::routes::SYNC_HISTORY_CSV, get(history_rows)),
        (app::routes::RUN_CHANGES_CSV, get(change_rows)),
        (app::routes::IMPORT_ROWS_CSV, get(import_rows)),
        (app::routes::AUDIT_LOG_CSV, get(audit_rows)),
        (app::routes::CERTIFICATE, get(certificate_file)),
        (app::routes::SETTINGS_FILE, get(settings_file)),
    ]
}

/// The paths that are served.
pub fn paths() -> impl Iterator<Item = &'static str> {
    answers().into_iter().map(|(path, _)| path)
}

/// The routes.
pub fn router(backend: &Backend) -> Router {
    let router = Router::new();
    let serve = |router: Router<Backend>, (path, answer)| router.route(path, answer);
    let router = answers().into_iter().fold(router, serve);
    router.with_state(backend.clone())
}

/// What a list's address says.
type Address = Query<HashMap<String, String>>;

fn text(address: &Address, name: &str) -> Option<String> {
    address
        .get(name)
        .filter(|value| !value.trim().is_empty())
        .cloned()
}

fn parsed<T: FromStr>(address: &Address, name: &str) -> Option<T> {
    text(address, name)?.parse().ok()
}

/// When a period such as `7d` began.
fn period(address: &Address, now: DateTime) -> Option<DateTime> {
    let days = text(address, "period")?.strip_suffix('d')?.parse().ok()?;
    now.checked_sub_signed(TimeDelta::try_days(days)?)
}

/// What is answered instead of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    SignedOut,
    Forbidden,
    NotFound,
    TooMany { retry_after_s: u64 },
    Failed,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut => Redirect::to(app::routes::SIGN_IN).into_response(),
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::TooMany { retry_after_s } => (
                StatusCode::TOO_MANY_REQUESTS,
                [(header::RETRY_AFTER, retry_after_s.to_string())],
                format!("Too many files at once. Wait {retry_after_s} seconds, then try again."),
            )
                .into_response(),
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Refused {
    /// The backend's refusal.
    pub(crate) fn of(error: backend::Error) -> Self {
        refusal::note_error(&error);
        match error {
            backend::Error::NotFound(_) => Self::NotFound,
            backend::Error::Forbidden(_) => Self::Forbidden,
            backend::Error::SignedOut => Self::SignedOut,
            backend::Error::TooMany { retry_after_s } => Self::TooMany { retry_after_s },
            error => Self::failed(&error),
        }
    }

    /// Logs what happened, once; it is not answered.
    fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "an export failed");
        Self::Failed
    }
}

/// Who asks, and from where.
#[derive(Debug)]
pub(crate) struct Asking {
    backend: Backend,
    session: Session,
    origin: Origin,
}

impl FromRequestParts<Backend> for Asking {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, backend: &Backend) -> Result<Self, Refused> {
        let session = Session::from_request_parts(parts, backend)
            .await
            .map_err(|(_, reason)| Refused::failed(&reason))?;
        let address = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |client| client.0.ip());
        Ok(Self {
            backend: backend.clone(),
            session,
            origin: Origin::page(address, request_id_of(&parts.headers)),
        })
    }
}

impl Asking {
    /// The operator who is signed in, where they may do this.
    pub(crate) async fn may(self, permission: Permission) -> Result<(Backend, Scope), Refused> {
        let id = self
            .session
            .get::<OperatorId>(OPERATOR)
            .await
            .map_err(|error| Refused::failed(&error))?
            .ok_or(Refused::SignedOut)?;
        let scope = backend::auth::operator_scope(&self.backend, id, self.origin)
            .await
            .map_err(Refused::of)?;
        scope.require(permission).map_err(Refused::of)?;
        Ok((self.backend, scope))
    }
}

/// Writes down what goes out, before it does.
async fn exported(
    backend: &Backend,
    scope: &Scope,
    action: AuditAction,
    address: &Address,
) -> Result<(), Refused> {
    let customer = parsed(address, "customer");
    audit::exported(backend, scope, action, customer, pairs(address))
        .await
        .map_err(Refused::of)
}

/// Names and values of an address, in order.
fn pairs(address: &Address) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = address
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs
}

async fn user_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    let query = UserQuery::of_address(pairs(&address));
    exported(&backend, &scope, AuditAction::UserExport, &address).await?;
    let rows = users::csv(&backend, &scope, query);
    Ok(csv::answer("users", Body::from_stream(rows)))
}

async fn group_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    let query = GroupQuery::of_address(pairs(&address));
    exported(&backend, &scope, AuditAction::GroupExport, &address).await?;
    let rows = groups::csv(&backend, &scope, query);
    Ok(csv::answer("groups", Body::from_stream(rows)))
}

/// What came of a bulk change, which is written down where it is read.
async fn bulk_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    let id: BulkId = parsed(&address, "bulk").ok_or(Refused::NotFound)?;
    let outcome = parsed(&address, "outcome");
    let rows = bulk::csv_of(&backend, &scope, id, outcome)
        .await
        .map_err(Refused::of)?;
    Ok(csv::answer("bulk-change", Body::from_stream(rows)))
}

/// What the lists of contacts and devices are asked for.
fn directory_query(address: &Address) -> DirectoryQuery {
    DirectoryQuery {
        customer_id: parsed(address, "customer"),
        integration_id: parsed(address, "integration"),
        q: text(address, "q"),
        status: parsed(address, "status"),
        source_type: parsed(address, "source_type"),
        countdown: parsed(address, "countdown"),
        ..DirectoryQuery::default()
    }
}

async fn contact_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    exported(&backend, &scope, AuditAction::ContactExport, &address).await?;
    let rows = contacts::csv(&backend, &scope, directory_query(&address));
    Ok(csv::answer("contacts", Body::from_stream(rows)))
}

async fn device_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    exported(&backend, &scope, AuditAction::DeviceExport, &address).await?;
    let rows = devices::csv(&backend, &scope, directory_query(&address));
    Ok(csv::answer("devices", Body::from_stream(rows)))
}

async fn integration_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::IntegrationsRead).await?;
    let query = IntegrationQuery {
        customer_id: parsed(&address, "customer"),
        q: text(&address, "q"),
        enabled: parsed(&address, "enabled"),
        profile: parsed(&address, "profile"),
        status: parsed(&address, "status"),
        cloud: text(&address, "cloud"),
        ..IntegrationQuery::default()
    };
    exported(&backend, &scope, AuditAction::IntegrationExport, &address).await?;
    let rows = integrations::csv(&backend, &scope, query);
    Ok(csv::answer("integrations", Body::from_stream(rows)))
}

async fn match_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    let id: IntegrationId = parsed(&address, "integration").ok_or(Refused::NotFound)?;
    let of = integrations::get(&backend, &scope, id).await;
    let customer = Some(of.map_err(Refused::of)?.customer_id);
    let filter = MatchFilter {
        state: parsed(&address, "state"),
        strength: parsed(&address, "strength"),
    };
    let rows = matches::csv(&backend, &scope, id, filter, text(&address, "q")).await;
    let rows = rows.map_err(Refused::of)?;
    let action = AuditAction::IntegrationExportMatches;
    audit::exported(&backend, &scope, action, customer, pairs(&address))
        .await
        .map_err(Refused::of)?;
    Ok(csv::answer("matches", Body::from_stream(rows)))
}

async fn history_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::RunsRead).await?;
    let query = HistoryQuery {
        customer_id: parsed(&address, "customer"),
        integration_id: parsed(&address, "integration"),
        object_type: parsed(&address, "type"),
        status: parsed(&address, "status"),
        from: period(&address, backend.clock.now()),
        q: text(&address, "q"),
        ..HistoryQuery::default()
    };
    exported(&backend, &scope, AuditAction::RunExport, &address).await?;
    let rows = runs::history_csv(&backend, &scope, query);
    Ok(csv::answer("sync-history", Body::from_stream(rows)))
}

async fn change_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::RunsRead).await?;
    let run: RunId = parsed(&address, "run").ok_or(Refused::NotFound)?;
    let query = ChangeQuery {
        q: text(&address, "q"),
        object_type: parsed(&address, "type"),
        action: parsed(&address, "action"),
        status: parsed(&address, "status"),
        ..ChangeQuery::default()
    };
    let rows = runs::changes_csv(&backend, &scope, run, query).await;
    let rows = rows.map_err(|error| match error {
        backend::Error::NotFound(_) => Refused::NotFound,
        error => Refused::failed(&error),
    })?;
    audit::exported_changes(&backend, &scope, run, pairs(&address))
        .await
        .map_err(Refused::of)?;
    Ok(csv::answer("run-changes", Body::from_stream(rows)))
}

async fn import_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::DirectoryRead).await?;
    let id: ImportId = parsed(&address, "import").ok_or(Refused::NotFound)?;
    let found = imports::get(&backend, &scope, id).await;
    let customer = Some(found.map_err(Refused::of)?.customer_id);
    let query = RowQuery {
        q: text(&address, "q"),
        outcome: parsed(&address, "outcome"),
        ..RowQuery::default()
    };
    let (action, filters) = (AuditAction::UserExport, pairs(&address));
    audit::exported(&backend, &scope, action, customer, filters)
        .await
        .map_err(Refused::of)?;
    let rows = imports::rows_csv(&backend, &scope, id, query).await;
    let rows = rows.map_err(Refused::of)?;
    Ok(csv::answer("import-rows", Body::from_stream(rows)))
}

async fn audit_rows(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::AuditRead).await?;
    let filter = AuditFilter {
        customer_id: parsed(&address, "customer"),
        action: parsed(&address, "action"),
        actor_kind: parsed(&address, "who"),
        actor_id: parsed(&address, "actor"),
        object_type: parsed(&address, "object_type"),
        object_id: parsed(&address, "object"),
        from: period(&address, backend.clock.now()),
        to: None,
        q: text(&address, "q"),
    };
    exported(&backend, &scope, AuditAction::AuditEventExport, &address).await?;
    let rows = audit::csv(&backend, &scope, filter);
    Ok(csv::answer("audit-log", Body::from_stream(rows)))
}

async fn certificate_file(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::CredentialProfilesRead).await?;
    let profile: CredentialProfileId = parsed(&address, "profile").ok_or(Refused::NotFound)?;
    let second = text(&address, "second").is_some();
    let found = credential_profiles::certificate(&backend, &scope, profile, second).await;
    let found = found.map_err(|error| match error {
        backend::Error::NotFound(_) => Refused::NotFound,
        error => Refused::failed(&error),
    })?;
    let format = match text(&address, "format").as_deref() {
        Some("cer") => Format::Cer,
        _ => Format::Pem,
    };
    Ok(certificate::answer(found, format))
}

/// The settings of what the address names, as a file.
async fn settings_file(asking: Asking, address: Address) -> Result<Response, Refused> {
    let (backend, scope) = asking.may(Permission::IntegrationsRead).await?;
    let format = parsed(&address, "format").unwrap_or(FileFormat::Toml);
    let (backend, scope) = (&backend, &scope);
    let (name, text) = if let Some(id) = parsed::<IntegrationId>(&address, "integration") {
        let text = settings_files::of_integration(backend, scope, id, format).await;
        ("integration", text)
    } else if let Some(id) = parsed::<CustomerId>(&address, "customer") {
        (
            "customer",
            settings_files::of_customer(backend, scope, id, format).await,
        )
    } else if let Some(id) = parsed::<PolicyTemplateId>(&address, "template") {
        let text = settings_files::of_template(backend, scope, id, format).await;
        ("policy-template", text)
    } else {
        return Err(Refused::NotFound);
    };
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}-settings.{format}\""),
        ),
    ];
    Ok((headers, text.map_err(Refused::of)?).into_response())
}
