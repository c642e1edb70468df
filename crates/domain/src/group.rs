//! Groups of a customer's directory.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    countdown::Countdown,
    id::{CustomerId, ExternalId, GroupId, IntegrationId},
    made_here::{Editable, Elsewhere},
    policy::ObjectType,
    run::Reason,
    text_enum,
    user::{DirectoryStatus, SourceType},
};

text_enum! {
    /// What kind of group it is (graph.md §6.1).
    pub enum GroupKind {
        /// A security group.
        Security = "security",
        /// A Microsoft 365 group.
        Microsoft365 = "microsoft_365",
        /// A mail-enabled security group.
        MailEnabledSecurity = "mail_enabled_security",
        /// A distribution list.
        Distribution = "distribution",
    }
}

impl GroupKind {
    /// The kind in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::Microsoft365 => "Microsoft 365",
            Self::MailEnabledSecurity => "Mail-enabled security",
            Self::Distribution => "Distribution list",
        }
    }

    /// Why groups of this kind can't be kept in step; null where they can.
    pub const fn refused(self) -> Option<Reason> {
        match self {
            Self::Security | Self::Microsoft365 => None,
            Self::MailEnabledSecurity => Some(Reason::MailEnabledSecurityGroup),
            Self::Distribution => Some(Reason::DistributionList),
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// Its id here.
    pub id: GroupId,
    /// Its object id in the source; null where made by hand.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub display_name: String,
    /// What kind it is.
    pub kind: GroupKind,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Where it comes from.
    pub source_type: SourceType,
    /// Users that are direct members.
    pub user_count: i64,
    /// Users that are members, directly or through groups in it.
    pub effective_user_count: i64,
}

/// A line of the Groups list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct GroupLine {
    /// The group.
    #[cfg_attr(feature = "sqlx", sqlx(flatten))]
    pub group: Group,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// Whether its members follow a rule in the source.
    pub dynamic: bool,
    /// Whether the policy selects it.
    pub selected: bool,
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// When it last changed.
    pub changed_at: DateTime,
}

/// A group as programs are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedGroup {
    /// The group.
    #[serde(flatten)]
    pub group: Group,
    /// Its customer.
    pub customer_id: CustomerId,
    /// Whether its members follow a rule in the source.
    pub dynamic: bool,
    /// Whether the policy selects it.
    pub selected: bool,
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// When it last changed.
    pub changed_at: DateTime,
}

impl From<GroupLine> for ListedGroup {
    fn from(line: GroupLine) -> Self {
        Self {
            group: line.group,
            customer_id: line.customer_id,
            dynamic: line.dynamic,
            selected: line.selected,
            delete_at: line.delete_at,
            changed_at: line.changed_at,
        }
    }
}

/// A group as its own page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDetail {
    /// The line of the list.
    pub line: GroupLine,
    /// The integration.
    pub integration_id: Option<IntegrationId>,
    /// The integration's name.
    pub integration_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its mail address.
    pub mail: Option<String>,
    /// Why it is inactive or deleted.
    pub status_reason: Option<Reason>,
    /// Whether and when it will be deleted.
    pub countdown: Countdown,
    /// When it was added here.
    pub created_at: DateTime,
    /// Groups that are direct members.
    pub group_count: i64,
    /// Who decides about it.
    pub editable: Editable,
    /// Where a synced one is changed.
    pub elsewhere: Option<Elsewhere>,
    /// Of one in the bin: when it goes for good.
    pub purge_at: Option<DateTime>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberLine {
    /// The member's id here: a user's, a group's, a contact's or a device's.
    pub id: uuid::Uuid,
    /// Its object id in the source.
    pub external_id: Option<ExternalId>,
    /// Whether it is a user, a group, a contact or a device.
    pub object_type: ObjectType,
    /// Its name.
    pub display_name: String,
    /// Whether it is a direct member.
    pub direct: bool,
    /// The groups between, outermost first; empty for a direct member.
    pub path: Vec<String>,
    /// A user's sign-in name.
    pub user_principal_name: Option<String>,
    /// Whether it is in use.
    pub status: Option<DirectoryStatus>,
}
