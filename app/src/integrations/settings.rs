//! The form of Tenant Configuration: what it holds, what differs, and what Save changes.

use domain::{
    id::{CredentialProfileId, ExternalId},
    integration::Integration,
    policy::OutOfScope,
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
            selected_group_ids: policy.selected_group_ids.clone(),
            known_groups: String::new(),
            include_nested: policy.include_nested,
            include_guests: policy.include_guests,
            require_names: policy.require_names,
            blocked_sign_in_disables: policy.blocked_sign_in_disables,
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
            self.out_of_scope != was.out_of_scope
                || (self.out_of_scope == OutOfScope::Delete
                    && self.delete_after_days.trim() != was.delete_after_days.trim()),
            "Out of scope or deleted",
        );
        let actions = |form: &Self| (form.create, form.update, form.disable, form.delete);
        differs(actions(self) != actions(was), "Actions");
        differs(self.rules() != was.rules(), "Protected people");
        differs(self.guard_texts() != was.guard_texts(), "Guard");
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

    fn guard_texts(&self) -> [&str; 6] {
        [
            self.guard_user_count.trim(),
            self.guard_user_percent.trim(),
            self.guard_group_count.trim(),
            self.guard_group_percent.trim(),
            self.guard_membership_count.trim(),
            self.guard_membership_percent.trim(),
        ]
    }
}

/// How many of `wanted` are not among `present`.
fn missing_from(present: &[ExternalId], wanted: &[ExternalId]) -> usize {
    wanted.iter().filter(|id| !present.contains(id)).count()
}

#[cfg(feature = "ssr")]
pub use reading::{at_field, left_aside};

#[cfg(feature = "ssr")]
mod reading {
    use domain::{
        integration::{GroupHit, Integration, IntegrationChange},
        policy::{Actions, Limit, OutOfScope, Policy},
        schedule::{Schedule, TimeOfDay, Timing, Window, parse_days},
        text::FieldError,
    };

    use super::SettingsForm;
    use crate::error::AppError;

    impl SettingsForm {
        /// What Save changes of the integration as it is now, and the groups it got to know.
        /// What the form can't show stays as it is.
        pub fn change(
            self,
            now: &Integration,
        ) -> Result<(IntegrationChange, Vec<GroupHit>), AppError> {
            let schedule = self.schedule()?;
            // Only for picking names up: a group that isn't in here is named by the next run.
            let known: Vec<GroupHit> = serde_json::from_str(&self.known_groups).unwrap_or_default();
            let known = known
                .into_iter()
                .filter(|hit| self.selected_group_ids.contains(&hit.id))
                .collect();
            let differing = |value: bool, was: bool| (value != was).then_some(value);
            let (enabled, full_scan_next) = (
                differing(self.enabled, self.enabled_was),
                differing(self.full_scan_next, self.full_scan_was),
            );
            let profile = self.credential_profile_id;
            let policy = self.policy(now.policy.clone())?;
            let change = IntegrationChange {
                credential_profile_id: (profile != now.credential_profile_id).then_some(profile),
                enabled,
                full_scan_next,
                schedule: (schedule != now.schedule).then_some(schedule),
                policy: (policy != now.policy).then_some(policy),
            };
            Ok((change, known))
        }

        fn schedule(&self) -> Result<Schedule, AppError> {
            let timing = if self.timing == "cron" {
                Timing::Cron(self.cron.trim().to_owned())
            } else {
                let field = "settings[every_minutes]";
                let minutes = number(field, &self.every_minutes, 1, 10_080, "minutes")?;
                Timing::EveryMinutes(minutes)
            };
            let schedule = Schedule {
                timing,
                window: self.windowed.then(|| self.window()).transpose()?,
            };
            schedule
                .check()
                .map_err(|error| at_field(AppError::Invalid(error)))?;
            Ok(schedule)
        }

        fn window(&self) -> Result<Window, AppError> {
            let time = |field: &str, text: &str| -> Result<TimeOfDay, AppError> {
                text.parse()
                    .map_err(|_| AppError::invalid(field, "Enter a time such as 22:00."))
            };
            let days = parse_days(&self.window_days.join(","))
                .map_err(|error| AppError::invalid("settings[window_from]", error.to_string()))?;
            let every_day = days.len() == 7;
            Ok(Window {
                from: time("settings[window_from]", &self.window_from)?,
                until: time("settings[window_until]", &self.window_until)?,
                days: if every_day { Vec::new() } else { days },
            })
        }

        fn policy(self, before: Policy) -> Result<Policy, AppError> {
            let mut guard = before.guard;
            guard.user = limit("user", &self.guard_user_count, &self.guard_user_percent)?;
            guard.group = limit("group", &self.guard_group_count, &self.guard_group_percent)?;
            guard.membership = limit(
                "membership",
                &self.guard_membership_count,
                &self.guard_membership_percent,
            )?;
            let delete_after_days = if self.out_of_scope == OutOfScope::Delete {
                number(
                    "settings[delete_after_days]",
                    &self.delete_after_days,
                    1,
                    3650,
                    "days",
                )?
            } else {
                before.delete_after_days
            };
            // A line that is empty counts, so that a rule is blamed at the line it was typed in.
            let protected = self
                .lines()
                .map(|(at, rule)| rule.checked(at))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| at_field(AppError::Invalid(error)))?;
            let policy = Policy {
                protected,
                selected_group_ids: self.selected_group_ids,
                include_nested: self.include_nested,
                include_guests: self.include_guests,
                require_names: self.require_names,
                blocked_sign_in_disables: self.blocked_sign_in_disables,
                out_of_scope: self.out_of_scope,
                delete_after_days,
                actions: Actions {
                    create: self.create,
                    update: self.update,
                    disable: self.disable,
                    delete: self.delete,
                },
                guard,
                ..before
            };
            policy
                .checked()
                .map_err(|error| at_field(AppError::Invalid(error)))
        }
    }

    fn limit(what: &str, count: &str, percent: &str) -> Result<Limit, AppError> {
        let max_count = match count.trim() {
            "" | "–" => None,
            text => Some(number(
                &format!("settings[guard_{what}_count]"),
                text,
                0,
                u32::MAX,
                "objects, or leave it empty",
            )?),
        };
        let percent = percent.trim().trim_end_matches('%');
        let field = format!("settings[guard_{what}_percent]");
        let max_percent = number(&field, percent, 0, 100, "percent")?;
        Ok(Limit {
            max_count,
            max_percent: u8::try_from(max_percent).unwrap_or(100),
        })
    }

    fn number(field: &str, text: &str, from: u32, to: u32, of: &str) -> Result<u32, AppError> {
        text.trim()
            .parse()
            .ok()
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| {
                let range = if to == u32::MAX {
                    format!("{from} or more")
                } else {
                    format!(
                        "{} to {}",
                        crate::ui::number::grouped(from.into()),
                        crate::ui::number::grouped(to.into())
                    )
                };
                AppError::invalid(field, format!("Enter a whole number: {range} {of}."))
            })
    }

    /// What of a change a preview leaves aside, since it decides about nobody; empty where nothing
    /// of that kind differs.
    pub fn left_aside(change: &IntegrationChange) -> String {
        let aside: Vec<_> = [
            (change.credential_profile_id.is_some(), "Credential Profile"),
            (change.enabled.is_some(), "Enabled"),
            (
                change.full_scan_next.is_some(),
                "Perform a full scan on next run",
            ),
            (change.schedule.is_some(), "Schedule"),
        ]
        .into_iter()
        .filter_map(|(differs, name)| differs.then_some(name))
        .collect();
        if aside.is_empty() {
            return String::new();
        }
        format!(
            ". It leaves aside what decides about nobody: {}",
            aside.join(", ")
        )
    }

    /// An error that blames a field by the API's name, at this form's field.
    pub fn at_field(error: AppError) -> AppError {
        let AppError::Invalid(error) = error else {
            return error;
        };
        let name = error.field.strip_prefix("policy.").unwrap_or(&error.field);
        let field = match name {
            "schedule" | "schedule.cron" => "settings[cron]".to_owned(),
            "schedule.every_minutes" => "settings[every_minutes]".to_owned(),
            "schedule.window" | "schedule.window.from" => "settings[window_from]".to_owned(),
            "schedule.window.until" => "settings[window_until]".to_owned(),
            // Whichever rule it is, its message says so.
            name if name.starts_with("protected") => "settings[protected]".to_owned(),
            name => match name.strip_prefix("guard.") {
                Some(limit) => format!(
                    "settings[guard_{}]",
                    limit
                        .replace('.', "_")
                        .replace("max_count", "count")
                        .replace("max_percent", "percent")
                ),
                None => format!("settings[{name}]"),
            },
        };
        AppError::Invalid(FieldError::new(&field, error.message))
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use domain::{
        id::{CredentialProfileId, CustomerId, ExternalId, IntegrationId},
        integration::{Integration, IntegrationKind, IntegrationState},
        policy::{OutOfScope, Policy},
        schedule::Schedule,
    };
    use uuid::Uuid;

    use super::SettingsForm;
    use crate::error::AppError;

    fn integration() -> Integration {
        Integration {
            id: IntegrationId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            kind: IntegrationKind::EntraId,
            name: "Contoso".to_owned(),
            tenant: "contoso.example".to_owned(),
            tenant_id: None,
            cloud: "global".to_owned(),
            credential_profile_id: CredentialProfileId(Uuid::from_u128(3)),
            enabled: true,
            full_scan_next: true,
            schedule: Schedule::default(),
            policy: Policy {
                selected_group_ids: vec![ExternalId(Uuid::from_u128(4))],
                ..Policy::default()
            },
            state: IntegrationState::Ok,
            time_zone: "UTC".to_owned(),
            pause: None,
            failures: 0,
            last_sync_started_at: None,
            last_sync_status: None,
            next_run_at: None,
        }
    }

    #[test]
    fn an_untouched_form_differs_in_nothing_and_changes_nothing() {
        let now = integration();
        let form = SettingsForm::of(&now);
        assert!(form.differences(&form).is_empty());
        let (change, known) = form.change(&now).unwrap();
        assert_eq!(change, domain::integration::IntegrationChange::default());
        assert!(known.is_empty());
    }

    #[test]
    fn what_went_off_by_itself_is_not_switched_on_again_by_saving_something_else() {
        let mut now = integration();
        let mut form = SettingsForm::of(&now);
        form.include_guests = true;
        now.full_scan_next = false;
        let (change, _) = form.change(&now).unwrap();
        assert_eq!(change.full_scan_next, None);
        assert!(change.policy.unwrap().include_guests);
    }

    #[test]
    fn differences_are_named_as_the_page_names_them() {
        let was = SettingsForm::of(&integration());
        let mut form = was.clone();
        form.selected_group_ids = vec![
            ExternalId(Uuid::from_u128(5)),
            ExternalId(Uuid::from_u128(6)),
        ];
        form.full_scan_next = false;
        form.delete_after_days = "7".to_owned();
        form.guard_user_count = " 20 ".to_owned();
        assert_eq!(
            form.differences(&was),
            ["Perform a full scan on next run", "Selected Groups +2 −1"]
        );
        form.out_of_scope = OutOfScope::Delete;
        assert!(
            form.differences(&was)
                .contains(&"Out of scope or deleted".to_owned())
        );
    }

    #[test]
    fn a_number_that_is_none_is_blamed_at_its_field() {
        let now = integration();
        let was = SettingsForm::of(&now);
        let blamed = |form: SettingsForm| match form.change(&now) {
            Err(AppError::Invalid(error)) => error.field,
            other => panic!("{other:?}"),
        };
        let minutes = SettingsForm {
            every_minutes: "0".to_owned(),
            ..was.clone()
        };
        assert_eq!(blamed(minutes), "settings[every_minutes]");
        let percent = SettingsForm {
            guard_group_percent: "101 %".to_owned(),
            ..was.clone()
        };
        assert_eq!(blamed(percent), "settings[guard_group_percent]");
        let window = |from: &str, until: &str| SettingsForm {
            windowed: true,
            window_from: from.to_owned(),
            window_until: until.to_owned(),
            ..was.clone()
        };
        assert_eq!(blamed(window("ten", "06:00")), "settings[window_from]");
        assert_eq!(blamed(window("22:00", "")), "settings[window_until]");
        assert_eq!(blamed(window("22:00", "22:00")), "settings[window_until]");
        let night = window("22:00", "6:00");
        assert_eq!(night.differences(&was), ["Schedule"]);
        let (change, _) = night.change(&now).unwrap();
        assert_eq!(
            change.schedule.unwrap().title(),
            "every 5 min, 22:00 to 06:00"
        );
        let days = SettingsForm {
            out_of_scope: OutOfScope::Delete,
            delete_after_days: "soon".to_owned(),
            ..was
        };
        assert_eq!(blamed(days), "settings[delete_after_days]");
    }
}
