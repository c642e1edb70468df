//! "Kept here": single attributes of a synced person that an operator keeps as they say, whatever
//! the source says.
//!
//! What is wanted of a person is the source's content with what is kept laid over it
//! ([`KeptHere::over`]). The hash of a directory's row stays that of the source's content it was made
//! from, so that nobody is looked at closely of whom the source says nothing new; where it does, and
//! only of what is kept, the directory is as it should be ([`KeptHere::settles`]).

use std::collections::BTreeMap;

use domain::made_here::{FLAG_ATTRIBUTES, LIST_ATTRIBUTES};
use serde_json::Value;

use crate::{diff::changed, read::Content};

/// What is kept of one person, by name: `display_name`, `given_name`, `surname` or `mail`, or as
/// Graph names the attribute. None stays empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptHere(BTreeMap<String, Option<String>>);

impl FromIterator<(String, Option<String>)> for KeptHere {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(kept: I) -> Self {
        Self(kept.into_iter().collect())
    }
}

impl KeptHere {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more.
    pub fn keep(&mut self, name: &str, value: Option<String>) {
        self.0.insert(name.to_owned(), value);
    }

    /// What is wanted where the source says `source`.
    #[must_use]
    pub fn over(&self, mut source: Content) -> Content {
        for (name, value) in &self.0 {
            set(&mut source, name, value.as_deref());
        }
        source
    }

    /// Whether a directory that has this content is as it should be where the source says `source`.
    /// Where nothing is kept, hashes say so.
    pub fn settles(&self, directory: &Content, source: &Content) -> bool {
        !self.is_empty() && {
            let (before, after) = changed(directory, &self.over(source.clone()));
            before.is_empty() && after.is_empty()
        }
    }

    /// What the source says otherwise, by name.
    pub fn differing(&self, source: &Content) -> Vec<String> {
        let (_, after) = changed(source, &self.over(source.clone()));
        after.into_iter().map(|(name, _)| name).collect()
    }
}

/// Sets one of a person's columns or attributes; none empties it. A display name is never empty.
pub fn set(content: &mut Content, name: &str, value: Option<&str>) {
    let text = value.map(str::to_owned);
    match name {
        "display_name" => {
            if let Some(name) = text {
                content.display_name = name;
            }
        }
        "given_name" => content.given_name = text,
        "surname" => content.surname = text,
        "mail" => content.mail = text,
        name => {
            match value.and_then(|value| attribute(name, value)) {
                Some(value) => content.attributes.insert(name.to_owned(), value),
                None => content.attributes.remove(name),
            };
        }
    }
}

/// A typed attribute as a source gives it: several values of one have commas between.
pub fn attribute(name: &str, text: &str) -> Option<Value> {
    if FLAG_ATTRIBUTES.contains(&name) {
        return text.trim().parse().ok().map(Value::Bool);
    }
    if !LIST_ATTRIBUTES.contains(&name) {
        return (!text.trim().is_empty()).then(|| text.trim().into());
    }
    let values = text.split(',').map(str::trim);
    let values: Vec<Value> = values
        .filter(|value| !value.is_empty())
        .map(Value::from)
        .collect();
    (!values.is_empty()).then_some(Value::Array(values))
}

/// An attribute as a person types it.
pub fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values = values.iter().map(typed);
            values.collect::<Vec<_>>().join(", ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ada() -> Content {
        Content {
            given_name: Some("Ada".into()),
            mail: Some("ada@x.example".into()),
            attributes: BTreeMap::from([
                ("jobTitle".to_owned(), json!("Countess")),
                ("businessPhones".to_owned(), json!(["1", "2"])),
            ]),
            ..Content::named("Ada Lovelace")
        }
    }

    fn kept(of: &[(&str, Option<&str>)]) -> KeptHere {
        of.iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn what_is_kept_lies_over_what_the_source_says() {
        let kept = kept(&[
            ("display_name", Some("Ada King")),
            ("given_name", None),
            ("jobTitle", Some("Lead")),
            ("businessPhones", Some("3, 4 ,")),
            ("city", None),
        ]);
        let wanted = kept.over(ada());
        assert_eq!(wanted.display_name, "Ada King");
        assert_eq!(wanted.given_name, None);
        assert_eq!(wanted.mail.as_deref(), Some("ada@x.example"));
        assert_eq!(wanted.attributes["jobTitle"], "Lead");
        assert_eq!(wanted.attributes["businessPhones"], json!(["3", "4"]));
        assert_eq!(
            kept.differing(&ada()),
            ["businessPhones", "display_name", "given_name", "jobTitle"]
        );
    }

    #[test]
    fn only_what_is_kept_settles_a_difference() {
        let kept = kept(&[("jobTitle", Some("Lead"))]);
        let directory = kept.over(ada());
        let mut source = ada();
        set(&mut source, "jobTitle", Some("Analyst"));
        assert!(kept.settles(&directory, &source));
        set(&mut source, "mail", Some("other@x.example"));
        assert!(!kept.settles(&directory, &source));
        assert!(!KeptHere::default().settles(&ada(), &ada()));
    }

    #[test]
    fn what_was_given_is_typed_as_it_was() {
        for (name, text) in [
            ("jobTitle", "Lead, of all"),
            ("otherMails", "a@x, b@x"),
            ("proxyAddresses", "SMTP:a@x, smtp:b@x"),
            ("onPremisesSyncEnabled", "true"),
        ] {
            assert_eq!(typed(&attribute(name, text).unwrap()), text);
        }
        assert_eq!(attribute("otherMails", " , "), None);
        assert_eq!(
            attribute("onPremisesSyncEnabled", "false"),
            Some(json!(false))
        );
    }

    proptest! {
        /// The law: laid over twice is laid over once, and then the directory is as it should be.
        #[test]
        fn laid_over_twice_is_laid_over_once(
            names in prop::collection::vec(
                (prop::sample::select(vec!["display_name", "given_name", "mail", "city", "otherMails", "proxyAddresses", "extensionAttribute1"]),
                 prop::option::of("[a-c, ]{0,4}")), 1..5),
        ) {
            let kept: KeptHere = names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let once = kept.over(ada());
            prop_assert_eq!(&kept.over(once.clone()), &once);
            prop_assert!(kept.settles(&once, &ada()));
            prop_assert!(kept.differing(&once).is_empty());
        }
    }
}
