//! Status is icon, word and colour, always the three, from one table (look.md, "Colour").

use domain::{
    connection::CheckStatus,
    integration::IntegrationState,
    notification::DeliveryStatus,
    policy::ObjectType,
    run::{LineStatus, RunStatus},
    user::{DirectoryStatus, SourceType},
};
use leptos::prelude::*;

use super::icon::Icon;

/// How a status looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The icon's name.
    pub icon: &'static str,
    /// The word beside it.
    pub word: &'static str,
    /// The colour as a class of `rc-st`: `ok`, `held`, `fail`, `run`, `quiet` or none.
    pub tone: &'static str,
}

impl Mark {
    const fn new(icon: &'static str, word: &'static str, tone: &'static str) -> Self {
        Self { icon, word, tone }
    }

    /// Complete reads, not older than twice the schedule.
    pub const CURRENT: Self = Self::new("circle-check", "Current", "ok");
    /// Later than its schedule.
    pub const BEHIND: Self = Self::new("clock", "Behind", "");
    /// Some objects failed.
    pub const PARTIAL: Self = Self::new("circle-alert", "Partial", "held");
    /// Waits for a decision.
    pub const HELD: Self = Self::new("hand", "Held", "held");
    /// The last run failed.
    pub const FAILING: Self = Self::new("circle-x", "Failing", "fail");
    /// Scheduled runs stopped after sign-in failed again and again.
    pub const QUARANTINED: Self = Self::new("shield-alert", "Quarantined", "fail");
    /// Someone paused its scheduled runs.
    pub const PAUSED: Self = Self::new("circle-pause", "Paused", "");
    /// Switched off.
    pub const DISABLED: Self = Self::new("circle-slash", "Disabled", "quiet");
    /// Nothing is connected or nothing ran yet.
    pub const NOT_STARTED: Self = Self::new("circle-dashed", "Not started", "");

    const fn spins(self) -> bool {
        matches!(self.icon.as_bytes(), b"loader-circle")
    }
}

impl From<RunStatus> for Mark {
    fn from(status: RunStatus) -> Self {
        LineStatus::from(status).into()
    }
}

impl From<LineStatus> for Mark {
    fn from(status: LineStatus) -> Self {
        let (icon, tone) = match status {
            LineStatus::Queued => ("circle-dashed", ""),
            LineStatus::Running => ("loader-circle", "run"),
            LineStatus::Succeeded => ("circle-check", "ok"),
            LineStatus::NothingToDo => ("minus", "quiet"),
            LineStatus::Partial => ("circle-alert", "held"),
            LineStatus::Held => ("hand", "held"),
            LineStatus::Failed => ("circle-x", "fail"),
            LineStatus::Cancelled => ("ban", ""),
            LineStatus::Approved => ("check-check", "ok"),
            LineStatus::Rejected => ("undo-2", ""),
            LineStatus::WouldHold => ("eye", "held"),
        };
        Self::new(icon, status.title(), tone)
    }
}

impl From<IntegrationState> for Mark {
    fn from(state: IntegrationState) -> Self {
        match state {
            IntegrationState::NotStarted => Self::NOT_STARTED,
            IntegrationState::Ok => Self::CURRENT,
            IntegrationState::Failing => Self::FAILING,
            IntegrationState::Quarantined => Self::QUARANTINED,
            IntegrationState::Paused => Self::PAUSED,
            IntegrationState::Disabled => Self::DISABLED,
        }
    }
}

impl From<DeliveryStatus> for Mark {
    fn from(status: DeliveryStatus) -> Self {
        let (icon, tone) = match status {
            DeliveryStatus::Queued => ("circle-dashed", ""),
            DeliveryStatus::Delivered => ("circle-check", "ok"),
            DeliveryStatus::Failed => ("circle-x", "fail"),
        };
        Self::new(icon, status.title(), tone)
    }
}

impl From<CheckStatus> for Mark {
    fn from(status: CheckStatus) -> Self {
        match status {
            CheckStatus::Passed => Self::new("circle-check", "Passed", "ok"),
            CheckStatus::Failed => Self::new("circle-x", "Failed", "fail"),
            CheckStatus::Skipped => Self::new("circle-minus", "Skipped", "quiet"),
        }
    }
}

/// A status in text or in a table.
#[component]
pub fn Status(
    /// What it is.
    #[prop(into)]
    of: Mark,
) -> impl IntoView {
    let turning = if of.spins() { "rc-spin" } else { "" };
    view! {
        <span class=format!("rc-st {}", of.tone).trim_end().to_owned()>
            <Icon name=of.icon class=turning />
            {of.word}
        </span>
    }
}

/// A status once beside a title.
#[component]
pub fn Tag(
    /// What it is.
    #[prop(into)]
    of: Mark,
) -> impl IntoView {
    let turning = if of.spins() { "rc-spin" } else { "" };
    view! {
        <span class=format!("rc-tag {}", of.tone).trim_end().to_owned()>
            <Icon name=of.icon small=true class=turning />
            {of.word}
        </span>
    }
}

/// The icon of a type of object.
pub const fn type_icon(object_type: ObjectType) -> &'static str {
    match object_type {
        ObjectType::User => "user",
        ObjectType::Group | ObjectType::Membership => "users",
        ObjectType::Contact => "contact",
        ObjectType::Device => "laptop",
    }
}

/// "User Status": Active, Inactive or Deleted.
#[component]
pub fn InDirectory(
    /// The status of an object of the directory.
    status: DirectoryStatus,
    /// What it is: people have an icon of their own.
    #[prop(default = ObjectType::User)]
    of: ObjectType,
) -> impl IntoView {
    let thing = !matches!(of, ObjectType::User | ObjectType::Contact);
    let (icon, text, colour) = match (status, thing) {
        (DirectoryStatus::Active, false) => ("user-check", "", "text-success"),
        (DirectoryStatus::Active, true) => ("circle-check", "", "text-success"),
        (DirectoryStatus::Inactive, false) => ("user-x", "text-muted", ""),
        (DirectoryStatus::Inactive, true) => ("circle-slash", "text-muted", ""),
        (DirectoryStatus::Deleted, _) => ("trash-2", "text-muted", ""),
    };
    view! {
        <span class=format!("inline-flex items-center gap-1.5 whitespace-nowrap {text}").trim_end().to_owned()>
            <Icon name=icon class=colour />
            {status.title()}
        </span>
    }
}

/// "Source Type", with its icon.
#[component]
pub fn Source(
    /// Where an object comes from.
    source: SourceType,
) -> impl IntoView {
    let icon = match source {
        SourceType::EntraSync => "cloud",
        SourceType::AdSync => "server",
        SourceType::Scim => "arrow-left-right",
        SourceType::Import => "file-up",
        SourceType::Manual => "pencil",
    };
    view! {
        <span class="inline-flex items-center gap-1.5 whitespace-nowrap">
            <Icon name=icon class="text-muted" />
            {source.as_str()}
        </span>
    }
}

/// Yes or No, as the column Enabled shows it.
#[component]
pub fn YesNo(
    /// Whether it is so.
    yes: bool,
) -> impl IntoView {
    let (icon, word, class) = if yes {
        ("check", "Yes", "inline-flex items-center gap-1.5")
    } else {
        ("minus", "No", "inline-flex items-center gap-1.5 text-muted")
    };
    view! {
        <span class=class>
            <Icon name=icon small=true class="text-muted" />
            {word}
        </span>
    }
}
