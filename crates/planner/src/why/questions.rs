//! The steps of the questions that the policy is asked, one each.

use domain::{
    group::GroupKind,
    policy::ObjectType,
    why::{StepKind, StepOutcome, WhyLink, WhyStep, WhyTarget},
};

use super::{
    Scope, Seen, Subject, filters, matching, rules,
    steps::{fact, or_none, setting, step, to_run},
    words,
};
use crate::{
    derive::{Asked, Question},
    read::Presence,
};

/// The step of one question. Whether its type is read goes without saying where it is.
pub(super) fn step_of(subject: &Subject, question: Question, asked: Asked) -> Option<WhyStep> {
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
                _ if holder.by_rule => format!(
                    "The rule for user names gives “{}” the same one: who had it first keeps it.",
                    holder.display_name
                ),
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
