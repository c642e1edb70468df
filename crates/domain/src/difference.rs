//! Before and after in words: of what a run changes about an object, and of settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    filter::FilterEffect,
    id::ExternalId,
    import::ImportRow,
    mapping::AttributeRule,
    number::grouped,
    policy::{Limit, ObjectType, OutOfScope, Policy},
    run::RunChange,
    user::DirectoryStatus,
};

/// One attribute or setting, as it was and as it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name in words.
    pub name: String,
    /// As it was; empty where that isn't known.
    pub before: String,
    /// As it becomes.
    pub after: String,
}

impl Difference {
    fn new(name: impl Into<String>, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            before: before.into(),
            after: after.into(),
        }
    }
}

/// Under this name a change tells the attributes that the source says otherwise and that are kept
/// here all the same.
pub const KEPT_HERE: &str = "kept_here";

/// The members that a membership change adds and removes, by their ids in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange<'a> {
    /// They come in.
    pub added: Vec<&'a str>,
    /// They go.
    pub removed: Vec<&'a str>,
}

impl RunChange {
    /// The members of a membership change; none of any other.
    pub fn members(&self) -> Option<MemberChange<'_>> {
        let after = self.after.as_ref()?;
        let ids = |name: &str| {
            let ids = after.get(name)?.as_array()?;
            Some(ids.iter().filter_map(Value::as_str).collect())
        };
        Some(MemberChange {
            added: ids("added")?,
            removed: ids("removed")?,
        })
    }

    /// The attributes that differ. Of a membership change: how many come and go.
    pub fn differences(&self) -> Vec<Difference> {
        if let Some(members) = self.members() {
            return [("added", members.added), ("removed", members.removed)]
                .into_iter()
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(what, ids)| {
                    let number = i64::try_from(ids.len()).unwrap_or(i64::MAX);
                    Difference::new(format!("members {what}"), "", grouped(number))
                })
                .collect();
        }
        attributes(self.before.as_ref(), self.after.as_ref())
    }
}

impl ImportRow {
    /// The attributes that differ.
    pub fn differences(&self) -> Vec<Difference> {
        attributes(self.before.as_ref(), self.after.as_ref())
    }
}

/// The attributes of `after`, beside what they were.
fn attributes(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let Some(Value::Object(after)) = after else {
        return Vec::new();
    };
    let before = before.and_then(Value::as_object);
    after
        .iter()
        // The change's own reason says it in words.
        .filter(|(attribute, _)| *attribute != "status_reason")
        .map(|(attribute, value)| {
            // What a source says otherwise and the directory keeps: no difference, but said.
            if attribute == KEPT_HERE {
                return Difference::new("kept here", "", value_words(Some(value)));
            }
            let words = |value| match attribute.as_str() {
                "status" => status_words(value),
                _ => value_words(value),
            };
            let before = before.map(|before| words(before.get(attribute)));
            Difference::new(
                attribute.replace('_', " "),
                before.unwrap_or_default(),
                words(Some(value)),
            )
        })
        .collect()
}

/// A status in the words of User Status.
fn status_words(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<DirectoryStatus>().ok())
        .map_or_else(|| value_words(value), |status| status.title().to_owned())
}

/// A value as a person reads it; what is empty is said so.
pub(crate) fn value_words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "empty".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value_words(Some(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

/// Groups that are named; of more, how many.
const NAMED_MAX: usize = 3;

/// The words for how many of something there are.
struct Listed {
    none: &'static str,
    one: &'static str,
    many: &'static str,
}

impl Listed {
    /// How many there were, and how many there are with what came and went; none where nothing did.
    fn difference<T: PartialEq + std::fmt::Display>(
        &self,
        name: &str,
        was: &[T],
        now: &[T],
    ) -> Option<Difference> {
        if was == now {
            return None;
        }
        let apart = |of: &[T], other: &[T], sign: &str| {
            let only: Vec<String> = of
                .iter()
                .filter(|one| !other.contains(one))
                .map(ToString::to_string)
                .collect();
            let more = only.len().saturating_sub(NAMED_MAX);
            let mut names: Vec<_> = only.into_iter().take(NAMED_MAX).collect();
            names.extend((more > 0).then(|| format!("{more} more")));
            (!names.is_empty()).then(|| format!("{sign} {}", names.join(", ")))
        };
        let number = |list: &[T]| match list.len() {
            0 => self.none.to_owned(),
            1 => self.one.to_owned(),
            n => format!("{n} {}", self.many),
        };
        let changes = [apart(now, was, "with"), apart(was, now, "without")];
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        let changes = if changes.is_empty() {
            "in another order".to_owned()
        } else {
            changes.join("; ")
        };
        let after = format!("{} ({changes})", number(now));
        Some(Difference::new(name.to_owned(), number(was), after))
    }
}

impl Policy {
    /// How this policy differs from `was`, in the words of Tenant Configuration. `name` names a
    /// group, where its name is known.
    pub fn differences(
        &self,
        was: &Self,
        name: impl Fn(ExternalId) -> Option<String>,
    ) -> Vec<Difference> {
        let administrators = |policy: &Self| match policy.administrators_group_id {
            None => "decided here".to_owned(),
            Some(id) => name(id).unwrap_or_else(|| id.to_string()),
        };
        let administrators = (was.administrators_group_id != self.administrators_group_id)
            .then(|| Difference::new("Administrators", administrators(was), administrators(self)));
        let mut differences: Vec<_> = self.groups(was, &name).into_iter().collect();
        differences.extend(administrators);
        differences.extend(self.protected_rules(was));
        differences.extend(self.domains(was));
        let before = was.words(self.out_of_scope).into_iter();
        let after = self.words(self.out_of_scope).into_iter();
        differences.extend(
            before
                .zip(after)
                .filter(|(before, after)| before != after)
                .map(|((name, before), (_, after))| Difference::new(name, before, after)),
        );
        differences.extend(ObjectType::ALL.iter().filter_map(|object_type| {
            let (before, after) = (
                was.guard.limit(*object_type),
                self.guard.limit(*object_type),
            );
            let setting = format!("Guard, {}", object_type.title().to_lowercase());
            (before != after)
                .then(|| Difference::new(setting, limit_words(before), limit_words(after)))
        }));
        for object_type in ObjectType::OBJECTS {
            differences.extend(self.mapping_of(was, object_type));
            differences.extend(self.filters_of(was, object_type));
        }
        differences
    }

    /// The mapping rules of a type that differ, a line each.
    fn mapping_of(&self, was: &Self, object_type: ObjectType) -> Vec<Difference> {
        let (mine, theirs) = (self.mapping.of(object_type), was.mapping.of(object_type));
        let of = |rules: &[AttributeRule], name: &str| {
            let found = rules.iter().find(|rule| rule.attribute == name);
            found.map_or_else(
                || "as in the source".to_owned(),
                |rule| rule.rule.to_string(),
            )
        };
        let gone = theirs
            .iter()
            .filter(|rule| !mine.iter().any(|one| one.attribute == rule.attribute));
        mine.iter()
            .chain(gone)
            .map(|rule| rule.attribute.as_str())
            .map(|name| {
                let title = format!("Mapping of {object_type} {name}");
                Difference::new(title, of(theirs, name), of(mine, name))
            })
            .filter(|difference| difference.before != difference.after)
            .collect()
    }

    fn protected_rules(&self, was: &Self) -> Option<Difference> {
        let rules = Listed {
            none: "nobody by rule",
            one: "1 rule",
            many: "rules",
        };
        rules.difference("Protected people", &was.protected, &self.protected)
    }

    /// The filter rules of a type that differ, a line each effect.
    fn filters_of(&self, was: &Self, object_type: ObjectType) -> Vec<Difference> {
        let listed = Listed {
            none: "no rule",
            one: "1 rule",
            many: "rules",
        };
        let sides = (self.filters.of(object_type), was.filters.of(object_type));
        let (Some(mine), Some(theirs)) = sides else {
            return Vec::new();
        };
        FilterEffect::ALL
            .iter()
            .filter_map(|effect| {
                let name = format!(
                    "Filter of {object_type}s: {}",
                    effect.title().to_lowercase()
                );
                listed.difference(&name, theirs.with(*effect), mine.with(*effect))
            })
            .collect()
    }

    fn domains(&self, was: &Self) -> Option<Difference> {
        let listed = Listed {
            none: "every domain",
            one: "1 domain",
            many: "domains",
        };
        listed.difference("Domains", &was.filters.domains, &self.filters.domains)
    }

    /// The settings that stand for themselves, in words. `deleting`: what becomes of people who
    /// left; where they are deleted, that setting tells the days already.
    fn words(&self, deleting: OutOfScope) -> [(&'static str, String); 16] {
        let either = |yes: bool, on: &str, off: &str| if yes { on } else { off }.to_owned();
        let types = self.object_types.iter().map(|one| one.title());
        let left = match self.out_of_scope {
            OutOfScope::Keep => "keep as they are".to_owned(),
            OutOfScope::Disable => "disable".to_owned(),
            OutOfScope::Delete => format!("disable, delete after {} days", self.delete_after_days),
        };
        let days = match deleting {
            OutOfScope::Delete => String::new(),
            OutOfScope::Keep | OutOfScope::Disable => self.delete_after_days.to_string(),
        };
        let blocked = self.blocked_sign_in_disables;
        let actions = self.actions;
        [
            ("Object types", types.collect::<Vec<_>>().join(", ")),
            (
                "Nested groups",
                either(self.include_nested, "in scope", "not in scope"),
            ),
            (
                "Guests",
                either(self.include_guests, "included", "kept out"),
            ),
            (
                "Names",
                either(self.require_names, "required", "not required"),
            ),
            (
                "Is Sign in Blocked on AD",
                either(blocked, "means Inactive", "changes nothing"),
            ),
            (
                "Disabled in the source",
                either(self.filters.include_disabled, "come in", "kept out"),
            ),
            (
                "Without a license",
                either(self.filters.include_unlicensed, "come in", "kept out"),
            ),
            (
                "User names",
                either(
                    self.normalize_user_names,
                    "in lower case",
                    "as in the source",
                ),
            ),
            ("Out of scope or deleted", left),
            ("Days from Inactive to deleted", days),
            ("Create", either(actions.create, "on", "off")),
            ("Update", either(actions.update, "on", "off")),
            ("Disable", either(actions.disable, "on", "off")),
            ("Delete", either(actions.delete, "on", "off")),
            ("Matched without asking", self.matched_by()),
            (
                "New people",
                either(self.matching.confirm_new, "confirmed first", "come in"),
            ),
        ]
    }

    fn matched_by(&self) -> String {
        let keys = self.matching.automatic.iter().map(|key| key.title());
        match keys.collect::<Vec<_>>() {
            keys if keys.is_empty() => "nobody".to_owned(),
            keys => format!("exact by {}", keys.join(", ").to_lowercase()),
        }
    }

    /// The groups that [`Policy::differences`] asks the names of: a few.
    pub fn named_groups(&self, was: &Self) -> Vec<ExternalId> {
        let (added, removed) = self.groups_apart(was);
        let few = |groups: Vec<ExternalId>| groups.into_iter().take(NAMED_MAX);
        let administrators = [was.administrators_group_id, self.administrators_group_id];
        few(added)
            .chain(few(removed))
            .chain(administrators.into_iter().flatten())
            .collect()
    }

    fn groups_apart(&self, was: &Self) -> (Vec<ExternalId>, Vec<ExternalId>) {
        let not_in = |all: &[ExternalId], of: &[ExternalId]| {
            let known: std::collections::BTreeSet<_> = all.iter().collect();
            of.iter()
                .filter(|id| !known.contains(id))
                .copied()
                .collect()
        };
        let (mine, theirs) = (&self.selected_group_ids, &was.selected_group_ids);
        (not_in(theirs, mine), not_in(mine, theirs))
    }

    fn groups(
        &self,
        was: &Self,
        name: &impl Fn(ExternalId) -> Option<String>,
    ) -> Option<Difference> {
        let (added, removed) = self.groups_apart(was);
        if added.is_empty() && removed.is_empty() {
            return None;
        }
        let number = |policy: &Self| match policy.selected_group_ids.len() {
            0 => "none: the whole tenant".to_owned(),
            1 => "1 group".to_owned(),
            n => format!("{} groups", grouped(i64::try_from(n).unwrap_or(i64::MAX))),
        };
        let named = |sign: &str, groups: &[ExternalId]| {
            let names = groups
                .iter()
                .take(NAMED_MAX)
                .map(|id| name(*id).unwrap_or_else(|| id.to_string()));
            let mut names: Vec<_> = names.collect();
            if let Some(more @ 1..) = groups.len().checked_sub(NAMED_MAX) {
                names.push(format!("{more} more"));
            }
            (!names.is_empty()).then(|| format!("{sign} {}", names.join(", ")))
        };
        let changes: Vec<_> = [named("with", &added), named("without", &removed)]
            .into_iter()
            .flatten()
            .collect();
        let after = format!("{} ({})", number(self), changes.join("; "));
        Some(Difference::new("Selected Groups", number(was), after))
    }
}

fn limit_words(limit: Limit) -> String {
    match limit.max_count {
        Some(count) => format!(
            "at most {} or {} %",
            grouped(count.into()),
            limit.max_percent
        ),
        None => format!("at most {} %", limit.max_percent),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        id::RunChangeId,
        run::{Action, ChangeStatus},
    };

    fn change(before: Option<Value>, after: Option<Value>) -> RunChange {
        RunChange {
            id: RunChangeId(Uuid::nil()),
            object_type: ObjectType::User,
            external_id: ExternalId(Uuid::nil()),
            display_name: String::new(),
            action: Action::Update,
            reason: None,
            status: ChangeStatus::Planned,
            error: None,
            before,
            after,
        }
    }

    #[test]
    fn attributes_show_as_they_were_and_become() {
        let before = json!({"given_name": null, "status": "active", "status_reason": null});
        let after = json!({
            "given_name": "Søren",
            "status": "inactive",
            "status_reason": "soft_deleted"
        });
        assert_eq!(
            change(Some(before), Some(after)).differences(),
            [
                Difference::new("given name", "empty", "Søren"),
                Difference::new("status", "Active", "Inactive"),
            ]
        );
        assert_eq!(change(None, None).differences(), []);
    }

    #[test]
    fn members_are_counted_not_listed() {
        let of = change(None, Some(json!({"added": ["a", "b"], "removed": []})));
        assert_eq!(
            of.differences(),
            [Difference::new("members added", "", "2")]
        );
        assert_eq!(of.members().unwrap().added, ["a", "b"]);
    }

    #[test]
    fn settings_differ_in_the_words_of_their_page() {
        let group = |n| ExternalId(Uuid::from_u128(n));
        let was = Policy::default();
        assert_eq!(was.differences(&was, |_| None), []);
        let mut now = Policy {
            selected_group_ids: (1..=5).map(group).collect(),
            include_guests: true,
            out_of_scope: OutOfScope::Delete,
            ..Policy::default()
        };
        now.actions.delete = false;
        now.guard.user = Limit {
            max_count: None,
            max_percent: 30,
        };
        let name = |id| (id == group(1)).then(|| "Sales".to_owned());
        let said = now.differences(&was, name).into_iter().map(|one| {
            let Difference {
                name,
                before,
                after,
            } = one;
            format!("{name}: {before} → {after}")
        });
        let (two, three) = (group(2), group(3));
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                format!(
                    "Selected Groups: none: the whole tenant → 5 groups (with Sales, {two}, \
                     {three}, 2 more)"
                ),
                "Guests: kept out → included".to_owned(),
                "Out of scope or deleted: disable → disable, delete after 30 days".to_owned(),
                "Delete: on → off".to_owned(),
                "Guard, user: at most 20 or 10 % → at most 30 %".to_owned(),
            ]
        );
        assert_eq!(now.named_groups(&was), [group(1), two, three]);
        let fewer = Policy {
            selected_group_ids: vec![group(2)],
            ..was.clone()
        };
        let less = fewer.differences(&now, name).remove(0);
        assert_eq!(less.before, "5 groups");
        assert!(
            less.after.starts_with("1 group (without Sales, "),
            "{less:?}"
        );
    }
}
