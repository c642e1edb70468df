//! One database from its first full sync to a delta with 1 % changed.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use backend::{
    Backend, Cloud, Clouds, Settings, auth::command_line_scope, fetch_one, fetch_optional, jobs,
    store, sync,
};
use domain::{
    credential_profile::{CredentialKind, NewCredentialProfile},
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    integration::{IntegrationKind, NewIntegration},
    policy::{Guard, Limit, ObjectType, Policy},
    run::{RunMode, RunTrigger},
    schedule::Schedule,
};
use serde::{Deserialize, Serialize};
use sqlx::Connection;

use crate::{
    Asked, Result,
    farm::{Control, Simulator, Tenant},
    floor,
    machine::{forget_peak, memory},
};

/// How often the phase is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What came out.
#[derive(Debug)]
pub struct Measured {
    /// Downloading alone.
    pub floor_download: Duration,
    /// Loading alone.
    pub floor_load: Duration,
    /// The first full sync.
    pub full: Synced,
    /// Peak resident memory of the full sync over that before it, kB.
    pub peak_kb: u64,
    /// A second full sync.
    pub again: Synced,
    /// A delta run without changes.
    pub quiet: Synced,
    /// A delta run with 1 % changed.
    pub one_percent: Synced,
}

impl Measured {
    /// What no sync can be faster than.
    pub fn floor(&self) -> Duration {
        self.floor_download + self.floor_load
    }
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Synced {
    /// From the press of the button to the end.
    pub took: Duration,
    /// Requests it sent.
    pub requests: i64,
    /// What Graph billed.
    pub resource_units: i64,
    /// Changes that it applied.
    pub changed: i64,
    /// How long it stood in each phase, as far as looking every few milliseconds tells.
    pub phases: BTreeMap<String, Duration>,
}

/// Looks at the phase of an open run until it ends.
pub async fn watch(b: Backend, id: RunId) -> BTreeMap<String, Duration> {
    let mut phases = BTreeMap::new();
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(mut tx) = b.db.read().await else {
            return phases;
        };
        let open = fetch_optional!(
            &mut tx,
            (String,),
            "SELECT phase FROM run WHERE id = $1 AND status IN ('queued', 'running')",
            id
        );
        let Ok(Some((phase,))) = open else {
            return phases;
        };
        *phases.entry(phase).or_default() += last.elapsed();
        last = Instant::now();
    }
}

/// Measures everything on SQLite, or on a new database of the server.
pub async fn all(asked: &Asked, postgres: Option<&String>) -> Result<Measured> {
    let simulator = Simulator::start(asked).await?;
    let tenant = simulator.tenant()?;
    let folder = tempfile::tempdir()?;
    let b = open(folder.path(), postgres, &tenant.origin).await?;
    let integration = connect(&b, tenant).await?;
    jobs::run_until_idle(&b).await?;

    // Once before, so that neither side meets a cold simulator.
    floor::download(tenant).await?;
    let floor_download = floor::download(tenant).await?;
    let idle = memory("VmRSS")?;
    forget_peak()?;
    let full = run(&b, integration, RunMode::Full).await?;
    let peak_kb = memory("VmHWM")?.saturating_sub(idle);
    let quiet = run(&b, integration, RunMode::Delta).await?;
    let again = run(&b, integration, RunMode::Full).await?;
    let changes = (asked.users + asked.groups) / 100;
    Control::new()?.change(tenant, changes).await?;
    let one_percent = run(&b, integration, RunMode::Delta).await?;
    let floor_load = floor::load(&b).await?;
    b.db.close().await;
    Ok(Measured {
        floor_download,
        floor_load,
        full,
        peak_kb,
        again,
        quiet,
        one_percent,
    })
}

/// An installation in the folder: on SQLite, or on a new database of the server.
pub async fn open(folder: &Path, postgres: Option<&String>, origin: &str) -> Result<Backend> {
    let url = match postgres {
        None => format!("sqlite://{}/rollcall.db", folder.display()),
        Some(server) => fresh(server).await?,
    };
    let clouds = Clouds::new([Cloud::parse("sim", "Simulator", origin, origin)?])?;
    let settings = Settings::in_folder(folder.to_owned());
    Ok(backend::open(settings, clouds, &url, &folder.join("master.key")).await?)
}

async fn run(b: &Backend, integration: IntegrationId, mode: RunMode) -> Result<Synced> {
    let begun = Instant::now();
    let trigger = RunTrigger::Operator;
    let scope = command_line_scope();
    let started = sync::start(b, &scope, integration, mode, trigger).await?;
    let watching = tokio::spawn(watch(b.clone(), started.id));
    jobs::run_until_idle(b).await?;
    let took = begun.elapsed();
    outcome(b, started.id, took, watching.await?).await
}

/// What came out of a run that ended; an error unless it went well.
pub async fn outcome(
    b: &Backend,
    id: RunId,
    took: Duration,
    phases: BTreeMap<String, Duration>,
) -> Result<Synced> {
    let mut tx = b.db.read().await?;
    let (requests, resource_units, status, error, changed) = fetch_one!(
        &mut tx,
        (i64, i64, String, Option<String>, i64),
        "SELECT requests, resource_units, status, error, applied FROM run WHERE id = $1",
        id
    )?;
    if !matches!(status.as_str(), "succeeded" | "nothing_to_do") {
        return Err(format!("the run ended {status}: {error:?}").into());
    }
    Ok(Synced {
        took,
        requests,
        resource_units,
        changed,
        phases,
    })
}

/// One customer with one integration, of the whole tenant.
pub async fn connect(b: &Backend, tenant: &Tenant) -> Result<IntegrationId> {
    let customer = store::customers::create(b, &command_line_scope(), "Bench").await?;
    let profile = profile(b, tenant).await?;
    integration(b, customer.id, profile, &tenant.domain).await
}

/// The tenant's application, for every customer.
pub async fn profile(b: &Backend, tenant: &Tenant) -> Result<CredentialProfileId> {
    let profile = NewCredentialProfile {
        customer_id: None,
        name: "Bench".to_owned(),
        kind: CredentialKind::ClientSecret,
        client_id: tenant.client_id.to_string(),
        client_secret: Some(tenant.client_secret.clone()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    };
    let scope = command_line_scope();
    Ok(store::credential_profiles::create(b, &scope, profile)
        .await?
        .id)
}

/// An integration that reads everybody, with a guard that holds nothing and a schedule that
/// doesn't come true meanwhile.
pub async fn integration(
    b: &Backend,
    customer: CustomerId,
    profile: CredentialProfileId,
    tenant: &str,
) -> Result<IntegrationId> {
    let limit = Limit {
        max_count: None,
        max_percent: 100,
    };
    let new = NewIntegration {
        kind: IntegrationKind::EntraId,
        tenant: tenant.to_owned(),
        cloud: "sim".to_owned(),
        credential_profile_id: profile,
        enabled: true,
        schedule: Schedule::every(10_080),
        policy: Policy {
            object_types: vec![ObjectType::User, ObjectType::Group],
            guard: Guard {
                user: limit,
                group: limit,
                membership: limit,
                contact: limit,
                device: limit,
            },
            ..Policy::default()
        },
    };
    let scope = command_line_scope();
    Ok(store::integrations::create(b, &scope, customer, new)
        .await?
        .id)
}

/// What this process's database on a server is called.
pub fn database() -> String {
    format!("bench_{}", std::process::id())
}

async fn fresh(server: &str) -> Result<String> {
    let name = database();
    let mut connection = sqlx::PgConnection::connect(server).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await?;
    let (base, _) = server
        .rsplit_once('/')
        .ok_or("the server's address names no database")?;
    Ok(format!("{base}/{name}"))
}
