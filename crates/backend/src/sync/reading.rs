//! The first phase: what the source says comes into staging, page by page. The next page is
//! downloaded while this one is written (`graph::Pages` reads ahead in a task of its own), and
//! memory is bounded by those pages.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use domain::{
    DateTime,
    id::{ExternalId, IntegrationId},
    policy::{ObjectType, Policy},
    run::{RunMode, RunPhase},
};
use graph::{
    After, Client, ContactItem, DeltaStart, DeviceItem, FILTER_IDS_MAX, GroupItem, Item, Page,
    Pages, Select, UserItem,
};
use planner::{filter::Filters, mapping::Mapper};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    connect,
    entra::{self, Single},
    matching, merging, name_held,
    record::Work,
    selected,
    selection::selecting,
    single,
    staging::{self, Stager},
    stop::Stop,
};
use crate::{Backend, Result, fetch_all, fetch_scalar};

/// Days after which a delta run reads everything as a second look (sync.md rule 3). Delta tokens
/// live as long (graph.md §3.7).
const FULL_EVERY_DAYS: i64 = 7;

/// Rounds begun in one run before it fails: one may expire at its very beginning, another in the
/// middle.
const ROUNDS_MAX: u32 = 5;

/// A complete round: where its streams go on, and what it lacked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Round {
    /// The delta link of each stream.
    pub links: BTreeMap<String, String>,
    /// What the links were made for.
    pub read_key: String,
    /// Types of which the complete answer was empty although some are known: nothing of them is
    /// merged, everything of them is held (sync.md rule 6).
    pub empty: Vec<ObjectType>,
    /// Whether it was a complete read of what is known already, so that only what differs is staged,
    /// and what it didn't name is gone.
    #[serde(default)]
    pub noted: bool,
    /// Objects that were staged.
    #[serde(default)]
    pub staged: i64,
    /// Of a run of one object: whether it is in scope, where groups are selected.
    #[serde(default)]
    pub in_scope: bool,
    /// The policy that everything was planned by: another may be saved before the run ends.
    #[serde(default)]
    pub planned_policy: Option<String>,
}

impl Round {
    /// Reads the round back from the run's row.
    pub fn of(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// How a read ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// There is something to merge or to plan.
    Something,
    /// A quiet round: the cursors move on, and that is all.
    Nothing,
}

/// The stream of all groups. That of another type is called by the type.
const GROUPS: &str = "group";

/// What the cursors stand for: other types, other groups or other properties need a full read.
pub(super) fn read_key(policy: &Policy) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(b"1;");
    if policy.include_nested && !policy.selected_group_ids.is_empty() {
        hash.update(b"nested;");
    }
    for object_type in &policy.object_types {
        hash.update(object_type.as_str());
        hash.update(b",");
    }
    for id in &policy.selected_group_ids {
        hash.update(id.0.as_bytes());
    }
    for property in UserItem::SELECT.iter().chain(GroupItem::SELECT) {
        hash.update(property);
    }
    for (object_type, select) in [
        (ObjectType::Contact, ContactItem::SELECT),
        (ObjectType::Device, DeviceItem::SELECT),
    ] {
        if policy.reads(object_type) {
            for property in select {
                hash.update(property);
            }
        }
    }
    if !policy.mapping.is_empty() {
        // What is read, and what is made of it.
        hash.update(b"mapping;");
        hash.update(serde_json::to_vec(&policy.mapping).unwrap_or_default());
    }
    if policy.normalize_user_names {
        hash.update(b"normalized;");
    }
    // What filters look at. What they make of it is planned anew, and nothing has to be read for it.
    let filters = Filters::new(&policy.filters).unwrap_or_default();
    for object_type in ObjectType::OBJECTS {
        for name in filters.uses(object_type) {
            hash.update(format!("filter {object_type} {name};"));
        }
    }
    hex::encode(hash.finalize())
}

/// The streams a policy reads, by name.
fn streams(policy: &Policy) -> Vec<String> {
    let types = policy.object_types.iter();
    let mut names: Vec<String> = types.map(ToString::to_string).collect();
    if !policy.selected_group_ids.is_empty() {
        names.retain(|name| name != GROUPS);
        let chunks = policy.selected_group_ids.chunks(FILTER_IDS_MAX).len();
        names.extend((0..chunks).map(selected::stream));
    }
    names
}

/// Reads the round. A delta link that is no longer good makes the same run a full one.
pub(super) async fn read(work: &mut Work<'_>) -> Result<Read, Stop> {
    if work.run.phase == RunPhase::Reading {
        staging::clear(work).await?;
    }
    work.run.phase = RunPhase::Reading;
    let before = (work.run.requests, work.run.resource_units);
    let mapper = Arc::new(mapper(&work.policy)?);
    let client = selecting(connect::client(work).await?, &mapper);
    let outcome = match work.run.one() {
        Some(one) => single::read(work, &client, one, mapper, before).await,
        None => read_with(work, &client, &mapper).await,
    };
    count(work, &client, before);
    outcome
}

/// The rules of a policy. They were looked at when they were saved, so this goes wrong only where
/// what is let in changed since.
fn mapper(policy: &Policy) -> Result<Mapper, Stop> {
    Mapper::of(policy).map_err(|error| {
        let detail = format!("{error} Nothing was read.");
        if error.field.starts_with("policy.filters") {
            return Stop::failed(
                "filters_invalid",
                "A filter can’t be read",
                detail,
                "Open the tab Filters of the integration, correct the rule and save.",
            );
        }
        Stop::failed(
            "mapping_invalid",
            "A mapping rule can’t be read",
            detail,
            "Open the tab Attributes of the integration, correct the rule and save.",
        )
    })
}

async fn read_with(
    work: &mut Work<'_>,
    client: &Client,
    mapper: &Arc<Mapper>,
) -> Result<Read, Stop> {
    let before = (work.run.requests, work.run.resource_units);
    connect::prove(work, client).await?;
    let links = links(work.b(), work.integration.id).await?;
    let mut full = work.run.full_read || needs_full(work, &links);
    work.run.objects_expected = expected(work, full).await?;
    if full && !work.integration.first_full_done {
        connect::name(work, client).await?;
    }
    for _ in 0..ROUNDS_MAX {
        work.run.full_read = full;
        let round = Reading {
            client,
            links: &links,
            full,
            mapper,
            before,
        };
        match round.read(work).await {
            Err(again @ (Stop::Expired | Stop::Rescoped)) => {
                tracing::info!(run = %work.run.id, why = ?again, "reading everything");
                staging::clear(work).await?;
                (work.run.pages_read, work.run.objects_read) = (0, 0);
                full = true;
            }
            other => return other,
        }
    }
    Err(Stop::failed(
        "resync_loop",
        "The source asks to begin again, again and again",
        format!("{ROUNDS_MAX} rounds in a row were answered with “resync required”."),
        "Run again later.",
    ))
}

/// What a run of this policy has to read everything for.
fn needs_full(work: &Work<'_>, links: &BTreeMap<String, String>) -> bool {
    let at = &work.integration;
    let old =
        |last: DateTime| work.b().clock.now() - last >= chrono::Duration::days(FULL_EVERY_DAYS);
    work.run.mode == RunMode::Full
        || at.full_scan_next
        || at.last_full_at.is_none_or(old)
        || at.read_key.as_deref() != Some(read_key(&work.policy).as_str())
        || streams(&work.policy)
            .iter()
            .any(|stream| !links.contains_key(stream))
}

async fn links(b: &Backend, integration: IntegrationId) -> Result<BTreeMap<String, String>> {
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (String, String),
        "SELECT stream, link FROM delta_cursor WHERE integration_id = $1",
        integration
    )?;
    Ok(rows.into_iter().collect())
}

/// How many objects a full read may bring, from what is known; none for the first one.
async fn expected(work: &Work<'_>, full: bool) -> Result<Option<i64>> {
    if !full {
        return Ok(None);
    }
    let mut tx = work.b().db.read().await?;
    let known = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM source_object WHERE integration_id = $1 AND presence = 'present'",
        work.integration.id
    )?;
    Ok((known > 0).then_some(known))
}

/// Takes over what the client sent, onto what was counted `before`.
pub(super) fn count(work: &mut Work<'_>, client: &Client, before: (i64, i64)) {
    let usage = client.usage();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    work.run.requests = before.0 + number(usage.requests);
    work.run.resource_units = before.1 + number(usage.resource_units);
}

/// One try at a round.
pub(super) struct Reading<'a> {
    pub client: &'a Client,
    pub links: &'a BTreeMap<String, String>,
    pub full: bool,
    mapper: &'a Arc<Mapper>,
    before: (i64, i64),
}

impl Reading<'_> {
    async fn read(&self, work: &mut Work<'_>) -> Result<Read, Stop> {
        let noted = self.full && !merging::is_first(work).await?;
        let mut stager = Stager::new(Arc::clone(self.mapper));
        if noted {
            stager = stager.noting();
        }
        let links = if work.is_selected() {
            selected::read(self, work, &mut stager).await?
        } else {
            self.whole_tenant(work, &mut stager).await?
        };
        stager.flush(work).await?;
        count(work, self.client, self.before);
        let round = Round {
            links,
            noted,
            staged: stager.staged(),
            read_key: read_key(&work.policy),
            empty: if self.full {
                empty(work, &stager).await?
            } else {
                Vec::new()
            },
            ..Round::default()
        };
        work.run.round = serde_json::to_string(&round).ok();
        let quiet = !self.full && stager.is_empty() && work.run.mode != RunMode::Preview;
        if quiet && !anything_waits(work).await? {
            return Ok(Read::Nothing);
        }
        let mut tx = work.b().db.write().await?;
        work.enter(&mut tx, RunPhase::Merging).await?;
        tx.commit().await?;
        Ok(Read::Something)
    }

    /// Where a stream begins: at its cursor in a delta round.
    pub fn start(&self, stream: &str) -> DeltaStart {
        match self.links.get(stream) {
            Some(link) if !self.full => DeltaStart::Link(link.clone()),
            _ => DeltaStart::Beginning,
        }
    }

    /// The streams side by side: while one's page is on its way, another's is written.
    async fn whole_tenant(
        &self,
        work: &mut Work<'_>,
        stager: &mut Stager,
    ) -> Result<BTreeMap<String, String>, Stop> {
        let mut users = self.stream::<UserItem>(work);
        let mut groups = work.policy.reads(ObjectType::Group).then(|| {
            self.client
                .groups_delta(self.start(GROUPS), &group_select(self.client), &[])
        });
        let mut contacts = self.stream::<ContactItem>(work);
        let mut devices = self.stream::<DeviceItem>(work);
        let mut links = BTreeMap::new();
        while users.is_some() || groups.is_some() || contacts.is_some() || devices.is_some() {
            tokio::select! {
                page = next(&mut users), if users.is_some() => {
                    self.take(work, stager, page?, &mut users, &mut links)?;
                }
                page = next(&mut contacts), if contacts.is_some() => {
                    self.take(work, stager, page?, &mut contacts, &mut links)?;
                }
                page = next(&mut devices), if devices.is_some() => {
                    self.take(work, stager, page?, &mut devices, &mut links)?;
                }
                page = next(&mut groups), if groups.is_some() => {
                    let page = page?;
                    self.note(work, page.items.len());
                    for item in page.items {
                        let (object, mut members) = entra::group(item)?;
                        members.retain(|op| is_kept(&work.policy, op.member_type));
                        stager.members(object.external_id, &members);
                        stager.object(object);
                    }
                    ended(&page.after, &mut groups, GROUPS, &mut links);
                }
                () = tokio::time::sleep(TICK) => {}
            }
            work.checkpoint().await?;
            stager.flush_some(work).await?;
        }
        Ok(links)
    }

    /// The stream of everything of one type; none where the policy doesn't read it.
    fn stream<T: Single>(&self, work: &Work<'_>) -> Option<Pages<T>> {
        let start = || self.start(T::OBJECT_TYPE.as_str());
        let pages = || self.client.delta(start(), &self.client.select::<T>(), &[]);
        work.policy.reads(T::OBJECT_TYPE).then(pages)
    }

    /// Takes a page of such a stream.
    fn take<T: Single>(
        &self,
        work: &mut Work<'_>,
        stager: &mut Stager,
        page: Page<T>,
        pages: &mut Option<Pages<T>>,
        links: &mut BTreeMap<String, String>,
    ) -> Result<(), Stop> {
        self.note(work, page.items.len());
        for item in page.items {
            stager.object(item.object()?);
        }
        ended(&page.after, pages, T::OBJECT_TYPE.as_str(), links);
        Ok(())
    }

    /// The next page of a stream that goes on, looking twice a second whether to stop.
    pub async fn page<T: Item>(
        &self,
        work: &mut Work<'_>,
        pages: &mut Pages<T>,
    ) -> Result<Option<Page<T>>, Stop> {
        loop {
            tokio::select! {
                page = pages.next_page() => {
                    let page = page?;
                    if let Some(page) = &page {
                        self.note(work, page.items.len());
                    }
                    work.checkpoint().await?;
                    return Ok(page);
                }
                () = tokio::time::sleep(TICK) => work.checkpoint().await?,
            }
        }
    }

    /// Counts a page.
    pub fn note(&self, work: &mut Work<'_>, items: usize) {
        work.run.pages_read += 1;
        work.run.objects_read += i64::try_from(items).unwrap_or(0);
        count(work, self.client, self.before);
    }
}

/// How long a page is waited for before looking whether to stop.
const TICK: std::time::Duration = std::time::Duration::from_millis(500);

/// The properties of groups, and the changes of their members.
pub(super) fn group_select(client: &Client) -> Select {
    client.select::<GroupItem>().and("members")
}

/// Whether members of this type are kept. Who is in scope hangs on people and groups in groups, read
/// or not; of contacts and devices that aren't read nothing is.
pub(super) fn is_kept(policy: &Policy, member_type: ObjectType) -> bool {
    matches!(member_type, ObjectType::User | ObjectType::Group) || policy.reads(member_type)
}

async fn next<T: Item>(pages: &mut Option<Pages<T>>) -> Result<Page<T>, Stop> {
    let Some(pages) = pages else {
        return std::future::pending().await;
    };
    pages.next_page().await?.ok_or_else(unfinished)
}

fn ended<T>(
    after: &After,
    pages: &mut Option<Pages<T>>,
    stream: &str,
    links: &mut BTreeMap<String, String>,
) {
    if let After::Delta(link) = after {
        links.insert(stream.to_owned(), link.clone());
        *pages = None;
    }
}

/// A round without a delta link at its end.
pub(super) fn unfinished() -> Stop {
    Stop::failed(
        "incomplete_answer",
        "The source stopped in the middle",
        "The round ended without a link to go on from, so not everything was delivered. Nothing was changed.".to_owned(),
        "Run again later.",
    )
}

/// The types of which a complete full read brought nothing although some are in use here.
async fn empty(work: &Work<'_>, stager: &Stager) -> Result<Vec<ObjectType>> {
    let mut tx = work.b().db.read().await?;
    let mut empty = Vec::new();
    for object_type in ObjectType::OBJECTS {
        if !work.policy.reads(object_type) || stager.present(object_type) > 0 {
            continue;
        }
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM directory_{object_type}
              WHERE integration_id = $1 AND status = 'active' LIMIT 1) AS known"
        );
        let known = fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql), work.integration.id)?;
        if known > 0 {
            empty.push(object_type);
        }
    }
    Ok(empty)
}

/// Whether something waits although the source said nothing: pending objects, a countdown that is
/// over, another policy. Whom a mapping rule fails for waits for the source or for the policy: nothing
/// else would help, so such a run is as quiet as any. So is one where somebody waits for a decision
/// about a match, and who may be the same is as they were.
async fn anything_waits(work: &Work<'_>) -> Result<bool> {
    if work.integration.planned_policy.as_deref() != Some(&*super::planned_policy(&work.policy)) {
        return Ok(true);
    }
    let over = |object_type: &ObjectType| {
        format!(
            "EXISTS (SELECT 1 FROM directory_{object_type} d
                      WHERE d.integration_id = $1 AND d.delete_at IS NOT NULL
                        AND d.delete_at <= $2 AND $3
                        AND NOT EXISTS (SELECT 1 FROM kept_by_decision k
                                         WHERE k.integration_id = $1
                                           AND k.object_type = '{object_type}'
                                           AND k.external_id = d.external_id
                                           AND k.action = 'delete'))"
        )
    };
    let over: Vec<String> = work.types.iter().map(over).collect();
    let mut tx = work.b().db.read().await?;
    if matching::moved_on(&mut tx, work).await? {
        return Ok(true);
    }
    let for_a_name = name_held::waiting(&mut tx, work).await?;
    let others = fetch_scalar!(
        &mut tx,
        bool,
        sqlx::AssertSqlSafe(format!(
            "SELECT EXISTS (SELECT 1 FROM source_object
                             WHERE integration_id = $1 AND pending IS NOT NULL
                               AND pending NOT IN ('mapping', 'matching', 'name_held'))
                 OR {}",
            over.join(" OR ")
        )),
        work.integration.id,
        work.b().clock.now(),
        work.policy.actions.delete
    )?;
    drop(tx);
    Ok(others || name_held::moved_on(work, &for_a_name).await?)
}

/// Ids as Graph takes them.
pub(super) fn graph_ids(ids: &[ExternalId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// A set of ids of objects of one type.
pub(super) type Ids = HashSet<Uuid>;
