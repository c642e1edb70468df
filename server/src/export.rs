//! "Export to CSV" of the interface's lists: the list's own address, as a file; and the public part
//! of certificates. Signed in like a page; what a page would not understand of its address is left
//! aside here too.

use std::{collections::HashMap, str::FromStr};

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use backend::{
    Backend, Scope,
    store::{
        contacts, credential_profiles, devices,
        directory::DirectoryQuery,
        groups::{self, GroupQuery},
        integrations::{self, IntegrationQuery},
        runs::{self, ChangeQuery, HistoryQuery},
        sessions::OPERATOR,
        users::{self, UserQuery},
    },
};
use chrono::TimeDelta;
use domain::{
    DateTime,
    id::{CredentialProfileId, OperatorId, RunId},
    paging::Direction,
    permission::Permission,
};
use tower_sessions::Session;

use crate::{
    certificate::{self, Format},
    csv,
    trace::request_id_of,
};

/// The routes; each is the path of `app::routes` with that name.
pub fn router(backend: &Backend) -> Router {
    Router::new()
        .route(app::routes::USERS_CSV, get(user_rows))
        .route(app::routes::GROUPS_CSV, get(group_rows))
        .route(app::routes::CONTACTS_CSV, get(contact_rows))
        .route(app::routes::DEVICES_CSV, get(device_rows))
        .route(app::routes::INTEGRATIONS_CSV, get(integration_rows))
        .route(app::routes::SYNC_HISTORY_CSV, get(history_rows))
        .route(app::routes::RUN_CHANGES_CSV, get(change_rows))
        .route(app::routes::CERTIFICATE, get(certificate_file))
        .with_state(backend.clone())
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

/// The column and the way of `sort=column` and `sort=-column`.
fn sort(address: &Address) -> Option<(String, Direction)> {
    let sort = text(address, "sort")?;
    Some(match sort.strip_prefix('-') {
        Some(column) => (column.to_owned(), Direction::Descending),
        None => (sort, Direction::Ascending),
    })
}

/// When a period such as `7d` began.
fn period(address: &Address, now: DateTime) -> Option<DateTime> {
    let days = text(address, "period")?.strip_suffix('d')?.parse().ok()?;
    now.checked_sub_signed(TimeDelta::try_days(days)?)
}

/// What is answered instead of a file.
#[derive(Debug, Clone, Copy)]
enum Refused {
    SignedOut,
    Forbidden,
    NotFound,
    Failed,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut => Redirect::to(app::routes::SIGN_IN).into_response(),
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Refused {
    /// Logs what happened, once; it is not answered.
    fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "an export failed");
        Self::Failed
    }
}

/// Who is signed in, where they may do this.
async fn operator(
    backend: &Backend,
    session: &Session,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Scope, Refused> {
    let id = session
        .get::<OperatorId>(OPERATOR)
        .await
        .map_err(|error| Refused::failed(&error))?
        .ok_or(Refused::SignedOut)?;
    let scope = backend::auth::operator_scope(backend, id, request_id_of(headers))
        .await
        .map_err(|error| match error {
            backend::Error::SignedOut => Refused::SignedOut,
            error => Refused::failed(&error),
        })?;
    if scope.can(permission) {
        Ok(scope)
    } else {
        Err(Refused::Forbidden)
    }
}

async fn user_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::DirectoryRead).await?;
    let (sort, direction) = sort(&address).unzip();
    let query = UserQuery {
        customer_id: parsed(&address, "customer"),
        integration_id: parsed(&address, "integration"),
        q: text(&address, "q"),
        status: parsed(&address, "status"),
        source_type: parsed(&address, "source_type"),
        group_id: parsed(&address, "group"),
        countdown: parsed(&address, "countdown"),
        protected: parsed(&address, "protected"),
        sort,
        direction: direction.unwrap_or_default(),
        ..UserQuery::default()
    };
    let rows = users::csv(&backend, &scope, query);
    Ok(csv::answer("users", Body::from_stream(rows)))
}

async fn group_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::DirectoryRead).await?;
    let (sort, direction) = sort(&address).unzip();
    let query = GroupQuery {
        customer_id: parsed(&address, "customer"),
        integration_id: parsed(&address, "integration"),
        q: text(&address, "q"),
        status: parsed(&address, "status"),
        source_type: parsed(&address, "source_type"),
        kind: parsed(&address, "kind"),
        sort,
        direction: direction.unwrap_or_default(),
        ..GroupQuery::default()
    };
    let rows = groups::csv(&backend, &scope, query);
    Ok(csv::answer("groups", Body::from_stream(rows)))
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

async fn contact_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::DirectoryRead).await?;
    let rows = contacts::csv(&backend, &scope, directory_query(&address));
    Ok(csv::answer("contacts", Body::from_stream(rows)))
}

async fn device_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::DirectoryRead).await?;
    let rows = devices::csv(&backend, &scope, directory_query(&address));
    Ok(csv::answer("devices", Body::from_stream(rows)))
}

async fn integration_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::IntegrationsRead).await?;
    let query = IntegrationQuery {
        customer_id: parsed(&address, "customer"),
        q: text(&address, "q"),
        enabled: parsed(&address, "enabled"),
        profile: parsed(&address, "profile"),
        status: parsed(&address, "status"),
        cloud: text(&address, "cloud"),
        ..IntegrationQuery::default()
    };
    let rows = integrations::csv(&backend, &scope, query);
    Ok(csv::answer("integrations", Body::from_stream(rows)))
}

async fn history_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::RunsRead).await?;
    let query = HistoryQuery {
        customer_id: parsed(&address, "customer"),
        integration_id: parsed(&address, "integration"),
        object_type: parsed(&address, "type"),
        status: parsed(&address, "status"),
        from: period(&address, backend.clock.now()),
        q: text(&address, "q"),
        ..HistoryQuery::default()
    };
    let rows = runs::history_csv(&backend, &scope, query);
    Ok(csv::answer("sync-history", Body::from_stream(rows)))
}

async fn change_rows(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let scope = operator(&backend, &session, &headers, Permission::RunsRead).await?;
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
    Ok(csv::answer("run-changes", Body::from_stream(rows)))
}

async fn certificate_file(
    State(backend): State<Backend>,
    session: Session,
    headers: HeaderMap,
    address: Address,
) -> Result<Response, Refused> {
    let permission = Permission::CredentialProfilesRead;
    let scope = operator(&backend, &session, &headers, permission).await?;
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
