//! The few queries that look across all customers, whoever asks. What they find goes to nobody
//! who may not see it: each caller says what becomes of the answer.

use domain::{
    id::{CustomerId, TenantId},
    run::Reason,
    tenant::Tenant,
    user::DirectoryStatus,
};
use uuid::Uuid;

use crate::{Backend, Result, Tx, execute, fetch_all, fetch_scalar};

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

/// Deletes the people and groups of deleted integrations whose days are over, at most `limit` of
/// each; answers how many. Those of a living integration are its runs' business.
pub async fn delete_due(b: &Backend, limit: i64) -> Result<u64> {
    let now = b.clock.now();
    let mut tx = b.db.write().await?;
    let mut deleted = 0;
    for statement in [
        "UPDATE directory_user SET status = $1, status_reason = $2, delete_at = NULL,
           changed_at = $3 WHERE id IN (SELECT id FROM directory_user
             WHERE integration_id IS NULL AND delete_at <= $3 ORDER BY delete_at LIMIT $4)",
        "UPDATE directory_group SET status = $1, status_reason = $2, delete_at = NULL,
           changed_at = $3 WHERE id IN (SELECT id FROM directory_group
             WHERE integration_id IS NULL AND delete_at <= $3 ORDER BY delete_at LIMIT $4)",
    ] {
        deleted += execute!(
            &mut tx,
            statement,
            DirectoryStatus::Deleted,
            Reason::DeleteAfterDays,
            now,
            limit
        )?;
    }
    tx.commit().await?;
    Ok(deleted)
}
