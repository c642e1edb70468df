//! What the command line on the machine itself can do for operators who can't help themselves.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    operator::{Operator, OperatorChange},
    paging::PageRequest,
};
use secrecy::SecretString;

use super::{command_line_scope, known_browsers, password, slow_down};
use crate::{
    Backend, Error, Result, Tx, execute,
    store::{
        audit::{self, Entry},
        operators::{self, OperatorQuery},
        tokens,
    },
};

/// Every operator, by name.
pub async fn all_operators(b: &Backend) -> Result<Vec<Operator>> {
    let scope = command_line_scope();
    let mut all = Vec::new();
    for page in 1.. {
        let query = OperatorQuery {
            page: PageRequest::new(page, 1000),
            ..OperatorQuery::default()
        };
        let found = operators::list(b, &scope, query).await?;
        let last = found.items.is_empty();
        all.extend(found.items);
        if last || i64::try_from(all.len()).unwrap_or(i64::MAX) >= found.total {
            break;
        }
    }
    Ok(all)
}

/// Sets an operator's password. It ends their sessions and lets them sign in at once, also where
/// they were invited and never followed the link, or had to wait for failed tries. With
/// `revoke_tokens` the API tokens end that they made for themselves. Who is disabled stays so.
pub async fn set_password(
    b: &Backend,
    email: &str,
    password: SecretString,
    revoke_tokens: bool,
) -> Result<()> {
    let mut tx = b.db.read().await?;
    let id = known(&mut tx, email).await?;
    let operator = operators::by_id(&mut tx, id).await?;
    let operator = operator.ok_or(Error::NotFound("operator"))?;
    drop(tx);
    let whose = password::Whose {
        name: &operator.name,
        email: &operator.email,
    };
    let password = password::accept(b, "password-stdin", password, whose).await?;
    let hash = password::hash(b, password).await?;
    let scope = command_line_scope();
    let mut tx = b.db.write().await?;
    let id = known(&mut tx, email).await?;
    execute!(
        &mut tx,
        "UPDATE operator SET password_hash = $1, joined_at = COALESCE(joined_at, $2) WHERE id = $3",
        hash,
        b.clock.now(),
        id
    )?;
    operators::end_sessions_in(&mut tx, id).await?;
    operators::end_links(&mut tx, id).await?;
    slow_down::forget_account(&mut tx, email).await?;
    known_browsers::forget(&mut tx, id).await?;
    if revoke_tokens {
        let by = (audit::Actor::of(&scope), scope.origin());
        tokens::revoke_personal(b, &mut tx, by, id).await?;
    }
    let entry = Entry::new(AuditAction::OperatorResetPassword, id.0, email)
        .changes(AuditChanges::none().secret("password"));
    audit::record(b, &mut tx, &scope, entry).await?;
    tx.commit().await
}

/// Enables or disables an operator.
pub async fn set_enabled(b: &Backend, email: &str, enabled: bool) -> Result<()> {
    let mut tx = b.db.read().await?;
    let id = known(&mut tx, email).await?;
    drop(tx);
    let change = OperatorChange {
        enabled: Some(enabled),
        ..OperatorChange::default()
    };
    operators::change(b, &command_line_scope(), id, change).await?;
    Ok(())
}

async fn known(tx: &mut Tx, email: &str) -> Result<OperatorId> {
    operators::id_of(tx, email)
        .await?
        .ok_or_else(|| Error::invalid("email", "There is no operator with this address."))
}
