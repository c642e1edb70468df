//! Changing, disabling and removing operators, and ending their sessions.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    operator::{Operator, OperatorChange, OperatorState, SessionLine},
    permission::{Permission, Role},
    text::parse_name,
};
use uuid::Uuid;

use super::{
    TOLD, by_id, find, one_at_a_time,
    reach::{checked, has_owner, store},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute,
    store::{
        audit::{self, Entry},
        sessions::{self, Whose},
        tokens,
    },
};

/// An operator whom the caller may change: seen, and without a right that the caller hasn't.
pub(crate) async fn find_to_change(tx: &mut Tx, scope: &Scope, id: OperatorId) -> Result<Operator> {
    let operator = find(tx, scope, id).await?;
    scope.require(Permission::OperatorsWrite)?;
    if scope.role().holds(operator.role) {
        Ok(operator)
    } else {
        Err(Error::Forbidden(Permission::OperatorsWrite))
    }
}

/// Owners may do everything: whoever makes one, or changes or removes one, has proved lately that
/// it is them.
pub(super) fn prove_for_owner(b: &Backend, scope: &Scope, roles: &[Role]) -> Result<()> {
    if roles.contains(&Role::Owner) {
        scope.require_recent_proof(b.clock.now())?;
    }
    Ok(())
}

/// Changes an operator. What they may do, and for whom, counts from their next request on; who is
/// disabled is signed out everywhere.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: OperatorId,
    change: OperatorChange,
) -> Result<Operator> {
    let mut tx = b.db.write().await?;
    one_at_a_time(&mut tx).await?;
    let before = find_to_change(&mut tx, scope, id).await?;
    prove_for_owner(b, scope, &[before.role, change.role.unwrap_or(before.role)])?;
    let concerns_rights = change.role.is_some_and(|role| role != before.role)
        || change
            .scope
            .as_ref()
            .is_some_and(|new| *new != before.scope)
        || change.enabled == Some(false);
    if concerns_rights && scope.operator_id() == Some(id) {
        return Err(Error::conflict(
            "You can’t change what you may do yourself. Ask another operator.",
        ));
    }
    let had_owner = has_owner(&mut tx).await?;
    if let Some(name) = &change.name {
        rename(&mut tx, &before, name).await?;
    }
    if let Some(role) = change.role.filter(|role| *role != before.role) {
        if !scope.role().holds(role) {
            let message = "You can’t give a role that may do more than yours.";
            return Err(Error::invalid("role", message));
        }
        set_role(&mut tx, id, role).await?;
    }
    if let Some(wanted) = change.scope {
        let new = checked(&mut tx, scope, wanted).await?;
        if new != before.scope {
            store(&mut tx, id, &new).await?;
        }
    }
    let switched = match change.enabled {
        Some(enabled) => enable(b, &mut tx, &before, enabled).await?,
        None => None,
    };
    keep_an_owner(&mut tx, had_owner).await?;
    let after = find(&mut tx, scope, id).await?;
    let changes = AuditChanges::between(&before, &after).only(&TOLD);
    if !changes.is_empty() {
        let entry = Entry::new(AuditAction::OperatorUpdate, id.0, &after.email);
        audit::record(b, &mut tx, scope, entry.changes(changes)).await?;
    }
    if let Some(action) = switched {
        let entry = Entry::new(action, id.0, &after.email);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Gives an operator the role that a provider says; answers who they are now with what changed,
/// nothing where it was theirs already. For the code that authenticates, which holds the table
/// ([`one_at_a_time`]).
///
/// `Conflict` where it would leave nobody who may do everything.
pub(crate) async fn give_role(
    tx: &mut Tx,
    id: OperatorId,
    role: Role,
) -> Result<Option<(Operator, AuditChanges)>> {
    let before = by_id(tx, id).await?.ok_or(Error::NotFound("operator"))?;
    if before.role == role {
        return Ok(None);
    }
    let had_owner = has_owner(tx).await?;
    set_role(tx, id, role).await?;
    keep_an_owner(tx, had_owner).await?;
    let changes = AuditChanges::none().field("role", &before.role, &role);
    Ok(Some((Operator { role, ..before }, changes)))
}

async fn set_role(tx: &mut Tx, id: OperatorId, role: Role) -> Result<()> {
    execute!(
        tx,
        "UPDATE operator_role SET role = $1 WHERE operator_id = $2",
        role,
        id
    )?;
    Ok(())
}

async fn rename(tx: &mut Tx, before: &Operator, name: &str) -> Result<()> {
    let name = parse_name("name", name)?;
    if name == before.name {
        return Ok(());
    }
    execute!(
        &mut *tx,
        "UPDATE operator SET name = $1, name_folded = $2 WHERE id = $3",
        &name,
        planner::key(&name),
        before.id
    )?;
    Ok(())
}

/// Answers what was done, where that wasn't so before.
async fn enable(
    b: &Backend,
    tx: &mut Tx,
    before: &Operator,
    enabled: bool,
) -> Result<Option<AuditAction>> {
    let is_disabled = before.state == OperatorState::Disabled;
    if is_disabled != enabled {
        return Ok(None);
    }
    execute!(
        &mut *tx,
        "UPDATE operator SET disabled_at = $1 WHERE id = $2",
        (!enabled).then(|| b.clock.now()),
        before.id
    )?;
    if enabled {
        return Ok(Some(AuditAction::OperatorEnable));
    }
    end_sessions_in(tx, before.id).await?;
    end_links(tx, before.id).await?;
    Ok(Some(AuditAction::OperatorDisable))
}

/// Refuses what would leave nobody who may do everything.
async fn keep_an_owner(tx: &mut Tx, had_owner: bool) -> Result<()> {
    if had_owner && !has_owner(tx).await? {
        return Err(Error::conflict(
            "This is the last owner of all customers. Make somebody else an owner first.",
        ));
    }
    Ok(())
}

/// Removes an operator for good, with their sessions and API tokens. What the audit log says of them
/// stays.
pub async fn remove(b: &Backend, scope: &Scope, id: OperatorId) -> Result<()> {
    let mut tx = b.db.write().await?;
    one_at_a_time(&mut tx).await?;
    let operator = find_to_change(&mut tx, scope, id).await?;
    prove_for_owner(b, scope, &[operator.role])?;
    if scope.operator_id() == Some(id) {
        return Err(Error::conflict(
            "You can’t remove yourself. Ask another operator.",
        ));
    }
    let had_owner = has_owner(&mut tx).await?;
    tokens::revoke_of(b, &mut tx, scope, id).await?;
    execute!(&mut tx, "DELETE FROM operator WHERE id = $1", id)?;
    keep_an_owner(&mut tx, had_owner).await?;
    let entry = Entry::new(AuditAction::OperatorDelete, id.0, &operator.email)
        .changes(AuditChanges::deleted(&operator).only(&TOLD));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Where an operator is signed in, the last used first.
pub async fn sessions(b: &Backend, scope: &Scope, id: OperatorId) -> Result<Vec<SessionLine>> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    scope.require(Permission::OperatorsRead)?;
    sessions::lines(&mut tx, id, None, b.clock.now()).await
}

/// Ends one of an operator's sessions.
pub async fn end_session(b: &Backend, scope: &Scope, id: OperatorId, session: Uuid) -> Result<()> {
    let mut tx = b.db.write().await?;
    let operator = find_to_change(&mut tx, scope, id).await?;
    if !sessions::end_in(&mut tx, id, session).await? {
        return Err(Error::NotFound("session"));
    }
    let entry = Entry::new(AuditAction::SessionEnd, session, &operator.email);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Signs an operator out everywhere; answers how many sessions that ended.
pub async fn end_sessions(b: &Backend, scope: &Scope, id: OperatorId) -> Result<u64> {
    let mut tx = b.db.write().await?;
    let operator = find_to_change(&mut tx, scope, id).await?;
    let ended = end_sessions_in(&mut tx, id).await?;
    let entry = Entry::new(AuditAction::SessionEndAll, id.0, &operator.email);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

pub(crate) async fn end_sessions_in(tx: &mut Tx, id: OperatorId) -> Result<u64> {
    sessions::end_others_in(tx, Whose::Operator(id), None).await
}

/// Ends the links that were sent to an operator, and the mails that are on their way with one.
pub(crate) async fn end_links(tx: &mut Tx, id: OperatorId) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM operator_link WHERE operator_id = $1",
        id
    )?;
    execute!(tx, "DELETE FROM operator_mail WHERE operator_id = $1", id)?;
    Ok(())
}
