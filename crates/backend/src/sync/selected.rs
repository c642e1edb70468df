//! Reading with selected groups: it costs what the scope costs, not what the tenant costs, and
//! nothing is kept of people out of scope (sync.md rule 11).
//!
//! A full read takes the users' latest token first, then the groups with their members, then the
//! people by their ids, and closes the gap with one round from that first token. A delta read
//! takes the groups' changes, fetches who is new, and then the users' changes; what concerns
//! nobody known is dropped unread.

use std::collections::{BTreeMap, HashMap};

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
};
use graph::{After, DeltaStart, FILTER_IDS_MAX, GET_BY_IDS_MAX, Select, UserItem};
use uuid::Uuid;

use super::{
    entra,
    reading::{People, Reading, USERS, graph_ids, group_select, unfinished},
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
    staging::Stager,
    stop::Stop,
};
use crate::{Backend, Result};

/// The stream of a chunk of selected groups.
pub(super) fn stream(chunk: usize) -> String {
    format!("group:{chunk}")
}

/// Reads the round.
pub(super) async fn read(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
) -> Result<BTreeMap<String, String>, Stop> {
    let reads_users = work.policy.reads(ObjectType::User);
    let mut links = BTreeMap::new();
    let start = if !reads_users {
        None
    } else if round.full {
        Some(DeltaStart::Link(latest(round, work).await?))
    } else {
        Some(round.start(USERS))
    };
    let named = groups(round, work, stager, &mut links).await?;
    if let Some(start) = start {
        let new = if round.full {
            named
        } else {
            unknown(work.b(), work.integration.id, named).await?
        };
        fetch(round, work, stager, &new).await?;
        let link = changes(round, work, stager, start, &new).await?;
        links.insert(USERS.to_owned(), link);
    }
    Ok(links)
}

/// The users' token of this moment. It fixes what is selected.
async fn latest(round: &Reading<'_>, work: &mut Work<'_>) -> Result<String, Stop> {
    let select = Select::all_of::<UserItem>();
    let mut pages = round.client.users_delta(DeltaStart::Latest, &select);
    while let Some(page) = round.page(work, &mut pages).await? {
        if let After::Delta(link) = page.after {
            return Ok(link);
        }
    }
    Err(unfinished())
}

/// The selected groups with their members, a chunk of ids after the other: for their members' sake
/// also where the directory keeps no groups. Answers the users that
/// were named as members and not, later, as gone.
async fn groups(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    links: &mut BTreeMap<String, String>,
) -> Result<People, Stop> {
    let selected = work.policy.selected_group_ids.clone();
    let mut named: HashMap<(ExternalId, ExternalId), bool> = HashMap::new();
    for (number, chunk) in selected.chunks(FILTER_IDS_MAX).enumerate() {
        let name = stream(number);
        let ids = graph_ids(chunk);
        let mut pages = round
            .client
            .groups_delta(round.start(&name), &group_select(), &ids);
        while let Some(page) = round.page(work, &mut pages).await? {
            for item in page.items {
                if !ids.contains(&item.id) {
                    continue;
                }
                let (object, members) = entra::group(item)?;
                for op in &members {
                    if op.member_type == ObjectType::User {
                        named.insert((object.external_id, op.member), !op.removed);
                    }
                }
                stager.members(object.external_id, &members);
                stager.object(object);
            }
            if let After::Delta(link) = page.after {
                links.insert(name.clone(), link);
            }
            stager.flush_some(work).await?;
        }
        if !links.contains_key(&name) {
            return Err(unfinished());
        }
    }
    Ok(named
        .into_iter()
        .filter(|(_, is_member)| *is_member)
        .map(|((_, member), _)| member.0)
        .collect())
}

/// Those of the people who weren't in scope until now. Somebody known who was out of scope may have
/// changed unseen, so they are fetched like somebody new.
async fn unknown(b: &Backend, integration: IntegrationId, mut people: People) -> Result<People> {
    let all: Vec<Uuid> = people.iter().copied().collect();
    for ids in all.chunks(IDS_MAX) {
        for id in known(b, integration, ids, true).await? {
            people.remove(&id);
        }
    }
    Ok(people)
}

/// Those of the ids that are known; `in_scope`: and present and in scope.
async fn known(
    b: &Backend,
    integration: IntegrationId,
    ids: &[Uuid],
    in_scope: bool,
) -> Result<Vec<Uuid>> {
    let mut tx = b.db.read().await?;
    let rows = fetch_built!(&mut tx, (Uuid,), |query| {
        query.push("SELECT external_id FROM source_object WHERE object_type = 'user'");
        if in_scope {
            query.push(" AND presence = 'present' AND in_scope");
        }
        query
            .push(" AND integration_id = ")
            .push_bind(integration)
            .push(" AND external_id IN ");
        push_ids!(query, ids);
    })?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The people by their ids. Who isn't found is gone, and not in the answer.
async fn fetch(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    people: &People,
) -> Result<(), Stop> {
    let all: Vec<Uuid> = people.iter().copied().collect();
    let select = Select::all_of::<UserItem>();
    for ids in all.chunks(GET_BY_IDS_MAX) {
        let items: Vec<UserItem> = round.client.get_by_ids(ids, &select).await?;
        round.note(work, items.len());
        for item in items {
            let object = entra::user(item)?;
            if people.contains(&object.external_id.0) {
                stager.object(object);
            }
        }
        work.checkpoint().await?;
        stager.flush_some(work).await?;
    }
    Ok(())
}

/// The users' changes, of those who are known or were just fetched. Answers the link to go on
/// from.
async fn changes(
    round: &Reading<'_>,
    work: &mut Work<'_>,
    stager: &mut Stager,
    start: DeltaStart,
    new: &People,
) -> Result<String, Stop> {
    let mut pages = round
        .client
        .users_delta(start, &Select::all_of::<UserItem>());
    let mut link = None;
    while let Some(page) = round.page(work, &mut pages).await? {
        let ids: Vec<Uuid> = page.items.iter().map(|item| item.id).collect();
        let mut known_here = People::new();
        // In a full read, whoever isn't a member now is not looked at, known or not.
        if !round.full {
            for ids in ids.chunks(IDS_MAX) {
                known_here.extend(known(work.b(), work.integration.id, ids, false).await?);
            }
        }
        for item in page.items {
            if new.contains(&item.id) || known_here.contains(&item.id) {
                let object = entra::user(item)?;
                stager.object(object);
            }
        }
        if let After::Delta(end) = page.after {
            link = Some(end);
        }
        stager.flush_some(work).await?;
    }
    link.ok_or_else(unfinished)
}
