//! What Graph's objects look like on the wire, as typed structs.
//!
//! An absent property and `null` both become `None`: answers carry the full state of an object
//! (graph.md §3.4; `Prefer: return=minimal` is never sent). Properties that aren't listed here are
//! skipped while decoding.

mod contact;
mod device;
mod extensions;
mod group;
pub(crate) mod lenient;
pub(crate) mod text;
mod user;

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

pub use contact::{ContactItem, Phone, PostalAddress};
pub use device::DeviceItem;
pub use extensions::Extensions;
pub use group::{GroupItem, GroupKind, Member, MemberOp};
pub use user::{AssignedLicense, EmployeeOrgData, UserItem};

use crate::resource::Resource;

/// A kind of directory object that is read.
pub trait Item: DeserializeOwned + Send + 'static {
    /// The collection it is read from.
    const RESOURCE: Resource;
    /// Its name in `types` of `getByIds`.
    const TYPE: &'static str;
    /// The properties that are read, for `$select`.
    const SELECT: &'static [&'static str];
}

/// The properties to ask for. Fixed in a delta link from its first request on (graph.md §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select(Vec<Cow<'static, str>>);

impl Select {
    /// All that the struct has room for.
    pub fn all_of<T: Item>() -> Self {
        Self(T::SELECT.iter().copied().map(Cow::Borrowed).collect())
    }

    /// The object id alone.
    pub fn id() -> Self {
        Self(vec![Cow::Borrowed("id")])
    }

    /// One more, e.g. `members` for the changes of a group's members.
    #[must_use]
    pub fn and(mut self, property: impl Into<Cow<'static, str>>) -> Self {
        let property = property.into();
        if !self.0.contains(&property) {
            self.0.push(property);
        }
        self
    }

    /// Without those of which that is not so.
    #[must_use]
    pub fn only(mut self, is_wanted: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|property| is_wanted(property));
        self
    }

    pub(crate) fn text(&self) -> String {
        self.0.join(",")
    }
}

/// Why an object is marked `@removed` (graph.md §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// Deleted, but can be restored.
    Changed,
    /// Deleted for good.
    Deleted,
}

impl Removed {
    /// `{"reason": "deleted"}`. Any other reason counts as one that can be undone.
    pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        struct Mark {
            #[serde(default)]
            reason: Option<String>,
        }
        Ok(
            Option::<Mark>::deserialize(from)?.map(|mark| match mark.reason {
                Some(reason) if reason.eq_ignore_ascii_case("deleted") => Self::Deleted,
                _ => Self::Changed,
            }),
        )
    }
}

/// The kind of a directory object, from its `@odata.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// An organizational contact.
    Contact,
    /// A device.
    Device,
    /// Anything else, e.g. a service principal.
    Other,
}

impl<'de> Deserialize<'de> for ObjectKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = ObjectKind;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a type such as #microsoft.graph.user")
            }

            fn visit_str<E>(self, name: &str) -> Result<ObjectKind, E> {
                Ok(match name.trim_start_matches('#') {
                    "microsoft.graph.user" => ObjectKind::User,
                    "microsoft.graph.group" => ObjectKind::Group,
                    "microsoft.graph.orgContact" => ObjectKind::Contact,
                    "microsoft.graph.device" => ObjectKind::Device,
                    _ => ObjectKind::Other,
                })
            }
        }
        from.deserialize_str(Name)
    }
}

/// The tenant itself (graph.md §6.6).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The tenant's GUID.
    pub id: uuid::Uuid,
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Its domains.
    #[serde(default, deserialize_with = "lenient::list")]
    pub verified_domains: Vec<Domain>,
    /// Two letters.
    #[serde(default)]
    pub country_letter_code: Option<String>,
}

impl Organization {
    pub(crate) const SELECT: &'static str = "id,displayName,verifiedDomains,countryLetterCode";

    /// The default domain, else the first one.
    pub fn default_domain(&self) -> Option<&str> {
        let domains = &self.verified_domains;
        let domain = domains
            .iter()
            .find(|domain| domain.is_default)
            .or(domains.first())?;
        Some(&domain.name)
    }
}

/// A verified domain of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its DNS name.
    pub name: String,
    /// Whether new users get it.
    #[serde(default)]
    pub is_default: bool,
    /// Whether it is the `onmicrosoft.com` name the tenant began with.
    #[serde(default)]
    pub is_initial: bool,
}
