//! How much an integration has in the directory, as its guard counts it.

use domain::{
    guard::{GuardForecast, GuardSize},
    id::IntegrationId,
    permission::Permission,
    policy::ObjectType,
};

use super::find;
use crate::{Backend, Result, Scope, Tx, fetch_one, fetch_scalar};

/// How much of each type the integration has in the directory.
pub async fn guard_sizes(b: &Backend, scope: &Scope, id: IntegrationId) -> Result<Vec<GuardSize>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    sizes(&mut tx, id).await
}

/// What the integration's guard would say with today's directory, a line a type.
pub async fn guard_forecast(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
) -> Result<Vec<GuardForecast>> {
    scope.require(Permission::IntegrationsRead)?;
    let mut tx = b.db.read().await?;
    let guard = find(&mut tx, scope, id).await?.policy.guard;
    let sizes = sizes(&mut tx, id).await?;
    Ok(sizes
        .into_iter()
        .map(|size| size.forecast(guard.limit(size.object_type)))
        .collect())
}

async fn sizes(tx: &mut Tx, id: IntegrationId) -> Result<Vec<GuardSize>> {
    let mut sizes = Vec::new();
    for object_type in ObjectType::OBJECTS {
        let (active, objects) = fetch_one!(
            &mut *tx,
            (i64, i64),
            sqlx::AssertSqlSafe(format!(
                "SELECT COUNT(CASE WHEN status = 'active' THEN 1 END), COUNT(*)
                   FROM directory_{object_type} WHERE integration_id = $1 AND status <> 'deleted'"
            )),
            id
        )?;
        sizes.push(size(object_type, active, objects));
    }
    // As planning counts them (sync::member_planning).
    let memberships = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM directory_group g JOIN directory_membership m ON m.group_id = g.id
          WHERE g.integration_id = $1",
        id
    )?;
    sizes.push(size(ObjectType::Membership, memberships, memberships));
    Ok(sizes)
}

fn size(object_type: ObjectType, active: i64, objects: i64) -> GuardSize {
    GuardSize {
        object_type,
        active: active.unsigned_abs(),
        objects: objects.unsigned_abs(),
    }
}
