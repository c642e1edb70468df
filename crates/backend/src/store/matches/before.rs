//! A user as it was before a source took it over, to take that back.

use domain::{
    DateTime,
    id::UserId,
    run::Reason,
    user::{DirectoryStatus, SourceType},
};
use planner::read::Content;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Tx,
    db::rows::{IDS_MAX, fetch_built, push_ids},
    execute,
    store::{read_json, users::held},
};

/// What taking a match back restores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// Where it came from.
    pub source_type: SourceType,
    /// How it was.
    pub status: DirectoryStatus,
    /// Why.
    pub reason: Option<Reason>,
    /// Names, addresses and attributes.
    pub content: Content,
}

#[derive(Debug, FromRow)]
struct Row {
    id: UserId,
    source_type: SourceType,
    status: DirectoryStatus,
    status_reason: Option<Reason>,
    guest: bool,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
}

impl Row {
    fn before(self) -> Result<(UserId, Before)> {
        let before = Before {
            source_type: self.source_type,
            status: self.status,
            reason: self.status_reason,
            content: Content {
                display_name: self.display_name,
                user_principal_name: self.user_principal_name,
                given_name: self.given_name,
                surname: self.surname,
                mail: self.mail,
                guest: self.guest,
                attributes: read_json("attributes", &self.attributes)?,
                ..Content::default()
            },
        };
        Ok((self.id, before))
    }
}

/// Users from no source, as they are.
pub(crate) async fn of(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<(UserId, Before)>> {
    let mut all = Vec::new();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, Row, |query| {
            query.push(
                "SELECT id, source_type, status, status_reason, guest, display_name,
                        user_principal_name, given_name, surname, mail, attributes
                   FROM directory_user WHERE integration_id IS NULL AND id",
            );
            push_ids!(query, ids);
        })?;
        for row in rows {
            all.push(row.before()?);
        }
    }
    Ok(all)
}

/// Makes a user what it was. What its source gave it goes: memberships of the source's groups, and
/// what was kept here against it since.
pub(super) async fn restore(
    tx: &mut Tx,
    id: UserId,
    before: &Before,
    matched_at: DateTime,
    now: DateTime,
) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM directory_membership
          WHERE member_id = $1 AND group_id IN (
                SELECT g.id FROM directory_membership m JOIN directory_group g ON g.id = m.group_id
                 WHERE m.member_id = $1 AND g.integration_id = (
                       SELECT integration_id FROM directory_user WHERE id = $1))",
        id
    )?;
    execute!(
        &mut *tx,
        "DELETE FROM directory_user_kept_attribute WHERE user_id = $1 AND kept_at >= $2",
        id,
        matched_at
    )?;
    execute!(
        &mut *tx,
        "UPDATE directory_user SET integration_id = NULL, external_id = NULL, hash = NULL,
                source_type = $2, status = $3, status_reason = $4, guest = $5, delete_at = NULL,
                countdown_cancelled_at = NULL, countdown_cancelled_by = NULL,
                countdown_cancelled_note = NULL
          WHERE id = $1",
        id,
        before.source_type,
        before.status,
        before.reason,
        before.content.guest
    )?;
    held::write(tx, id, &before.content, now).await
}
