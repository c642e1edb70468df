//! The environment, read once and passed on.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::SiteFiles;

/// What every variable of ours begins with.
const PREFIX: &str = "ROLLCALL_";
/// The list of hashes that the build writes beside the program, for Leptos.
const HASHES: &str = "hash.txt";
/// Names the configuration file, as the flag `--config` does.
const CONFIG: &str = "ROLLCALL_CONFIG";

/// The variables that concern us.
#[derive(Debug, Default)]
pub struct Environment {
    keys: Vec<(String, String)>,
    config_file: Option<PathBuf>,
    log_filter: Option<String>,
    site_root: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// An environment of these variables. Values that are not Unicode are kept as well as can
    /// be; whatever they are for then refuses them.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let (Some(name), text) = (name.to_str(), value.to_string_lossy()) else {
                continue;
            };
            match name {
                CONFIG => environment.config_file = Some(value.into()),
                "RUST_LOG" => environment.log_filter = Some(text.into_owned()),
                "LEPTOS_SITE_ROOT" => environment.site_root = Some(value.into()),
                _ => {
                    if let Some(key) = name.strip_prefix(PREFIX) {
                        environment
                            .keys
                            .push((key.to_ascii_lowercase(), text.into_owned()));
                    }
                }
            }
        }
        environment.keys.sort();
        environment
    }

    pub(super) fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }

    pub(super) fn log_filter(&self) -> Option<&str> {
        self.log_filter.as_deref()
    }

    /// Where the build tool put the files for the browser; else `site` beside the program, as an
    /// installation has it; else where a build in this folder puts it. Names have hashes where
    /// the list of them stands beside the program.
    pub(super) fn site(&self) -> SiteFiles {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|program| program.parent().map(Path::to_owned))
            .unwrap_or_default();
        let site = beside.join("site");
        SiteFiles {
            hashed: beside.join(HASHES).is_file(),
            root: match &self.site_root {
                Some(root) => root.clone(),
                None if site.is_dir() => site,
                None => PathBuf::from("target/site"),
            },
        }
    }
}

/// A list or a table is given as JSON; a list of texts also with commas between them. Anything
/// else is the text it is, so that a folder called `1` stays one.
fn value_of(key: &str, text: &str) -> Result<Value, String> {
    let json = || {
        serde_json::from_str::<serde_json::Value>(text)
            .map_err(|error| format!("it is not valid JSON: {error}"))
            .and_then(|json| Value::serialize(json).map_err(|error| error.to_string()))
    };
    match key {
        "clouds" | "smtp" | "master_key_command" | "oidc_providers" => json(),
        "trusted_proxies" | "webhook_hosts" if text.trim_start().starts_with('[') => json(),
        "trusted_proxies" | "webhook_hosts" => Ok(text
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty())
            .map(Value::from)
            .collect::<Vec<_>>()
            .into()),
        "smtp.port" => text
            .trim()
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| "it is not a whole number".to_owned()),
        "worker_concurrency" | "audit_retention_days" | "confirm_again_after_seconds" => text
            .trim()
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| format!("“{text}” is not a whole number")),
        "webhooks_to_private_networks" | "public_url_without_tls" => text
            .trim()
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| format!("“{text}” is neither true nor false")),
        _ => Ok(Value::from(text)),
    }
}

impl Provider for &Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment")
            .interpolater(|_, keys| format!("{PREFIX}{}", keys.join("_").to_ascii_uppercase()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut dict = Dict::new();
        // In their order: `smtp` as a whole before `smtp_host`, which then wins.
        for (key, text) in &self.keys {
            let (table, key) = match key.split_once('_') {
                Some((table @ "smtp", key)) => (Some(table), key),
                _ => (None, key.as_str()),
            };
            let path = table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}"));
            let value = value_of(&path, text).map_err(|why| Error::from(why).with_path(&path))?;
            match table {
                None => {
                    dict.insert(key.to_owned(), value);
                }
                Some(table) => {
                    let inside = dict
                        .entry(table.to_owned())
                        .or_insert_with(|| Value::from(Dict::new()));
                    // Anything but a table is refused where the keys are read.
                    if let Value::Dict(_, inside) = inside {
                        inside.insert(key.to_owned(), value);
                    }
                }
            }
        }
        Ok(Profile::Default.collect(dict))
    }
}
