//! Runs: one sync each, with its states, counts and changes.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    decision::{HeldChanges, RunDecision},
    difference::Difference,
    id::{CustomerId, ExternalId, IntegrationId, RunChangeId, RunId},
    policy::{ObjectType, Policy},
    text_enum,
};

text_enum! {
    /// What a run reads and whether it applies.
    pub enum RunMode {
        /// Reads everything in scope.
        Full = "full",
        /// Reads what changed since the last run.
        Delta = "delta",
        /// Plans and stops before applying.
        Preview = "preview",
        /// Reads, plans and applies one object of the source, and touches nothing else.
        Object = "object",
        /// Brings in people of a file, or members of groups, once. It has no integration.
        Import = "import",
    }
}

impl RunMode {
    /// Whether it tells how the integration is: a preview changes nothing, and one object says
    /// nothing of the others.
    pub const fn is_of_integration(self) -> bool {
        matches!(self, Self::Full | Self::Delta)
    }
}

text_enum! {
    /// Who or what started a run.
    pub enum RunTrigger {
        /// The integration's schedule.
        Schedule = "schedule",
        /// A person.
        Operator = "operator",
        /// A program with a token.
        Api = "api",
        /// A notification from the source.
        Push = "push",
    }
}

text_enum! {
    /// How a run is, or ended.
    pub enum RunStatus {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// Everything that should be is.
        Succeeded = "succeeded",
        /// Nothing differed.
        NothingToDo = "nothing_to_do",
        /// Some objects failed.
        Partial = "partial",
        /// Some changes wait for a decision.
        Held = "held",
        /// It ended with an error; nothing after it was applied.
        Failed = "failed",
        /// A person stopped it, or the integration was disabled.
        Cancelled = "cancelled",
    }
}

impl RunStatus {
    /// The status in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::NothingToDo => "Nothing to do",
            Self::Partial => "Partial",
            Self::Held => "Held",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether a worker has it or will have it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

text_enum! {
    /// How a line of counts is: a run's status, or what was decided about it.
    pub enum LineStatus {
        /// As of the run.
        Queued = "queued",
        /// As of the run.
        Running = "running",
        /// As of the run.
        Succeeded = "succeeded",
        /// As of the run.
        NothingToDo = "nothing_to_do",
        /// As of the run.
        Partial = "partial",
        /// As of the run.
        Held = "held",
        /// As of the run.
        Failed = "failed",
        /// As of the run.
        Cancelled = "cancelled",
        /// Its held changes were approved.
        Approved = "approved",
        /// Its held changes were rejected.
        Rejected = "rejected",
        /// A preview that a run would hold.
        WouldHold = "would_hold",
    }
}

impl LineStatus {
    /// The status in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::NothingToDo => "Nothing to do",
            Self::Partial => "Partial",
            Self::Held => "Held",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::WouldHold => "Would hold",
        }
    }
}

impl From<RunStatus> for LineStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Queued => Self::Queued,
            RunStatus::Running => Self::Running,
            RunStatus::Succeeded => Self::Succeeded,
            RunStatus::NothingToDo => Self::NothingToDo,
            RunStatus::Partial => Self::Partial,
            RunStatus::Held => Self::Held,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
        }
    }
}

text_enum! {
    /// What happens to one object.
    pub enum Action {
        /// Comes in.
        Create = "create",
        /// Attributes change.
        Update = "update",
        /// Becomes inactive.
        Disable = "disable",
        /// Becomes active again.
        Enable = "enable",
        /// Is deleted.
        Delete = "delete",
        /// Comes back after it was deleted.
        Restore = "restore",
        /// Somebody who is here turns out to be the same: the source says what it is like from then on.
        Match = "match",
        /// Stays out, with a reason.
        Filter = "filter",
    }
}

impl Action {
    /// The action in a word, as a button would say it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Disable => "Disable",
            Self::Enable => "Enable",
            Self::Delete => "Delete",
            Self::Restore => "Restore",
            Self::Match => "Match",
            Self::Filter => "Filter",
        }
    }
}

text_enum! {
    /// Where a change of a plan stands.
    pub enum ChangeStatus {
        /// Will be applied.
        Planned = "planned",
        /// Was applied.
        Applied = "applied",
        /// Waits for a decision.
        Held = "held",
        /// Could not be applied, with the reason.
        Failed = "failed",
        /// Is no change: the object is kept out.
        Filtered = "filtered",
        /// Was held and rejected: the object stays as it is.
        Rejected = "rejected",
        /// Was held and approved, and was not so any more by then.
        Overtaken = "overtaken",
    }
}

impl ChangeStatus {
    /// The status in a word.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Planned => "Planned",
            Self::Applied => "Applied",
            Self::Held => "Held",
            Self::Failed => "Failed",
            Self::Filtered => "Filtered",
            Self::Rejected => "Rejected",
            Self::Overtaken => "Overtaken",
        }
    }
}

text_enum! {
    /// Why an object is where it is: the fixed list of sync.md rule 10, and of what disables
    /// and deletes.
    pub enum Reason {
        /// No given name or no surname, and the policy requires both.
        MissingName = "missing_name",
        /// A guest, and the policy keeps guests out.
        Guest = "guest",
        /// A distribution list: it can't be kept in step.
        DistributionList = "distribution_list",
        /// A mail-enabled security group: it can't be kept in step.
        MailEnabledSecurityGroup = "mail_enabled_security_group",
        /// Another active user has the same user name: one of an older integration, or one made here.
        DuplicateUserName = "duplicate_user_name",
        /// It was in a selected group and is in none any more.
        OutOfScope = "out_of_scope",
        /// It was deleted in the source and can be restored there.
        SoftDeleted = "soft_deleted",
        /// It is gone from the source for good.
        Gone = "gone",
        /// Sign-in is blocked in the source.
        SignInBlocked = "sign_in_blocked",
        /// Its days as inactive are over.
        DeleteAfterDays = "delete_after_days",
        /// The policy switched this kind of change off.
        ActionOff = "action_off",
        /// More changes than the guard lets through.
        GuardLimit = "guard_limit",
        /// The answer was complete and empty where something was known.
        EmptyAnswer = "empty_answer",
        /// Waits with its user or group, which is held.
        HeldWithObject = "held_with_object",
        /// The integration it came from was deleted.
        IntegrationDeleted = "integration_deleted",
        /// An operator deactivated it here.
        DeactivatedHere = "deactivated_here",
        /// An operator deleted it here.
        DeletedHere = "deleted_here",
        /// A mapping rule fails for it: it stays as it is, and waits.
        MappingFailed = "mapping_failed",
        /// A filter of the policy keeps it out.
        ExcludedByFilter = "excluded_by_filter",
        /// A filter fails for it: it stays as it is, and waits.
        FilterFailed = "filter_failed",
        /// Its user name, or its new one, is what somebody made here signs in with: it stays as it is,
        /// and waits.
        UserNameHeld = "user_name_held",
        /// Somebody here got its user name after the change was planned: the next run looks again.
        UserNameTaken = "user_name_taken",
        /// Somebody here may be the same person: a decision is waited for.
        MatchUndecided = "match_undecided",
        /// Nobody new comes in unconfirmed: a decision is waited for.
        NewUndecided = "new_undecided",
        /// It was decided in the queue of matches that it stays out.
        MatchIgnored = "match_ignored",
    }
}

impl Reason {
    /// The reason as a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MissingName => "Given name or surname is missing",
            Self::Guest => "Guests are not kept",
            Self::DistributionList => "Distribution list: cannot be synced",
            Self::MailEnabledSecurityGroup => "Mail-enabled security group: cannot be synced",
            Self::DuplicateUserName => "Another active user has this user name",
            Self::OutOfScope => "No longer in a selected group",
            Self::SoftDeleted => "Deleted in the source, can be restored there",
            Self::Gone => "Gone from the source",
            Self::SignInBlocked => "Sign-in is blocked in the source",
            Self::DeleteAfterDays => "Inactive for longer than the policy keeps people",
            Self::ActionOff => "This kind of change is switched off in the policy",
            Self::GuardLimit => "Over the guard’s limit",
            Self::EmptyAnswer => "The source answered with nothing at all",
            Self::HeldWithObject => "Waits with its user or group, which is held",
            Self::IntegrationDeleted => "The integration it came from was deleted",
            Self::DeactivatedHere => "Deactivated here",
            Self::DeletedHere => "Deleted here",
            Self::MappingFailed => "A mapping rule fails for it",
            Self::ExcludedByFilter => "Excluded by filter",
            Self::FilterFailed => "A filter fails for it",
            Self::UserNameHeld => "Somebody here signs in with its user name",
            Self::UserNameTaken => "Somebody here got its user name since this was planned",
            Self::MatchUndecided => {
                "May be somebody who is here already: to be decided in Matching"
            }
            Self::NewUndecided => "New people are confirmed first: to be decided in Matching",
            Self::MatchIgnored => "Kept out by a decision in Matching",
        }
    }
}

/// Why a run failed, is partial or is held: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunError {
    /// A stable name or Microsoft's code, such as `tenant_changed` or `AADSTS7000222`.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// What was tried and what came back.
    pub detail: String,
    /// What to do.
    pub fix: String,
}

/// One line of counts: a run's objects of one type, each counted once by its strongest action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountLine {
    /// The type.
    pub object_type: ObjectType,
    /// How the line is.
    pub status: LineStatus,
    /// Objects the run looked at: the sum of all that follow, except `blocked`.
    pub total: i64,
    /// As they should be already.
    pub unchanged: i64,
    /// Came in.
    pub created: i64,
    /// Attributes changed.
    pub updated: i64,
    /// Became inactive.
    pub disabled: i64,
    /// Became active again.
    pub enabled: i64,
    /// Deleted.
    pub deleted: i64,
    /// Came back.
    pub restored: i64,
    /// Kept out.
    pub filtered: i64,
    /// Could not be applied.
    pub failed: i64,
    /// Wait for a decision.
    pub held: i64,
    /// Of `disabled`, those whose sign-in is blocked in the source; the seed counts them as
    /// changed, not as deleted.
    pub blocked: i64,
}

impl CountLine {
    /// A line of zeros.
    pub const fn new(object_type: ObjectType, status: LineStatus) -> Self {
        Self {
            object_type,
            status,
            total: 0,
            unchanged: 0,
            created: 0,
            updated: 0,
            disabled: 0,
            enabled: 0,
            deleted: 0,
            restored: 0,
            filtered: 0,
            failed: 0,
            held: 0,
            blocked: 0,
        }
    }

    /// How many change in the directory.
    pub const fn changed(&self) -> i64 {
        self.created + self.updated + self.disabled + self.enabled + self.deleted + self.restored
    }

    /// The sum that `total` has to equal.
    pub const fn sum(&self) -> i64 {
        self.unchanged
            + self.created
            + self.updated
            + self.disabled
            + self.enabled
            + self.deleted
            + self.restored
            + self.filtered
            + self.failed
            + self.held
    }

    /// The seed's "Objects Changed".
    pub const fn objects_changed(&self) -> i64 {
        self.created + self.updated + self.enabled + self.restored + self.blocked
    }

    /// The seed's "Objects Deleted".
    pub const fn objects_deleted(&self) -> i64 {
        self.deleted + self.disabled - self.blocked
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its integration; null of an import.
    pub integration_id: Option<IntegrationId>,
    /// Full, delta, preview, object or import.
    pub mode: RunMode,
    /// What started it.
    pub trigger: RunTrigger,
    /// How it is.
    pub status: RunStatus,
    /// When a worker took it; null while queued.
    pub started_at: Option<DateTime>,
    /// When it ended; null in `queued`, `running` and `held`.
    pub ended_at: Option<DateTime>,
    /// Set on `failed`, `partial` and `held`.
    pub error: Option<RunError>,
    /// Requests to Entra and Graph, with retries and token requests.
    pub requests: i64,
    /// Resource units that Graph billed.
    pub resource_units: i64,
    /// A line an object type.
    pub counts: Vec<CountLine>,
    /// Of a run that held changes: the newer run that took its place before they were decided.
    pub replaced_by: Option<RunId>,
    /// Of a preview, also after it was applied.
    pub preview: Option<RunPreview>,
    /// Of mode `object`: which one.
    pub object: Option<RunObject>,
}

/// The one object that a run of mode `object` syncs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunObject {
    /// What it is.
    pub object_type: ObjectType,
    /// Its object id in the source.
    pub external_id: ExternalId,
    /// Its name; null where nothing is kept of it.
    pub display_name: Option<String>,
    /// Why it is kept out, leaves or is inactive, as the run found it; null before that, and for
    /// one that is in use. `gone` or `out_of_scope` of one of which nothing is kept.
    pub reason: Option<Reason>,
}

/// For which settings a preview was made, and until when it can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunPreview {
    /// Whether the settings differ from those that were saved when it began. Applying it saves
    /// them.
    pub unsaved: bool,
    /// Until when it can be applied. Null where there is nothing to apply: it didn't end
    /// `succeeded`, or it was applied.
    pub apply_until: Option<DateTime>,
}

/// How long a preview can be applied, in hours: the source goes on changing.
pub const PREVIEW_HOURS: i64 = 24;

text_enum! {
    /// The step a run is at.
    pub enum RunPhase {
        /// Waits for a worker.
        Waiting = "waiting",
        /// Pages come in from the source.
        Reading = "reading",
        /// The round becomes source objects.
        Merging = "merging",
        /// Wanted and known are compared.
        Planning = "planning",
        /// What was approved is looked at again.
        Deciding = "deciding",
        /// The plan is applied.
        Applying = "applying",
        /// Nothing is left to do.
        Done = "done",
    }
}

impl RunPhase {
    /// The step in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Reading => "Reading",
            Self::Merging => "Merging",
            Self::Planning => "Planning",
            Self::Deciding => "Looking again",
            Self::Applying => "Applying",
            Self::Done => "Done",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// The step.
    pub phase: RunPhase,
    /// Pages read.
    pub pages_read: i64,
    /// Objects read.
    pub objects_read: i64,
    /// Objects the round is expected to have, from what is known; null where nothing is.
    pub objects_expected: Option<i64>,
    /// Changes planned.
    pub planned: i64,
    /// Changes applied.
    pub applied: i64,
}

impl RunProgress {
    /// Nothing done yet.
    pub const WAITING: Self = Self {
        phase: RunPhase::Waiting,
        pages_read: 0,
        objects_read: 0,
        objects_expected: None,
        planned: 0,
        applied: 0,
    };

    /// The share done, 0 to 100: reading counts for 60, merging and planning to 75, applying to
    /// 100. Null while reading something of unknown size.
    pub fn percent(&self) -> Option<u8> {
        let share = |done: i64, of: i64| {
            if of <= 0 {
                0
            } else {
                (done.min(of) * 100 / of).clamp(0, 100)
            }
        };
        let percent = match self.phase {
            RunPhase::Waiting => return None,
            RunPhase::Reading => share(self.objects_read, self.objects_expected?) * 60 / 100,
            RunPhase::Merging => 60,
            RunPhase::Planning | RunPhase::Deciding => 70,
            RunPhase::Applying => 75 + share(self.applied, self.planned) * 25 / 100,
            RunPhase::Done => 100,
        };
        u8::try_from(percent).ok()
    }
}

/// A run as its own page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// The integration's name, the last one where it was deleted; of an import, `Import of` and the
    /// name of its file.
    pub integration_name: String,
    /// Whether the integration was deleted: its history stays.
    pub integration_deleted: bool,
    /// Who started it: a person's or a token's name, or null for the schedule.
    pub started_by: Option<String>,
    /// How far it is.
    pub progress: RunProgress,
    /// Runs folded into this line (sync.md rule 18), at least 1.
    pub folded: i64,
    /// When the last of the folded runs was.
    pub last_seen_at: Option<DateTime>,
    /// What waits for a decision.
    pub held: Vec<HeldChanges>,
    /// What was decided.
    pub decisions: Vec<RunDecision>,
    /// The held run that this run's held changes wait in: it found the same ones again.
    pub held_in: Option<RunId>,
    /// Of a preview, also after it was applied.
    pub preview: Option<PreviewDetail>,
}

/// What the page of a preview says beside its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewDetail {
    /// How its settings differ from those that were saved when it began.
    pub settings: Vec<Difference>,
    /// Why it can't be applied now; null where it can.
    pub refusal: Option<String>,
    /// The run that stands in the way.
    pub refused_for: Option<RunId>,
}

/// The settings of a preview, on their way back into the form that they came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewSettings {
    /// The preview.
    pub run_id: RunId,
    /// Its integration.
    pub integration_id: IntegrationId,
    /// What it was made for.
    pub policy: Policy,
    /// Names of the policy's selected groups, as far as they are known.
    pub group_names: Vec<(ExternalId, String)>,
    /// Whether the saved settings were changed since it began.
    pub changed_since: bool,
}

/// One line of Sync History: a run's counts of one object type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// The run.
    pub run_id: RunId,
    /// Its integration; null of an import.
    pub integration_id: Option<IntegrationId>,
    /// The integration's name, the last one where it was deleted; of an import, `Import of` and the
    /// name of its file.
    pub integration_name: String,
    /// Whether the integration was deleted: its history stays.
    pub integration_deleted: bool,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// Full, delta, preview or object.
    pub mode: RunMode,
    /// Of mode `object`: its name, where anything is kept of it.
    pub object_name: Option<String>,
    /// What started it.
    pub trigger: RunTrigger,
    /// Who started it.
    pub started_by: Option<String>,
    /// Start Time (when queued, until a worker took it).
    pub started_at: DateTime,
    /// End Time.
    pub ended_at: Option<DateTime>,
    /// How the run is.
    pub run_status: RunStatus,
    /// The counts. Before the run has any: one line a type of the policy, all zero.
    pub counts: CountLine,
    /// What happened, where it failed, is partial or held.
    pub error: Option<RunError>,
    /// How far it is, for a run in progress.
    pub progress: RunProgress,
    /// Runs folded into this line, at least 1.
    pub folded: i64,
    /// When the last of the folded runs was.
    pub last_seen_at: Option<DateTime>,
}

/// One object of a run that changes, is held, failed or is filtered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunChange {
    /// Its id.
    pub id: RunChangeId,
    /// What kind of object.
    pub object_type: ObjectType,
    /// The object's id in the source; of a membership change, its group's; of an import, its id here.
    pub external_id: ExternalId,
    /// The object's name when the plan was made.
    pub display_name: String,
    /// What happens to it.
    pub action: Action,
    /// Why.
    pub reason: Option<Reason>,
    /// Where it stands.
    pub status: ChangeStatus,
    /// What is wrong with it, where it failed.
    pub error: Option<String>,
    /// The changed attributes as they were. Null for a create.
    pub before: Option<serde_json::Value>,
    /// The changed attributes as they become; of a membership change,
    /// `{"added": [ids], "removed": [ids]}`. Null for a create, which keeps no copy.
    pub after: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_columns_come_from_the_counts() {
        let line = CountLine {
            created: 3,
            updated: 5,
            disabled: 7,
            enabled: 11,
            deleted: 13,
            restored: 17,
            blocked: 2,
            ..CountLine::new(ObjectType::User, LineStatus::Succeeded)
        };
        assert_eq!(line.objects_changed(), 3 + 5 + 11 + 17 + 2);
        assert_eq!(line.objects_deleted(), 13 + 5);
    }

    #[test]
    fn progress_never_leaves_its_limits() {
        for phase in RunPhase::ALL {
            for (read, expected) in [
                (0, Some(0)),
                (5, Some(2)),
                (i64::from(u32::MAX), Some(1)),
                (1, None),
            ] {
                let progress = RunProgress {
                    phase: *phase,
                    objects_read: read,
                    objects_expected: expected,
                    planned: 0,
                    applied: read,
                    pages_read: 0,
                };
                assert!(progress.percent().is_none_or(|p| p <= 100));
            }
        }
    }
}
