//! An object as its source gave it, brought into the one form that everything after works on.

use std::collections::BTreeMap;

use domain::{group::GroupKind, id::ExternalId, policy::ObjectType, run::Reason};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fold::{key, outside, search_text};

/// Whether the source has the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It has.
    Present,
    /// It was deleted there and can be restored there.
    SoftDeleted,
    /// It is gone there.
    Gone,
}

impl Presence {
    /// The text used in the tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::SoftDeleted => "soft_deleted",
            Self::Gone => "gone",
        }
    }

    /// Reads the text used in the tables; none for any other.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Present, Self::SoftDeleted, Self::Gone]
            .into_iter()
            .find(|presence| presence.as_str() == text)
    }

    /// Why an object that isn't present leaves the directory.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Present => None,
            Self::SoftDeleted => Some(Reason::SoftDeleted),
            Self::Gone => Some(Reason::Gone),
        }
    }
}

/// What the source says of an object that is present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The name people read; empty only where the source gave none.
    pub display_name: String,
    /// A user's sign-in name.
    pub user_principal_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// "Is Sign in Blocked on AD".
    pub sign_in_blocked: bool,
    /// Whether a user is a guest.
    pub guest: bool,
    /// A group's kind.
    pub group_kind: Option<GroupKind>,
    /// Whether a group's members follow a rule.
    pub dynamic: bool,
    /// Everything else, by the attribute's name in the source. Without nulls.
    pub attributes: BTreeMap<String, Value>,
}

impl Content {
    /// A content that is nothing but a name.
    pub fn named(display_name: &str) -> Self {
        Self {
            display_name: display_name.to_owned(),
            ..Self::default()
        }
    }

    /// The content in its one form: blank texts and nulls are absent, U+0000 is U+FFFD.
    #[must_use]
    pub fn normal(self) -> Self {
        Self {
            display_name: outside(self.display_name),
            user_principal_name: present(self.user_principal_name),
            given_name: present(self.given_name),
            surname: present(self.surname),
            mail: present(self.mail),
            attributes: self
                .attributes
                .into_iter()
                .map(|(name, value)| (name, clean(value)))
                .filter(|(_, value)| !is_empty(value))
                .collect(),
            ..self
        }
    }

    /// The display name as it is sorted and searched.
    pub fn name_folded(&self) -> String {
        key(&self.display_name)
    }

    /// The sign-in name as it is compared.
    pub fn user_name_folded(&self) -> Option<String> {
        self.user_principal_name.as_deref().map(key)
    }

    /// The mail address as it is compared, where it isn't the sign-in name.
    pub fn mail_folded(&self) -> Option<String> {
        let mail = self.mail.as_deref().map(key)?;
        (!mail.is_empty() && self.user_name_folded().as_ref() != Some(&mail)).then_some(mail)
    }

    /// The employee id as it is compared.
    pub fn employee_id_folded(&self) -> Option<String> {
        let id = self.attributes.get("employeeId")?.as_str().map(key)?;
        (!id.is_empty()).then_some(id)
    }

    /// What a search looks through: names and addresses.
    pub fn search_text(&self) -> String {
        search_text(
            [
                Some(self.display_name.as_str()),
                self.given_name.as_deref(),
                self.surname.as_deref(),
                self.user_principal_name.as_deref(),
                self.mail.as_deref(),
            ]
            .into_iter()
            .flatten(),
        )
    }

    /// The attributes that both sides of a difference show, by their names in the API.
    pub fn shown(&self) -> BTreeMap<&str, Value> {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
        let mut shown = BTreeMap::from([
            ("display_name", Value::String(self.display_name.clone())),
            ("user_principal_name", text(&self.user_principal_name)),
            ("given_name", text(&self.given_name)),
            ("surname", text(&self.surname)),
            ("mail", text(&self.mail)),
            (
                "kind",
                self.group_kind
                    .map_or(Value::Null, |kind| kind.as_str().into()),
            ),
            ("dynamic", self.dynamic.into()),
        ]);
        for (name, value) in &self.attributes {
            shown.insert(name, value.clone());
        }
        shown
    }
}

fn present(text: Option<String>) -> Option<String> {
    text.map(outside).filter(|text| !text.trim().is_empty())
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(outside(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(name, value)| (outside(name), clean(value)))
                .collect(),
        ),
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// What the policy's mapping did to an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// What failed, where a rule did: then the content is the source's own.
    pub error: Option<String>,
    /// The source's values that rules and filters read: a JSON object. None where none is for its
    /// type.
    pub from: Option<String>,
}

/// One object of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceObject {
    /// What it is.
    pub object_type: ObjectType,
    /// The source's id of it.
    pub external_id: ExternalId,
    /// Whether the source has it.
    pub presence: Presence,
    /// What the source says of it, mapped; nothing worth keeping where it isn't present.
    pub content: Content,
    /// What mapping did to it.
    pub mapped: Mapped,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blank_names_are_no_names_and_nul_never_gets_in() {
        let content = Content {
            display_name: "A\0B".into(),
            given_name: Some("  ".into()),
            surname: Some("S\0".into()),
            attributes: BTreeMap::from([
                ("city".into(), json!(null)),
                ("phones".into(), json!([])),
                ("title".into(), json!("a\0")),
            ]),
            ..Content::default()
        }
        .normal();
        assert_eq!(content.display_name, "A\u{FFFD}B");
        assert_eq!(content.given_name, None);
        assert_eq!(content.surname.as_deref(), Some("S\u{FFFD}"));
        assert_eq!(
            content.attributes,
            BTreeMap::from([("title".to_owned(), json!("a\u{FFFD}"))])
        );
    }

    #[test]
    fn people_are_compared_by_folded_addresses_and_employee_ids() {
        let person = |user_name: &str, mail: &str, id: serde_json::Value| Content {
            user_principal_name: Some(user_name.to_owned()),
            mail: Some(mail.to_owned()),
            attributes: BTreeMap::from([("employeeId".to_owned(), id)]),
            ..Content::default()
        };
        let zoe = person("Zoe@X.example", "zoë@x.example", json!(" E-7 "));
        assert_eq!(zoe.mail_folded(), None, "it is the user name");
        assert_eq!(zoe.employee_id_folded().as_deref(), Some("e-7"));
        let other = person("z@x.example", "Zoe@X.example", json!(""));
        assert_eq!(other.mail_folded().as_deref(), Some("zoe@x.example"));
        assert_eq!(other.employee_id_folded(), None);
        assert_eq!(Content::default().mail_folded(), None);
    }

    #[test]
    fn a_presence_is_read_back_from_its_text() {
        for presence in [Presence::Present, Presence::SoftDeleted, Presence::Gone] {
            assert_eq!(Presence::parse(presence.as_str()), Some(presence));
        }
        assert_eq!(Presence::parse("here"), None);
    }
}
