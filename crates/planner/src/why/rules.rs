//! The steps of mapping rules: what each makes of what, or why it fails.

use std::collections::BTreeMap;

use domain::{
    mapping::columns,
    why::{StepKind, StepOutcome, WhyStep},
};
use serde_json::Value;

use super::{
    Subject,
    steps::{fact, setting, step},
};
use crate::{
    mapping::{Made, Mapper},
    read::{Content, Mapped, Presence, SourceObject},
};

/// Whether the policy has rules for objects like it.
pub(super) fn are_for(subject: &Subject) -> bool {
    let rules = &subject.policy.mapping;
    !rules.of(subject.facts.object_type).is_empty()
}

/// The directory's attributes that rules make.
pub(super) fn made(subject: &Subject) -> Vec<&str> {
    let rules = &subject.policy.mapping;
    let rules = rules.of(subject.facts.object_type).iter();
    rules.map(|rule| rule.attribute.as_str()).collect()
}

/// Whether every rule works for it.
pub(super) fn all_work(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let kind = StepKind::MappingRules;
    let mut made = match &subject.mapped.error {
        Some(error) => step(
            kind,
            outcome,
            "A mapping rule fails",
            format!("{error} It stays in the directory as it is there."),
        ),
        None if outcome == StepOutcome::Stopped => step(
            kind,
            outcome,
            "A mapping rule fails",
            "It stays in the directory as it is there.",
        ),
        None => step(
            kind,
            outcome,
            "The mapping rules work",
            "None fails for it.",
        ),
    };
    made.links = vec![setting(subject, "Attributes", "mapping")];
    made
}

/// One step for each rule.
pub(super) fn each(subject: &Subject) -> Vec<WhyStep> {
    if !are_for(subject) || subject.facts.presence != Presence::Present {
        return Vec::new();
    }
    let Some(source) = source(subject) else {
        let sentence = "The rules were saved since it was last read. The next run reads everything and applies them.";
        let kind = StepKind::Mapping;
        return vec![step(
            kind,
            StepOutcome::Unknown,
            "Rules not applied yet",
            sentence,
        )];
    };
    let Ok(mapper) = Mapper::new(&subject.policy.mapping) else {
        return Vec::new();
    };
    let rules = subject.policy.mapping.of(subject.facts.object_type).iter();
    let made = mapper.made(&source.object);
    rules
        .zip(made)
        .map(|(rule, made)| {
            let Made { target, value } = made;
            let (outcome, result) = match value {
                Ok(value) => (StepOutcome::Passed, words(&value)),
                Err(error) => (StepOutcome::Stopped, error),
            };
            let title = format!("Mapping of {target}");
            let mut made = step(
                StepKind::Mapping,
                outcome,
                title,
                format!("Made from {}.", rule.rule),
            );
            let read = mapper.reads(subject.facts.object_type, &target);
            made.facts = read
                .into_iter()
                .map(|name| {
                    let value = source.values.get(name).unwrap_or(&Value::Null);
                    fact(&format!("{name} in Entra ID"), words(value))
                })
                .collect();
            let name = match outcome {
                StepOutcome::Stopped => "Fails",
                _ => "Result",
            };
            made.facts.push(fact(name, result));
            made
        })
        .collect()
}

/// What rules read of it, as far as that is kept.
struct Source {
    values: BTreeMap<String, Value>,
    object: SourceObject,
}

fn source(subject: &Subject) -> Option<Source> {
    let text = subject.mapped.from.as_deref()?;
    let values: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
    let object_type = subject.facts.object_type;
    let column = |column: &str| {
        let (_, own) = columns(object_type)
            .iter()
            .find(|(name, _)| *name == column)?;
        values.get(*own)?.as_str().map(str::to_owned)
    };
    let content = Content {
        display_name: column("display_name").unwrap_or_default(),
        user_principal_name: column("user_principal_name"),
        given_name: column("given_name"),
        surname: column("surname"),
        mail: column("mail"),
        sign_in_blocked: subject.facts.sign_in_blocked,
        guest: subject.facts.guest,
        attributes: values.clone(),
        ..Content::default()
    };
    Some(Source {
        object: SourceObject {
            object_type,
            external_id: subject.external_id,
            presence: Presence::Present,
            content,
            mapped: Mapped::default(),
        },
        values,
    })
}

/// A value as a page shows it.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
