//! Taking all second factors away from somebody who lost them. They are signed out everywhere,
//! and told by mail.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
};

use super::{authenticator, passkeys, recovery_codes};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::{command_line_scope, slow_down},
    operator_mail,
    store::{
        audit::{self, Entry},
        operators,
        sessions::Whose,
    },
};

/// Takes them away from another operator: by who may change that operator.
pub async fn reset(b: &Backend, scope: &Scope, id: OperatorId) -> Result<()> {
    let mut tx = b.db.write().await?;
    operators::one_at_a_time(&mut tx).await?;
    let operator = operators::find_to_change(&mut tx, scope, id).await?;
    if scope.operator_id() == Some(id) {
        return Err(Error::conflict(
            "You remove your own second factors under My Account.",
        ));
    }
    scope.require_recent_proof(b.clock.now())?;
    reset_in(b, &mut tx, scope, id, &operator.email).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(())
}

/// The same on the machine itself, for whom nobody else can help.
pub async fn reset_on_machine(b: &Backend, email: &str) -> Result<()> {
    let scope = command_line_scope();
    let mut tx = b.db.write().await?;
    let id = operators::id_of(&mut tx, email)
        .await?
        .ok_or_else(|| Error::invalid("email", "There is no operator with this address."))?;
    let operator = operators::by_id(&mut tx, id)
        .await?
        .ok_or(Error::NotFound("operator"))?;
    reset_in(b, &mut tx, &scope, id, &operator.email).await?;
    tx.commit().await
}

async fn reset_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: OperatorId,
    email: &str,
) -> Result<()> {
    let whose = Whose::Operator(id);
    let before = super::of(tx, whose).await?;
    if before.is_empty() {
        return Err(Error::conflict("They have no second factor."));
    }
    authenticator::delete(tx, whose).await?;
    passkeys::delete_all(tx, id).await?;
    recovery_codes::delete_all(tx, whose).await?;
    operators::end_sessions_in(tx, id).await?;
    slow_down::forget(tx, &slow_down::Subject::second_factor_of(whose)).await?;
    operator_mail::put_second_factor_reset(b, tx, id, scope.actor_name()).await?;
    let changes = AuditChanges::none()
        .was("second_factors", &before.summary())
        .was("recovery_codes", &before.recovery_codes);
    let entry = Entry::new(AuditAction::OperatorResetSecondFactor, id.0, email).changes(changes);
    audit::record(b, tx, scope, entry).await
}
