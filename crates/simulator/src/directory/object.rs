//! One directory object: its attributes, its life, its edges.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::schema::{self, Kind, Slot};

/// A text attribute. Delta leaves out what was never set and sends null for what was cleared
/// (graph.md §3.4); lists send null for both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Attr {
    /// Never had a value.
    #[default]
    Unset,
    /// Had a value once.
    Null,
    /// One of the generator's words.
    Fixed(&'static str),
    /// A value of its own.
    Own(Box<str>),
}

impl Attr {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Unset | Self::Null => None,
            Self::Fixed(text) => Some(text),
            Self::Own(text) => Some(text),
        }
    }
}

impl From<String> for Attr {
    fn from(text: String) -> Self {
        Self::Own(text.into_boxed_str())
    }
}

impl From<&'static str> for Attr {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

/// An object's number in its directory. Objects are never renumbered, so that a page token can
/// point into the middle of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ref(u32);

impl Ref {
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a tenant holds fewer than 2^31 objects"))
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A membership as the group keeps it: removed ones stay as marks, so that positions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub member: Ref,
    pub live: bool,
}

/// Whether an object is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It is.
    Alive,
    /// It was deleted at this Unix time and can be restored.
    Binned(i64),
    /// It is gone for good.
    Purged,
}

/// A user, group, contact, device or service principal.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub id: Uuid,
    pub kind: Kind,
    pub life: Life,
    /// Unix seconds.
    pub created_at: i64,
    /// The place in the change log at which it came to be; 0 for what was there from the start.
    pub created_seq: u64,
    flags: u16,
    known: u16,
    pub texts: Box<[Attr]>,
    /// Members, of groups only.
    pub members: Vec<Edge>,
    /// The groups that name this object as a member, live or not.
    pub member_of: Vec<Ref>,
}

/// A property's value on its way into JSON, a filter or a search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Unset,
    Null,
    Bool(bool),
    Text(Cow<'a, str>),
    Id(Uuid),
    List(Vec<Cow<'a, str>>),
    /// JSON as it is to be sent.
    Json(Cow<'static, str>),
}

impl Object {
    /// A living object without attributes.
    pub fn new(kind: Kind, id: Uuid, created_at: i64) -> Self {
        Self {
            id,
            kind,
            life: Life::Alive,
            created_at,
            created_seq: 0,
            flags: 0,
            known: 0,
            texts: vec![Attr::Unset; kind.schema().texts].into_boxed_slice(),
            members: Vec::new(),
            member_of: Vec::new(),
        }
    }

    pub fn is_alive(&self) -> bool {
        self.life == Life::Alive
    }

    pub fn text(&self, slot: usize) -> Option<&str> {
        self.texts.get(slot).and_then(Attr::as_str)
    }

    pub fn set_text(&mut self, slot: usize, value: impl Into<Attr>) {
        self.texts[slot] = value.into();
    }

    /// `None`: never set, or cleared.
    pub fn flag(&self, bit: u8) -> Option<bool> {
        (self.known & (1 << bit) != 0).then_some(self.flags & (1 << bit) != 0)
    }

    pub fn set_flag(&mut self, bit: u8, value: Option<bool>) {
        let mask = 1 << bit;
        self.known = if value.is_some() {
            self.known | mask
        } else {
            self.known & !mask
        };
        self.flags = if value == Some(true) {
            self.flags | mask
        } else {
            self.flags & !mask
        };
    }

    pub fn has(&self, bit: u8) -> bool {
        self.flag(bit) == Some(true)
    }

    /// The value of the property in `slot`.
    pub fn value(&self, slot: Slot) -> Value<'_> {
        match slot {
            Slot::Id => Value::Id(self.id),
            Slot::Text(index) => match &self.texts[index] {
                Attr::Unset => Value::Unset,
                Attr::Null => Value::Null,
                Attr::Fixed(text) => Value::Text(Cow::Borrowed(text)),
                Attr::Own(text) => Value::Text(Cow::Borrowed(text)),
            },
            Slot::List(index) => Value::List(match self.text(index) {
                Some(lines) => lines.lines().map(Cow::Borrowed).collect(),
                None => Vec::new(),
            }),
            Slot::Flag(bit) => self.flag(bit).map_or(Value::Unset, Value::Bool),
            Slot::Created => Value::Text(timestamp(self.created_at).into()),
            Slot::Deleted => match self.life {
                Life::Binned(at) => Value::Text(timestamp(at).into()),
                _ => Value::Unset,
            },
            Slot::ProxyAddresses => Value::List(self.proxy_addresses()),
            Slot::GroupTypes => Value::List(self.group_types()),
            Slot::Licenses => Value::Json(Cow::Borrowed(if self.has(schema::user::LICENSED) {
                r#"[{"disabledPlans":[],"skuId":"05e9a617-0261-4cee-bb44-138d3ef5d965"}]"#
            } else {
                "[]"
            })),
            Slot::Team => Value::List(if self.has(schema::group::TEAM) {
                vec![Cow::Borrowed("Team")]
            } else {
                Vec::new()
            }),
            Slot::Phones => Value::Json(self.phones().into()),
            Slot::Addresses => Value::Json(self.addresses().into()),
            Slot::Extensions(index) => Value::Json(self.extensions(index).into()),
            Slot::Constant("null") => Value::Unset,
            Slot::Constant(json) => Value::Json(Cow::Borrowed(json)),
        }
    }

    /// `SMTP:` is the primary address, `smtp:` an alias (graph.md §6.2).
    fn proxy_addresses(&self) -> Vec<Cow<'_, str>> {
        let slot = match self.kind {
            Kind::User => schema::user::MAIL,
            Kind::Group => schema::group::MAIL,
            Kind::Contact => schema::contact::MAIL,
            Kind::Device | Kind::ServicePrincipal => return Vec::new(),
        };
        let Some(mail) = self.text(slot) else {
            return Vec::new();
        };
        let mut addresses = vec![Cow::Owned(format!("SMTP:{mail}"))];
        if let (Kind::User, Some(upn)) = (self.kind, self.text(schema::user::UPN))
            && !upn.eq_ignore_ascii_case(mail)
        {
            addresses.push(Cow::Owned(format!("smtp:{upn}")));
        }
        if self.kind == Kind::User
            && let Some(others) = self.text(schema::user::OTHER_ADDRESSES)
        {
            let others = others.lines().map(|other| format!("smtp:{other}"));
            addresses.extend(others.map(Cow::Owned));
        }
        addresses
    }

    fn group_types(&self) -> Vec<Cow<'_, str>> {
        let mut types = Vec::new();
        if self.has(schema::group::UNIFIED) {
            types.push(Cow::Borrowed("Unified"));
        }
        if self.has(schema::group::DYNAMIC) {
            types.push(Cow::Borrowed("DynamicMembership"));
        }
        types
    }

    fn phones(&self) -> String {
        let mut json = String::from("[");
        for (kind, slot) in [
            ("mobile", schema::contact::MOBILE),
            ("business", schema::contact::BUSINESS),
        ] {
            if let Some(number) = self.text(slot) {
                let comma = if json.len() > 1 { "," } else { "" };
                let number = super::json::quoted(number);
                write!(json, r#"{comma}{{"type":"{kind}","number":{number}}}"#)
                    .expect("a String takes every write");
            }
        }
        json.push(']');
        json
    }

    /// All fifteen, most of them null.
    fn extensions(&self, index: usize) -> String {
        let lines: Vec<(&str, &str)> = self
            .text(index)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(' '))
            .collect();
        let all: Vec<String> = (1..=15)
            .map(|number| {
                let own = number.to_string();
                let value = lines.iter().find(|(number, _)| *number == own);
                let value = value.map_or_else(
                    || "null".to_owned(),
                    |(_, value)| super::json::quoted(value),
                );
                format!(r#""extensionAttribute{number}":{value}"#)
            })
            .collect();
        format!("{{{}}}", all.join(","))
    }

    fn addresses(&self) -> String {
        let part = |slot| {
            self.text(slot)
                .map_or_else(|| "null".to_owned(), super::json::quoted)
        };
        format!(
            r#"[{{"city":{},"countryOrRegion":{},"officeLocation":null,"postalCode":null,"state":null,"street":null}}]"#,
            part(schema::contact::CITY),
            part(schema::contact::COUNTRY),
        )
    }
}

/// Unix seconds as Graph writes them.
pub(crate) fn timestamp(seconds: i64) -> String {
    DateTime::<Utc>::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
