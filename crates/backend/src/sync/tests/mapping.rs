//! Attributes that rules make: in the directory, in what is asked of the source, for whom a rule
//! fails, and in a preview.

use std::collections::BTreeMap;

use domain::{
    mapping::{AttributeRule, Mapping, MappingRule, MappingTestRequest},
    policy::{ObjectType, Policy},
    run::{CountLine, Reason, Run, RunMode, RunStatus, RunTrigger},
    why::{StepKind, StepOutcome, WhyFound},
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use serde_json::{Value, json};
use simulator::{Attributes, UserSnapshot};
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, line, tenant},
};
use crate::{Scope, fetch_all, jobs::run_until_idle, mapping, sync, why};

/// A directory schema extension of the simulator's users.
const COST_CENTER: &str = "extension_b1c3d5e7f9a14c6e8a0b2d4f6a8c0e1f_costCenter";

fn rule(attribute: &str, rule: MappingRule) -> AttributeRule {
    AttributeRule {
        attribute: attribute.to_owned(),
        rule,
    }
}

fn source(attribute: &str, name: &str) -> AttributeRule {
    rule(attribute, MappingRule::Source(name.to_owned()))
}

fn expression(attribute: &str, text: &str) -> AttributeRule {
    rule(attribute, MappingRule::Expression(text.to_owned()))
}

fn users(rules: Vec<AttributeRule>) -> Mapping {
    Mapping {
        user: rules,
        ..Mapping::default()
    }
}

/// A person as the directory has them.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Person {
    status: String,
    display_name: String,
    search_text: String,
    given_name: Option<String>,
    mail: Option<String>,
    attributes: String,
}

impl Person {
    fn attribute(&self, name: &str) -> Value {
        let all: BTreeMap<String, Value> = serde_json::from_str(&self.attributes).unwrap();
        all.get(name).cloned().unwrap_or_default()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    external_id: Uuid,
    #[sqlx(flatten)]
    person: Person,
}

async fn people(w: &World) -> BTreeMap<Uuid, Person> {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        Row,
        "SELECT external_id, status, display_name, search_text, given_name, mail, attributes
           FROM directory_user"
    );
    let rows = rows.unwrap().into_iter();
    rows.map(|row| (row.external_id, row.person)).collect()
}

/// Of a snapshot: a value by its name in the source.
fn value(user: &UserSnapshot, name: &str) -> Value {
    user.attributes.get(name).cloned().unwrap_or_default()
}

async fn change(w: &mut World, mapping: Mapping) {
    w.policy.mapping = mapping;
    w.save_policy().await;
}

/// What was selected of users at the beginning of a round or by their ids.
fn selected(w: &World) -> Vec<String> {
    let log = w.control.request_log();
    let paths = log.iter().map(|request| format!("{request:?}"));
    paths.filter(|path| path.contains("users")).collect()
}

sync_test!(rules_make_what_the_directory_has, tenant(900, 60), |w| {
    let mut w = w;
    w.run(RunMode::Full).await;
    let before = w.actual().await;
    w.control.reset_stats();
    change(
        &mut w,
        users(vec![
            expression("display_name", "surname + ', ' + givenName"),
            source("jobTitle", COST_CENTER),
            source("city", "extensionAttribute2"),
            rule("country", MappingRule::Constant("Everywhere".to_owned())),
            rule("mobilePhone", MappingRule::LeaveOut),
            rule(
                "mail",
                MappingRule::First(vec!["mail".to_owned(), "userPrincipalName".to_owned()]),
            ),
        ]),
    )
    .await;
    // Nobody asked for everything, but the cursors were made for other properties.
    let run = w.run(RunMode::Delta).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    let asked = selected(&w).join("\n");
    assert!(asked.contains(COST_CENTER) && asked.contains("onPremisesExtensionAttributes"));
    assert!(
        !asked.contains("mobilePhone") && !asked.contains("country"),
        "{asked}"
    );
    let people = people(&w).await;
    let snapshot = w.control.snapshot();
    let mut with_cost_center = 0;
    for user in &snapshot.users {
        let Some(person) = people.get(&user.id) else {
            continue;
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = format!("{}, {}", text(&user.surname), text(&user.given_name));
        assert_eq!(person.display_name, name);
        assert!(person.search_text.starts_with(&planner::fold(&name)));
        assert_eq!(person.attribute("jobTitle"), value(user, COST_CENTER));
        let fifteen = value(user, "onPremisesExtensionAttributes");
        assert_eq!(person.attribute("city"), fifteen["extensionAttribute2"]);
        assert_eq!(person.attribute("country"), "Everywhere");
        assert_eq!(person.attribute("mobilePhone"), Value::Null);
        assert_eq!(
            person.attribute(COST_CENTER),
            Value::Null,
            "it is only read"
        );
        let mail = user.mail.clone().or(user.user_principal_name.clone());
        assert_eq!(person.mail, mail);
        with_cost_center += usize::from(!value(user, COST_CENTER).is_null());
    }
    assert!(with_cost_center > 5, "{with_cost_center}");
    assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);

    // A change of what rules read comes with the next round.
    let one = snapshot
        .users
        .iter()
        .find(|user| people.contains_key(&user.id))
        .unwrap();
    let moved = Attributes::from([
        (COST_CENTER.to_owned(), json!("9999")),
        (
            "onPremisesExtensionAttributes".to_owned(),
            json!({"extensionAttribute2": "attic"}),
        ),
    ]);
    w.control.update(one.id, &moved).unwrap();
    let run = w.run(RunMode::Delta).await;
    assert_eq!(line(&run, ObjectType::User).updated, 1, "{run:#?}");
    let moved = &self::people(&w).await[&one.id];
    assert_eq!(moved.attribute("jobTitle"), "9999");
    assert_eq!(moved.attribute("city"), "attic");

    // Without the rules the directory is what it was.
    change(&mut w, Mapping::default()).await;
    let run = w.run(RunMode::Delta).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    w.assert_equal("after the rules were taken back").await;
    assert_eq!(w.actual().await, before);
    let left = "SELECT COUNT(*) FROM source_object
                     WHERE mapped_from IS NOT NULL OR mapping_error IS NOT NULL";
    assert_eq!(w.count(left).await, 0);
    assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
});

sync_test!(
    with_groups_selected_members_are_mapped_too,
    tenant(901, 60),
    |w| {
        let mut w = w;
        let snapshot = w.control.snapshot();
        let group = snapshot
            .groups
            .iter()
            .find(|group| {
                let edges = snapshot.memberships.iter();
                group.kind == simulator::GroupKind::Security
                    && edges.filter(|edge| edge.group_id == group.id).count() > 3
            })
            .unwrap();
        w.policy.selected_group_ids = vec![domain::id::ExternalId(group.id)];
        let mut rules = users(vec![source("jobTitle", COST_CENTER)]);
        rules.group = vec![expression("display_name", "upper(displayName)")];
        change(&mut w, rules).await;
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        let people = people(&w).await;
        assert!(!people.is_empty());
        for user in &snapshot.users {
            if let Some(person) = people.get(&user.id) {
                assert_eq!(person.attribute("jobTitle"), value(user, COST_CENTER));
            }
        }
        let name = group
            .display_name
            .clone()
            .unwrap_or_default()
            .to_uppercase();
        let named = w.actual().await.groups[&group.id].0.clone();
        assert_eq!(named, name);
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
    }
);

/// Who is kept and has no city, or has one.
fn by_city(w: &World, people: &BTreeMap<Uuid, Person>) -> (Vec<Uuid>, Vec<Uuid>) {
    let snapshot = w.control.snapshot();
    let kept = snapshot
        .users
        .iter()
        .filter(|user| people.contains_key(&user.id));
    let (without, with): (Vec<&UserSnapshot>, Vec<&UserSnapshot>) =
        kept.partition(|user| value(user, "city").is_null());
    let ids = |users: Vec<&UserSnapshot>| users.iter().map(|user| user.id).collect();
    (ids(without), ids(with))
}

sync_test!(
    a_rule_that_fails_is_one_persons_error,
    tenant(902, 80),
    |w| {
        let mut w = w;
        w.policy.require_names = false;
        w.save_policy().await;
        w.run(RunMode::Full).await;
        let before = people(&w).await;
        let (failing, working) = by_city(&w, &before);
        assert!(!failing.is_empty() && !working.is_empty());
        let edges = w.actual().await.edges;

        change(&mut w, users(vec![expression("jobTitle", "city + '!'")])).await;
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        let counts = line(&run, ObjectType::User);
        assert_eq!(counts.failed, i64::try_from(failing.len()).unwrap());
        assert_eq!((counts.disabled, counts.deleted, counts.held), (0, 0, 0));
        let error = run.error.unwrap();
        assert_eq!(error.code, "mapping_failed");
        assert!(
            error
                .detail
                .contains("jobTitle: “+” can’t be used with nothing"),
            "{error:?}"
        );
        let after = people(&w).await;
        for id in &failing {
            assert_eq!(after[id], before[id], "stays as it is");
        }
        for id in &working {
            assert!(
                after[id]
                    .attribute("jobTitle")
                    .as_str()
                    .unwrap()
                    .ends_with('!')
            );
        }
        assert_eq!(w.actual().await.edges, edges);
        let named =
            "SELECT COUNT(*) FROM run_change WHERE status = 'failed' AND error LIKE 'jobTitle: %'
                        AND reason = 'mapping_failed'";
        assert_eq!(w.count(named).await, counts.failed);
        let pending = "SELECT COUNT(*) FROM source_object WHERE pending = 'mapping'";
        assert_eq!(w.count(pending).await, counts.failed);

        // Nothing but the source or the policy can help, so the schedule is quiet.
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        assert_eq!(w.count(pending).await, counts.failed);

        // Why?
        let (scope, object) = (Scope::worker(), failing[0].to_string());
        let answer = why::of_object(&w.t, &scope, w.integration, &object).await;
        let answer = answer.unwrap();
        assert_eq!(answer.found, WhyFound::One);
        let why = answer.why.unwrap();
        assert_eq!(why.reason, Some(Reason::MappingFailed));
        assert!(
            why.answer.contains("a mapping rule fails for it"),
            "{}",
            why.answer
        );
        let stopped = why
            .steps
            .iter()
            .find(|step| step.step == StepKind::MappingRules)
            .unwrap();
        assert_eq!(stopped.outcome, StepOutcome::Stopped);
        assert!(
            why.other.unwrap().changes[0]
                .sentence
                .contains("Attributes tab")
        );

        // Who gets a city is mapped with the next round; who is blocked leaves all the same.
        let city = Attributes::from([("city".to_owned(), json!("Utrecht"))]);
        w.control.update(failing[0], &city).unwrap();
        let active = failing
            .iter()
            .skip(1)
            .find(|id| after[*id].status == "active")
            .copied();
        if let Some(id) = active {
            w.control.set_enabled(id, false).unwrap();
        }
        w.run(RunMode::Delta).await;
        let later = people(&w).await;
        assert_eq!(later[&failing[0]].attribute("jobTitle"), "Utrecht!");
        if let Some(id) = active {
            assert_eq!(later[&id].status, "inactive");
            assert_eq!(later[&id].attributes, before[&id].attributes);
        }

        // A rule that works for everybody mends it.
        change(
            &mut w,
            users(vec![expression(
                "jobTitle",
                "coalesce(city, 'nowhere') + '!'",
            )]),
        )
        .await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
        assert_eq!(w.count(pending).await, 0);
        let mended = people(&w).await;
        for id in &failing[1..] {
            assert_eq!(mended[id].attribute("jobTitle"), "nowhere!");
        }
    }
);

sync_test!(
    whom_a_rule_fails_for_from_the_first_does_not_come_in,
    tenant(903, 60),
    |w| {
        let mut w = w;
        w.policy.require_names = false;
        change(&mut w, users(vec![expression("jobTitle", "city + '!'")])).await;
        let run = w.run(RunMode::Full).await;
        assert_eq!(run.status, RunStatus::Partial, "{run:#?}");
        let there = people(&w).await;
        assert!(
            there
                .values()
                .all(|one| one.attribute("jobTitle") != Value::Null)
        );
        let failed = line(&run, ObjectType::User).failed;
        assert!(failed > 0);
        change(&mut w, Mapping::default()).await;
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).created, failed, "{run:#?}");
        w.assert_equal("after the rule was taken back").await;
    }
);

/// A few rules, made from a seed: some fail for some people.
fn random_rules(rng: &mut impl Rng) -> Vec<AttributeRule> {
    let targets = [
        "display_name",
        "given_name",
        "mail",
        "jobTitle",
        "city",
        "extensionAttribute1",
    ];
    let mut rules = Vec::new();
    for target in targets {
        if rng.random_bool(0.5) {
            continue;
        }
        let sources = [
            "displayName",
            "userPrincipalName",
            "mail",
            "department",
            COST_CENTER,
        ];
        let one = sources.choose(rng).copied().unwrap_or("mail");
        let other = sources.choose(rng).copied().unwrap_or("mail");
        rules.push(match rng.random_range(0..5) {
            0 => source(target, one),
            1 => rule(target, MappingRule::Constant("Same".to_owned())),
            2 => rule(
                target,
                MappingRule::First(vec![one.to_owned(), other.to_owned()]),
            ),
            3 => expression(target, &format!("{one} + '/' + {other}")),
            _ => expression(
                target,
                &format!("upper(coalesce({one}, userPrincipalName))"),
            ),
        });
    }
    rules
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

sync_test!(
    any_rules_previewed_and_applied_are_as_previewed_and_taken_back_leave_nothing,
    tenant(904, 50),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        let at_first = w.actual().await;
        for seed in 0..5 {
            // Whom rules brought in and who left with them is there, inactive.
            let before = people(&w).await;
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let policy = Policy {
                mapping: users(random_rules(&mut rng)),
                ..w.policy.clone()
            };
            let scope = Scope::worker();
            let asked = sync::preview(
                &w.t,
                &scope,
                w.integration,
                Some(policy.clone()),
                RunTrigger::Operator,
            );
            let shown = asked.await.unwrap().id;
            run_until_idle(&w.t).await.unwrap();
            let shown = w.ended(shown).await;
            assert_eq!(
                people(&w).await,
                before,
                "seed {seed}: a preview changes nothing"
            );
            let planned = plan(&w, &shown).await;
            if shown.status == RunStatus::NothingToDo {
                continue;
            }
            sync::apply_preview(&w.t, &scope, shown.id).await.unwrap();
            run_until_idle(&w.t).await.unwrap();
            let applied = w.ended(shown.id).await;
            assert_eq!(plan(&w, &applied).await, planned, "seed {seed}");
            let mapped = people(&w).await;

            // Read once more, everything is as it should be.
            w.policy = policy;
            let again = w.run(RunMode::Full).await;
            let changed: i64 = again.counts.iter().map(CountLine::changed).sum();
            assert_eq!(changed, 0, "seed {seed}: {again:#?}");
            assert_eq!(people(&w).await, mapped, "seed {seed}");

            change(&mut w, Mapping::default()).await;
            w.run(RunMode::Delta).await;
            assert_eq!(w.actual().await, at_first, "seed {seed}: taken back");
        }
    }
);

sync_test!(rules_are_tried_on_real_people, tenant(905, 40), |w| {
    let w = w;
    w.run(RunMode::Full).await;
    let (id, person) = people(&w).await.into_iter().next().unwrap();
    let scope = Scope::worker();
    let ask = async |mapping: Mapping, objects: Vec<String>| {
        let request = MappingTestRequest {
            mapping: Some(mapping),
            policy: None,
            objects,
        };
        mapping::test(&w.t, &scope, w.integration, request).await
    };
    let rules = users(vec![
        expression("display_name", "upper(displayName)"),
        expression("jobTitle", "surname + 1"),
    ]);
    let objects = vec![id.to_string(), "nobody@nowhere.example".to_owned()];
    let test = ask(rules.clone(), objects).await.unwrap();
    assert_eq!(
        (test.objects.len(), test.not_found.len()),
        (1, 1),
        "{test:#?}"
    );
    let tried = &test.objects[0];
    assert_eq!(tried.external_id.0, id);
    assert!(tried.directory_id.is_some());
    let name = &tried.attributes[0];
    assert_eq!(name.now, json!(person.display_name));
    assert_eq!(name.then, json!(person.display_name.to_uppercase()));
    assert!(
        tried.attributes[1]
            .error
            .as_ref()
            .unwrap()
            .contains("can’t be used")
    );
    assert_eq!(people(&w).await[&id], person, "nothing is stored");

    // Nobody named: some of the directory.
    let test = ask(rules, Vec::new()).await.unwrap();
    assert_eq!(test.objects.len(), 3);
    let wrong = users(vec![expression("jobTitle", "surname +")]);
    let error = ask(wrong, Vec::new()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("policy.mapping.user[0].expression"),
        "{error}"
    );
    let many = ask(Mapping::default(), vec!["somebody".to_owned(); 6]).await;
    assert!(many.unwrap_err().to_string().contains("at most 5"));
});

sync_test!(
    the_day_somebody_was_hired_makes_attributes_and_is_read_only_then,
    tenant(906, 30),
    |w| {
        let mut w = w;
        w.run(RunMode::Full).await;
        assert!(!selected(&w).join("\n").contains("employeeHireDate"));
        let id = *people(&w).await.keys().next().unwrap();
        let day = ("employeeHireDate".to_owned(), json!("2024-03-01T00:00:00Z"));
        w.control.update(id, &Attributes::from([day])).unwrap();
        w.control.reset_stats();
        change(
            &mut w,
            users(vec![
                source("employeeHireDate", "employeeHireDate"),
                expression("jobTitle", "coalesce(employeeHireDate, 'unknown')"),
            ]),
        )
        .await;
        assert_eq!(w.run(RunMode::Delta).await.status, RunStatus::Succeeded);
        assert!(selected(&w).join("\n").contains("employeeHireDate"));
        let hired = people(&w).await.remove(&id).unwrap();
        for name in ["employeeHireDate", "jobTitle"] {
            assert_eq!(hired.attribute(name), json!("2024-03-01T00:00:00Z"));
        }
    }
);
