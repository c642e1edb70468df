//! Who is protected is never touched by a run, whatever the source and the rest of the policy say:
//! protected by hand, or by a rule of the policy.

use std::borrow::Cow;

use domain::{
    protection::{Matching, ProtectedAttribute, ProtectedRule},
    run::Action,
};
use serde_json::Value;

use crate::{
    diff::{Outcome, Step},
    fold::fold,
    read::Content,
};

/// What a run does about an object: nothing, where it is protected and in the directory. Coming in
/// and coming back are no harm to anybody, so they go on; who is protected counts as unchanged.
pub fn protect(outcome: Outcome, protected: bool) -> Outcome {
    match outcome {
        Outcome::Change(step) if protected && touches(step) => Outcome::Unchanged,
        outcome => outcome,
    }
}

/// Whether a step changes somebody who is there.
const fn touches(step: Step) -> bool {
    !matches!(step.action, Action::Create | Action::Restore)
}

/// A value as the directory has it, and as the source says it now. A rule protects whoever it
/// matches on either side: who is renamed away from it stays protected, since the new name never
/// comes into the directory, and so does who is renamed into it.
pub type Sides<'a> = [Option<Cow<'a, str>>; 2];

/// One rule, ready to compare.
#[derive(Debug, Clone)]
struct Comparison {
    /// Where the rule stands in the policy.
    at: usize,
    matches: Matching,
    /// What it compares with, folded.
    value: String,
}

impl Comparison {
    /// Whether it matches a folded text. What folds to nothing would match everybody, and matches
    /// nobody.
    fn holds(&self, text: &str) -> bool {
        !self.value.is_empty()
            && match self.matches {
                Matching::Is => text == self.value,
                Matching::StartsWith => text.starts_with(&self.value),
                Matching::EndsWith => text.ends_with(&self.value),
                Matching::Contains => text.contains(&self.value),
            }
    }
}

/// The rules of a policy, folded once, by the attribute they compare.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    by_attribute: Vec<(ProtectedAttribute, Vec<Comparison>)>,
}

impl Rules {
    /// Prepares rules.
    pub fn new(rules: &[ProtectedRule]) -> Self {
        let mut by_attribute: Vec<(ProtectedAttribute, Vec<Comparison>)> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let comparison = Comparison {
                at,
                matches: rule.matches,
                value: fold(&rule.value),
            };
            match by_attribute
                .iter_mut()
                .find(|(attribute, _)| *attribute == rule.attribute)
            {
                Some((_, of_it)) => of_it.push(comparison),
                None => by_attribute.push((rule.attribute, vec![comparison])),
            }
        }
        Self { by_attribute }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_attribute.is_empty()
    }

    /// What they compare, each attribute once.
    pub fn attributes(&self) -> impl Iterator<Item = ProtectedAttribute> {
        self.by_attribute.iter().map(|(attribute, _)| *attribute)
    }

    /// The places of the rules that match, in order; `of` gives the values of an attribute, folded
    /// or not.
    pub fn matching<'a>(&self, of: impl Fn(ProtectedAttribute) -> Sides<'a>) -> Vec<usize> {
        let mut places = Vec::new();
        for (attribute, comparisons) in &self.by_attribute {
            let [kept, said] = of(*attribute).map(|text| text.map(|text| fold(&text)));
            let holds = |comparison: &&Comparison| {
                [&kept, &said]
                    .into_iter()
                    .flatten()
                    .any(|text| comparison.holds(text))
            };
            places.extend(comparisons.iter().filter(holds).map(|one| one.at));
        }
        places.sort_unstable();
        places
    }
}

/// An attribute's value in a content.
pub fn value(content: &Content, attribute: ProtectedAttribute) -> Option<Cow<'_, str>> {
    let text = match attribute {
        ProtectedAttribute::UserPrincipalName => content.user_principal_name.as_deref(),
        ProtectedAttribute::DisplayName => Some(content.display_name.as_str()),
        ProtectedAttribute::GivenName => content.given_name.as_deref(),
        ProtectedAttribute::Surname => content.surname.as_deref(),
        ProtectedAttribute::Mail => content.mail.as_deref(),
        other => other
            .among_others()
            .and_then(|name| content.attributes.get(name))
            .and_then(Value::as_str),
    };
    text.map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use domain::run::Reason;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(attribute: ProtectedAttribute, matches: Matching, value: &str) -> ProtectedRule {
        ProtectedRule {
            attribute,
            matches,
            value: value.to_owned(),
        }
    }

    fn one(text: &str) -> Sides<'_> {
        [Some(Cow::Borrowed(text)), None]
    }

    #[test]
    fn rules_compare_without_regard_to_case_accents_and_space_around() {
        use Matching::{Contains, EndsWith, Is, StartsWith};
        for (matches, value, text, holds) in [
            (
                EndsWith,
                "@admin.contoso.com",
                "Ada@ADMIN.contoso.com",
                true,
            ),
            (EndsWith, "@admin.contoso.com", "ada@contoso.com", false),
            (Is, "Zoë Ångström", "zoe angstrom", true),
            (Is, "Zoe", "Zoe Angstrom", false),
            (StartsWith, "svc-", " SVC-backup", true),
            (StartsWith, "svc-", "my-svc-", false),
            (Contains, "glas", "Break Gläs 1", true),
            (Contains, "ΣΊΣΥΦΟΣ", "ο σίσυφος", true),
            // Marks alone fold to nothing, and match nobody.
            (Contains, "\u{301}", "anybody", false),
        ] {
            let rules = [rule(ProtectedAttribute::DisplayName, matches, value)];
            let found = Rules::new(&rules).matching(|_| one(text));
            assert_eq!(!found.is_empty(), holds, "{matches} {value:?} {text:?}");
        }
    }

    #[test]
    fn a_rule_compares_its_own_attribute_and_the_first_is_named_first() {
        let mut content = Content::named("Ada");
        content.user_principal_name = Some("ada@x.example".to_owned());
        content
            .attributes
            .insert("department".into(), json!("Board"));
        content.attributes.insert("jobTitle".into(), json!(7));
        let rules = [
            rule(ProtectedAttribute::JobTitle, Matching::Contains, "7"),
            rule(ProtectedAttribute::Department, Matching::Is, "board"),
            rule(ProtectedAttribute::Mail, Matching::Contains, "ada"),
            rule(
                ProtectedAttribute::UserPrincipalName,
                Matching::StartsWith,
                "ADA@",
            ),
            rule(ProtectedAttribute::Department, Matching::Contains, "o"),
        ];
        let found = Rules::new(&rules).matching(|attribute| [value(&content, attribute), None]);
        assert_eq!(found, [1, 3, 4]);
        assert!(Rules::new(&[]).is_empty());
    }

    fn any_rule() -> impl Strategy<Value = ProtectedRule> {
        (
            prop::sample::select(ProtectedAttribute::ALL.to_vec()),
            prop::sample::select(Matching::ALL.to_vec()),
            "[a-cÄß ]{0,3}",
        )
            .prop_map(|(attribute, matches, value)| rule(attribute, matches, &value))
    }

    proptest! {
        #[test]
        fn either_side_protects_and_neither_hides_the_other(
            rules in prop::collection::vec(any_rule(), 0..6),
            kept in prop::option::of("[a-cäSs ]{0,5}"),
            said in prop::option::of("[a-cäSs ]{0,5}"),
        ) {
            let rules = Rules::new(&rules);
            let text = |text: &Option<String>| text.clone().map(Cow::Owned);
            let both = rules.matching(|_| [text(&kept), text(&said)]);
            let mut each = rules.matching(|_| [text(&kept), None]);
            each.extend(rules.matching(|_| [None, text(&said)]));
            each.sort_unstable();
            each.dedup();
            prop_assert_eq!(&both, &each);
            // What was folded before matches alike.
            let folded = |text: &Option<String>| text.as_deref().map(|text| Cow::Owned(fold(text)));
            prop_assert_eq!(both, rules.matching(|_| [folded(&kept), folded(&said)]));
            prop_assert!(rules.matching(|_| [None, None]).is_empty());
        }

        #[test]
        fn one_more_rule_protects_nobody_less(
            rules in prop::collection::vec(any_rule(), 0..5),
            more in any_rule(),
            text in "[a-cäSs ]{0,5}",
        ) {
            let before = Rules::new(&rules).matching(|_| one(&text));
            let rules = [rules, vec![more]].concat();
            let after = Rules::new(&rules).matching(|_| one(&text));
            prop_assert!(after.starts_with(&before));
        }
    }

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        let action = prop::sample::select(Action::ALL.to_vec());
        let reason = prop::option::of(prop::sample::select(Reason::ALL.to_vec()));
        prop_oneof![
            Just(Outcome::Absent),
            Just(Outcome::Unchanged),
            Just(Outcome::Filtered(Reason::Guest)),
            (action, reason).prop_map(|(action, reason)| Outcome::Change(Step { action, reason })),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_done_to_whoever_is_protected(outcome in any_outcome()) {
            let protected = protect(outcome, true);
            if let Outcome::Change(step) = protected {
                prop_assert!(matches!(step.action, Action::Create | Action::Restore));
            }
            prop_assert_eq!(protect(protected, true), protected);
            // Without the protection everything is planned as before.
            prop_assert_eq!(protect(outcome, false), outcome);
        }
    }
}
