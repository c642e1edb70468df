//! The roles that need a second factor. Whoever has such a role and none is not let in before they
//! set one up; whoever is signed in without one, is not from the next request on.

use domain::{
    audit::{AuditAction, AuditChanges},
    permission::{Permission, Role},
    second_factor::sorted,
};

use crate::{
    Backend, Error, Origin, Result, Scope, Tx, execute, fetch_all,
    store::{
        audit::{self, Entry},
        operators,
        sessions::Whose,
    },
};

/// The roles that need one: no secret to anybody who is signed in.
pub async fn required_roles(b: &Backend, _scope: &Scope) -> Result<Vec<Role>> {
    let mut tx = b.db.read().await?;
    roles(&mut tx).await
}

async fn roles(tx: &mut Tx) -> Result<Vec<Role>> {
    let roles = fetch_all!(tx, (Role,), "SELECT role FROM second_factor_role")?;
    Ok(sorted(roles.into_iter().map(|(role,)| role).collect()))
}

/// Says which roles need a second factor. Whoever asks for one must have one themselves, so that
/// nobody locks themselves out by it.
pub async fn require_of_roles(b: &Backend, scope: &Scope, wanted: Vec<Role>) -> Result<Vec<Role>> {
    scope.require(Permission::InstallationWrite)?;
    if !scope.sees_all() {
        return Err(Error::Forbidden(Permission::InstallationWrite));
    }
    scope.require_recent_proof(b.clock.now())?;
    let wanted = sorted(wanted);
    let mut tx = b.db.write().await?;
    operators::one_at_a_time(&mut tx).await?;
    let before = roles(&mut tx).await?;
    if let Some(me) = scope.operator_id()
        && wanted.iter().any(|role| !before.contains(role))
        && super::of(&mut tx, Whose::Operator(me)).await?.is_empty()
    {
        return Err(Error::conflict(
            "Set up a second factor for yourself first, under My Account: then you can’t lock yourself out by this.",
        ));
    }
    if before == wanted {
        return Ok(wanted);
    }
    keep(&mut tx, &wanted).await?;
    audit::record(b, &mut tx, scope, entry(&before, &wanted)).await?;
    tx.commit().await?;
    Ok(wanted)
}

/// Has owners and administrators need one, from the first start on: whoever makes themselves the
/// owner sets one up next.
pub(in crate::auth) async fn require_at_first(
    b: &Backend,
    tx: &mut Tx,
    actor: audit::Actor<'_>,
    origin: &Origin,
) -> Result<()> {
    let wanted = [Role::Owner, Role::Administrator];
    keep(tx, &wanted).await?;
    audit::record_as(b, tx, actor, origin, entry(&[], &wanted)).await
}

async fn keep(tx: &mut Tx, wanted: &[Role]) -> Result<()> {
    execute!(&mut *tx, "DELETE FROM second_factor_role")?;
    for role in wanted {
        execute!(
            &mut *tx,
            "INSERT INTO second_factor_role (role) VALUES ($1)",
            *role
        )?;
    }
    Ok(())
}

fn entry(before: &[Role], wanted: &[Role]) -> Entry<'static> {
    let action = AuditAction::InstallationRequireSecondFactor;
    let changes = AuditChanges::none().field("roles", &before, &wanted);
    Entry::of_whole(action, "Installation").changes(changes)
}
