//! People who are here already when a source brings them: never twice, never made one before that is
//! decided, and then exactly as decided.

use std::collections::BTreeMap;

use domain::{
    id::{CustomerId, ExternalId, IntegrationId, UserId},
    made_here::{NewUser, UserChange},
    matching::{
        MatchDecision, MatchDecisions, MatchDoubt, MatchFilter, MatchKey, MatchOutcome, MatchState,
        MatchStrength, MatchWithdrawal, UserMatch,
    },
    paging::PageRequest,
    policy::ObjectType,
    run::{Run, RunMode, RunStatus, RunTrigger},
    user::{DirectoryStatus, SourceType, WholeUser},
    why::WhyFound,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    sync_test,
    world::{UserShape, World, line, tenant},
};
use crate::{
    Error, Result,
    auth::command_line_scope,
    fetch_all, fetch_one,
    jobs::run_until_idle,
    store::{matches, users},
    sync, why,
};

async fn customer(w: &World) -> CustomerId {
    let mut tx = w.t.db.read().await.unwrap();
    let sql = "SELECT customer_id FROM integration WHERE id = $1";
    fetch_one!(&mut tx, (CustomerId,), sql, w.integration)
        .unwrap()
        .0
}

/// People in use in the source, with both names, whom the policy lets in and groups hold.
pub(super) fn people(w: &World) -> Vec<(Uuid, UserShape)> {
    let expected = w.expected();
    let edges = expected.edges;
    let in_groups = |id: &Uuid| edges.iter().any(|edge| edge.1 == *id);
    let found: Vec<_> = expected
        .users
        .into_iter()
        .filter(|(id, user)| user.active && user.names[0].is_some() && in_groups(id))
        .collect();
    assert!(found.len() > 5, "the seed has such people");
    found
}

fn like(shape: &UserShape) -> NewUser {
    NewUser {
        display_name: "Made Here".to_owned(),
        user_principal_name: shape.names[0].clone().unwrap().to_uppercase(),
        given_name: shape.names[1].clone(),
        surname: shape.names[2].clone(),
        ..NewUser::default()
    }
}

pub(super) async fn make(w: &World, new: NewUser) -> UserId {
    let made = users::create(&w.t, &command_line_scope(), customer(w).await, new).await;
    made.unwrap().user.id
}

async fn whole(w: &World, id: UserId) -> WholeUser {
    users::whole(&w.t, &command_line_scope(), id).await.unwrap()
}

pub(super) async fn queue(w: &World, state: MatchState) -> Vec<UserMatch> {
    let filter = MatchFilter {
        state: Some(state),
        strength: None,
    };
    let (page, owner) = (PageRequest::new(1, 1_000), command_line_scope());
    let found = matches::list(&w.t, &owner, w.integration, &filter, None, page)
        .await
        .unwrap();
    assert_eq!(i64::try_from(found.items.len()).unwrap(), found.total);
    found.items
}

async fn decide(
    w: &World,
    ids: &[Uuid],
    decision: MatchDecision,
    user_id: Option<UserId>,
) -> Result<Vec<MatchOutcome>> {
    let decisions = MatchDecisions {
        external_ids: ids.iter().copied().map(ExternalId).collect(),
        decision,
        user_id,
        note: "Asked them".to_owned(),
    };
    matches::decide(&w.t, &command_line_scope(), w.integration, &decisions).await
}

async fn take_back(w: &World, id: Uuid) -> Result<Vec<MatchOutcome>> {
    let withdrawal = MatchWithdrawal {
        external_ids: vec![ExternalId(id)],
        note: "It was somebody else".to_owned(),
    };
    matches::take_back(&w.t, &command_line_scope(), w.integration, &withdrawal).await
}

fn refused<T: std::fmt::Debug>(given: Result<T>, says: &str) {
    match given {
        Err(Error::Conflict { message, .. }) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
    }
}

/// Everybody who is in the directory, with the source's id.
async fn everybody(w: &World) -> BTreeMap<Uuid, (Option<Uuid>, String, String)> {
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (Uuid, Option<Uuid>, String, String),
        "SELECT id, external_id, display_name, status FROM directory_user"
    );
    let rows = rows.unwrap().into_iter();
    rows.map(|(id, source, name, status)| (id, (source, name, status)))
        .collect()
}

pub(super) async fn is_here(w: &World, source: Uuid) -> bool {
    everybody(w).await.values().any(|one| one.0 == Some(source))
}

async fn preview(w: &World) -> Run {
    let scope = command_line_scope();
    let run = sync::preview(&w.t, &scope, w.integration, None, RunTrigger::Operator).await;
    let id = run.unwrap().id;
    run_until_idle(&w.t).await.unwrap();
    w.ended(id).await
}

sync_test!(
    nobody_comes_in_twice_and_a_decision_makes_them_one,
    tenant(340, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        let here = make(
            &w,
            NewUser {
                aliases: vec!["countess@here.example".to_owned()],
                ..like(&shape)
            },
        )
        .await;
        let before = whole(&w, here).await;
        let all = w.expected().users.len();

        let run = w.run(RunMode::Full).await;
        let users = line(&run, ObjectType::User);
        assert_eq!(usize::try_from(users.created).unwrap(), all - 1);
        assert!(!is_here(&w, source).await, "neither created nor made one");
        let waiting = queue(&w, MatchState::Waiting).await;
        assert_eq!(waiting.len(), 1, "{waiting:#?}");
        assert_eq!(waiting[0].external_id, ExternalId(source));
        assert_eq!(waiting[0].strength, MatchStrength::Exact);
        assert_eq!(waiting[0].candidates[0].user_id, here);
        assert_eq!(waiting[0].candidates[0].keys, [MatchKey::UserPrincipalName]);
        assert_eq!(waiting[0].candidates[0].aliases, ["countess@here.example"]);
        let asked = source.to_string();
        let owner = command_line_scope();
        let answer = why::of_object(&w.t, &owner, w.integration, &asked)
            .await
            .unwrap();
        assert_eq!(answer.found, WhyFound::One);
        let words = answer.why.unwrap().answer;
        assert!(words.contains("isn’t decided yet"), "{words}");

        // Nothing comes of it by itself, however often it is looked at.
        for mode in [RunMode::Full, RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo, "{mode}");
            assert_eq!(queue(&w, MatchState::Waiting).await.len(), 1);
        }
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        assert_eq!(whole(&w, here).await, before);

        let outcomes = decide(&w, &[source], MatchDecision::Same, None)
            .await
            .unwrap();
        assert_eq!(outcomes[0].refused, None);
        refused(
            decide(&w, &[source], MatchDecision::Ignore, None).await,
            "decided this already",
        );
        assert_eq!(whole(&w, here).await, before, "the next run does it");

        // The preview shows it, and exactly that is applied.
        let shown = preview(&w).await;
        assert_eq!(line(&shown, ObjectType::User).updated, 1, "{shown:#?}");
        assert_eq!(whole(&w, here).await, before, "a preview changes nothing");
        let mut tx = w.t.db.read().await.unwrap();
        let change = fetch_all!(
            &mut tx,
            (Uuid, String, String),
            "SELECT object_id, before_value, after_value FROM run_change
              WHERE run_id = $1 AND action = 'match'",
            shown.id
        )
        .unwrap();
        drop(tx);
        assert_eq!(change.len(), 1);
        assert_eq!(change[0].0, here.0);
        let was: serde_json::Value = serde_json::from_str(&change[0].1).unwrap();
        let becomes: serde_json::Value = serde_json::from_str(&change[0].2).unwrap();
        assert_eq!(was["display_name"], "Made Here");
        assert_eq!(becomes["display_name"], *shape.display_name);
        assert_eq!(was["source"], "Manual");
        sync::apply_preview(&w.t, &owner, shown.id).await.unwrap();
        run_until_idle(&w.t).await.unwrap();
        let applied = w.ended(shown.id).await;
        assert_eq!(applied.status, RunStatus::Succeeded);
        w.assert_equal("after the match").await;
        let now = whole(&w, here).await;
        assert_eq!(now.user.external_id, Some(ExternalId(source)));
        assert_eq!(now.user.source_type, SourceType::EntraSync);
        assert_eq!(now.aliases, before.aliases, "what is ours stays");
        assert_eq!(everybody(&w).await.len(), all, "nobody is here twice");
        for mode in [RunMode::Full, RunMode::Delta] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo, "{mode}");
        }

        // It follows the source from now on.
        let other = json!({ "jobTitle": "Analyst" });
        let other = other.as_object().unwrap().clone();
        w.control
            .update(source, &other.into_iter().collect())
            .unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("after a change").await;
    }
);

sync_test!(
    a_match_that_is_taken_back_leaves_everybody_as_they_were,
    tenant(349, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        let here = make(&w, like(&shape)).await;
        let before = whole(&w, here).await;
        w.run(RunMode::Full).await;
        decide(&w, &[source], MatchDecision::Same, None)
            .await
            .unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("after the match").await;

        // They are what they were, and it is asked again.
        take_back(&w, source).await.unwrap();
        let back = whole(&w, here).await;
        assert_eq!(back.user.external_id, None);
        let mut then = back.clone();
        then.user = before.user.clone();
        then.standing.changed_at = before.standing.changed_at;
        assert_eq!(then, before);
        let edges = "SELECT COUNT(*) FROM directory_membership m
                       JOIN directory_user u ON u.id = m.member_id WHERE u.external_id IS NULL";
        assert_eq!(w.count(edges).await, 0);
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 1);
        w.run(RunMode::Full).await;
        assert!(!is_here(&w, source).await);
        assert_eq!(whole(&w, here).await, back);
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 1);
        refused(take_back(&w, source).await, "Nothing is decided");
    }
);

sync_test!(
    somebody_of_their_own_comes_in_once_the_name_is_free,
    tenant(341, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        let here = make(&w, like(&shape)).await;
        w.run(RunMode::Full).await;
        refused(
            decide(&w, &[source], MatchDecision::Other, None).await,
            "signs in here with",
        );
        let renamed = UserChange {
            user_principal_name: Some("another@here.example".to_owned()),
            mail: shape.names[0].clone(),
            ..UserChange::default()
        };
        let owner = command_line_scope();
        users::change(&w.t, &owner, here, renamed).await.unwrap();
        decide(&w, &[source], MatchDecision::Other, None)
            .await
            .unwrap();
        assert!(!is_here(&w, source).await);
        let run = w.run(RunMode::Delta).await;
        assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
        assert!(is_here(&w, source).await);
        assert_eq!(whole(&w, here).await.user.source_type, SourceType::Manual);
        refused(
            take_back(&w, source).await,
            "came in as somebody of their own",
        );
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
        let decided = queue(&w, MatchState::Decided).await;
        let made = decided[0].decided.as_ref().unwrap();
        assert_eq!(
            (made.decision, &*made.note),
            (MatchDecision::Other, "Asked them")
        );
    }
);

sync_test!(
    who_is_ignored_stays_out_until_that_is_taken_back,
    tenant(342, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        make(&w, like(&shape)).await;
        w.run(RunMode::Full).await;
        decide(&w, &[source], MatchDecision::Ignore, None)
            .await
            .unwrap();
        for mode in [RunMode::Delta, RunMode::Full] {
            assert_eq!(w.run(mode).await.status, RunStatus::NothingToDo, "{mode}");
        }
        assert!(!is_here(&w, source).await);
        assert_eq!(queue(&w, MatchState::Waiting).await, []);
        take_back(&w, source).await.unwrap();
        w.run(RunMode::Delta).await;
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 1);
    }
);

sync_test!(
    a_rule_matches_only_what_leaves_no_doubt,
    tenant(343, 60),
    |w| {
        let mut w = w;
        w.policy.matching.automatic = vec![MatchKey::UserPrincipalName];
        w.save_policy().await;
        let [(exact, one), (boss, two), (away, three), (mailed, four)] =
            <[_; 4]>::try_from(people(&w).into_iter().take(4).collect::<Vec<_>>()).unwrap();
        let matched = make(&w, like(&one)).await;
        let administrator = NewUser {
            administrator: true,
            ..like(&two)
        };
        make(&w, administrator).await;
        let inactive = make(&w, like(&three)).await;
        let owner = command_line_scope();
        users::deactivate(&w.t, &owner, inactive, "").await.unwrap();
        let by_mail = NewUser {
            user_principal_name: "elsewhere@here.example".to_owned(),
            mail: four.names[0].clone(),
            ..like(&four)
        };
        make(&w, by_mail).await;

        w.run(RunMode::Full).await;
        assert_eq!(
            whole(&w, matched).await.user.external_id,
            Some(ExternalId(exact))
        );
        let waiting = queue(&w, MatchState::Waiting).await;
        let of = |id: Uuid| {
            let found = waiting.iter().find(|one| one.external_id.0 == id);
            found.unwrap_or_else(|| panic!("{id} waits: {waiting:#?}"))
        };
        assert_eq!(waiting.len(), 3);
        assert_eq!(of(boss).candidates[0].doubts, [MatchDoubt::Administrator]);
        assert_eq!(of(away).candidates[0].doubts, [MatchDoubt::Inactive]);
        assert_eq!(of(mailed).candidates[0].keys, [MatchKey::Mail]);
        let strengths = [boss, away, mailed].map(|id| of(id).strength);
        let (exact_one, likely) = (MatchStrength::Exact, MatchStrength::Likely);
        assert_eq!(strengths, [exact_one, likely, likely]);
        let decided = queue(&w, MatchState::Decided).await;
        let made = decided[0].decided.as_ref().unwrap();
        assert!(made.automatic && made.applied_at.is_some(), "{made:?}");

        // Taken back, the rule doesn't make it again.
        take_back(&w, exact).await.unwrap();
        w.run(RunMode::Full).await;
        assert_eq!(whole(&w, matched).await.user.external_id, None);
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 4);

        // Many at once: what can be done is done.
        let outcomes = decide(&w, &[exact, boss, away, mailed], MatchDecision::Same, None)
            .await
            .unwrap();
        assert!(
            outcomes.iter().all(|one| one.refused.is_none()),
            "{outcomes:?}"
        );
        w.run(RunMode::Delta).await;
        w.assert_equal("after many at once").await;
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
        assert_eq!(
            whole(&w, inactive).await.user.status,
            DirectoryStatus::Active
        );
    }
);

sync_test!(
    new_people_wait_where_the_rule_says_so,
    tenant(344, 40),
    |w| {
        let mut w = w;
        w.policy.matching.confirm_new = true;
        w.save_policy().await;
        let all = w.expected().users.len();
        let run = w.run(RunMode::Full).await;
        assert_eq!(line(&run, ObjectType::User).created, 0);
        let waiting = queue(&w, MatchState::Waiting).await;
        assert_eq!(waiting.len(), all);
        assert!(waiting.iter().all(|one| one.strength == MatchStrength::New));
        let counts = matches::counts(&w.t, &command_line_scope(), w.integration).await;
        assert_eq!(usize::try_from(counts.unwrap().waiting()).unwrap(), all);
        let ids: Vec<Uuid> = waiting.iter().map(|one| one.external_id.0).collect();
        refused(
            decide(&w, &ids[..1], MatchDecision::Same, None).await,
            "Nobody here has anything in common",
        );
        decide(&w, &ids, MatchDecision::Other, None).await.unwrap();
        w.run(RunMode::Delta).await;
        w.assert_equal("after all were confirmed").await;
        assert_eq!(queue(&w, MatchState::Waiting).await, []);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
    }
);

sync_test!(of_several_who_fit_one_is_chosen, tenant(345, 60), |w| {
    let (source, shape) = people(&w).remove(0);
    let id = json!({ "employeeId": "E-7" });
    let id = id.as_object().unwrap().clone();
    w.control.update(source, &id.into_iter().collect()).unwrap();
    let by_name = make(&w, like(&shape)).await;
    let by_id = NewUser {
        user_principal_name: "old@here.example".to_owned(),
        attributes: BTreeMap::from([("employeeId".to_owned(), "e-7".to_owned())]),
        ..like(&shape)
    };
    let by_id = make(&w, by_id).await;
    w.run(RunMode::Full).await;
    let waiting = queue(&w, MatchState::Waiting).await;
    assert_eq!(waiting[0].strength, MatchStrength::Likely);
    assert_eq!(waiting[0].candidates.len(), 2);
    let doubts = &waiting[0].candidates[0].doubts;
    assert!(doubts.contains(&MatchDoubt::SeveralHere), "{doubts:?}");
    refused(
        decide(&w, &[source], MatchDecision::Same, None).await,
        "say who is meant",
    );
    decide(&w, &[source], MatchDecision::Same, Some(by_id))
        .await
        .unwrap();
    // The other one signs in by the name still.
    w.run(RunMode::Full).await;
    assert_eq!(whole(&w, by_id).await.user.external_id, None);
    let kept_out = "SELECT COUNT(*) FROM run_change WHERE reason = 'duplicate_user_name'";
    assert_eq!(w.count(kept_out).await, 1);
    let owner = command_line_scope();
    users::deactivate(&w.t, &owner, by_name, "").await.unwrap();
    w.run(RunMode::Full).await;
    let matched = whole(&w, by_id).await.user;
    assert_eq!(matched.external_id, Some(ExternalId(source)));
    assert_eq!(matched.user_principal_name, shape.names[0]);
});

sync_test!(
    a_decision_about_who_is_gone_is_not_done,
    tenant(346, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        let here = make(&w, like(&shape)).await;
        w.run(RunMode::Full).await;
        decide(&w, &[source], MatchDecision::Same, None)
            .await
            .unwrap();
        let owner = command_line_scope();
        users::delete(&w.t, &owner, here).await.unwrap();
        let run = w.run(RunMode::Delta).await;
        assert_eq!(
            line(&run, ObjectType::User).created,
            1,
            "nobody is like them any more"
        );
        assert!(is_here(&w, source).await);
        assert_eq!(whole(&w, here).await.user.status, DirectoryStatus::Deleted);
    }
);

sync_test!(
    a_run_of_the_schedule_notices_that_who_is_here_changed,
    tenant(348, 60),
    |w| {
        let (source, shape) = people(&w).remove(0);
        let here = make(&w, like(&shape)).await;
        w.run(RunMode::Full).await;
        assert_eq!(w.scheduled().await.status, RunStatus::NothingToDo);
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 1);
        let owner = command_line_scope();
        users::delete(&w.t, &owner, here).await.unwrap();
        let run = w.scheduled().await;
        assert_eq!(line(&run, ObjectType::User).created, 1, "{run:#?}");
        assert!(is_here(&w, source).await);
        assert_eq!(queue(&w, MatchState::Waiting).await, []);
    }
);

sync_test!(
    people_of_other_integrations_and_customers,
    tenant(347, 60),
    |w| {
        let [(taken, one), (free, two)] =
            <[_; 2]>::try_from(people(&w).into_iter().take(2).collect::<Vec<_>>()).unwrap();
        let newer = IntegrationId(w.t.ids.uuid());
        let mut tx = w.t.db.write().await.unwrap();
        crate::execute!(
            &mut tx,
            "INSERT INTO integration (id, customer_id, kind, name, name_folded, tenant, cloud,
                credential_profile_id, enabled, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at)
             SELECT $1, customer_id, kind, 'Fabrikam', 'fabrikam', 'fabrikam.example', cloud,
                credential_profile_id, FALSE, full_scan_next, first_full_done, schedule, policy,
                state, failures, last_sync_detail, created_at FROM integration",
            newer
        )
        .unwrap();
        tx.commit().await.unwrap();
        let there = make(&w, like(&one)).await;
        let mut tx = w.t.db.write().await.unwrap();
        crate::execute!(
            &mut tx,
            "UPDATE directory_user SET integration_id = $1, external_id = $2,
                source_type = 'EntraSync' WHERE id = $3",
            newer,
            Uuid::from_u128(7),
            there
        )
        .unwrap();
        tx.commit().await.unwrap();
        // Another customer's people are nobody's business.
        let other = w.t.customer("Other").await;
        let theirs = users::create(&w.t, &command_line_scope(), other, like(&two)).await;
        let theirs = theirs.unwrap().user.id;

        w.run(RunMode::Full).await;
        assert!(is_here(&w, free).await);
        assert_eq!(whole(&w, theirs).await.user.external_id, None);
        let waiting = queue(&w, MatchState::Waiting).await;
        assert_eq!(waiting.len(), 1, "{waiting:#?}");
        assert_eq!(waiting[0].external_id, ExternalId(taken));
        let candidate = &waiting[0].candidates[0];
        assert_eq!(candidate.doubts, [MatchDoubt::OtherSource]);
        assert_eq!(candidate.integration_name.as_deref(), Some("Fabrikam"));
        refused(
            decide(&w, &[taken], MatchDecision::Same, None).await,
            "comes from Fabrikam",
        );
        decide(&w, &[taken], MatchDecision::Ignore, None)
            .await
            .unwrap();
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::NothingToDo);
        assert_eq!(whole(&w, there).await.user.integration_id, Some(newer));
    }
);
