//! What Save changes, read from what was filled in.

use domain::{
    integration::{GroupHit, Integration, IntegrationChange},
    matching::{MatchKey, MatchingRules},
    policy::{Actions, Guard, Limit, ObjectType, OutOfScope, Policy},
    schedule::{Schedule, TimeOfDay, Timing, Window, parse_days},
    text::FieldError,
};

use super::SettingsForm;
use crate::error::AppError;

impl SettingsForm {
    fn matching(&self) -> MatchingRules {
        let by = [
            (MatchKey::UserPrincipalName, self.match_by_user_name),
            (MatchKey::EmployeeId, self.match_by_employee_id),
        ];
        let by = by.into_iter().filter_map(|(key, on)| on.then_some(key));
        MatchingRules {
            automatic: by.collect(),
            confirm_new: self.confirm_new,
        }
    }

    /// What Save changes of the integration as it is now, and the groups it got to know.
    /// What the form can't show stays as it is.
    pub fn change(self, now: &Integration) -> Result<(IntegrationChange, Vec<GroupHit>), AppError> {
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
        let policy = self.policy(&now.policy)?;
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

    fn policy(self, before: &Policy) -> Result<Policy, AppError> {
        let guard = self.guard(before.guard)?;
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
        let matching = self.matching();
        let policy = Policy {
            protected,
            object_types: self.object_types,
            selected_group_ids: self.selected_group_ids,
            include_nested: self.include_nested,
            include_guests: self.include_guests,
            require_names: self.require_names,
            blocked_sign_in_disables: self.blocked_sign_in_disables,
            send_enrollment_email: self.send_enrollment_email,
            out_of_scope: self.out_of_scope,
            delete_after_days,
            actions: Actions {
                create: self.create,
                update: self.update,
                disable: self.disable,
                delete: self.delete,
            },
            guard,
            // They have tabs of their own.
            mapping: before.mapping.clone(),
            filters: before.filters.clone(),
            normalize_user_names: before.normalize_user_names,
            administrators_group_id: before.administrators_group_id,
            matching,
        };
        policy
            .checked()
            .map_err(|error| at_field(AppError::Invalid(error)))
    }

    /// The limits; of a type that isn't read they stay as they were.
    fn guard(&self, before: Guard) -> Result<Guard, AppError> {
        let mut guard = before;
        for (what, limit_of) in [
            (ObjectType::User, &mut guard.user),
            (ObjectType::Group, &mut guard.group),
            (ObjectType::Membership, &mut guard.membership),
            (ObjectType::Contact, &mut guard.contact),
            (ObjectType::Device, &mut guard.device),
        ] {
            if self.reads(what) {
                *limit_of = limit(what, self.guard_of(what))?;
            }
        }
        Ok(guard)
    }
}

fn limit(what: ObjectType, (count, percent): (&str, &str)) -> Result<Limit, AppError> {
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
