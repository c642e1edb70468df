//! The words of an explanation, each once.

use chrono::Datelike as _;
use domain::{
    DateTime,
    policy::{ObjectType, OutOfScope},
    run::{Action, Reason, RunMode},
    user::DirectoryStatus,
};

use super::{Named, Scope, Subject, Verdict, Way};
use crate::{
    derive::Question,
    diff::{Outcome, Step},
};

/// The names of the settings as the tab Tenant Configuration shows them.
pub(super) const GUESTS: &str = "Include guests";
pub(super) const NAMES: &str = "Require given name and surname";
pub(super) const SIGN_IN: &str = "Blocked in Entra ID means Inactive here";

/// "users", "groups".
pub(super) const fn many(object_type: ObjectType) -> &'static str {
    match object_type {
        ObjectType::User => "users",
        ObjectType::Group => "groups",
        ObjectType::Contact => "contacts",
        ObjectType::Device => "devices",
        ObjectType::Membership => "memberships",
    }
}

/// "this person", "this group".
pub(super) const fn this(object_type: ObjectType) -> &'static str {
    match object_type {
        ObjectType::User => "this person",
        ObjectType::Group => "this group",
        ObjectType::Contact => "this contact",
        ObjectType::Device => "this device",
        ObjectType::Membership => "this membership",
    }
}

/// A reason behind a colon, in the middle of a sentence.
pub(super) const fn because(reason: Reason, object_type: ObjectType) -> &'static str {
    match reason {
        Reason::MissingName => "a given name or a surname is missing",
        Reason::Guest => "guests are not included",
        Reason::DistributionList => "distribution lists can’t be synced",
        Reason::MailEnabledSecurityGroup => "mail-enabled security groups can’t be synced",
        Reason::DuplicateUserName => "another active user has this user name",
        Reason::OutOfScope => match object_type {
            ObjectType::Group => "not a selected group",
            _ => "in no selected group",
        },
        Reason::SoftDeleted => "deleted in Entra ID, where it can be restored",
        Reason::Gone => "gone from Entra ID",
        Reason::SignInBlocked => match object_type {
            ObjectType::Device => "the device is disabled in Entra ID",
            _ => "sign-in is blocked in Entra ID",
        },
        Reason::DeleteAfterDays => "Inactive for longer than the policy keeps people",
        Reason::ActionOff => "this kind of change is switched off",
        Reason::GuardLimit => "over the guard’s limit",
        Reason::EmptyAnswer => "Entra ID answered with nothing at all",
        Reason::HeldWithObject => "its user or group is held",
        Reason::IntegrationDeleted => "the integration it came from was deleted",
        Reason::DeactivatedHere => "it was deactivated here",
        Reason::DeletedHere => "it was deleted here",
        Reason::MappingFailed => "a mapping rule fails for it",
        Reason::ExcludedByFilter => "a filter keeps it out",
        Reason::FilterFailed => "a filter fails for it",
        Reason::UserNameHeld => "somebody here signs in with its user name",
        Reason::UserNameTaken => "somebody here got its user name since that was planned",
        Reason::MatchUndecided => {
            "it may be somebody who is here already, and that isn’t decided yet"
        }
        Reason::NewUndecided => "new people are confirmed first, and it isn’t yet",
        Reason::MatchIgnored => "it was decided that it stays out",
    }
}

/// The reason of a verdict behind a colon.
fn because_of(subject: &Subject, verdict: &Verdict) -> String {
    let object_type = subject.facts.object_type;
    match (verdict.by, verdict.derived.reason()) {
        (Some(Question::ObjectType), _) => format!("{} are not read", many(object_type)),
        (_, Some(reason)) => because(reason, object_type).to_owned(),
        (_, None) => match verdict.outcome {
            Outcome::Filtered(reason) => because(reason, object_type).to_owned(),
            _ => "nothing keeps it out".to_owned(),
        },
    }
}

/// "12 March 2026", in UTC.
pub(super) fn day(at: DateTime) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = MONTHS.get(at.month0() as usize).unwrap_or(&"");
    format!("{} {month} {}", at.day(), at.year())
}

/// "12 March 2026, 09:30 UTC".
pub(super) fn moment(at: DateTime) -> String {
    format!("{}, {} UTC", day(at), at.format("%H:%M"))
}

/// "full sync".
pub(super) const fn run(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Full => "full sync",
        RunMode::Delta => "delta sync",
        RunMode::Preview => "preview",
        RunMode::Object => "single sync",
        RunMode::Import => "import",
    }
}

/// “Sales”, “Marketing” and 3 more.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>, joint: &str) -> String {
    const SHOWN: usize = 10;
    let all: Vec<String> = names.into_iter().map(|name| format!("“{name}”")).collect();
    match all.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] if all.len() <= SHOWN => format!("{} {joint} {last}", most.join(", ")),
        many => {
            let (shown, more) = many.split_at(SHOWN);
            format!("{} and {} more", shown.join(", "), more.len())
        }
    }
}

/// A group's name, or its id where no run has read it yet.
pub(super) fn name(group: &Named) -> String {
    group
        .display_name
        .clone()
        .unwrap_or_else(|| group.external_id.to_string())
}

/// "It is a direct member of “Sales”, and in “All” through “North” › “Team”."
pub(super) fn ways(ways: &[Way]) -> String {
    let direct: Vec<String> = ways
        .iter()
        .filter(|way| way.between.is_empty())
        .map(|way| name(&way.group))
        .collect();
    let mut parts = Vec::new();
    if !direct.is_empty() {
        let names = list(direct.iter().map(String::as_str), "and");
        parts.push(format!("a direct member of {names}"));
    }
    for way in ways.iter().filter(|way| !way.between.is_empty()) {
        let through: Vec<String> = way.between.iter().map(|g| format!("“{g}”")).collect();
        let through = through.join(" › ");
        parts.push(format!("in “{}” through {through}", name(&way.group)));
    }
    format!("It is {}.", parts.join(", and "))
}

/// What an action does, as "would …" goes on.
pub(super) const fn would(step: Step) -> &'static str {
    match (step.action, step.reason) {
        (Action::Create, None) => "add it",
        (Action::Create, Some(_)) => "add it as Inactive",
        (Action::Update, None) => "bring its attributes up to date",
        (Action::Update, Some(_)) => "note why it is Inactive",
        (Action::Disable, _) => "make it Inactive",
        (Action::Enable, _) => "make it Active again",
        (Action::Delete, _) => "delete it",
        (Action::Restore, None) => "bring it back",
        (Action::Restore, Some(_)) => "bring it back as Inactive",
        (Action::Match, None) => "make it one with who is here already",
        (Action::Match, Some(_)) => "make it one with who is here already, as Inactive",
        (Action::Filter, _) => "keep it out",
    }
}

/// What a run did.
pub(super) const fn did(action: Action) -> &'static str {
    match action {
        Action::Create => "added it",
        Action::Update => "updated it",
        Action::Disable => "made it Inactive",
        Action::Enable => "made it Active again",
        Action::Delete => "deleted it",
        Action::Restore => "brought it back",
        Action::Match => "made it one with who was here already",
        Action::Filter => "kept it out",
    }
}

/// ": sign-in is blocked in Entra ID", or nothing.
pub(super) fn colon(reason: Option<Reason>, object_type: ObjectType) -> String {
    reason.map_or_else(String::new, |reason| {
        format!(": {}", because(reason, object_type))
    })
}

/// "The next run would make it Inactive: gone from Entra ID."
pub(super) fn next(subject: &Subject, verdict: &Verdict) -> String {
    let Outcome::Change(step) = verdict.outcome else {
        return "The next run would change nothing.".to_owned();
    };
    let why = if step.reason == verdict.derived.reason() && step.reason.is_some() {
        format!(": {}", because_of(subject, verdict))
    } else {
        colon(step.reason, subject.facts.object_type)
    };
    format!("The next run would {}{why}.", would(step))
}

/// Whether a run held the change that the next one would make.
pub(super) fn is_held(subject: &Subject) -> bool {
    matches!(
        subject.pending.as_deref(),
        Some("guard_limit" | "empty_answer")
    )
}

/// The answer in a sentence or two.
pub(super) fn answer(subject: &Subject, verdict: &Verdict) -> String {
    if let Scope::Unknown { why } = &subject.scope {
        return format!("It can’t be told whether the scope holds it. {why}");
    }
    if let (Some(step), Some(status)) = (verdict.unprotected, subject.status()) {
        let by = match subject.rule(&subject.policy) {
            Some(_) if subject.protection.is_none() => "protected by a rule",
            _ => "protected",
        };
        return format!(
            "{}, and {by}: no run touches it. Without that, the next run would {}{}.",
            status.title(),
            would(step),
            colon(step.reason, subject.facts.object_type)
        );
    }
    if let Outcome::Failed(reason) = verdict.outcome {
        return undecided(subject, reason);
    }
    match subject.status() {
        None => not_here(subject, verdict),
        Some(DirectoryStatus::Active) => active(subject, verdict),
        Some(DirectoryStatus::Inactive) => inactive(subject, verdict),
        Some(DirectoryStatus::Deleted) => match verdict.outcome {
            Outcome::Change(_) => format!("Deleted here. {}", next(subject, verdict)),
            _ => format!("Deleted here: {}.", because_of(subject, verdict)),
        },
    }
}

/// Whom a rule fails for.
fn undecided(subject: &Subject, reason: Reason) -> String {
    let fails = because(reason, subject.facts.object_type);
    let why = match reason {
        Reason::FilterFailed => super::filters::failing(subject),
        Reason::UserNameHeld => subject.name_holder.as_ref().map(|holder| {
            let by = if holder.by_rule {
                ", by the same rule"
            } else {
                ""
            };
            format!("“{}” does{by}, and two can’t.", holder.display_name)
        }),
        _ => subject.mapped.error.clone(),
    };
    let why = why.map(|why| format!(" {why}")).unwrap_or_default();
    match subject.status() {
        None => format!("Not here: {fails}.{why}"),
        Some(DirectoryStatus::Deleted) => {
            format!("Deleted here, and it can’t come back: {fails}.{why}")
        }
        Some(status) => format!("{}, and it stays as it is: {fails}.{why}", status.title()),
    }
}

fn not_here(subject: &Subject, verdict: &Verdict) -> String {
    match verdict.outcome {
        Outcome::Change(_) => format!("Not here yet. {}", next(subject, verdict)),
        Outcome::Filtered(Reason::ActionOff) if subject.matching.same.is_some() => {
            "Not here: it is somebody who is here already, but “Update” is switched off.".to_owned()
        }
        Outcome::Filtered(Reason::ActionOff) => {
            "Not here: it belongs here, but “Create” is switched off.".to_owned()
        }
        _ => format!("Not here: {}.", because_of(subject, verdict)),
    }
}

fn active(subject: &Subject, verdict: &Verdict) -> String {
    match verdict.outcome {
        Outcome::Change(step) if is_held(subject) && step.action == Action::Disable => format!(
            "Active now. The next step is to make it Inactive, and it waits for a decision: {}.",
            because_of(subject, verdict)
        ),
        Outcome::Change(_) => format!("Active now. {}", next(subject, verdict)),
        _ if verdict.by_decision => format!(
            "Active, although {}: an operator rejected making it Inactive.",
            because_of(subject, verdict)
        ),
        _ if verdict.derived == crate::derive::Derived::Active => {
            "Active, and nothing would change that.".to_owned()
        }
        _ => {
            let kept = if subject.policy.out_of_scope == OutOfScope::Keep
                && !verdict.derived.is_wanted()
            {
                "the policy keeps such objects as they are"
            } else {
                "“Disable” is switched off"
            };
            format!("Active, although {}: {kept}.", because_of(subject, verdict))
        }
    }
}

fn inactive(subject: &Subject, verdict: &Verdict) -> String {
    let known = subject.known.as_ref();
    match verdict.outcome {
        Outcome::Change(step) if step.action == Action::Update => format!(
            "Inactive: {}. The next run would note that.",
            because_of(subject, verdict)
        ),
        Outcome::Change(_) => format!("Inactive now. {}", next(subject, verdict)),
        _ if verdict.derived == crate::derive::Derived::Active => {
            "Inactive: nothing keeps it so, but “Disable”, which also makes Active again, is switched off."
                .to_owned()
        }
        _ => {
            let why = because_of(subject, verdict);
            if verdict.by_decision {
                return format!("Inactive: {why}. An operator rejected deleting it.");
            }
            match known.and_then(|known| known.delete_at) {
                Some(at) => format!("Inactive: {why}. It will be deleted on {}.", day(at)),
                None if known.is_some_and(|known| known.countdown_cancelled) => {
                    format!("Inactive: {why}. Its deletion was cancelled.")
                }
                None => format!("Inactive: {why}."),
            }
        }
    }
}

/// What to do so that a question lets the object through.
pub(super) fn mend(subject: &Subject, question: Question) -> String {
    let object = this(subject.facts.object_type);
    match question {
        Question::Presence => match subject.facts.presence {
            crate::read::Presence::SoftDeleted => format!("Restore {object} in Entra ID."),
            _ => format!(
                "Nothing can: {object} is gone from Entra ID for good. One made anew there is another object."
            ),
        },
        Question::ObjectType => format!(
            "Add {} to the policy’s object types.",
            many(subject.facts.object_type)
        ),
        Question::Scope => scope(subject),
        Question::GroupKind => {
            "Use a security group or a Microsoft 365 group with the same members instead: the kind of a group can’t be changed in Entra ID."
                .to_owned()
        }
        Question::Guest => format!(
            "Turn on “{GUESTS}” on the Tenant Configuration tab, or make {object} a member in Entra ID."
        ),
        Question::Filter => super::filters::mend(subject),
        Question::Mapping => {
            "Correct the rule on the Attributes tab, or the value that it reads in Entra ID."
                .to_owned()
        }
        Question::Names => format!(
            "Give {object} {} in Entra ID, or turn off “{NAMES}” on the Tenant Configuration tab.",
            missing(subject)
        ),
        Question::Matching => super::matching::mend(subject),
        Question::SignIn if subject.facts.object_type == ObjectType::Device => format!(
            "Enable {object} in Entra ID, or turn off “{SIGN_IN}” on the Tenant Configuration tab."
        ),
        Question::SignIn => format!(
            "Allow {object} to sign in in Entra ID, or turn off “{SIGN_IN}” on the Tenant Configuration tab."
        ),
        Question::UserName => match &subject.name_holder {
            Some(holder) if holder.by_rule => format!(
                "Change the rule for user names on the Attributes tab so that “{}” and {object} get two, or the values that it reads in Entra ID.",
                holder.display_name
            ),
            Some(holder) => match &holder.integration_name {
                Some(integration) => format!(
                    "Change the user name of one of the two in Entra ID, or take “{}” out of {integration}.",
                    holder.display_name
                ),
                None => format!(
                    "Change the user name of “{}” here, or its own in Entra ID.",
                    holder.display_name
                ),
            },
            None => "Change the user name in Entra ID.".to_owned(),
        },
    }
}

/// "a given name", "a surname", "a given name and a surname".
fn missing(subject: &Subject) -> &'static str {
    match (subject.facts.has_given_name, subject.facts.has_surname) {
        (false, false) => "a given name and a surname",
        (false, true) => "a given name",
        (true, _) => "a surname",
    }
}

fn scope(subject: &Subject) -> String {
    let object = this(subject.facts.object_type);
    if subject.facts.object_type == ObjectType::Group {
        return format!("Add {object} to Selected Groups, or select none for the whole tenant.");
    }
    let names: Vec<String> = match &subject.scope {
        Scope::Selected { groups, .. } => groups.iter().map(name).collect(),
        _ => Vec::new(),
    };
    match names.as_slice() {
        [] => format!("Add a group that {object} is in to Selected Groups."),
        [one] => format!(
            "Add {object} to “{one}” in Entra ID, or add a group that {object} is in to Selected Groups."
        ),
        _ => format!(
            "Add {object} to one of {} in Entra ID, or add a group that {object} is in to Selected Groups.",
            list(names.iter().map(String::as_str), "or")
        ),
    }
}

/// What a switch of the actions does while it is off.
pub(super) const fn switched_off(action: Action) -> &'static str {
    match action {
        Action::Create | Action::Restore => {
            "New objects don’t come in, and deleted ones don’t come back."
        }
        Action::Update | Action::Match => "Attributes don’t follow the source.",
        Action::Disable | Action::Enable => "Nobody becomes Inactive, or Active again.",
        Action::Delete => "Nobody is deleted.",
        Action::Filter => "",
    }
}
