//! The settings of an integration, and of a customer, as one thing: what is kept as a version, written
//! into a file, compared, restored, and followed from a template.

pub mod customer;
pub mod file;
pub mod template;
pub mod tree;
pub mod version;
pub mod words;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    integration::{Integration, IntegrationChange},
    policy::Policy,
    schedule::Schedule,
};

/// What a version keeps of an integration. Its credential is no part of it, so that restoring what
/// was never brings back a credential that was replaced; nor is what a person asked for once, such
/// as a full scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationSettings {
    /// Whether it runs.
    pub enabled: bool,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// What decides.
    pub policy: Policy,
}

impl IntegrationSettings {
    /// Those of an integration as it is.
    pub fn of(integration: &Integration) -> Self {
        Self {
            enabled: integration.enabled,
            schedule: integration.schedule.clone(),
            policy: integration.policy.clone(),
        }
    }

    /// The change that makes an integration have them.
    pub fn change(self) -> IntegrationChange {
        IntegrationChange {
            enabled: Some(self.enabled),
            schedule: Some(self.schedule),
            policy: Some(self.policy),
            ..IntegrationChange::default()
        }
    }
}

/// One setting, as it is and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingDifference {
    /// Its place: `policy.guard.user.max_count`.
    pub path: String,
    /// What it is called on the pages; its place where it has no other name.
    pub name: String,
    /// Its value; null where there is none.
    pub before: Option<Value>,
    /// Its other value; null where there is none.
    pub after: Option<Value>,
}

impl From<tree::TreeDifference> for SettingDifference {
    fn from(of: tree::TreeDifference) -> Self {
        Self {
            name: words::name_of(&of.path),
            path: of.path,
            before: of.before,
            after: of.after,
        }
    }
}

/// How two things that hold settings differ.
pub fn settings_differences<T: Serialize, U: Serialize>(
    before: &T,
    after: &U,
) -> Vec<SettingDifference> {
    let value = |of: serde_json::Result<Value>| of.unwrap_or_default();
    let before = value(serde_json::to_value(before));
    let after = value(serde_json::to_value(after));
    let differences = tree::differences(&before, &after);
    differences.into_iter().map(Into::into).collect()
}

/// Every setting of a thing: its place, and its value.
pub fn all_settings<T: Serialize>(of: &T) -> Vec<(String, Value)> {
    tree::leaves(&serde_json::to_value(of).unwrap_or_default())
}

/// What would change, with what it was compared with: whoever confirms sends the hash back, and is
/// refused where something else is saved by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsDifference {
    /// The settings that differ.
    pub differences: Vec<SettingDifference>,
    /// Names of the groups in them, by their ids, as far as they are known.
    pub group_names: std::collections::BTreeMap<String, String>,
    /// Names what was compared.
    pub hash: String,
    /// What stands in the version and restoring it doesn't bring back, and why.
    pub not_applied: Vec<file::NotApplied>,
}
