//! The simulator in a process of its own, told what to do by lines of text.

use std::process::Stdio;

use serde::{Deserialize, Serialize};
use simulator::{Farm, FarmConfig, TenantConfig};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Asked, Result};

/// How to reach the tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// Authority and Graph origin alike.
    pub origin: String,
    /// Its domain.
    pub domain: String,
    /// The application.
    pub client_id: uuid::Uuid,
    /// The application's secret.
    pub client_secret: String,
}

/// Serves until its input ends. A line with a number makes so many random changes.
pub async fn serve(asked: &Asked) -> Result<()> {
    let farm = Farm::new(FarmConfig {
        tenants: vec![TenantConfig {
            groups: asked.groups,
            memberships: asked.memberships,
            ..TenantConfig::sized(asked.users)
        }],
        ..FarmConfig::default()
    });
    let info = farm.tenants().remove(0);
    let control = farm.control(info.tenant_id);
    let running = farm.serve(([127, 0, 0, 1], 0).into()).await?;
    let tenant = Tenant {
        origin: running.origin(),
        domain: info.domain,
        client_id: info.client_id,
        client_secret: info.client_secret,
    };
    println!("{}", serde_json::to_string(&tenant)?);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let number = line.trim().parse()?;
        println!("{}", control.random_changes(number, 1).len());
    }
    Ok(())
}

/// The other process, from here.
#[derive(Debug)]
pub struct Simulator {
    /// Its tenant.
    pub tenant: Tenant,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Simulator {
    /// Starts it; it ends with this process.
    pub async fn start(asked: &Asked) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--simulator", "--users", &asked.users.to_string()])
            .args(["--groups", &asked.groups.to_string()])
            .args(["--memberships", &asked.memberships.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("the simulator takes no lines")?;
        let output = child.stdout.take().ok_or("the simulator says nothing")?;
        let mut output = BufReader::new(output).lines();
        let first = output
            .next_line()
            .await?
            .ok_or("the simulator ended at once")?;
        Ok(Self {
            tenant: serde_json::from_str(&first)?,
            input,
            output,
            _child: child,
        })
    }

    /// Makes random changes.
    pub async fn change(&mut self, number: usize) -> Result<()> {
        self.input
            .write_all(format!("{number}\n").as_bytes())
            .await?;
        self.output
            .next_line()
            .await?
            .ok_or("the simulator ended")?;
        Ok(())
    }
}
