//! "Why?": the steps that decided about one object of a source, and what would change the answer.
//!
//! The words are made in `planner::why`, beside the functions that decide, so that pages and
//! programs are told the same.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{ExternalId, GroupId, IntegrationId, RunId, UserId},
    policy::ObjectType,
    run::{Action, Reason},
    text_enum,
    user::DirectoryStatus,
};

text_enum! {
    /// How one step went.
    pub enum StepOutcome {
        /// It let the object through.
        Passed = "passed",
        /// It decided, against the object being in use here.
        Stopped = "stopped",
        /// A step before it decided.
        NotReached = "not_reached",
        /// It can't be told, and the step says why.
        Unknown = "unknown",
    }
}

text_enum! {
    /// The steps, in the order in which they are taken.
    pub enum StepKind {
        /// Whether the source has it, and how that is known.
        Seen = "seen",
        /// Whether objects of its type are read.
        ObjectType = "object_type",
        /// Whether the scope holds it.
        Scope = "scope",
        /// Whether groups of its kind can be kept in step.
        GroupKind = "group_kind",
        /// Whether it is a guest.
        Guest = "guest",
        /// Whether a user has a given name and a surname.
        Names = "names",
        /// Whether the filters let it in.
        Filters = "filters",
        /// Whether every mapping rule works for it.
        MappingRules = "mapping_rules",
        /// Whether it is somebody who is here already.
        Matching = "matching",
        /// "Is Sign in Blocked on AD".
        SignIn = "sign_in",
        /// Whether the user name is free.
        UserName = "user_name",
        /// Which attributes go into the directory, and what a rule made of one.
        Mapping = "mapping",
        /// Which attributes are kept here, whatever the source says.
        KeptHere = "kept_here",
        /// Whether the policy lets the change be made.
        Actions = "actions",
        /// What the directory has, and what the next run would do.
        Result = "result",
        /// That its deletion was cancelled.
        Countdown = "countdown",
        /// That no run touches it.
        Protection = "protection",
        /// What waits.
        Pending = "pending",
        /// What a run last did about it.
        LastChange = "last_change",
        /// What a run last failed to do about it.
        LastError = "last_error",
    }
}

/// Where a link of an explanation leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WhyTarget {
    /// A run.
    Run {
        /// Its id.
        id: RunId,
    },
    /// A user of the directory.
    User {
        /// Its id.
        id: UserId,
    },
    /// A group of the directory.
    Group {
        /// Its id.
        id: GroupId,
    },
    /// The queue of matches of an integration.
    Matches {
        /// The integration.
        integration_id: IntegrationId,
    },
    /// A setting on the tab Tenant Configuration.
    Setting {
        /// The integration.
        integration_id: IntegrationId,
        /// The setting's name in `policy`, such as `require_names` or `actions.create`.
        field: String,
    },
}

/// A link of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyLink {
    /// Its words.
    pub title: String,
    /// Where it leads.
    pub target: WhyTarget,
}

/// One thing that a step looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyFact {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// One step of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyStep {
    /// Which step.
    pub step: StepKind,
    /// What it found, in a few words.
    pub title: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What it found, in a sentence.
    pub sentence: String,
    /// What it looked at.
    pub facts: Vec<WhyFact>,
    /// Ways to what it names.
    pub links: Vec<WhyLink>,
    /// When that was so; null where it is so now.
    pub at: Option<DateTime>,
}

/// One thing that would have to change, with the ways to do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyChange {
    /// What to do.
    pub sentence: String,
    /// Ways to where it is done here.
    pub links: Vec<WhyLink>,
}

/// What would have to change for the other answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyOther {
    /// What the other answer is, and whether all or one of the changes is needed for it.
    pub intro: String,
    /// Whether all of the changes are needed; else one is enough.
    pub all: bool,
    /// The changes.
    pub changes: Vec<WhyChange>,
}

/// The object that is explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyObject {
    /// What it is.
    pub object_type: ObjectType,
    /// Its object id in the source; null where made by hand.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub display_name: String,
    /// A user's sign-in name.
    pub user_principal_name: Option<String>,
    /// Its mail address.
    pub mail: Option<String>,
    /// Its id in the directory, where it is or was there.
    pub directory_id: Option<uuid::Uuid>,
    /// Its status in the directory, where it is or was there.
    pub status: Option<DirectoryStatus>,
    /// Whether anything is kept of it here; else the source was asked for it just now.
    pub kept: bool,
}

/// Why an object is in the directory or isn't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// What is explained.
    pub object: WhyObject,
    /// The integration whose policy decides; null for what was made by hand.
    pub integration_id: Option<IntegrationId>,
    /// The answer in a sentence.
    pub answer: String,
    /// What the next run would do; null where that is nothing.
    pub next_action: Option<Action>,
    /// Why, for the next action or for what isn't in use.
    pub reason: Option<Reason>,
    /// The steps that decided, in their order.
    pub steps: Vec<WhyStep>,
    /// What would have to change for the other answer; null where nothing here or there would.
    pub other: Option<WhyOther>,
}

text_enum! {
    /// What was found for what was asked.
    pub enum WhyFound {
        /// One object, explained.
        One = "one",
        /// Several: choose one and ask by its object id.
        Several = "several",
        /// None.
        Nothing = "nothing",
    }
}

/// The answer to "Why is somebody (not) here?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyAnswer {
    /// What was found.
    pub found: WhyFound,
    /// The explanation, where one object was found.
    pub why: Option<Why>,
    /// The objects to choose from, where there are several: those kept here first, then by name.
    pub candidates: Vec<WhyObject>,
    /// What was looked through, in words.
    pub asked: Vec<String>,
}
