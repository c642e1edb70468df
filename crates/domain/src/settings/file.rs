//! Settings as a file: what goes out and comes in again, here or elsewhere. No secrets, and no ids
//! but those of the groups in the customer's own tenant.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::Value;

use crate::{
    enrolment::EnrolmentSettings,
    id::{ExternalId, IntegrationId},
    integration::IntegrationKind,
    notification::{NotificationCause, RecipientKind},
    policy::Policy,
    schedule::Schedule,
    settings::SettingDifference,
    text::FieldError,
    text_enum,
};

/// The version of the files that are written, and the only one that is read.
pub const FILE_VERSION: u32 = 1;

/// The most bytes of a file.
pub const FILE_BYTES_MAX: usize = 900 * 1024;

text_enum! {
    /// What a file of Rollcall holds.
    pub enum FileKind {
        /// Settings.
        Settings = "settings",
    }
}

text_enum! {
    /// How a file is written.
    pub enum FileFormat {
        /// JSON.
        Json = "json",
        /// TOML.
        Toml = "toml",
    }
}

impl FileFormat {
    /// The media type (RFC 8259, and the one IANA lists for TOML).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Toml => "application/toml",
        }
    }
}

/// A settings file. It holds exactly one of `integration`, `customer` and `policy_template`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// `settings`.
    pub rollcall: FileKind,
    /// The version of the file: 1.
    pub version: u32,
    /// One integration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationFile>,
    /// All of a customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerFile>,
    /// A policy template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_template: Option<TemplateFile>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// One integration.
    Integration(IntegrationFile),
    /// All of a customer's.
    Customer(CustomerFile),
    /// A policy template.
    Template(TemplateFile),
}

impl SettingsFile {
    /// A file of this content.
    pub fn of(content: FileContent) -> Self {
        let mut file = Self {
            rollcall: FileKind::Settings,
            version: FILE_VERSION,
            integration: None,
            customer: None,
            policy_template: None,
        };
        match content {
            FileContent::Integration(one) => file.integration = Some(one),
            FileContent::Customer(one) => file.customer = Some(one),
            FileContent::Template(one) => file.policy_template = Some(one),
        }
        file
    }

    /// What it holds, or why that can't be told.
    pub fn content(self) -> Result<FileContent, FieldError> {
        if self.version != FILE_VERSION {
            let message = format!(
                "This file is of version {}; this Rollcall reads version {FILE_VERSION}.",
                self.version
            );
            return Err(FieldError::new("version", message));
        }
        match (self.integration, self.customer, self.policy_template) {
            (Some(one), None, None) => Ok(FileContent::Integration(one)),
            (None, Some(one), None) => Ok(FileContent::Customer(one)),
            (None, None, Some(one)) => Ok(FileContent::Template(one)),
            _ => Err(FieldError::new(
                "integration",
                "A file holds exactly one of integration, customer and policy_template.",
            )),
        }
    }
}

/// The settings of one integration. What is absent of them takes its default, as in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationFile {
    /// What it connects to.
    pub kind: IntegrationKind,
    /// The tenant as given; says whose the groups are, and changes nothing.
    pub tenant: String,
    /// The cloud's id; changes nothing.
    pub cloud: String,
    /// The credential profile's name; changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_profile: Option<String>,
    /// Whether it runs.
    pub enabled: bool,
    /// When it runs by itself.
    #[serde(default)]
    pub schedule: Schedule,
    /// The selected groups; none: the whole tenant.
    #[serde(default)]
    pub selected_groups: Vec<GroupInFile>,
    /// Who administers the customer's workspace; absent: that stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrators: Option<AdministratorsInFile>,
    /// What decides, without the groups.
    #[serde(
        default,
        serialize_with = "write_policy",
        deserialize_with = "read_policy"
    )]
    pub policy: Policy,
}

/// Who administers the customer's workspace. Empty, it says that this is decided here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdministratorsInFile {
    /// The group of the source whose members do; absent: it is decided here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupInFile>,
}

/// A group of the source. Its id is one of its tenant, and means nothing in another; its name is what it
/// is found by there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupInFile {
    /// Its object id in the source.
    pub id: ExternalId,
    /// Its name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// All of a customer's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CustomerFile {
    /// Its name; changes nothing.
    pub name: String,
    /// Its time zone.
    pub time_zone: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How its people are invited; absent: that stays as it is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "without_nulls"
    )]
    pub enrolment: Option<EnrolmentSettings>,
    /// Who is told what goes wrong.
    #[serde(default)]
    pub notification_recipients: Vec<RecipientInFile>,
    /// Its integrations.
    #[serde(default)]
    pub integrations: Vec<IntegrationFile>,
}

/// Who is told what goes wrong, without the secret that signs what a webhook is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecipientInFile {
    /// How it is told.
    pub kind: RecipientKind,
    /// A mail address, or the URL of a webhook.
    pub address: String,
    /// What it wants to be told of.
    pub causes: Vec<NotificationCause>,
}

impl std::fmt::Display for RecipientInFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let causes: Vec<_> = self.causes.iter().map(|cause| cause.title()).collect();
        write!(f, "{} ({})", self.address, causes.join(", "))
    }
}

/// A policy template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// Its name; changes nothing.
    pub name: String,
    /// What decides, without the selected groups.
    #[serde(
        default,
        serialize_with = "write_policy",
        deserialize_with = "read_policy"
    )]
    pub policy: Policy,
}

/// The names of the settings that stand beside the policy in a file: groups of one tenant.
const GROUPS: &str = "selected_group_ids";
const ADMINISTRATORS: &str = "administrators_group_id";

/// Without what is null: TOML has no such thing, and what is absent reads the same.
fn without_nulls<T: Serialize, S: Serializer>(of: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(of).map_err(S::Error::custom)?;
    drop_nulls(&mut value);
    value.serialize(serializer)
}

/// Without groups of a tenant.
fn write_policy<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(policy).map_err(S::Error::custom)?;
    if let Some(policy) = value.as_object_mut() {
        policy.remove(GROUPS);
        policy.remove(ADMINISTRATORS);
    }
    without_nulls(&value, serializer)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(inside) => {
            inside.retain(|_, value| !value.is_null());
            inside.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn read_policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    let policy = Policy::deserialize(deserializer)?;
    if policy.administrators_group_id.is_some() {
        Err(D::Error::custom(
            "an integration’s file has the group of its administrators in administrators.group, not in policy.administrators_group_id",
        ))
    } else if policy.selected_group_ids.is_empty() {
        Ok(policy)
    } else {
        Err(D::Error::custom(
            "a file has its groups in selected_groups, not in policy.selected_group_ids",
        ))
    }
}

/// What importing a file would change, and what of it can't be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportPlan {
    /// What changes of each thing; what stays as it is isn't among them.
    pub changes: Vec<ImportChange>,
    /// What stands in the file and isn't applied.
    pub not_applied: Vec<NotApplied>,
    /// Names of the groups in it, by their ids, as far as they are known.
    pub group_names: std::collections::BTreeMap<String, String>,
    /// Names what was compared: whoever confirms sends it back.
    pub hash: String,
}

/// What an import changes of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportChange {
    /// What it is: an integration's name, a recipient's address, or the customer's name.
    pub of: String,
    /// The integration, where it is one.
    pub integration_id: Option<IntegrationId>,
    /// The settings that change.
    pub differences: Vec<SettingDifference>,
}

/// What stands in a file and isn't applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotApplied {
    /// What: a group, a recipient or an integration, by its name.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

impl NotApplied {
    /// That this isn't applied, and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn integration() -> IntegrationFile {
        IntegrationFile {
            kind: IntegrationKind::EntraId,
            tenant: "contoso.example".to_owned(),
            cloud: "global".to_owned(),
            credential_profile: None,
            enabled: true,
            schedule: Schedule::default(),
            selected_groups: Vec::new(),
            administrators: None,
            policy: Policy::default(),
        }
    }

    #[test]
    fn a_file_holds_one_thing_of_a_known_version() {
        let file = SettingsFile::of(FileContent::Integration(integration()));
        let written = serde_json::to_value(&file).unwrap();
        assert_eq!(written["rollcall"], "settings");
        assert_eq!(written["version"], 1);
        assert_eq!(written["integration"]["policy"][GROUPS], Value::Null);
        assert_eq!(
            serde_json::from_value::<SettingsFile>(written).unwrap(),
            file
        );
        let newer = SettingsFile {
            version: 2,
            ..file.clone()
        };
        assert_eq!(newer.content().unwrap_err().field, "version");
        let nothing = SettingsFile {
            integration: None,
            ..file
        };
        assert!(nothing.content().is_err());
    }

    #[test]
    fn groups_stand_beside_the_policy() {
        let mut file = serde_json::to_value(integration()).unwrap();
        file["policy"][GROUPS] = json!(["11111111-2222-4333-8444-555555555555"]);
        let refused = serde_json::from_value::<IntegrationFile>(file).unwrap_err();
        assert!(refused.to_string().contains("selected_groups"), "{refused}");
        let mut file = serde_json::to_value(integration()).unwrap();
        file["policy"][ADMINISTRATORS] = json!("11111111-2222-4333-8444-555555555555");
        let refused = serde_json::from_value::<IntegrationFile>(file).unwrap_err();
        let says = refused.to_string();
        assert!(says.contains("administrators.group"), "{refused}");
    }

    #[test]
    fn what_an_older_file_doesnt_have_is_absent_and_not_empty() {
        let mut file = integration();
        let written = serde_json::to_value(&file).unwrap();
        assert_eq!(written["administrators"], Value::Null);
        file.administrators = Some(AdministratorsInFile::default());
        let written = serde_json::to_value(&file).unwrap();
        assert_eq!(written["administrators"], json!({}));
        assert_eq!(
            serde_json::from_value::<IntegrationFile>(written).unwrap(),
            file
        );
        let older = json!({ "name": "A", "time_zone": "UTC" });
        let mut customer: CustomerFile = serde_json::from_value(older).unwrap();
        assert_eq!(customer.enrolment, None);
        customer.enrolment = Some(EnrolmentSettings::default());
        let written = serde_json::to_value(&customer).unwrap();
        assert_eq!(
            written["enrolment"],
            json!({ "language": "en", "link_days": 14 })
        );
        assert_eq!(
            serde_json::from_value::<CustomerFile>(written).unwrap(),
            customer
        );
    }
}
