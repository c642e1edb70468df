//! The form of Tenant Configuration: what it holds, what differs, and what Save changes.

use domain::{
    id::{CredentialProfileId, ExternalId},
    integration::Integration,
    matching::MatchKey,
    policy::{ObjectType, OutOfScope},
    protection::{Matching, ProtectedAttribute, ProtectedRule},
    schedule::{EVERY_MINUTES_DEFAULT, Timing},
};
use serde::{Deserialize, Serialize};

/// A rule as its line of the form has it; without a value it isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// What is compared.
    pub attribute: ProtectedAttribute,
    /// How.
    pub matches: Matching,
    /// With what.
    #[serde(default)]
    pub value: String,
}

impl RuleLine {
    /// A line that is still to be filled in.
    pub const EMPTY: Self = Self {
        attribute: ProtectedAttribute::UserPrincipalName,
        matches: Matching::EndsWith,
        value: String::new(),
    };
}

impl From<&ProtectedRule> for RuleLine {
    fn from(rule: &ProtectedRule) -> Self {
        Self {
            attribute: rule.attribute,
            matches: rule.matches,
            value: rule.value.clone(),
        }
    }
}

/// Every field of the form. Numbers are kept as typed, so that a wrong one can be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of one form"
)]
pub struct SettingsForm {
    /// Credential Profile.
    pub credential_profile_id: CredentialProfileId,
    /// Enabled.
    #[serde(default)]
    pub enabled: bool,
    /// Enabled when the form was made. It may have been switched elsewhere since.
    #[serde(default)]
    pub enabled_was: bool,
    /// "Perform a full scan on next run".
    #[serde(default)]
    pub full_scan_next: bool,
    /// The same when the form was made: it goes off by itself.
    #[serde(default)]
    pub full_scan_was: bool,
    /// `minutes` or `cron`.
    pub timing: String,
    /// Minutes between two runs.
    #[serde(default)]
    pub every_minutes: String,
    /// A cron expression.
    #[serde(default)]
    pub cron: String,
    /// Only within the window.
    #[serde(default)]
    pub windowed: bool,
    /// When the window opens.
    #[serde(default)]
    pub window_from: String,
    /// When it closes.
    #[serde(default)]
    pub window_until: String,
    /// The days on which it opens; none means every day.
    #[serde(default)]
    pub window_days: Vec<String>,
    /// What is read.
    #[serde(default)]
    pub object_types: Vec<ObjectType>,
    /// Selected Groups.
    #[serde(default)]
    pub selected_group_ids: Vec<ExternalId>,
    /// What the typeahead knew of newly picked groups, as JSON.
    #[serde(default)]
    pub known_groups: String,
    /// Members of groups in the selected ones are in scope too.
    #[serde(default)]
    pub include_nested: bool,
    /// Guests are kept.
    #[serde(default)]
    pub include_guests: bool,
    /// Given name and surname are required.
    #[serde(default)]
    pub require_names: bool,
    /// "Is Sign in Blocked on AD".
    #[serde(default)]
    pub blocked_sign_in_disables: bool,
    /// "Send Enrollment Email to the Newly Synced Users".
    #[serde(default)]
    pub send_enrollment_email: bool,
    /// Exact matches by user name are made without asking.
    #[serde(default)]
    pub match_by_user_name: bool,
    /// Exact matches by employee id are.
    #[serde(default)]
    pub match_by_employee_id: bool,
    /// New people are confirmed first.
    #[serde(default)]
    pub confirm_new: bool,
    /// What happens to people who left.
    pub out_of_scope: OutOfScope,
    /// Days from Inactive to deleted.
    #[serde(default)]
    pub delete_after_days: String,
    /// Rules that protect people.
    #[serde(default)]
    pub protected: Vec<RuleLine>,
    /// New objects come in.
    #[serde(default)]
    pub create: bool,
    /// Attributes follow the source.
    #[serde(default)]
    pub update: bool,
    /// People become inactive.
    #[serde(default)]
    pub disable: bool,
    /// Objects are deleted.
    #[serde(default)]
    pub delete: bool,
    /// Guard: users by number; empty for no limit by number.
    #[serde(default)]
    pub guard_user_count: String,
    /// Guard: users by share, in percent.
    #[serde(default)]
    pub guard_user_percent: String,
    /// Guard: groups by number.
    #[serde(default)]
    pub guard_group_count: String,
    /// Guard: groups by share.
    #[serde(default)]
    pub guard_group_percent: String,
    /// Guard: memberships by number.
    #[serde(default)]
    pub guard_membership_count: String,
    /// Guard: memberships by share.
    #[serde(default)]
    pub guard_membership_percent: String,
    /// Guard: contacts by number.
    #[serde(default)]
    pub guard_contact_count: String,
    /// Guard: contacts by share.
    #[serde(default)]
    pub guard_contact_percent: String,
    /// Guard: devices by number.
    #[serde(default)]
    pub guard_device_count: String,
    /// Guard: devices by share.
    #[serde(default)]
    pub guard_device_percent: String,
}

impl SettingsForm {
    /// The form as it shows an integration.
    pub fn of(integration: &Integration) -> Self {
        let policy = &integration.policy;
        let (timing, every_minutes, cron) = match &integration.schedule.timing {
            Timing::EveryMinutes(minutes) => ("minutes", minutes.to_string(), String::new()),
            Timing::Cron(text) => ("cron", EVERY_MINUTES_DEFAULT.to_string(), text.clone()),
        };
        let window = integration.schedule.window.as_ref();
        let count = |count: Option<u32>| count.map(|n| n.to_string()).unwrap_or_default();
        let share = |percent: u8| format!("{percent} %");
        let guard = policy.guard;
        Self {
            credential_profile_id: integration.credential_profile_id,
            enabled: integration.enabled,
            enabled_was: integration.enabled,
            full_scan_next: integration.full_scan_next,
            full_scan_was: integration.full_scan_next,
            timing: timing.to_owned(),
            every_minutes,
            cron,
            windowed: window.is_some(),
            window_from: window.map_or_else(String::new, |window| window.from.to_string()),
            window_until: window.map_or_else(String::new, |window| window.until.to_string()),
            window_days: window.map_or_else(Vec::new, |window| {
                let days = window.days.iter();
                days.map(|day| day.as_str().to_owned()).collect()
            }),
            object_types: policy.object_types.clone(),
            selected_group_ids: policy.selected_group_ids.clone(),
            known_groups: String::new(),
            include_nested: policy.include_nested,
            include_guests: policy.include_guests,
            require_names: policy.require_names,
            blocked_sign_in_disables: policy.blocked_sign_in_disables,
            send_enrollment_email: policy.send_enrollment_email,
            match_by_user_name: policy
                .matching
                .automatic
                .contains(&MatchKey::UserPrincipalName),
            match_by_employee_id: policy.matching.automatic.contains(&MatchKey::EmployeeId),
            confirm_new: policy.matching.confirm_new,
            out_of_scope: policy.out_of_scope,
            delete_after_days: policy.delete_after_days.to_string(),
            protected: policy.protected.iter().map(RuleLine::from).collect(),
            create: policy.actions.create,
            update: policy.actions.update,
            disable: policy.actions.disable,
            delete: policy.actions.delete,
            guard_user_count: count(guard.user.max_count),
            guard_user_percent: share(guard.user.max_percent),
            guard_group_count: count(guard.group.max_count),
            guard_group_percent: share(guard.group.max_percent),
            guard_membership_count: count(guard.membership.max_count),
            guard_membership_percent: share(guard.membership.max_percent),
            guard_contact_count: count(guard.contact.max_count),
            guard_contact_percent: share(guard.contact.max_percent),
            guard_device_count: count(guard.device.max_count),
            guard_device_percent: share(guard.device.max_percent),
        }
    }

    /// Whether objects of this type are read. Memberships come with their groups.
    pub fn reads(&self, object_type: ObjectType) -> bool {
        let read_with = match object_type {
            ObjectType::Membership => ObjectType::Group,
            other => other,
        };
        self.object_types.contains(&read_with)
    }

    /// The guard's fields of a type as they are filled in: number and percent.
    pub fn guard_of(&self, object_type: ObjectType) -> (&str, &str) {
        match object_type {
            ObjectType::User => (&self.guard_user_count, &self.guard_user_percent),
            ObjectType::Group => (&self.guard_group_count, &self.guard_group_percent),
            ObjectType::Membership => {
                (&self.guard_membership_count, &self.guard_membership_percent)
            }
            ObjectType::Contact => (&self.guard_contact_count, &self.guard_contact_percent),
            ObjectType::Device => (&self.guard_device_count, &self.guard_device_percent),
        }
    }

    /// What differs from `was`, in the words of the page; empty where nothing does.
    pub fn differences(&self, was: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differs = |differs: bool, name: &str| {
            if differs {
                differences.push(name.to_owned());
            }
        };
        differs(
            self.credential_profile_id != was.credential_profile_id,
            "Credential Profile",
        );
        differs(self.enabled != was.enabled, "Enabled");
        differs(
            self.full_scan_next != was.full_scan_next,
            "Perform a full scan on next run",
        );
        differs(self.schedule_text() != was.schedule_text(), "Schedule");
        differs(self.object_types != was.object_types, "Object types");
        let added = missing_from(&was.selected_group_ids, &self.selected_group_ids);
        let removed = missing_from(&self.selected_group_ids, &was.selected_group_ids);
        let groups = match (added, removed) {
            (added, 0) => format!("Selected Groups +{added}"),
            (0, removed) => format!("Selected Groups −{removed}"),
            (added, removed) => format!("Selected Groups +{added} −{removed}"),
        };
        differs(added + removed > 0, &groups);
        differs(self.include_nested != was.include_nested, "Nested groups");
        differs(self.include_guests != was.include_guests, "Guests");
        differs(self.require_names != was.require_names, "Names");
        differs(
            self.blocked_sign_in_disables != was.blocked_sign_in_disables,
            "Is Sign in Blocked on AD",
        );
        differs(
            self.send_enrollment_email != was.send_enrollment_email,
            "Send Enrollment Email to the Newly Synced Users",
        );
        differs(
            self.out_of_scope != was.out_of_scope
                || (self.out_of_scope == OutOfScope::Delete
                    && self.delete_after_days.trim() != was.delete_after_days.trim()),
            "Out of scope or deleted",
        );
        let automatic = |form: &Self| (form.match_by_user_name, form.match_by_employee_id);
        differs(automatic(self) != automatic(was), "Matched without asking");
        differs(self.confirm_new != was.confirm_new, "New people");
        let actions = |form: &Self| (form.create, form.update, form.disable, form.delete);
        differs(actions(self) != actions(was), "Actions");
        differs(self.rules() != was.rules(), "Protected people");
        differs(self.guard_differs(was), "Guard");
        differences
    }

    /// The rules that are filled in.
    pub fn rules(&self) -> Vec<ProtectedRule> {
        self.lines().map(|(_, rule)| rule).collect()
    }

    /// The rules that are filled in, each with the place of its line.
    fn lines(&self) -> impl Iterator<Item = (usize, ProtectedRule)> {
        let lines = self.protected.iter().enumerate();
        lines
            .map(|(at, line)| {
                let rule = ProtectedRule {
                    attribute: line.attribute,
                    matches: line.matches,
                    value: line.value.trim().to_owned(),
                };
                (at, rule)
            })
            .filter(|(_, rule)| !rule.value.is_empty())
    }

    fn schedule_text(&self) -> String {
        let timing = match self.timing.as_str() {
            "cron" => format!("cron {}", self.cron.trim()),
            _ => self.every_minutes.trim().to_owned(),
        };
        if !self.windowed {
            return timing;
        }
        let mut days = self.window_days.clone();
        days.sort_unstable();
        let (from, until) = (self.window_from.trim(), self.window_until.trim());
        format!("{timing} {from} {until} {}", days.join(" "))
    }

    /// Whether a limit of a type that is read differs. The others' fields are not shown.
    fn guard_differs(&self, was: &Self) -> bool {
        ObjectType::ALL.iter().any(|object_type| {
            let trimmed = |form: &'_ Self| {
                let (count, percent) = form.guard_of(*object_type);
                (count.trim().to_owned(), percent.trim().to_owned())
            };
            self.reads(*object_type) && trimmed(self) != trimmed(was)
        })
    }
}

/// How many of `wanted` are not among `present`.
fn missing_from(present: &[ExternalId], wanted: &[ExternalId]) -> usize {
    wanted.iter().filter(|id| !present.contains(id)).count()
}

#[cfg(feature = "ssr")]
pub use reading::{at_field, left_aside};

#[cfg(feature = "ssr")]
mod reading;

#[cfg(all(test, feature = "ssr"))]
mod tests;
