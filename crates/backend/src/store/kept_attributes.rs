//! "Kept here": single attributes of a synced user that stay as an operator says.
//!
//! What is kept is a fact that planning knows (`planner::kept_here`): runs lay it over what the source
//! says. The row's hash stays that of the source's content, so that a run finds nothing to do where
//! the source says nothing new. Taking it back forgets the hash, so that the next run brings the
//! source's value.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::UserId,
    made_here::{Editable, KeptAttribute, NewKeptAttribute, parse_kept},
    permission::Permission,
    text::parse_note,
};
use planner::kept_here::{KeptHere, typed};
use sqlx::FromRow;

use super::users::{
    self,
    held::{self, Held, hold},
};
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, sync};

#[derive(FromRow)]
struct Row {
    name: String,
    value: Option<String>,
    kept_by: String,
    kept_at: DateTime,
    note: String,
}

/// What is kept of a user, by name.
pub(crate) async fn of_user(tx: &mut Tx, id: UserId) -> Result<Vec<KeptAttribute>> {
    let rows = fetch_all!(
        tx,
        Row,
        "SELECT name, value, kept_by, kept_at, note FROM directory_user_kept_attribute
          WHERE user_id = $1 ORDER BY name",
        id
    )?;
    Ok(rows
        .into_iter()
        .map(|row| KeptAttribute {
            name: row.name,
            value: row.value,
            by: row.kept_by,
            at: row.kept_at,
            note: row.note,
        })
        .collect())
}

/// What is kept of a user the caller may see.
pub async fn list(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<KeptAttribute>> {
    scope.require(Permission::DirectoryRead)?;
    users::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    of_user(&mut tx, id).await
}

/// Keeps an attribute of a synced user as it is said here, from now on, in place of what was kept of
/// it.
pub async fn keep(
    b: &Backend,
    scope: &Scope,
    id: UserId,
    name: &str,
    new: NewKeptAttribute,
) -> Result<KeptAttribute> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    let value = parse_kept(name, new.value.as_deref().unwrap_or_default())?;
    let note = parse_note("note", &new.note)?;
    can_be_kept(&user)?;
    let kept = KeptAttribute {
        name: name.to_owned(),
        value,
        by: scope.actor_name().to_owned(),
        at: b.clock.now(),
        note: note.to_owned(),
    };
    execute!(
        &mut tx,
        "INSERT INTO directory_user_kept_attribute (user_id, name, value, kept_by, kept_at, note)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value,
            kept_by = excluded.kept_by, kept_at = excluded.kept_at, note = excluded.note",
        id,
        name,
        kept.value.as_deref(),
        kept.by.as_str(),
        kept.at,
        note
    )?;
    let mut over = KeptHere::default();
    over.keep(name, kept.value.clone());
    let content = over.over(user.content.clone());
    held::write(&mut tx, id, &content, kept.at).await?;
    let shown = |content: &planner::read::Content| content.shown().get(name).map(typed);
    let changes = AuditChanges::none().now("attribute", &name).field(
        "value",
        &shown(&user.content),
        &kept.value,
    );
    let action = AuditAction::UserKeepAttribute;
    user.record(b, &mut tx, scope, action, (note, changes))
        .await?;
    tx.commit().await?;
    Ok(kept)
}

fn can_be_kept(user: &Held) -> Result<()> {
    user.not_deleted()?;
    match user.editable() {
        Editable::InSource => Ok(()),
        Editable::Here => Err(Error::conflict(format!(
            "{} is made here: no sync changes it. Change the attribute itself.",
            user.name()
        ))),
        Editable::Nowhere => Err(Error::conflict(format!(
            "{} came from an integration that was deleted: no sync changes it.",
            user.name()
        ))),
    }
}

/// Lets an attribute follow its source again: the next run brings what the source says.
pub async fn release(b: &Backend, scope: &Scope, id: UserId, name: &str) -> Result<()> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    let kept = of_user(&mut tx, id).await?;
    let Some(kept) = kept.into_iter().find(|kept| kept.name == name) else {
        return Err(Error::NotFound("kept attribute"));
    };
    execute!(
        &mut tx,
        "DELETE FROM directory_user_kept_attribute WHERE user_id = $1 AND name = $2",
        id,
        name
    )?;
    execute!(
        &mut tx,
        "UPDATE directory_user SET hash = NULL WHERE id = $1",
        id
    )?;
    execute!(
        &mut tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE source_object SET pending = {}
              WHERE integration_id = $1 AND object_type = 'user' AND external_id = $2",
            sync::WITHDRAWN
        )),
        user.integration_id,
        user.external_id
    )?;
    let changes = AuditChanges::none()
        .was("attribute", &name)
        .was("value", &kept.value);
    let action = AuditAction::UserReleaseAttribute;
    user.record(b, &mut tx, scope, action, ("", changes))
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests;
