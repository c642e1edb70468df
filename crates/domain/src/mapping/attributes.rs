//! The attributes of each type: those with a column, the others that are kept, and those that only
//! rules read. The names are Microsoft Graph's (graph.md §6).

use crate::policy::ObjectType;

/// The directory's columns, each with the name that its value has in the source.
pub const fn columns(object_type: ObjectType) -> &'static [(&'static str, &'static str)] {
    match object_type {
        ObjectType::User => &[
            ("display_name", "displayName"),
            ("user_principal_name", "userPrincipalName"),
            ("given_name", "givenName"),
            ("surname", "surname"),
            ("mail", "mail"),
        ],
        ObjectType::Group => &[("display_name", "displayName"), ("mail", "mail")],
        ObjectType::Contact => &[
            ("display_name", "displayName"),
            ("given_name", "givenName"),
            ("surname", "surname"),
            ("mail", "mail"),
        ],
        ObjectType::Device => &[("display_name", "displayName")],
        ObjectType::Membership => &[],
    }
}

/// The other attributes that the directory has where no rule says otherwise.
pub const fn kept(object_type: ObjectType) -> &'static [&'static str] {
    match object_type {
        ObjectType::User => &[
            "otherMails",
            "proxyAddresses",
            "jobTitle",
            "department",
            "companyName",
            "officeLocation",
            "businessPhones",
            "mobilePhone",
            "faxNumber",
            "streetAddress",
            "city",
            "state",
            "postalCode",
            "country",
            "preferredLanguage",
            "usageLocation",
            "employeeId",
            "onPremisesSyncEnabled",
            "onPremisesImmutableId",
            "onPremisesSamAccountName",
            "createdDateTime",
            "assignedLicenses",
        ],
        ObjectType::Group => &[
            "description",
            "mailNickname",
            "visibility",
            "onPremisesSyncEnabled",
            "createdDateTime",
        ],
        ObjectType::Contact => &[
            "mailNickname",
            "proxyAddresses",
            "companyName",
            "department",
            "jobTitle",
            "phones",
            "addresses",
            "onPremisesSyncEnabled",
        ],
        ObjectType::Device => &[
            "deviceId",
            "operatingSystem",
            "operatingSystemVersion",
            "isCompliant",
            "isManaged",
            "trustType",
            "manufacturer",
            "model",
            "registrationDateTime",
            "onPremisesSyncEnabled",
        ],
        ObjectType::Membership => &[],
    }
}

/// Attributes that are read only where a rule uses them, besides extensions. Not among them are lists of
/// records (`assignedPlans`, `identities`, `licenseAssignmentStates`, `onPremisesProvisioningErrors`), which
/// no attribute of the directory is made from, and `manager`, which is another object: what a delta
/// query answers of it isn't settled (graph.md §6.2, §14).
pub const fn more(object_type: ObjectType) -> &'static [&'static str] {
    match object_type {
        ObjectType::User => &[
            "mailNickname",
            "employeeType",
            "employeeHireDate",
            "creationType",
            "externalUserState",
            "ageGroup",
            "imAddresses",
            "passwordPolicies",
            "showInAddressList",
            "signInSessionsValidFromDateTime",
            "onPremisesDistinguishedName",
            "onPremisesDomainName",
            "onPremisesLastSyncDateTime",
            "onPremisesSecurityIdentifier",
            "onPremisesUserPrincipalName",
        ],
        _ => &[],
    }
}

/// Every attribute that the directory has without a rule, with what it is made from in the source: the
/// default rule.
pub fn defaults(object_type: ObjectType) -> impl Iterator<Item = (&'static str, &'static str)> {
    let as_it_is = kept(object_type).iter().map(|name| (*name, *name));
    columns(object_type).iter().copied().chain(as_it_is)
}

/// What an attribute of the directory is made from where there is no rule for it; none where it is
/// empty then.
pub fn default_source(object_type: ObjectType, attribute: &str) -> Option<&'static str> {
    defaults(object_type)
        .find(|(name, _)| *name == attribute)
        .map(|(_, source)| source)
}

/// What rules can read and the directory has no attribute for.
const fn only_sources(object_type: ObjectType) -> &'static [&'static str] {
    match object_type {
        ObjectType::User => &["id", "accountEnabled", "userType", "employeeOrgData"],
        ObjectType::Device => &["id", "accountEnabled"],
        ObjectType::Group | ObjectType::Contact => &["id"],
        ObjectType::Membership => &[],
    }
}

/// The extension attributes that on-premises directories and Exchange fill in.
pub const EXTENSION_ATTRIBUTES: [&str; 15] = [
    "extensionAttribute1",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
];

/// Whether it is one of [`EXTENSION_ATTRIBUTES`].
pub fn is_extension_attribute(name: &str) -> bool {
    EXTENSION_ATTRIBUTES.contains(&name)
}

/// Whether it has the form of a directory schema extension: `extension_`, the id of the application
/// that made it as 32 hexadecimal digits, `_` and its name.
pub fn is_directory_extension(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("extension_") else {
        return false;
    };
    let Some((app, own)) = rest.split_once('_') else {
        return false;
    };
    app.len() == 32
        && app
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && (1..=120).contains(&own.len())
        && own.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_extension(object_type: ObjectType, name: &str) -> bool {
    match object_type {
        ObjectType::User => is_extension_attribute(name) || is_directory_extension(name),
        ObjectType::Group | ObjectType::Device => is_directory_extension(name),
        ObjectType::Contact | ObjectType::Membership => false,
    }
}

/// Whether the directory has it where no rule says otherwise, besides columns.
pub fn is_kept(object_type: ObjectType, name: &str) -> bool {
    kept(object_type).contains(&name)
}

/// Whether a rule can make it.
pub fn is_target(object_type: ObjectType, name: &str) -> bool {
    columns(object_type)
        .iter()
        .any(|(column, _)| *column == name)
        || is_kept(object_type, name)
        || more(object_type).contains(&name)
        || is_extension(object_type, name)
}

/// Whether a rule can read it.
pub fn is_source(object_type: ObjectType, name: &str) -> bool {
    sources(object_type).any(|source| source == name) || is_extension(object_type, name)
}

/// The names of all that rules can read, but directory extensions, which every tenant has its own
/// of.
pub fn sources(object_type: ObjectType) -> impl Iterator<Item = &'static str> {
    let extensions: &[&str] = match object_type {
        ObjectType::User => &EXTENSION_ATTRIBUTES,
        _ => &[],
    };
    columns(object_type)
        .iter()
        .map(|(_, own)| *own)
        .chain(kept(object_type).iter().copied())
        .chain(more(object_type).iter().copied())
        .chain(only_sources(object_type).iter().copied())
        .chain(extensions.iter().copied())
}
