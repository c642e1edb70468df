//! What differs between two trees of values, and how one becomes the other.
//!
//! A place in a tree is named by the keys that lead to it, with points between them:
//! `policy.guard.user.max_count`. Only objects are gone into: a list is one value.

use serde_json::{Map, Value};

/// One place at which two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeDifference {
    /// The place; empty for the whole tree.
    pub path: String,
    /// What stands there in the first tree; none where it has no such place.
    pub before: Option<Value>,
    /// What stands there in the second tree; none where it has no such place.
    pub after: Option<Value>,
}

/// A place that the tree doesn't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no place {0}")]
pub struct NoSuchPlace(String);

/// Every place at which the trees differ, in the order of their keys. None where they are equal.
pub fn differences(before: &Value, after: &Value) -> Vec<TreeDifference> {
    let mut found = Vec::new();
    look(String::new(), Some(before), Some(after), &mut found);
    found
}

fn look(
    path: String,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<TreeDifference>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                look(inside(&path, key), before.get(key), after.get(key), found);
            }
        }
        (before, after) if before != after => found.push(TreeDifference {
            path,
            before: before.cloned(),
            after: after.cloned(),
        }),
        _ => {}
    }
}

/// Every place of a tree that isn't gone into, with what stands there, in the order of their keys.
pub fn leaves(tree: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    leaves_in(String::new(), tree, &mut found);
    found
}

fn leaves_in(path: String, tree: &Value, found: &mut Vec<(String, Value)>) {
    match tree {
        Value::Object(object) if !object.is_empty() => {
            let mut keys: Vec<_> = object.keys().collect();
            keys.sort_unstable();
            for key in keys {
                leaves_in(inside(&path, key), &object[key], found);
            }
        }
        leaf => found.push((path, leaf.clone())),
    }
}

/// Makes what stands at the places of the differences what they say it becomes.
pub fn apply(tree: &mut Value, differences: &[TreeDifference]) -> Result<(), NoSuchPlace> {
    differences.iter().try_for_each(|one| {
        put(tree, &one.path, one.after.clone()).ok_or_else(|| NoSuchPlace(one.path.clone()))
    })
}

fn put(tree: &mut Value, path: &str, value: Option<Value>) -> Option<()> {
    let mut keys = keys(path);
    let Some(last) = keys.pop() else {
        *tree = value.unwrap_or_default();
        return Some(());
    };
    let mut around = tree.as_object_mut()?;
    for key in keys {
        around = around.get_mut(&key)?.as_object_mut()?;
    }
    set(around, last, value);
    Some(())
}

fn set(object: &mut Map<String, Value>, key: String, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(key, value);
        }
        None => {
            object.remove(&key);
        }
    }
}

/// Whether a place is the other, or lies inside it.
pub fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The place of a key in an object. A point in a key is written `\.`, a backslash `\\` and a key
/// without a character `\e`, so that no two places have one name.
fn inside(path: &str, key: &str) -> String {
    let key = match key {
        "" => "\\e".to_owned(),
        key => key.replace('\\', "\\\\").replace('.', "\\."),
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// The keys that lead to a place.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    if path.is_empty() {
        return keys;
    }
    let mut key = String::new();
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match c {
            '.' => keys.push(std::mem::take(&mut key)),
            '\\' => match characters.next() {
                Some('e') | None => {}
                Some(escaped) => key.push(escaped),
            },
            c => key.push(c),
        }
    }
    keys.push(key);
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_its_place() {
        let before = json!({"a": {"b": 1, "c": [1]}, "gone": null, "same": {}});
        let after = json!({"a": {"b": 2, "c": [1, 2]}, "new": {"x": 1}, "same": {}});
        let places: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|one| one.path)
            .collect();
        assert_eq!(places, ["a.b", "a.c", "gone", "new"]);
    }

    #[test]
    fn a_place_that_is_not_there_is_refused() {
        let nowhere = TreeDifference {
            path: "a.b".to_owned(),
            before: None,
            after: Some(json!(1)),
        };
        let mut tree = json!({"a": 1});
        assert_eq!(
            apply(&mut tree, &[nowhere]),
            Err(NoSuchPlace("a.b".to_owned()))
        );
    }

    #[test]
    fn a_place_lies_within_itself_and_what_is_around_it() {
        assert!(is_within("policy.guard.user", "policy.guard"));
        assert!(is_within("policy.guard", "policy.guard"));
        assert!(!is_within("policy.guards", "policy.guard"));
    }

    fn trees() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c.\\\\]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ae.\\\\]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_exactly_where_the_trees_are_equal(a in trees(), b in trees()) {
            prop_assert_eq!(differences(&a, &b).is_empty(), a == b);
            prop_assert!(differences(&a, &a).is_empty());
        }

        #[test]
        fn applied_the_differences_make_one_tree_the_other(a in trees(), b in trees()) {
            let mut tree = a.clone();
            apply(&mut tree, &differences(&a, &b)).unwrap();
            prop_assert_eq!(tree, b);
        }
    }
}
