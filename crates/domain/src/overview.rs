//! The Overview: how all customers are, and who needs someone.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    credential_profile::WarningReach,
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    text_enum,
};

/// Days that the charts look back, today included.
pub const DAYS: usize = 30;

/// The most lines of "Worst first".
pub const TROUBLES_MAX: usize = 100;

/// Days before its end that a secret or certificate becomes a line of "Worst first".
pub const SECRET_ENDS_DAYS: i64 = 60;

/// How customers are. Each is counted once, by the worst of its enabled integrations, so the
/// counts add up to `customers`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// Customers that are not in the bin.
    pub customers: i64,
    /// Read completely, not longer ago than twice the schedule.
    pub current: i64,
    /// Later than that, though nothing failed.
    pub behind: i64,
    /// Some objects failed.
    pub partial: i64,
    /// Changes wait for a decision.
    pub held: i64,
    /// The last run failed, or sign-in failed so often that scheduled runs stopped.
    pub failing: i64,
    /// Every integration is switched off or paused.
    pub disabled: i64,
    /// Nothing is connected, or nothing ran yet.
    pub not_started: i64,
    /// The last [`DAYS`] days, the oldest first, days without a run included.
    pub days: Vec<Day>,
    /// What needs someone, the worst and longest first; at most [`TROUBLES_MAX`].
    pub worst_first: Vec<Trouble>,
    /// How many there are in all.
    pub troubles: i64,
    /// Who would be warned of a secret that ends; null where none is known to end, and for those who
    /// don’t look after the whole installation.
    pub warnings: Option<WarningReach>,
}

/// What happened on one day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The day.
    pub date: chrono::NaiveDate,
    /// Runs that ended.
    pub runs: i64,
    /// Of those, failed.
    pub failed: i64,
    /// Objects that runs created, updated, disabled, enabled, deleted or restored.
    pub changes: i64,
}

text_enum! {
    /// What kind of trouble it is; the worst first.
    pub enum TroubleKind {
        /// Sign-in failed again and again; scheduled runs stopped.
        Quarantined = "quarantined",
        /// The last run failed.
        Failing = "failing",
        /// Changes wait for a decision.
        Held = "held",
        /// Some objects failed.
        Partial = "partial",
        /// Later than its schedule.
        Behind = "behind",
        /// People wait for a decision whether they are here already.
        MatchesWait = "matches_wait",
        /// A secret or certificate ended or ends soon.
        SecretEnds = "secret_ends",
    }
}

/// One line of "Worst first".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What kind.
    pub kind: TroubleKind,
    /// Whom it concerns; null for a shared credential profile.
    pub customer_id: Option<CustomerId>,
    /// The customer's name, or the profile's.
    pub name: String,
    /// What happened, in a few words: "Client secret expired".
    pub what: String,
    /// The code, such as `AADSTS7000222`.
    pub code: Option<String>,
    /// Since when; for a secret, when it ends.
    pub since: DateTime,
    /// The integration it is about.
    pub integration_id: Option<IntegrationId>,
    /// The run to look at.
    pub run_id: Option<RunId>,
    /// The credential profile it is about.
    pub credential_profile_id: Option<CredentialProfileId>,
}
