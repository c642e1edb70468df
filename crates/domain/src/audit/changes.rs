//! What was so before a change and is so after it: the changed fields, and no others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields with their values. A field inside another is named with both: `policy.guard.user`.
pub type AuditFields = BTreeMap<String, Value>;

/// What stands in place of a secret.
pub const SECRET: &str = "changed";

/// The changed fields, before and after. A field that was not there is not in the map.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditChanges {
    /// As they were.
    pub before: AuditFields,
    /// As they are.
    pub after: AuditFields,
}

/// Text of a single value beyond this many bytes is cut: an entry is no archive.
const VALUE_BYTES_MAX: usize = 4_000;

impl AuditChanges {
    /// Nothing changed, or nothing that has a before.
    pub fn none() -> Self {
        Self::default()
    }

    /// What differs between two states of a thing that has no secrets in it.
    pub fn between<T: Serialize>(before: &T, after: &T) -> Self {
        let (before, after) = (flat(before), flat(after));
        let unlike = |(name, value): &(&String, &Value), other: &AuditFields| {
            other.get(*name) != Some(*value)
        };
        let kept = |of: &AuditFields, other: &AuditFields| {
            of.iter()
                .filter(|field| unlike(field, other))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        Self {
            before: kept(&before, &after),
            after: kept(&after, &before),
        }
    }

    /// A thing that is new.
    pub fn created<T: Serialize>(thing: &T) -> Self {
        Self {
            before: AuditFields::new(),
            after: flat(thing),
        }
    }

    /// A thing that is gone.
    pub fn deleted<T: Serialize>(thing: &T) -> Self {
        Self {
            before: flat(thing),
            after: AuditFields::new(),
        }
    }

    /// Only these of the fields, and what stands inside them.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        let wanted = |name: &String, _: &mut Value| {
            names.iter().any(|wanted| {
                name.strip_prefix(wanted)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        self.before.retain(wanted);
        self.after.retain(wanted);
        self
    }

    /// One more field that changed, where the two differ.
    #[must_use]
    pub fn field<T: Serialize + PartialEq>(mut self, name: &str, before: &T, after: &T) -> Self {
        if before != after {
            put(&mut self.before, name, to_value(before));
            put(&mut self.after, name, to_value(after));
        }
        self
    }

    /// One more field that has no before.
    #[must_use]
    pub fn now<T: Serialize>(mut self, name: &str, after: &T) -> Self {
        put(&mut self.after, name, to_value(after));
        self
    }

    /// One more field that has no after.
    #[must_use]
    pub fn was<T: Serialize>(mut self, name: &str, before: &T) -> Self {
        put(&mut self.before, name, to_value(before));
        self
    }

    /// A secret that changed: that it did, and nothing of it.
    #[must_use]
    pub fn secret(mut self, name: &str) -> Self {
        put(&mut self.after, name, Value::from(SECRET));
        self
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// The fields in order, each with what it was and is.
    pub fn fields(&self) -> Vec<(&str, Option<&Value>, Option<&Value>)> {
        let mut names: Vec<&str> = self
            .before
            .keys()
            .chain(self.after.keys())
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| (name, self.before.get(name), self.after.get(name)))
            .collect()
    }
}

fn to_value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// The fields of a thing; those inside others by both names. What is null is not there.
fn flat<T: Serialize>(thing: &T) -> AuditFields {
    let mut fields = AuditFields::new();
    put(&mut fields, "", to_value(thing));
    fields
}

fn put(fields: &mut AuditFields, name: &str, value: Value) {
    match value {
        Value::Null => {}
        Value::Object(inner) => {
            for (inside, value) in inner {
                let name = match name {
                    "" => inside,
                    name => format!("{name}.{inside}"),
                };
                put(fields, &name, value);
            }
        }
        value => {
            fields.insert(name.to_owned(), bounded(value));
        }
    }
}

/// A value that is short enough, without U+0000, which `PostgreSQL` can't hold.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > VALUE_BYTES_MAX || text.contains('\0') => {
            let mut text = text.replace('\0', "\u{FFFD}");
            if text.len() > VALUE_BYTES_MAX {
                text.truncate(text.floor_char_boundary(VALUE_BYTES_MAX));
                text.push('…');
            }
            Value::String(text)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(bounded).collect()),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(changes: &AuditChanges) -> Value {
        json!({ "before": changes.before, "after": changes.after })
    }

    #[test]
    fn only_what_differs_is_told_and_by_its_whole_name() {
        let before = json!({
            "name": "Contoso", "time_zone": "UTC", "gone": 1, "list": [1, 2],
            "policy": { "guard": { "user": 20 }, "same": true },
        });
        let after = json!({
            "name": "Contoso", "time_zone": "Europe/Amsterdam", "new": "x", "list": [2],
            "policy": { "guard": { "user": 30 }, "same": true },
        });
        assert_eq!(
            shown(&AuditChanges::between(&before, &after)),
            json!({
                "before": {
                    "gone": 1, "list": [1, 2], "policy.guard.user": 20, "time_zone": "UTC",
                },
                "after": {
                    "list": [2], "new": "x", "policy.guard.user": 30,
                    "time_zone": "Europe/Amsterdam",
                },
            })
        );
        assert!(AuditChanges::between(&before, &before).is_empty());
    }

    #[test]
    fn what_is_null_is_not_there() {
        let thing = json!({ "name": "a", "expires_at": null });
        assert_eq!(
            shown(&AuditChanges::created(&thing)),
            json!({ "before": {}, "after": { "name": "a" } })
        );
        assert_eq!(
            shown(&AuditChanges::none().field("end", &None, &Some(1))),
            json!({ "before": {}, "after": { "end": 1 } })
        );
    }

    #[test]
    fn a_part_is_named_whole_or_by_what_stands_around_it() {
        let thing = json!({ "policy": { "a": 1 }, "policy_b": 2, "name": "x" });
        assert_eq!(
            shown(&AuditChanges::deleted(&thing).only(&["policy", "name"])),
            json!({ "before": { "policy.a": 1, "name": "x" }, "after": {} })
        );
    }

    #[test]
    fn of_a_secret_only_that_it_changed_is_told() {
        assert_eq!(
            shown(&AuditChanges::none().secret("client_secret")),
            json!({ "before": {}, "after": { "client_secret": "changed" } })
        );
    }

    #[test]
    fn a_value_has_an_end_and_no_nul() {
        let long = AuditChanges::none()
            .now("a", &"ü".repeat(4_000))
            .now("b", &"x\0");
        let text = |name: &str| long.after[name].as_str().unwrap().to_owned();
        assert!(text("a").len() < 4_010 && text("a").ends_with('…'));
        assert_eq!(text("b"), "x\u{FFFD}");
    }
}
