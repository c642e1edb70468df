//! The steps of Test Connection as they are written down, each with what came back and what to
//! do.

use domain::{
    DateTime,
    connection::{Check, CheckStatus, ConnectionTest},
    id::TenantId,
};

use crate::Clock;

/// The checks so far.
pub(super) struct Checks<'a> {
    clock: &'a Clock,
    since: DateTime,
    made: Vec<Check>,
}

impl<'a> Checks<'a> {
    /// None yet; time runs from now.
    pub fn new(clock: &'a Clock) -> Self {
        Self {
            clock,
            since: clock.now(),
            made: Vec::new(),
        }
    }

    /// It is right.
    pub fn passed(&mut self, id: &str, title: &str, detail: impl Into<String>) {
        self.add(id, title, CheckStatus::Passed, detail.into(), None);
    }

    /// It is wrong.
    pub fn failed(
        &mut self,
        id: &str,
        title: &str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (detail, fix) = (detail.into(), Some(fix.into()));
        self.add(id, title, CheckStatus::Failed, detail, fix);
    }

    /// It could not be tried, or isn't needed.
    pub fn skipped(&mut self, id: &str, title: &str, detail: impl Into<String>) {
        self.add(id, title, CheckStatus::Skipped, detail.into(), None);
    }

    /// It failed with what Entra or Graph said.
    pub fn refused(&mut self, id: &str, title: &str, error: &graph::Error) {
        let detail = format!("{} ({}): {}", error.title(), error.code(), error.detail());
        self.failed(id, title, detail, error.fix());
    }

    /// Each check takes the time since the one before it.
    fn add(
        &mut self,
        id: &str,
        title: &str,
        status: CheckStatus,
        detail: String,
        fix: Option<String>,
    ) {
        let now = self.clock.now();
        self.made.push(Check {
            id: id.to_owned(),
            title: title.to_owned(),
            status,
            detail,
            fix,
            took_ms: (now - self.since).num_milliseconds(),
        });
        self.since = now;
    }

    /// The outcome.
    pub fn finish(
        self,
        tenant_id: Option<TenantId>,
        tenant_name: Option<String>,
    ) -> ConnectionTest {
        ConnectionTest {
            ok: self
                .made
                .iter()
                .all(|check| check.status != CheckStatus::Failed),
            checks: self.made,
            tenant_id,
            tenant_name,
        }
    }
}
