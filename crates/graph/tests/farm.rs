//! The client against the simulator: real rounds over real changes, with faults.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't go on stops where it is"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use graph::{
    After, Certificate, Chance, Client, Clock, Cloud, Connector, ContactItem, Credential,
    DeltaStart, DeviceItem, Error, GroupItem, Http, HttpOptions, Item, Limits, Resource, Select,
    Settings, Stage, Tenant, UserItem,
};
use serde_json::Value;
use simulator::{
    AppState, Authority, Control, Farm, FarmConfig, Fault, FaultPlan, Kind, ManualClock, OneShot,
    RunningFarm, TenantInfo,
};
use uuid::Uuid;

/// The simulator's clock, moved by whoever waits.
struct SharedClock(Arc<ManualClock>);

impl Clock for SharedClock {
    fn now(&self) -> DateTime<Utc> {
        simulator::Clock::now(&*self.0)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.advance(TimeDelta::from_std(duration).unwrap());
        Box::pin(std::future::ready(()))
    }
}

struct World {
    farm: RunningFarm,
    clock: Arc<ManualClock>,
    tenant: TenantInfo,
    control: Control,
}

impl World {
    async fn start(seed: u64, users: usize) -> Self {
        let (farm, clock) = Self::build(seed, users);
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self::over(&farm, running, clock)
    }

    fn build(seed: u64, users: usize) -> (Farm, Arc<ManualClock>) {
        let start = DateTime::parse_from_rfc3339("2026-03-01T08:00:00Z")
            .unwrap()
            .to_utc();
        let clock = Arc::new(ManualClock::new(start));
        let config = FarmConfig {
            clock: clock.clone(),
            ..FarmConfig::with_users(seed, users)
        };
        (Farm::new(config), clock)
    }

    fn over(farm: &Farm, running: RunningFarm, clock: Arc<ManualClock>) -> Self {
        let tenant = farm.tenants().remove(0);
        let control = farm.control(tenant.tenant_id);
        Self {
            farm: running,
            clock,
            tenant,
            control,
        }
    }

    fn secret(&self) -> Credential {
        Credential::secret(
            self.tenant.client_id,
            self.tenant.client_secret.clone().into(),
        )
    }

    fn client_with(&self, tenant: &str, credential: Credential, options: &HttpOptions) -> Client {
        let origin = self.farm.origin();
        Connector::new(
            Http::new(options).unwrap(),
            Arc::new(SharedClock(self.clock.clone())),
            Chance::from_seed(3),
            Limits::default(),
            Settings::default(),
        )
        .client(
            Cloud::parse(&origin, &origin).unwrap(),
            Tenant::parse(tenant).unwrap(),
            credential,
        )
    }

    fn client(&self) -> Client {
        self.client_with(&self.tenant.domain, self.secret(), &HttpOptions::default())
            .pinned(self.tenant.tenant_id)
    }
}

/// One stream of a tenant, kept as a sync keeps it.
struct Stream<T> {
    link: Option<String>,
    objects: BTreeMap<Uuid, T>,
    members: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

trait Directory: Item + Clone + serde::Serialize {
    fn id(&self) -> Uuid;
    fn is_removed(&self) -> bool;
    fn members(&self) -> &[graph::MemberOp] {
        &[]
    }
}

impl Directory for UserItem {
    fn id(&self) -> Uuid {
        self.id
    }
    fn is_removed(&self) -> bool {
        self.removed.is_some()
    }
}

impl Directory for GroupItem {
    fn id(&self) -> Uuid {
        self.id
    }
    fn is_removed(&self) -> bool {
        self.removed.is_some()
    }
    fn members(&self) -> &[graph::MemberOp] {
        &self.members
    }
}

impl Directory for ContactItem {
    fn id(&self) -> Uuid {
        self.id
    }
    fn is_removed(&self) -> bool {
        self.removed.is_some()
    }
}

impl Directory for DeviceItem {
    fn id(&self) -> Uuid {
        self.id
    }
    fn is_removed(&self) -> bool {
        self.removed.is_some()
    }
}

impl<T: Directory> Stream<T> {
    fn new() -> Self {
        Self {
            link: None,
            objects: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// One round; a full one where the position was lost.
    async fn read(&mut self, client: &Client) {
        let select = match T::RESOURCE {
            Resource::Groups => Select::all_of::<T>().and("members"),
            _ => Select::all_of::<T>(),
        };
        loop {
            let start = match &self.link {
                Some(link) => DeltaStart::Link(link.clone()),
                None => DeltaStart::Beginning,
            };
            match client.delta::<T>(start, &select, &[]).all().await {
                Ok((items, After::Delta(link))) => {
                    self.merge(items);
                    self.link = Some(link);
                    return;
                }
                Ok((_, after)) => panic!("a round ended with {after:?}"),
                Err(Error::DeltaExpired { .. }) => *self = Self::new(),
                // Twice refused in a row, twice throttled: the run fails, the next one goes on.
                Err(error) => assert!(
                    error.is_retryable() || matches!(error, Error::TokenRefused { .. }),
                    "{error}"
                ),
            }
        }
    }

    fn merge(&mut self, items: Vec<T>) {
        for item in items {
            if item.is_removed() {
                self.objects.remove(&item.id());
                self.members.remove(&item.id());
                continue;
            }
            let members = self.members.entry(item.id()).or_default();
            for op in item.members() {
                if op.removed {
                    members.remove(&op.id);
                } else {
                    members.insert(op.id);
                }
            }
            self.objects.insert(item.id(), item);
        }
    }

    /// Every object with every property that was selected and has a value.
    fn shown(&self) -> BTreeMap<Uuid, BTreeMap<String, Value>> {
        let shown = |item: &T| known::<T>(&serde_json::to_value(item).unwrap());
        self.objects
            .iter()
            .map(|(id, item)| (*id, shown(item)))
            .collect()
    }
}

/// Equal, or the first object that isn't.
fn same<V: PartialEq + std::fmt::Debug>(read: &BTreeMap<Uuid, V>, there: &BTreeMap<Uuid, V>) {
    let ids: BTreeSet<&Uuid> = read.keys().chain(there.keys()).collect();
    for id in ids {
        assert_eq!(read.get(id), there.get(id), "{id}, as read and as it is");
    }
}

/// An object without what has no value.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// The properties that both sides tell in full.
fn known<T: Item>(object: &Value) -> BTreeMap<String, Value> {
    let names = T::SELECT
        .iter()
        .filter(|name| !matches!(**name, "id" | "assignedLicenses"));
    names
        .filter_map(|name| {
            let value = object.get(name)?;
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            (!empty).then(|| ((*name).to_owned(), without_nulls(value)))
        })
        .collect()
}

fn truth<T: Item>(
    objects: impl IntoIterator<Item = (Uuid, BTreeMap<String, Value>)>,
) -> BTreeMap<Uuid, BTreeMap<String, Value>> {
    objects
        .into_iter()
        .map(|(id, attributes)| {
            (
                id,
                known::<T>(&Value::Object(attributes.into_iter().collect())),
            )
        })
        .collect()
}

struct Mirror {
    users: Stream<UserItem>,
    groups: Stream<GroupItem>,
    contacts: Stream<ContactItem>,
    devices: Stream<DeviceItem>,
}

impl Mirror {
    fn new() -> Self {
        Self {
            users: Stream::new(),
            groups: Stream::new(),
            contacts: Stream::new(),
            devices: Stream::new(),
        }
    }

    async fn read(&mut self, client: &Client) {
        self.users.read(client).await;
        self.groups.read(client).await;
        self.contacts.read(client).await;
        self.devices.read(client).await;
    }

    fn memberships(&self) -> BTreeSet<(Uuid, Uuid)> {
        let alive = |id: &Uuid| {
            self.users.objects.contains_key(id)
                || self.groups.objects.contains_key(id)
                || self.contacts.objects.contains_key(id)
                || self.devices.objects.contains_key(id)
        };
        let groups = self.groups.members.iter();
        groups
            .flat_map(|(group, members)| {
                members
                    .iter()
                    .filter(|id| alive(id))
                    .map(|member| (*group, *member))
            })
            .collect()
    }

    fn check(&self, control: &Control) {
        let there = control.snapshot();
        let users = there
            .users
            .into_iter()
            .map(|user| (user.id, user.attributes));
        same(&self.users.shown(), &truth::<UserItem>(users));
        for group in &there.groups {
            let kind = self.groups.objects[&group.id].kind().unwrap();
            assert_eq!(
                Value::from(kind.as_str()),
                serde_json::to_value(group.kind).unwrap()
            );
            assert_eq!(self.groups.objects[&group.id].is_dynamic(), group.dynamic);
        }
        let groups = there
            .groups
            .into_iter()
            .map(|group| (group.id, group.attributes));
        same(&self.groups.shown(), &truth::<GroupItem>(groups));
        let contacts = there
            .contacts
            .into_iter()
            .map(|object| (object.id, object.attributes));
        same(&self.contacts.shown(), &truth::<ContactItem>(contacts));
        let devices = there
            .devices
            .into_iter()
            .map(|object| (object.id, object.attributes));
        same(&self.devices.shown(), &truth::<DeviceItem>(devices));
        // Service principals are members like others, but nobody reads them.
        let edges = there.memberships.iter();
        let edges = edges.filter(|edge| edge.member_type != Kind::ServicePrincipal);
        let edges: BTreeSet<_> = edges.map(|edge| (edge.group_id, edge.member_id)).collect();
        let read = self.memberships();
        let (more, less) = (read.difference(&edges), edges.difference(&read));
        assert_eq!((more.collect::<Vec<_>>(), less.collect()), (vec![], vec![]));
    }
}

async fn follow(seed: u64, faults: f64) {
    let world = World::start(seed, 250).await;
    world
        .control
        .set_faults(FaultPlan::recoverable(seed, faults));
    let client = world.client();
    let mut mirror = Mirror::new();
    mirror.read(&client).await;
    mirror.check(&world.control);
    for round in 0..6 {
        world.control.random_changes(40, seed * 100 + round);
        mirror.read(&client).await;
        mirror.check(&world.control);
    }
}

#[tokio::test]
async fn rounds_end_up_with_what_is_there() {
    for seed in 1..=3 {
        follow(seed, 0.0).await;
    }
}

#[tokio::test]
async fn rounds_end_up_with_what_is_there_in_spite_of_faults() {
    for seed in 4..=6 {
        follow(seed, 0.02).await;
    }
}

#[tokio::test]
async fn a_group_that_was_away_between_two_rounds_names_who_left() {
    let world = World::start(9, 60).await;
    let client = world.client();
    let mut mirror = Mirror::new();
    mirror.read(&client).await;
    let there = world.control.snapshot();
    // Only Microsoft 365 groups go to the bin (graph.md §3.3).
    let restorable: BTreeSet<_> = there
        .groups
        .iter()
        .filter(|group| group.kind == simulator::GroupKind::Microsoft365)
        .map(|group| group.id)
        .collect();
    let edge = *there
        .memberships
        .iter()
        .find(|edge| restorable.contains(&edge.group_id))
        .unwrap();
    world.control.delete(edge.group_id).unwrap();
    world.control.restore(edge.group_id).unwrap();
    world
        .control
        .remove_members(edge.group_id, &[edge.member_id])
        .unwrap();
    mirror.read(&client).await;
    mirror.check(&world.control);
}

#[tokio::test]
async fn latest_has_only_what_changes_from_then_on() {
    let world = World::start(1, 50).await;
    let client = world.client();
    let select = Select::all_of::<UserItem>();
    let (items, after) = client
        .users_delta(DeltaStart::Latest, &select)
        .all()
        .await
        .unwrap();
    assert!(items.is_empty());
    let After::Delta(link) = after else {
        panic!("{after:?}")
    };
    let user = world.control.snapshot().users[0].id;
    world.control.rename(user, "Ada Lovelace").unwrap();
    let round = client
        .users_delta(DeltaStart::Link(link), &select)
        .all()
        .await
        .unwrap();
    assert_eq!(round.0.len(), 1);
    assert_eq!(round.0[0].display_name.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn selected_groups_cost_what_they_hold() {
    let world = World::start(2, 2_000).await;
    let there = world.control.snapshot();
    let client = world.client();
    let ids: Vec<Uuid> = there.groups.iter().take(3).map(|group| group.id).collect();
    let select = Select::all_of::<GroupItem>().and("members");
    let round = client.groups_delta(DeltaStart::Beginning, &select, &ids);
    let (items, _) = round.all().await.unwrap();
    let mut read = BTreeMap::<Uuid, BTreeSet<Uuid>>::new();
    for item in items {
        let members = item.members.iter().filter(|op| !op.removed).map(|op| op.id);
        read.entry(item.id).or_default().extend(members);
    }
    for id in &ids {
        let edges = there.memberships.iter().filter(|edge| edge.group_id == *id);
        let expected: BTreeSet<Uuid> = edges.map(|edge| edge.member_id).collect();
        assert_eq!(read[id], expected);
        let (members, _) = client.group_members(*id).all().await.unwrap();
        let listed: BTreeSet<Uuid> = members.iter().map(|member| member.id).collect();
        assert_eq!(listed, expected);
    }
    assert_eq!(read.len(), 3);
    let ids: Vec<Uuid> = there.users.iter().take(700).map(|user| user.id).collect();
    let select = Select::all_of::<UserItem>();
    let users: Vec<UserItem> = client.get_by_ids(&ids, &select).await.unwrap();
    let names: BTreeMap<_, _> = users
        .into_iter()
        .map(|user| (user.id, user.display_name))
        .collect();
    assert_eq!(names.len(), 700);
    assert!(
        there.users[..700]
            .iter()
            .all(|user| names[&user.id] == user.display_name)
    );
    let requests = client.usage().requests;
    assert!(requests < 20, "{requests} requests");
}

#[tokio::test]
async fn groups_are_found_and_counted() {
    let world = World::start(3, 300).await;
    let client = world.client();
    let there = world.control.snapshot();
    let named = there
        .groups
        .iter()
        .find(|group| group.display_name.is_some())
        .unwrap();
    let name = named.display_name.clone().unwrap();
    let hits = client.search_groups(&name, 20).await.unwrap();
    assert!(
        hits.iter().any(|hit| hit.id == named.id),
        "{name} isn't among {hits:?}"
    );
    let ids: Vec<Uuid> = there.groups.iter().take(20).map(|group| group.id).collect();
    let counts = client.member_counts(&ids).await.unwrap();
    for id in ids {
        let edges = there
            .memberships
            .iter()
            .filter(|edge| edge.group_id == id)
            .count();
        assert_eq!(counts[&id], u64::try_from(edges).unwrap());
    }
}

#[tokio::test]
async fn a_certificate_signs_in_over_https() {
    let (farm, clock) = World::build(5, 30);
    let authority = Authority::new().unwrap();
    let running = farm
        .serve_tls(([127, 0, 0, 1], 0).into(), &authority)
        .await
        .unwrap();
    let world = World::over(&farm, running, clock);
    let certificate = Certificate::parse(
        &world.tenant.certificate_pem,
        &world.tenant.private_key_pem.clone().into(),
    )
    .unwrap();
    let credential = Credential::certificate(world.tenant.client_id, certificate);
    let options = HttpOptions {
        extra_roots_pem: authority.ca_pem().to_owned(),
        ..HttpOptions::default()
    };
    let client = world.client_with(&world.tenant.domain, credential.clone(), &options);
    let token = client.token().await.unwrap();
    assert_eq!(token.tenant_id, Some(world.tenant.tenant_id));
    assert!(
        Resource::ALL.iter().all(|resource| token.allows(*resource)),
        "{token:?}"
    );
    let organization = client.organization().await.unwrap();
    assert_eq!(organization.id, world.tenant.tenant_id);
    for resource in Resource::ALL {
        client.probe(resource).await.unwrap();
    }
    let stranger = world.client_with(&world.tenant.domain, credential, &HttpOptions::default());
    assert_eq!(stranger.token().await.unwrap_err().code(), "tls");
}

#[tokio::test]
async fn sign_in_fails_for_the_reason_that_there_is() {
    let world = World::start(6, 30).await;
    let options = HttpOptions::default();
    let domain = world.tenant.domain.as_str();
    let wrong = Credential::secret(world.tenant.client_id, "wrong".into());
    for (tenant, credential, code, stage) in [
        (domain, wrong, "AADSTS7000215", Stage::Credential),
        (
            "nobody.example",
            world.secret(),
            "AADSTS90002",
            Stage::Tenant,
        ),
        (
            domain,
            Credential::secret(Uuid::from_u128(1), "x".into()),
            "AADSTS700016",
            Stage::Credential,
        ),
    ] {
        let error = world
            .client_with(tenant, credential, &options)
            .token()
            .await
            .unwrap_err();
        assert_eq!((error.code(), error.stage()), (code, stage), "{error}");
        assert!(error.is_authentication());
    }
    for (state, code) in [
        (AppState::Unknown, "AADSTS700016"),
        (AppState::NotConsented, "AADSTS7000229"),
        (AppState::Disabled, "AADSTS7000112"),
        (AppState::Blocked, "AADSTS53003"),
        (AppState::ResourceDisabled, "AADSTS500014"),
    ] {
        world.control.set_app_state(state);
        assert_eq!(world.client().token().await.unwrap_err().code(), code);
    }
    world.control.set_app_state(AppState::Ready);
    world.control.revoke_role("Device.Read.All");
    let client = world.client();
    assert!(!client.token().await.unwrap().allows(Resource::Devices));
    let error = client.probe(Resource::Devices).await.unwrap_err();
    assert_eq!(error.code(), "permission_missing");
    assert!(
        error.request_id().is_some() && error.date().is_some(),
        "{error:?}"
    );
    world.control.expire_secrets();
    assert_eq!(
        world.client().token().await.unwrap_err().code(),
        "AADSTS7000222"
    );
}

#[tokio::test]
async fn broken_rounds_end_with_their_name() {
    let world = World::start(7, 900).await;
    let select = Select::all_of::<UserItem>();
    for (fault, times, code) in [
        (Fault::ShortAnswer, 1, "incomplete"),
        (Fault::EndlessLink, 1_000, "endless_round"),
        (Fault::EndlessChain, 1_000, "endless_round"),
        (Fault::ForeignLink, 1, "foreign_link"),
        (Fault::Forbidden, 1, "permission_missing"),
        (Fault::Unauthorized, 2, "token_refused"),
        (Fault::Truncated, 10, "connection_lost"),
        (Fault::Cut, 10, "connection_lost"),
        (Fault::ThrottledSilently, 10, "throttled"),
        (Fault::GatewayTimeout, 10, "unavailable"),
        (Fault::NotImplemented, 1, "refused"),
    ] {
        world.control.order(OneShot {
            path: "/users/delta".to_owned(),
            fault,
            times,
        });
        let round = world
            .client()
            .users_delta(DeltaStart::Beginning, &select)
            .all()
            .await;
        let error = round.unwrap_err();
        assert_eq!(error.code(), code, "{fault:?}: {error}");
        world.control.clear_faults();
    }
}

#[tokio::test]
async fn a_small_quota_only_makes_it_slow() {
    let world = World::start(8, 1_500).await;
    world
        .control
        .configure(|settings| settings.quota_units = Some(3));
    let client = world.client();
    let select = Select::all_of::<UserItem>();
    let (items, _) = client
        .users_delta(DeltaStart::Beginning, &select)
        .all()
        .await
        .unwrap();
    let alive = items.iter().filter(|item| item.removed.is_none()).count();
    assert_eq!(alive, world.control.snapshot().users.len());
    assert!(
        client.usage().requests > 9,
        "nothing was throttled: {:?}",
        client.usage()
    );
}
