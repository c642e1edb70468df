//! What a test or a demo can do to a tenant from outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::config::{AppState, Settings};
use crate::directory::changes::{ChangeError, assign};
use crate::directory::object::{Life, Object, Ref};
use crate::directory::schema::{self, Kind};
use crate::directory::snapshot::{GroupKind, Snapshot};
use crate::entra::certificate::{CertificateError, Registered};
use crate::farm::{random_id, random_secret};
use crate::faults::{Fault, FaultPlan, OneShot, Rewrite};
use crate::stats::{LoggedRequest, Stats};
use crate::tenant::{EpochEnd, Secret, Tenant};

/// Attributes by their Graph names; null clears one.
pub type Attributes = BTreeMap<String, Json>;

/// A handle on one tenant.
#[derive(Debug, Clone)]
pub struct Control {
    pub(crate) tenant: Arc<Tenant>,
}

impl Control {
    pub(crate) fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant }
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> Uuid {
        self.tenant.id
    }

    /// The whole truth about the directory at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.tenant.empty_bin();
        self.tenant.directory().snapshot(self.tenant.id)
    }

    fn new_id(&self) -> Uuid {
        let sequence = self.tenant.directory().sequence();
        let mut rng = ChaCha8Rng::from_seed(self.tenant.key);
        rng.set_stream(u64::MAX - sequence);
        random_id(&mut rng)
    }

    fn create(&self, mut object: Object, attributes: &Attributes) -> Result<Uuid, ChangeError> {
        for (name, value) in attributes {
            assign(&mut object, name, value)?;
        }
        let id = object.id;
        self.tenant
            .directory_mut()
            .create(self.tenant.now_ms(), object)?;
        Ok(id)
    }

    /// Creates an enabled member with this display name and user principal name and whatever
    /// `attributes` say. Returns its id.
    pub fn create_user(
        &self,
        display_name: &str,
        user_principal_name: &str,
        attributes: &Attributes,
    ) -> Result<Uuid, ChangeError> {
        let mut user = Object::new(Kind::User, self.new_id(), self.tenant.now());
        user.set_text(schema::DISPLAY_NAME, display_name.to_owned());
        user.set_text(schema::user::UPN, user_principal_name.to_owned());
        user.set_text(schema::user::USER_TYPE, "Member");
        user.set_flag(schema::user::ENABLED, Some(true));
        self.create(user, attributes)
    }

    /// Creates a group. Returns its id.
    pub fn create_group(
        &self,
        display_name: &str,
        kind: GroupKind,
        attributes: &Attributes,
    ) -> Result<Uuid, ChangeError> {
        let mut group = Object::new(Kind::Group, self.new_id(), self.tenant.now());
        group.set_text(schema::DISPLAY_NAME, display_name.to_owned());
        crate::seed::set_group_kind(&mut group, kind);
        self.create(group, attributes)
    }

    /// Creates an organisational contact or a device. Returns its id.
    pub fn create_object(&self, kind: Kind, attributes: &Attributes) -> Result<Uuid, ChangeError> {
        self.create(
            Object::new(kind, self.new_id(), self.tenant.now()),
            attributes,
        )
    }

    /// Sets attributes of a living object.
    pub fn update(&self, id: Uuid, attributes: &Attributes) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        let mut directory = self.tenant.directory_mut();
        let at = directory.require(id, "living object", Object::is_alive)?;
        // All or nothing: tried on a copy first.
        let mut trial = directory.get(at).clone();
        for (name, value) in attributes {
            assign(&mut trial, name, value)?;
        }
        attributes
            .iter()
            .try_for_each(|(name, value)| directory.set(now, at, name, value))
    }

    fn set(&self, id: Uuid, name: &str, value: Json) -> Result<(), ChangeError> {
        self.update(id, &Attributes::from([(name.to_owned(), value)]))
    }

    /// Changes `displayName`.
    pub fn rename(&self, id: Uuid, display_name: &str) -> Result<(), ChangeError> {
        self.set(id, "displayName", display_name.into())
    }

    /// Changes `userPrincipalName`.
    pub fn move_upn(&self, id: Uuid, user_principal_name: &str) -> Result<(), ChangeError> {
        self.set(id, "userPrincipalName", user_principal_name.into())
    }

    /// Changes `accountEnabled`.
    pub fn set_enabled(&self, id: Uuid, enabled: bool) -> Result<(), ChangeError> {
        self.set(id, "accountEnabled", enabled.into())
    }

    /// Deletes: users and Microsoft 365 groups go to the bin, the rest is gone.
    pub fn delete(&self, id: Uuid) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        let mut directory = self.tenant.directory_mut();
        let at = directory.require(id, "living object", Object::is_alive)?;
        directory.delete(now, at, false);
        Ok(())
    }

    /// Puts any kind of object into the bin: whether Entra ID keeps devices and contacts for a while
    /// isn't known (graph.md §3.3), and clients have to take it.
    pub fn delete_softly(&self, id: Uuid) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        let mut directory = self.tenant.directory_mut();
        let at = directory.require(id, "living object", Object::is_alive)?;
        directory.put_into_bin(now, at);
        Ok(())
    }

    /// Deletes for good, from the bin too.
    pub fn hard_delete(&self, id: Uuid) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        let mut directory = self.tenant.directory_mut();
        let there = |object: &Object| object.life != Life::Purged;
        let at = directory.require(id, "object, living or in the bin,", there)?;
        directory.delete(now, at, true);
        Ok(())
    }

    /// Brings an object back from the bin.
    pub fn restore(&self, id: Uuid) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        let mut directory = self.tenant.directory_mut();
        let binned = |object: &Object| matches!(object.life, Life::Binned(_));
        let at = directory.require(id, "object in the bin", binned)?;
        directory.restore(now, at);
        Ok(())
    }

    fn with_members(
        &self,
        group: Uuid,
        members: &[Uuid],
        mut change: impl FnMut(&mut crate::directory::Directory, Ref, Ref) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let mut directory = self.tenant.directory_mut();
        let is_group = |object: &Object| object.is_alive() && object.kind == Kind::Group;
        let group = directory.require(group, "living group", is_group)?;
        let refs: Result<Vec<Ref>, ChangeError> = members
            .iter()
            .map(|id| directory.require(*id, "living object", Object::is_alive))
            .collect();
        refs?
            .into_iter()
            .try_for_each(|member| change(&mut directory, group, member))
    }

    /// Adds members; those that are members already stay.
    pub fn add_members(&self, group: Uuid, members: &[Uuid]) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        self.with_members(group, members, |directory, group, member| {
            directory.link(now, group, member).map(drop)
        })
    }

    /// Takes members out; those that aren't members don't matter.
    pub fn remove_members(&self, group: Uuid, members: &[Uuid]) -> Result<(), ChangeError> {
        let now = self.tenant.now_ms();
        self.with_members(group, members, |directory, group, member| {
            directory.unlink(now, group, member);
            Ok(())
        })
    }

    /// Makes `count` changes as they happen in a tenant, decided by `seed`. Returns what was
    /// done, in words.
    pub fn random_changes(&self, count: usize, seed: u64) -> Vec<String> {
        crate::random::change(&self.tenant, count, seed)
    }

    /// The same of contacts and devices: they come, change, go, and join and leave groups.
    pub fn random_changes_of_others(&self, count: usize, seed: u64) -> Vec<String> {
        crate::random::change_others(&self.tenant, count, seed)
    }

    /// The switches as they stand.
    pub fn settings(&self) -> Settings {
        self.tenant.settings()
    }

    /// Sets the switches.
    pub fn set_settings(&self, settings: Settings) {
        self.tenant.set_settings(settings);
    }

    /// Changes the switches.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        self.set_settings(settings);
    }

    /// Faults by chance, until the next plan.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.tenant.faults().set_plan(plan);
    }

    /// The plan in force.
    pub fn faults(&self) -> FaultPlan {
        self.tenant.faults().plan.clone()
    }

    /// No more faults, neither by chance nor ordered.
    pub fn clear_faults(&self) {
        let mut faults = self.tenant.faults();
        faults.queue.clear();
        faults.rewrites.clear();
        faults.set_plan(FaultPlan::default());
    }

    /// The first `from` in each answer to a path that contains `path` becomes `to`, until the faults
    /// are cleared: to say what no directory would.
    pub fn rewrite(&self, path: &str, from: &str, to: &str) {
        self.tenant.faults().rewrites.push(Rewrite {
            path: path.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    /// The next request that `fault` fits and whose path contains `path` meets it.
    pub fn next(&self, path: &str, fault: Fault) {
        self.order(OneShot {
            path: path.to_owned(),
            fault,
            times: 1,
        });
    }

    /// As [`Control::next`], several times.
    pub fn order(&self, shot: OneShot) {
        self.tenant.faults().queue.push_back(shot);
    }

    /// All delta tokens given out so far answer 400 `syncStateNotFound` from now on.
    pub fn expire_delta_tokens(&self) {
        self.tenant.end_epoch(EpochEnd::Expired);
    }

    /// All delta tokens given out so far answer 410 `resyncRequired` from now on.
    pub fn require_resync(&self) {
        self.tenant.end_epoch(EpochEnd::Resync);
    }

    /// How the tenant stands to the application.
    pub fn app_state(&self) -> AppState {
        self.tenant.app().state
    }

    /// Sets how the tenant stands to the application.
    pub fn set_app_state(&self, state: AppState) {
        self.tenant.app_mut().state = state;
    }

    /// The application roles granted.
    pub fn roles(&self) -> Vec<String> {
        self.tenant.app().roles.iter().cloned().collect()
    }

    /// Grants exactly these application roles; tokens already given out keep theirs.
    pub fn set_roles(&self, roles: impl IntoIterator<Item = impl Into<String>>) {
        self.tenant.app_mut().roles = roles.into_iter().map(Into::into).collect();
    }

    /// Takes one application role away.
    pub fn revoke_role(&self, role: &str) {
        self.tenant.app_mut().roles.remove(role);
    }

    /// Adds a client secret beside those there are, good for so many seconds or for ever.
    pub fn add_secret(&self, expires_in_s: Option<i64>) -> String {
        let mut app = self.tenant.app_mut();
        let mut rng = ChaCha8Rng::from_seed(self.tenant.key);
        rng.set_stream(1 + app.secrets.len() as u64);
        let value = random_secret(&mut rng);
        let expires_at = expires_in_s.map(|seconds| self.tenant.now() + seconds);
        app.secrets.push(Secret {
            value: value.clone(),
            expires_at,
        });
        value
    }

    /// Every secret there is expires now; it stays known.
    pub fn expire_secrets(&self) {
        let now = self.tenant.now();
        self.tenant
            .app_mut()
            .secrets
            .iter_mut()
            .for_each(|secret| secret.expires_at = Some(now));
    }

    /// Forgets this secret.
    pub fn remove_secret(&self, value: &str) {
        self.tenant
            .app_mut()
            .secrets
            .retain(|secret| secret.value != value);
    }

    /// Registers a certificate (PEM) for the application.
    pub fn add_certificate(&self, pem: &str) -> Result<(), CertificateError> {
        let registered = Registered::from_pem(pem)?;
        self.tenant.app_mut().certificates.push(registered);
        Ok(())
    }

    /// Forgets all certificates.
    pub fn remove_certificates(&self) {
        self.tenant.app_mut().certificates.clear();
    }

    /// What was asked since the start or the last reset.
    pub fn stats(&self) -> Stats {
        self.tenant.meter().stats.clone()
    }

    /// Counts from nothing again and forgets the log.
    pub fn reset_stats(&self) {
        let mut meter = self.tenant.meter();
        meter.stats = Stats::default();
        meter.log.clear();
    }

    /// The last requests, oldest first.
    pub fn request_log(&self) -> Vec<LoggedRequest> {
        self.tenant.meter().log.iter().cloned().collect()
    }
}
