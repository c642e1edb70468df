//! The queue as it is listed, written out and decided about, behind the walls between customers.

use domain::{
    api_token::ListKind,
    id::CustomerId,
    matching::{MatchDecisions, MatchWithdrawal},
    permission::Role,
    text::FieldError,
};

use super::*;
use crate::{db_test, execute, store::sample, testing::TestBackend};

/// Somebody of a source who waits, as a run leaves them.
async fn waits(
    t: &TestBackend,
    integration: IntegrationId,
    name: &str,
    strength: MatchStrength,
) -> ExternalId {
    let id = ExternalId(t.ids.uuid());
    let user_name = format!("{}@x.example", planner::fold(name).replace(' ', "."));
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO source_object (integration_id, object_type, external_id, presence,
            display_name, name_folded, search_text, user_principal_name, user_name_folded,
            sign_in_blocked, guest, dynamic, attributes, hash, in_scope, kept, pending)
         VALUES ($1, 'user', $2, 'present', $3, $4, $5, $6, $6, FALSE, FALSE, FALSE, '{}', $7,
            FALSE, FALSE, 'matching')",
        integration,
        id,
        name,
        planner::fold(name),
        planner::fold::search_text([name, &user_name]),
        &user_name,
        vec![1_u8; 32]
    )
    .unwrap();
    execute!(
        &mut tx,
        "INSERT INTO user_match (integration_id, external_id, strength, found_at, taken_back, note,
            automatic) VALUES ($1, $2, $3, $4, FALSE, '', FALSE)",
        integration,
        id,
        strength,
        t.clock.now()
    )
    .unwrap();
    tx.commit().await.unwrap();
    id
}

fn decision(ids: &[ExternalId], decision: MatchDecision, note: &str) -> MatchDecisions {
    MatchDecisions {
        external_ids: ids.to_vec(),
        decision,
        user_id: None,
        note: note.to_owned(),
    }
}

fn blamed<T: std::fmt::Debug>(given: Result<T>, field: &str) -> FieldError {
    match given {
        Err(Error::Invalid(error)) => {
            assert_eq!(error.field, field, "{error}");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// A customer, its integration, and somebody made here whom the first of the queue is like.
async fn world(t: &TestBackend, scope: &Scope) -> (CustomerId, IntegrationId) {
    let customer = t.customer("Contoso").await;
    let integration = sample::integration(t, scope, customer).await.id;
    (customer, integration)
}

db_test!(the_queue_is_listed_by_name_and_cut, |t| {
    let owner = t.owner().await;
    let (customer, id) = world(&t, &owner).await;
    sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    waits(&t, id, "Ada", MatchStrength::Exact).await;
    waits(&t, id, "Zoe", MatchStrength::New).await;
    waits(&t, id, "Bob", MatchStrength::Likely).await;
    let list = async |filter: MatchFilter, q: Option<&str>| {
        let page = PageRequest::new(1, 50);
        let found = list(&t, &owner, id, &filter, q, page).await.unwrap();
        let names = found
            .items
            .iter()
            .map(|one| one.source.display_name.clone());
        names.collect::<Vec<_>>()
    };
    let all = MatchFilter::default();
    assert_eq!(list(all.clone(), None).await, ["Ada", "Bob", "Zoe"]);
    assert_eq!(list(all.clone(), Some("ZO")).await, ["Zoe"]);
    let exact = MatchFilter {
        strength: Some(MatchStrength::Exact),
        ..all.clone()
    };
    assert_eq!(list(exact, None).await, ["Ada"]);
    let decided = MatchFilter {
        state: Some(MatchState::Decided),
        ..all.clone()
    };
    assert!(list(decided, None).await.is_empty());
    let found = counts(&t, &owner, id).await.unwrap();
    assert_eq!((found.exact, found.likely, found.new), (1, 1, 1));

    // For programs, two and then one.
    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let first = listing(&t, &owner, id, &all, &request).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.items[0].candidates[0].here.display_name, "Ada");
    request.cursor = first.next.map(|next| next.parse().unwrap());
    let rest = listing(&t, &owner, id, &all, &request).await.unwrap();
    assert_eq!(rest.items.len(), 1);
    assert_eq!(rest.next, None);
    assert_eq!(ListKind::Matches.as_str(), "matches");

    let file = csv(&t, &owner, id, all, None).await.unwrap();
    let file = sample::text(file).await;
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 4, "{file}");
    assert!(lines[0].starts_with("Name,User name,Mail"), "{file}");
    assert!(
        lines[1].contains("ada@x.example") && lines[1].contains("Manual"),
        "{file}"
    );
});

db_test!(a_decision_takes_a_reason_and_whom_it_is_about, |t| {
    let owner = t.owner().await;
    let (customer, id) = world(&t, &owner).await;
    let here = sample::user(&t, customer, None, "Ada", DirectoryStatus::Active).await;
    let ada = waits(&t, id, "Ada", MatchStrength::Exact).await;
    let bob = waits(&t, id, "Bob", MatchStrength::New).await;
    let same = MatchDecision::Same;
    blamed(
        decide(&t, &owner, id, &decision(&[ada], same, " ")).await,
        "note",
    );
    blamed(
        decide(&t, &owner, id, &decision(&[], same, "T-1")).await,
        "external_ids",
    );
    let many: Vec<ExternalId> = (0..1_001).map(|n| ExternalId(Uuid::from_u128(n))).collect();
    blamed(
        decide(&t, &owner, id, &decision(&many, same, "T-1")).await,
        "external_ids",
    );
    let nobody = [ExternalId(Uuid::from_u128(1))];
    blamed(
        decide(&t, &owner, id, &decision(&nobody, same, "T-1")).await,
        "external_ids",
    );
    let two = MatchDecisions {
        user_id: Some(here),
        ..decision(&[ada, bob], same, "T-1")
    };
    blamed(decide(&t, &owner, id, &two).await, "user_id");

    // Of two, what can be decided is.
    let outcomes = decide(&t, &owner, id, &decision(&[ada, bob], same, "T-1"))
        .await
        .unwrap();
    let refused = |id: ExternalId| {
        let found = outcomes.iter().find(|one| one.external_id == id).unwrap();
        found.refused.clone()
    };
    assert_eq!(refused(ada), None);
    assert!(refused(bob).unwrap().contains("ignore it"));
    let made = get(&t, &owner, id, ada).await.unwrap().decided.unwrap();
    assert_eq!((made.decision, made.user_id), (same, Some(here)));
    assert_eq!((made.by.as_str(), &*made.note), (owner.actor_name(), "T-1"));
    let pending = fetch_scalar!(
        &mut t.db.read().await.unwrap(),
        String,
        "SELECT pending FROM source_object WHERE external_id = $1",
        ada
    );
    assert_eq!(pending.unwrap(), "withdrawn", "the next run looks at it");
    let log = sample::audit_log(&t).await;
    assert!(
        log.iter()
            .any(|line| line.contains("integration.decide_matches")),
        "{log:?}"
    );

    // Nobody is two people.
    let other = waits(&t, id, "Ada", MatchStrength::Exact).await;
    match decide(&t, &owner, id, &decision(&[other], same, "T-2")).await {
        Err(Error::Conflict { message, .. }) => {
            assert!(
                message.contains("somebody else of this source already"),
                "{message}"
            );
        }
        given => panic!("{given:?}"),
    }
    let back = MatchWithdrawal {
        external_ids: vec![ada],
        note: "T-3".to_owned(),
    };
    take_back(&t, &owner, id, &back).await.unwrap();
    assert_eq!(get(&t, &owner, id, ada).await.unwrap().decided, None);
});

db_test!(a_wall_stands_between_customers, |t| {
    let owner = t.owner().await;
    let (customer, id) = world(&t, &owner).await;
    let ada = waits(&t, id, "Ada", MatchStrength::New).await;
    let other = t.customer("Fabrikam").await;
    let stranger = t.administrator_of(&[other]).await;
    let ask = decision(&[ada], MatchDecision::Ignore, "T-1");
    let back = MatchWithdrawal {
        external_ids: vec![ada],
        note: "T-1".to_owned(),
    };
    let all = MatchFilter::default();
    let page = PageRequest::new(1, 50);
    let not_found = |error: Error| assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    not_found(list(&t, &stranger, id, &all, None, page).await.unwrap_err());
    not_found(get(&t, &stranger, id, ada).await.unwrap_err());
    not_found(counts(&t, &stranger, id).await.unwrap_err());
    not_found(decide(&t, &stranger, id, &ask).await.unwrap_err());
    not_found(take_back(&t, &stranger, id, &back).await.unwrap_err());
    assert!(csv(&t, &stranger, id, all, None).await.is_err());
    let reader = t.role_over(Role::HelpDesk, &[customer]).await;
    assert!(get(&t, &reader, id, ada).await.is_ok());
    for refused in [
        decide(&t, &reader, id, &ask).await,
        take_back(&t, &reader, id, &back).await,
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(get(&t, &owner, id, ada).await.unwrap().decided, None);
});
