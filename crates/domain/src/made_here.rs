//! Users and groups made here, and what operators keep of synced ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{CustomerId, ExternalId, GroupId, IntegrationId},
    mapping::{EXTENSION_ATTRIBUTES, is_target, kept, more},
    policy::ObjectType,
    text::FieldError,
    text_enum,
    user::SourceType,
};

/// Days a user or a group made here can be restored before it goes for good.
pub const BIN_DAYS: i64 = 30;
/// The most aliases of a user.
pub const ALIASES_MAX: usize = 20;
/// The most members that come or go at once.
pub const MEMBERS_MAX: usize = 1_000;
/// The most groups that a user is put into at once.
pub const GROUPS_MAX: usize = 1_000;
/// The most characters of an attribute.
pub const VALUE_CHARS_MAX: usize = 1_024;
/// The most characters of a group's description; Entra ID takes as many.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// The attributes of a user beside names and addresses, as Graph names them.
pub const USER_ATTRIBUTES: [&str; 16] = [
    "jobTitle",
    "department",
    "companyName",
    "officeLocation",
    "businessPhones",
    "mobilePhone",
    "faxNumber",
    "otherMails",
    "streetAddress",
    "postalCode",
    "city",
    "state",
    "country",
    "preferredLanguage",
    "usageLocation",
    "employeeId",
];

/// Those attributes of a user that hold several values: given as one text with commas between.
pub const LIST_ATTRIBUTES: [&str; 5] = [
    "assignedLicenses",
    "businessPhones",
    "imAddresses",
    "otherMails",
    "proxyAddresses",
];

/// Those attributes of a user that are true or false.
pub const FLAG_ATTRIBUTES: [&str; 2] = ["onPremisesSyncEnabled", "showInAddressList"];

/// The names and the address of a user that can be kept here, as the API names them. Not the user
/// name: whom it belongs to is what a source is asked.
pub const KEPT_COLUMNS: [&str; 4] = ["display_name", "given_name", "surname", "mail"];

/// The names of what can be kept here of a synced user, but directory extensions, which every tenant
/// has its own of: first what is typed most.
pub fn kept_choice() -> Vec<&'static str> {
    let mut names: Vec<&str> = KEPT_COLUMNS.into_iter().chain(USER_ATTRIBUTES).collect();
    let others = kept(ObjectType::User).iter().chain(more(ObjectType::User));
    for name in others.chain(&EXTENSION_ATTRIBUTES) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}

/// Whether an attribute of a synced user can be kept here: whatever a mapping rule can make, except
/// for the user name.
pub fn can_be_kept(name: &str) -> bool {
    name != "user_principal_name" && is_target(ObjectType::User, name)
}

text_enum! {
    /// Who decides about a user or a group.
    pub enum Editable {
        /// Made here, or kept when its integration was deleted: it is changed here.
        Here = "here",
        /// An integration keeps it in step: it is changed in the source.
        InSource = "in_source",
        /// It came from an integration that was deleted with its people.
        Nowhere = "nowhere",
    }
}

/// Where a user or a group is changed that isn't changed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The integration's name.
    pub integration_name: String,
    /// Its page in the source's own portal, where that is known.
    pub portal: Option<String>,
}

/// Who decides about what comes from a source of this type, by way of this integration.
pub const fn editable(source: SourceType, integration: Option<IntegrationId>) -> Editable {
    match (integration, source) {
        (Some(_), _) => Editable::InSource,
        (None, SourceType::Manual | SourceType::Import) => Editable::Here,
        (None, _) => Editable::Nowhere,
    }
}

/// Says where something is changed that isn't changed here, in a sentence or two.
pub fn changed_elsewhere(
    object_type: ObjectType,
    name: &str,
    integration: Option<&str>,
    what: &str,
) -> String {
    let noun = match object_type {
        ObjectType::Group => "group",
        _ => "user",
    };
    match integration {
        Some(integration) => format!(
            "{name} is a synced {noun}: {integration} keeps it in step. Change {what} in the source; the next run brings it here."
        ),
        None => format!(
            "{name} came from an integration that was deleted, and was left as it was. It can’t be changed here."
        ),
    }
}

/// The group of a source whose members administer the customer's workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdministratorsGroup {
    /// Its object id in the source.
    pub external_id: ExternalId,
    /// Its name, where it is known.
    pub display_name: Option<String>,
    /// Its id in the directory, where it is there.
    pub id: Option<GroupId>,
    /// The integration whose policy says so.
    pub integration_id: IntegrationId,
    /// The integration's name.
    pub integration_name: String,
}

impl AdministratorsGroup {
    /// Its name, or its object id where no run has read it yet.
    pub fn name(&self) -> String {
        let name = self.display_name.clone();
        name.unwrap_or_else(|| self.external_id.to_string())
    }

    /// Says where it is decided who is administrator.
    pub fn decides(&self, of: &str) -> String {
        format!(
            "Who of {} is administrator is decided in the source: by the members of the group {}. Add {of} to it there, or take them out of it; the next run brings it here. Or have it decided here, on the tab Filters of {}.",
            self.integration_name,
            self.name(),
            self.integration_name
        )
    }
}

/// Since when somebody administers their customer's workspace, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Administrator {
    /// Who made them administrator.
    pub by: String,
    /// When.
    pub at: DateTime,
}

/// An attribute that an operator keeps of a synced user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeptAttribute {
    /// Its name: `display_name`, `given_name`, `surname`, `mail`, or as Graph names it.
    pub name: String,
    /// What it stays; null where it stays empty.
    pub value: Option<String>,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why.
    pub note: String,
}

/// What is kept of a synced user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewKeptAttribute {
    /// What it stays; empty or null: nothing. Several values have commas between.
    #[serde(default)]
    pub value: Option<String>,
    /// Why: a sentence or a ticket number, at most 500 characters.
    #[serde(default)]
    pub note: String,
}

/// What a user is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name it signs in with, in the form of a mail address.
    pub user_principal_name: String,
    /// The name people read.
    pub display_name: String,
    /// First name.
    #[serde(default)]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(default)]
    pub surname: Option<String>,
    /// Mail address.
    #[serde(default)]
    pub mail: Option<String>,
    /// Whether it is a guest.
    #[serde(default)]
    pub guest: bool,
    /// Whether it administers its customer's workspace.
    #[serde(default)]
    pub administrator: bool,
    /// Other addresses it signs in with.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Groups made here that it is put into.
    #[serde(default)]
    pub group_ids: Vec<GroupId>,
    /// Other attributes, as Graph names them; several values of one have commas between.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// What changes of a user. What is absent stays; an empty text takes away what isn't needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Another name to sign in with.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// Another name to read.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Another first name.
    #[serde(default)]
    pub given_name: Option<String>,
    /// Another last name.
    #[serde(default)]
    pub surname: Option<String>,
    /// Another mail address.
    #[serde(default)]
    pub mail: Option<String>,
    /// Whether it is a guest.
    #[serde(default)]
    pub guest: Option<bool>,
    /// Whether it administers its customer's workspace. Also of a synced user: no source says so.
    #[serde(default)]
    pub administrator: Option<bool>,
    /// Other attributes that change, as Graph names them.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl UserChange {
    /// Whether it changes what the source of a synced user says.
    pub fn concerns_source(&self) -> bool {
        *self
            != Self {
                administrator: self.administrator,
                ..Self::default()
            }
    }
}

/// What a group is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name.
    pub display_name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Its first members: users, groups, contacts and devices of the customer, by their ids here.
    #[serde(default)]
    pub member_ids: Vec<uuid::Uuid>,
}

/// What changes of a group. What is absent stays; an empty description takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupChange {
    /// Another name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Another description.
    #[serde(default)]
    pub description: Option<String>,
}

/// Somebody or something that can be put into a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct MemberHit {
    /// Its id here.
    pub id: uuid::Uuid,
    /// What it is.
    pub object_type: ObjectType,
    /// Its name.
    pub display_name: String,
    /// What tells it from others of its name: a user name or a mail address.
    pub detail: Option<String>,
}

/// A group made here that a user can be put into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct GroupChoice {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
}

/// Whom the form of a new user is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForCustomer {
    /// The customer.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
}

/// An address that one signs in with: a user name or an alias, in the form of a mail address.
pub fn parse_sign_in(field: &str, given: &str) -> Result<String, FieldError> {
    crate::operator::parse_email(given).map_err(|_| {
        FieldError::new(
            field,
            "Enter a name in the form of a mail address, such as ada@contoso.example.",
        )
    })
}

/// A mail address, or none where nothing was given.
pub fn parse_mail(field: &str, given: &str) -> Result<Option<String>, FieldError> {
    if given.trim().is_empty() {
        return Ok(None);
    }
    crate::operator::parse_email(given)
        .map(Some)
        .map_err(|error| FieldError::new(field, error.message))
}

/// A text that may be absent: trimmed, at most so many characters, without control characters.
pub fn parse_value(
    field: &str,
    given: &str,
    chars_max: usize,
) -> Result<Option<String>, FieldError> {
    let value = given.trim();
    if value.chars().count() > chars_max {
        return Err(FieldError::new(
            field,
            format!("Use at most {chars_max} characters."),
        ));
    }
    if value.chars().any(char::is_control) {
        return Err(FieldError::new(
            field,
            "Line breaks and control characters can’t be used here.",
        ));
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// The field that an attribute is blamed by.
pub fn attribute_field(name: &str) -> String {
    format!("attributes.{name}")
}

/// The value of a known attribute, or none; a name that isn't known is refused with those that are.
pub fn parse_attribute(field: &str, name: &str, given: &str) -> Result<Option<String>, FieldError> {
    if !USER_ATTRIBUTES.contains(&name) {
        return Err(FieldError::new(
            field,
            format!(
                "There is no attribute {name}. Known are {}.",
                USER_ATTRIBUTES.join(", ")
            ),
        ));
    }
    parse_value(field, given, VALUE_CHARS_MAX)
}

/// A value that is kept of a synced user, or none for empty: as the column or attribute of that name
/// takes it.
pub fn parse_kept(name: &str, given: &str) -> Result<Option<String>, FieldError> {
    match name {
        "display_name" => crate::text::parse_name("value", given).map(Some),
        "given_name" | "surname" => parse_value("value", given, crate::text::NAME_CHARS_MAX),
        "mail" => parse_mail("value", given),
        name if FLAG_ATTRIBUTES.contains(&name) => parse_flag("value", given),
        name if can_be_kept(name) => parse_value("value", given, VALUE_CHARS_MAX),
        name => Err(FieldError::new(
            "name",
            format!(
                "{name} can’t be kept here. What can: {}, and directory extensions.",
                kept_choice().join(", ")
            ),
        )),
    }
}

/// A value of one of [`FLAG_ATTRIBUTES`], as it is kept.
fn parse_flag(field: &str, given: &str) -> Result<Option<String>, FieldError> {
    match given.trim().to_lowercase().as_str() {
        "" => Ok(None),
        "true" | "yes" => Ok(Some("true".to_owned())),
        "false" | "no" => Ok(Some("false".to_owned())),
        _ => Err(FieldError::new(
            field,
            "Enter true or false, or nothing for empty.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_such_as_its_column_takes() {
        assert_eq!(
            parse_kept("display_name", " Ada ").unwrap().as_deref(),
            Some("Ada")
        );
        assert_eq!(parse_kept("surname", "  ").unwrap(), None);
        for (name, given, value) in [
            ("jobTitle", "Lead", "Lead"),
            (
                "proxyAddresses",
                "SMTP:a@x.example, smtp:b@x.example",
                "SMTP:a@x.example, smtp:b@x.example",
            ),
            ("extensionAttribute7", " seven ", "seven"),
            (
                "extension_0123456789abcdef0123456789abcdef_costCentre",
                "12",
                "12",
            ),
            ("onPremisesSyncEnabled", " Yes ", "true"),
            ("onPremisesSyncEnabled", "FALSE", "false"),
        ] {
            assert_eq!(
                parse_kept(name, given).unwrap().as_deref(),
                Some(value),
                "{name}"
            );
        }
        assert_eq!(parse_kept("onPremisesSyncEnabled", "").unwrap(), None);
        for (name, value, field) in [
            ("display_name", "", "value"),
            ("mail", "no address", "value"),
            ("city", "a\nb", "value"),
            ("user_principal_name", "a@b.example", "name"),
            ("onPremisesSyncEnabled", "perhaps", "value"),
            ("accountEnabled", "true", "name"),
            ("shoeSize", "43", "name"),
        ] {
            assert_eq!(parse_kept(name, value).unwrap_err().field, field, "{name}");
        }
    }

    #[test]
    fn whatever_a_rule_can_make_can_be_kept_but_the_user_name() {
        let choice = kept_choice();
        for (index, name) in choice.iter().enumerate() {
            assert!(can_be_kept(name), "{name}");
            assert!(!choice[..index].contains(name), "{name} twice");
        }
        let columns = crate::mapping::columns(ObjectType::User).iter();
        let targets = columns
            .map(|(name, _)| *name)
            .chain(kept(ObjectType::User).iter().copied())
            .chain(more(ObjectType::User).iter().copied())
            .chain(EXTENSION_ATTRIBUTES);
        for name in targets.filter(|name| *name != "user_principal_name") {
            assert!(choice.contains(&name), "{name}");
        }
    }

    #[test]
    fn only_what_a_source_says_concerns_it() {
        let administrator = UserChange {
            administrator: Some(true),
            ..UserChange::default()
        };
        assert!(!administrator.concerns_source());
        let title = UserChange {
            attributes: BTreeMap::from([("jobTitle".to_owned(), String::new())]),
            ..administrator
        };
        assert!(title.concerns_source());
    }

    #[test]
    fn who_decides_follows_from_where_it_came_from() {
        let integration = Some(IntegrationId(uuid::Uuid::nil()));
        for (source, integration, who) in [
            (SourceType::Manual, None, Editable::Here),
            (SourceType::Import, None, Editable::Here),
            (SourceType::EntraSync, integration, Editable::InSource),
            (SourceType::EntraSync, None, Editable::Nowhere),
        ] {
            assert_eq!(editable(source, integration), who);
        }
    }

    #[test]
    fn an_unknown_attribute_is_refused_with_those_that_are_known() {
        let error = parse_attribute("attributes.shoeSize", "shoeSize", "43").unwrap_err();
        assert_eq!(error.field, "attributes.shoeSize");
        assert!(error.message.contains("jobTitle"), "{error}");
    }
}
