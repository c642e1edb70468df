//! What a provider says of itself (OpenID Connect Discovery 1.0), and its keys, kept for a while.

use std::{collections::HashMap, sync::Arc};

use chrono::Duration;
use domain::DateTime;
use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{
    http::{Http, Unanswered},
    provider::ProviderSettings,
};

/// After so long it is asked again what it is.
const KEPT_FOR: Duration = Duration::hours(24);
/// Keys are asked for no more often than this, however many tokens name an unknown one.
const KEYS_EVERY: Duration = Duration::minutes(1);
/// After a failure nobody waits for the provider again before this is over.
const FAILED_FOR: Duration = Duration::seconds(10);
/// The most keys that are looked at.
const KEYS_MAX: usize = 100;

/// What of its metadata is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Document {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    /// Whether each answer names the issuer it comes from (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// How Rollcall may prove who it is; by `client_secret_basic` where absent.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Its keys.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub set: CoreJsonWebKeySet,
    /// By a key's id the issuer whose tokens alone it signs: Entra ID says it of each
    /// (learn.microsoft.com, "Access tokens in the Microsoft identity platform", validate the
    /// signing key issuer).
    pub issuers: HashMap<String, String>,
    asked_at: DateTime,
}

/// What is known of a provider.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub document: Document,
    pub keys: Keys,
    asked_at: DateTime,
}

impl Known {
    /// What a provider said at this moment.
    pub(super) const fn new(document: Document, keys: Keys, asked_at: DateTime) -> Self {
        Self {
            document,
            keys,
            asked_at,
        }
    }
}

/// What is kept of one provider.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Known>>,
    failed_at: Option<DateTime>,
}

impl Kept {
    /// What is known of the provider: what was kept, or what it says now. Asked by one at a time;
    /// the others wait for that answer.
    pub(super) async fn known(
        &self,
        http: &Http,
        provider: &ProviderSettings,
        now: DateTime,
    ) -> Result<Arc<Known>, Unanswered> {
        let mut state = self.0.lock().await;
        if let Some(known) = &state.known
            && now - known.asked_at < KEPT_FOR
        {
            return Ok(Arc::clone(known));
        }
        if state.failed_at.is_some_and(|at| now - at < FAILED_FOR) {
            let words = "it failed a moment ago, and isn’t asked again yet";
            return Err(Unanswered::Other(words.to_owned()));
        }
        match ask(http, provider, now).await {
            Ok(known) => {
                let known = Arc::new(known);
                *state = State {
                    known: Some(Arc::clone(&known)),
                    failed_at: None,
                };
                Ok(known)
            }
            Err(error) => {
                state.failed_at = Some(now);
                Err(error)
            }
        }
    }

    /// The same with keys that are asked for anew, where that is not too soon; none where it is.
    pub(super) async fn with_new_keys(
        &self,
        http: &Http,
        now: DateTime,
    ) -> Result<Option<Arc<Known>>, Unanswered> {
        let mut state = self.0.lock().await;
        let Some(known) = &state.known else {
            return Ok(None);
        };
        if now - known.keys.asked_at < KEYS_EVERY {
            return Ok(None);
        }
        let mut next = Known::clone(known);
        // Also where it fails: whoever sends tokens with unknown keys sets no pace.
        next.keys.asked_at = now;
        let keys = keys(http, &next.document.jwks_uri, now).await;
        let failed = match keys {
            Ok(keys) => {
                next.keys = keys;
                None
            }
            Err(error) => Some(error),
        };
        let next = Arc::new(next);
        state.known = Some(Arc::clone(&next));
        failed.map_or(Ok(Some(next)), Err)
    }
}

async fn ask(http: &Http, provider: &ProviderSettings, now: DateTime) -> Result<Known, Unanswered> {
    let document: Document = http.json(&provider.discovery).await?;
    check(provider, &document).map_err(Unanswered::Other)?;
    let keys = keys(http, &document.jwks_uri, now).await?;
    Ok(Known::new(document, keys, now))
}

/// Whether the metadata are those of the provider (OpenID Connect Discovery 1.0 §4.3), and lead
/// nowhere by plain http unless the provider itself is on this machine.
pub(super) fn check(provider: &ProviderSettings, document: &Document) -> Result<(), String> {
    if document.issuer != provider.named_issuer() {
        return Err(format!(
            "its metadata are those of {}, and configuration names {}",
            document.issuer,
            provider.named_issuer()
        ));
    }
    let secure = provider.discovery.scheme() == "https";
    for url in [
        &document.authorization_endpoint,
        &document.token_endpoint,
        &document.jwks_uri,
    ] {
        if url.scheme() != "https" && (secure || url.scheme() != "http") {
            return Err(format!("its metadata lead to {url}, which isn’t https"));
        }
    }
    Ok(())
}

async fn keys(http: &Http, url: &Url, now: DateTime) -> Result<Keys, Unanswered> {
    Keys::read(http.json(url).await?, now)
        .map_err(|error| Unanswered::Other(format!("the keys at {url} can’t be read: {error}")))
}

impl Keys {
    /// The keys in an answer.
    pub(super) fn read(mut answer: Value, now: DateTime) -> serde_json::Result<Self> {
        if let Some(keys) = answer.get_mut("keys").and_then(Value::as_array_mut) {
            keys.truncate(KEYS_MAX);
        }
        let text = |key: &Value, name: &str| key.get(name)?.as_str().map(str::to_owned);
        let issuers = answer
            .get("keys")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|key| Some((text(key, "kid")?, text(key, "issuer")?)))
            .collect();
        Ok(Self {
            set: serde_json::from_value(answer)?,
            issuers,
            asked_at: now,
        })
    }
}
