//! What would have to change for the other answer. Each change is tried out on the functions that
//! decide before it is named, so none is named that would be of no use.

use domain::{
    id::UserId,
    policy::{Actions, ObjectType, OutOfScope, Policy},
    run::{Action, Reason},
    why::{WhyChange, WhyLink, WhyOther, WhyTarget},
};

use super::{
    KeptByDecision, Scope, Subject, Verdict, filters, matching,
    steps::{SWITCHES, setting, to_run},
    words,
};
use crate::{
    derive::{Facts, Question},
    diff::Outcome,
    filter::Answer,
    matching::Standing,
    read::Presence,
};

/// The changes for the other answer.
pub(super) fn other(subject: &Subject, verdict: &Verdict) -> Option<WhyOther> {
    if subject.scope_is_unknown() {
        return None;
    }
    if verdict.unprotected.is_some() {
        return Some(unprotect(subject));
    }
    if !verdict.ends_active(subject.status()) {
        coming(subject)
    } else if verdict.derived.reason().is_none() {
        leaving(subject)
    } else if let (true, Some(kept)) = (verdict.by_decision, &subject.kept_by_decision) {
        Some(take_back(subject, kept))
    } else if let Outcome::Failed(reason) = verdict.outcome {
        Some(correct(subject, reason))
    } else {
        let_go(subject)
    }
}

/// The questions that keep an object out of use, in their order: each has to be answered
/// otherwise, and then none is left.
pub(super) fn needs(policy: &Policy, facts: &Facts) -> Vec<Question> {
    let (mut policy, mut facts) = (policy.clone(), *facts);
    let mut needs = Vec::new();
    for question in Question::ALL {
        if question.concerns(facts.object_type) && question.decides(&policy, &facts).is_some() {
            mend(question, &mut policy, &mut facts);
            needs.push(question);
        }
    }
    needs
}

/// Answers a question so that it lets the object through.
pub(super) fn mend(question: Question, policy: &mut Policy, facts: &mut Facts) {
    match question {
        Question::Presence => facts.presence = Presence::Present,
        Question::ObjectType => policy.object_types.push(facts.object_type),
        Question::Scope => facts.in_scope = true,
        Question::GroupKind => facts.group_kind = None,
        Question::Guest => facts.guest = false,
        Question::Filter => facts.filter = Answer::In,
        Question::Mapping => facts.unmapped = false,
        Question::Names => (facts.has_given_name, facts.has_surname) = (true, true),
        Question::Matching => facts.matching = Standing::Settled,
        Question::SignIn => facts.sign_in_blocked = false,
        Question::UserName => (facts.name_taken, facts.name_held) = (false, false),
    }
}

/// The switch of the policy's actions that keeps the next run from a change.
pub(super) fn switch(subject: &Subject) -> Option<Action> {
    switch_for(subject, &subject.policy, &subject.facts)
}

fn switch_for(subject: &Subject, policy: &Policy, facts: &Facts) -> Option<Action> {
    let now = subject.verdict(policy, facts).outcome;
    SWITCHES.into_iter().find(|action| {
        let on = Policy {
            actions: turned_on(policy.actions, *action),
            ..policy.clone()
        };
        subject.verdict(&on, facts).outcome != now
    })
}

const fn turned_on(actions: Actions, action: Action) -> Actions {
    let mut on = actions;
    match action {
        Action::Create | Action::Restore => on.create = true,
        Action::Update | Action::Match => on.update = true,
        Action::Disable | Action::Enable => on.disable = true,
        Action::Delete => on.delete = true,
        Action::Filter => {}
    }
    on
}

/// The switch as the tab shows it.
pub(super) const fn title(switch: Action) -> &'static str {
    match switch {
        Action::Create | Action::Restore => "Create",
        Action::Update | Action::Match | Action::Filter => "Update",
        Action::Disable | Action::Enable => "Disable",
        Action::Delete => "Delete",
    }
}

/// The switch's name in the policy.
pub(super) const fn field(switch: Action) -> &'static str {
    match switch {
        Action::Create | Action::Restore => "actions.create",
        Action::Update | Action::Match | Action::Filter => "actions.update",
        Action::Disable | Action::Enable => "actions.disable",
        Action::Delete => "actions.delete",
    }
}

/// What keeps an object out of use, or from becoming so.
fn coming(subject: &Subject) -> Option<WhyOther> {
    let (mut policy, mut facts) = (subject.policy.clone(), subject.facts);
    let mut changes = Vec::new();
    let gone = facts.presence == Presence::Gone;
    for question in needs(&policy, &facts) {
        mend(question, &mut policy, &mut facts);
        if gone && question != Question::Presence {
            continue;
        }
        changes.push(WhyChange {
            sentence: words::mend(subject, question),
            links: links(subject, question),
        });
    }
    if let Some(switch) = switch_for(subject, &policy, &facts)
        .filter(|switch| *switch != Action::Update || subject.known.is_none())
    {
        changes.push(turn_on(subject, switch));
    }
    let object = words::this(subject.facts.object_type);
    let intro = match changes.len() {
        0 => return None,
        1 => format!("For {object} to be Active here:"),
        _ => format!("For {object} to be Active here, all of this:"),
    };
    Some(WhyOther {
        intro,
        all: true,
        changes,
    })
}

fn links(subject: &Subject, question: Question) -> Vec<WhyLink> {
    match question {
        Question::Presence | Question::GroupKind | Question::ObjectType => Vec::new(),
        Question::Scope => vec![setting(subject, "Selected Groups", "selected_group_ids")],
        Question::Guest => vec![setting(subject, words::GUESTS, "include_guests")],
        Question::Filter => vec![filters::link(subject)],
        Question::Mapping => vec![setting(subject, "Attributes", "mapping")],
        Question::Names => vec![setting(subject, words::NAMES, "require_names")],
        Question::Matching => matching::links(subject),
        Question::SignIn => vec![setting(subject, words::SIGN_IN, "blocked_sign_in_disables")],
        Question::UserName => subject
            .name_holder
            .iter()
            .map(|holder| WhyLink {
                title: holder.display_name.clone(),
                target: WhyTarget::User { id: holder.id },
            })
            .collect(),
    }
}

/// What would take an object that is in use, or comes into use, out of it again.
fn leaving(subject: &Subject) -> Option<WhyOther> {
    let object_type = subject.facts.object_type;
    let object = words::this(object_type);
    let out_of_scope = Facts {
        in_scope: false,
        ..subject.facts
    };
    let blocked = Facts {
        sign_in_blocked: true,
        ..subject.facts
    };
    let deleted = Facts {
        presence: Presence::SoftDeleted,
        ..subject.facts
    };
    let filtered = Facts {
        filter: Answer::Out,
        ..subject.facts
    };
    let names: Vec<String> = match &subject.scope {
        Scope::Selected { ways, .. } => ways
            .iter()
            .map(|way| {
                let holder = way.between.last().cloned();
                holder.unwrap_or_else(|| words::name(&way.group))
            })
            .collect(),
        _ => Vec::new(),
    };
    let leave = match (&subject.scope, subject.is_selected()) {
        (Scope::Selected { .. }, true) => {
            format!("Take {object} out of Selected Groups.")
        }
        (Scope::Selected { .. }, _) => format!(
            "Take {object} out of {} in Entra ID.",
            words::list(names.iter().map(String::as_str), "and")
        ),
        _ => format!("Select groups under Selected Groups, but none that holds {object}."),
    };
    let selected = || vec![setting(subject, "Selected Groups", "selected_group_ids")];
    let ways = [
        (out_of_scope, leave, selected()),
        (
            blocked,
            match object_type {
                ObjectType::Device => format!("Disable {object} in Entra ID."),
                _ => format!("Block the sign-in of {object} in Entra ID."),
            },
            Vec::new(),
        ),
        (deleted, format!("Delete {object} in Entra ID."), Vec::new()),
    ];
    // Worth saying where there are filters: else the list would offer every setting there is.
    let by_filter = filters::concern(subject).then(|| {
        let way = format!("Add a rule on the tab Filters that keeps {object} out.");
        (filtered, way, vec![filters::link(subject)])
    });
    let changes: Vec<WhyChange> = ways
        .into_iter()
        .chain(by_filter)
        .filter(|(facts, ..)| takes_out(subject, &subject.policy, facts))
        .map(|(_, sentence, links)| WhyChange { sentence, links })
        .collect();
    let end = if subject.known.is_some() {
        "become Inactive"
    } else {
        "not come in as Active"
    };
    (!changes.is_empty()).then(|| WhyOther {
        intro: format!("For {object} to {end}, one of:"),
        all: false,
        changes,
    })
}

/// What keeps a run from touching an object: its protection.
fn unprotect(subject: &Subject) -> WhyOther {
    let object = words::this(subject.facts.object_type);
    let links = subject
        .directory_id
        .map(|id| WhyLink {
            title: "Its page".to_owned(),
            target: WhyTarget::User { id: UserId(id) },
        })
        .into_iter()
        .collect();
    let mut changes = Vec::new();
    if subject.protection.is_some() {
        changes.push(WhyChange {
            sentence: "Remove the protection on its page.".to_owned(),
            links,
        });
    }
    if let Some(rule) = subject.rule(&subject.policy) {
        changes.push(WhyChange {
            sentence: format!(
                "Remove the rule ({rule}), and any other that matches, under Protected people on the Tenant Configuration tab."
            ),
            links: vec![setting(subject, "Protected people", "protected")],
        });
    }
    let all = if changes.len() > 1 {
        ", all of this"
    } else {
        ""
    };
    WhyOther {
        intro: format!("For a run to touch {object} again{all}:"),
        all: true,
        changes,
    }
}

/// What keeps an object in use that doesn't belong here any more: an operator.
fn take_back(subject: &Subject, kept: &KeptByDecision) -> WhyOther {
    let object = words::this(subject.facts.object_type);
    WhyOther {
        intro: format!("For {object} to become Inactive:"),
        all: true,
        changes: vec![WhyChange {
            sentence: "Take the rejection back on the page of the run in which it was decided."
                .to_owned(),
            links: vec![to_run("Run".to_owned(), kept.run)],
        }],
    }
}

/// What keeps an object from following the source: a rule that fails for it.
fn correct(subject: &Subject, reason: Reason) -> WhyOther {
    let question = match reason {
        Reason::FilterFailed => Question::Filter,
        Reason::UserNameHeld => Question::UserName,
        _ => Question::Mapping,
    };
    let object = words::this(subject.facts.object_type);
    WhyOther {
        intro: format!("For {object} to follow the source again:"),
        all: true,
        changes: vec![WhyChange {
            sentence: words::mend(subject, question),
            links: links(subject, question),
        }],
    }
}

/// What keeps an object in use that doesn't belong here any more: the policy.
fn let_go(subject: &Subject) -> Option<WhyOther> {
    let mut policy = subject.policy.clone();
    let mut changes = Vec::new();
    if !takes_out(subject, &policy, &subject.facts) && policy.out_of_scope == OutOfScope::Keep {
        policy.out_of_scope = OutOfScope::Disable;
        // Someone whose sign-in is blocked becomes Inactive whatever that says.
        if subject.verdict(&policy, &subject.facts).derived.is_wanted() {
            policy.out_of_scope = OutOfScope::Keep;
        } else {
            changes.push(WhyChange {
                sentence: "Choose “Disable now” for “Out of scope or deleted” on the Tenant Configuration tab."
                    .to_owned(),
                links: vec![setting(subject, "Out of scope or deleted", "out_of_scope")],
            });
        }
    }
    if !policy.actions.disable {
        policy.actions.disable = true;
        changes.push(turn_on(subject, Action::Disable));
    }
    let object = words::this(subject.facts.object_type);
    let all = if changes.len() > 1 {
        ", all of this"
    } else {
        ""
    };
    takes_out(subject, &policy, &subject.facts).then(|| WhyOther {
        intro: format!("For {object} to become Inactive{all}:"),
        all: true,
        changes,
    })
}

fn turn_on(subject: &Subject, switch: Action) -> WhyChange {
    let title = title(switch);
    WhyChange {
        sentence: format!("Turn on “{title}” under Actions on the Tenant Configuration tab."),
        links: vec![setting(subject, "Actions", field(switch))],
    }
}

fn takes_out(subject: &Subject, policy: &Policy, facts: &Facts) -> bool {
    match subject.verdict(policy, facts).outcome {
        Outcome::Change(step) => match step.action {
            Action::Disable | Action::Delete => true,
            Action::Create | Action::Match | Action::Restore => {
                step.reason == Some(Reason::SignInBlocked)
            }
            Action::Update | Action::Enable | Action::Filter => false,
        },
        Outcome::Filtered(_) | Outcome::Absent => subject.known.is_none(),
        Outcome::Unchanged | Outcome::Failed(_) => false,
    }
}
