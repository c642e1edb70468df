//! The fourth phase: the stored plan becomes the directory, in bounded batches, each its own
//! transaction or several in one ([`Batches`]). Contents go from `source_object` to the directory
//! inside the database. What a batch does is [`planner::diff::target`] in SQL; a batch is marked
//! applied with what it did, so a run that is cut short goes on where it stopped.

mod overtaken;

use std::collections::HashSet;

use domain::{
    id::ExternalId,
    policy::{ObjectType, OutOfScope},
    run::RunPhase,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    administrators,
    batches::Batches,
    ends::Ends,
    kept_here, matching,
    members::{self, Difference},
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    stop::Stop,
};
use crate::{
    Error, Result, Tx, db, execute, fetch_all, fetch_optional, fetch_scalar, store::protected_rules,
};

/// Changes of objects in one batch: about 50 ms on a small machine, so that a click never waits.
const BATCH: i64 = 1_000;
/// Memberships in one batch.
const EDGES: i64 = 5_000;

/// Applies what is planned and not applied yet.
pub(super) async fn apply(work: &mut Work<'_>) -> Result<(), Stop> {
    let cx = work.cx;
    let _permit = cx
        .applying
        .acquire()
        .await
        .map_err(|_| Error::Internal("the worker’s permits are closed".to_owned()))?;
    // Counted again, not remembered: this may be the second worker on this run.
    work.run.applied = applied(work).await?;
    let mut batches = Batches::that_name();
    let mut ends = Ends::default();
    let mut after = 0;
    // Up to where it lasts.
    let mut lasting = 0;
    while let Some(end) = batch_end(work, after).await? {
        let tx = batches.begin(work).await?;
        match one_batch(work, tx, &mut ends, after, end).await {
            Ok(number) => {
                work.run.applied += number;
                after = end;
                if batches.end(work).await? {
                    lasting = after;
                }
            }
            Err(Stop::Broken(Error::Database(sqlx::Error::Database(error)))) => {
                tracing::warn!(run = %work.run.id, %error, "batches can’t be applied whole");
                batches.undo();
                // What was read in a transaction that is undone may not be there.
                ends = Ends::default();
                work.run.applied = applied(work).await?;
                one_by_one(work, &mut ends, lasting, end).await?;
                (after, lasting) = (end, end);
            }
            Err(other) => return Err(other),
        }
    }
    batches.commit().await?;
    let mut tx = work.b().db.write().await?;
    administrators::follow(work, &mut tx).await?;
    work.enter(&mut tx, RunPhase::Done).await?;
    tx.commit().await?;
    Ok(())
}

async fn applied(work: &Work<'_>) -> Result<i64> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM run_change WHERE run_id = $1 AND status IN ('applied', 'failed')
            AND (reason IS NULL OR reason NOT IN ('mapping_failed', 'filter_failed', 'user_name_held'))",
        work.run.id
    )
}

#[derive(FromRow)]
struct Next {
    position: i64,
    edges: i64,
}

/// The last position of the next batch with something planned in it; none where nothing is left.
async fn batch_end(work: &Work<'_>, after: i64) -> Result<Option<i64>> {
    let mut tx = work.b().db.read().await?;
    let planned = fetch_all!(
        &mut tx,
        Next,
        "SELECT position, edges FROM run_change
          WHERE run_id = $1 AND position > $2 AND status = 'planned'
          ORDER BY position LIMIT $3",
        work.run.id,
        after,
        BATCH
    )?;
    let mut edges = 0;
    let mut end = None;
    for next in planned {
        edges += next.edges;
        if end.is_some() && edges > EDGES {
            break;
        }
        end = Some(next.position);
    }
    Ok(end)
}

/// Applies the planned changes after the first position up to the second, each batch in its own
/// transaction.
async fn one_by_one(
    work: &mut Work<'_>,
    ends: &mut Ends,
    mut after: i64,
    last: i64,
) -> Result<(), Stop> {
    while after < last
        && let Some(end) = batch_end(work, after).await?
    {
        range(work, ends, after, end).await?;
        after = end;
        work.checkpoint().await?;
    }
    Ok(())
}

/// Applies the planned changes after the first position up to the second. Where a row can't be
/// applied, halves are tried, so that one bad row keeps no other back.
async fn range(work: &mut Work<'_>, ends: &mut Ends, after: i64, end: i64) -> Result<(), Stop> {
    let mut open = vec![(after, end)];
    while let Some((after, end)) = open.pop() {
        let applied = alone(work, ends, after, end).await;
        if applied.is_err() {
            // What was read in a transaction that is undone may not be there.
            *ends = Ends::default();
        }
        match applied {
            Ok(number) => work.run.applied += number,
            Err(Stop::Broken(Error::Database(sqlx::Error::Database(error)))) if end - after > 1 => {
                tracing::warn!(run = %work.run.id, %error, "a batch can’t be applied whole");
                let middle = after + (end - after) / 2;
                open.push((middle, end));
                open.push((after, middle));
            }
            Err(Stop::Broken(Error::Database(sqlx::Error::Database(error)))) => {
                fail(work, end, error.message()).await?;
                work.run.applied += 1;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// One batch in its own transaction.
async fn alone(work: &mut Work<'_>, ends: &mut Ends, after: i64, end: i64) -> Result<i64, Stop> {
    let mut tx = work.bulk_that_names().await?;
    let number = one_batch(work, &mut tx, ends, after, end).await?;
    tx.commit().await?;
    Ok(number)
}

async fn fail(work: &mut Work<'_>, position: i64, message: &str) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    execute!(
        &mut tx,
        "UPDATE run_change SET status = 'failed', error = $1
          WHERE run_id = $2 AND position = $3 AND status = 'planned'",
        message,
        work.run.id,
        position
    )?;
    tx.commit().await?;
    Ok(())
}

/// One batch. Answers how many changes it applied.
async fn one_batch(
    work: &Work<'_>,
    tx: &mut Tx,
    ends: &mut Ends,
    after: i64,
    end: i64,
) -> Result<i64, Stop> {
    let mut kinds = fetch_all!(
        tx,
        (ObjectType, i64),
        "SELECT object_type, COUNT(*) FROM run_change
          WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'
          GROUP BY object_type",
        work.run.id,
        after,
        end
    )?;
    // Memberships last: they need both ends.
    kinds.sort_unstable();
    let mut batch = Batch {
        work,
        tx: &mut *tx,
        ends,
        after,
        end,
    };
    let mut number = 0;
    for (object_type, count) in kinds {
        number += count;
        match object_type {
            ObjectType::Membership => batch.memberships().await?,
            object_type => batch.objects(object_type).await?,
        }
    }
    execute!(
        tx,
        "UPDATE run_change SET status = 'applied'
          WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'",
        work.run.id,
        after,
        end
    )?;
    Ok(number)
}

/// A planned change of a group's members.
#[derive(FromRow)]
struct Membership {
    external_id: ExternalId,
    object_id: Uuid,
    /// None for a new group: it gets what the source says.
    after_value: Option<String>,
}

struct Batch<'a, 'w> {
    work: &'a Work<'w>,
    tx: &'a mut Tx,
    ends: &'a mut Ends,
    after: i64,
    end: i64,
}

/// The changes of this batch of one type, beside `c`. Takes $1 to $3.
const IN_BATCH: &str = "c.run_id = $1 AND c.position > $2 AND c.position <= $3
    AND c.status = 'planned'";

/// A wanted object's change: its content follows, and so do its status and the reason for it. An
/// update without a reason leaves those as they are.
const WANTED_STATE: &str =
    "status = CASE WHEN c.action = 'update' AND c.reason IS NULL THEN d.status
                   WHEN c.reason IS NULL THEN 'active' ELSE 'inactive' END,
     status_reason = CASE WHEN c.action = 'update' AND c.reason IS NULL THEN d.status_reason
                          ELSE c.reason END,
     delete_at = CASE WHEN c.action = 'update' AND c.reason IS NULL THEN d.delete_at END,
     countdown_cancelled_at = CASE WHEN c.action = 'update' AND c.reason IS NULL
                                   THEN d.countdown_cancelled_at END";

/// An object that leaves, whose countdown was cancelled for the same cause
/// (`planner::diff::target`).
const STAYS_CANCELLED: &str = "(d.countdown_cancelled_at IS NOT NULL
    AND (d.status_reason = c.reason OR (d.status_reason IN ('soft_deleted', 'gone')
                                        AND c.reason IN ('soft_deleted', 'gone'))))";

/// What every object has of its source.
const CONTENT: [&str; 5] = [
    "display_name",
    "name_folded",
    "search_text",
    "attributes",
    "hash",
];

/// The columns of a type that follow its source, each with the source's value beside `s`.
fn content(object_type: ObjectType) -> Vec<(&'static str, String)> {
    let own: &[&str] = match object_type {
        ObjectType::User => &[
            "user_principal_name",
            "user_name_folded",
            "mail_folded",
            "employee_id_folded",
            "given_name",
            "surname",
            "mail",
        ],
        ObjectType::Group => &["mail", "kind", "dynamic"],
        ObjectType::Contact => &["given_name", "surname", "mail"],
        ObjectType::Device | ObjectType::Membership => &[],
    };
    let value = |column: &str| match column {
        "kind" => "COALESCE(s.group_kind, 'security')".to_owned(),
        column => format!("s.{column}"),
    };
    let columns = CONTENT.iter().chain(own);
    columns.map(|column| (*column, value(column))).collect()
}

impl Batch<'_, '_> {
    /// New objects of a type, and changes of those that are there.
    async fn objects(&mut self, object_type: ObjectType) -> Result<()> {
        let (work, now) = (self.work, self.work.b().clock.now());
        let (columns, values): (Vec<_>, Vec<_>) = content(object_type).into_iter().unzip();
        let (columns, values) = (columns.join(", "), values.join(", "));
        if object_type == ObjectType::User {
            self.fail_name_taken().await?;
        }
        execute!(
            self.tx,
            sqlx::AssertSqlSafe(format!(
                "INSERT INTO directory_{object_type} (id, customer_id, integration_id, external_id,
                    source_type, {columns}, status, status_reason, created_at, changed_at)
                 SELECT c.object_id, $5, $4, s.external_id, 'EntraSync', {values},
                    CASE WHEN c.reason IS NULL THEN 'active' ELSE 'inactive' END, c.reason, $6, $6
                   FROM run_change c
                   JOIN source_object s ON s.integration_id = $4
                        AND s.object_type = '{object_type}' AND s.external_id = c.external_id
                  WHERE {IN_BATCH} AND c.object_type = '{object_type}' AND c.action = 'create'"
            )),
            work.run.id,
            self.after,
            self.end,
            work.integration.id,
            work.integration.customer_id,
            now
        )?;
        self.known(object_type).await
    }

    /// Changes of objects that the directory has. Most batches of a first run have none.
    async fn known(&mut self, object_type: ObjectType) -> Result<()> {
        let work = self.work;
        let any = fetch_optional!(
            self.tx,
            (i64,),
            sqlx::AssertSqlSafe(format!(
                "SELECT c.position FROM run_change c
                  WHERE {IN_BATCH} AND c.object_type = $4 AND c.action <> 'create' LIMIT 1"
            )),
            work.run.id,
            self.after,
            self.end,
            object_type
        )?;
        if any.is_none() {
            return Ok(());
        }
        let updates = work.policy.actions.update;
        if object_type == ObjectType::User {
            self.fail_protected().await?;
            self.fail_protected_by_rule().await?;
        }
        let content: Vec<String> = content(object_type)
            .into_iter()
            .map(|(column, value)| format!("{column} = {value}"))
            .collect();
        let content = content.join(", ");
        if object_type == ObjectType::User {
            let batch = (self.after, self.end);
            matching::apply(self.tx, work, (IN_BATCH, &content), batch).await?;
        }
        let takes = "(c.action = 'restore' OR $6)";
        self.wanted(object_type, &format!("{content}, "), takes, updates)
            .await?;
        if !updates {
            self.wanted(object_type, "", "c.action <> 'restore' AND NOT $6", updates)
                .await?;
        }
        if object_type == ObjectType::User {
            let batch = (self.after, self.end);
            kept_here::lay_over(self.tx, work, IN_BATCH, batch).await?;
        }
        self.unwanted(object_type).await
    }

    /// Objects that belong into the directory: with content, or their state alone.
    async fn wanted(
        &mut self,
        object_type: ObjectType,
        content: &str,
        which: &str,
        updates: bool,
    ) -> Result<()> {
        let work = self.work;
        execute!(
            self.tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type} AS d SET {content} {WANTED_STATE}, changed_at = $5
                   FROM run_change c
                   JOIN source_object s ON s.integration_id = $4
                        AND s.object_type = '{object_type}' AND s.external_id = c.external_id
                  WHERE {IN_BATCH} AND c.object_type = '{object_type}' AND d.id = c.object_id
                    AND c.action IN ('update', 'enable', 'disable', 'restore')
                    AND (c.reason IS NULL OR c.reason = 'sign_in_blocked') AND {which}"
            )),
            work.run.id,
            self.after,
            self.end,
            work.integration.id,
            work.b().clock.now(),
            updates
        )?;
        Ok(())
    }

    /// Objects that leave: they become inactive and, by policy, their days begin to count; or
    /// their days are over.
    async fn unwanted(&mut self, object_type: ObjectType) -> Result<()> {
        let (work, now) = (self.work, self.work.b().clock.now());
        let decided = work.run.planned_at.unwrap_or(now);
        let countdown = planner::diff::delete_at(&work.policy, None, decided);
        execute!(
            self.tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type} AS d SET status = 'inactive',
                        status_reason = c.reason,
                        delete_at = CASE WHEN $5 AND NOT {STAYS_CANCELLED}
                                         THEN COALESCE(d.delete_at, $6) END,
                        countdown_cancelled_at = CASE WHEN {STAYS_CANCELLED}
                                                      THEN d.countdown_cancelled_at END,
                        changed_at = $4
                   FROM run_change c
                  WHERE {IN_BATCH} AND c.object_type = '{object_type}' AND d.id = c.object_id
                    AND c.action IN ('update', 'disable')
                    AND c.reason IS NOT NULL AND c.reason <> 'sign_in_blocked'"
            )),
            work.run.id,
            self.after,
            self.end,
            now,
            work.policy.out_of_scope == OutOfScope::Delete,
            countdown
        )?;
        self.fail_cancelled(object_type).await?;
        execute!(
            self.tx,
            sqlx::AssertSqlSafe(format!(
                "UPDATE directory_{object_type} AS d SET status = 'deleted',
                        status_reason = c.reason, delete_at = NULL, changed_at = $4
                   FROM run_change c
                  WHERE {IN_BATCH} AND c.object_type = '{object_type}' AND d.id = c.object_id
                    AND c.action = 'delete'"
            )),
            work.run.id,
            self.after,
            self.end,
            now
        )?;
        Ok(())
    }

    async fn memberships(&mut self) -> Result<()> {
        self.fail_without_group().await?;
        let work = self.work;
        let changes = fetch_all!(
            self.tx,
            Membership,
            sqlx::AssertSqlSafe(format!(
                "SELECT c.external_id, c.object_id, c.after_value FROM run_change c
                  WHERE {IN_BATCH} AND c.object_type = 'membership' ORDER BY c.position"
            )),
            work.run.id,
            self.after,
            self.end
        )?;
        let created = changes.iter().filter(|change| change.after_value.is_none());
        let created: Vec<Uuid> = created.map(|change| change.external_id.0).collect();
        let lists = members::of(self.tx, work.integration.id, &created).await?;
        let source = members::by_group(&lists);
        let mut removals = Vec::new();
        let mut additions: Vec<(Uuid, Vec<ExternalId>)> = Vec::new();
        for change in changes {
            let Some(after) = change.after_value else {
                let members = source.get(&change.external_id).into_iter().flatten();
                let ids = members.map(|(id, _)| *id).collect();
                additions.push((change.object_id, ids));
                continue;
            };
            let after = Difference::read(&after)?;
            additions.push((change.object_id, after.added));
            removals.push((change.object_id, after.removed));
        }
        self.add_members(&additions).await?;
        let protected = self.protected_by_rule(&removals).await?;
        for (group_id, mut removed) in removals {
            removed.retain(|id| !protected.contains(id));
            self.remove_members(group_id, &removed).await?;
        }
        Ok(())
    }

    /// A group that couldn't be created gets no members: no key of the table says so.
    async fn fail_without_group(&mut self) -> Result<()> {
        execute!(
            self.tx,
            "UPDATE run_change SET status = 'failed',
                    error = 'Its group isn’t in the directory: it could not be created.'
              WHERE run_id = $1 AND position > $2 AND position <= $3 AND status = 'planned'
                AND object_type = 'membership'
                AND NOT EXISTS (SELECT 1 FROM directory_group g WHERE g.id = run_change.object_id)",
            self.work.run.id,
            self.after,
            self.end
        )?;
        Ok(())
    }

    /// Those of the members that are kept and in the directory.
    async fn add_members(&mut self, additions: &[(Uuid, Vec<ExternalId>)]) -> Result<()> {
        let ids = additions.iter().flat_map(|(_, ids)| ids.iter().copied());
        self.ends.know(self.tx, self.work, ids).await?;
        let mut rows = Vec::new();
        for (group_id, ids) in additions {
            for id in ids {
                for member_type in &self.work.types {
                    let end = self.ends.get(*member_type, *id).filter(|end| end.kept);
                    if let Some(member_id) = end.and_then(|end| end.directory_id) {
                        rows.push(db::Membership {
                            group_id: *group_id,
                            member_id,
                            member_type: *member_type,
                        });
                    }
                }
            }
        }
        self.tx.insert_memberships(&rows).await
    }

    /// Those of the members to be removed whom a rule protects that is saved now.
    async fn protected_by_rule(
        &mut self,
        removals: &[(Uuid, Vec<ExternalId>)],
    ) -> Result<HashSet<ExternalId>> {
        let mut ids: Vec<Uuid> = removals
            .iter()
            .flat_map(|(_, removed)| removed.iter().map(|id| id.0))
            .collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        ids.sort_unstable();
        ids.dedup();
        let rules = self.rules().await?;
        protected_rules::among(self.tx, self.work.integration.id, &rules, &ids).await
    }

    /// Exactly the edges that the plan removes: those that are held stay.
    async fn remove_members(&mut self, group_id: Uuid, removed: &[ExternalId]) -> Result<()> {
        let integration = self.work.integration.id;
        let types = self.work.types.iter();
        let others = types.filter(|member_type| **member_type != ObjectType::User);
        for ids in removed.chunks(IDS_MAX) {
            run_built!(self.tx, |query| {
                query.push("DELETE FROM directory_membership WHERE group_id = ");
                query.push_bind(group_id).push(" AND member_id IN (");
                query.push("SELECT id FROM directory_user WHERE integration_id = ");
                query.push_bind(integration).push(" AND external_id");
                push_ids!(query, ids);
                // Nothing is taken from who was protected after the plan was made.
                query.push(" AND protected_at IS NULL");
                for member_type in others.clone() {
                    query.push(" UNION ALL SELECT id FROM directory_");
                    query.push(member_type.as_str());
                    query.push(" WHERE integration_id = ");
                    query.push_bind(integration).push(" AND external_id");
                    push_ids!(query, ids);
                }
                query.push(")");
            })?;
        }
        Ok(())
    }
}
