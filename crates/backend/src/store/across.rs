//! The few queries that look across all customers, whoever asks. What they find goes to nobody
//! who may not see it: each caller says what becomes of the answer.

use domain::{
    id::{CustomerId, TenantId},
    tenant::Tenant,
};
use uuid::Uuid;

use crate::{Result, Tx, fetch_all, fetch_scalar};

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
