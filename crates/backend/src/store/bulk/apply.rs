//! Applying what was looked at: to each by the function that does it to one.

use std::net::IpAddr;

use domain::{
    audit::{AuditAction, AuditChanges},
    bulk::{AT_ONCE_MAX, Bulk, BulkAction, BulkOutcome, BulkStatus},
    grid::GridList,
    id::{BulkId, CustomerId, GroupId, OperatorId, UserId},
};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{COLUMNS, Row, counts, facts::facts, find};
use crate::{
    Backend, Error, Origin, Result, Scope, auth, execute, fetch_all, fetch_optional,
    jobs::{self, NewJob, queue::PRIORITY_PERSON},
    limits::Limited,
    store::{
        audit::{self, Entry},
        countdown::{self, Counted},
        enrolment, groups, protection, users,
    },
};

/// How many are looked at anew at a time.
const BATCH: i64 = 50;

/// Applies a preview: up to [`AT_ONCE_MAX`] while the caller waits, more as a job of the worker. One
/// that stopped half-way goes on.
pub async fn apply(b: &Backend, scope: &Scope, id: BulkId) -> Result<Bulk> {
    let mut tx = b.db.write().await?;
    tx.hold("bulk", id.0).await?;
    let row = find(b, &mut tx, scope, id).await?;
    scope.require(row.action.permission())?;
    let now = b.clock.now();
    match row.status {
        BulkStatus::Done => return Err(Error::conflict("This was applied already.")),
        BulkStatus::Running if !row.is_stalled(now) => {
            return Err(Error::conflict("This is being applied already."));
        }
        BulkStatus::Running | BulkStatus::Preview => {}
    }
    let counts = counts(&mut tx, id).await?;
    if counts.would == 0 {
        return Err(Error::conflict(
            "It applies to nobody: there is nothing to do.",
        ));
    }
    let by_worker = counts.would > AT_ONCE_MAX;
    if by_worker && scope.operator_id().is_none() {
        return Err(Error::conflict(format!(
            "A program applies at most {AT_ONCE_MAX} at once. Prepare fewer at a time."
        )));
    }
    if row.action == BulkAction::Invite {
        b.limits.take(Limited::Invitation, scope)?;
    }
    execute!(
        &mut tx,
        "UPDATE bulk SET status = $2, applied_at = COALESCE(applied_at, $3), progress_at = $3,
                address = $4, request_id = $5
          WHERE id = $1",
        id,
        BulkStatus::Running,
        now,
        scope.origin().address().map(|address| address.to_string()),
        scope.request_id()
    )?;
    if by_worker {
        let job = NewJob {
            kind: jobs::Kind::ApplyBulk,
            subject: id.0,
            integration_id: None,
            priority: PRIORITY_PERSON,
            run_at: now,
            dedupe_key: Some(format!("bulk:{id}")),
        };
        jobs::enqueue(b, &mut tx, &job).await?;
    }
    if row.status == BulkStatus::Preview {
        let action = match row.list {
            GridList::Users => AuditAction::UserBulk,
            GridList::Groups => AuditAction::GroupBulk,
        };
        let changes = AuditChanges::none()
            .now("action", &row.action)
            .now("people", &counts.would);
        let entry = Entry::of_whole(action, row.action.title())
            .note(&row.note)
            .changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    if by_worker {
        b.wake.notify_one();
    } else {
        go_through(b, scope, &row, &CancellationToken::new()).await?;
    }
    super::get(b, scope, id).await
}

/// Goes on with one that an operator applied, as the worker: with what the operator may do by now.
/// False where it was stopped before the end.
pub async fn carry_on(b: &Backend, id: BulkId, stop: &CancellationToken) -> Result<bool> {
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM bulk WHERE id = $1 AND status = 'running'"
        )),
        id
    )?;
    drop(tx);
    let Some(row) = row else { return Ok(true) };
    let address = row.address.as_deref().and_then(|text| text.parse().ok());
    let address = address.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let origin = Origin::page(address, row.request_id.as_deref().unwrap_or_default());
    match auth::operator_scope(b, OperatorId(row.made_by), origin).await {
        Ok(scope) => go_through(b, &scope, &row, stop).await,
        // They may not do anything any more.
        Err(Error::SignedOut) => {
            refuse_the_rest(b, id, "Whoever asked for it may not do it any more.").await?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

#[derive(FromRow)]
struct Item {
    position: i64,
    object_id: Uuid,
    was: String,
}

async fn go_through(
    b: &Backend,
    scope: &Scope,
    row: &Row,
    stop: &CancellationToken,
) -> Result<bool> {
    let group = match row.group_id {
        Some(id) => Some((id, group_customer(b, id).await?)),
        None => None,
    };
    // Whoever was come to isn't passed again on the way to the next.
    let mut reached = 0_i64;
    while !stop.is_cancelled() {
        let mut tx = b.db.read().await?;
        let items = fetch_all!(
            &mut tx,
            Item,
            "SELECT position, object_id, was FROM bulk_item
              WHERE bulk_id = $1 AND outcome = 'would' AND position > $2
              ORDER BY position LIMIT $3",
            row.id,
            reached,
            BATCH
        )?;
        if items.is_empty() {
            drop(tx);
            end(b, row.id).await?;
            return Ok(true);
        }
        let ids: Vec<Uuid> = items.iter().map(|item| item.object_id).collect();
        let now_so = facts(b, &mut tx, scope, row.list, &ids, group).await?;
        drop(tx);
        for item in items {
            reached = item.position;
            let outcome = match now_so.get(&item.object_id) {
                None => Err("It isn’t there any more, or you may not see it.".to_owned()),
                Some(found) if found.was != item.was => Err(
                    "It was changed since the preview. Look at it again, and prepare it anew."
                        .to_owned(),
                ),
                Some(_) => one(b, scope, row, item.object_id).await?,
            };
            put(b, row.id, item.position, outcome).await?;
        }
    }
    Ok(false)
}

async fn group_customer(b: &Backend, id: GroupId) -> Result<CustomerId> {
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        (CustomerId,),
        "SELECT customer_id FROM directory_group WHERE id = $1",
        id
    )?;
    // Of a group that is gone nobody is a member of, and everybody is refused.
    Ok(row.map_or(CustomerId(Uuid::nil()), |(id,)| id))
}

/// Does it to one of them. What is refused is told in its line; what fails otherwise ends the whole.
async fn one(
    b: &Backend,
    scope: &Scope,
    row: &Row,
    id: Uuid,
) -> Result<std::result::Result<(), String>> {
    let done = match (row.list, row.action) {
        (GridList::Users, action) => to_user(b, scope, row, action, UserId(id)).await,
        (GridList::Groups, action) => to_group(b, scope, row, action, GroupId(id)).await,
    };
    match done {
        Ok(()) => Ok(Ok(())),
        Err(Error::Conflict { message, .. }) => Ok(Err(message)),
        Err(Error::Invalid(error)) => Ok(Err(error.message)),
        Err(Error::NotFound(_)) => Ok(Err("It isn’t there any more.".to_owned())),
        Err(Error::Forbidden(_)) => Ok(Err("You may not do this any more.".to_owned())),
        Err(error) => Err(error),
    }
}

async fn to_user(
    b: &Backend,
    scope: &Scope,
    row: &Row,
    action: BulkAction,
    id: UserId,
) -> Result<()> {
    use BulkAction as A;
    let note = row.note.as_str();
    match (action, row.group_id) {
        (A::Invite, _) => enrolment::invite_of_many(b, scope, id).await,
        (A::MarkBounced, _) => enrolment::mark_bounced(b, scope, id, note).await.map(drop),
        (A::UnmarkBounced, _) => enrolment::unmark_bounced(b, scope, id).await.map(drop),
        (A::AddToGroup, Some(group)) => groups::add_members(b, scope, group, &[id.0])
            .await
            .map(drop),
        (A::RemoveFromGroup, Some(group)) => groups::remove_members(b, scope, group, &[id.0])
            .await
            .map(drop),
        (A::AddToGroup | A::RemoveFromGroup, None) => Err(Error::NotFound("group")),
        (A::Protect, _) => protection::protect(b, scope, id, note).await.map(drop),
        (A::Unprotect, _) => protection::withdraw(b, scope, id).await,
        (A::CancelCountdown, _) => countdown::cancel(b, scope, Counted::User(id), note)
            .await
            .map(drop),
        (A::SignOut, _) => users::end_sessions(b, scope, id).await.map(drop),
        (A::Deactivate, _) => users::deactivate(b, scope, id, note).await.map(drop),
        (A::Reactivate, _) => users::reactivate(b, scope, id).await.map(drop),
        (A::Delete, _) => users::delete(b, scope, id).await,
        (A::Restore, _) => users::restore(b, scope, id).await.map(drop),
    }
}

async fn to_group(
    b: &Backend,
    scope: &Scope,
    row: &Row,
    action: BulkAction,
    id: GroupId,
) -> Result<()> {
    match action {
        BulkAction::CancelCountdown => countdown::cancel(b, scope, Counted::Group(id), &row.note)
            .await
            .map(drop),
        BulkAction::Delete => groups::delete(b, scope, id).await,
        BulkAction::Restore => groups::restore(b, scope, id).await.map(drop),
        _ => Err(Error::invalid("action", "This can’t be done to groups.")),
    }
}

async fn put(
    b: &Backend,
    id: BulkId,
    position: i64,
    outcome: std::result::Result<(), String>,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let (outcome, why) = match outcome {
        Ok(()) => (BulkOutcome::Done, None),
        Err(why) => (BulkOutcome::Refused, Some(why)),
    };
    execute!(
        &mut tx,
        "UPDATE bulk_item SET outcome = $3, words = COALESCE($4, words)
          WHERE bulk_id = $1 AND position = $2",
        id,
        position,
        outcome,
        why
    )?;
    execute!(
        &mut tx,
        "UPDATE bulk SET progress_at = $2 WHERE id = $1",
        id,
        b.clock.now()
    )?;
    tx.commit().await
}

async fn refuse_the_rest(b: &Backend, id: BulkId, why: &str) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE bulk_item SET outcome = 'refused', words = $2
          WHERE bulk_id = $1 AND outcome = 'would'",
        id,
        why
    )?;
    tx.commit().await?;
    end(b, id).await
}

async fn end(b: &Backend, id: BulkId) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE bulk SET status = 'done', ended_at = $2 WHERE id = $1",
        id,
        b.clock.now()
    )?;
    tx.commit().await
}
