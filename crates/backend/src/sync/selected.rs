//! Reading with selected groups: it costs what the scope costs, not what the tenant costs, and
//! nothing is kept of people out of scope (sync.md rule 11). Contacts and devices are in scope as
//! people are.
//!
//! A full read takes the users' latest token first, then the groups with their members, where nested
//! groups count a level after the other, then the
//! people by their ids, and closes the gap with one round from that first token. A delta read
//! takes the groups' changes, fetches who is new, and then the users' changes; what concerns
//! nobody known is dropped unread.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
};
use graph::{After, ContactItem, DeltaStart, DeviceItem, FILTER_IDS_MAX, GET_BY_IDS_MAX, UserItem};
use planner::{
    merge::MemberOp,
    read::{Presence, SourceObject},
};
use uuid::Uuid;

use super::{
    entra::{self, Single},
    reading::{Ids, Reading, graph_ids, group_select, is_kept, unfinished},
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
    staging::Stager,
    stop::Stop,
};
use crate::{Backend, Result, fetch_all};

/// The stream of a chunk of the scope's groups: of the selected ones first, then of those in them.
pub(super) fn stream(chunk: usize) -> String {
    format!("group:{chunk}")
}

/// Reads the round.
pub(super) async fn read(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
) -> Result<BTreeMap<String, String>, Stop> {
    let users = start::<UserItem>(round, work).await?;
    let contacts = start::<ContactItem>(round, work).await?;
    let devices = start::<DeviceItem>(round, work).await?;
    let mut links = BTreeMap::new();
    let named = groups(round, work, stager, &mut links).await?;
    members::<UserItem>(round, work, stager, users, &named, &mut links).await?;
    members::<ContactItem>(round, work, stager, contacts, &named, &mut links).await?;
    members::<DeviceItem>(round, work, stager, devices, &named, &mut links).await?;
    Ok(links)
}

/// From where the changes of this type are read, once the groups have been; none where the policy
/// doesn't read the type.
async fn start<T: Single>(
    round: &Reading<'_>,
    work: &mut Work<'_>,
) -> Result<Option<DeltaStart>, Stop> {
    if !work.policy.reads(T::OBJECT_TYPE) {
        return Ok(None);
    }
    Ok(Some(if round.full {
        DeltaStart::Link(latest::<T>(round, work).await?)
    } else {
        round.start(T::OBJECT_TYPE.as_str())
    }))
}

/// The members of this type: those who are new by their ids, then the changes.
async fn members<T: Single>(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    start: Option<DeltaStart>,
    named: &Named,
    links: &mut BTreeMap<String, String>,
) -> Result<(), Stop> {
    let Some(start) = start else {
        return Ok(());
    };
    let mut new: Ids = named.members(T::OBJECT_TYPE).map(|id| id.0).collect();
    if !round.full {
        new = unknown(work.b(), work.integration.id, T::OBJECT_TYPE, new).await?;
    }
    fetch::<T>(round, work, stager, &new).await?;
    let link = changes::<T>(round, work, stager, start, &new).await?;
    links.insert(T::OBJECT_TYPE.to_string(), link);
    Ok(())
}

/// The type's token of this moment. It fixes what is selected.
async fn latest<T: Single>(round: &Reading<'_>, work: &mut Work<'_>) -> Result<String, Stop> {
    let select = round.client.select::<T>();
    let mut pages = round.client.delta::<T>(DeltaStart::Latest, &select, &[]);
    while let Some(page) = round.page(work, &mut pages).await? {
        if let After::Delta(link) = page.after {
            return Ok(link);
        }
    }
    Err(unfinished())
}

/// The groups of the scope with their members: for their members' sake also where the directory
/// keeps no groups. Answers who was named as a member.
async fn groups(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    links: &mut BTreeMap<String, String>,
) -> Result<Named, Stop> {
    let mut named = Named::default();
    let selected = work.policy.selected_group_ids.clone();
    if round.full {
        let mut known: BTreeSet<ExternalId> = selected.iter().copied().collect();
        let mut level = selected;
        while !level.is_empty() {
            for chunk in level.chunks(FILTER_IDS_MAX) {
                let name = stream(links.len());
                let link = groups_of(round, work, stager, (&name, chunk), &mut named).await?;
                links.insert(name, link);
            }
            level = Vec::new();
            if work.policy.include_nested {
                let inside = named.members(ObjectType::Group);
                level.extend(inside.filter(|group| known.insert(*group)));
            }
        }
    } else {
        let inside = nested(work).await?;
        let all: Vec<ExternalId> = selected.into_iter().chain(inside).collect();
        for number in (0..).take_while(|number| round.links.contains_key(&stream(*number))) {
            let name = stream(number);
            let link = groups_of(round, work, stager, (&name, &all), &mut named).await?;
            links.insert(name, link);
        }
    }
    Ok(named)
}

/// What a round named as members of the scope's groups: the last word on each (group, member).
#[derive(Debug, Default)]
struct Named(HashMap<(ExternalId, ExternalId), (ObjectType, bool)>);

impl Named {
    /// Those of a type that are members at the end, some of them several times.
    fn members(&self, of: ObjectType) -> impl Iterator<Item = ExternalId> {
        self.0
            .iter()
            .filter(move |(_, (object_type, is_member))| *object_type == of && *is_member)
            .map(|((_, member), _)| *member)
    }
}

/// One stream of groups, of these ids. Answers the link to go on from.
async fn groups_of(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    (name, groups): (&str, &[ExternalId]),
    named: &mut Named,
) -> Result<String, Stop> {
    let ids: HashSet<Uuid> = groups.iter().map(|id| id.0).collect();
    let start = round.start(name);
    // A link knows for which groups it was made.
    let asked = match start {
        DeltaStart::Link(_) => Vec::new(),
        _ => graph_ids(groups),
    };
    let mut pages = round
        .client
        .groups_delta(start, &group_select(round.client), &asked);
    let mut link = None;
    while let Some(page) = round.page(work, &mut pages).await? {
        for item in page.items {
            if !ids.contains(&item.id) {
                continue;
            }
            let (object, mut members) = entra::group(item)?;
            members.retain(|op| is_kept(&work.policy, op.member_type));
            if !round.full && work.policy.include_nested && moves_scope(&object, &members) {
                return Err(Stop::Rescoped);
            }
            for op in &members {
                let edge = (object.external_id, op.member);
                named.0.insert(edge, (op.member_type, !op.removed));
            }
            stager.members(object.external_id, &members);
            stager.object(object);
        }
        if let After::Delta(end) = page.after {
            link = Some(end);
        }
        stager.flush_some(work).await?;
    }
    link.ok_or_else(unfinished)
}

/// Whether other groups may be in scope after this than the streams are made for.
fn moves_scope(group: &SourceObject, members: &[MemberOp]) -> bool {
    group.presence != Presence::Present
        || members.iter().any(|op| op.member_type == ObjectType::Group)
}

/// The groups that are in scope through other groups, as the last full read found them.
async fn nested(work: &Work<'_>) -> Result<Vec<ExternalId>> {
    if !work.policy.include_nested {
        return Ok(Vec::new());
    }
    let mut tx = work.b().db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM source_object
          WHERE integration_id = $1 AND object_type = 'group' AND in_scope",
        work.integration.id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Those of the objects that weren't in scope until now. Somebody known who was out of scope may
/// have changed unseen, so they are fetched like somebody new.
async fn unknown(
    b: &Backend,
    integration: IntegrationId,
    object_type: ObjectType,
    mut named: Ids,
) -> Result<Ids> {
    let all: Vec<Uuid> = named.iter().copied().collect();
    for ids in all.chunks(IDS_MAX) {
        for id in known(b, integration, object_type, ids, true).await? {
            named.remove(&id);
        }
    }
    Ok(named)
}

/// Those of the ids that are known; `in_scope`: and present and in scope.
async fn known(
    b: &Backend,
    integration: IntegrationId,
    object_type: ObjectType,
    ids: &[Uuid],
    in_scope: bool,
) -> Result<Vec<Uuid>> {
    let mut tx = b.db.read().await?;
    let rows = fetch_built!(&mut tx, (Uuid,), |query| {
        query.push("SELECT external_id FROM source_object WHERE object_type = ");
        query.push_bind(object_type);
        if in_scope {
            query.push(" AND presence = 'present' AND in_scope");
        }
        query
            .push(" AND integration_id = ")
            .push_bind(integration)
            .push(" AND external_id");
        push_ids!(query, ids);
    })?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The objects by their ids. What isn't found is gone, and not in the answer.
async fn fetch<T: Single>(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    wanted: &Ids,
) -> Result<(), Stop> {
    let all: Vec<Uuid> = wanted.iter().copied().collect();
    let select = round.client.select::<T>();
    for ids in all.chunks(GET_BY_IDS_MAX) {
        let items: Vec<T> = round.client.get_by_ids(ids, &select).await?;
        round.note(work, items.len());
        for item in items {
            let object = item.object()?;
            if wanted.contains(&object.external_id.0) {
                stager.object(object);
            }
        }
        work.checkpoint().await?;
        stager.flush_some(work).await?;
    }
    Ok(())
}

/// The changes of one type, of those objects that are known or were just fetched. Answers the link to
/// go on from.
async fn changes<T: Single>(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    start: DeltaStart,
    new: &Ids,
) -> Result<String, Stop> {
    let select = round.client.select::<T>();
    let mut pages = round.client.delta::<T>(start, &select, &[]);
    let mut link = None;
    while let Some(page) = round.page(work, &mut pages).await? {
        let ids: Vec<Uuid> = page.items.iter().map(Single::id).collect();
        let mut known_here = Ids::new();
        // In a full read, whoever isn't a member now is not looked at, known or not.
        if !round.full {
            for ids in ids.chunks(IDS_MAX) {
                let known = known(work.b(), work.integration.id, T::OBJECT_TYPE, ids, false);
                known_here.extend(known.await?);
            }
        }
        for item in page.items {
            let id = item.id();
            if new.contains(&id) || known_here.contains(&id) {
                stager.object(item.object()?);
            }
        }
        if let After::Delta(end) = page.after {
            link = Some(end);
        }
        stager.flush_some(work).await?;
    }
    link.ok_or_else(unfinished)
}
