//! The key `oidc_providers`: the OpenID providers at which operators sign in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use backend::auth::oidc::{ProviderGiven, ProviderSettings, Providers};
use secrecy::SecretString;
use serde::Deserialize;

use super::ConfigError;

const KEY: &str = "oidc_providers";

/// One table as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a list of tables such as [[oidc_providers]] with id, issuer, client_id and client_secret"
)]
pub(super) struct ProviderKeys {
    id: String,
    #[serde(default)]
    title: Option<String>,
    /// `entra` or `generic`.
    #[serde(default)]
    kind: Option<String>,
    issuer: String,
    client_id: String,
    #[serde(default)]
    client_secret: Option<SecretString>,
    /// A file that holds the secret, and nothing else.
    #[serde(default)]
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    tenant_ids: Vec<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    role_claim: Option<String>,
    #[serde(default)]
    role_mapping: BTreeMap<String, String>,
    #[serde(default)]
    required_amr: Vec<String>,
    #[serde(default)]
    required_acr: Vec<String>,
}

/// The providers, where everything fits together.
pub(super) fn checked(given: Vec<ProviderKeys>) -> Result<Vec<ProviderSettings>, ConfigError> {
    let providers = given
        .into_iter()
        .map(ProviderKeys::checked)
        .collect::<Result<Vec<_>, _>>()?;
    Providers::told_apart(&providers).map_err(refused)?;
    Ok(providers)
}

impl ProviderKeys {
    fn checked(self) -> Result<ProviderSettings, ConfigError> {
        let of = |key: &str, problem: &str| {
            ConfigError::value(KEY, format!("{key} of “{}”: {problem}", self.id))
        };
        let client_secret = match (self.client_secret, self.client_secret_file) {
            (Some(_), Some(_)) => {
                let problem = "client_secret is there too; give one of them";
                return Err(of("client_secret_file", problem));
            }
            (None, None) => {
                let problem = "it is missing; give it, or client_secret_file";
                return Err(of("client_secret", problem));
            }
            (Some(secret), None) => secret,
            (None, Some(file)) => {
                read(&file).map_err(|problem| of("client_secret_file", &problem))?
            }
        };
        ProviderSettings::checked(ProviderGiven {
            id: self.id,
            title: self.title,
            kind: self.kind,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret,
            tenant_ids: self.tenant_ids,
            scopes: self.scopes,
            role_claim: self.role_claim,
            role_mapping: self.role_mapping,
            required_amr: self.required_amr,
            required_acr: self.required_acr,
        })
        .map_err(refused)
    }
}

fn refused(error: backend::Error) -> ConfigError {
    match error {
        backend::Error::Configuration { key, problem } => ConfigError::value(&key, problem),
        error => ConfigError::value(KEY, error.to_string()),
    }
}

fn read(file: &Path) -> Result<SecretString, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{name}: it can’t be read: {error}"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{name}: it is empty; put the secret in it")),
        secret => Ok(secret.into()),
    }
}
