//! Tokens, and the cache that keeps them until shortly before they expire.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::cloud::{Cloud, Tenant};
use crate::resource::Resource;

/// Tokens are renewed this long before they expire, or at three quarters of a shorter life.
const MARGIN: Duration = Duration::from_mins(5);
/// Beyond this many entries, expired ones are dropped.
const REMEMBERED_MAX: usize = 20_000;

/// What a token says about itself. Its payload is read as a hint only: Graph decides what it is
/// worth (graph.md §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The tenant (`tid`); none where the token can't be read.
    pub tenant_id: Option<Uuid>,
    /// The application (`appid`).
    pub application_id: Option<Uuid>,
    /// The application's service principal in the tenant (`oid`); none where there is no such yet.
    pub object_id: Option<Uuid>,
    /// The application permissions granted in this tenant, as of when the token was issued.
    pub roles: Vec<String>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl TokenInfo {
    /// Whether the granted permissions include one that lets `resource` be read.
    pub fn allows(&self, resource: Resource) -> bool {
        resource
            .roles()
            .iter()
            .any(|role| self.roles.iter().any(|granted| granted == role))
    }
}

#[derive(Default, Deserialize)]
struct Payload {
    tid: Option<String>,
    appid: Option<String>,
    oid: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// A token endpoint's success.
#[derive(Deserialize)]
pub(crate) struct Granted {
    access_token: SecretString,
    expires_in: Seconds,
    id_token: Option<SecretString>,
}

/// What a token is asked for with (RFC 6749 §4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grant<'a> {
    /// That the application is what it is.
    Application,
    /// A code that somebody who signed in brought along.
    Code(&'a AuthorizationCode),
}

/// A code that somebody who signed in brought along, with what it was asked for with (RFC 7636).
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    /// The code.
    pub code: SecretString,
    /// Where the browser was sent with it.
    pub redirect_uri: Url,
    /// Proves that whoever redeems it is who asked for it.
    pub verifier: SecretString,
}

/// Seconds as a number or as a text, as older endpoints write them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u32),
    Text(String),
}

/// A token ready for use.
pub(crate) struct Access {
    header: HeaderValue,
    token: SecretString,
    renew_at: DateTime<Utc>,
    pub(crate) info: TokenInfo,
    /// Who signed in, as the token endpoint says it; none where nobody did.
    pub(crate) id_token: Option<SecretString>,
}

impl Access {
    /// # Errors
    /// What is wrong with the answer; nothing of the token.
    pub(crate) fn new(granted: Granted, now: DateTime<Utc>) -> Result<Self, &'static str> {
        let seconds = match granted.expires_in {
            Seconds::Number(seconds) => seconds,
            Seconds::Text(text) => text
                .parse()
                .map_err(|_| "expires_in is not a number of seconds")?,
        };
        let life = Duration::from_secs(u64::from(seconds));
        let mut header =
            HeaderValue::try_from(format!("Bearer {}", granted.access_token.expose_secret()))
                .map_err(|_| "the token has characters that no header can hold")?;
        header.set_sensitive(true);
        let payload = payload(granted.access_token.expose_secret());
        let id = |text: Option<String>| text.and_then(|text| Uuid::try_parse(&text).ok());
        let after = |life: Duration| now + TimeDelta::from_std(life).unwrap_or_default();
        Ok(Self {
            header,
            token: granted.access_token,
            id_token: granted.id_token,
            renew_at: after(life.saturating_sub(MARGIN.min(life / 4))),
            info: TokenInfo {
                tenant_id: id(payload.tid),
                application_id: id(payload.appid),
                object_id: id(payload.oid),
                roles: payload.roles,
                expires_at: after(life),
            },
        })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The token, to be scrubbed from what servers say.
    pub(crate) fn scrub(&self) -> &str {
        self.token.expose_secret()
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now < self.renew_at
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Access").field(&self.info).finish()
    }
}

fn payload(token: &str) -> Payload {
    token
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok())
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}

/// Whose token: two credentials of one application don't share one, so that a test of a new
/// secret is a test of that secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(crate) cloud: Cloud,
    pub(crate) tenant: Tenant,
    pub(crate) client_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TokenKey({} in {} at {:?})",
            self.client_id, self.tenant, self.cloud
        )
    }
}

/// One token, or none yet. Held locked while a token is being had, so that many requests at once
/// ask for one.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<Arc<Access>>>>;

/// The tokens of a process. Clones share them. In memory only.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<HashMap<TokenKey, Slot>>>);

impl TokenCache {
    pub(crate) fn slot(&self, key: &TokenKey, now: DateTime<Utc>) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED_MAX {
            slots.retain(|_, slot| match slot.try_lock() {
                Ok(access) => fresh(access.as_ref(), now).is_some(),
                Err(_) => true,
            });
        }
        slots.entry(key.clone()).or_default().clone()
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache")
    }
}

/// The token if it is good for a while yet.
pub(crate) fn fresh(access: Option<&Arc<Access>>, now: DateTime<Utc>) -> Option<Arc<Access>> {
    access.filter(|access| access.is_fresh(now)).cloned()
}
