//! Users (graph.md §6.2).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Extensions, Item, Removed, lenient};
use crate::resource::Resource;

/// A user, or the mark that one is gone. Serialises to Graph's own names, without what is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserItem {
    /// The object id: the only thing about a user that never changes.
    pub id: Uuid,
    /// Set where the user is gone; then nothing else is.
    #[serde(
        default,
        rename = "@removed",
        deserialize_with = "Removed::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub removed: Option<Removed>,
    /// Whether sign-in is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// Up to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// First name; often none for rooms, service accounts and guests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// Sign-in name; can change and be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// Main mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Other mail addresses.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub other_mails: Vec<String>,
    /// `SMTP:` is the main one, `smtp:` an alias.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub proxy_addresses: Vec<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office_location: Option<String>,
    /// Business telephones.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub business_phones: Vec<String>,
    /// Mobile telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_phone: Option<String>,
    /// Fax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fax_number: Option<String>,
    /// Street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Language tag, e.g. `de-CH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// Two-letter country of licence use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_location: Option<String>,
    /// Employee number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// True while synced from on-premises, false when it was, none when never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_sync_enabled: Option<bool>,
    /// Source anchor on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_immutable_id: Option<String>,
    /// Account name on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_sam_account_name: Option<String>,
    /// When it was made.
    #[serde(
        default,
        deserialize_with = "lenient::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_date_time: Option<DateTime<Utc>>,
    /// Licences.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub assigned_licenses: Vec<AssignedLicense>,
    /// Mail nickname. From here on: none unless `$select` names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_nickname: Option<String>,
    /// Kind of employee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_type: Option<String>,
    /// How it was made, e.g. `Invitation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_type: Option<String>,
    /// How far a guest's invitation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_user_state: Option<String>,
    /// Distinguished name on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_distinguished_name: Option<String>,
    /// Domain on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_domain_name: Option<String>,
    /// Sign-in name on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_user_principal_name: Option<String>,
    /// When they were or will be hired, as Graph writes times (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_hire_date: Option<String>,
    /// Age group, for parental consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_group: Option<String>,
    /// Policies for their password, e.g. `DisablePasswordExpiration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policies: Option<String>,
    /// Before this time their sessions are over (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_sessions_valid_from_date_time: Option<String>,
    /// When they last came from on-premises (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_last_sync_date_time: Option<String>,
    /// Security identifier on-premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_security_identifier: Option<String>,
    /// Addresses of instant messages.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub im_addresses: Vec<String>,
    /// Whether they stand in the address list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_in_address_list: Option<bool>,
    /// Where they belong in the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_org_data: Option<EmployeeOrgData>,
    /// `extensionAttribute1` to `extensionAttribute15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_extension_attributes: Option<BTreeMap<String, Option<String>>>,
    /// Directory schema extensions; none unless `$select` names them.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// Where an employee belongs (graph.md §6.2, `employeeOrgData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmployeeOrgData {
    /// Cost centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// Division.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
}

/// A licence of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedLicense {
    /// The product.
    pub sku_id: Uuid,
}

impl Item for UserItem {
    const RESOURCE: Resource = Resource::Users;
    const TYPE: &'static str = "user";
    const SELECT: &'static [&'static str] = &[
        "id",
        "accountEnabled",
        "userType",
        "displayName",
        "givenName",
        "surname",
        "userPrincipalName",
        "mail",
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
    ];
}
