//! A round's pages on their way into the run's staging rows. Until the round is complete nothing
//! else is touched, so a read that breaks is begun again (sync.md rule 5).

use std::sync::Arc;

use domain::{group::GroupKind, id::ExternalId, policy::ObjectType};
use planner::{
    hash,
    mapping::Mapper,
    merge::{MemberOp, last_wins},
    read::{Content, Presence, SourceObject},
};
use uuid::Uuid;

use super::{record::Work, seen::Noting, stop::Stop};
use crate::{Result, Tx, db::insert_columns, execute, fetch_optional, store::write_json};

/// Objects that go into one transaction: a statement on SQLite is a trip to another thread, so
/// rows go in by the thousand.
const OBJECTS_MAX: usize = 2_000;
/// Statements about members that go into one transaction.
const MEMBERS_MAX: usize = 20_000;

/// Collects what pages say and writes it by the thousand.
#[derive(Debug, Default)]
pub(super) struct Stager {
    objects: Vec<SourceObject>,
    members: Vec<(ExternalId, Vec<u8>)>,
    member_ops: usize,
    position: i64,
    staged: i64,
    present: [u64; ObjectType::OBJECTS.len()],
    anything: bool,
    /// Of a complete read of what is known: only what differs is staged.
    noting: Option<Noting>,
    mapper: Arc<Mapper>,
}

impl Stager {
    /// One that maps what it takes.
    pub fn new(mapper: Arc<Mapper>) -> Self {
        Self {
            mapper,
            ..Self::default()
        }
    }

    /// Of a complete read of an integration of which something is known.
    #[must_use]
    pub fn noting(self) -> Self {
        Self {
            noting: Some(Noting::new()),
            ..self
        }
    }

    /// Takes an object as the source gave it: from here on it is mapped.
    pub fn object(&mut self, object: SourceObject) {
        let object = self.mapper.map(object);
        if object.presence == Presence::Present {
            let at = usize::from(code(object.object_type));
            if let Some(present) = self.present.get_mut(at) {
                *present += 1;
            }
        }
        self.anything = true;
        self.objects.push(object);
    }

    /// Takes what a page says of a group's members.
    pub fn members(&mut self, group: ExternalId, ops: &[MemberOp]) {
        if !ops.is_empty() {
            self.anything = true;
            self.member_ops += ops.len();
            self.members.push((group, pack(ops)));
        }
    }

    /// Whether the round said anything at all.
    pub fn is_empty(&self) -> bool {
        !self.anything
    }

    /// Objects that were staged, one that came on several pages several times.
    pub fn staged(&self) -> i64 {
        self.staged
    }

    /// How many objects of the type the round says are present; one that comes twice counts twice.
    pub fn present(&self, object_type: ObjectType) -> u64 {
        let at = usize::from(code(object_type));
        self.present.get(at).copied().unwrap_or_default()
    }

    /// Writes what was collected, once there is enough of it.
    pub async fn flush_some(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
        if self.objects.len() >= OBJECTS_MAX || self.member_ops >= MEMBERS_MAX {
            self.flush(work).await?;
        }
        Ok(())
    }

    /// Writes everything that was collected.
    pub async fn flush(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
        if self.objects.is_empty() && self.members.is_empty() {
            return Ok(());
        }
        let objects = last_wins(std::mem::take(&mut self.objects), |object| {
            (object.object_type, object.external_id)
        });
        let members = std::mem::take(&mut self.members);
        self.member_ops = 0;
        let mut tx = work.bulk().await?;
        let objects = match &mut self.noting {
            Some(noting) => noting.note(&mut tx, work, objects).await?,
            None => objects,
        };
        insert_objects(&mut tx, work.run.id.0, &objects).await?;
        self.staged += i64::try_from(objects.len()).unwrap_or(i64::MAX);
        let run_id = work.run.id.0;
        let first = self.position;
        self.position += i64::try_from(members.len()).unwrap_or(i64::MAX);
        let rows = (first..).zip(&members).map(Ok);
        insert_columns!(
            &mut tx,
            "INSERT INTO run_staging_member (run_id, group_external_id, position, members)",
            rows,
            |row| {
                "uuid": run_id,
                "uuid": row.1.0.0,
                "bigint": row.0,
                "bytea": row.1.1.as_slice(),
            },
            ""
        )?;
        tx.commit().await?;
        Ok(())
    }
}

/// One object with what is computed from it, once.
struct Row<'a> {
    object: &'a SourceObject,
    name_folded: String,
    search_text: String,
    user_name_folded: Option<String>,
    mail_folded: Option<String>,
    employee_id_folded: Option<String>,
    attributes: String,
    hash: [u8; hash::LENGTH],
}

/// What only people are found by, to tell whether they are here already.
fn of_user(object: &SourceObject, of: fn(&Content) -> Option<String>) -> Option<String> {
    (object.object_type == ObjectType::User)
        .then(|| of(&object.content))
        .flatten()
}

/// Stages objects, each of which comes once.
pub(super) async fn insert_objects(
    tx: &mut Tx,
    run_id: Uuid,
    objects: &[SourceObject],
) -> Result<()> {
    let rows = objects.iter().map(|object| -> Result<Row<'_>> {
        Ok(Row {
            object,
            name_folded: object.content.name_folded(),
            search_text: object.content.search_text(),
            user_name_folded: object.content.user_name_folded(),
            mail_folded: of_user(object, Content::mail_folded),
            employee_id_folded: of_user(object, Content::employee_id_folded),
            attributes: write_json(&object.content.attributes)?,
            hash: hash::content(&object.content),
        })
    });
    insert_columns!(
        tx,
        "INSERT INTO run_staging (run_id, object_type, external_id, presence, display_name,
            name_folded, search_text, user_principal_name, user_name_folded, mail_folded,
            employee_id_folded, given_name, surname, mail, sign_in_blocked, guest, group_kind, dynamic, attributes, hash, mapping_error,
            mapped_from)",
        rows,
        |row| {
            "uuid": run_id,
            "text": row.object.object_type.as_str(),
            "uuid": row.object.external_id.0,
            "text": row.object.presence.as_str(),
            "text": row.object.content.display_name.as_str(),
            "text": row.name_folded.as_str(),
            "text": row.search_text.as_str(),
            "text": row.object.content.user_principal_name.as_deref(),
            "text": row.user_name_folded.as_deref(),
            "text": row.mail_folded.as_deref(),
            "text": row.employee_id_folded.as_deref(),
            "text": row.object.content.given_name.as_deref(),
            "text": row.object.content.surname.as_deref(),
            "text": row.object.content.mail.as_deref(),
            "bool": row.object.content.sign_in_blocked,
            "bool": row.object.content.guest,
            "text": row.object.content.group_kind.map(GroupKind::as_str),
            "bool": row.object.content.dynamic,
            "text": row.attributes.as_str(),
            "bytea": row.hash.as_slice(),
            "text": row.object.mapped.error.as_deref(),
            "text": row.object.mapped.from.as_deref(),
        },
        "ON CONFLICT (run_id, object_type, external_id) DO UPDATE SET
            presence = excluded.presence, display_name = excluded.display_name,
            name_folded = excluded.name_folded, search_text = excluded.search_text,
            user_principal_name = excluded.user_principal_name,
            user_name_folded = excluded.user_name_folded,
            mail_folded = excluded.mail_folded,
            employee_id_folded = excluded.employee_id_folded, given_name = excluded.given_name,
            surname = excluded.surname, mail = excluded.mail,
            sign_in_blocked = excluded.sign_in_blocked, guest = excluded.guest,
            group_kind = excluded.group_kind, dynamic = excluded.dynamic,
            attributes = excluded.attributes, hash = excluded.hash,
            mapping_error = excluded.mapping_error, mapped_from = excluded.mapped_from"
    )?;
    Ok(())
}

/// Statements about members that are removed at once.
const CLEARED: i64 = 5_000;

/// Removes a run's staging rows, in batches, as long as the run is this worker's.
pub(super) async fn clear(work: &Work<'_>) -> Result<()> {
    let run_id = work.run.id.0;
    let mut left = work.b().db.read().await?.staged(run_id).await?;
    while let Some(staged) = left {
        let mut tx = work.b().db.write_bulk().await?;
        work.hold(&mut tx).await?;
        left = tx.remove_staged(run_id, staged).await?;
        tx.commit().await?;
    }
    while clear_members(work).await? {}
    let mut tx = work.b().db.write_bulk().await?;
    work.hold(&mut tx).await?;
    execute!(
        &mut tx,
        "DELETE FROM run_staging_seen WHERE run_id = $1",
        work.run.id
    )?;
    tx.commit().await
}

/// Removes the first of what is said of members.
async fn clear_members(work: &Work<'_>) -> Result<bool> {
    let run_id = work.run.id;
    let mut tx = work.b().db.write_bulk().await?;
    work.hold(&mut tx).await?;
    let end = fetch_optional!(
        &mut tx,
        (ExternalId, i64),
        "SELECT group_external_id, position FROM run_staging_member WHERE run_id = $1
          ORDER BY group_external_id, position LIMIT 1 OFFSET $2",
        run_id,
        CLEARED
    )?;
    match end {
        Some((group, position)) => execute!(
            &mut tx,
            "DELETE FROM run_staging_member
              WHERE run_id = $1 AND (group_external_id, position) <= ($2, $3)",
            run_id,
            group,
            position
        )?,
        None => execute!(
            &mut tx,
            "DELETE FROM run_staging_member WHERE run_id = $1",
            run_id
        )?,
    };
    tx.commit().await?;
    Ok(end.is_some())
}

/// The place of a type in [`ObjectType::OBJECTS`]; after all of them for what is no object.
const fn code(object_type: ObjectType) -> u8 {
    match object_type {
        ObjectType::User => 0,
        ObjectType::Group => 1,
        ObjectType::Contact => 2,
        ObjectType::Device => 3,
        ObjectType::Membership => 4,
    }
}

/// Bytes of one packed statement.
const PACKED: usize = 17;

/// What a page says of a group's members, 17 bytes each: what the member is and whether it left,
/// then its id.
pub(super) fn pack(ops: &[MemberOp]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(ops.len() * PACKED);
    for op in ops {
        packed.push(u8::from(op.removed) | code(op.member_type) << 1);
        packed.extend_from_slice(op.member.0.as_bytes());
    }
    packed
}

/// What [`pack`] packed.
pub(super) fn unpack(packed: &[u8]) -> impl Iterator<Item = MemberOp> {
    packed.chunks_exact(PACKED).filter_map(|bytes| {
        let (flags, id) = bytes.split_first()?;
        Some(MemberOp {
            member: ExternalId(Uuid::from_slice(id).ok()?),
            member_type: *ObjectType::OBJECTS.get(usize::from(flags >> 1))?,
            removed: flags & 1 == 1,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(ops in prop::collection::vec((any::<u128>(), 0usize..4, any::<bool>()), 0..20)) {
            let ops: Vec<MemberOp> = ops.into_iter().map(|(id, kind, removed)| MemberOp {
                member: ExternalId(Uuid::from_u128(id)),
                member_type: ObjectType::OBJECTS[kind],
                removed,
            }).collect();
            prop_assert_eq!(unpack(&pack(&ops)).collect::<Vec<_>>(), ops);
        }
    }
}
