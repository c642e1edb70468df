//! The steps of an explanation, in the order in which they are taken.

use domain::{
    group::GroupKind,
    policy::{ObjectType, OutOfScope},
    run::{Action, Reason},
    user::DirectoryStatus,
    why::{StepKind, StepOutcome, WhyFact, WhyLink, WhyStep, WhyTarget},
};
use serde_json::Value;

use super::{
    Recorded, Scope, Seen, Subject, Verdict, change, filters, kept_here, matching, rules, words,
};
use crate::{
    derive::{Asked, Question, trace},
    diff::{Outcome, changed},
    read::Presence,
};

/// Every step.
pub(super) fn all(subject: &Subject, verdict: &Verdict) -> Vec<WhyStep> {
    let mut steps: Vec<WhyStep> = trace(&subject.policy, &subject.facts)
        .into_iter()
        .filter_map(|(question, asked)| asked_one(subject, question, asked))
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

/// The step of one question. Whether its type is read goes without saying where it is.
fn asked_one(subject: &Subject, question: Question, asked: Asked) -> Option<WhyStep> {
    let outcome = match asked {
        Asked::Passed if question == Question::Scope && subject.scope_is_unknown() => {
            StepOutcome::Unknown
        }
        Asked::Passed => StepOutcome::Passed,
        Asked::Decided(_) => StepOutcome::Stopped,
        Asked::NotReached => StepOutcome::NotReached,
    };
    let stopped = outcome == StepOutcome::Stopped;
    if outcome == StepOutcome::NotReached {
        let (kind, title) = match question {
            Question::Presence | Question::ObjectType => return None,
            Question::Scope => (StepKind::Scope, "Scope"),
            Question::GroupKind => (StepKind::GroupKind, "Kind of group"),
            Question::Guest => (StepKind::Guest, "Guests"),
            Question::Filter if !filters::concern(subject) => return None,
            Question::Filter => (StepKind::Filters, "Filters"),
            Question::Mapping if !rules::are_for(subject) => return None,
            Question::Mapping => (StepKind::MappingRules, "Mapping rules"),
            Question::Names => (StepKind::Names, "Given name and surname"),
            Question::Matching if !matching::is_for(subject) => return None,
            Question::Matching => (StepKind::Matching, matching::TITLE),
            Question::SignIn => (StepKind::SignIn, "Sign-in"),
            Question::UserName => (StepKind::UserName, "User name"),
        };
        let sentence = "Not looked at: a step before it decided.";
        return Some(step(kind, outcome, title, sentence));
    }
    Some(match question {
        Question::Presence => seen(subject, outcome),
        Question::ObjectType if stopped => {
            let many = words::many(subject.facts.object_type);
            step(
                StepKind::ObjectType,
                outcome,
                "Not of a type that is read",
                format!("The policy’s object types leave {many} out."),
            )
        }
        Question::ObjectType => return None,
        Question::Scope => scope(subject, outcome),
        Question::GroupKind => group_kind(subject, outcome),
        Question::Guest => guest(subject, outcome),
        Question::Filter if !stopped && !filters::concern(subject) => return None,
        Question::Filter => filters::let_in(subject, outcome),
        Question::Mapping if !stopped && !rules::are_for(subject) => return None,
        Question::Mapping => rules::all_work(subject, outcome),
        Question::Names => names(subject, outcome),
        Question::Matching if !matching::is_for(subject) => return None,
        Question::Matching => matching::step_of(subject, outcome),
        Question::SignIn => sign_in(subject, outcome),
        Question::UserName => user_name(subject, outcome),
    })
}

fn seen(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let presence = subject.facts.presence;
    let title = match (presence, &subject.seen) {
        (Presence::Present, Seen::Live) => "Asked for in Entra ID just now",
        (Presence::Present, _) => "Seen in Entra ID",
        (Presence::SoftDeleted, _) => "Deleted in Entra ID",
        (Presence::Gone, _) => "Gone from Entra ID",
    };
    let (last, full) = match subject.seen {
        Seen::Live => (None, None),
        Seen::Kept { last, full } => (last, full),
    };
    let sentence = match (presence, last) {
        (Presence::Present, _) if subject.seen == Seen::Live => {
            "Nothing is kept of it here, so Entra ID was asked. Nothing of the answer is stored."
        }
        (Presence::Present, Some(read)) if read.full => {
            "It was there in the last complete read, which read everything in scope."
        }
        (Presence::Present, Some(_)) => {
            "It was there as of the last complete read, which read what had changed."
        }
        (Presence::Present, None) => "A run read it that is no longer in the history.",
        (Presence::SoftDeleted, _) => "It was deleted there and can still be restored there.",
        (Presence::Gone, _) => "Entra ID has no object with this id any more.",
    };
    let mut made = step(StepKind::Seen, outcome, title, sentence);
    made.facts = vec![fact("Object id", subject.external_id.to_string())];
    let kind = |full| if full { "full" } else { "delta" };
    if let Some(read) = last {
        let value = format!("{}, {}", kind(read.full), words::moment(read.at));
        made.facts.push(fact("Last complete read", value));
        made.links = vec![to_run("Run".to_owned(), read.run)];
    }
    if let Some(read) = full.filter(|read| Some(read.run) != last.map(|last| last.run)) {
        made.facts
            .push(fact("Last full read", words::moment(read.at)));
    }
    made.at = match subject.seen {
        Seen::Live => Some(subject.now),
        Seen::Kept { .. } => last.map(|read| read.at),
    };
    made
}

fn scope(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let is_group = subject.facts.object_type == ObjectType::Group;
    let (groups, ways) = match &subject.scope {
        Scope::Tenant => {
            return step(
                StepKind::Scope,
                outcome,
                "In scope: the whole tenant",
                "No group is selected, so everything in the tenant is in scope.",
            );
        }
        Scope::Unknown { why } => {
            return step(
                StepKind::Scope,
                outcome,
                "Scope can’t be told",
                why.as_str(),
            );
        }
        Scope::Selected { groups, ways } => (groups, ways),
    };
    let is_selected = subject.is_selected();
    let (title, sentence) = match (outcome == StepOutcome::Stopped, is_group) {
        (false, _) if is_selected => {
            ("A selected group", "It is one of the selected groups.".to_owned())
        }
        (false, _) => ("In a selected group", words::ways(ways)),
        (true, true) if subject.policy.include_nested => (
            "Neither selected nor in a selected group",
            "Groups are selected, and only those and the groups inside them are in scope."
                .to_owned(),
        ),
        (true, true) => (
            "Not a selected group",
            "Groups are selected, and only those are in scope.".to_owned(),
        ),
        (true, false) if subject.policy.include_nested => (
            "In no selected group",
            "Only members of the selected groups are in scope, and it is in none of them, nor in a group inside them."
                .to_owned(),
        ),
        (true, false) => (
            "In no selected group",
            "Only members of the selected groups are in scope, and it is a direct member of none of them. Members of groups inside them don’t count."
                .to_owned(),
        ),
    };
    let mut made = step(StepKind::Scope, outcome, title, sentence);
    let names: Vec<String> = groups.iter().map(words::name).collect();
    let names = words::list(names.iter().map(String::as_str), "and");
    made.facts = vec![fact("Selected groups", names)];
    made.links = ways
        .iter()
        .filter(|_| !is_selected)
        .filter_map(|way| {
            Some(WhyLink {
                title: words::name(&way.group),
                target: WhyTarget::Group {
                    id: way.group.directory_id?,
                },
            })
        })
        .chain([setting(subject, "Selected Groups", "selected_group_ids")])
        .collect();
    made
}

fn group_kind(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let kind = subject.facts.group_kind;
    let what = kind.map_or("group", GroupKind::title);
    let (title, sentence) = if outcome == StepOutcome::Stopped {
        (
            format!("{what}: cannot be synced"),
            "Only security groups and Microsoft 365 groups can be kept in step.",
        )
    } else {
        (
            "Of a kind that can be synced".to_owned(),
            "Distribution lists and mail-enabled security groups are refused; it is neither.",
        )
    };
    let mut made = step(StepKind::GroupKind, outcome, title, sentence);
    let dynamic = if subject.content.dynamic {
        ", dynamic"
    } else {
        ""
    };
    made.facts = vec![fact("Kind", format!("{what}{dynamic}"))];
    made
}

fn guest(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let on = words::GUESTS;
    let (title, sentence) = match (outcome == StepOutcome::Stopped, subject.facts.guest) {
        (true, _) => ("A guest", format!("It is a guest, and “{on}” is off.")),
        (false, true) => (
            "Guests are included",
            format!("It is a guest, and “{on}” is on."),
        ),
        (false, false) => ("Not a guest", "Its user type is not Guest.".to_owned()),
    };
    let mut made = step(StepKind::Guest, outcome, title, sentence);
    if subject.facts.guest {
        made.links = vec![setting(subject, on, "include_guests")];
    }
    made
}

fn names(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let on = words::NAMES;
    let facts = &subject.facts;
    let missing = match (facts.has_given_name, facts.has_surname) {
        (true, true) => None,
        (false, true) => Some("Given name is missing"),
        (true, false) => Some("Surname is missing"),
        (false, false) => Some("Given name and surname are missing"),
    };
    let (title, sentence) = match (outcome == StepOutcome::Stopped, missing) {
        (_, None) => (
            "Given name and surname are present",
            "It has both.".to_owned(),
        ),
        (true, Some(title)) => (title, format!("“{on}” is on.")),
        (false, Some(_)) => ("Names are not required", format!("“{on}” is off.")),
    };
    let mut made = step(StepKind::Names, outcome, title, sentence);
    made.facts = vec![
        fact("Given name", or_none(subject.content.given_name.as_deref())),
        fact("Surname", or_none(subject.content.surname.as_deref())),
    ];
    if missing.is_some() {
        made.links = vec![setting(subject, on, "require_names")];
    }
    made
}

fn sign_in(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let on = words::SIGN_IN;
    let blocked = subject.facts.sign_in_blocked;
    let is_device = subject.facts.object_type == ObjectType::Device;
    let (title, sentence) = match (outcome == StepOutcome::Stopped, blocked) {
        (true, _) if is_device => ("Disabled in Entra ID", format!("“{on}” is on.")),
        (false, true) if is_device => (
            "That it is disabled doesn’t count",
            format!("It is disabled in Entra ID, and “{on}” is off."),
        ),
        (false, false) if is_device => (
            "Enabled in Entra ID",
            "Entra ID doesn’t say that it is disabled.".to_owned(),
        ),
        (true, _) => ("Sign-in is blocked in Entra ID", format!("“{on}” is on.")),
        (false, true) => (
            "A blocked sign-in doesn’t count",
            format!("Sign-in is blocked in Entra ID, and “{on}” is off."),
        ),
        (false, false) => (
            "Sign-in is not blocked",
            "accountEnabled is true in Entra ID.".to_owned(),
        ),
    };
    let mut made = step(StepKind::SignIn, outcome, title, sentence);
    if blocked {
        made.links = vec![setting(subject, on, "blocked_sign_in_disables")];
    }
    made
}

fn user_name(subject: &Subject, outcome: StepOutcome) -> WhyStep {
    let holder = subject.name_holder.as_ref();
    let (title, sentence) = match (outcome == StepOutcome::Stopped, holder) {
        (true, Some(holder)) => (
            "User name is taken",
            match &holder.integration_name {
                Some(integration) => format!(
                    "“{}” from {integration} has it and is active: of two integrations the older one keeps a user name.",
                    holder.display_name
                ),
                None => format!(
                    "“{}” signs in with it here and is active: two can’t.",
                    holder.display_name
                ),
            },
        ),
        (true, None) => (
            "User name is taken",
            "An active user of an older integration of this customer has it.".to_owned(),
        ),
        (false, _) => (
            "User name is free",
            "No active user of an older integration of this customer has it.".to_owned(),
        ),
    };
    let mut made = step(StepKind::UserName, outcome, title, sentence);
    let name = subject.content.user_principal_name.as_deref();
    made.facts = vec![fact("User name", or_none(name))];
    if let Some(holder) = holder {
        made.links = vec![WhyLink {
            title: holder.display_name.clone(),
            target: WhyTarget::User { id: holder.id },
        }];
    }
    made
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
