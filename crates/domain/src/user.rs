//! Users of a customer's directory.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    countdown::Countdown,
    enrolment::EnrolmentState,
    group::{GroupKind, MemberLine},
    id::{CustomerId, ExternalId, GroupId, IntegrationId, RunId, UserId},
    made_here::{Administrator, AdministratorsGroup, Editable, Elsewhere, KeptAttribute},
    protection::{Protected, ProtectedByRule, Protection},
    run::{Action, ChangeStatus, Reason, RunMode},
    text_enum,
};

text_enum! {
    /// Whether an object of the directory is in use.
    pub enum DirectoryStatus {
        /// In use.
        Active = "active",
        /// Kept, not in use.
        Inactive = "inactive",
        /// Deleted; kept for the record until purged.
        Deleted = "deleted",
    }
}

impl DirectoryStatus {
    /// The status in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Deleted => "Deleted",
        }
    }
}

text_enum! {
    /// Where an object of the directory comes from.
    pub enum SourceType {
        /// An Entra ID integration.
        EntraSync = "EntraSync",
        /// An Active Directory agent.
        AdSync = "AdSync",
        /// A SCIM client.
        Scim = "Scim",
        /// A file.
        Import = "Import",
        /// Made by hand.
        Manual = "Manual",
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Its id here.
    pub id: UserId,
    /// Its object id in the source; null where made by hand.
    pub external_id: Option<ExternalId>,
    /// The name it signs in with. May change, and may pass to somebody else.
    pub user_principal_name: Option<String>,
    /// The name people read.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Where it comes from.
    pub source_type: SourceType,
    /// The integration it comes from.
    pub integration_id: Option<IntegrationId>,
}

/// How a user stands here, whatever its source says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserStanding {
    /// Its customer.
    pub customer_id: CustomerId,
    /// How far they have come with an account of their own.
    pub enrolment: EnrolmentState,
    /// Whether it is protected, by hand or by a rule.
    pub is_protected: bool,
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// When it last changed.
    pub changed_at: DateTime,
}

/// A user as a list tells programs of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// How it stands here.
    #[serde(flatten)]
    pub standing: UserStanding,
}

impl From<UserLine> for ListedUser {
    fn from(line: UserLine) -> Self {
        Self {
            user: line.user,
            standing: UserStanding {
                customer_id: line.customer_id,
                enrolment: line.enrolment,
                is_protected: line.protected,
                delete_at: line.delete_at,
                changed_at: line.changed_at,
            },
        }
    }
}

/// A user by itself: more than a list tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WholeUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// How it stands here.
    #[serde(flatten)]
    pub standing: UserStanding,
    /// Why no run touches it; null where runs do.
    pub protected: Option<Protected>,
    /// Whether it is a guest.
    pub guest: bool,
    /// That it administers its customer's workspace; null where it doesn't.
    pub administrator: Option<Administrator>,
    /// The group of its source that decides whether it does; null where that is decided here.
    pub administrators_group: Option<AdministratorsGroup>,
    /// Other addresses it signs in with.
    pub aliases: Vec<String>,
    /// What is kept here of a synced user, whatever its source says.
    pub kept_attributes: Vec<KeptAttribute>,
    /// Everything else known of it, as Graph names it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Of one in the bin: when it goes for good.
    pub purge_at: Option<DateTime>,
}

/// A line of the Users list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct UserLine {
    /// The user.
    #[cfg_attr(feature = "sqlx", sqlx(flatten))]
    pub user: User,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// Groups it is a direct member of.
    pub groups: i64,
    /// What waits to be applied, in words; null where nothing does.
    pub pending: Option<String>,
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// Whether it is protected, by hand or by a rule.
    pub protected: bool,
    /// How far they have come with an account of their own.
    pub enrolment: EnrolmentState,
    /// When it last changed.
    pub changed_at: DateTime,
}

/// Another attribute of an object, such as a user's department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The attribute's name in Graph, such as `jobTitle`.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

/// A user as its own page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetail {
    /// The line of the list.
    pub line: UserLine,
    /// The integration's name.
    pub integration_name: Option<String>,
    /// Why it is inactive or deleted.
    pub status_reason: Option<Reason>,
    /// When it was added here.
    pub created_at: DateTime,
    /// Whether and when it will be deleted.
    pub countdown: Countdown,
    /// That no run touches it, and who said so.
    pub protection: Option<Protection>,
    /// The rule of its integration that does the same.
    pub protecting_rule: Option<ProtectedByRule>,
    /// Other attributes the source gave.
    pub attributes: Vec<Attribute>,
    /// Whether it is a guest.
    pub guest: bool,
    /// That it administers its customer's workspace, and who said so.
    pub administrator: Option<Administrator>,
    /// The group of its source that decides whether it does; none where that is decided here.
    pub administrators_group: Option<AdministratorsGroup>,
    /// Other addresses it signs in with.
    pub aliases: Vec<String>,
    /// What is kept here of it, whatever its source says.
    pub kept: Vec<KeptAttribute>,
    /// Who decides about it.
    pub editable: Editable,
    /// Where a synced one is changed.
    pub elsewhere: Option<Elsewhere>,
    /// Of one in the bin: when it goes for good.
    pub purge_at: Option<DateTime>,
}

/// A group that an object is a direct member of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct MemberOf {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
    /// Its kind.
    pub kind: GroupKind,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Whether its members are changed here.
    pub made_here: bool,
}

/// A group that somebody is a member of, directly or through others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Membership {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
    /// Its kind.
    pub kind: GroupKind,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Whether its members are changed here.
    pub made_here: bool,
    /// Whether it is a direct member.
    pub direct: bool,
    /// The groups between, by name, innermost first; empty for a direct member. The shortest way.
    pub path: Vec<String>,
}

/// Where a value of somebody comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ValueFrom {
    /// It was said here.
    Here,
    /// It is the source's attribute of this name.
    Source {
        /// As Graph names it.
        attribute: String,
    },
    /// A rule of the integration's mapping makes it.
    Rule {
        /// The kind of rule.
        rule: crate::mapping::MappingKind,
        /// What it says: an attribute, a constant, an expression.
        value: String,
    },
    /// An operator keeps it as it is here, whatever the source says.
    Kept {
        /// Who.
        by: String,
        /// When.
        at: DateTime,
        /// Why.
        note: String,
        /// What the source says, mapped; null where it says nothing.
        source_value: Option<String>,
    },
    /// It is as the integration left it that was deleted.
    Left,
}

/// An attribute of somebody, with where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttributeOrigin {
    /// Its name, as Graph has it.
    pub name: String,
    /// Its value; null where it has none.
    pub value: Option<String>,
    /// Where that comes from.
    pub from: ValueFrom,
}

/// What a run did about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunOfObject {
    /// The run.
    pub run_id: RunId,
    /// When it began, or was queued.
    pub at: DateTime,
    /// Whether it was a full one, a delta one, a preview or of one person.
    pub mode: RunMode,
    /// What it did, or planned.
    pub action: Action,
    /// Why.
    pub reason: Option<Reason>,
    /// What became of that.
    pub status: ChangeStatus,
}

/// Members of a group and what it is a member of: memberships both ways.
pub type Members = crate::paging::Page<MemberLine>;
