//! The simulator in a process of its own, told what to do through its control API.

use std::{process::Stdio, time::Duration};

use serde::{Deserialize, Serialize};
use simulator::{Farm, FarmConfig, TenantConfig};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

use crate::{Asked, Result};

/// More than is ever asked: what is measured is the work, not how long Graph makes one wait.
pub const UNITS_OF_PLENTY: u32 = 1_000_000_000;

/// How to reach a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// Authority and Graph origin alike.
    pub origin: String,
    /// Its GUID.
    pub id: uuid::Uuid,
    /// Its domain.
    pub domain: String,
    /// The application.
    pub client_id: uuid::Uuid,
    /// The application's secret.
    pub client_secret: String,
}

/// Serves until its input ends.
pub async fn serve(asked: &Asked) -> Result<()> {
    let tenant = TenantConfig {
        groups: asked.groups,
        memberships: asked.memberships,
        ..TenantConfig::sized(asked.users)
    };
    let farm = Farm::new(FarmConfig {
        tenants: vec![tenant; asked.tenants],
        shared_app: true,
        ..FarmConfig::default()
    });
    let running = farm.serve(([127, 0, 0, 1], 0).into()).await?;
    let mut tenants = Vec::with_capacity(asked.tenants);
    for info in farm.secret_sign_ins() {
        farm.control(info.tenant_id)
            .configure(|settings| settings.quota_units = Some(UNITS_OF_PLENTY.into()));
        tenants.push(Tenant {
            origin: running.origin(),
            id: info.tenant_id,
            domain: info.domain,
            client_id: info.client_id,
            client_secret: info.client_secret,
        });
    }
    println!("{}", serde_json::to_string(&tenants)?);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// The other process, from here.
#[derive(Debug)]
pub struct Simulator {
    /// Its tenants, one at least.
    pub tenants: Vec<Tenant>,
    _input: ChildStdin,
    _child: Child,
}

impl Simulator {
    /// Starts it; it ends with this process.
    pub async fn start(asked: &Asked) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--simulator", "--users", &asked.users.to_string()])
            .args(["--groups", &asked.groups.to_string()])
            .args(["--memberships", &asked.memberships.to_string()])
            .args(["--tenants", &asked.tenants.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("the simulator takes no lines")?;
        let output = child.stdout.take().ok_or("the simulator says nothing")?;
        let first = BufReader::new(output)
            .lines()
            .next_line()
            .await?
            .ok_or("the simulator ended at once")?;
        Ok(Self {
            tenants: serde_json::from_str(&first)?,
            _input: input,
            _child: child,
        })
    }

    /// The only tenant, or the first.
    pub fn tenant(&self) -> Result<&Tenant> {
        Ok(self.tenants.first().ok_or("the farm has no tenant")?)
    }
}

/// What can be done to tenants from outside, over HTTP.
#[derive(Debug, Clone)]
pub struct Control(reqwest::Client);

impl Control {
    /// A client that waits long enough for many changes.
    pub fn new() -> Result<Self> {
        let client = graph::http_client(Duration::from_mins(2), |client| client)?;
        Ok(Self(client))
    }

    fn url(tenant: &Tenant, what: &str) -> String {
        format!("{}/control/tenants/{}/{what}", tenant.origin, tenant.id)
    }

    /// Makes random changes.
    pub async fn change(&self, tenant: &Tenant, number: usize) -> Result<()> {
        let how = serde_json::json!({"count": number, "seed": 1});
        let asked = self.0.post(Self::url(tenant, "random-changes")).json(&how);
        asked.send().await?.error_for_status()?;
        Ok(())
    }

    /// Has the tenant wait before every answer.
    pub async fn set_latency(&self, tenant: &Tenant, latency: Duration) -> Result<()> {
        let changes = serde_json::json!({"latency_ms": latency.as_millis()});
        let asked = self.0.patch(Self::url(tenant, "settings")).json(&changes);
        asked.send().await?.error_for_status()?;
        Ok(())
    }

    /// How many requests the tenant has answered.
    pub async fn requests(&self, tenant: &Tenant) -> Result<u64> {
        let asked = self.0.get(Self::url(tenant, "stats"));
        let stats: simulator::Stats = asked.send().await?.error_for_status()?.json().await?;
        Ok(stats.total())
    }
}
