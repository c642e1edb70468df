//! The steps of an explanation, in the order in which they are taken.

use domain::{
    policy::{ObjectType, OutOfScope},
    run::{Action, Reason},
    user::DirectoryStatus,
    why::{StepKind, StepOutcome, WhyFact, WhyLink, WhyStep, WhyTarget},
};
use serde_json::Value;

use super::{Recorded, Subject, Verdict, change, kept_here, questions, rules, words};
use crate::{
    derive::trace,
    diff::{Outcome, changed},
};

/// Every step.
pub(super) fn all(subject: &Subject, verdict: &Verdict) -> Vec<WhyStep> {
    let mut steps: Vec<WhyStep> = trace(&subject.policy, &subject.facts)
        .into_iter()
        .filter_map(|(question, asked)| questions::step_of(subject, question, asked))
        .collect();
    steps.push(mapping(subject, verdict));
    steps.extend(rules::each(subject));
    steps.extend(kept_here::step_of(subject));
    steps.push(actions(subject, verdict));
    steps.push(result(subject, verdict));
    steps.extend(protection(subject));
    steps.extend(protected_by_rule(subject));
    steps.extend(countdown_cancelled(subject));
    steps.extend(kept_by_decision(subject, verdict).or_else(|| pending(subject)));
    steps.extend(last_change(subject));
    steps.extend(last_error(subject));
    steps
}

pub(super) fn step(
    step: StepKind,
    outcome: StepOutcome,
    title: impl Into<String>,
    sentence: impl Into<String>,
) -> WhyStep {
    WhyStep {
        step,
        title: title.into(),
        outcome,
        sentence: sentence.into(),
        facts: Vec::new(),
        links: Vec::new(),
        at: None,
    }
}

pub(super) fn fact(name: &str, value: impl Into<String>) -> WhyFact {
    WhyFact {
        name: name.to_owned(),
        value: value.into(),
    }
}

pub(super) fn or_none(text: Option<&str>) -> String {
    text.unwrap_or("none").to_owned()
}

/// A link to a setting.
pub(super) fn setting(subject: &Subject, title: &str, field: &str) -> WhyLink {
    WhyLink {
        title: title.to_owned(),
        target: WhyTarget::Setting {
            integration_id: subject.integration_id,
            field: field.to_owned(),
        },
    }
}

/// A link to a run.
pub(super) fn to_run(title: String, id: domain::id::RunId) -> WhyLink {
    WhyLink {
        title,
        target: WhyTarget::Run { id },
    }
}

/// The attributes with a column of their own: the source's name and the directory's.
fn columns(subject: &Subject) -> Vec<WhyFact> {
    let content = &subject.content;
    let by_rule = rules::made(subject);
    let mut facts = vec![("displayName → Name", Some(content.display_name.as_str()))];
    if subject.facts.object_type == ObjectType::User {
        facts.push((
            "userPrincipalName → User name",
            content.user_principal_name.as_deref(),
        ));
    }
    if matches!(
        subject.facts.object_type,
        ObjectType::User | ObjectType::Contact
    ) {
        facts.extend([
            ("givenName → Given name", content.given_name.as_deref()),
            ("surname → Surname", content.surname.as_deref()),
        ]);
    }
    facts.push(("mail → Mail", content.mail.as_deref()));
    let source = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    facts
        .into_iter()
        .filter(|(name, _)| {
            let of_type = domain::mapping::columns(subject.facts.object_type);
            let column = of_type.iter().find(|(_, own)| *own == source(name));
            column.is_none_or(|(column, _)| !by_rule.contains(column))
        })
        .filter_map(|(name, value)| Some(fact(name, value?)))
        .collect()
}

fn mapping(subject: &Subject, verdict: &Verdict) -> WhyStep {
    if !verdict.derived.is_wanted() {
        let sentence = "Nothing of it goes into the directory.";
        return step(
            StepKind::Mapping,
            StepOutcome::NotReached,
            "Mapping",
            sentence,
        );
    }
    let mut facts = columns(subject);
    let by_rule = rules::made(subject);
    let others: Vec<&str> = subject
        .content
        .attributes
        .keys()
        .map(String::as_str)
        .filter(|name| !by_rule.contains(name))
        .collect();
    let sentence = if others.is_empty() {
        "Names and addresses go into the directory as Entra ID has them.".to_owned()
    } else {
        let noun = if others.len() == 1 {
            "attribute"
        } else {
            "attributes"
        };
        facts.push(fact("Other attributes", others.join(", ")));
        format!(
            "Names, addresses and {} other {noun} go into the directory as Entra ID has them.",
            others.len()
        )
    };
    let (title, sentence) = match by_rule.len() {
        0 => ("Attributes go in as they are", sentence),
        1 => (
            "Attributes go in as they are, but for one",
            format!("{sentence} One has a rule."),
        ),
        number => (
            "Attributes go in as they are, but for some",
            format!("{sentence} {number} have rules."),
        ),
    };
    let mut made = step(StepKind::Mapping, StepOutcome::Passed, title, sentence);
    made.facts = facts;
    made
}

fn actions(subject: &Subject, verdict: &Verdict) -> WhyStep {
    let kind = StepKind::Actions;
    let wanted = verdict.derived.is_wanted();
    if !wanted && subject.known.is_none() {
        let sentence =
            "There is nothing to do: it isn’t in the directory and doesn’t belong there.";
        return step(kind, StepOutcome::NotReached, "Actions", sentence);
    }
    if let Some(switch) = change::switch(subject) {
        let title = format!("“{}” is switched off", change::title(switch));
        let mut made = step(
            kind,
            StepOutcome::Stopped,
            title,
            words::switched_off(switch),
        );
        made.links = vec![setting(subject, "Actions", change::field(switch))];
        return made;
    }
    if wanted {
        let sentence = match verdict.outcome {
            Outcome::Change(_) => "The switch for this change is on.",
            _ => "There is no change to make.",
        };
        return step(
            kind,
            StepOutcome::Passed,
            "The policy’s actions allow it",
            sentence,
        );
    }
    let days = subject.policy.delete_after_days;
    let (title, sentence) = match subject.policy.out_of_scope {
        OutOfScope::Keep => (
            "Out of scope or deleted: keep as they are",
            "What is in the directory stays as it is.".to_owned(),
        ),
        OutOfScope::Disable => (
            "Out of scope or deleted: disable now",
            "What no longer belongs into the directory becomes Inactive.".to_owned(),
        ),
        OutOfScope::Delete => (
            "Out of scope or deleted: disable now, delete later",
            format!(
                "What no longer belongs into the directory becomes Inactive, and is deleted {days} days later."
            ),
        ),
    };
    let mut made = step(kind, StepOutcome::Passed, title, sentence);
    made.links = vec![setting(subject, "Out of scope or deleted", "out_of_scope")];
    made
}

fn result(subject: &Subject, verdict: &Verdict) -> WhyStep {
    let status = subject.status();
    let title = match status {
        None => "Not in the directory",
        Some(DirectoryStatus::Active) => "Active in the directory",
        Some(DirectoryStatus::Inactive) => "Inactive in the directory",
        Some(DirectoryStatus::Deleted) => "Deleted from the directory",
    };
    let (outcome, sentence) = if subject.scope_is_unknown() {
        let sentence = "What the next run would do depends on its groups.";
        (StepOutcome::Unknown, sentence.to_owned())
    } else if verdict.ends_active(status) {
        (StepOutcome::Passed, words::next(subject, verdict))
    } else {
        (StepOutcome::Stopped, words::next(subject, verdict))
    };
    let mut made = step(StepKind::Result, outcome, title, sentence);
    if let Some(known) = &subject.known {
        if let Some(reason) = known.reason {
            let why = words::because(reason, subject.facts.object_type);
            made.facts.push(fact("Reason kept with it", why));
        }
        if let Some(at) = known.delete_at {
            made.facts.push(fact("Will be deleted", words::moment(at)));
        }
    }
    let takes = matches!(verdict.outcome, Outcome::Change(step)
        if crate::diff::takes_content(subject.policy.actions, step));
    if let (true, Some(directory)) = (takes, &subject.directory) {
        let wanted = subject.kept().over(subject.content.clone());
        let (before, after) = changed(directory, &wanted);
        made.facts
            .extend(differences(&before.into(), &after.into()));
    }
    made
}

fn protection(subject: &Subject) -> Option<WhyStep> {
    let protection = subject.protection.as_ref()?;
    let note = match protection.note.as_str() {
        "" => String::new(),
        note => format!(" (“{note}”)"),
    };
    let sentence = format!(
        "{} protected it{note}. No run updates, disables, enables or deletes it, nor takes it out of a group, until the protection is removed.",
        protection.by
    );
    let kind = StepKind::Protection;
    let mut made = step(kind, StepOutcome::Passed, "Protected by person", sentence);
    made.at = Some(protection.at);
    Some(made)
}

fn protected_by_rule(subject: &Subject) -> Option<WhyStep> {
    let rule = subject.rule(&subject.policy)?;
    let sentence = format!(
        "A rule of this integration protects it: {rule}. No run updates, disables, enables or deletes it, nor takes it out of a group, while the directory or the source has it so."
    );
    let kind = StepKind::Protection;
    let mut made = step(kind, StepOutcome::Passed, "Protected by rule", sentence);
    made.links = vec![setting(subject, "Protected people", "protected")];
    Some(made)
}

fn countdown_cancelled(subject: &Subject) -> Option<WhyStep> {
    let cancelled = subject.countdown_cancelled.as_ref()?;
    let note = match cancelled.note.as_str() {
        "" => String::new(),
        note => format!(" (“{note}”)"),
    };
    let sentence = format!(
        "{} cancelled its deletion{note}. That stands until it belongs here again, or leaves for another reason.",
        cancelled.by
    );
    let kind = StepKind::Countdown;
    let mut made = step(kind, StepOutcome::Passed, "Deletion cancelled", sentence);
    made.at = Some(cancelled.at);
    Some(made)
}

fn kept_by_decision(subject: &Subject, verdict: &Verdict) -> Option<WhyStep> {
    let kept = subject.kept_by_decision.as_ref()?;
    if !verdict.by_decision {
        return None;
    }
    let sentence = format!(
        "{} rejected the change (“{}”). That stands until Entra ID changes the object, or until somebody takes the rejection back.",
        kept.by, kept.note
    );
    let kind = StepKind::Pending;
    let mut made = step(kind, StepOutcome::Stopped, "Kept by decision", sentence);
    made.links.push(to_run("Run".to_owned(), kept.run));
    made.at = Some(kept.at);
    Some(made)
}

fn pending(subject: &Subject) -> Option<WhyStep> {
    let (title, sentence) = match subject.pending.as_deref()? {
        "guard_limit" => (
            "Held by the guard",
            "A run held a change of it: there were more disables and deletes than the guard lets through. Look through the run, and approve or reject what it holds.",
        ),
        "empty_answer" => (
            "Held: Entra ID answered with nothing",
            "A run found nothing at all where something was known, and changed nothing. Check the tenant and the selected groups, then approve or reject on the run’s page.",
        ),
        "mapping" => (
            "A rule fails",
            "It stays as it is until the rule, or the value in Entra ID, is corrected.",
        ),
        "name_held" => (
            "Its user name isn’t free",
            "It stays as it is until one of the two has another user name. The next run of the schedule sees that by itself.",
        ),
        "failed" => (
            "A change failed",
            "What a run was to do about it could not be applied. The next run tries again.",
        ),
        "cancelled" => (
            "A run was cancelled",
            "The run was cancelled before it came to this object. The next run goes on.",
        ),
        _ => (
            "Waits for the next run",
            "Something about it or its groups changed since it was last planned.",
        ),
    };
    let mut made = step(StepKind::Pending, StepOutcome::Stopped, title, sentence);
    if let Some(held) = &subject.last_refused {
        made.links.push(to_run("Run".to_owned(), held.run));
        made.at = Some(held.at);
    }
    if subject.pending.as_deref() == Some("guard_limit") {
        made.links.push(setting(subject, "Guard", "guard"));
    }
    Some(made)
}

fn last_change(subject: &Subject) -> Option<WhyStep> {
    let kind = StepKind::LastChange;
    let Some(last) = &subject.last_change else {
        subject.known?;
        let sentence =
            "No run in the history changed it. The changes of a run are kept for some months.";
        return Some(step(kind, StepOutcome::Unknown, "Last change", sentence));
    };
    let mut made = step(
        kind,
        StepOutcome::Passed,
        "Last change",
        format!(
            "A {} {}{}.",
            words::run(last.mode),
            words::did(last.action),
            words::colon(last.reason, subject.facts.object_type)
        ),
    );
    recorded(&mut made, last);
    Some(made)
}

fn last_error(subject: &Subject) -> Option<WhyStep> {
    let last = subject.last_refused.as_ref()?;
    let error = last.error.as_ref()?;
    let mut made = step(
        StepKind::LastError,
        StepOutcome::Stopped,
        "Last error",
        error.as_str(),
    );
    recorded(&mut made, last);
    Some(made)
}

fn recorded(made: &mut WhyStep, last: &Recorded) {
    made.at = Some(last.at);
    made.links.push(to_run("Run".to_owned(), last.run));
    if let (Some(before), Some(after)) = (&last.before, &last.after) {
        made.facts.extend(differences(before, after));
    }
}

/// "surname: Smith → Jones", an attribute a line.
fn differences(before: &Value, after: &Value) -> Vec<WhyFact> {
    let plain = |name: &str, value: Option<&Value>| match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) if name == "status_reason" => text.parse::<Reason>().map_or_else(
            |_| text.clone(),
            |reason| words::because(reason, ObjectType::User).to_owned(),
        ),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let Value::Object(after_values) = after else {
        return Vec::new();
    };
    after_values
        .iter()
        .map(|(name, value)| {
            let was = plain(name, before.get(name));
            fact(name, format!("{was} → {}", plain(name, Some(value))))
        })
        .collect()
}

/// The switch that an action hangs on.
pub(super) const SWITCHES: [Action; 4] = [
    Action::Create,
    Action::Update,
    Action::Disable,
    Action::Delete,
];
