//! Everything of Rollcall that does I/O, behind plain async functions: the database, secrets,
//! Graph, the worker.
//!
//! Pages, the API, the command line and tests call the same functions. Each takes [`Backend`],
//! and [`Scope`] wherever a customer's data is touched: who asks, for which customers, with which
//! permissions. There is no HTTP server and no page in here.

pub mod auth;
mod backup;
pub mod clock;
pub mod clouds;
pub mod cookie;
mod csv;
pub mod db;
mod delivery;
mod enrolment_mail;
pub mod entra;
mod error;
pub mod filter;
pub mod forwarded;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod graph_access;
pub mod ids;
mod installation;
pub mod jobs;
pub mod limits;
pub mod loopback;
pub mod mail;
pub mod mapping;
pub mod notify;
mod operator_mail;
mod private_files;
pub mod rate;
pub mod refusal;
pub mod scope;
pub mod sealer;
pub mod store;
pub mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod timetable;
pub mod why;

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;
use url::Url;

pub use backup::backup;
pub use clock::Clock;
pub use clouds::{Cloud, Clouds};
pub use db::{Db, Tx};
pub use error::{Error, Result};
pub use ids::Ids;
pub use installation::{migrate, open};
pub use scope::{Origin, Scope};
pub use sealer::Sealer;

/// What every function of this crate is given. Cheap to clone: the parts are shared.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Ids and random bytes.
    pub ids: Ids,
    /// Seals and opens secrets.
    pub sealer: Sealer,
    /// The clouds that configuration names.
    pub clouds: Arc<Clouds>,
    /// The way to Entra and Microsoft Graph.
    pub graph: graph::Connector,
    /// The way to webhooks.
    pub webhooks: notify::Webhooks,
    /// The OpenID providers at which operators sign in.
    pub oidc: auth::oidc::Providers,
    /// The list of passwords that were stolen elsewhere.
    pub breached_passwords: auth::BreachedPasswords,
    /// Other settings.
    pub settings: Arc<Settings>,
    /// How much of what is costly anybody may ask for.
    pub limits: Arc<limits::Limits>,
    /// What tokens are known to have read today.
    pub reads_noted: Arc<store::tokens::ReadsNoted>,
    /// Rung when a job was put into the queue, so that a worker in this process looks at once.
    pub wake: Arc<tokio::sync::Notify>,
}

/// Settings that functions of the backend read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for everything that isn't in the database.
    pub data_dir: PathBuf,
    /// Days that runs are kept in the history.
    pub history_retention_days: u32,
    /// Days that a run's single changes are kept.
    pub change_retention_days: u32,
    /// Days that entries of the audit log are kept.
    pub audit_retention_days: u32,
    /// Runs that read at the same time in one process.
    pub worker_concurrency: usize,
    /// The origin that people reach this installation at, for links in mails.
    pub public_url: Url,
    /// The mail server; none: mail isn't set up.
    pub smtp: Option<mail::Smtp>,
    /// How long somebody who proved to be an operator isn't asked again before they do what is
    /// dangerous.
    pub proof_good_for: chrono::Duration,
    /// Whether webhooks may lead to this machine and to private networks.
    pub webhooks_to_private_networks: bool,
    /// The only hosts that webhooks may be sent to; none: any.
    pub webhook_hosts: Option<notify::WebhookHosts>,
    /// The OpenID providers at which operators sign in.
    pub oidc_providers: Vec<auth::oidc::ProviderSettings>,
    /// Where a list of stolen passwords is asked by hash prefix; none: it isn't asked.
    pub password_breach_url: Option<Url>,
    /// The database's address, with its password where it has one: for `pg_dump`.
    pub database_url: Option<SecretString>,
}

impl Settings {
    /// The defaults of interfaces.md and sync.md, with everything in `data_dir`.
    pub fn in_folder(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            history_retention_days: 400,
            change_retention_days: 90,
            audit_retention_days: store::audit::RETENTION_DAYS,
            worker_concurrency: 32,
            public_url: local(),
            smtp: None,
            proof_good_for: auth::PROOF_GOOD_FOR,
            webhooks_to_private_networks: false,
            webhook_hosts: None,
            oidc_providers: Vec::new(),
            password_breach_url: None,
            database_url: None,
        }
    }
}

/// Where a Rollcall of which nobody said more is.
fn local() -> Url {
    Url::parse("http://127.0.0.1:3000").expect("this is a URL")
}
