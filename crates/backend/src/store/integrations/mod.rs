//! Integrations: what each is connected to, and the settings that decide what a run does.

mod change;
mod connect;
mod export;
mod groups;
mod removal;
pub(crate) mod schedule;
mod sizes;

use std::collections::HashMap;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CredentialProfileId, CustomerId, ExternalId, IntegrationId, RunId, TenantId},
    integration::{Integration, IntegrationKind, IntegrationLine, IntegrationState},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    pause::{Pause, PauseLevel},
    permission::Permission,
    policy::Policy,
    run::RunStatus,
};
use sqlx::FromRow;

pub use change::{change, create};
pub(crate) use change::{change_in, hold, save_policy};
pub(crate) use connect::{Wish, is_vouched, may_ask, may_connect, pin, tenant_elsewhere};
pub use export::csv;
pub(crate) use groups::group_names;
pub use groups::{call_group, group_called, remember_groups, selected_groups, synced_groups};
pub(crate) use removal::DELETE_AFTER;
pub use removal::{delete, people_count};
pub(crate) use schedule::lift_quarantine;
pub use sizes::{guard_forecast, guard_sizes};

use super::{
    audit::Entry,
    paging::{self, Sort},
    read_json,
};
use crate::{
    Backend, Error, Result, Scope, Tx, db::fetch_all_in, fetch_all, fetch_optional, fetch_scalar,
    in_scope,
};

/// What the Integrations list is asked for. An absent filter lets everything through.
#[derive(Debug, Clone, Default)]
pub struct IntegrationQuery {
    /// A part of the integration's or the customer's name, or of the tenant.
    pub q: Option<String>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Switched on, or off.
    pub enabled: Option<bool>,
    /// With this credential profile.
    pub profile: Option<CredentialProfileId>,
    /// In this state.
    pub state: Option<IntegrationState>,
    /// Whose last run is, or ended, so.
    pub status: Option<RunStatus>,
    /// In this cloud.
    pub cloud: Option<String>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// That something was done to an integration, for its customer's part of the audit log.
pub(crate) fn entry(action: AuditAction, integration: &Integration) -> Entry<'_> {
    Entry::new(action, integration.id.0, &integration.name).of(integration.customer_id)
}

/// What of an integration goes into the audit log: its settings, and nothing that runs say.
fn told(changes: AuditChanges) -> AuditChanges {
    changes.only(&[
        "kind",
        "tenant",
        "tenant_id",
        "cloud",
        "credential_profile_id",
        "enabled",
        "full_scan_next",
        "schedule",
        "policy",
    ])
}

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "i.name_folded"),
    ("enabled", "i.enabled"),
    ("profile", "p.name_folded"),
    ("customer", "c.name_folded"),
    ("last_sync", "i.last_sync_started_at"),
    ("status", "i.last_sync_status"),
    ("state", "state"),
];

/// The state as it is shown: what was paused, or stands still with its customer or with all, is
/// `paused` unless it couldn't run by itself anyway. The row keeps what is behind that. `i`, `c`
/// and `a` as in [`joined!`].
macro_rules! shown_state {
    () => {
        "CASE WHEN i.state IN ('disabled', 'not_started') THEN i.state
              WHEN i.paused_at IS NOT NULL OR c.paused_at IS NOT NULL OR a.paused_at IS NOT NULL
              THEN 'paused' ELSE i.state END"
    };
}
pub(crate) use shown_state;

/// An integration with its customer, and with the pause of everything where there is one.
macro_rules! joined {
    () => {
        "FROM integration i JOIN customer c ON c.id = i.customer_id
         LEFT JOIN pause_of_all a ON a.id = 1"
    };
}
pub(crate) use joined;

/// Integrations the caller sees; the customer is joined as `c`. Those of a customer in the bin
/// are out of reach.
macro_rules! visible {
    () => {
        concat!("c.deleted_at IS NULL AND ", in_scope!("i.customer_id"))
    };
}

#[derive(FromRow)]
struct LineRow {
    id: IntegrationId,
    customer_id: CustomerId,
    customer_name: String,
    name: String,
    tenant: String,
    cloud: String,
    enabled: bool,
    credential_profile_id: CredentialProfileId,
    profile_name: String,
    state: IntegrationState,
    last_run_id: Option<RunId>,
    last_sync_started_at: Option<DateTime>,
    last_sync_status: Option<RunStatus>,
    last_sync_detail: String,
}

const MATCHING: &str = concat!(
    joined!(),
    " JOIN credential_profile p ON p.id = i.credential_profile_id WHERE ",
    visible!(),
    r" AND ($3 IS NULL OR i.name_folded LIKE $3 ESCAPE '\'
            OR c.name_folded LIKE $3 ESCAPE '\' OR i.tenant LIKE $3 ESCAPE '\')
       AND ($4 IS NULL OR i.customer_id = $4) AND ($5 IS NULL OR i.enabled = $5)
       AND ($6 IS NULL OR i.credential_profile_id = $6)
       AND ($8 IS NULL OR i.last_sync_status = $8) AND ($9 IS NULL OR i.cloud = $9)
       AND ($7 IS NULL OR $7 = ",
    shown_state!(),
    ")"
);

const STATE: &str = shown_state!();

/// One page of the Integrations list.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    query: IntegrationQuery,
) -> Result<Page<IntegrationLine>> {
    scope.require(Permission::IntegrationsRead)?;
    b.limits.take_search(query.q.as_deref(), scope)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {MATCHING}")),
        scope.all(),
        scope.grantee(),
        &pattern,
        query.customer_id,
        query.enabled,
        query.profile,
        query.state,
        query.status,
        &query.cloud
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "i.id");
    let rows = fetch_all!(
        &mut tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT i.id, i.customer_id, c.name AS customer_name, i.name, i.tenant, i.cloud,
               i.enabled, i.credential_profile_id, p.name AS profile_name, {STATE} AS state,
               i.last_run_id, i.last_sync_started_at, i.last_sync_status, i.last_sync_detail
             {MATCHING} {order} LIMIT $10 OFFSET $11"
        )),
        scope.all(),
        scope.grantee(),
        pattern,
        query.customer_id,
        query.enabled,
        query.profile,
        query.state,
        query.status,
        query.cloud,
        query.page.limit(),
        query.page.offset()
    )?;
    let line = |row: LineRow| IntegrationLine {
        id: row.id,
        customer_id: row.customer_id,
        customer_name: row.customer_name,
        name: row.name,
        tenant: row.tenant,
        cloud: row.cloud,
        enabled: row.enabled,
        credential_profile_id: row.credential_profile_id,
        profile_name: row.profile_name,
        state: row.state,
        last_run_id: row.last_run_id,
        last_sync_started_at: row.last_sync_started_at,
        last_sync_status: row.last_sync_status,
        last_sync_detail: row.last_sync_detail,
    };
    Ok(Page { items: rows, total }.map(line))
}

#[derive(FromRow)]
struct Row {
    id: IntegrationId,
    customer_id: CustomerId,
    kind: IntegrationKind,
    name: String,
    tenant: String,
    tenant_id: Option<TenantId>,
    cloud: String,
    credential_profile_id: CredentialProfileId,
    enabled: bool,
    full_scan_next: bool,
    schedule: String,
    policy: String,
    state: IntegrationState,
    time_zone: String,
    failures: i64,
    paused_at: Option<DateTime>,
    paused_by: Option<String>,
    pause_reason: Option<String>,
    customer_paused_at: Option<DateTime>,
    customer_paused_by: Option<String>,
    customer_pause_reason: Option<String>,
    all_paused_at: Option<DateTime>,
    all_paused_by: Option<String>,
    all_pause_reason: Option<String>,
    last_sync_started_at: Option<DateTime>,
    last_sync_status: Option<RunStatus>,
    next_run_at: Option<DateTime>,
}

const COLUMNS: &str = concat!(
    "i.id, i.customer_id, i.kind, i.name, i.tenant, i.tenant_id, i.cloud,
    i.credential_profile_id, i.enabled, i.full_scan_next, i.schedule, i.policy, i.failures,
    i.last_sync_started_at, i.last_sync_status, c.time_zone,
    i.paused_at, i.paused_by, i.pause_reason, c.paused_at AS customer_paused_at,
    c.paused_by AS customer_paused_by, c.pause_reason AS customer_pause_reason,
    a.paused_at AS all_paused_at, a.paused_by AS all_paused_by,
    a.pause_reason AS all_pause_reason,
    CASE WHEN i.paused_at IS NULL AND c.paused_at IS NULL AND a.paused_at IS NULL
         THEN i.next_run_at END AS next_run_at, ",
    shown_state!(),
    " AS state"
);

impl Row {
    fn with(self, selected_group_ids: Vec<ExternalId>) -> Result<Integration> {
        let policy: Policy = read_json("integration.policy", &self.policy)?;
        let own = (self.paused_at, self.paused_by, self.pause_reason);
        let customers = (
            self.customer_paused_at,
            self.customer_paused_by,
            self.customer_pause_reason,
        );
        let all = (
            self.all_paused_at,
            self.all_paused_by,
            self.all_pause_reason,
        );
        let pause = Pause::of(PauseLevel::Integration, own.0, own.1, own.2)
            .or_else(|| Pause::of(PauseLevel::Customer, customers.0, customers.1, customers.2))
            .or_else(|| Pause::of(PauseLevel::All, all.0, all.1, all.2));
        Ok(Integration {
            schedule: read_json("integration.schedule", &self.schedule)?,
            policy: Policy {
                selected_group_ids,
                ..policy
            },
            id: self.id,
            customer_id: self.customer_id,
            kind: self.kind,
            name: self.name,
            tenant: self.tenant,
            tenant_id: self.tenant_id,
            cloud: self.cloud,
            credential_profile_id: self.credential_profile_id,
            enabled: self.enabled,
            full_scan_next: self.full_scan_next,
            state: self.state,
            time_zone: self.time_zone,
            pause,
            failures: self.failures,
            last_sync_started_at: self.last_sync_started_at,
            last_sync_status: self.last_sync_status,
            next_run_at: self.next_run_at,
        })
    }
}

const NEXT: &str = concat!(
    joined!(),
    " WHERE ",
    visible!(),
    r" AND (i.name_folded, i.id) > ($3, $4) AND ($5 IS NULL OR i.customer_id = $5)
       AND ($6 IS NULL OR i.name_folded LIKE $6 ESCAPE '\' OR i.tenant LIKE $6 ESCAPE '\')
     ORDER BY i.name_folded, i.id LIMIT $7"
);

/// Integrations by name, of one customer or of all, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer_id: Option<CustomerId>,
    request: &ListRequest,
) -> Result<Listing<Integration>> {
    scope.require(Permission::IntegrationsRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} {NEXT}")),
        scope.all(),
        scope.grantee(),
        after,
        id,
        customer_id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut selected: HashMap<IntegrationId, Vec<ExternalId>> = HashMap::new();
    for (integration, group) in fetch_all_in!(
        &mut tx,
        (IntegrationId, ExternalId),
        "SELECT integration_id, external_id FROM integration_group WHERE integration_id IN",
        ids,
        "ORDER BY integration_id, external_id"
    )? {
        selected.entry(integration).or_default().push(group);
    }
    let items = rows
        .into_iter()
        .map(|row| {
            let groups = selected.remove(&row.id).unwrap_or_default();
            row.with(groups)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(paging::listing(items, request, |i| {
        paging::by_name(&i.name, i.id.0)
    }))
}

/// One integration.
pub async fn get(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<Integration> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

const THE_ONE: &str = concat!(joined!(), " WHERE i.id = $3 AND ", visible!());

pub(crate) async fn find(tx: &mut Tx, scope: &Scope, id: IntegrationId) -> Result<Integration> {
    let row = fetch_optional!(
        &mut *tx,
        Row,
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} {THE_ONE}")),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("integration"))?;
    let selected = fetch_all!(
        tx,
        (ExternalId,),
        "SELECT external_id FROM integration_group WHERE integration_id = $1 ORDER BY external_id",
        id
    )?;
    row.with(selected.into_iter().map(|(group,)| group).collect())
}

#[cfg(test)]
mod tests;
