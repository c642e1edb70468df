//! The farm: all tenants, found by id or by domain.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::FarmConfig;
use crate::control::Control;
use crate::entra::certificate::{CertificatePair, Registered};
use crate::seed;
use crate::tenant::{App, Identity, Tenant, company};

/// Ten years, seconds.
const CERTIFICATE_LIFE_S: i64 = 10 * 365 * 86_400;

/// All tenants. Cheap to clone; every clone is the same farm.
#[derive(Debug, Clone)]
pub struct Farm(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tenants: Vec<Arc<Tenant>>,
    by_id: HashMap<Uuid, Arc<Tenant>>,
    clock: Arc<dyn Clock>,
    seed: u64,
    /// Requests so far: what request ids are made from.
    requests: AtomicU64,
    infos: OnceLock<Vec<TenantInfo>>,
}

/// What a client needs to know of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantInfo {
    /// The tenant's GUID.
    pub tenant_id: Uuid,
    /// Its initial domain, which also works in URLs.
    pub domain: String,
    /// Its display name.
    pub display_name: String,
    /// The application's id.
    pub client_id: Uuid,
    /// The application's secret.
    pub client_secret: String,
    /// A certificate registered for the application, PEM.
    pub certificate_pem: String,
    /// Its RSA key, PEM (PKCS #8).
    pub private_key_pem: String,
}

/// How to sign in to a tenant with the application's secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretSignIn {
    /// The tenant's GUID.
    pub tenant_id: Uuid,
    /// Its initial domain.
    pub domain: String,
    /// The application's id.
    pub client_id: Uuid,
    /// The application's secret.
    pub client_secret: String,
}

impl Farm {
    /// Builds every tenant.
    pub fn new(config: FarmConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let shared = (random_id(&mut rng), random_secret(&mut rng));
        let mut tenants = Vec::with_capacity(config.tenants.len());
        for (place, tenant) in config.tenants.iter().enumerate() {
            // Each tenant has its own stream: what one holds doesn't move the ids of the next.
            let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
            rng.set_stream(place as u64 + 1);
            let (domain, display_name) = company(place, tenant);
            let mut key = [0; 32];
            rng.fill_bytes(&mut key);
            let (id, object_id) = (random_id(&mut rng), random_id(&mut rng));
            let own = (random_id(&mut rng), random_secret(&mut rng));
            let (client_id, secret) = if config.shared_app {
                shared.clone()
            } else {
                own
            };
            let directory = seed::plant(tenant, &domain, config.clock.now(), &mut rng);
            let identity = Identity {
                id,
                domain,
                display_name,
                key,
                client_id,
                object_id,
                secret,
            };
            tenants.push(Arc::new(Tenant::new(
                identity,
                directory,
                Arc::clone(&config.clock),
            )));
        }
        let by_id = tenants
            .iter()
            .map(|tenant| (tenant.id, Arc::clone(tenant)))
            .collect();
        Self(Arc::new(Inner {
            tenants,
            by_id,
            clock: config.clock,
            seed: config.seed,
            requests: AtomicU64::new(0),
            infos: OnceLock::new(),
        }))
    }

    /// Who the tenants are and how to sign in to them. Each has a certificate from the first
    /// call on; secrets and certificates changed later by [`Control`] don't show here.
    pub fn tenants(&self) -> Vec<TenantInfo> {
        self.0
            .infos
            .get_or_init(|| self.0.tenants.iter().map(info).collect())
            .clone()
    }

    /// How to sign in to the tenants without certificates, which take a while to make: for farms
    /// of thousands.
    pub fn secret_sign_ins(&self) -> Vec<SecretSignIn> {
        let sign_in = |tenant: &Arc<Tenant>| {
            let app = tenant.app();
            SecretSignIn {
                tenant_id: tenant.id,
                domain: tenant.domain.clone(),
                client_id: app.client_id,
                client_secret: first_secret(&app),
            }
        };
        self.0.tenants.iter().map(sign_in).collect()
    }

    /// What can be done to a tenant; `None` where there is no such tenant.
    pub fn try_control(&self, tenant_id: Uuid) -> Option<Control> {
        self.find_id(tenant_id).map(Control::new)
    }

    /// What can be done to a tenant.
    ///
    /// # Panics
    /// When the farm has no such tenant; [`Farm::try_control`] doesn't.
    pub fn control(&self, tenant_id: Uuid) -> Control {
        self.try_control(tenant_id)
            .expect("the id comes from Farm::tenants")
    }

    /// The tenant with this id or domain.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Tenant>> {
        if let Ok(id) = Uuid::try_parse(name) {
            return self.find_id(id);
        }
        self.0
            .tenants
            .iter()
            .find(|tenant| tenant.is_called(name))
            .cloned()
    }

    pub(crate) fn find_id(&self, id: Uuid) -> Option<Arc<Tenant>> {
        self.0.by_id.get(&id).cloned()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// An id for a request or a trace.
    pub(crate) fn next_id(&self) -> Uuid {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed);
        let mut rng = ChaCha8Rng::seed_from_u64(self.0.seed ^ number.rotate_left(32));
        random_id(&mut rng)
    }
}

fn info(tenant: &Arc<Tenant>) -> TenantInfo {
    let now = tenant.now();
    let name = format!("Rollcall in {}", tenant.display_name);
    let pair = CertificatePair::generate(&name, now - 86_400, now + CERTIFICATE_LIFE_S)
        .expect("a self-signed RSA certificate can be made");
    let registered = Registered::from_pem(&pair.certificate_pem)
        .expect("a certificate that was just made can be read");
    let mut app = tenant.app_mut();
    app.certificates.push(registered);
    TenantInfo {
        tenant_id: tenant.id,
        domain: tenant.domain.clone(),
        display_name: tenant.display_name.clone(),
        client_id: app.client_id,
        client_secret: first_secret(&app),
        certificate_pem: pair.certificate_pem,
        private_key_pem: pair.private_key_pem,
    }
}

fn first_secret(app: &App) -> String {
    let first = app.secrets.first();
    first.map(|secret| secret.value.clone()).unwrap_or_default()
}

/// A random UUID (version 4) from the given randomness.
pub(crate) fn random_id(rng: &mut impl RngCore) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A secret of the form Entra gives out: 40 characters, `~` among them.
pub(crate) fn random_secret(rng: &mut impl Rng) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    let tail: String = (0..36)
        .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
        .collect();
    format!("sim8~{}", &tail[1..])
}
