//! A part of the table: measured in a process of its own, so that none begins with the memory or
//! the connections of another.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use backend::{
    Backend,
    jobs::{Worker, WorkerLimits},
};
use graph::{Chance, Connector, Http, HttpOptions, Limits, Quota, Quotas};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::Connection;
use tokio::{io::AsyncWriteExt, process::Command, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Result, farm::UNITS_OF_PLENTY, many, measure, whole};

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub enum Part {
    /// One tenant, synced whole.
    Whole(whole::Whole),
    /// Many tenants in which nothing changes.
    Many(many::Many),
}

impl Part {
    /// Measures it in another process. `T` is what comes out of this kind of part.
    pub async fn elsewhere<T: DeserializeOwned>(&self) -> Result<T> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--part")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = child.stdin.take().ok_or("the part takes no question")?;
        input.write_all(&serde_json::to_vec(self)?).await?;
        drop(input);
        let output = child.wait_with_output().await?;
        if output.stdout.is_empty() {
            return Err(format!("its process ended with {}", output.status).into());
        }
        let answer: std::result::Result<T, String> = serde_json::from_slice(&output.stdout)?;
        Ok(answer?)
    }

    /// Measures the part that standard input names, and prints what came out.
    pub async fn here() -> Result<()> {
        let part = std::io::read_to_string(std::io::stdin())?;
        let answer = match serde_json::from_str(&part)? {
            Part::Whole(part) => answer(part.measure().await),
            Part::Many(part) => answer(part.measure().await),
        };
        println!("{}", answer?);
        Ok(())
    }
}

fn answer<T: Serialize>(result: Result<T>) -> Result<String> {
    let result = result.map_err(|error| error.to_string());
    Ok(serde_json::to_string(&result)?)
}

/// An installation whose limiter lets everything through: what is measured is the work, not how
/// long Graph makes one wait.
pub async fn open(folder: &Path, postgres: Option<&String>, origin: &str) -> Result<Backend> {
    let mut b = measure::open(folder, postgres, origin).await?;
    let plenty = Quota {
        units: UNITS_OF_PLENTY,
        per: Duration::from_secs(1),
    };
    b.graph = Connector::new(
        Http::new(&HttpOptions::default())?,
        Arc::new(b.clock.clone()),
        Chance::from_seed(b.ids.random()),
        Limits::new(Quotas {
            tenant: plenty,
            application: plenty,
        }),
        graph::Settings::default(),
    );
    Ok(b)
}

/// Closes the installation, and removes its database from the server.
pub async fn remove(b: Backend, postgres: Option<&String>) -> Result<()> {
    b.db.close().await;
    if let Some(server) = postgres {
        let mut connection = sqlx::PgConnection::connect(server).await?;
        let sql = format!("DROP DATABASE {} WITH (FORCE)", measure::database());
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
    }
    Ok(())
}

/// The worker as it works in the product, with its usual places.
pub struct AtWork {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl AtWork {
    /// Starts it.
    pub fn start(b: &Backend) -> Self {
        let stop = CancellationToken::new();
        let worker = Worker::new(b.clone(), WorkerLimits::default());
        let task = tokio::spawn(worker.run(stop.clone()));
        Self { stop, task }
    }

    /// Has it finish.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// The one in the middle of an odd number of them.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
