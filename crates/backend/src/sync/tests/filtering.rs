//! Filters: whom they keep out and let back in, whom one fails for, what the guard makes of them, in a
//! preview and as they are tried; user names in one form.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    filter::{Condition, FilterOperator, FilterRule, FilterRules, FilterTestRequest, Filters},
    policy::{Guard, ObjectType, OutOfScope, Policy},
    run::{CountLine, Reason, Run, RunMode, RunStatus, RunTrigger},
    why::{StepKind, StepOutcome},
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use serde_json::{Value, json};
use simulator::{Attributes, UserSnapshot};
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, no_guard, tenant},
};
use crate::{Scope, fetch_all, filter, jobs::run_until_idle, sync, why};

fn condition(attribute: &str, operator: FilterOperator, value: &str) -> Condition {
    Condition {
        attribute: attribute.to_owned(),
        operator,
        value: value.to_owned(),
    }
}

fn all(conditions: &[Condition]) -> FilterRule {
    FilterRule::All(conditions.to_vec())
}

fn excluding(rules: &[FilterRule]) -> Filters {
    Filters {
        user: FilterRules {
            exclude: rules.to_vec(),
            ..FilterRules::default()
        },
        ..Filters::default()
    }
}

async fn change(w: &mut World, filters: Filters) {
    w.policy.filters = filters.checked().unwrap();
    w.save_policy().await;
}

/// Of a snapshot: a value by its name in the source.
fn value(user: &UserSnapshot, name: &str) -> Value {
    user.attributes.get(name).cloned().unwrap_or_default()
}

/// Everybody of the directory with their status, why, and their user name.
type People = BTreeMap<Uuid, (String, Option<String>, Option<String>)>;

pub(super) async fn people(w: &World) -> People {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (Uuid, String, Option<String>, Option<String>),
        "SELECT external_id, status, status_reason, user_principal_name FROM directory_user
          WHERE external_id IS NOT NULL"
    );
    let rows = rows.unwrap().into_iter();
    rows.map(|(id, status, reason, name)| (id, (status, reason, name)))
        .collect()
}

pub(super) fn active(people: &People) -> BTreeSet<Uuid> {
    let active = people.iter().filter(|(_, (status, ..))| status == "active");
    active.map(|(id, _)| *id).collect()
}

/// A city that some who are in use have, and some haven't; with those who have it.
fn a_city(w: &World, active: &BTreeSet<Uuid>) -> (String, BTreeSet<Uuid>) {
    let snapshot = w.control.snapshot();
    let mut of: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for user in snapshot
        .users
        .iter()
        .filter(|user| active.contains(&user.id))
    {
        if let Value::String(city) = value(user, "city") {
            of.entry(city).or_default().insert(user.id);
        }
    }
    let found = of.into_iter().max_by_key(|(_, ids)| ids.len()).unwrap();
    assert!(found.1.len() < active.len());
    found
}

sync_test!(
    whom_a_filter_keeps_out_leaves_and_comes_back,
    tenant(920, 80),
    |w| {
        let mut w = w;
        w.policy.guard = no_guard();
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let (at_first, before) = (w.actual().await, people(&w).await);
        let (city, there) = a_city(&w, &active(&before));

        let is = condition("city", FilterOperator::Is, &city.to_uppercase());
        change(&mut w, excluding(&[all(std::slice::from_ref(&is))])).await;
        // Nobody asked for everything, but no run has read what the filter looks at.
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        let counts = line(&run, ObjectType::User);
        assert_eq!(counts.disabled, i64::try_from(there.len()).unwrap());
        let after = people(&w).await;
        for id in &there {
            assert_eq!(after[id].0, "inactive");
            assert_eq!(after[id].1.as_deref(), Some("excluded_by_filter"));
        }
        assert_eq!(active(&after), &active(&before) - &there);
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);

        // The other way around, and without reading anything anew: the values are here.
        let full = "SELECT COUNT(*) FROM run WHERE full_read";
        let reads = w.count(full).await;
        change(
            &mut w,
            Filters {
                user: FilterRules {
                    include: vec![FilterRule::Any(vec![is])],
                    ..FilterRules::default()
                },
                ..Filters::default()
            },
        )
        .await;
        w.run(RunMode::Delta).await;
        assert_eq!(active(&people(&w).await), there);
        assert_eq!(w.count(full).await, reads, "nothing was read anew");
        // A full run looks at everybody, and agrees.
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);

        // Somebody moves in the source.
        let moved = *there.first().unwrap();
        let city = Attributes::from([("city".to_owned(), json!("Nowhere"))]);
        w.control.update(moved, &city).unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).disabled, 1, "{run:#?}");
        let back = Attributes::from([("city".to_owned(), json!(there_city(&w, &there, moved)))]);
        w.control.update(moved, &back).unwrap();

        change(&mut w, Filters::default()).await;
        w.run(RunMode::Delta).await;
        assert_eq!(w.actual().await, at_first, "taken back");
    }
);

/// The city of the others.
fn there_city(w: &World, there: &BTreeSet<Uuid>, but: Uuid) -> Value {
    let snapshot = w.control.snapshot();
    let mut others = snapshot.users.iter();
    let other = others.find(|user| there.contains(&user.id) && user.id != but);
    other.map(|user| value(user, "city")).unwrap_or_default()
}

/// Somebody new, with names and nothing else.
fn newcomer(w: &World, people: &People) -> Uuid {
    let known = people.values().find_map(|(.., name)| name.clone()).unwrap();
    let (_, domain) = known.rsplit_once('@').unwrap();
    let names = [("givenName", "Nova"), ("surname", "Komer")];
    let names = names.map(|(name, value)| (name.to_owned(), json!(value)));
    let name = format!("nova.komer@{domain}");
    w.control
        .create_user("Nova Komer", &name, &Attributes::from(names))
        .unwrap()
}

sync_test!(
    a_filter_that_fails_lets_nobody_in_or_out,
    tenant(921, 60),
    |w| {
        let mut w = w;
        w.policy.guard = no_guard();
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let before = people(&w).await;
        // Texts can't be compared with null.
        let text = "size(city) > 9999";
        change(
            &mut w,
            excluding(&[FilterRule::Expression(text.to_owned())]),
        )
        .await;
        let newcomer = newcomer(&w, &before);
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        let counts = line(&run, ObjectType::User);
        assert_eq!((counts.disabled, counts.deleted, counts.held), (0, 0, 0));
        let error = run.error.unwrap();
        assert_eq!(error.code, "filter_failed");
        assert!(
            error.detail.contains("Rule 1:") && error.fix.contains("Filters"),
            "{error:?}"
        );
        assert_eq!(people(&w).await, before, "nobody came or left");
        let snapshot = w.control.snapshot();
        let without = |id: &Uuid| {
            let user = snapshot.users.iter().find(|user| user.id == *id);
            user.is_some_and(|user| value(user, "city").is_null())
        };
        let failing = before.keys().filter(|id| without(id)).count() + 1;
        let named = "SELECT COUNT(*) FROM run_change WHERE status = 'failed'
                    AND reason = 'filter_failed' AND error LIKE 'Rule 1: %'";
        assert!(w.count(named).await >= 1);
        assert!(
            counts.failed <= i64::try_from(failing).unwrap(),
            "{counts:?}"
        );
        let pending = "SELECT COUNT(*) FROM source_object WHERE pending = 'mapping'";
        assert_eq!(w.count(pending).await, counts.failed);
        // Nothing but the source or the policy can help, so the schedule is quiet.
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);

        let scope = Scope::worker();
        let object = newcomer.to_string();
        let answer = why::of_object(&w.t, &scope, w.integration, &object).await;
        let why = answer.unwrap().why.unwrap();
        assert_eq!(why.reason, Some(Reason::FilterFailed));
        let mut steps = why.steps.iter();
        let stopped = steps.find(|step| step.step == StepKind::Filters).unwrap();
        assert_eq!(stopped.outcome, StepOutcome::Stopped);

        // A rule that works for everybody mends it.
        let text = "city != null && size(city) > 9999";
        change(
            &mut w,
            excluding(&[FilterRule::Expression(text.to_owned())]),
        )
        .await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert!(people(&w).await.contains_key(&newcomer));
        assert_eq!(w.count(pending).await, 0);
    }
);

sync_test!(
    the_guard_holds_a_filter_that_takes_many,
    tenant(922, 80),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        w.policy.guard = Guard::default();
        w.save_policy().await;
        let before = people(&w).await;
        let everybody = condition("displayName", FilterOperator::IsNotEmpty, "");
        change(&mut w, excluding(&[all(&[everybody])])).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Held, "{run:#?}");
        let counts = line(&run, ObjectType::User);
        assert_eq!(counts.disabled, 0);
        assert_eq!(counts.held, i64::try_from(active(&before).len()).unwrap());
        assert_eq!(active(&people(&w).await), active(&before));
    }
);

sync_test!(the_switches_keep_out_who_they_say, tenant(923, 90), |w| {
    let mut w = w;
    w.policy.guard = no_guard();
    w.save_policy().await;
    w.run(RunMode::Full).await;
    let before = people(&w).await;
    let snapshot = w.control.snapshot();
    let of = |id: &Uuid| snapshot.users.iter().find(|user| user.id == *id).unwrap();
    let unlicensed = |id: &Uuid| {
        value(of(id), "assignedLicenses")
            .as_array()
            .is_none_or(Vec::is_empty)
    };
    let disabled = |id: &Uuid| value(of(id), "accountEnabled") == json!(false);
    let in_use = active(&before);

    change(
        &mut w,
        Filters {
            include_unlicensed: false,
            ..Filters::default()
        },
    )
    .await;
    w.run(RunMode::Delta).await;
    let licensed: BTreeSet<Uuid> = in_use
        .iter()
        .filter(|id| !unlicensed(id))
        .copied()
        .collect();
    assert!(licensed.len() < in_use.len(), "somebody has none");
    assert_eq!(active(&people(&w).await), licensed);

    change(
        &mut w,
        Filters {
            include_disabled: false,
            ..Filters::default()
        },
    )
    .await;
    w.run(RunMode::Delta).await;
    let after = people(&w).await;
    assert_eq!(active(&after), in_use);
    let blocked: Vec<_> = after.keys().filter(|id| disabled(id)).collect();
    assert!(!blocked.is_empty(), "somebody is disabled");
    for id in blocked {
        assert_eq!(after[id].1.as_deref(), Some("excluded_by_filter"));
    }

    let name = |id: &Uuid| before[id].2.clone().unwrap_or_default();
    let domain = |id: &Uuid| name(id).rsplit_once('@').unwrap().1.to_owned();
    let one = domain(in_use.first().unwrap());
    change(
        &mut w,
        Filters {
            domains: vec![one.clone()],
            ..Filters::default()
        },
    )
    .await;
    w.run(RunMode::Delta).await;
    let of_domain: BTreeSet<Uuid> = in_use
        .iter()
        .filter(|id| domain(id) == one)
        .copied()
        .collect();
    assert_eq!(active(&people(&w).await), of_domain);
    let refused = Policy {
        filters: Filters {
            include_disabled: false,
            ..Filters::default()
        },
        out_of_scope: OutOfScope::Keep,
        ..Policy::default()
    };
    let error = refused.checked().unwrap_err();
    assert_eq!(error.field, "policy.filters.include_disabled");
});

/// Filters that may keep out some, nobody or everybody.
fn random_filters(w: &World, rng: &mut impl Rng) -> Filters {
    let snapshot = w.control.snapshot();
    let attributes = [
        "city",
        "department",
        "jobTitle",
        "country",
        "mail",
        "assignedLicenses",
    ];
    let operators = FilterOperator::ALL;
    let one = |rng: &mut dyn rand::RngCore| {
        let attribute = attributes.choose(rng).copied().unwrap_or("city");
        let operator = operators
            .choose(rng)
            .copied()
            .unwrap_or(FilterOperator::IsEmpty);
        let user = snapshot.users.choose(rng);
        let said = user.map(|user| value(user, attribute)).unwrap_or_default();
        let said = said.as_str().unwrap_or("x").trim().to_owned();
        let part: String = said.chars().take(3).collect();
        let given = match operator {
            one if one.has_pattern() => "^[A-M]".to_owned(),
            FilterOperator::Is | FilterOperator::IsNot => said,
            one if one.has_value() => part.trim().to_owned(),
            _ => String::new(),
        };
        let given = if operator.has_value() && given.is_empty() {
            "x".to_owned()
        } else {
            given
        };
        condition(attribute, operator, &given)
    };
    let rule = |rng: &mut dyn rand::RngCore| {
        let conditions = vec![one(rng), one(rng)];
        match rng.next_u32() % 4 {
            0 => FilterRule::Any(conditions),
            1 => FilterRule::Expression(FilterRule::Any(conditions).cel()),
            2 => FilterRule::Expression("size(city) > 4".to_owned()),
            _ => FilterRule::All(conditions),
        }
    };
    let (include, exclude) = (rng.random_range(0..2), rng.random_range(0..3));
    Filters {
        include_unlicensed: rng.random_bool(0.8),
        include_disabled: rng.random_bool(0.7),
        user: FilterRules {
            include: (0..include).map(|_| rule(rng)).collect(),
            exclude: (0..exclude).map(|_| rule(rng)).collect(),
        },
        ..Filters::default()
    }
    .checked()
    .unwrap()
}

type Planned = (String, Uuid, String, String, Option<String>, Option<String>);

async fn plan(w: &World, run: &Run) -> Vec<Planned> {
    let mut tx = w.t.db.read().await.unwrap();
    let mut rows = fetch_all!(
        &mut tx,
        Planned,
        "SELECT object_type, external_id, action, COALESCE(reason, ''), after_value, error
           FROM run_change WHERE run_id = $1 AND status <> 'filtered'",
        run.id
    )
    .unwrap();
    rows.sort();
    rows
}

async fn preview(w: &World, policy: &Policy) -> Run {
    let scope = Scope::worker();
    let policy = Some(policy.clone());
    let asked = sync::preview(&w.t, &scope, w.integration, policy, RunTrigger::Operator).await;
    let id = asked.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    w.ended(id).await
}

sync_test!(
    any_filters_previewed_and_applied_are_as_previewed_and_taken_back_leave_nothing,
    tenant(924, 60),
    |w| {
        let mut w = w;
        w.policy.guard = no_guard();
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let at_first = w.actual().await;
        let (mut applied_some, without) = (0, w.policy.clone());
        for seed in 0..8 {
            let before = people(&w).await;
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let policy = Policy {
                filters: random_filters(&w, &mut rng),
                ..without.clone()
            };
            let shown = preview(&w, &policy).await;
            assert_eq!(
                people(&w).await,
                before,
                "seed {seed}: a preview changes nothing"
            );
            let planned = plan(&w, &shown).await;
            if shown.status == RunStatus::NothingToDo {
                continue;
            }
            applied_some += 1;
            let scope = Scope::worker();
            // What fails alone can't be applied, and isn't there to be.
            if shown.counts.iter().map(CountLine::changed).sum::<i64>() > 0 {
                sync::apply_preview(&w.t, &scope, shown.id).await.unwrap();
                run_until_idle(&w.t).await.unwrap();
                let applied = w.ended(shown.id).await;
                assert_eq!(plan(&w, &applied).await, planned, "seed {seed}");
            }
            let filtered = people(&w).await;

            // Tried on what is kept, they say the same.
            let request = FilterTestRequest {
                policy: Some(policy.clone()),
                ..FilterTestRequest::default()
            };
            let trial = filter::test(&w.t, &scope, w.integration, request).await;
            let trial = trial.unwrap();
            assert_eq!(trial.not_read, Vec::<String>::new());
            let count = line(&shown, ObjectType::User);
            assert_eq!(trial.counts.failed, count.failed, "seed {seed}: {trial:#?}");
            let counts = trial.counts;
            assert_eq!(
                counts.total,
                counts.included + counts.excluded + counts.failed
            );

            // Read once more, everything is as it should be.
            w.policy = policy;
            w.save_policy().await;
            let again = w.run(RunMode::Full).await;
            let changed: i64 = again.counts.iter().map(CountLine::changed).sum();
            assert_eq!(changed, 0, "seed {seed}: {again:#?}");
            assert_eq!(people(&w).await, filtered, "seed {seed}");

            w.policy = without.clone();
            w.save_policy().await;
            w.run(RunMode::Delta).await;
            assert_eq!(w.actual().await, at_first, "seed {seed}: taken back");
        }
        assert!(applied_some > 2, "{applied_some}");
    }
);

sync_test!(filters_are_tried_on_what_is_kept, tenant(925, 60), |w| {
    let w = w;
    w.run(RunMode::Full).await;
    let in_use = active(&people(&w).await);
    let (city, there) = a_city(&w, &in_use);
    let scope = Scope::worker();
    let ask = async |filters: Filters, examples: Option<u32>| {
        let request = FilterTestRequest {
            filters: Some(filters),
            examples,
            ..FilterTestRequest::default()
        };
        filter::test(&w.t, &scope, w.integration, request).await
    };
    let is = condition("city", FilterOperator::Is, &city);
    let none = ask(Filters::default(), None).await.unwrap().counts;
    let trial = ask(excluding(&[all(std::slice::from_ref(&is))]), Some(20))
        .await
        .unwrap();
    let number = i64::try_from(there.len()).unwrap();
    // The unfiltered directory has the city without that a run was needed to read it.
    assert_eq!(trial.not_read, Vec::<String>::new());
    assert!(
        trial.counts.excluded >= none.excluded + number,
        "{trial:#?}"
    );
    let cause = trial
        .causes
        .iter()
        .find(|one| one.cause.rule.is_some())
        .unwrap();
    assert_eq!(cause.cause.reason, Reason::ExcludedByFilter);
    assert_eq!(
        cause.cause.rule.as_deref().unwrap(),
        format!("Keep out: city is “{city}”")
    );
    assert!(trial.included.iter().all(|one| one.cause.is_none()));
    assert!(trial.excluded.len() <= 20 && !trial.excluded.is_empty());

    let unread = condition("extensionAttribute1", FilterOperator::IsEmpty, "");
    let trial = ask(excluding(&[all(&[unread])]), None).await.unwrap();
    assert_eq!(trial.not_read, ["extensionAttribute1"]);
    let wrong = excluding(&[FilterRule::Expression("lower(".to_owned())]);
    let error = ask(wrong, None).await.unwrap_err().to_string();
    assert!(
        error.contains("policy.filters.user.exclude[0].expression"),
        "{error}"
    );
    let error = ask(Filters::default(), Some(21))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("At most 20"), "{error}");
});

sync_test!(user_names_are_kept_in_one_form, tenant(926, 40), |w| {
    let mut w = w;
    w.run(RunMode::Full).await;
    let before = people(&w).await;
    let id = *active(&before).first().unwrap();
    let name = before[&id].2.clone().unwrap();
    w.control.move_upn(id, &name.to_uppercase()).unwrap();
    w.run(RunMode::Delta).await;
    let as_it_is = people(&w).await;
    assert_eq!(
        as_it_is[&id].2.as_deref(),
        Some(name.to_uppercase().as_str())
    );
    w.policy.normalize_user_names = true;
    w.save_policy().await;
    w.run(RunMode::Delta).await;
    for (id, (.., name)) in people(&w).await {
        let name = name.unwrap_or_default();
        assert_eq!(name, name.to_lowercase(), "{id}");
    }
    assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    w.policy.normalize_user_names = false;
    w.save_policy().await;
    w.run(RunMode::Delta).await;
    assert_eq!(people(&w).await, as_it_is, "taken back");
});
