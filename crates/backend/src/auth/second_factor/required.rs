//! The roles that need a second factor. Whoever has such a role and none is not let in before they
//! set one up; whoever is signed in without one, is not from the next request on.

use domain::{
    audit::{AuditAction, AuditChanges},
    permission::{Permission, Role},
    second_factor::sorted,
};

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all,
    store::{
        audit::{self, Entry},
        operators,
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
        && super::of(&mut tx, me).await?.is_empty()
    {
        return Err(Error::conflict(
            "Set up a second factor for yourself first, under My Account: then you can’t lock yourself out by this.",
        ));
    }
    if before == wanted {
        return Ok(wanted);
    }
    execute!(&mut tx, "DELETE FROM second_factor_role")?;
    for role in &wanted {
        execute!(
            &mut tx,
            "INSERT INTO second_factor_role (role) VALUES ($1)",
            *role
        )?;
    }
    let action = AuditAction::InstallationRequireSecondFactor;
    let changes = AuditChanges::none().field("roles", &before, &wanted);
    let entry = Entry::of_whole(action, "Installation").changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(wanted)
}
