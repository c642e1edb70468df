//! The whole truth about a tenant at one moment: what a sync must end up with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::Directory;
use super::object::{Object, Ref, Value};
use super::schema::{self, Kind};

/// Everything in a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// Living users, by id.
    pub users: Vec<UserSnapshot>,
    /// Users in the bin, by id. What was purged is nowhere.
    pub deleted_users: Vec<UserSnapshot>,
    /// Living groups, by id.
    pub groups: Vec<GroupSnapshot>,
    /// Groups in the bin, by id.
    pub deleted_groups: Vec<GroupSnapshot>,
    /// Organisational contacts, by id.
    pub contacts: Vec<ObjectSnapshot>,
    /// Devices, by id.
    pub devices: Vec<ObjectSnapshot>,
    /// Direct memberships between living objects, by group id, then member id.
    pub memberships: Vec<Membership>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserSnapshot {
    /// The object id.
    pub id: Uuid,
    /// `accountEnabled`.
    pub account_enabled: bool,
    /// `Member` or `Guest`, as in Graph; null for some old accounts.
    pub user_type: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `userPrincipalName`.
    pub user_principal_name: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// Every attribute under its Graph name, `null` where it has no value.
    pub attributes: BTreeMap<String, Json>,
}

/// What kind of group it is (graph.md §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// `groupTypes` empty, not mail enabled, security enabled.
    Security,
    /// `groupTypes` holds `Unified`.
    #[serde(rename = "microsoft_365")]
    Microsoft365,
    /// Mail and security enabled, not `Unified`.
    MailEnabledSecurity,
    /// Mail enabled, not security enabled, not `Unified`.
    Distribution,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSnapshot {
    /// The object id.
    pub id: Uuid,
    /// `displayName`.
    pub display_name: Option<String>,
    /// The kind.
    pub kind: GroupKind,
    /// Whether a rule decides its members.
    pub dynamic: bool,
    /// Every attribute under its Graph name.
    pub attributes: BTreeMap<String, Json>,
}

/// A contact or a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectSnapshot {
    /// The object id.
    pub id: Uuid,
    /// `displayName`.
    pub display_name: Option<String>,
    /// Every attribute under its Graph name.
    pub attributes: BTreeMap<String, Json>,
}

/// One direct membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group_id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// The member's kind.
    pub member_type: Kind,
}

impl Directory {
    /// The whole truth.
    pub fn snapshot(&self, tenant_id: Uuid) -> Snapshot {
        let mut memberships: Vec<Membership> = Vec::new();
        for group in self.alive(Kind::Group) {
            let group_id = self.get(group).id;
            memberships.extend(self.members(group).map(|member| {
                let member = self.get(member);
                Membership {
                    group_id,
                    member_id: member.id,
                    member_type: member.kind,
                }
            }));
        }
        memberships.sort_unstable();
        Snapshot {
            tenant_id,
            users: self.list(self.alive(Kind::User), user),
            deleted_users: self.list(self.deleted(Kind::User), user),
            groups: self.list(self.alive(Kind::Group), group),
            deleted_groups: self.list(self.deleted(Kind::Group), group),
            contacts: self.list(self.alive(Kind::Contact), plain),
            devices: self.list(self.alive(Kind::Device), plain),
            memberships,
        }
    }

    fn list<T>(&self, refs: impl Iterator<Item = Ref>, shape: impl Fn(&Object) -> T) -> Vec<T> {
        let mut objects: Vec<&Object> = refs.map(|at| self.get(at)).collect();
        objects.sort_unstable_by_key(|object| object.id);
        objects.into_iter().map(shape).collect()
    }
}

fn text(object: &Object, slot: usize) -> Option<String> {
    object.text(slot).map(str::to_owned)
}

fn user(object: &Object) -> UserSnapshot {
    UserSnapshot {
        id: object.id,
        account_enabled: object.has(schema::user::ENABLED),
        user_type: text(object, schema::user::USER_TYPE),
        display_name: text(object, schema::DISPLAY_NAME),
        given_name: text(object, schema::user::GIVEN_NAME),
        surname: text(object, schema::user::SURNAME),
        user_principal_name: text(object, schema::user::UPN),
        mail: text(object, schema::user::MAIL),
        attributes: attributes(object),
    }
}

fn group(object: &Object) -> GroupSnapshot {
    GroupSnapshot {
        id: object.id,
        display_name: text(object, schema::DISPLAY_NAME),
        kind: group_kind(object),
        dynamic: object.has(schema::group::DYNAMIC),
        attributes: attributes(object),
    }
}

fn plain(object: &Object) -> ObjectSnapshot {
    ObjectSnapshot {
        id: object.id,
        display_name: text(object, schema::DISPLAY_NAME),
        attributes: attributes(object),
    }
}

fn group_kind(object: &Object) -> GroupKind {
    let mail = object.has(schema::group::MAIL_ENABLED);
    let security = object.has(schema::group::SECURITY_ENABLED);
    match (object.has(schema::group::UNIFIED), mail, security) {
        (true, ..) => GroupKind::Microsoft365,
        (_, true, true) => GroupKind::MailEnabledSecurity,
        (_, true, false) => GroupKind::Distribution,
        _ => GroupKind::Security,
    }
}

fn attributes(object: &Object) -> BTreeMap<String, Json> {
    object
        .kind
        .schema()
        .properties
        .iter()
        .map(|property| {
            let value = match object.value(property.slot) {
                Value::Unset | Value::Null => Json::Null,
                Value::Bool(flag) => flag.into(),
                Value::Text(text) => text.into_owned().into(),
                Value::Id(id) => id.to_string().into(),
                Value::List(items) => items
                    .into_iter()
                    .map(std::borrow::Cow::into_owned)
                    .collect(),
                Value::Json(json) => serde_json::from_str(&json).unwrap_or(Json::Null),
            };
            (property.name.to_owned(), value)
        })
        .collect()
}
