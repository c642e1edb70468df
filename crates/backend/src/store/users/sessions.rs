//! The sessions of a user in their own account, as an operator sees and ends them.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::UserId,
    operator::SessionLine,
    permission::Permission,
};
use uuid::Uuid;

use super::held::{self, Held};
use crate::{
    Backend, Error, Result, Scope, execute,
    store::sessions::{Whose, lines_of},
};

/// The sessions of a user, the last used first.
pub async fn sessions(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<SessionLine>> {
    super::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    lines_of(&mut tx, Whose::User(id), None, b.clock.now()).await
}

/// Ends one of a user's sessions.
pub async fn end_session(b: &Backend, scope: &Scope, id: UserId, session: Uuid) -> Result<()> {
    if end(b, scope, id, Some(session)).await? == 0 {
        return Err(Error::NotFound("session"));
    }
    Ok(())
}

/// Ends every session of a user; answers how many there were.
pub async fn end_sessions(b: &Backend, scope: &Scope, id: UserId) -> Result<u64> {
    end(b, scope, id, None).await
}

async fn end(b: &Backend, scope: &Scope, id: UserId, session: Option<Uuid>) -> Result<u64> {
    let mut tx = b.db.write().await?;
    let user: Held = held::find(&mut tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    let ended = execute!(
        &mut tx,
        "DELETE FROM session WHERE user_id = $1 AND ($2 IS NULL OR id = $2)",
        id,
        session
    )?;
    if ended > 0 {
        let changes = AuditChanges::none().now("ended", &ended);
        let action = AuditAction::UserSignOutByOperator;
        user.record(b, &mut tx, scope, action, ("", changes))
            .await?;
    }
    tx.commit().await?;
    Ok(ended)
}
