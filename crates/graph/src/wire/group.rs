//! Groups and the changes of their members (graph.md §3.2, §6.1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{Item, ObjectKind, Removed, lenient};
use crate::resource::Resource;

/// A group, or the mark that one is gone.
///
/// A large group comes several times in a round, with the same properties and other members
/// (graph.md §3.5): merge by id, apply [`GroupItem::members`] in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupItem {
    /// The object id.
    pub id: Uuid,
    /// Set where the group is gone; then nothing else is.
    #[serde(
        default,
        rename = "@removed",
        deserialize_with = "Removed::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub removed: Option<Removed>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Mail alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_nickname: Option<String>,
    /// Whether it takes mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_enabled: Option<bool>,
    /// Whether it can guard things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_enabled: Option<bool>,
    /// `Unified`, `DynamicMembership`.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub group_types: Vec<String>,
    /// `Public`, `Private`, `HiddenMembership`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// True while synced from on-premises, false when it was, none when never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_sync_enabled: Option<bool>,
    /// When it was made.
    #[serde(
        default,
        deserialize_with = "lenient::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_date_time: Option<DateTime<Utc>>,
    /// Direct members that came and went. Not part of the stored group.
    #[serde(
        default,
        rename = "members@delta",
        deserialize_with = "lenient::list",
        skip_serializing
    )]
    pub members: Vec<MemberOp>,
}

impl GroupItem {
    /// What kind of group it is; none where the properties that say so weren't delivered, or fit
    /// none.
    pub fn kind(&self) -> Option<GroupKind> {
        GroupKind::of(&self.group_types, self.mail_enabled, self.security_enabled)
    }

    /// Whether a rule decides who is a member.
    pub fn is_dynamic(&self) -> bool {
        is_dynamic(&self.group_types)
    }
}

pub(crate) fn is_dynamic(group_types: &[String]) -> bool {
    group_types.iter().any(|name| name == "DynamicMembership")
}

impl Item for GroupItem {
    const RESOURCE: Resource = Resource::Groups;
    const TYPE: &'static str = "group";
    const SELECT: &'static [&'static str] = &[
        "id",
        "displayName",
        "description",
        "mail",
        "mailNickname",
        "mailEnabled",
        "securityEnabled",
        "groupTypes",
        "visibility",
        "onPremisesSyncEnabled",
        "createdDateTime",
    ];
}

/// The kinds of groups, named as in the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// A security group.
    Security,
    /// A Microsoft 365 group.
    #[serde(rename = "microsoft_365")]
    Microsoft365,
    /// A mail-enabled security group.
    MailEnabledSecurity,
    /// A distribution list.
    Distribution,
}

impl GroupKind {
    /// From what Graph says of a group (graph.md §6.1).
    pub fn of(
        group_types: &[String],
        mail_enabled: Option<bool>,
        security_enabled: Option<bool>,
    ) -> Option<Self> {
        if group_types.iter().any(|name| name == "Unified") {
            return Some(Self::Microsoft365);
        }
        match (mail_enabled?, security_enabled?) {
            (false, true) => Some(Self::Security),
            (true, true) => Some(Self::MailEnabledSecurity),
            (true, false) => Some(Self::Distribution),
            (false, false) => None,
        }
    }

    /// `security`, `microsoft_365`, `mail_enabled_security` or `distribution`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Microsoft365 => "microsoft_365",
            Self::MailEnabledSecurity => "mail_enabled_security",
            Self::Distribution => "distribution",
        }
    }
}

/// One entry of `members@delta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MemberOp {
    /// The member's object id.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "@odata.type", default = "unnamed")]
    pub kind: ObjectKind,
    /// True: no longer a member, because it left or because it was deleted. Graph doesn't say
    /// which.
    #[serde(rename = "@removed", default, deserialize_with = "is_there")]
    pub removed: bool,
}

/// A direct member, from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The member's object id.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "@odata.type", default = "unnamed")]
    pub kind: ObjectKind,
}

fn unnamed() -> ObjectKind {
    ObjectKind::Other
}

fn is_there<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(from)?.is_some())
}
