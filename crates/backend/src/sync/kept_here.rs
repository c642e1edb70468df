//! What operators keep of synced people ([`planner::kept_here`]), where a run plans and where it
//! applies. Few people have such attributes; where nobody of an integration has, nothing is asked.

use std::collections::{HashMap, HashSet};

use domain::{
    id::{ExternalId, UserId},
    policy::ObjectType,
};
use planner::kept_here::KeptHere;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    difference,
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
};
use crate::{Result, Tx, fetch_all, fetch_scalar, store::users::held};

/// Whether anything of the integration's people is kept here.
pub(super) async fn any(work: &Work<'_>) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    fetch_scalar!(
        &mut tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM directory_user_kept_attribute k
                          JOIN directory_user u ON u.id = k.user_id
                         WHERE u.integration_id = $1)",
        work.integration.id
    )
}

#[derive(FromRow)]
struct Row {
    external_id: ExternalId,
    name: String,
    value: Option<String>,
}

/// What is kept of these people of the integration; who isn't named has nothing.
pub(super) async fn of(
    tx: &mut Tx,
    work: &Work<'_>,
    ids: &[Uuid],
) -> Result<HashMap<ExternalId, KeptHere>> {
    let mut all: HashMap<ExternalId, KeptHere> = HashMap::new();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, Row, |query| {
            query.push(
                "SELECT u.external_id, k.name, k.value FROM directory_user_kept_attribute k
                   JOIN directory_user u ON u.id = k.user_id WHERE u.integration_id = ",
            );
            query.push_bind(work.integration.id);
            query.push(" AND u.external_id");
            push_ids!(query, ids);
        })?;
        for row in rows {
            let kept = all.entry(row.external_id).or_default();
            kept.keep(&row.name, row.value);
        }
    }
    Ok(all)
}

/// Those of these people whose source says something new only of what is kept here: the directory is
/// as it should be.
pub(super) async fn settled(
    tx: &mut Tx,
    work: &Work<'_>,
    ids: &[Uuid],
) -> Result<HashSet<ExternalId>> {
    let kept = of(tx, work, ids).await?;
    let ids: Vec<Uuid> = kept.keys().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let source = difference::in_source(tx, work, ObjectType::User, &ids).await?;
    let directory = difference::in_directory(tx, work, ObjectType::User, &ids).await?;
    Ok(kept
        .into_iter()
        .filter(|(id, kept)| {
            let contents = directory.get(id).zip(source.get(id));
            contents.is_some_and(|(directory, source)| kept.settles(directory, source))
        })
        .map(|(id, _)| id)
        .collect())
}

#[derive(FromRow)]
struct Planned {
    user_id: UserId,
    external_id: ExternalId,
    name: String,
    value: Option<String>,
}

/// Lays what is kept over the people to whom this batch gave their source's content. `in_batch` is
/// its condition, whose parameters are `$1` to `$3`.
pub(super) async fn lay_over(
    tx: &mut Tx,
    work: &Work<'_>,
    in_batch: &str,
    (after, end): (i64, i64),
) -> Result<()> {
    let rows = fetch_all!(
        &mut *tx,
        Planned,
        sqlx::AssertSqlSafe(format!(
            "SELECT k.user_id, c.external_id, k.name, k.value
               FROM run_change c
               JOIN directory_user_kept_attribute k ON k.user_id = c.object_id
              WHERE {in_batch} AND c.object_type = 'user' AND c.action <> 'create'"
        )),
        work.run.id,
        after,
        end
    )?;
    let mut kept: HashMap<(UserId, ExternalId), KeptHere> = HashMap::new();
    for row in rows {
        let of = kept.entry((row.user_id, row.external_id)).or_default();
        of.keep(&row.name, row.value);
    }
    let ids: Vec<Uuid> = kept.keys().map(|(_, id)| id.0).collect();
    let mut contents = difference::in_directory(tx, work, ObjectType::User, &ids).await?;
    for ((user, id), kept) in kept {
        if let Some(content) = contents.remove(&id) {
            let wanted = kept.over(content.clone());
            if wanted != content {
                held::write(tx, user, &wanted, work.b().clock.now()).await?;
            }
        }
    }
    Ok(())
}
