//! What the source says of groups' members: for each group and type of member one row with the
//! ids, sorted, 16 bytes each. The directory's memberships are rows of their own; a source's list
//! is only ever read and written as a whole (decision 0009).

use std::collections::BTreeMap;

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::rows::{IDS_MAX, fetch_built, push_ids, run_built};
use crate::{Error, Result, Tx, fetch_all, insert_many, store::write_json};

/// Bytes of one id.
const ID: usize = 16;
/// Lists that go into one statement.
const LISTS_MAX: usize = 500;

/// A group's members, and what each of them is.
pub(super) type Members = BTreeMap<ExternalId, ObjectType>;

/// What a plan changes of one group's members: the `after_value` of its change.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Difference {
    pub added: Vec<ExternalId>,
    pub removed: Vec<ExternalId>,
}

impl Difference {
    /// The stored text.
    pub fn write(&self) -> Result<String> {
        write_json(self)
    }

    /// What was stored.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::Internal(format!("a stored plan can’t be read: {error}")))
    }
}

/// One group's members of one type.
#[derive(Debug, FromRow)]
pub(crate) struct List {
    pub group_external_id: ExternalId,
    pub member_type: ObjectType,
    members: Vec<u8>,
}

impl List {
    /// The members' ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = ExternalId> {
        self.members.chunks_exact(ID).map(|bytes| {
            let mut id = [0; ID];
            id.copy_from_slice(bytes);
            ExternalId(Uuid::from_bytes(id))
        })
    }

    /// Whether the group has this member.
    pub fn holds(&self, member: ExternalId) -> bool {
        let id = member.0.as_bytes().as_slice();
        self.members
            .as_chunks::<ID>()
            .0
            .binary_search_by(|bytes| bytes.as_slice().cmp(id))
            .is_ok()
    }

    /// The lists of a group with these members.
    fn of(group: ExternalId, members: &Members) -> impl Iterator<Item = Self> {
        let mut packed: BTreeMap<ObjectType, Vec<u8>> = BTreeMap::new();
        for (member, member_type) in members {
            let list = packed.entry(*member_type).or_default();
            list.extend_from_slice(member.0.as_bytes());
        }
        packed.into_iter().map(move |(member_type, members)| Self {
            group_external_id: group,
            member_type,
            members,
        })
    }
}

/// The lists of these groups, in order.
pub(crate) async fn of(
    tx: &mut Tx,
    integration: IntegrationId,
    groups: &[Uuid],
) -> Result<Vec<List>> {
    let mut lists = Vec::new();
    for ids in groups.chunks(IDS_MAX) {
        lists.extend(fetch_built!(tx, List, |query| {
            query.push(
                "SELECT group_external_id, member_type, members FROM source_membership
                  WHERE integration_id = ",
            );
            query.push_bind(integration);
            query.push(" AND group_external_id");
            push_ids!(query, ids);
            query.push(" ORDER BY group_external_id, member_type");
        })?);
    }
    Ok(lists)
}

/// The next lists of all groups after that of `after`, in order.
pub(crate) async fn next(
    tx: &mut Tx,
    integration: IntegrationId,
    after: Option<&List>,
) -> Result<Vec<List>> {
    let (group, member_type) = after.map_or((Uuid::nil(), ""), |list| {
        (list.group_external_id.0, list.member_type.as_str())
    });
    fetch_all!(
        tx,
        List,
        "SELECT group_external_id, member_type, members FROM source_membership
          WHERE integration_id = $1 AND (group_external_id, member_type) > ($2, $3)
          ORDER BY group_external_id, member_type LIMIT 500",
        integration,
        group,
        member_type
    )
}

/// The members that these lists name, by group.
pub(super) fn by_group(lists: &[List]) -> BTreeMap<ExternalId, Members> {
    let mut all: BTreeMap<ExternalId, Members> = BTreeMap::new();
    for list in lists {
        let members = all.entry(list.group_external_id).or_default();
        members.extend(list.ids().map(|id| (id, list.member_type)));
    }
    all
}

/// Writes whole groups. `first`: nothing is known of the integration, so nothing is replaced.
pub(super) async fn write(
    tx: &mut Tx,
    integration: IntegrationId,
    groups: &[(ExternalId, Members)],
    first: bool,
) -> Result<()> {
    if !first {
        let ids: Vec<Uuid> = groups.iter().map(|(group, _)| group.0).collect();
        remove(tx, integration, &ids).await?;
    }
    let lists: Vec<List> = groups
        .iter()
        .flat_map(|(group, members)| List::of(*group, members))
        .collect();
    insert_many!(
        tx,
        "INSERT INTO source_membership (integration_id, group_external_id, member_type, members)",
        columns: 4, rows_max: LISTS_MAX, lists,
        |bind, list| {
            bind.push_bind(integration)
                .push_bind(list.group_external_id)
                .push_bind(list.member_type)
                .push_bind(list.members.as_slice());
        },
        "ON CONFLICT (integration_id, group_external_id, member_type)
         DO UPDATE SET members = excluded.members"
    )?;
    Ok(())
}

/// Removes the lists of these groups.
pub(super) async fn remove(tx: &mut Tx, integration: IntegrationId, groups: &[Uuid]) -> Result<()> {
    for ids in groups.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("DELETE FROM source_membership WHERE integration_id = ");
            query.push_bind(integration);
            query.push(" AND group_external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            members in prop::collection::btree_map(any::<u128>(), 0usize..4, 0..20),
        ) {
            let group = ExternalId(Uuid::from_u128(7));
            let members: Members = members.into_iter().map(|(id, kind)| (
                ExternalId(Uuid::from_u128(id)),
                ObjectType::OBJECTS[kind],
            )).collect();
            let lists: Vec<List> = List::of(group, &members).collect();
            for (id, member_type) in &members {
                for list in &lists {
                    prop_assert_eq!(list.holds(*id), list.member_type == *member_type);
                }
            }
            let back = by_group(&lists).remove(&group).unwrap_or_default();
            prop_assert_eq!(back, members);
        }
    }
}
