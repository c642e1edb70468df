//! The wording of every reason, and that the explanation is the decision.

mod laws;

use std::fmt::Write as _;

use chrono::{Duration, TimeZone};
use domain::{
    filter::{Condition, FilterOperator, FilterRule, FilterRules},
    group::GroupKind,
    mapping::{AttributeRule, MappingRule},
    policy::{Actions, ObjectType, OutOfScope},
    protection::{Matching, ProtectedAttribute},
    why::{StepKind, StepOutcome},
};
use uuid::Uuid;

use super::*;
use crate::{
    filter::{Answer, Filters},
    read::Presence,
};

fn now() -> DateTime {
    chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

fn subject(object_type: ObjectType) -> Subject {
    let reading = Reading {
        run: RunId(Uuid::from_u128(7)),
        full: true,
        at: now(),
    };
    Subject {
        policy: Policy::default(),
        integration_id: IntegrationId(Uuid::from_u128(1)),
        external_id: ExternalId(Uuid::from_u128(2)),
        facts: Facts {
            object_type,
            presence: Presence::Present,
            in_scope: true,
            has_given_name: true,
            has_surname: true,
            sign_in_blocked: false,
            guest: false,
            filter: Answer::In,
            unmapped: false,
            matching: crate::matching::Standing::Settled,
            name_taken: false,
            name_held: false,
            group_kind: (object_type == ObjectType::Group).then_some(GroupKind::Security),
        },
        content: Content::named("Ada"),
        mapped: Mapped::default(),
        hash: [1; hash::LENGTH],
        known: None,
        directory_id: None,
        directory: None,
        seen: Seen::Kept {
            last: Some(reading),
            full: Some(reading),
        },
        scope: Scope::Tenant,
        name_holder: None,
        matching: MatchedWith::default(),
        pending: None,
        kept_by_decision: None,
        countdown_cancelled: None,
        protection: None,
        kept_here: Vec::new(),
        last_change: None,
        last_refused: None,
        now: now(),
    }
}

fn known(status: DirectoryStatus, reason: Option<Reason>) -> Known {
    Known {
        status,
        reason,
        delete_at: None,
        countdown_cancelled: false,
        hash: [1; hash::LENGTH],
    }
}

fn group(name: &str, id: u128) -> Named {
    Named {
        external_id: ExternalId(Uuid::from_u128(id)),
        display_name: Some(name.to_owned()),
        directory_id: Some(GroupId(Uuid::from_u128(id))),
    }
}

/// The answer, and what would change it.
fn told(subject: &Subject) -> String {
    let why = explain(subject);
    let mut text = why.answer;
    if let Some(other) = why.other {
        write!(text, "\n  {}", other.intro).unwrap();
        for change in other.changes {
            write!(text, "\n  - {}", change.sentence).unwrap();
        }
    }
    text
}

/// One object kept out by each reason that a policy or a source can give.
fn kept_out() -> Vec<Subject> {
    let person = subject(ObjectType::User);
    let with = |change: &dyn Fn(&mut Subject)| {
        let mut subject = person.clone();
        change(&mut subject);
        subject
    };
    let selected = |ways| Scope::Selected {
        groups: vec![group("Sales", 11), group("Marketing", 12)],
        ways,
    };
    vec![
        with(&|s| s.facts.has_surname = false),
        with(&|s| s.facts.has_given_name = false),
        with(&|s| (s.facts.guest, s.facts.has_given_name) = (true, false)),
        with(&|s| s.facts.name_taken = true),
        with(&|s| {
            s.facts.name_taken = true;
            s.name_holder = Some(NameHolder {
                id: UserId(Uuid::from_u128(9)),
                display_name: "Ada Old".to_owned(),
                integration_name: Some("Fabrikam".to_owned()),
                by_rule: false,
            });
        }),
        with(&|s| {
            s.facts.name_held = true;
            s.name_holder = Some(NameHolder {
                id: UserId(Uuid::from_u128(9)),
                display_name: "Ada Here".to_owned(),
                integration_name: None,
                by_rule: false,
            });
        }),
        with(&|s| {
            s.facts.name_held = true;
            s.name_holder = Some(NameHolder {
                id: UserId(Uuid::from_u128(9)),
                display_name: "Ada Twin".to_owned(),
                integration_name: None,
                by_rule: true,
            });
        }),
        with(&|s| (s.facts.in_scope, s.scope) = (false, selected(Vec::new()))),
        with(&|s| s.facts.presence = Presence::SoftDeleted),
        with(&|s| s.facts.presence = Presence::Gone),
        with(&|s| s.facts.sign_in_blocked = true),
        with(&|s| s.policy.actions.create = false),
        with(&|s| s.policy.object_types = vec![ObjectType::Group]),
        with(&|s| {
            let why = "Entra ID refused.".to_owned();
            s.scope = Scope::Unknown { why };
        }),
        {
            let mut subject = subject(ObjectType::Group);
            subject.facts.group_kind = Some(GroupKind::Distribution);
            subject
        },
        {
            let mut subject = subject(ObjectType::Group);
            subject.facts.group_kind = Some(GroupKind::MailEnabledSecurity);
            subject
        },
        {
            let mut subject = subject(ObjectType::Group);
            (subject.facts.in_scope, subject.scope) = (false, selected(Vec::new()));
            subject
        },
    ]
}

/// Gone, and protected.
fn protected(s: &mut Subject) {
    s.facts.presence = Presence::Gone;
    s.protection = Some(Protection {
        by: "Mina".to_owned(),
        at: now(),
        note: "Break glass".to_owned(),
    });
}

#[test]
fn a_rule_that_protects_is_named_and_what_would_be_without_it() {
    let mut s = subject(ObjectType::User);
    s.known = Some(known(DirectoryStatus::Active, None));
    s.facts.presence = Presence::Gone;
    s.content = Content::named("");
    s.directory = Some(Content::named("Break Glass 1"));
    s.policy.protected = vec![ProtectedRule {
        attribute: ProtectedAttribute::DisplayName,
        matches: Matching::StartsWith,
        value: "break glass".to_owned(),
    }];
    let why = explain(&s);
    let answer = &why.answer;
    assert!(answer.contains("protected by a rule"), "{answer}");
    assert!(answer.contains("the next run would"), "{answer}");
    assert_eq!(why.next_action, None);
    let step = why.steps.iter().find(|s| s.step == StepKind::Protection);
    let says = &step.unwrap().sentence;
    assert!(
        says.contains("Display name starts with “break glass”"),
        "{says}"
    );
    assert_eq!(why.other.unwrap().changes.len(), 1);
    s.protection = Some(Protection {
        by: "Mina".to_owned(),
        at: now(),
        note: String::new(),
    });
    assert_eq!(explain(&s).other.unwrap().changes.len(), 2);
    s.policy.protected.clear();
    s.protection = None;
    assert_eq!(explain(&s).next_action, Some(Action::Disable));
}

/// Gone, counted down, and the countdown cancelled.
fn kept(s: &mut Subject) {
    s.facts.presence = Presence::Gone;
    s.policy.out_of_scope = OutOfScope::Delete;
    s.known.as_mut().unwrap().countdown_cancelled = true;
    s.countdown_cancelled = Some(CountdownCancelled {
        by: "Mina".to_owned(),
        at: now(),
        note: "On leave".to_owned(),
    });
}

/// Objects that the directory has or had.
fn kept_in() -> Vec<Subject> {
    use DirectoryStatus::{Active, Deleted, Inactive};
    let with = |status, reason, change: &dyn Fn(&mut Subject)| {
        let mut subject = subject(ObjectType::User);
        subject.known = Some(known(status, reason));
        change(&mut subject);
        subject
    };
    let gone = |s: &mut Subject| s.facts.presence = Presence::Gone;
    let rejected = |action| {
        let reason = match action {
            Action::Delete => Reason::DeleteAfterDays,
            _ => Reason::Gone,
        };
        Some(KeptByDecision {
            rejected: Rejected {
                action,
                reason: Some(reason),
            },
            run: RunId(Uuid::from_u128(7)),
            by: "Bo".to_owned(),
            at: now(),
            note: "They are on leave.".to_owned(),
        })
    };
    let off = |s: &mut Subject| {
        s.policy.actions = Actions {
            create: false,
            update: false,
            disable: false,
            delete: false,
        };
    };
    vec![
        with(Active, None, &|_| ()),
        with(Active, None, &|s| {
            s.scope = Scope::Selected {
                groups: vec![group("Sales", 11), group("All", 12)],
                ways: vec![
                    Way {
                        group: group("Sales", 11),
                        between: Vec::new(),
                    },
                    Way {
                        group: group("All", 12),
                        between: vec!["North".to_owned(), "Team".to_owned()],
                    },
                ],
            };
        }),
        with(Active, None, &|s| s.hash = [2; hash::LENGTH]),
        with(Active, None, &|s| {
            s.hash = [2; hash::LENGTH];
            off(s);
        }),
        with(Active, None, &gone),
        with(Active, None, &|s| {
            gone(s);
            s.pending = Some("guard_limit".to_owned());
        }),
        with(Active, None, &|s| {
            gone(s);
            s.kept_by_decision = rejected(Action::Disable);
        }),
        with(Active, None, &|s| {
            gone(s);
            s.policy.out_of_scope = OutOfScope::Keep;
        }),
        with(Active, None, &|s| {
            gone(s);
            off(s);
        }),
        with(Inactive, Some(Reason::SignInBlocked), &|s| {
            s.facts.sign_in_blocked = true;
        }),
        with(Inactive, Some(Reason::Guest), &|_| ()),
        with(Inactive, Some(Reason::Guest), &off),
        with(Inactive, Some(Reason::Guest), &gone),
        with(Inactive, Some(Reason::Gone), &|s| {
            gone(s);
            s.policy.out_of_scope = OutOfScope::Delete;
            let known = s.known.as_mut().unwrap();
            known.delete_at = Some(now() + Duration::days(3));
        }),
        with(Inactive, Some(Reason::Gone), &|s| {
            gone(s);
            s.policy.out_of_scope = OutOfScope::Delete;
            s.known.as_mut().unwrap().delete_at = Some(now());
        }),
        with(Inactive, Some(Reason::Gone), &|s| {
            gone(s);
            s.policy.out_of_scope = OutOfScope::Delete;
            s.known.as_mut().unwrap().delete_at = Some(now());
            s.kept_by_decision = rejected(Action::Delete);
        }),
        with(Inactive, Some(Reason::Gone), &kept),
        with(Active, None, &protected),
        with(Inactive, Some(Reason::Guest), &protected),
        with(Deleted, Some(Reason::DeleteAfterDays), &gone),
        with(Deleted, Some(Reason::DeleteAfterDays), &|_| ()),
    ]
}

#[test]
fn every_answer_is_worded() {
    let all: Vec<String> = kept_out().iter().chain(&kept_in()).map(told).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_device_is_disabled_and_a_contact_has_no_sign_in() {
    let mut device = subject(ObjectType::Device);
    (device.facts.has_given_name, device.facts.has_surname) = (false, false);
    device.facts.sign_in_blocked = true;
    device.policy.object_types = ObjectType::OBJECTS.to_vec();
    assert_eq!(
        told(&device),
        "Not here yet. The next run would add it as Inactive: the device is disabled in Entra ID.\n  \
         For this device to be Active here:\n  \
         - Enable this device in Entra ID, or turn off “Blocked in Entra ID means Inactive here” on the Tenant Configuration tab."
    );
    device.policy.blocked_sign_in_disables = false;
    device.known = Some(known(DirectoryStatus::Active, None));
    assert!(told(&device).starts_with("Active"), "{}", told(&device));
    let contact = Subject {
        facts: Facts {
            object_type: ObjectType::Contact,
            ..device.facts
        },
        ..device
    };
    let steps: Vec<StepKind> = explain(&contact).steps.iter().map(|s| s.step).collect();
    assert!(!steps.contains(&StepKind::SignIn) && !steps.contains(&StepKind::Names));
    assert!(!told(&contact).contains("sign-in"), "{}", told(&contact));
    let unread = Subject {
        policy: Policy::default(),
        known: None,
        ..contact
    };
    assert_eq!(
        told(&unread).lines().next(),
        Some("Not here: contacts are not read.")
    );
}

#[test]
fn who_may_be_here_already_is_named_with_what_to_do() {
    use crate::matching::Standing;
    use domain::matching::{MatchDecision, MatchKey};
    let matched = |standing, same: Option<u128>, decided| {
        let mut one = subject(ObjectType::User);
        one.facts.matching = standing;
        one.matching = MatchedWith {
            candidates: vec![MatchedUser {
                id: UserId(Uuid::from_u128(9)),
                display_name: "Ada L.".to_owned(),
                keys: vec![MatchKey::UserPrincipalName],
            }],
            same: same.map(|id| UserId(Uuid::from_u128(id))),
            decided,
        };
        one
    };
    let undecided = matched(Standing::Undecided, None, None);
    assert_eq!(
        told(&undecided),
        "Not here: it may be somebody who is here already, and that isn’t decided yet.\n  \
         For this person to be Active here:\n  \
         - Decide on the Matching tab whether this person is “Ada L.”, or somebody of their own."
    );
    let step_of = |one: &Subject| {
        let steps = explain(one).steps;
        steps
            .into_iter()
            .find(|step| step.step == StepKind::Matching)
    };
    let step = step_of(&undecided).unwrap();
    assert_eq!(step.outcome, StepOutcome::Stopped);
    assert_eq!(step.facts[0].value, "same user name");
    assert_eq!(step.links.len(), 2);
    let made = MatchDecided {
        decision: MatchDecision::Same,
        by: "Olga".to_owned(),
        at: now(),
        note: "asked her".to_owned(),
    };
    let same = matched(Standing::Settled, Some(9), Some(made));
    assert_eq!(explain(&same).next_action, Some(Action::Match));
    assert_eq!(step_of(&same).unwrap().outcome, StepOutcome::Passed);
    let mut off = same;
    off.policy.actions.update = false;
    assert!(
        told(&off).contains("“Update” is switched off"),
        "{}",
        told(&off)
    );
    let ignored = matched(Standing::Ignored, None, None);
    assert!(
        told(&ignored).contains("Take the decision back"),
        "{}",
        told(&ignored)
    );
    // Of somebody who is here from this source nothing is asked.
    let mut here = matched(Standing::Settled, Some(9), None);
    here.known = Some(known(DirectoryStatus::Active, None));
    assert_eq!(step_of(&here), None);
    assert_eq!(explain(&here).next_action, None);
}

#[test]
fn every_reason_is_worded() {
    let mut text = String::new();
    for reason in Reason::ALL {
        let words = words::because(*reason, ObjectType::User);
        assert!(!words.ends_with('.') && !words.is_empty());
        writeln!(text, "{reason}: {words}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_step_is_worded() {
    let mut text = String::new();
    let mut pending = subject(ObjectType::User);
    pending.known = Some(known(DirectoryStatus::Active, None));
    pending.pending = Some("failed".to_owned());
    pending.last_change = Some(Recorded {
        run: RunId(Uuid::from_u128(7)),
        mode: RunMode::Delta,
        at: now(),
        action: Action::Disable,
        reason: Some(Reason::SignInBlocked),
        error: None,
        before: Some(serde_json::json!({"status": "active", "status_reason": null})),
        after: Some(serde_json::json!({"status": "inactive", "status_reason": "gone"})),
    });
    pending.last_refused = Some(Recorded {
        error: Some("The row could not be written.".to_owned()),
        ..pending.last_change.clone().unwrap()
    });
    let mut asked = subject(ObjectType::User);
    asked.seen = Seen::Live;
    let mut kept = subject(ObjectType::User);
    kept.known = Some(known(DirectoryStatus::Active, None));
    kept.content.attributes = [("jobTitle".to_owned(), "Analyst".into())].into();
    kept.kept_here = [("jobTitle", Some("Countess"), "T-1"), ("city", None, "")]
        .map(|(name, value, note)| KeptAttribute {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            by: "Mina".to_owned(),
            at: now(),
            note: note.to_owned(),
        })
        .into();
    let mut mapped = subject(ObjectType::User);
    mapped.policy.mapping.user = vec![AttributeRule {
        attribute: "jobTitle".to_owned(),
        rule: MappingRule::Expression("department + \": \" + jobTitle".to_owned()),
    }];
    mapped.content.attributes = [("jobTitle".to_owned(), "Analyst".into())].into();
    let mut unmapped = mapped.clone();
    unmapped.facts.unmapped = true;
    unmapped.mapped.error = Some("jobTitle: “+” can’t be used with nothing and a text.".to_owned());
    let mut matched = subject(ObjectType::User);
    matched.matching.candidates = vec![MatchedUser {
        id: UserId(Uuid::from_u128(9)),
        display_name: "Ada L.".to_owned(),
        keys: vec![domain::matching::MatchKey::Mail],
    }];
    matched.facts.matching = crate::matching::Standing::Undecided;
    let mut filtering = Vec::new();
    for from in [Some(r#"{"city": "Delft"}"#), Some("{}"), None] {
        let mut subject = filtered(
            FilterRules {
                include: vec![FilterRule::All(vec![Condition {
                    attribute: "city".to_owned(),
                    operator: FilterOperator::IsNotEmpty,
                    value: String::new(),
                }])],
                exclude: vec![FilterRule::Expression("lower(mail)".to_owned())],
            },
            "{}",
        );
        subject.mapped.from = from.map(str::to_owned);
        let filters = Filters::new(&subject.policy.filters).unwrap();
        let judged = filters.judge_kept(ObjectType::User, subject.mapped.from.as_deref());
        subject.facts.filter = judged.answer();
        filtering.push(subject);
    }
    let others = [asked, pending, kept, mapped, unmapped, matched]
        .into_iter()
        .chain(filtering);
    let all = kept_out().into_iter().chain(others);
    for subject in all.chain(kept_in()) {
        for step in explain(&subject).steps {
            let facts: Vec<String> = step
                .facts
                .iter()
                .map(|fact| format!("{}: {}", fact.name, fact.value))
                .collect();
            let line = format!(
                "{} {}: {}. {} [{}]\n",
                step.step,
                step.outcome,
                step.title,
                step.sentence,
                facts.join("; ")
            );
            // Many subjects share steps; one that is worded the same is the same.
            if !text.contains(&line) {
                text.push_str(&line);
            }
        }
    }
    for kind in StepKind::ALL {
        assert!(text.contains(&format!("{kind} ")), "{kind} is nowhere");
    }
    insta::assert_snapshot!(text);
}

fn filtered(rules: FilterRules, from: &str) -> Subject {
    let mut subject = subject(ObjectType::User);
    subject.policy.filters.user = rules;
    subject.mapped.from = Some(from.to_owned());
    let filters = Filters::new(&subject.policy.filters).unwrap();
    let judged = filters.judge_kept(ObjectType::User, subject.mapped.from.as_deref());
    subject.facts.filter = judged.answer();
    subject
}

#[test]
fn a_filter_says_which_rule_decided_and_what_would_change_it() {
    let is = |attribute: &str, value: &str| {
        FilterRule::All(vec![Condition {
            attribute: attribute.to_owned(),
            operator: FilterOperator::Is,
            value: value.to_owned(),
        }])
    };
    let excluding = |rule| FilterRules {
        exclude: vec![rule],
        ..FilterRules::default()
    };
    let including = FilterRules {
        include: vec![is("city", "Delft"), is("city", "Utrecht")],
        ..FilterRules::default()
    };
    let sales = r#"{"department": "Sales", "city": "Utrecht"}"#;
    let failing = FilterRule::Expression("lower(city)".to_owned());
    let all: Vec<String> = [
        filtered(excluding(is("department", "sales")), sales),
        filtered(excluding(is("department", "HR")), sales),
        filtered(including.clone(), sales),
        filtered(including, "{}"),
        filtered(excluding(failing), sales),
    ]
    .iter()
    .map(told)
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}
