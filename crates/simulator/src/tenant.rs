//! One tenant: its directory, its application, its switches and its counters.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{AppState, Settings, TenantConfig, default_roles};
use crate::directory::Directory;
use crate::entra::certificate::Registered;
use crate::entra::sign_in::Codes;
use crate::faults::FaultState;
use crate::stats::Meter;

/// A client secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub value: String,
    /// Unix seconds.
    pub expires_at: Option<i64>,
}

/// The application as the tenant sees it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub client_id: Uuid,
    pub object_id: Uuid,
    pub display_name: String,
    pub state: AppState,
    pub roles: BTreeSet<String>,
    pub secrets: Vec<Secret>,
    pub certificates: Vec<Registered>,
}

/// A tenant.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub id: Uuid,
    /// The default domain.
    pub domain: String,
    pub display_name: String,
    /// Signs tokens and page tokens.
    pub key: [u8; 32],
    pub clock: Arc<dyn Clock>,
    directory: RwLock<Directory>,
    app: RwLock<App>,
    settings: RwLock<Settings>,
    faults: Mutex<FaultState>,
    meter: Mutex<Meter>,
    codes: Mutex<Codes>,
    /// Delta tokens of earlier epochs are refused; with what, the second says.
    pub epoch: Mutex<(u32, EpochEnd)>,
}

/// What an ended epoch answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EpochEnd {
    /// 400 `syncStateNotFound`.
    #[default]
    Expired,
    /// 410 `resyncRequired`.
    Resync,
}

/// Who a tenant is.
#[derive(Debug)]
pub(crate) struct Identity {
    pub id: Uuid,
    pub domain: String,
    pub display_name: String,
    pub key: [u8; 32],
    pub client_id: Uuid,
    pub object_id: Uuid,
    pub secret: String,
}

impl Tenant {
    pub fn new(identity: Identity, directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self {
            id: identity.id,
            domain: identity.domain,
            display_name: identity.display_name,
            key: identity.key,
            clock,
            directory: RwLock::new(directory),
            app: RwLock::new(App {
                client_id: identity.client_id,
                object_id: identity.object_id,
                display_name: "Rollcall".to_owned(),
                state: AppState::Ready,
                roles: default_roles(),
                secrets: vec![Secret {
                    value: identity.secret,
                    expires_at: None,
                }],
                certificates: Vec::new(),
            }),
            settings: RwLock::default(),
            faults: Mutex::default(),
            meter: Mutex::default(),
            codes: Mutex::default(),
            epoch: Mutex::default(),
        }
    }

    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn app(&self) -> RwLockReadGuard<'_, App> {
        self.app.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn app_mut(&self) -> RwLockWriteGuard<'_, App> {
        self.app.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn set_settings(&self, settings: Settings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
    }

    pub fn faults(&self) -> MutexGuard<'_, FaultState> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The codes of those who signed in.
    pub fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch of delta tokens, and how the one before it ended.
    pub fn epoch(&self) -> (u32, EpochEnd) {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn end_epoch(&self, how: EpochEnd) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch = (epoch.0 + 1, how);
    }

    /// What has been in the bin for too long is purged when someone looks.
    pub fn empty_bin(&self) {
        let limit = self.now() - self.settings().bin_s;
        if self.directory().has_binned_before(limit) {
            let now_ms = self.now_ms();
            self.directory_mut().purge_before(now_ms, limit);
        }
    }

    /// Whether `name` in a URL means this tenant.
    pub fn is_called(&self, name: &str) -> bool {
        self.domain.eq_ignore_ascii_case(name)
            || Uuid::try_parse(name).is_ok_and(|id| id == self.id)
    }
}

/// The number of users a tenant counts as for the size of its quota (graph.md §4).
pub(crate) fn quota_for(users: usize) -> u64 {
    match users {
        0..50 => 3500,
        50..=500 => 5000,
        _ => 8000,
    }
}

/// A made-up company for the tenant in this place.
pub(crate) fn company(place: usize, config: &TenantConfig) -> (String, String) {
    const NAMES: [(&str, &str); 12] = [
        ("contoso", "Contoso"),
        ("fabrikam", "Fabrikam"),
        ("northwind", "Northwind Traders"),
        ("adatum", "A. Datum Corporation"),
        ("tailspin", "Tailspin Toys"),
        ("wingtip", "Wingtip Toys"),
        ("litware", "Litware"),
        ("proseware", "Proseware"),
        ("woodgrove", "Woodgrove Bank"),
        ("lucerne", "Lucerne Publishing"),
        ("margies", "Margie's Travel"),
        ("alpine", "Alpine Ski House"),
    ];
    let (slug, title) = NAMES[place % NAMES.len()];
    let (slug, title) = match place / NAMES.len() {
        0 => (slug.to_owned(), title.to_owned()),
        again => (
            format!("{slug}{}", again + 1),
            format!("{title} {}", again + 1),
        ),
    };
    (
        config
            .domain
            .clone()
            .unwrap_or_else(|| format!("{slug}.onmicrosoft.example")),
        config.display_name.clone().unwrap_or(title),
    )
}
