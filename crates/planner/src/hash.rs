//! One hash for one content, whatever order its attributes came in.

use domain::group::GroupKind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::read::Content;

/// Bytes of a hash: SHA-256.
pub const LENGTH: usize = 32;

/// A content's canonical hash. Two contents that would look the same in the directory have the
/// same hash; any difference that a directory shows changes it.
///
/// Each part goes in with its length in front, so that no two different contents can run
/// together into the same bytes.
pub fn content(content: &Content) -> [u8; LENGTH] {
    let mut hasher = Sha256::new();
    text(&mut hasher, Some(&content.display_name));
    text(&mut hasher, content.user_principal_name.as_deref());
    text(&mut hasher, content.given_name.as_deref());
    text(&mut hasher, content.surname.as_deref());
    text(&mut hasher, content.mail.as_deref());
    text(&mut hasher, content.group_kind.map(GroupKind::as_str));
    hasher.update([u8::from(content.dynamic)]);
    for (name, given) in &content.attributes {
        text(&mut hasher, Some(name));
        value(&mut hasher, given);
    }
    hasher.finalize().into()
}

fn text(hasher: &mut Sha256, text: Option<&str>) {
    match text {
        None => hasher.update([0]),
        Some(text) => {
            hasher.update([1]);
            length(hasher, text.len());
            hasher.update(text.as_bytes());
        }
    }
}

fn length(hasher: &mut Sha256, length: usize) {
    hasher.update((length as u64).to_le_bytes());
}

fn value(hasher: &mut Sha256, given: &Value) {
    match given {
        Value::Null => hasher.update([2]),
        Value::Bool(is) => hasher.update([3, u8::from(*is)]),
        Value::Number(number) => {
            hasher.update([4]);
            text(hasher, Some(&number.to_string()));
        }
        Value::String(given) => {
            hasher.update([5]);
            text(hasher, Some(given));
        }
        Value::Array(items) => {
            hasher.update([6]);
            length(hasher, items.len());
            for item in items {
                value(hasher, item);
            }
        }
        Value::Object(map) => {
            hasher.update([7]);
            length(hasher, map.len());
            // Sorted here: whether serde_json sorts depends on a feature somebody may turn on.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            for (name, item) in entries {
                text(hasher, Some(name));
                value(hasher, item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(name: &str, value: Value) -> Content {
        let mut content = Content::named("A");
        content.attributes.insert(name.to_owned(), value);
        content
    }

    #[test]
    fn the_same_content_in_another_order_is_the_same() {
        let one = with("x", json!({"a": [1, "b"], "c": null}));
        let two = with(
            "x",
            serde_json::from_str(r#"{"c": null, "a": [1, "b"]}"#).unwrap(),
        );
        assert_eq!(content(&one), content(&two));
    }

    #[test]
    fn every_difference_shows() {
        let base = Content::named("A");
        let mut others = vec![
            with("x", json!("1")),
            with("x", json!(1)),
            with("x", json!(null)),
            with("x", json!([])),
            with("x1", json!("")),
            Content::named("A1"),
        ];
        let set: [fn(&mut Content); 6] = [
            |c| c.user_principal_name = Some(String::new()),
            |c| c.given_name = Some("A".into()),
            |c| c.surname = Some("A".into()),
            |c| c.mail = Some("A".into()),
            |c| c.dynamic = true,
            |c| c.group_kind = Some(GroupKind::Security),
        ];
        for change in set {
            let mut other = base.clone();
            change(&mut other);
            others.push(other);
        }
        others.push(base);
        let mut hashes: Vec<_> = others.iter().map(content).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), others.len());
    }

    #[test]
    fn whether_sign_in_is_blocked_is_no_content() {
        let mut blocked = Content::named("A");
        blocked.sign_in_blocked = true;
        blocked.guest = true;
        assert_eq!(content(&blocked), content(&Content::named("A")));
    }
}
