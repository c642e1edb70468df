//! Settings in words: what each is called, and its values as a person reads them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    difference::value_words,
    filter::FilterRule,
    number::counted,
    protection::ProtectedRule,
    settings::{SettingDifference, file::RecipientInFile},
};

/// What the settings are called, by their place. One that isn't here is called by its place.
const NAMES: &[(&str, &str)] = &[
    ("enabled", "Enabled"),
    ("schedule.every_minutes", "Schedule, minutes between runs"),
    ("schedule.cron", "Schedule, cron expression"),
    ("schedule.window", "Schedule, hours"),
    ("schedule.window.from", "Schedule, hours from"),
    ("schedule.window.until", "Schedule, hours until"),
    ("schedule.window.days", "Schedule, days"),
    ("name", "Name"),
    ("time_zone", "Time zone"),
    ("tags", "Tags"),
    ("enrolment.language", "Invitations: language"),
    ("enrolment.sender_name", "Invitations: sender"),
    ("enrolment.reply_to", "Invitations: answers go to"),
    ("enrolment.subject", "Invitations: subject"),
    ("enrolment.text", "Invitations: text"),
    ("enrolment.link_days", "Invitations: days the link is good"),
    ("notification_recipients", "Notification recipients"),
    ("policy.object_types", "Object types"),
    ("policy.selected_group_ids", "Selected Groups"),
    ("policy.include_nested", "Nested groups in scope"),
    ("policy.include_guests", "Guests included"),
    ("policy.require_names", "Names required"),
    (
        "policy.blocked_sign_in_disables",
        "Is Sign in Blocked on AD",
    ),
    ("policy.out_of_scope", "Out of scope or deleted"),
    ("policy.delete_after_days", "Days from Inactive to deleted"),
    ("policy.actions.create", "Action: create"),
    ("policy.actions.update", "Action: update"),
    ("policy.actions.disable", "Action: disable"),
    ("policy.actions.delete", "Action: delete"),
    ("policy.guard.user.max_count", "Guard, user: number"),
    ("policy.guard.user.max_percent", "Guard, user: percent"),
    ("policy.guard.group.max_count", "Guard, group: number"),
    ("policy.guard.group.max_percent", "Guard, group: percent"),
    (
        "policy.guard.membership.max_count",
        "Guard, membership: number",
    ),
    (
        "policy.guard.membership.max_percent",
        "Guard, membership: percent",
    ),
    ("policy.guard.contact.max_count", "Guard, contact: number"),
    (
        "policy.guard.contact.max_percent",
        "Guard, contact: percent",
    ),
    ("policy.guard.device.max_count", "Guard, device: number"),
    ("policy.guard.device.max_percent", "Guard, device: percent"),
    ("policy.protected", "Protected people"),
    (
        "policy.filters.include_disabled",
        "Disabled people and devices",
    ),
    (
        "policy.filters.include_unlicensed",
        "People without a license",
    ),
    ("policy.filters.domains", "Domains"),
    (
        "policy.filters.user.include",
        "Filter of users: let in only",
    ),
    ("policy.filters.user.exclude", "Filter of users: keep out"),
    (
        "policy.filters.group.include",
        "Filter of groups: let in only",
    ),
    ("policy.filters.group.exclude", "Filter of groups: keep out"),
    (
        "policy.filters.contact.include",
        "Filter of contacts: let in only",
    ),
    (
        "policy.filters.contact.exclude",
        "Filter of contacts: keep out",
    ),
    (
        "policy.filters.device.include",
        "Filter of devices: let in only",
    ),
    (
        "policy.filters.device.exclude",
        "Filter of devices: keep out",
    ),
    (
        "policy.send_enrollment_email",
        "Send Enrollment Email to the Newly Synced Users",
    ),
    ("policy.normalize_user_names", "Normalise user names"),
    ("policy.administrators_group_id", "Administrators"),
    ("policy.matching.automatic", "Matched without asking, by"),
    ("policy.matching.confirm_new", "New people are confirmed"),
];

/// What the setting at a place is called.
pub fn name_of(path: &str) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == path)
        .map_or_else(|| path.to_owned(), |(_, name)| (*name).to_owned())
}

/// What of a list is named; of more, how many.
const NAMED_MAX: usize = 3;

impl SettingDifference {
    /// Both values as a person reads them. `names`: of groups, by their ids.
    pub fn words(&self, names: &BTreeMap<String, String>) -> (String, String) {
        if let (Some(Value::Array(before)), Some(Value::Array(after))) = (&self.before, &self.after)
        {
            return lists(before, after, names);
        }
        let words = |value: &Option<Value>| match value {
            None => "not set".to_owned(),
            Some(value) => said(value, names),
        };
        (words(&self.before), words(&self.after))
    }
}

/// How many there were, and how many there are with what came and went.
fn lists(before: &[Value], after: &[Value], names: &BTreeMap<String, String>) -> (String, String) {
    let number = |list: &[Value]| {
        let entries = i64::try_from(list.len()).unwrap_or(i64::MAX);
        match entries {
            0 => "none".to_owned(),
            entries => counted(entries, "entry", "entries"),
        }
    };
    let apart = |of: &[Value], other: &[Value], sign: &str| {
        let only: Vec<_> = of.iter().filter(|one| !other.contains(one)).collect();
        let listed = only.iter().take(NAMED_MAX).map(|one| said(one, names));
        let mut listed: Vec<_> = listed.collect();
        if let Some(more @ 1..) = only.len().checked_sub(NAMED_MAX) {
            listed.push(format!("{more} more"));
        }
        (!listed.is_empty()).then(|| format!("{sign} {}", listed.join(", ")))
    };
    let changes = [
        apart(after, before, "with"),
        apart(before, after, "without"),
    ];
    let changes: Vec<_> = changes.into_iter().flatten().collect();
    let changes = if changes.is_empty() {
        "in another order".to_owned()
    } else {
        changes.join("; ")
    };
    (number(before), format!("{} ({changes})", number(after)))
}

/// An entry of one of the lists that hold rules or recipients, in words.
fn entry(value: &Value) -> Option<String> {
    fn read<T: DeserializeOwned + std::fmt::Display>(value: &Value) -> Option<String> {
        let read = serde_json::from_value::<T>(value.clone());
        read.map(|entry| entry.to_string()).ok()
    }
    read::<ProtectedRule>(value)
        .or_else(|| read::<FilterRule>(value))
        .or_else(|| read::<RecipientInFile>(value))
}

/// A value as a person reads it.
pub fn said(value: &Value, names: &BTreeMap<String, String>) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => names
            .get(text)
            .cloned()
            .unwrap_or_else(|| value_words(Some(value))),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| said(value, names)).collect();
            values.join(", ")
        }
        Value::Object(_) => entry(value).unwrap_or_else(|| value.to_string()),
        other => value_words(Some(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::{IntegrationSettings, tree};

    fn words(before: Value, after: Value) -> (String, String) {
        let names = BTreeMap::from([("a".to_owned(), "Sales".to_owned())]);
        let of = SettingDifference {
            path: "x".to_owned(),
            name: "x".to_owned(),
            before: Some(before),
            after: Some(after),
        };
        of.words(&names)
    }

    #[test]
    fn a_list_says_what_came_and_went() {
        assert_eq!(
            words(json!(["b"]), json!(["a", "b", "c", "d", "e"])),
            (
                "1 entry".to_owned(),
                "5 entries (with Sales, c, d, 1 more)".to_owned()
            )
        );
        assert_eq!(
            words(json!(["a", "b"]), json!([])).1,
            "none (without Sales, b)"
        );
        assert_eq!(
            words(json!([1, 2]), json!([2, 1])).1,
            "2 entries (in another order)"
        );
        let rule = json!({"attribute": "mail", "matches": "is", "value": "a@b"});
        assert_eq!(
            words(json!([]), json!([rule])).1,
            "1 entry (with Mail is “a@b”)"
        );
        let told = json!({"kind": "mail", "address": "a@b.example", "causes": ["run.held"]});
        assert_eq!(
            words(json!([]), json!([told])).1,
            "1 entry (with a@b.example (Held))"
        );
        let filter = json!({"all": [{"attribute": "city", "operator": "is_empty"}]});
        assert_eq!(
            words(json!([filter]), json!([])).1,
            "none (without city is empty)"
        );
    }

    #[test]
    fn values_are_said_plainly() {
        assert_eq!(
            words(json!(true), json!(null)),
            ("yes".to_owned(), "none".to_owned())
        );
        let none = SettingDifference {
            path: "x".to_owned(),
            name: "x".to_owned(),
            before: None,
            after: Some(json!(5)),
        };
        assert_eq!(none.words(&BTreeMap::new()).0, "not set");
    }

    #[test]
    fn every_setting_of_today_has_a_name() {
        let settings = serde_json::to_value(IntegrationSettings::default()).unwrap();
        let found: Vec<_> = tree::leaves(&settings)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let named = found.iter().filter(|path| name_of(path) != **path).count();
        assert!(named >= 20, "{found:?}");
        assert_eq!(
            name_of("policy.mapping.user.mail"),
            "policy.mapping.user.mail"
        );
    }
}
