//! A tenant, a customer and an integration between them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    policy::{Guard, Limit, ObjectType, Policy},
    run::{Run, RunMode, RunStatus, RunTrigger},
};
use secrecy::SecretString;
use serde_json::Value;
use simulator::{
    Control, Farm, FarmConfig, GroupKind, Kind as Member, ObjectSnapshot, RunningFarm, Snapshot,
    TenantConfig,
};
use uuid::Uuid;

use super::super::starting;
use crate::{
    Cloud, Clouds, Scope, execute, fetch_all, fetch_one, fetch_scalar,
    jobs::run_until_idle,
    sealer::{Place, places},
    testing::{Kind, TestBackend},
};

/// Everything a test needs.
pub(super) struct World {
    pub t: TestBackend,
    pub control: Control,
    pub integration: IntegrationId,
    pub policy: Policy,
    _running: RunningFarm,
}

/// A tenant of this many users, everything else in proportion.
pub(super) fn tenant(seed: u64, users: usize) -> FarmConfig {
    FarmConfig {
        tenants: vec![TenantConfig {
            groups: users / 5 + 6,
            memberships: users * 3,
            ..TenantConfig::sized(users)
        }],
        ..FarmConfig::with_users(seed, users)
    }
}

/// A guard that never holds.
pub(super) fn no_guard() -> Guard {
    let limit = Limit {
        max_count: None,
        max_percent: 100,
    };
    Guard {
        user: limit,
        group: limit,
        membership: limit,
        contact: limit,
        device: limit,
    }
}

impl World {
    /// None where the database can't be had.
    pub async fn new(kind: Kind, config: FarmConfig) -> Option<Self> {
        let farm = Farm::new(config);
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let origin = running.origin();
        let cloud = Cloud::parse("sim", "Simulator", &origin, &origin).unwrap();
        let t = TestBackend::with_clouds(kind, Clouds::new([cloud]).unwrap()).await?;
        let info = farm.tenants().remove(0);
        let mut world = Self {
            integration: IntegrationId(t.ids.uuid()),
            control: farm.control(info.tenant_id),
            policy: Policy {
                guard: no_guard(),
                ..Policy::default()
            },
            t,
            _running: running,
        };
        world.connect(&info).await;
        world.save_policy().await;
        Some(world)
    }

    async fn connect(&mut self, info: &simulator::TenantInfo) {
        let (customer, profile) = (
            CustomerId(self.t.ids.uuid()),
            CredentialProfileId(self.t.ids.uuid()),
        );
        let now = self.t.clock.now();
        let place = Place::new(places::CREDENTIAL_SECRET, profile.0);
        let secret = SecretString::from(info.client_secret.clone());
        let mut tx = self.t.db.write().await.unwrap();
        let sealed = self.t.sealer.seal(&mut tx, place, &secret).await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO customer (id, name, name_folded, created_at) VALUES ($1, 'C', 'c', $2)",
            customer,
            now
        )
        .unwrap();
        execute!(
            &mut tx,
            "INSERT INTO credential_profile (id, name, name_folded, kind, client_id, secret_id,
                secret_sealed, created_at, secret_set_at)
             VALUES ($1, 'P', 'p', 'client_secret', $2, $1, $3, $4, $4)",
            profile,
            info.client_id,
            sealed,
            now
        )
        .unwrap();
        execute!(
            &mut tx,
            "INSERT INTO integration (id, customer_id, kind, name, name_folded, tenant, cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at)
             VALUES ($1, $2, 'entra_id', $3, $3, $3, 'sim', $4, TRUE, TRUE, FALSE,
                '{\"every_minutes\":5}', '{}', 'not_started', 0, '', $5)",
            self.integration,
            customer,
            info.domain.as_str(),
            profile,
            now
        )
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// Stores the policy as `policy` says it.
    pub async fn save_policy(&self) {
        let mut tx = self.t.db.write().await.unwrap();
        let stored = Policy {
            selected_group_ids: Vec::new(),
            ..self.policy.clone()
        };
        execute!(
            &mut tx,
            "UPDATE integration SET policy = $1 WHERE id = $2",
            serde_json::to_string(&stored).unwrap(),
            self.integration
        )
        .unwrap();
        execute!(
            &mut tx,
            "DELETE FROM integration_group WHERE integration_id = $1",
            self.integration
        )
        .unwrap();
        for id in &self.policy.selected_group_ids {
            execute!(
                &mut tx,
                "INSERT INTO integration_group (integration_id, external_id) VALUES ($1, $2)",
                self.integration,
                *id
            )
            .unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Starts a run as a person does.
    pub async fn start(&self, mode: RunMode) -> RunId {
        let scope = Scope::worker();
        let run = super::super::start(
            &self.t,
            &scope,
            self.integration,
            mode,
            RunTrigger::Operator,
        );
        run.await.unwrap().id
    }

    /// Works as other workers do once a worker was killed: its leases end, and PostgreSQL may still
    /// be rolling its transaction back for a moment, so that a job is passed over.
    pub async fn recover(&self) {
        let open = "SELECT COUNT(*) FROM run WHERE status IN ('queued', 'running')";
        // What failed is tried again later and later, and a clock may have gone back meanwhile.
        let seconds = [31, 31, 31, 60, 120, 300, 600, 900, 1_800, 3_600];
        for wait in seconds {
            self.t.clock.advance(chrono::Duration::seconds(wait));
            run_until_idle(&self.t).await.unwrap();
            if self.count(open).await == 0 {
                return;
            }
        }
        let mut tx = self.t.db.read().await.unwrap();
        let jobs = fetch_all!(
            &mut tx,
            (String, i64, Option<String>, String),
            "SELECT kind, attempts, last_error, CAST(run_at AS TEXT) FROM job"
        );
        panic!("a run is lost: {:#?}", jobs.unwrap());
    }

    /// Takes away everything that was read, kept and done of the integration.
    pub async fn forget_everything(&self) {
        for table in [
            "directory_membership",
            "directory_user",
            "directory_group",
            "directory_contact",
            "directory_device",
            "source_membership",
            "source_object",
            "user_match",
            "delta_cursor",
            "run",
            "job",
        ] {
            self.execute(&format!("DELETE FROM {table}")).await;
        }
        self.execute(
            "UPDATE integration SET first_full_done = FALSE, full_scan_next = TRUE,
                state = 'not_started', read_key = NULL, planned_policy = NULL,
                last_full_at = NULL, next_run_at = NULL, last_run_id = NULL",
        )
        .await;
    }

    /// A run from its start to its end.
    pub async fn run(&self, mode: RunMode) -> Run {
        let id = self.start(mode).await;
        run_until_idle(&self.t).await.unwrap();
        self.ended(id).await
    }

    /// A run of the schedule from its start to its end; the newest line after it.
    pub async fn scheduled(&self) -> Run {
        self.t.clock.advance(chrono::Duration::minutes(5));
        run_until_idle(&self.t).await.unwrap();
        let id = self.scalar_id("SELECT last_run_id FROM integration").await;
        self.ended(id).await
    }

    async fn scalar_id(&self, sql: &'static str) -> RunId {
        let mut tx = self.t.db.read().await.unwrap();
        fetch_one!(&mut tx, (RunId,), sql).unwrap().0
    }

    /// A run that has ended, with counts that add up and nothing left behind.
    pub async fn ended(&self, id: RunId) -> Run {
        let mut tx = self.t.db.read().await.unwrap();
        let run = starting::load(&mut tx, id).await.unwrap();
        drop(tx);
        assert!(!run.status.is_open(), "{run:#?}");
        assert!(!run.counts.is_empty());
        for line in &run.counts {
            assert_eq!(line.total, line.sum(), "{line:?}");
            let counts = [
                line.created,
                line.updated,
                line.disabled,
                line.enabled,
                line.deleted,
            ];
            let others = [
                line.restored,
                line.unchanged,
                line.failed,
                line.held,
                line.blocked,
            ];
            assert!(
                counts.iter().chain(&others).all(|count| *count >= 0),
                "{line:?}"
            );
        }
        for table in ["run_staging", "run_staging_member", "run_staging_seen"] {
            assert_eq!(
                self.count(&format!("SELECT COUNT(*) FROM {table}")).await,
                0
            );
        }
        let jobs = "SELECT COUNT(*) FROM job WHERE kind = 'sync_run'";
        assert_eq!(self.count(jobs).await, 0);
        run
    }

    /// The one number of a query.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut tx = self.t.db.read().await.unwrap();
        fetch_scalar!(&mut tx, i64, sqlx::AssertSqlSafe(sql)).unwrap()
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &str) {
        let mut tx = self.t.db.write().await.unwrap();
        execute!(&mut tx, sqlx::AssertSqlSafe(sql)).unwrap();
        tx.commit().await.unwrap();
    }

    /// The directory as it is, of what came from the integration: everyone in use, or blocked; groups; memberships.
    pub async fn actual(&self) -> Directory {
        let mut tx = self.t.db.read().await.unwrap();
        let users = fetch_all!(
            &mut tx,
            UserRow,
            "SELECT external_id, status, display_name, user_principal_name, given_name, surname,
                    mail, attributes
               FROM directory_user
              WHERE integration_id = $1 AND (status = 'active'
                 OR (status = 'inactive' AND status_reason = 'sign_in_blocked'))",
            self.integration
        )
        .unwrap();
        let groups = fetch_all!(
            &mut tx,
            (Uuid, String, String, bool),
            "SELECT external_id, display_name, kind, dynamic FROM directory_group
              WHERE status = 'active'"
        )
        .unwrap();
        let others = fetch_all!(
            &mut tx,
            OtherRow,
            "SELECT 'contact' AS object_type, external_id, status, display_name, given_name,
                    surname, mail, attributes
               FROM directory_contact WHERE status = 'active'
             UNION ALL
             SELECT 'device', external_id, status, display_name, NULL, NULL, NULL, attributes
               FROM directory_device
              WHERE status = 'active' OR (status = 'inactive' AND status_reason = 'sign_in_blocked')"
        )
        .unwrap();
        let edges = fetch_all!(
            &mut tx,
            (Uuid, Uuid),
            "SELECT g.external_id,
                    COALESCE(u.external_id, m.external_id, c.external_id, d.external_id)
               FROM directory_membership e JOIN directory_group g ON g.id = e.group_id
               LEFT JOIN directory_user u ON u.id = e.member_id AND e.member_type = 'user'
               LEFT JOIN directory_group m ON m.id = e.member_id AND e.member_type = 'group'
               LEFT JOIN directory_contact c ON c.id = e.member_id AND e.member_type = 'contact'
               LEFT JOIN directory_device d ON d.id = e.member_id AND e.member_type = 'device'"
        )
        .unwrap();
        Directory {
            users: users.into_iter().map(UserRow::shape).collect(),
            groups: groups
                .into_iter()
                .map(|(id, name, kind, dynamic)| (id, (name, kind, dynamic)))
                .collect(),
            others: others.into_iter().map(OtherRow::shape).collect(),
            edges: edges.into_iter().collect(),
        }
    }

    /// The directory as it should be, from the tenant's own account of itself and the policy.
    pub fn expected(&self) -> Directory {
        let snapshot = self.control.snapshot();
        let selected: BTreeSet<Uuid> = self
            .policy
            .selected_group_ids
            .iter()
            .map(|id| id.0)
            .collect();
        let all = selected.is_empty();
        let mut scope = selected;
        let mut size = if self.policy.include_nested {
            0
        } else {
            scope.len()
        };
        while scope.len() > size {
            size = scope.len();
            let inside = snapshot
                .memberships
                .iter()
                .filter(|edge| scope.contains(&edge.group_id) && edge.member_type == Member::Group)
                .map(|edge| edge.member_id);
            let inside: Vec<Uuid> = inside.collect();
            scope.extend(inside);
        }
        let in_scope: BTreeSet<Uuid> = snapshot
            .memberships
            .iter()
            .filter(|edge| scope.contains(&edge.group_id))
            .map(|edge| edge.member_id)
            .collect();
        let named = |name: &Option<String>| name.as_ref().is_some_and(|n| !n.trim().is_empty());
        let users: BTreeMap<Uuid, UserShape> = snapshot
            .users
            .iter()
            .filter(|_| self.policy.reads(ObjectType::User))
            .filter(|user| all || in_scope.contains(&user.id))
            .filter(|user| self.policy.include_guests || user.user_type.as_deref() != Some("Guest"))
            .filter(|user| {
                !self.policy.require_names || (named(&user.given_name) && named(&user.surname))
            })
            .map(|user| {
                let text = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
                let shape = UserShape {
                    active: user.account_enabled || !self.policy.blocked_sign_in_disables,
                    display_name: super::simulation::mapped_name(&self.policy, user),
                    names: [
                        text(&user.user_principal_name),
                        text(&user.given_name),
                        text(&user.surname),
                        text(&user.mail),
                    ],
                    attributes: some_attributes(&user.attributes),
                };
                (user.id, shape)
            })
            .collect();
        let groups: BTreeMap<Uuid, (String, String, bool)> = snapshot
            .groups
            .iter()
            .filter(|_| self.policy.reads(ObjectType::Group))
            .filter(|group| all || scope.contains(&group.id))
            .filter_map(|group| {
                let kind = match group.kind {
                    GroupKind::Security => "security",
                    GroupKind::Microsoft365 => "microsoft_365",
                    GroupKind::MailEnabledSecurity | GroupKind::Distribution => return None,
                };
                let name = group.display_name.clone().unwrap_or_default();
                Some((group.id, (name, kind.to_owned(), group.dynamic)))
            })
            .collect();
        let others = self.expected_others(&snapshot, |id| all || in_scope.contains(&id));
        let edges = snapshot
            .memberships
            .iter()
            .filter(|edge| groups.contains_key(&edge.group_id))
            .filter(|edge| match edge.member_type {
                Member::User => users.contains_key(&edge.member_id),
                Member::Group => groups.contains_key(&edge.member_id),
                Member::Contact | Member::Device => others.contains_key(&edge.member_id),
                Member::ServicePrincipal => false,
            })
            .map(|edge| (edge.group_id, edge.member_id))
            .collect();
        Directory {
            users,
            groups,
            others,
            edges,
        }
    }

    /// The contacts and devices that should be there.
    fn expected_others(
        &self,
        snapshot: &Snapshot,
        in_scope: impl Fn(Uuid) -> bool,
    ) -> BTreeMap<Uuid, OtherShape> {
        let blocks = self.policy.blocked_sign_in_disables;
        let of_type = |object_type, objects: &[ObjectSnapshot]| -> Vec<(Uuid, OtherShape)> {
            if !self.policy.reads(object_type) {
                return Vec::new();
            }
            objects
                .iter()
                .filter(|object| in_scope(object.id))
                .map(|object| {
                    let text = |name: &str| match object.attributes.get(name) {
                        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
                        _ => None,
                    };
                    let names = [text("givenName"), text("surname"), text("mail")];
                    let blocked = object.attributes.get("accountEnabled") == Some(&false.into());
                    let fallback = if object_type == ObjectType::Device {
                        text("deviceId")
                    } else {
                        let parts: Vec<String> = names[..2].iter().flatten().cloned().collect();
                        (!parts.is_empty()).then(|| parts.join(" "))
                    };
                    let shape = OtherShape {
                        object_type,
                        active: !(blocked && blocks),
                        display_name: text("displayName").or(fallback).unwrap(),
                        names,
                        attributes: some_attributes(&object.attributes),
                    };
                    (object.id, shape)
                })
                .collect()
        };
        let mut all = of_type(ObjectType::Contact, &snapshot.contacts);
        all.extend(of_type(ObjectType::Device, &snapshot.devices));
        all.into_iter().collect()
    }

    /// The law: the directory is what the tenant says of itself.
    pub async fn assert_equal(&self, when: &str) {
        let (actual, expected) = (self.actual().await, self.expected());
        assert_eq!(
            actual.users.keys().collect::<Vec<_>>(),
            expected.users.keys().collect::<Vec<_>>(),
            "users {when}"
        );
        for (id, user) in &expected.users {
            assert_eq!(&actual.users[id], user, "{id} {when}");
        }
        assert_eq!(actual.groups, expected.groups, "groups {when}");
        assert_eq!(actual.others, expected.others, "others {when}");
        let lost: Vec<_> = expected.edges.difference(&actual.edges).collect();
        let extra: Vec<_> = actual.edges.difference(&expected.edges).collect();
        assert_eq!((lost, extra), (vec![], vec![]), "memberships {when}");
    }
}

/// A directory, by the source's ids.
#[derive(Debug, PartialEq)]
pub(super) struct Directory {
    pub users: BTreeMap<Uuid, UserShape>,
    pub groups: BTreeMap<Uuid, (String, String, bool)>,
    pub others: BTreeMap<Uuid, OtherShape>,
    pub edges: BTreeSet<(Uuid, Uuid)>,
}

/// A contact or a device as it is compared.
#[derive(Debug, PartialEq)]
pub(super) struct OtherShape {
    pub object_type: ObjectType,
    pub active: bool,
    pub display_name: String,
    pub names: [Option<String>; 3],
    pub attributes: BTreeMap<String, Value>,
}

#[derive(sqlx::FromRow)]
struct OtherRow {
    object_type: ObjectType,
    external_id: Uuid,
    status: String,
    display_name: String,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
}

impl OtherRow {
    fn shape(self) -> (Uuid, OtherShape) {
        let attributes: BTreeMap<String, Value> = serde_json::from_str(&self.attributes).unwrap();
        assert!(!attributes.contains_key("approximateLastSignInDateTime"));
        let shape = OtherShape {
            object_type: self.object_type,
            active: self.status == "active",
            display_name: self.display_name,
            names: [self.given_name, self.surname, self.mail],
            attributes: some_attributes(&attributes),
        };
        (self.external_id, shape)
    }
}

/// A user as it is compared.
#[derive(Debug, PartialEq)]
pub(super) struct UserShape {
    pub active: bool,
    pub display_name: String,
    pub names: [Option<String>; 4],
    pub attributes: BTreeMap<String, Value>,
}

#[derive(sqlx::FromRow)]
struct UserRow {
    external_id: Uuid,
    status: String,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
}

impl UserRow {
    fn shape(self) -> (Uuid, UserShape) {
        let attributes = serde_json::from_str(&self.attributes).unwrap();
        let shape = UserShape {
            active: self.status == "active",
            display_name: self.display_name,
            names: [
                self.user_principal_name,
                self.given_name,
                self.surname,
                self.mail,
            ],
            attributes: some_attributes(&attributes),
        };
        (self.external_id, shape)
    }
}

/// Attributes of every form: texts, a flag, lists.
fn some_attributes(all: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    const COMPARED: [&str; 14] = [
        "jobTitle",
        "department",
        "companyName",
        "city",
        "mobilePhone",
        "businessPhones",
        "proxyAddresses",
        "employeeId",
        "phones",
        "deviceId",
        "operatingSystemVersion",
        "isCompliant",
        "isManaged",
        "trustType",
    ];
    all.iter()
        .filter(|(name, _)| COMPARED.contains(&name.as_str()))
        .filter(|(_, value)| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The status of a run and the counts of one type, for short assertions.
pub(super) fn line(run: &Run, object_type: ObjectType) -> domain::run::CountLine {
    assert_ne!(run.status, RunStatus::Failed, "{:?}", run.error);
    *run.counts
        .iter()
        .find(|line| line.object_type == object_type)
        .unwrap_or_else(|| panic!("no line {object_type} in {run:#?}"))
}
