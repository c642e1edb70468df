//! What is a user's own: their account as they see it, their password, where they are signed in.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    enrolment::OwnAccount,
    operator::SessionLine,
};
use secrecy::SecretString;
use sqlx::FromRow;
use uuid::Uuid;

use super::{UserScope, end_sessions, factors, with_account};
use crate::{
    Backend, Error, Result,
    auth::{password, slow_down},
    execute, fetch_all, fetch_optional,
    store::{
        sessions::{self, Whose},
        users::names,
    },
};

#[derive(FromRow)]
struct Row {
    display_name: String,
    user_principal_name: Option<String>,
    mail: Option<String>,
    customer_name: String,
    enrolled_at: DateTime,
}

/// Groups that the page of an account shows.
const GROUPS_SHOWN: i64 = 1_000;

/// Their account as they see it.
pub async fn own_account(b: &Backend, scope: &UserScope) -> Result<OwnAccount> {
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        concat!(
            "SELECT u.display_name, u.user_principal_name, u.mail, c.name AS customer_name,
                    e.enrolled_at FROM ",
            with_account!(),
            " AND u.id = $1"
        ),
        scope.id
    )?
    .ok_or(Error::SignedOut)?;
    let groups = fetch_all!(
        &mut tx,
        (String,),
        "SELECT g.display_name
           FROM directory_membership m JOIN directory_group g ON g.id = m.group_id
          WHERE m.member_id = $1 AND g.status = 'active'
          ORDER BY g.name_folded, g.id LIMIT $2",
        scope.id.0,
        GROUPS_SHOWN
    )?;
    let second_factors = factors::of(&mut tx, Whose::User(scope.id)).await?;
    Ok(OwnAccount {
        second_factors,
        aliases: names::aliases(&mut tx, scope.id).await?,
        name: row.display_name,
        user_name: row.user_principal_name.unwrap_or_default(),
        mail: row.mail,
        customer_name: row.customer_name,
        groups: groups.into_iter().map(|(name,)| name).collect(),
        enrolled_at: row.enrolled_at,
    })
}

/// Where they are signed in, the last used first. `current` is the public id of the session that asks.
pub async fn sessions(
    b: &Backend,
    scope: &UserScope,
    current: Option<Uuid>,
) -> Result<Vec<SessionLine>> {
    let mut tx = b.db.read().await?;
    sessions::lines_of(&mut tx, Whose::User(scope.id), current, b.clock.now()).await
}

/// Ends one of their sessions.
pub async fn end_session(b: &Backend, scope: &UserScope, id: Uuid) -> Result<()> {
    let mut tx = b.db.write().await?;
    let ended = execute!(
        &mut tx,
        "DELETE FROM session WHERE id = $1 AND user_id = $2",
        id,
        scope.id
    )?;
    if ended == 0 {
        return Err(Error::NotFound("session"));
    }
    let changes = AuditChanges::none().now("ended", &ended);
    let entry = scope.entry(AuditAction::UserEndSessions).changes(changes);
    scope.record(b, &mut tx, entry).await?;
    tx.commit().await
}

/// Ends all of their sessions but `keep`; answers how many.
pub async fn end_other_sessions(b: &Backend, scope: &UserScope, keep: Option<Uuid>) -> Result<u64> {
    let mut tx = b.db.write().await?;
    let ended = end_sessions(&mut tx, scope.id, keep).await?;
    let changes = AuditChanges::none().now("ended", &ended);
    let entry = scope.entry(AuditAction::UserEndSessions).changes(changes);
    scope.record(b, &mut tx, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends the session that asks.
pub async fn sign_out(b: &Backend, scope: &UserScope, session: Option<Uuid>) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM session WHERE id = $1 AND user_id = $2",
        session,
        scope.id
    )?;
    let entry = scope.entry(AuditAction::UserSignOut);
    scope.record(b, &mut tx, entry).await?;
    tx.commit().await
}

/// The hash of their password, and what they sign in with.
async fn password_of(b: &Backend, scope: &UserScope) -> Result<(String, String)> {
    let mut tx = b.db.read().await?;
    let (hash, user_name) = fetch_optional!(
        &mut tx,
        (String, Option<String>),
        concat!(
            "SELECT e.password_hash, u.user_principal_name FROM ",
            with_account!(),
            " AND u.id = $1"
        ),
        scope.id
    )?
    .ok_or(Error::SignedOut)?;
    Ok((hash, user_name.unwrap_or_default()))
}

/// Asks for their password once more. `Invalid` of that field where it is another; tries slow down the
/// next ones.
pub(super) async fn prove_password(
    b: &Backend,
    scope: &UserScope,
    field: &'static str,
    given: SecretString,
) -> Result<()> {
    let (hash, _) = password_of(b, scope).await?;
    let tries = slow_down::Subject::password_of_user(scope.id);
    slow_down::count_try(b, &[&tries], &scope.origin).await?;
    if !password::verify(given, Some(hash)).await? {
        return Err(Error::invalid(field, "This is not your password."));
    }
    let mut tx = b.db.write().await?;
    slow_down::forget(&mut tx, &tries).await?;
    tx.commit().await
}

/// What a user gives to change their password.
#[derive(Debug)]
pub struct UserPasswordChange {
    /// The one that they have.
    pub old: SecretString,
    /// The one that they want.
    pub new: SecretString,
    /// The public id of the session that asks, which goes on.
    pub keep: Option<Uuid>,
}

/// Changes their password and ends their other sessions.
pub async fn change_password(
    b: &Backend,
    scope: &UserScope,
    given: UserPasswordChange,
) -> Result<()> {
    let (hash, user_name) = password_of(b, scope).await?;
    let whose = password::Whose {
        name: &scope.name,
        email: &user_name,
    };
    let new = password::accept(b, "new_password", given.new, whose).await?;
    prove_password(b, scope, "old_password", given.old).await?;
    let anew = password::hash(b, new).await?;
    let mut tx = b.db.write().await?;
    let changed = execute!(
        &mut tx,
        "UPDATE enrolment SET password_hash = $2 WHERE user_id = $1 AND password_hash = $3",
        scope.id,
        anew,
        hash
    )?;
    if changed == 0 {
        return Err(Error::conflict(
            "The password was changed elsewhere meanwhile. Sign in with the new one.",
        ));
    }
    end_sessions(&mut tx, scope.id, given.keep).await?;
    let entry = scope
        .entry(AuditAction::UserChangePassword)
        .changes(AuditChanges::none().secret("password"));
    scope.record(b, &mut tx, entry).await?;
    tx.commit().await
}
