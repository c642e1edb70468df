//! A run's changes as CSV: a line for each changed attribute, so that a spreadsheet can filter by
//! attribute and compare before with after. What changes no attribute (an object that comes in, or
//! is kept out) is one line; a membership change is one line a member, with the member's id in the
//! source where it goes (before) or comes in (after). The memberships of a group that comes in are
//! one line with their number: a create keeps no copy.

use bytes::Bytes;
use domain::{id::RunId, run::RunChange};
use futures::{Stream, stream};
use sqlx::FromRow;

use super::{CHANGE, ChangeQuery, ChangeRow, MATCHING_CHANGES, integration_of};
use crate::{Backend, Result, Scope, Tx, csv, fetch_all, store::paging};

/// Changes that a step reads at most.
const ROWS: i64 = 1000;

/// Members that the changes of a step have at most, unless one change alone has more.
const MEMBERS: i64 = 20_000;

const HEAD: [&str; 11] = [
    "Type",
    "Name",
    "User Name",
    "Object Id",
    "Action",
    "Reason",
    "Status",
    "Attribute",
    "Before",
    "After",
    "Error",
];

/// Every matching change of a run as CSV, in the order they were planned, read in steps: what is in
/// memory at a time is one step. Fails at once where the run may not be seen.
pub async fn changes_csv(
    b: &Backend,
    scope: &Scope,
    run: RunId,
    query: ChangeQuery,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    let mut tx = b.db.read().await?;
    integration_of(&mut tx, scope, run).await?;
    drop(tx);
    let state = Some((b.clone(), scope.clone(), query, None));
    Ok(stream::try_unfold(state, move |state| async move {
        let Some((b, scope, query, after)) = state else {
            return Ok(None);
        };
        let mut tx = b.db.read().await?;
        let (found, last) = step(&mut tx, &scope, run, &query, after.unwrap_or(-1)).await?;
        drop(tx);
        let head = after.is_none().then(|| HEAD.map(str::to_owned));
        let lines = found.into_iter().flat_map(|one| lines(&one));
        let bytes = csv::rows(head.into_iter().chain(lines)).await?;
        Ok(Some((
            bytes,
            last.map(|last| (b, scope, query, Some(last))),
        )))
    }))
}

#[derive(FromRow)]
struct Found {
    #[sqlx(flatten)]
    change: ChangeRow,
    user_name: Option<String>,
    edges: i64,
}

/// A change with the name its user signs in with, where it is known, and how many memberships it
/// is about.
struct Line {
    change: RunChange,
    user_name: String,
    edges: i64,
}

/// The changes after a position, and the last one's position where more may follow.
async fn step(
    tx: &mut Tx,
    scope: &Scope,
    run: RunId,
    query: &ChangeQuery,
    after: i64,
) -> Result<(Vec<Line>, Option<i64>)> {
    let integration = integration_of(tx, scope, run).await?;
    let pattern = paging::pattern(query.q.as_deref());
    let sizes = fetch_all!(
        &mut *tx,
        (i64, i64),
        sqlx::AssertSqlSafe(format!(
            "SELECT position, edges {MATCHING_CHANGES} AND position > $6
              ORDER BY position LIMIT $7"
        )),
        run,
        &pattern,
        query.object_type,
        query.action,
        query.status,
        after,
        ROWS
    )?;
    let mut members = 0;
    let (mut to, mut taken) = (after, 0);
    for (position, edges) in &sizes {
        members += edges;
        if taken > 0 && members > MEMBERS {
            break;
        }
        (to, taken) = (*position, taken + 1);
    }
    let found = fetch_all!(
        tx,
        Found,
        sqlx::AssertSqlSafe(format!(
            "SELECT {CHANGE}, edges,
                    CASE WHEN run_change.object_type <> 'user' THEN NULL
                    WHEN $8 IS NULL THEN
                    (SELECT u.user_principal_name FROM directory_user u
                      WHERE u.id = run_change.object_id)
                    ELSE
                    (SELECT s.user_principal_name FROM source_object s
                      WHERE s.integration_id = $8 AND s.object_type = 'user'
                        AND s.external_id = run_change.external_id) END AS user_name
               {MATCHING_CHANGES} AND position > $6 AND position <= $7 ORDER BY position"
        )),
        run,
        pattern,
        query.object_type,
        query.action,
        query.status,
        after,
        to,
        integration
    )?;
    let more = taken < sizes.len() || i64::try_from(sizes.len()).unwrap_or(0) == ROWS;
    let lines = found
        .into_iter()
        .map(|found| {
            Ok(Line {
                change: found.change.change(run)?,
                user_name: found.user_name.unwrap_or_default(),
                edges: found.edges,
            })
        })
        .collect::<Result<_>>()?;
    Ok((lines, more.then_some(to)))
}

/// The lines of one change.
fn lines(of: &Line) -> Vec<[String; 11]> {
    let Line {
        change,
        user_name,
        edges,
    } = of;
    let line = |attribute: &str, before: &str, after: &str| {
        [
            change.object_type.title().to_owned(),
            change.display_name.clone(),
            user_name.clone(),
            change.external_id.to_string(),
            change.action.title().to_owned(),
            change
                .reason
                .map(|reason| reason.title().to_owned())
                .unwrap_or_default(),
            change.status.title().to_owned(),
            attribute.to_owned(),
            before.to_owned(),
            after.to_owned(),
            change.error.clone().unwrap_or_default(),
        ]
    };
    if let Some(members) = change.members() {
        let removed = members
            .removed
            .iter()
            .map(|id| line("member removed", id, ""));
        let added = members.added.iter().map(|id| line("member added", "", id));
        return removed.chain(added).collect();
    }
    if *edges > 0 {
        return vec![line("members", "", &edges.to_string())];
    }
    let differences = change.differences();
    if differences.is_empty() {
        return vec![line("", "", "")];
    }
    differences
        .iter()
        .map(|of| line(&of.name, &of.before, &of.after))
        .collect()
}
