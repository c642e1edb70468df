//! How an object stands to the scope: by which selected groups, and by which path.
//!
//! The engine looks at thousands of objects at once and asks yes or no; here it is one object, and
//! the way is of interest.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use domain::{
    id::{ExternalId, GroupId},
    integration::Integration,
    policy::ObjectType,
};
use planner::why::{Named, Scope, Way};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Tx, fetch_all, fetch_optional,
    sync::members::{self, List},
};

/// Groups between a selected group and an object that are followed: a chain of groups longer than
/// that is no way anybody would read.
const LEVELS_MAX: usize = 50;

#[derive(Debug, Clone, FromRow)]
struct GroupRow {
    external_id: ExternalId,
    display_name: Option<String>,
    directory_id: Option<GroupId>,
}

impl From<&GroupRow> for Named {
    fn from(row: &GroupRow) -> Self {
        Self {
            external_id: row.external_id,
            display_name: row.display_name.clone(),
            directory_id: row.directory_id,
        }
    }
}

/// The selected groups by name, each with whether it is there: a deleted one holds nobody.
async fn selected(tx: &mut Tx, integration: &Integration) -> Result<Vec<(Named, bool)>> {
    #[derive(FromRow)]
    struct Row {
        #[sqlx(flatten)]
        group: GroupRow,
        presence: Option<String>,
    }
    let mut rows = fetch_all!(
        tx,
        Row,
        "SELECT g.external_id, COALESCE(s.display_name, g.display_name) AS display_name,
                d.id AS directory_id, s.presence
           FROM integration_group g
           LEFT JOIN source_object s ON s.integration_id = g.integration_id
                AND s.object_type = 'group' AND s.external_id = g.external_id
           LEFT JOIN directory_group d ON d.integration_id = g.integration_id
                AND d.external_id = g.external_id
          WHERE g.integration_id = $1",
        integration.id
    )?;
    rows.sort_by_cached_key(|row| {
        let folded = row.group.display_name.as_deref().map(planner::fold);
        (folded.is_none(), folded, row.group.external_id)
    });
    Ok(rows
        .iter()
        .map(|row| {
            let present = row.presence.as_deref() == Some("present");
            ((&row.group).into(), present)
        })
        .collect())
}

/// The scope as the kept memberships say it.
pub(super) async fn of_kept(
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    object: ExternalId,
) -> Result<Scope> {
    if integration.policy.selected_group_ids.is_empty() {
        return Ok(Scope::Tenant);
    }
    let selected = selected(tx, integration).await?;
    // A group that is in a selected one counts where nested groups do.
    let counts = object_type != ObjectType::Group || integration.policy.include_nested;
    let direct = if integration.policy.include_nested {
        holders(tx, integration, object_type, object).await?
    } else if counts {
        let ids: Vec<Uuid> = selected
            .iter()
            .map(|(group, _)| group.external_id.0)
            .collect();
        let lists = members::of(tx, integration.id, &ids).await?;
        let holding = lists
            .iter()
            .filter(|list| list.member_type == object_type && list.holds(object));
        holding.map(|list| list.group_external_id).collect()
    } else {
        Vec::new()
    };
    let holding = Holding {
        itself: (object_type == ObjectType::Group).then_some(object),
        direct,
        names: BTreeMap::new(),
        // A kept selected group that is gone holds nobody, whatever edges it left.
        there: Some(
            selected
                .iter()
                .filter(|(_, present)| *present)
                .map(|(group, _)| group.external_id)
                .collect(),
        ),
    };
    found(tx, integration, selected, &holding).await
}

/// The scope as the source itself says it, for an object that isn't kept: `direct` are the groups
/// that hold it directly.
pub(super) async fn of_live(
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    object: ExternalId,
    direct: &[graph::Holder],
) -> Result<Scope> {
    if integration.policy.selected_group_ids.is_empty() {
        return Ok(Scope::Tenant);
    }
    let selected = selected(tx, integration).await?;
    let holding = Holding {
        itself: (object_type == ObjectType::Group).then_some(object),
        direct: direct.iter().map(|group| ExternalId(group.id)).collect(),
        names: direct
            .iter()
            .filter_map(|group| Some((ExternalId(group.id), group.display_name.clone()?)))
            .collect(),
        there: None,
    };
    found(tx, integration, selected, &holding).await
}

/// What holds an object directly.
struct Holding {
    /// The object, where it is a group that may be selected itself.
    itself: Option<ExternalId>,
    direct: Vec<ExternalId>,
    /// Names of those that nothing is kept of.
    names: BTreeMap<ExternalId, String>,
    /// The selected groups that are there; none where the source has just named them.
    there: Option<BTreeSet<ExternalId>>,
}

async fn found(
    tx: &mut Tx,
    integration: &Integration,
    selected: Vec<(Named, bool)>,
    holding: &Holding,
) -> Result<Scope> {
    let groups: Vec<Named> = selected.into_iter().map(|(group, _)| group).collect();
    let mut paths: BTreeMap<ExternalId, Vec<String>> = BTreeMap::new();
    if let Some(itself) = holding.itself {
        paths.insert(itself, Vec::new());
    }
    for group in &holding.direct {
        paths.insert(*group, Vec::new());
    }
    if integration.policy.include_nested {
        climb(tx, integration, holding, &mut paths).await?;
    }
    let ways = groups
        .iter()
        .filter(|group| {
            holding.there.as_ref().is_none_or(|there| {
                holding.itself == Some(group.external_id) || there.contains(&group.external_id)
            })
        })
        .filter_map(|group| {
            Some(Way {
                between: paths.get(&group.external_id)?.clone(),
                group: group.clone(),
            })
        })
        .collect();
    Ok(Scope::Selected { groups, ways })
}

/// The groups that hold an object directly. A list says whom a group holds and not who holds one:
/// all of them are gone through, which a person's question may cost and a run's may not.
async fn holders(
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    member: ExternalId,
) -> Result<Vec<ExternalId>> {
    let mut groups = Vec::new();
    each_list(tx, integration, object_type, |list| {
        if list.holds(member) {
            groups.push(list.group_external_id);
        }
    })
    .await?;
    Ok(groups)
}

/// For each group that a group holds, the groups that hold it.
async fn group_holders(
    tx: &mut Tx,
    integration: &Integration,
) -> Result<BTreeMap<ExternalId, Vec<ExternalId>>> {
    let mut holders: BTreeMap<_, Vec<_>> = BTreeMap::new();
    each_list(tx, integration, ObjectType::Group, |list| {
        for member in list.ids() {
            let groups = holders.entry(member).or_default();
            groups.push(list.group_external_id);
        }
    })
    .await?;
    Ok(holders)
}

/// Goes through the groups' members of one type.
async fn each_list(
    tx: &mut Tx,
    integration: &Integration,
    member_type: ObjectType,
    mut see: impl FnMut(&List),
) -> Result<()> {
    let mut after: Option<List> = None;
    loop {
        let mut lists = members::next(tx, integration.id, after.as_ref()).await?;
        lists
            .iter()
            .filter(|list| list.member_type == member_type)
            .for_each(&mut see);
        let Some(last) = lists.pop() else {
            return Ok(());
        };
        after = Some(last);
    }
}

/// Follows the groups that hold groups, nearest first and each group once: safe against cycles, and
/// the shortest way is the one that is kept.
async fn climb(
    tx: &mut Tx,
    integration: &Integration,
    holding: &Holding,
    paths: &mut BTreeMap<ExternalId, Vec<String>>,
) -> Result<()> {
    let above = group_holders(tx, integration).await?;
    let mut queue: VecDeque<ExternalId> = holding.direct.iter().copied().collect();
    while let Some(member) = queue.pop_front() {
        let below = paths.get(&member).cloned().unwrap_or_default();
        let Some(holders) = above.get(&member).filter(|_| below.len() < LEVELS_MAX) else {
            continue;
        };
        let named = match holding.names.get(&member) {
            Some(name) => name.clone(),
            None => name(tx, integration, member).await?,
        };
        let mut path = vec![named];
        path.extend(below);
        for group in holders {
            if let Entry::Vacant(unknown) = paths.entry(*group) {
                unknown.insert(path.clone());
                queue.push_back(*group);
            }
        }
    }
    Ok(())
}

/// A group's name, or its id where nothing is kept of it.
async fn name(tx: &mut Tx, integration: &Integration, group: ExternalId) -> Result<String> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT display_name FROM source_object
          WHERE integration_id = $1 AND object_type = 'group' AND external_id = $2",
        integration.id,
        group
    )?;
    Ok(row.map_or_else(|| group.to_string(), |(name,)| name))
}

/// Adds the selected groups that hold an object through groups of which nothing is kept.
pub(super) fn add_nested(scope: &mut Scope, holding: &[uuid::Uuid]) {
    let Scope::Selected { groups, ways } = scope else {
        return;
    };
    for group in groups.iter() {
        let known = ways.iter().any(|way| way.group == *group);
        if !known && holding.contains(&group.external_id.0) {
            ways.push(Way {
                group: group.clone(),
                between: vec!["a group inside it".to_owned()],
            });
        }
    }
}
