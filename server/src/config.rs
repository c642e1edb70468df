//! Configuration: flags over `ROLLCALL_*` over `rollcall.toml`. The one place that reads the
//! environment.

mod environment;
mod error;
mod oidc;
mod smtp;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use backend::{
    Cloud, Clouds,
    auth::oidc::ProviderSettings,
    auth::{BreachedPasswords, PROOF_GOOD_FOR},
    loopback::is_loopback,
    mail::Smtp,
    notify::WebhookHosts,
    sealer::keys::{KeyCommand, MasterKeySource},
    store::audit::{RETENTION_DAYS, RETENTION_DAYS_MIN},
};
use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

pub use self::{environment::Environment, error::ConfigError};
use crate::arguments::{Flags, LogFormat};

/// The file that is read where no other is named and this one is there.
pub const FILE: &str = "rollcall.toml";

/// Runs that read at once in one process, where nobody said otherwise (sync.md, The worker).
const WORKER_CONCURRENCY: u32 = 32;
const WORKER_CONCURRENCY_MAX: u32 = 1024;
/// Seconds that a proof to be the operator who is signed in may be enough: no shorter than it takes
/// to press the button, no longer than a day.
const CONFIRM_SECONDS: std::ops::RangeInclusive<u32> = 5..=86_400;
/// The most days that the audit log can be kept: a hundred years.
const AUDIT_RETENTION_DAYS_MAX: u32 = 36_500;

/// A cloud that the configuration adds to the four of Microsoft, as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudEntry {
    id: String,
    /// The id where absent.
    #[serde(default)]
    name: Option<String>,
    authority: String,
    graph: String,
}

/// The keys as they stand in a file; everything may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    listen: Option<String>,
    public_url: Option<String>,
    data_dir: Option<PathBuf>,
    database_url: Option<SecretString>,
    master_key_file: Option<PathBuf>,
    master_key_command: Option<Vec<String>>,
    worker_concurrency: Option<u32>,
    clouds: Vec<CloudEntry>,
    trusted_proxies: Vec<String>,
    metrics_listen: Option<String>,
    log_format: Option<LogFormat>,
    smtp: Option<smtp::SmtpKeys>,
    webhooks_to_private_networks: Option<bool>,
    audit_retention_days: Option<u32>,
    oidc_providers: Vec<oidc::ProviderKeys>,
    confirm_again_after_seconds: Option<u32>,
    password_breach_url: Option<String>,
    public_url_without_tls: Option<bool>,
    webhook_hosts: Option<Vec<String>>,
}

/// What this process was told to be, checked.
#[derive(Debug)]
pub struct Config {
    /// Where the portal and the API listen.
    pub listen: SocketAddr,
    /// The origin that people and programs reach this installation at; its path is `/`.
    pub public_url: Url,
    /// Where the database, the master key and backups are kept.
    pub data_dir: PathBuf,
    /// `sqlite://FILE` or `postgres://…`; may hold a password.
    pub database_url: SecretString,
    /// The file with the key that seals secrets.
    pub master_key_file: PathBuf,
    /// The program that prints the key instead; none: the file is all there is.
    pub master_key_command: Option<KeyCommand>,
    /// Runs that read at once in this process, 1 to 1,024.
    pub worker_concurrency: u32,
    /// Clouds beside those of Microsoft.
    pub clouds: Vec<Cloud>,
    /// Ranges of proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Where `/metrics` listens; nowhere where absent.
    pub metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The mail server; none: mail isn't set up.
    pub smtp: Option<Smtp>,
    /// Whether webhooks may lead to this machine and to private networks.
    pub webhooks_to_private_networks: bool,
    /// The only hosts that webhooks may be sent to; any where absent.
    pub webhook_hosts: Option<WebhookHosts>,
    /// Days that entries of the audit log are kept, 30 to 36,500.
    pub audit_retention_days: u32,
    /// The OpenID providers at which operators sign in.
    pub oidc_providers: Vec<ProviderSettings>,
    /// How long somebody who confirmed that it is them isn't asked again, 5 seconds to a day.
    pub confirm_again_after: chrono::Duration,
    /// Where a list of stolen passwords is asked by hash prefix; none: it isn't asked.
    pub password_breach_url: Option<Url>,
    /// What is logged, in the syntax of `RUST_LOG`; the default where absent.
    pub log_filter: Option<String>,
    /// Where the files for the browser are, as the build tool said.
    pub site: SiteFiles,
}

/// What the build tool tells the server about the files for the browser, in `LEPTOS_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFiles {
    /// The folder that is served.
    pub root: PathBuf,
    /// Whether names carry the hash of the content; then the hashes stand in `hash.txt` beside
    /// the program.
    pub hashed: bool,
}

impl Config {
    /// Reads the file, the environment and the flags, the later winning over the earlier.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let keys = figment(flags, environment)?
            .extract::<Keys>()
            .map_err(ConfigError::from_figment)?;
        Self::checked(keys, environment)
    }

    fn checked(keys: Keys, environment: &Environment) -> Result<Self, ConfigError> {
        let listen = address("listen", keys.listen.as_deref().unwrap_or("127.0.0.1:3000"))?;
        let data_dir = keys.data_dir.unwrap_or_else(|| PathBuf::from("./data"));
        let database_url = match keys.database_url {
            Some(url) => database(url)?,
            None => format!("sqlite://{}", data_dir.join("rollcall.db").display()).into(),
        };
        let worker_concurrency = keys.worker_concurrency.unwrap_or(WORKER_CONCURRENCY);
        if !(1..=WORKER_CONCURRENCY_MAX).contains(&worker_concurrency) {
            return Err(ConfigError::value(
                "worker_concurrency",
                format!("{worker_concurrency} is not between 1 and {WORKER_CONCURRENCY_MAX}"),
            ));
        }
        Ok(Self {
            public_url: public_url(
                keys.public_url.as_deref(),
                listen,
                keys.public_url_without_tls.unwrap_or(false),
            )?,
            master_key_file: keys
                .master_key_file
                .unwrap_or_else(|| data_dir.join("master.key")),
            master_key_command: keys.master_key_command.map(key_command).transpose()?,
            worker_concurrency,
            clouds: clouds(&keys.clouds)?,
            trusted_proxies: ranges(&keys.trusted_proxies)?,
            metrics_listen: metrics(keys.metrics_listen.as_deref(), listen)?,
            log_format: keys.log_format.unwrap_or_default(),
            smtp: keys.smtp.map(smtp::SmtpKeys::checked).transpose()?,
            webhooks_to_private_networks: keys.webhooks_to_private_networks.unwrap_or(false),
            webhook_hosts: keys
                .webhook_hosts
                .as_deref()
                .map(webhook_hosts)
                .transpose()?,
            audit_retention_days: audit_retention(keys.audit_retention_days)?,
            oidc_providers: oidc::checked(keys.oidc_providers)?,
            confirm_again_after: confirm_again_after(keys.confirm_again_after_seconds)?,
            password_breach_url: keys
                .password_breach_url
                .as_deref()
                .map(BreachedPasswords::checked_url)
                .transpose()
                .map_err(|error| ConfigError::of_backend("password_breach_url", error))?,
            log_filter: environment.log_filter().map(str::to_owned),
            site: environment.site(),
            listen,
            data_dir,
            database_url,
        })
    }

    /// Where the keys that seal secrets come from.
    pub fn master_key(&self) -> MasterKeySource {
        MasterKeySource::new(
            self.master_key_file.clone(),
            self.master_key_command.clone(),
        )
    }

    /// Whether browsers reach this installation by https, so that cookies are `Secure`.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether people on other machines come by plain http, which somebody meant.
    pub fn is_in_the_clear(&self) -> bool {
        !self.is_https()
            && !self
                .public_url
                .host()
                .is_some_and(|host| is_opened_here(&host))
    }
}

fn figment(flags: &Flags, environment: &Environment) -> Result<Figment, ConfigError> {
    let mut figment = Figment::new();
    let named = flags.config.as_deref().or(environment.config_file());
    let file = named.unwrap_or(Path::new(FILE));
    if file.exists() {
        figment = figment.merge(Toml::file_exact(file));
    } else if named.is_some() {
        return Err(ConfigError::NoFile(file.to_owned()));
    }
    Ok(figment
        .merge(environment)
        .merge(Serialized::defaults(flags)))
}

fn address(key: &'static str, given: &str) -> Result<SocketAddr, ConfigError> {
    given.parse().map_err(|_| {
        ConfigError::value(
            key,
            format!("“{given}” is not an address and port, such as 127.0.0.1:3000"),
        )
    })
}

fn audit_retention(given: Option<u32>) -> Result<u32, ConfigError> {
    let days = given.unwrap_or(RETENTION_DAYS);
    if (RETENTION_DAYS_MIN..=AUDIT_RETENTION_DAYS_MAX).contains(&days) {
        Ok(days)
    } else {
        Err(ConfigError::value(
            "audit_retention_days",
            format!("{days} is not between {RETENTION_DAYS_MIN} and {AUDIT_RETENTION_DAYS_MAX}"),
        ))
    }
}

fn confirm_again_after(given: Option<u32>) -> Result<chrono::Duration, ConfigError> {
    let Some(seconds) = given else {
        return Ok(PROOF_GOOD_FOR);
    };
    if CONFIRM_SECONDS.contains(&seconds) {
        Ok(chrono::Duration::seconds(i64::from(seconds)))
    } else {
        Err(ConfigError::value(
            "confirm_again_after_seconds",
            format!(
                "{seconds} is not between {} and {}",
                CONFIRM_SECONDS.start(),
                CONFIRM_SECONDS.end()
            ),
        ))
    }
}

fn key_command(parts: Vec<String>) -> Result<KeyCommand, ConfigError> {
    KeyCommand::parse(parts).map_err(|error| ConfigError::of_backend("master_key_command", error))
}

fn webhook_hosts(given: &[String]) -> Result<WebhookHosts, ConfigError> {
    WebhookHosts::parse(given).map_err(|error| ConfigError::of_backend("webhook_hosts", error))
}

fn metrics(given: Option<&str>, listen: SocketAddr) -> Result<Option<SocketAddr>, ConfigError> {
    let metrics = given
        .map(|given| address("metrics_listen", given))
        .transpose()?;
    if metrics == Some(listen) && listen.port() != 0 {
        return Err(ConfigError::value(
            "metrics_listen",
            "it can’t be the address of `listen`: metrics are never served in public",
        ));
    }
    Ok(metrics)
}

/// `without_tls`: whether somebody meant people on other machines to come by plain http, where
/// passwords and sessions can be read on the way.
fn public_url(
    given: Option<&str>,
    listen: SocketAddr,
    without_tls: bool,
) -> Result<Url, ConfigError> {
    let text = given.map_or_else(|| format!("http://{listen}"), str::to_owned);
    let refused = |why: &str| {
        ConfigError::value(
            "public_url",
            format!("“{text}” {why}; give an origin such as https://rollcall.example.com"),
        )
    };
    let url = Url::parse(&text).map_err(|_| refused("is not a URL"))?;
    let host = url
        .host()
        .filter(|_| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| refused("is not an http or https address"))?;
    let in_the_clear = url.scheme() == "http" && !is_opened_here(&host);
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        return Err(refused("has more than scheme, host and port"));
    }
    if in_the_clear && !without_tls {
        let whose = given.map_or("by default, since it listens there, ", |_| "");
        return Err(ConfigError::value(
            "public_url",
            format!(
                "{whose}“{text}” is plain http to another machine, so passwords and sessions can be read on the way; put a TLS proxy in front and give its address, such as https://rollcall.example.com, or write public_url_without_tls = true if that is meant"
            ),
        ));
    }
    Ok(url)
}

/// Whether a browser that opens it is on this machine: also for names below `localhost`, which
/// browsers take for loopback whatever DNS says (RFC 6761 §6.3).
fn is_opened_here(host: &Host<&str>) -> bool {
    is_loopback(host) || matches!(host, Host::Domain(name) if name.ends_with(".localhost"))
}

/// The URL's text is not repeated in the refusal: it may hold a password.
fn database(url: SecretString) -> Result<SecretString, ConfigError> {
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if known
        .iter()
        .any(|scheme| url.expose_secret().starts_with(scheme))
    {
        Ok(url)
    } else {
        Err(ConfigError::value(
            "database_url",
            "it begins with neither sqlite:// nor postgres://",
        ))
    }
}

fn ranges(given: &[String]) -> Result<Vec<IpNet>, ConfigError> {
    let parse = |text: &String| {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
            .map_err(|_| {
                ConfigError::value(
                    "trusted_proxies",
                    format!("“{text}” is not an address range, such as 10.0.0.0/8"),
                )
            })
    };
    given.iter().map(parse).collect()
}

/// Reads the clouds and checks that no two share an id.
fn clouds(entries: &[CloudEntry]) -> Result<Vec<Cloud>, ConfigError> {
    let refused = |error| ConfigError::of_backend("clouds", error);
    let parse = |entry: &CloudEntry| {
        let name = entry.name.as_deref().unwrap_or(&entry.id);
        Cloud::parse(&entry.id, name, &entry.authority, &entry.graph)
    };
    let clouds: Vec<Cloud> = entries
        .iter()
        .map(parse)
        .collect::<backend::Result<_>>()
        .map_err(refused)?;
    Clouds::new(clouds.iter().cloned()).map_err(refused)?;
    Ok(clouds)
}

#[cfg(test)]
mod tests;
