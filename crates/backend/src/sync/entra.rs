//! From Graph's objects to ours.

use std::collections::BTreeMap;

use domain::{group::GroupKind, id::ExternalId, policy::ObjectType};
use graph::{ContactItem, DeviceItem, GroupItem, Item, ObjectKind, Removed, UserItem};
use planner::{
    merge::MemberOp,
    read::{Content, Mapped, Presence, SourceObject},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::stop::Stop;

/// The properties of a user that are columns, by their names in Graph; the others are attributes.
const USER_COLUMNS: [&str; 8] = [
    "id",
    "accountEnabled",
    "userType",
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
];

/// The same of a group.
const GROUP_COLUMNS: [&str; 6] = [
    "id",
    "displayName",
    "mail",
    "mailEnabled",
    "securityEnabled",
    "groupTypes",
];

/// The same of a contact.
const CONTACT_COLUMNS: [&str; 5] = ["id", "displayName", "givenName", "surname", "mail"];

/// The same of a device.
const DEVICE_COLUMNS: [&str; 3] = ["id", "accountEnabled", "displayName"];

/// An item that is an object of its own, and nothing else: a group names its members too.
pub(crate) trait Single: Item {
    /// What it is. Its text is the name of its stream.
    const OBJECT_TYPE: ObjectType;

    /// The object id.
    fn id(&self) -> Uuid;

    /// The item as an object. One that was delivered in part ends the run (sync.md rule 6).
    fn object(self) -> Result<SourceObject, Stop>;
}

impl Single for UserItem {
    const OBJECT_TYPE: ObjectType = ObjectType::User;

    fn id(&self) -> Uuid {
        self.id
    }

    fn object(self) -> Result<SourceObject, Stop> {
        user(self)
    }
}

impl Single for ContactItem {
    const OBJECT_TYPE: ObjectType = ObjectType::Contact;

    fn id(&self) -> Uuid {
        self.id
    }

    fn object(self) -> Result<SourceObject, Stop> {
        contact(self)
    }
}

impl Single for DeviceItem {
    const OBJECT_TYPE: ObjectType = ObjectType::Device;

    fn id(&self) -> Uuid {
        self.id
    }

    fn object(self) -> Result<SourceObject, Stop> {
        device(self)
    }
}

/// A user of a page. A present one without what every user has was delivered in part, and ends
/// the run (sync.md rule 6).
pub(crate) fn user(item: UserItem) -> Result<SourceObject, Stop> {
    if let Some(removed) = item.removed {
        return Ok(removed_object(ObjectType::User, item.id, removed));
    }
    let attributes = attributes(&item, &USER_COLUMNS);
    let (Some(enabled), Some(display_name)) = (item.account_enabled, item.display_name) else {
        return Err(incomplete("user", "accountEnabled and displayName"));
    };
    let content = Content {
        display_name,
        user_principal_name: item.user_principal_name,
        given_name: item.given_name,
        surname: item.surname,
        mail: item.mail,
        sign_in_blocked: !enabled,
        guest: item
            .user_type
            .is_some_and(|kind| kind.eq_ignore_ascii_case("guest")),
        group_kind: None,
        dynamic: false,
        attributes,
    };
    Ok(present(ObjectType::User, item.id, content))
}

/// A contact of a page. One without a name is called by whatever else it is known by; one of which
/// nothing at all came was delivered in part.
fn contact(item: ContactItem) -> Result<SourceObject, Stop> {
    if let Some(removed) = item.removed {
        return Ok(removed_object(ObjectType::Contact, item.id, removed));
    }
    let attributes = attributes(&item, &CONTACT_COLUMNS);
    let parts = [item.given_name.as_deref(), item.surname.as_deref()];
    let parts: Vec<&str> = parts.into_iter().filter_map(some_text).collect();
    let full_name = parts.join(" ");
    let name = [
        item.display_name.as_deref(),
        Some(full_name.as_str()),
        item.mail.as_deref(),
        item.mail_nickname.as_deref(),
        item.company_name.as_deref(),
    ];
    let Some(display_name) = first_text(&name) else {
        return Err(incomplete("contact", "a name or an address"));
    };
    let content = Content {
        display_name,
        given_name: item.given_name,
        surname: item.surname,
        mail: item.mail,
        attributes,
        ..Content::default()
    };
    Ok(present(ObjectType::Contact, item.id, content))
}

/// A device of a page. One without a name is called by the id that it knows itself. Its sign-in is
/// blocked only where the source says so.
fn device(item: DeviceItem) -> Result<SourceObject, Stop> {
    if let Some(removed) = item.removed {
        return Ok(removed_object(ObjectType::Device, item.id, removed));
    }
    let attributes = attributes(&item, &DEVICE_COLUMNS);
    let name = [item.display_name.as_deref(), item.device_id.as_deref()];
    let Some(display_name) = first_text(&name) else {
        return Err(incomplete("device", "displayName and deviceId"));
    };
    let content = Content {
        display_name,
        sign_in_blocked: item.account_enabled == Some(false),
        attributes,
        ..Content::default()
    };
    Ok(present(ObjectType::Device, item.id, content))
}

/// The first of the texts that isn't blank.
fn first_text(texts: &[Option<&str>]) -> Option<String> {
    let mut texts = texts.iter().filter_map(|text| some_text(*text));
    texts.next().map(str::to_owned)
}

fn some_text(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// A group of a page, and what the page says of its members: those that can be in a directory.
pub(crate) fn group(item: GroupItem) -> Result<(SourceObject, Vec<MemberOp>), Stop> {
    let members = item
        .members
        .iter()
        .filter_map(|op| {
            let member_type = match op.kind {
                ObjectKind::User => ObjectType::User,
                ObjectKind::Group => ObjectType::Group,
                ObjectKind::Contact => ObjectType::Contact,
                ObjectKind::Device => ObjectType::Device,
                ObjectKind::Other => return None,
            };
            Some(MemberOp {
                member: ExternalId(op.id),
                member_type,
                removed: op.removed,
            })
        })
        .collect();
    if let Some(removed) = item.removed {
        return Ok((removed_object(ObjectType::Group, item.id, removed), members));
    }
    let kind = kind(&item);
    let dynamic = item.is_dynamic();
    let attributes = attributes(&item, &GROUP_COLUMNS);
    let (Some(kind), Some(display_name)) = (kind, item.display_name) else {
        return Err(incomplete(
            "group",
            "displayName, mailEnabled and securityEnabled",
        ));
    };
    let content = Content {
        display_name,
        mail: item.mail,
        group_kind: Some(kind),
        dynamic,
        attributes,
        ..Content::default()
    };
    Ok((present(ObjectType::Group, item.id, content), members))
}

/// A group that neither guards anything nor takes mail is kept like a security group: there is
/// nothing about it that can't be.
fn kind(item: &GroupItem) -> Option<GroupKind> {
    item.mail_enabled.zip(item.security_enabled)?;
    Some(match item.kind() {
        Some(graph::GroupKind::Microsoft365) => GroupKind::Microsoft365,
        Some(graph::GroupKind::MailEnabledSecurity) => GroupKind::MailEnabledSecurity,
        Some(graph::GroupKind::Distribution) => GroupKind::Distribution,
        Some(graph::GroupKind::Security) | None => GroupKind::Security,
    })
}

fn present(object_type: ObjectType, id: Uuid, content: Content) -> SourceObject {
    SourceObject {
        object_type,
        external_id: ExternalId(id),
        presence: Presence::Present,
        content: content.normal(),
        mapped: Mapped::default(),
    }
}

fn removed_object(object_type: ObjectType, id: Uuid, removed: Removed) -> SourceObject {
    SourceObject {
        object_type,
        external_id: ExternalId(id),
        presence: match removed {
            Removed::Changed => Presence::SoftDeleted,
            Removed::Deleted => Presence::Gone,
        },
        content: Content::default(),
        mapped: Mapped::default(),
    }
}

/// The property that holds fifteen attributes.
const EXTENSION_ATTRIBUTES: &str = "onPremisesExtensionAttributes";

fn attributes(item: &impl Serialize, columns: &[&str]) -> BTreeMap<String, Value> {
    let Ok(Value::Object(all)) = serde_json::to_value(item) else {
        return BTreeMap::new();
    };
    let mut attributes = BTreeMap::new();
    for (name, value) in all {
        match value {
            Value::Object(fifteen) if name == EXTENSION_ATTRIBUTES => attributes.extend(fifteen),
            value if !columns.contains(&name.as_str()) => {
                attributes.insert(name, value);
            }
            _ => {}
        }
    }
    attributes
}

fn incomplete(noun: &str, properties: &str) -> Stop {
    Stop::failed(
        "incomplete_answer",
        "The source left out properties",
        format!(
            "A {noun} came without {properties}, and every {noun} has that, so the answer can’t be trusted. Nothing was changed."
        ),
        "Run again later. If it stays so, check that the application’s permissions are application permissions with admin consent.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
        serde_json::from_value(json).unwrap()
    }

    const ID: &str = "8f3a1b2c-0000-4000-8000-000000000001";

    #[test]
    fn a_user_becomes_columns_and_attributes() {
        let object = user(read(serde_json::json!({
            "id": ID, "accountEnabled": false, "userType": "Guest", "displayName": "Ada L",
            "givenName": "Ada", "surname": " ", "mail": "ada@x.example", "jobTitle": "Countess",
            "businessPhones": [], "department": null,
        })))
        .unwrap();
        assert_eq!(object.presence, Presence::Present);
        let content = object.content;
        assert!(content.sign_in_blocked && content.guest);
        assert_eq!(content.surname, None);
        assert_eq!(
            content.attributes,
            BTreeMap::from([("jobTitle".to_owned(), Value::from("Countess"))])
        );
    }

    #[test]
    fn what_rules_can_ask_for_besides_is_delivered() {
        let mut json =
            serde_json::json!({"id": ID, "accountEnabled": true, "displayName": "Ada L"});
        let names = domain::mapping::more(ObjectType::User);
        for name in names.iter().chain(&["employeeOrgData"]) {
            json[name] = match *name {
                "showInAddressList" => serde_json::json!(false),
                "imAddresses" => serde_json::json!(["sip:ada@x.example"]),
                "employeeOrgData" => serde_json::json!({"costCenter": "C1", "division": "Sales"}),
                _ => serde_json::json!("2024-03-01T00:00:00Z"),
            };
        }
        let attributes = user(read(json.clone())).unwrap().content.attributes;
        for name in names.iter().chain(&["employeeOrgData"]) {
            assert_eq!(attributes.get(*name), Some(&json[name]), "{name}");
        }
    }

    #[test]
    fn what_is_removed_needs_nothing_else() {
        let gone = user(read(
            serde_json::json!({"id": ID, "@removed": {"reason": "deleted"}}),
        ));
        assert_eq!(gone.unwrap().presence, Presence::Gone);
        let soft = group(read(
            serde_json::json!({"id": ID, "@removed": {"reason": "changed"}}),
        ));
        assert_eq!(soft.unwrap().0.presence, Presence::SoftDeleted);
    }

    #[test]
    fn an_object_delivered_in_part_is_refused() {
        for json in [
            serde_json::json!({"id": ID, "displayName": "A"}),
            serde_json::json!({"id": ID, "accountEnabled": true}),
        ] {
            assert!(matches!(user(read(json)), Err(Stop::Failed(_))));
        }
        let group = group(read(
            serde_json::json!({"id": ID, "displayName": "A", "mailEnabled": true}),
        ));
        assert!(matches!(group, Err(Stop::Failed(_))));
    }

    #[test]
    fn a_contact_without_a_name_is_called_by_what_else_is_known_of_it() {
        let name = |json| contact(read(json)).unwrap().content.display_name;
        let cases = [
            (
                serde_json::json!({"id": ID, "displayName": "Ada", "mail": "a@x.example"}),
                "Ada",
            ),
            (
                serde_json::json!({"id": ID, "displayName": " ", "givenName": "Ada", "surname": "L"}),
                "Ada L",
            ),
            (
                serde_json::json!({"id": ID, "displayName": null, "mail": "a@x.example"}),
                "a@x.example",
            ),
            (serde_json::json!({"id": ID, "mailNickname": "ada"}), "ada"),
        ];
        for (json, expected) in cases {
            assert_eq!(name(json), expected);
        }
        let bare = contact(read(serde_json::json!({"id": ID, "displayName": null})));
        assert!(matches!(bare, Err(Stop::Failed(_))));
    }

    #[test]
    fn a_device_is_blocked_only_where_the_source_says_so() {
        for (enabled, blocked) in [
            (serde_json::json!(false), true),
            (serde_json::json!(true), false),
            (Value::Null, false),
        ] {
            let object = device(read(serde_json::json!({
                "id": ID, "deviceId": "d-1", "displayName": null, "accountEnabled": enabled,
                "operatingSystem": "Windows",
                "approximateLastSignInDateTime": "2026-01-01T00:00:00Z",
            })))
            .unwrap();
            assert_eq!(object.content.sign_in_blocked, blocked);
            assert_eq!(object.content.display_name, "d-1");
            let names: Vec<_> = object.content.attributes.keys().collect();
            assert_eq!(names, ["deviceId", "operatingSystem"]);
        }
        // The form in which Graph answers where the permission is missing.
        let bare = device(read(serde_json::json!({"id": ID, "displayName": null})));
        assert!(matches!(bare, Err(Stop::Failed(_))));
    }

    #[test]
    fn members_that_no_directory_holds_are_left_out() {
        let (object, members) = group(read(serde_json::json!({
            "id": ID, "displayName": "G", "mailEnabled": true, "securityEnabled": true,
            "groupTypes": [],
            "members@delta": [
                {"@odata.type": "#microsoft.graph.user", "id": ID},
                {"@odata.type": "#microsoft.graph.group", "id": ID, "@removed": {"reason": "deleted"}},
                {"@odata.type": "#microsoft.graph.device", "id": ID},
                {"@odata.type": "#microsoft.graph.servicePrincipal", "id": ID},
            ],
        })))
        .unwrap();
        assert_eq!(
            object.content.group_kind,
            Some(GroupKind::MailEnabledSecurity)
        );
        assert_eq!(members.len(), 3);
        assert!(!members[0].removed && members[1].removed);
    }
}
