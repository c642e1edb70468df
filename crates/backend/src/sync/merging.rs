//! The second phase: the complete round becomes source objects, in batches that can be done twice.
//! Contents go from staging to `source_object` inside the database. The cursors are stored with
//! the last batch, so source objects and cursors advance together (sync.md rule 4).

use std::collections::BTreeMap;

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
    run::RunPhase,
};
use uuid::Uuid;

use super::{
    batches::Batches,
    member_merging,
    reading::Round,
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    scope, seen, single,
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, fetch_optional, insert_many};

/// Objects a batch merges.
const BATCH: i64 = 2_000;

/// Merges the round.
pub(super) async fn merge(work: &mut Work<'_>) -> Result<(), Stop> {
    let round = Round::of(work.run.round.as_deref());
    if let Some(one) = work.run.one() {
        return single::merge(work, one, &round).await;
    }
    let first = is_first(work).await?;
    let types: Vec<ObjectType> = work
        .types
        .iter()
        .copied()
        .filter(|object_type| is_read(work, *object_type) && !round.empty.contains(object_type))
        .collect();
    if work.is_selected() && !work.run.full_read {
        plan_all_if_a_group_came_or_went(work).await?;
    }
    for object_type in &types {
        objects(work, *object_type).await?;
    }
    if !round.empty.contains(&ObjectType::Group) {
        member_merging::merge(work, first).await?;
    }
    scope::refresh(work).await?;
    if round.noted {
        for object_type in &types {
            seen::sweep(work, *object_type).await?;
        }
    }
    finish(work, &round).await
}

/// Whether the round is about this type: groups also where it is only for their members. Of what
/// isn't read any more the source said nothing, which is not that it is gone.
fn is_read(work: &Work<'_>, object_type: ObjectType) -> bool {
    work.policy.reads(object_type) || (object_type == ObjectType::Group && work.is_selected())
}

/// Whether nothing is known of the integration yet.
pub(super) async fn is_first(work: &Work<'_>) -> Result<bool> {
    let mut tx = work.b().db.read().await?;
    let any = fetch_optional!(
        &mut tx,
        (String,),
        "SELECT object_type FROM source_object WHERE integration_id = $1 LIMIT 1",
        work.integration.id
    )?;
    Ok(any.is_none())
}

/// The last id of the next batch of staged objects; the largest id there is for the last batch.
async fn batch_end(
    work: &Work<'_>,
    object_type: ObjectType,
    after: ExternalId,
) -> Result<ExternalId> {
    let mut tx = work.b().db.read().await?;
    let end = fetch_optional!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM run_staging
          WHERE run_id = $1 AND object_type = $2 AND external_id > $3
          ORDER BY external_id LIMIT 1 OFFSET $4",
        work.run.id,
        object_type,
        after,
        BATCH - 1
    )?;
    Ok(end.map_or(LAST, |(id,)| id))
}

/// Before every id. No source gives the nil id to an object.
pub(super) const FIRST: ExternalId = ExternalId(Uuid::nil());
/// Not before any id.
pub(super) const LAST: ExternalId = ExternalId(Uuid::max());

/// Merges the staged objects of a type.
pub(super) async fn objects(work: &mut Work<'_>, object_type: ObjectType) -> Result<(), Stop> {
    let (run_id, integration) = (work.run.id, work.integration.id);
    let mut batches = Batches::default();
    let mut after = FIRST;
    while after < LAST {
        let end = batch_end(work, object_type, after).await?;
        let tx = batches.begin(work).await?;
        upsert(tx, run_id.0, integration, object_type, (after, end)).await?;
        after = end;
        batches.end(work).await?;
    }
    batches.commit().await?;
    let mut after = FIRST;
    while let Some(last) = gone(work, object_type, after).await? {
        after = last;
        work.checkpoint().await?;
    }
    Ok(())
}

/// Merges the next of those that the round says aren't there, which are few. Answers the last of
/// them.
async fn gone(
    work: &mut Work<'_>,
    object_type: ObjectType,
    after: ExternalId,
) -> Result<Option<ExternalId>, Stop> {
    let mut tx = work.b().db.read().await?;
    let staged = fetch_all!(
        &mut tx,
        (ExternalId, String),
        "SELECT external_id, presence FROM run_staging
          WHERE run_id = $1 AND object_type = $2 AND external_id > $3 AND presence <> 'present'
          ORDER BY external_id LIMIT $4",
        work.run.id,
        object_type,
        after,
        BATCH
    )?;
    drop(tx);
    let last = staged.last().map(|(id, _)| *id);
    if last.is_none() {
        return Ok(None);
    }
    let mut of_presence: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for (id, presence) in staged {
        of_presence.entry(presence).or_default().push(id.0);
    }
    let mut tx = work.bulk().await?;
    for (presence, ids) in &of_presence {
        for ids in ids.chunks(IDS_MAX) {
            run_built!(&mut tx, |query| {
                query
                    .push("UPDATE source_object SET presence = ")
                    .push_bind(presence.as_str());
                query.push(" WHERE integration_id = ");
                query.push_bind(work.integration.id);
                query.push(" AND object_type = ").push_bind(object_type);
                query.push(" AND external_id");
                push_ids!(query, ids);
            })?;
        }
    }
    tx.commit().await?;
    Ok(last)
}

/// What follows the source's content, once it can be mapped: until then it stays as it was.
const CONTENT: [&str; 13] = [
    "display_name",
    "name_folded",
    "search_text",
    "user_principal_name",
    "user_name_folded",
    "mail_folded",
    "employee_id_folded",
    "given_name",
    "surname",
    "mail",
    "dynamic",
    "attributes",
    "hash",
];

async fn upsert(
    tx: &mut Tx,
    run_id: Uuid,
    integration: IntegrationId,
    object_type: ObjectType,
    (after, end): (ExternalId, ExternalId),
) -> Result<u64> {
    let content: Vec<String> = CONTENT
        .iter()
        .map(|column| {
            format!(
                "{column} = CASE WHEN excluded.mapping_error IS NULL THEN excluded.{column}
                                 ELSE source_object.{column} END"
            )
        })
        .collect();
    let content = content.join(", ");
    let sql = format!(
        "INSERT INTO source_object (integration_id, object_type, external_id, presence,
            display_name, name_folded, search_text, user_principal_name, user_name_folded,
            mail_folded, employee_id_folded, given_name, surname, mail, sign_in_blocked, guest, group_kind, dynamic, attributes,
            hash, mapping_error, mapped_from, in_scope, kept)
         SELECT $1, object_type, external_id, presence, display_name, name_folded, search_text,
            user_principal_name, user_name_folded, mail_folded, employee_id_folded, given_name,
            surname, mail, sign_in_blocked,
            guest, group_kind, dynamic, attributes, hash, mapping_error, mapped_from, FALSE, TRUE
           FROM run_staging
          WHERE run_id = $2 AND object_type = $3 AND external_id > $4 AND external_id <= $5
            AND presence = 'present'
          ORDER BY external_id
         ON CONFLICT (integration_id, object_type, external_id) DO UPDATE SET
            presence = excluded.presence, {content},
            sign_in_blocked = excluded.sign_in_blocked, guest = excluded.guest,
            group_kind = excluded.group_kind, mapping_error = excluded.mapping_error,
            mapped_from = excluded.mapped_from
          WHERE source_object.hash <> excluded.hash OR source_object.presence <> 'present'
             OR source_object.sign_in_blocked <> excluded.sign_in_blocked
             OR source_object.guest <> excluded.guest
             OR source_object.mapping_error IS DISTINCT FROM excluded.mapping_error
             OR source_object.mapped_from IS DISTINCT FROM excluded.mapped_from"
    );
    execute!(
        tx,
        sqlx::AssertSqlSafe(sql),
        integration,
        run_id,
        object_type,
        after,
        end
    )
}

/// A selected group that was deleted or came back changes the scope of people nobody mentioned:
/// then everything is planned.
async fn plan_all_if_a_group_came_or_went(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    let moved = fetch_optional!(
        &mut tx,
        (ExternalId,),
        "SELECT t.external_id FROM run_staging t
           LEFT JOIN source_object s ON s.integration_id = $1 AND s.object_type = 'group'
                                    AND s.external_id = t.external_id
          WHERE t.run_id = $2 AND t.object_type = 'group'
            AND COALESCE(s.presence, 'gone') <> t.presence LIMIT 1",
        work.integration.id,
        work.run.id
    )?;
    if moved.is_some() {
        plan_everything(&mut tx, work.integration.id).await?;
        tx.commit().await?;
        work.integration.planned_policy = None;
    }
    Ok(())
}

/// Makes this run, or the next one that gets there, plan every object.
pub(super) async fn plan_everything(tx: &mut Tx, integration: IntegrationId) -> Result<u64> {
    execute!(
        tx,
        "UPDATE integration SET planned_policy = NULL WHERE id = $1",
        integration
    )
}

/// Stores the cursors, and goes on to planning.
pub(super) async fn finish(work: &mut Work<'_>, round: &Round) -> Result<(), Stop> {
    let mut tx = work.bulk().await?;
    store_cursors(work, &mut tx, round).await?;
    work.run.planned_at = Some(work.b().clock.now());
    work.enter(&mut tx, RunPhase::Planning).await?;
    tx.commit().await?;
    Ok(())
}

/// Stores where the streams go on. A stream whose answer was empty isn't stored, so that the next
/// run reads everything again.
pub(super) async fn store_cursors(work: &Work<'_>, tx: &mut Tx, round: &Round) -> Result<()> {
    let (integration, now) = (work.integration.id, work.b().clock.now());
    if work.run.full_read {
        execute!(
            tx,
            "DELETE FROM delta_cursor WHERE integration_id = $1",
            integration
        )?;
    }
    let links: Vec<(&String, &String)> = round
        .links
        .iter()
        .filter(|(stream, _)| {
            !round
                .empty
                .iter()
                .any(|object_type| stream.starts_with(object_type.as_str()))
        })
        .collect();
    insert_many!(
        tx,
        "INSERT INTO delta_cursor (integration_id, stream, link, updated_at)",
        columns: 4, rows_max: 1000, links,
        |bind, row| {
            bind.push_bind(integration)
                .push_bind(row.0.as_str())
                .push_bind(row.1.as_str())
                .push_bind(now);
        },
        "ON CONFLICT (integration_id, stream) DO UPDATE SET link = excluded.link,
            updated_at = excluded.updated_at"
    )?;
    if work.run.full_read {
        execute!(
            tx,
            "UPDATE integration SET read_key = $1, last_full_at = $2,
                    full_scan_next = (full_scan_next AND $3) WHERE id = $4",
            round.read_key.as_str(),
            now,
            !round.empty.is_empty(),
            integration
        )?;
    }
    Ok(())
}
