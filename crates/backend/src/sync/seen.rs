//! What a complete read named. Of what it names, most is as it is known: that isn't staged, but
//! noted here by its id alone, and what isn't noted at the end is gone.

use domain::{id::ExternalId, policy::ObjectType};
use planner::{
    hash,
    read::{Mapped, Presence, SourceObject},
};
use sqlx::FromRow;
use std::collections::HashMap;
use uuid::Uuid;

use super::{
    merging::{FIRST, LAST},
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids, run_built},
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all, fetch_optional, fetch_scalar};

/// Bytes of an id.
const ID: u64 = 16;
/// Ids held in memory at once.
const PART: u64 = 65_536;
/// Objects looked at together.
const BATCH: i64 = 5_000;

/// Notes what a read names as it goes.
#[derive(Debug)]
pub(super) struct Noting {
    position: i64,
    /// Whether something was staged that a later page may take back.
    staged: bool,
}

impl Noting {
    /// Before the first page.
    pub const fn new() -> Self {
        Self {
            position: 0,
            staged: false,
        }
    }

    /// Notes the objects, each of which comes once, and answers those that differ from what is known.
    pub async fn note(
        &mut self,
        tx: &mut Tx,
        work: &Work<'_>,
        objects: Vec<SourceObject>,
    ) -> Result<Vec<SourceObject>> {
        let mut differing = Vec::new();
        let mut of_type: HashMap<ObjectType, Vec<SourceObject>> = HashMap::new();
        for object in objects {
            of_type.entry(object.object_type).or_default().push(object);
        }
        for object_type in ObjectType::OBJECTS {
            let Some(objects) = of_type.remove(&object_type) else {
                continue;
            };
            let ids: Vec<Uuid> = objects.iter().map(|object| object.external_id.0).collect();
            self.insert(tx, work, object_type, &ids).await?;
            let known = known(tx, work, object_type, &ids).await?;
            let (same, others): (Vec<_>, Vec<_>) = objects
                .into_iter()
                .partition(|object| known.get(&object.external_id.0) == Some(&Said::by(object)));
            if self.staged {
                // An earlier page said something else.
                take_back(tx, work, object_type, &same).await?;
            }
            differing.extend(others);
        }
        self.staged |= !differing.is_empty();
        Ok(differing)
    }

    async fn insert(
        &mut self,
        tx: &mut Tx,
        work: &Work<'_>,
        object_type: ObjectType,
        ids: &[Uuid],
    ) -> Result<()> {
        let packed: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        execute!(
            tx,
            "INSERT INTO run_staging_seen (run_id, position, object_type, ids)
             VALUES ($1, $2, $3, $4)",
            work.run.id,
            self.position,
            object_type,
            packed
        )?;
        self.position += 1;
        Ok(())
    }
}

/// What makes an object the same as it was.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    hash: [u8; hash::LENGTH],
    is_present: bool,
    sign_in_blocked: bool,
    guest: bool,
    /// What mapping did to it.
    mapped: Mapped,
}

impl Said {
    fn by(object: &SourceObject) -> Self {
        Self {
            hash: hash::content(&object.content),
            is_present: object.presence == Presence::Present,
            sign_in_blocked: object.content.sign_in_blocked,
            guest: object.content.guest,
            mapped: object.mapped.clone(),
        }
    }
}

#[derive(FromRow)]
struct Known {
    external_id: Uuid,
    hash: Vec<u8>,
    flags: i64,
    #[sqlx(default)]
    mapping_error: Option<String>,
    #[sqlx(default)]
    mapped_from: Option<String>,
}

/// What is known of those of the objects that are present.
async fn known(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Said>> {
    let mut all = HashMap::new();
    // Handing columns over takes as long as finding the row: without rules a flag says enough.
    let maps = !work.policy.mapping.of(object_type).is_empty();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(tx, Known, |query| {
            query.push(
                "SELECT external_id, hash, CAST(CASE WHEN sign_in_blocked THEN 1 ELSE 0 END
                        + CASE WHEN guest THEN 2 ELSE 0 END
                        + CASE WHEN mapped_from IS NULL THEN 0 ELSE 4 END AS BIGINT) AS flags",
            );
            if maps {
                query.push(", mapping_error, mapped_from");
            }
            query.push(" FROM source_object WHERE presence = 'present' AND integration_id = ");
            query.push_bind(work.integration.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
        for row in rows {
            let Ok(hash) = row.hash.try_into() else {
                continue;
            };
            if !maps && row.flags & 4 != 0 {
                // What was mapped before and isn't any more.
                continue;
            }
            let said = Said {
                hash,
                is_present: true,
                sign_in_blocked: row.flags & 1 != 0,
                guest: row.flags & 2 != 0,
                mapped: Mapped {
                    error: row.mapping_error,
                    from: row.mapped_from,
                },
            };
            all.insert(row.external_id, said);
        }
    }
    Ok(all)
}

/// Removes what earlier pages staged of objects that are as they are known after all.
async fn take_back(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    same: &[SourceObject],
) -> Result<()> {
    let ids: Vec<Uuid> = same.iter().map(|object| object.external_id.0).collect();
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("DELETE FROM run_staging WHERE run_id = ");
            query.push_bind(work.run.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// What a complete read didn't name is gone. With selected groups only what is in scope is looked
/// for: of the others nothing is known, and they are out of scope, which is decided later.
pub(super) async fn sweep(work: &mut Work<'_>, object_type: ObjectType) -> Result<(), Stop> {
    let parts = parts(work, object_type).await?;
    for part in parts {
        let seen = seen(work, object_type, part).await?;
        let mut after = part.0;
        while after < part.1 {
            after = sweep_batch(work, object_type, &seen, (after, part.1)).await?;
            work.checkpoint().await?;
        }
    }
    Ok(())
}

/// Ranges of ids, of each of which so many were named as are held in memory at once.
async fn parts(work: &Work<'_>, object_type: ObjectType) -> Result<Vec<Part>> {
    let mut tx = work.b().db.read().await?;
    let bytes = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT CAST(COALESCE(SUM(LENGTH(ids)), 0) AS BIGINT) FROM run_staging_seen
          WHERE run_id = $1 AND object_type = $2",
        work.run.id,
        object_type
    )?;
    Ok(equal_parts(bytes.unsigned_abs() / ID / PART + 1))
}

/// Ids after the first up to the second.
type Part = (ExternalId, ExternalId);

/// All ids in ranges of one size: ids are random, and so evenly spread.
fn equal_parts(number: u64) -> Vec<Part> {
    let step = u128::MAX / u128::from(number);
    let end = |part: u64| match part {
        0 => FIRST,
        part if part == number => LAST,
        part => ExternalId(Uuid::from_u128(step * u128::from(part))),
    };
    (0..number).map(|part| (end(part), end(part + 1))).collect()
}

/// The named ids in a range, in order.
async fn seen(work: &Work<'_>, object_type: ObjectType, (after, end): Part) -> Result<Vec<Uuid>> {
    let mut seen = Vec::new();
    let mut position = -1_i64;
    loop {
        let mut tx = work.b().db.read().await?;
        let page = fetch_optional!(
            &mut tx,
            (i64, Vec<u8>),
            "SELECT position, ids FROM run_staging_seen
              WHERE run_id = $1 AND object_type = $2 AND position > $3
              ORDER BY position LIMIT 1",
            work.run.id,
            object_type,
            position
        )?;
        let Some((at, ids)) = page else { break };
        position = at;
        let (ids, _) = ids.as_chunks();
        let ids = ids.iter().map(|id| Uuid::from_bytes(*id));
        seen.extend(ids.filter(|id| *id > after.0 && *id <= end.0));
    }
    seen.sort_unstable();
    Ok(seen)
}

/// Looks at the next objects of a range. Answers the last one it looked at.
async fn sweep_batch(
    work: &mut Work<'_>,
    object_type: ObjectType,
    seen: &[Uuid],
    (after, end): Part,
) -> Result<ExternalId, Stop> {
    let mut tx = work.b().db.read().await?;
    let known = fetch_all!(
        &mut tx,
        (Uuid,),
        "SELECT external_id FROM source_object
          WHERE integration_id = $1 AND object_type = $2
            AND external_id > $3 AND external_id <= $4
          ORDER BY external_id LIMIT $5",
        work.integration.id,
        object_type,
        after,
        end,
        BATCH
    )?;
    drop(tx);
    let is_last = known.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
    let last = known.last().map_or(end, |(id,)| ExternalId(*id));
    let gone: Vec<Uuid> = known
        .into_iter()
        .map(|(id,)| id)
        .filter(|id| seen.binary_search(id).is_err())
        .collect();
    if !gone.is_empty() {
        let mut tx = work.bulk().await?;
        mark_gone(&mut tx, work, object_type, &gone).await?;
        tx.commit().await?;
    }
    Ok(if is_last { end } else { last })
}

async fn mark_gone(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    gone: &[Uuid],
) -> Result<()> {
    for ids in gone.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("UPDATE source_object SET presence = 'gone' WHERE presence <> 'gone'");
            if work.is_selected() {
                query.push(" AND in_scope");
            }
            query.push(" AND integration_id = ");
            query.push_bind(work.integration.id);
            query.push(" AND object_type = ").push_bind(object_type);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_in_one_part() {
        for number in [1, 2, 3, 16, 1_000] {
            let parts = equal_parts(number);
            assert_eq!(parts.first().unwrap().0, FIRST);
            assert_eq!(parts.last().unwrap().1, LAST);
            assert!(parts.iter().all(|(after, end)| after < end));
            assert!(parts.windows(2).all(|two| two[0].1 == two[1].0));
        }
    }
}
