//! The few queries that look across all customers, whoever asks. What they find goes to nobody
//! who may not see it: each caller says what becomes of the answer.

use domain::{
    id::{CustomerId, TenantId},
    integration::IntegrationState,
    run::RunStatus,
    tenant::Tenant,
};
use uuid::Uuid;

use super::integrations::{joined, shown_state};
use crate::{Backend, Result, Tx, fetch_all, fetch_scalar};

/// How the whole installation is, in numbers that name nobody: for `/metrics`, which is served
/// apart from everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Integrations by state.
    pub integrations: Vec<(IntegrationState, i64)>,
    /// Runs that are not over, by status.
    pub runs: Vec<(RunStatus, i64)>,
    /// Jobs whose time has come and that no worker has.
    pub jobs_waiting: i64,
}

/// How the whole installation is now.
pub async fn standing(b: &Backend) -> Result<Standing> {
    let mut tx = b.db.read().await?;
    let integrations = fetch_all!(
        &mut tx,
        (IntegrationState, i64),
        concat!(
            "SELECT state, COUNT(*) FROM (SELECT ",
            shown_state!(),
            " AS state ",
            joined!(),
            ") AS shown GROUP BY state ORDER BY state"
        )
    )?;
    let runs = fetch_all!(
        &mut tx,
        (RunStatus, i64),
        "SELECT status, COUNT(*) FROM run WHERE status IN ('queued', 'running', 'held')
          GROUP BY status ORDER BY status"
    )?;
    let jobs_waiting = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM job WHERE run_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)",
        b.clock.now()
    )?;
    Ok(Standing {
        integrations,
        runs,
        jobs_waiting,
    })
}

/// Whether another customer than `customer` has connected the tenant, as far as its text tells.
pub(crate) async fn tenant_is_elsewhere(
    tx: &mut Tx,
    customer: CustomerId,
    cloud: &str,
    tenant: &Tenant,
) -> Result<bool> {
    let others = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM integration WHERE cloud = $1 AND customer_id <> $2
           AND (tenant = $3 OR tenant_id = $4)",
        cloud,
        customer,
        tenant.as_str(),
        Uuid::try_parse(tenant.as_str()).ok()
    )?;
    Ok(others > 0)
}

/// Whether a consent link proved the tenant for another customer than `customer`.
pub(crate) async fn tenant_is_proven_elsewhere(
    tx: &mut Tx,
    customer: CustomerId,
    cloud: &str,
    tenant_id: TenantId,
) -> Result<bool> {
    let others = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM consent_link
          WHERE cloud = $1 AND customer_id <> $2 AND proven_tenant_id = $3",
        cloud,
        customer,
        tenant_id
    )?;
    Ok(others > 0)
}

/// The other customers than `customer` to which the tenant is connected, with their names.
pub(crate) async fn customers_of_tenant(
    tx: &mut Tx,
    customer: CustomerId,
    cloud: &str,
    tenant_id: TenantId,
) -> Result<Vec<(CustomerId, String)>> {
    fetch_all!(
        tx,
        (CustomerId, String),
        "SELECT DISTINCT c.id, c.name FROM integration i JOIN customer c ON c.id = i.customer_id
         WHERE i.cloud = $1 AND i.tenant_id = $2 AND i.customer_id <> $3 ORDER BY c.name",
        cloud,
        tenant_id,
        customer
    )
}
