//! [`Connector`], made once for a process, and [`Client`], one tenant seen through one credential.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use secrecy::SecretString;
use uuid::Uuid;

use crate::cloud::{Cloud, Tenant};
use crate::credential::Credential;
use crate::error::{Error, Result, SignInRefusal};
use crate::http::Http;
use crate::limits::{Lane, Limits};
use crate::outside::{Chance, Clock};
use crate::pages::RoundLimits;
use crate::resource::Resource;
use crate::retry::{Attempts, Patience};
use crate::token::{Access, AuthorizationCode, Grant, TokenCache, TokenInfo, TokenKey, fresh};
use crate::usage::{Meter, Usage};
use crate::wire::{Item, Select};

/// How patient, how careful and how far ahead.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// For the readings of a run.
    pub background: Patience,
    /// For Test Connection and typeahead.
    pub interactive: Patience,
    /// The largest answer that is read, in bytes after decompression.
    pub answer_bytes_max: usize,
    /// When a round is broken off.
    pub round: RoundLimits,
    /// Pages read ahead while one is being processed; 0 reads only when asked.
    pub pages_ahead: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            background: Patience::BACKGROUND,
            interactive: Patience::INTERACTIVE,
            answer_bytes_max: 64 << 20,
            round: RoundLimits::default(),
            pages_ahead: 2,
        }
    }
}

/// What all clients of a process share: connections, tokens, limiter, time and chance. Cheap to
/// clone.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    clock: Arc<dyn Clock>,
    chance: Chance,
    tokens: TokenCache,
    limits: Limits,
    settings: Settings,
}

impl Connector {
    /// Brings together what was made outside.
    pub fn new(
        http: Http,
        clock: Arc<dyn Clock>,
        chance: Chance,
        limits: Limits,
        settings: Settings,
    ) -> Self {
        let tokens = TokenCache::default();
        Self {
            shared: Arc::new(Shared {
                http,
                clock,
                chance,
                tokens,
                limits,
                settings,
            }),
        }
    }

    /// A client for one tenant. Nothing is sent yet.
    pub fn client(&self, cloud: Cloud, tenant: Tenant, credential: Credential) -> Client {
        let lane = Lane::new(cloud.graph(), credential.client_id(), tenant.as_str());
        let key = TokenKey {
            cloud: cloud.clone(),
            tenant: tenant.clone(),
            client_id: credential.client_id(),
            fingerprint: credential.fingerprint(),
        };
        Client {
            connector: self.clone(),
            target: Arc::new(Target {
                cloud,
                tenant,
                credential,
                lane,
                key,
                switched: OnceLock::new(),
            }),
            pinned: None,
            meter: Meter::default(),
            selects: BTreeMap::new(),
        }
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        self.shared.http.client()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.shared.clock.as_ref()
    }

    pub(crate) fn chance(&self) -> &Chance {
        &self.shared.chance
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

/// One tenant, seen through one credential. Cheap to clone; clones share the meter.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) connector: Connector,
    pub(crate) target: Arc<Target>,
    pinned: Option<Uuid>,
    pub(crate) meter: Meter,
    /// What is read of a kind of objects, where that isn't all that is known of it.
    selects: BTreeMap<Resource, Select>,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) cloud: Cloud,
    pub(crate) tenant: Tenant,
    pub(crate) credential: Credential,
    pub(crate) lane: Lane,
    key: TokenKey,
    /// Set once the second secret signed in, by what the first one got.
    switched: OnceLock<SignInRefusal>,
}

impl Client {
    /// The same client with a meter of its own that begins at zero: one for each run.
    #[must_use]
    pub fn metered(&self) -> Self {
        Self {
            meter: Meter::default(),
            ..self.clone()
        }
    }

    /// The same client for a tenant whose GUID is known: a token for another tenant is refused
    /// with [`Error::TenantChanged`] before anything is read (`sync.md` 1).
    #[must_use]
    pub fn pinned(&self, tenant_id: Uuid) -> Self {
        Self {
            pinned: Some(tenant_id),
            ..self.clone()
        }
    }

    /// The same client, which reads these properties of a kind of objects.
    #[must_use]
    pub fn selecting<T: Item>(mut self, select: Select) -> Self {
        self.selects.insert(T::RESOURCE, select);
        self
    }

    /// The properties of a kind of objects that it reads.
    pub fn select<T: Item>(&self) -> Select {
        let own = self.selects.get(&T::RESOURCE).cloned();
        own.unwrap_or_else(Select::all_of::<T>)
    }

    /// What has gone through this client and its clones.
    pub fn usage(&self) -> Usage {
        self.meter.read()
    }

    /// The cloud it talks to.
    pub fn cloud(&self) -> &Cloud {
        &self.target.cloud
    }

    /// The tenant it talks to, as it was given.
    pub fn tenant(&self) -> &Tenant {
        &self.target.tenant
    }

    /// What the token says, from the cache where it holds one.
    ///
    /// # Errors
    /// [`Error::SignIn`] and the errors of the way there; [`Error::TenantChanged`].
    pub async fn token(&self) -> Result<TokenInfo> {
        self.token_with_patience(false).await
    }

    /// What a new token says, past the cache: permissions are fixed in a token when it is issued,
    /// so Test Connection asks for a new one. Later readings use it too.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub async fn fresh_token(&self) -> Result<TokenInfo> {
        self.token_with_patience(true).await
    }

    /// The ID token for a code that somebody who signed in brought along. A code is good once, so it
    /// is tried once. What the token says is the caller's to prove.
    ///
    /// # Errors
    /// As [`Client::token`]; [`Error::BadAnswer`] where there is no ID token in the answer.
    pub async fn redeem(&self, code: &AuthorizationCode) -> Result<SecretString> {
        let within = self.connector.settings().interactive.total;
        let access = Box::pin(self.token_by_either(Grant::Code(code), within)).await?;
        access.id_token.ok_or_else(|| Error::BadAnswer {
            endpoint: self.sign_in_endpoint(),
            reason: "there is no ID token in it".to_owned(),
            request_id: None,
        })
    }

    async fn token_with_patience(&self, anew: bool) -> Result<TokenInfo> {
        let (clock, chance) = (self.connector.clock(), self.connector.chance());
        let mut attempts = Attempts::new(clock, chance, self.connector.settings().interactive);
        loop {
            match self.access(anew, attempts.left()).await {
                Ok(access) => return Ok(access.info.clone()),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    /// A token that is good for a while. Asks for one at most once; trying again is the caller's.
    pub(crate) async fn access(
        &self,
        anew: bool,
        within: std::time::Duration,
    ) -> Result<Arc<Access>> {
        let now = self.connector.clock().now();
        let slot = self.connector.shared.tokens.slot(&self.target.key, now);
        let mut held = slot.lock().await;
        let cached = if anew {
            None
        } else {
            fresh(held.as_ref(), now)
        };
        let access = if let Some(access) = cached {
            access
        } else {
            // Boxed: a token is had once an hour, and every request would carry its room.
            let access =
                Arc::new(Box::pin(self.token_by_either(Grant::Application, within)).await?);
            *held = Some(access.clone());
            access
        };
        match self.pinned {
            Some(expected) if access.info.tenant_id != Some(expected) => {
                Err(Error::TenantChanged {
                    expected,
                    found: access.info.tenant_id,
                })
            }
            _ => Ok(access),
        }
    }

    /// Why the credential’s second secret signed in and not its first, where that was so.
    pub fn switched(&self) -> Option<&SignInRefusal> {
        self.target.switched.get()
    }

    /// A token by the first secret, or by the second where Entra refuses the first as wrong or
    /// expired.
    async fn token_by_either(
        &self,
        grant: Grant<'_>,
        within: std::time::Duration,
    ) -> Result<Access> {
        let target = &self.target;
        let Some(second) = target.credential.second() else {
            return self.request_token(&target.credential, grant, within).await;
        };
        if target.switched.get().is_some() {
            return self.request_token(&second.credential, grant, within).await;
        }
        let refusal = match self.request_token(&target.credential, grant, within).await {
            Err(Error::SignIn(refusal)) if refusal.refuses_secret() => refusal,
            other => return other,
        };
        match self.request_token(&second.credential, grant, within).await {
            Ok(access) => {
                let refusal = target.switched.get_or_init(|| *refusal);
                second.told.switched(refusal).await;
                Ok(access)
            }
            Err(error) if error.is_retryable() => Err(error),
            // What is wrong with the second is of less use than what is wrong with the one in use.
            Err(_) => Err(Error::SignIn(refusal)),
        }
    }

    /// Forgets a token that Graph refused, unless it was replaced meanwhile.
    pub(crate) async fn discard(&self, refused: &Arc<Access>) {
        let now = self.connector.clock().now();
        let slot = self.connector.shared.tokens.slot(&self.target.key, now);
        let mut held = slot.lock().await;
        if held
            .as_ref()
            .is_some_and(|access| Arc::ptr_eq(access, refused))
        {
            *held = None;
        }
    }
}
