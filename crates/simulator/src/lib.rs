//! A farm of Entra tenants that answers like Entra's token endpoints and Microsoft Graph: for
//! the demo, for tests and for benchmarks.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use simulator::{Farm, FarmConfig, Fault};
//!
//! let farm = Farm::new(FarmConfig::with_users(7, 200));
//! let tenant = farm.tenants().remove(0);
//! let running = farm.serve(([127, 0, 0, 1], 0).into()).await?;
//! // running.origin() is both the authority and the Graph origin of a client.
//! let control = farm.control(tenant.tenant_id);
//! control.next("/users/delta", Fault::Throttled);
//! let truth = control.snapshot();
//! # drop(truth);
//! running.stop().await;
//! # Ok(())
//! # }
//! ```

mod clock;
mod config;
mod control;
mod control_api;
mod directory;
mod entra;
mod farm;
mod faults;
mod graph;
mod incoming;
mod random;
mod reply;
mod seed;
mod serve;
mod stats;
mod tenant;
mod tls;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{AppState, FarmConfig, GLOBAL_ADMINISTRATOR, Settings, TenantConfig};
pub use control::{Attributes, Control};
pub use directory::changes::ChangeError;
pub use directory::schema::Kind;
pub use directory::snapshot::{
    GroupKind, GroupSnapshot, Membership, ObjectSnapshot, Snapshot, UserSnapshot,
};
pub use entra::certificate::{CertificateError, CertificatePair};
pub use farm::{Farm, SecretSignIn, TenantInfo};
pub use faults::{Fault, FaultPlan, OneShot};
pub use serve::RunningFarm;
pub use stats::{LoggedRequest, Stats};
pub use tls::Authority;
