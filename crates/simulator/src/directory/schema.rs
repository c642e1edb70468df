//! Which properties each kind of directory object has, and where they are kept (graph.md §6).

use serde::{Deserialize, Serialize};

/// A kind of directory object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person, member or guest.
    User,
    /// A group of any kind.
    Group,
    /// An organisational contact.
    Contact,
    /// A registered device.
    Device,
    /// An application's identity in the tenant; it only ever appears as a member.
    ServicePrincipal,
}

impl Kind {
    /// Every kind, in the order in which the directory numbers them.
    pub(crate) const ALL: [Self; 5] = [
        Self::User,
        Self::Group,
        Self::Contact,
        Self::Device,
        Self::ServicePrincipal,
    ];

    /// Where this kind stands in [`Kind::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The properties of this kind.
    pub(crate) fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
            Self::Contact => &CONTACT,
            Self::Device => &DEVICE,
            Self::ServicePrincipal => &SERVICE_PRINCIPAL,
        }
    }
}

/// Where the value of a property comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    Id,
    Text(usize),
    /// A list, kept as lines of one text.
    List(usize),
    Flag(u8),
    Created,
    Deleted,
    ProxyAddresses,
    GroupTypes,
    Licenses,
    Team,
    Phones,
    Addresses,
    /// `extensionAttribute1` to 15, kept as lines of one text: the number, a space, the value.
    Extensions(usize),
    /// The same JSON for every object.
    Constant(&'static str),
}

/// One property of a kind.
#[derive(Debug)]
pub(crate) struct Property {
    pub name: &'static str,
    pub slot: Slot,
    /// Whether it is returned when nothing was selected.
    pub default: bool,
}

/// The properties of a kind. Position in `properties` is the property's bit in a change mask.
#[derive(Debug)]
pub(crate) struct Schema {
    pub kind: Kind,
    /// As in `@odata.type`, without the `#`.
    pub type_name: &'static str,
    /// As in messages: `User`, `Group`.
    pub title: &'static str,
    /// As in URLs and contexts.
    pub collection: &'static str,
    pub properties: &'static [Property],
    /// How many texts an object of this kind keeps.
    pub texts: usize,
}

impl Schema {
    /// The position of the property called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.properties
            .iter()
            .position(|property| property.name.eq_ignore_ascii_case(name))
    }
}

const fn shown(name: &'static str, slot: Slot) -> Property {
    Property {
        name,
        slot,
        default: true,
    }
}

const fn hidden(name: &'static str, slot: Slot) -> Property {
    Property {
        name,
        slot,
        default: false,
    }
}

/// A directory schema extension, as an application adds one to a tenant's users: its own id without
/// hyphens stands in the name.
pub const COST_CENTER: &str = "extension_b1c3d5e7f9a14c6e8a0b2d4f6a8c0e1f_costCenter";
/// Another, which a sync from on-premises fills in.
pub const DIVISION: &str = "extension_5d7e9fa1b3c54d6e8f90a1b2c3d4e5f6_division";

/// Text 0 of every kind.
pub(crate) const DISPLAY_NAME: usize = 0;

/// Texts and flags of a user.
pub(crate) mod user {
    pub const GIVEN_NAME: usize = 1;
    pub const SURNAME: usize = 2;
    pub const UPN: usize = 3;
    pub const MAIL: usize = 4;
    pub const MAIL_NICKNAME: usize = 5;
    pub const JOB_TITLE: usize = 6;
    pub const DEPARTMENT: usize = 7;
    pub const COMPANY: usize = 8;
    pub const OFFICE: usize = 9;
    pub const MOBILE: usize = 10;
    pub const BUSINESS_PHONES: usize = 11;
    pub const FAX: usize = 12;
    pub const STREET: usize = 13;
    pub const CITY: usize = 14;
    pub const STATE: usize = 15;
    pub const POSTAL_CODE: usize = 16;
    pub const COUNTRY: usize = 17;
    pub const LANGUAGE: usize = 18;
    pub const USAGE_LOCATION: usize = 19;
    pub const EMPLOYEE_ID: usize = 20;
    pub const EMPLOYEE_TYPE: usize = 21;
    pub const IMMUTABLE_ID: usize = 22;
    pub const SAM_ACCOUNT: usize = 23;
    pub const USER_TYPE: usize = 24;
    pub const EXTERNAL_STATE: usize = 25;
    pub const CREATION_TYPE: usize = 26;
    pub const OTHER_MAILS: usize = 27;
    pub const EXTENSIONS: usize = 28;
    pub const COST_CENTER: usize = 29;
    pub const DIVISION: usize = 30;
    pub const HIRED: usize = 31;
    /// Other addresses of the mailbox, a line each.
    pub const OTHER_ADDRESSES: usize = 32;
    pub const TEXTS: usize = 33;

    pub const ENABLED: u8 = 0;
    pub const SYNCED: u8 = 1;
    pub const LICENSED: u8 = 2;
}

/// Texts and flags of a group.
pub(crate) mod group {
    pub const DESCRIPTION: usize = 1;
    pub const MAIL: usize = 2;
    pub const MAIL_NICKNAME: usize = 3;
    pub const VISIBILITY: usize = 4;
    pub const RULE: usize = 5;
    pub const RULE_STATE: usize = 6;
    pub const SAM_ACCOUNT: usize = 7;
    pub const CLASSIFICATION: usize = 8;
    pub const TEXTS: usize = 9;

    pub const MAIL_ENABLED: u8 = 0;
    pub const SECURITY_ENABLED: u8 = 1;
    pub const SYNCED: u8 = 2;
    pub const ROLE_ASSIGNABLE: u8 = 3;
    pub const UNIFIED: u8 = 4;
    pub const DYNAMIC: u8 = 5;
    pub const TEAM: u8 = 6;
}

/// Texts and flags of an organisational contact.
pub(crate) mod contact {
    pub const GIVEN_NAME: usize = 1;
    pub const SURNAME: usize = 2;
    pub const MAIL: usize = 3;
    pub const MAIL_NICKNAME: usize = 4;
    pub const COMPANY: usize = 5;
    pub const DEPARTMENT: usize = 6;
    pub const JOB_TITLE: usize = 7;
    pub const MOBILE: usize = 8;
    pub const BUSINESS: usize = 9;
    pub const CITY: usize = 10;
    pub const COUNTRY: usize = 11;
    pub const TEXTS: usize = 12;

    pub const SYNCED: u8 = 0;
}

/// Texts and flags of a device.
pub(crate) mod device {
    pub const DEVICE_ID: usize = 1;
    pub const SYSTEM: usize = 2;
    pub const SYSTEM_VERSION: usize = 3;
    pub const TRUST: usize = 4;
    pub const MANUFACTURER: usize = 5;
    pub const MODEL: usize = 6;
    pub const PROFILE: usize = 7;
    pub const LAST_SIGN_IN: usize = 8;
    pub const REGISTERED: usize = 9;
    pub const TEXTS: usize = 10;

    pub const ENABLED: u8 = 0;
    pub const COMPLIANT: u8 = 1;
    pub const MANAGED: u8 = 2;
    pub const SYNCED: u8 = 3;
}

/// Texts of a service principal.
pub(crate) mod service_principal {
    pub const APP_ID: usize = 1;
    pub const TEXTS: usize = 2;
}

static USER: Schema = Schema {
    kind: Kind::User,
    type_name: "microsoft.graph.user",
    title: "User",
    collection: "users",
    texts: user::TEXTS,
    properties: &[
        shown("businessPhones", Slot::List(user::BUSINESS_PHONES)),
        shown("displayName", Slot::Text(DISPLAY_NAME)),
        shown("givenName", Slot::Text(user::GIVEN_NAME)),
        shown("jobTitle", Slot::Text(user::JOB_TITLE)),
        shown("mail", Slot::Text(user::MAIL)),
        shown("mobilePhone", Slot::Text(user::MOBILE)),
        shown("officeLocation", Slot::Text(user::OFFICE)),
        shown("preferredLanguage", Slot::Text(user::LANGUAGE)),
        shown("surname", Slot::Text(user::SURNAME)),
        shown("userPrincipalName", Slot::Text(user::UPN)),
        shown("id", Slot::Id),
        hidden("accountEnabled", Slot::Flag(user::ENABLED)),
        hidden("userType", Slot::Text(user::USER_TYPE)),
        hidden("proxyAddresses", Slot::ProxyAddresses),
        hidden("otherMails", Slot::List(user::OTHER_MAILS)),
        hidden("mailNickname", Slot::Text(user::MAIL_NICKNAME)),
        hidden("department", Slot::Text(user::DEPARTMENT)),
        hidden("companyName", Slot::Text(user::COMPANY)),
        hidden("faxNumber", Slot::Text(user::FAX)),
        hidden("streetAddress", Slot::Text(user::STREET)),
        hidden("city", Slot::Text(user::CITY)),
        hidden("state", Slot::Text(user::STATE)),
        hidden("postalCode", Slot::Text(user::POSTAL_CODE)),
        hidden("country", Slot::Text(user::COUNTRY)),
        hidden("usageLocation", Slot::Text(user::USAGE_LOCATION)),
        hidden("employeeId", Slot::Text(user::EMPLOYEE_ID)),
        hidden("employeeType", Slot::Text(user::EMPLOYEE_TYPE)),
        hidden("onPremisesSyncEnabled", Slot::Flag(user::SYNCED)),
        hidden("onPremisesImmutableId", Slot::Text(user::IMMUTABLE_ID)),
        hidden("onPremisesSamAccountName", Slot::Text(user::SAM_ACCOUNT)),
        hidden("externalUserState", Slot::Text(user::EXTERNAL_STATE)),
        hidden("creationType", Slot::Text(user::CREATION_TYPE)),
        hidden("createdDateTime", Slot::Created),
        hidden("deletedDateTime", Slot::Deleted),
        hidden("assignedLicenses", Slot::Licenses),
        hidden("assignedPlans", Slot::Constant("[]")),
        hidden("licenseAssignmentStates", Slot::Constant("[]")),
        hidden("identities", Slot::Constant("[]")),
        hidden("imAddresses", Slot::Constant("[]")),
        hidden("onPremisesDistinguishedName", Slot::Constant("null")),
        hidden("onPremisesDomainName", Slot::Constant("null")),
        hidden("onPremisesLastSyncDateTime", Slot::Constant("null")),
        hidden("onPremisesSecurityIdentifier", Slot::Constant("null")),
        hidden("onPremisesUserPrincipalName", Slot::Constant("null")),
        hidden("onPremisesProvisioningErrors", Slot::Constant("[]")),
        hidden("passwordPolicies", Slot::Constant("null")),
        hidden("showInAddressList", Slot::Constant("null")),
        hidden("ageGroup", Slot::Constant("null")),
        hidden("employeeHireDate", Slot::Text(user::HIRED)),
        hidden("employeeOrgData", Slot::Constant("null")),
        hidden(
            "onPremisesExtensionAttributes",
            Slot::Extensions(user::EXTENSIONS),
        ),
        hidden(COST_CENTER, Slot::Text(user::COST_CENTER)),
        hidden(DIVISION, Slot::Text(user::DIVISION)),
    ],
};

static GROUP: Schema = Schema {
    kind: Kind::Group,
    type_name: "microsoft.graph.group",
    title: "Group",
    collection: "groups",
    texts: group::TEXTS,
    properties: &[
        shown("id", Slot::Id),
        shown("deletedDateTime", Slot::Deleted),
        shown("classification", Slot::Text(group::CLASSIFICATION)),
        shown("createdDateTime", Slot::Created),
        shown("description", Slot::Text(group::DESCRIPTION)),
        shown("displayName", Slot::Text(DISPLAY_NAME)),
        shown("expirationDateTime", Slot::Constant("null")),
        shown("groupTypes", Slot::GroupTypes),
        shown("isAssignableToRole", Slot::Flag(group::ROLE_ASSIGNABLE)),
        shown("mail", Slot::Text(group::MAIL)),
        shown("mailEnabled", Slot::Flag(group::MAIL_ENABLED)),
        shown("mailNickname", Slot::Text(group::MAIL_NICKNAME)),
        shown("membershipRule", Slot::Text(group::RULE)),
        shown(
            "membershipRuleProcessingState",
            Slot::Text(group::RULE_STATE),
        ),
        shown("onPremisesLastSyncDateTime", Slot::Constant("null")),
        shown("onPremisesSecurityIdentifier", Slot::Constant("null")),
        shown("onPremisesSyncEnabled", Slot::Flag(group::SYNCED)),
        shown("preferredDataLocation", Slot::Constant("null")),
        shown("preferredLanguage", Slot::Constant("null")),
        shown("proxyAddresses", Slot::ProxyAddresses),
        shown("renewedDateTime", Slot::Created),
        shown("resourceBehaviorOptions", Slot::Constant("[]")),
        shown("resourceProvisioningOptions", Slot::Team),
        shown("securityEnabled", Slot::Flag(group::SECURITY_ENABLED)),
        shown("theme", Slot::Constant("null")),
        shown("visibility", Slot::Text(group::VISIBILITY)),
        shown("onPremisesProvisioningErrors", Slot::Constant("[]")),
        hidden("onPremisesSamAccountName", Slot::Text(group::SAM_ACCOUNT)),
        hidden("onPremisesDomainName", Slot::Constant("null")),
        hidden("onPremisesNetBiosName", Slot::Constant("null")),
        hidden("creationOptions", Slot::Constant("[]")),
        hidden("securityIdentifier", Slot::Constant("null")),
        hidden("assignedLabels", Slot::Constant("[]")),
        hidden("assignedLicenses", Slot::Constant("[]")),
        hidden("licenseProcessingState", Slot::Constant("null")),
        hidden("isManagementRestricted", Slot::Constant("null")),
        hidden("uniqueName", Slot::Constant("null")),
    ],
};

static CONTACT: Schema = Schema {
    kind: Kind::Contact,
    type_name: "microsoft.graph.orgContact",
    title: "OrgContact",
    collection: "contacts",
    texts: contact::TEXTS,
    properties: &[
        shown("id", Slot::Id),
        shown("deletedDateTime", Slot::Deleted),
        shown("companyName", Slot::Text(contact::COMPANY)),
        shown("department", Slot::Text(contact::DEPARTMENT)),
        shown("displayName", Slot::Text(DISPLAY_NAME)),
        shown("givenName", Slot::Text(contact::GIVEN_NAME)),
        shown("surname", Slot::Text(contact::SURNAME)),
        shown("jobTitle", Slot::Text(contact::JOB_TITLE)),
        shown("mail", Slot::Text(contact::MAIL)),
        shown("mailNickname", Slot::Text(contact::MAIL_NICKNAME)),
        shown("proxyAddresses", Slot::ProxyAddresses),
        shown("phones", Slot::Phones),
        shown("addresses", Slot::Addresses),
        shown("onPremisesSyncEnabled", Slot::Flag(contact::SYNCED)),
        shown("onPremisesLastSyncDateTime", Slot::Constant("null")),
        shown("onPremisesProvisioningErrors", Slot::Constant("[]")),
    ],
};

static DEVICE: Schema = Schema {
    kind: Kind::Device,
    type_name: "microsoft.graph.device",
    title: "Device",
    collection: "devices",
    texts: device::TEXTS,
    properties: &[
        shown("id", Slot::Id),
        shown("deletedDateTime", Slot::Deleted),
        shown("accountEnabled", Slot::Flag(device::ENABLED)),
        shown(
            "approximateLastSignInDateTime",
            Slot::Text(device::LAST_SIGN_IN),
        ),
        shown("createdDateTime", Slot::Created),
        shown("deviceId", Slot::Text(device::DEVICE_ID)),
        shown("displayName", Slot::Text(DISPLAY_NAME)),
        shown("isCompliant", Slot::Flag(device::COMPLIANT)),
        shown("isManaged", Slot::Flag(device::MANAGED)),
        shown("manufacturer", Slot::Text(device::MANUFACTURER)),
        shown("model", Slot::Text(device::MODEL)),
        shown("onPremisesSyncEnabled", Slot::Flag(device::SYNCED)),
        shown("onPremisesLastSyncDateTime", Slot::Constant("null")),
        shown("operatingSystem", Slot::Text(device::SYSTEM)),
        shown("operatingSystemVersion", Slot::Text(device::SYSTEM_VERSION)),
        shown("physicalIds", Slot::Constant("[]")),
        shown("profileType", Slot::Text(device::PROFILE)),
        shown("registrationDateTime", Slot::Text(device::REGISTERED)),
        shown("systemLabels", Slot::Constant("[]")),
        shown("trustType", Slot::Text(device::TRUST)),
    ],
};

static SERVICE_PRINCIPAL: Schema = Schema {
    kind: Kind::ServicePrincipal,
    type_name: "microsoft.graph.servicePrincipal",
    title: "ServicePrincipal",
    collection: "servicePrincipals",
    texts: service_principal::TEXTS,
    properties: &[
        shown("id", Slot::Id),
        shown("appId", Slot::Text(service_principal::APP_ID)),
        shown("displayName", Slot::Text(DISPLAY_NAME)),
    ],
};
