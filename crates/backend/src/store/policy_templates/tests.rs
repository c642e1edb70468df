use domain::{
    audit::AuditAction,
    id::ExternalId,
    integration::{Integration, IntegrationChange},
    paging::Direction,
    permission::Role,
    settings::{
        IntegrationSettings,
        template::{DriftDecision, Following, NewPolicyTemplate, PolicyTemplateChange},
        version::{VersionCause, VersionSource},
    },
};
use uuid::Uuid;

use super::*;
use crate::{
    db_test,
    jobs::run_until_idle,
    store::{audit, integrations, sample, versions as store_versions},
    testing::TestBackend,
};

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

async fn template(t: &TestBackend, owner: &Scope, policy: Policy) -> PolicyTemplate {
    let new = NewPolicyTemplate {
        name: "Standard".to_owned(),
        policy,
    };
    create(t, owner, new).await.unwrap()
}

async fn save(t: &TestBackend, scope: &Scope, id: IntegrationId, policy: Policy) -> Integration {
    let change = IntegrationChange {
        policy: Some(policy),
        ..IntegrationChange::default()
    };
    integrations::change(t, scope, id, change).await.unwrap()
}

fn following(template: &PolicyTemplate, take_settings: bool) -> Following {
    Following {
        policy_template_id: template.id,
        take_settings,
    }
}

fn decide(paths: &[&str]) -> DriftDecision {
    DriftDecision {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        note: "T-1".to_owned(),
        hash: None,
    }
}

fn new_policy(policy: Policy) -> PolicyTemplateChange {
    PolicyTemplateChange {
        policy: Some(policy),
        ..PolicyTemplateChange::default()
    }
}

fn paths(drift: &domain::settings::template::Drift) -> Vec<&str> {
    let differences = drift.differences.iter();
    differences.map(|one| one.path.as_str()).collect()
}

/// There is no such template for the caller, whatever they ask.
async fn hidden_from(t: &TestBackend, scope: &Scope, id: PolicyTemplateId) {
    let missing = |result: Result<PolicyTemplate>| {
        assert!(
            matches!(result, Err(Error::NotFound("policy template"))),
            "{result:?}"
        );
    };
    missing(get(t, scope, id).await);
    missing(change(t, scope, id, new_policy(Policy::default())).await);
    let page = list(t, scope, None, PageRequest::default()).await.unwrap();
    assert_eq!((page.items.len(), page.total), (0, 0));
    let listed = listing(t, scope, &ListRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 0);
    let followed = followers(t, scope, id, PageRequest::default()).await;
    assert!(matches!(followed, Err(Error::NotFound(_))), "{followed:?}");
    let not_found = |error: Error| {
        assert!(
            matches!(error, Error::NotFound("policy template")),
            "{error:?}"
        );
    };
    let page = store_versions::list::<Policy>(t, scope, id, PageRequest::default()).await;
    not_found(page.unwrap_err());
    let listed = store_versions::listing::<Policy>(t, scope, id, &ListRequest::default()).await;
    not_found(listed.unwrap_err());
    not_found(
        store_versions::get::<Policy>(t, scope, id, 1)
            .await
            .unwrap_err(),
    );
    let found = store_versions::difference::<Policy>(t, scope, id, 1, None).await;
    not_found(found.unwrap_err());
    not_found(versions::effect(t, scope, id, 1).await.unwrap_err());
    missing(versions::restore(t, scope, id, 1, None).await);
}

db_test!(
    templates_are_made_by_who_sees_all_and_seen_where_they_are_followed,
    |t| {
        let (owner, customer) = (t.owner().await, t.customer("A").await);
        let made = template(&t, &owner, with(|policy| policy.include_guests = true)).await;
        assert_eq!((made.version, made.followers, made.behind), (1, 0, 0));
        let (admin, elsewhere) = (
            t.administrator_of(&[customer]).await,
            t.administrator_of(&[t.customer("B").await]).await,
        );
        let integration = sample::integration(&t, &owner, customer).await.id;
        hidden_from(&t, &admin, made.id).await;
        let unseen = follow(&t, &admin, integration, following(&made, false)).await;
        assert!(
            matches!(&unseen, Err(Error::Invalid(error)) if error.field == "policy_template_id"),
            "as one that never was: {unseen:?}"
        );
        follow(&t, &owner, integration, following(&made, false))
            .await
            .unwrap();
        hidden_from(&t, &elsewhere, made.id).await;
        let made = get(&t, &owner, made.id).await.unwrap();
        assert_eq!(made.followers, 1);
        assert_eq!(get(&t, &admin, made.id).await.unwrap(), made);
        let new = NewPolicyTemplate {
            name: "Mine".to_owned(),
            policy: Policy::default(),
        };
        let refused = |result: Result<PolicyTemplate>| {
            assert!(matches!(result, Err(Error::Forbidden(_))), "{result:?}");
        };
        refused(create(&t, &admin, new).await);
        refused(change(&t, &admin, made.id, new_policy(Policy::default())).await);
        // They look at its versions, and don't restore them.
        assert!(
            store_versions::get::<Policy>(&t, &admin, made.id, 1)
                .await
                .is_ok()
        );
        refused(versions::restore(&t, &admin, made.id, 1, None).await);
        let effect = versions::effect(&t, &admin, made.id, 1).await;
        assert!(matches!(effect, Err(Error::Forbidden(_))), "{effect:?}");
        let groups =
            with(|policy| policy.selected_group_ids = vec![ExternalId(Uuid::from_u128(1))]);
        let new = NewPolicyTemplate {
            name: "With groups".to_owned(),
            policy: groups,
        };
        let refused = create(&t, &owner, new).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(error)) if error.field == "policy.selected_group_ids"),
            "{refused:?}"
        );
        let administrators =
            with(|policy| policy.administrators_group_id = Some(ExternalId(Uuid::from_u128(1))));
        let refused = change(&t, &owner, made.id, new_policy(administrators)).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(error)) if error.field == "policy.administrators_group_id"),
            "{refused:?}"
        );
        let page = list(&t, &admin, Some("stand"), PageRequest::default())
            .await
            .unwrap();
        assert_eq!((page.items, page.total), (vec![made.clone()], 1));
        let none = list(&t, &admin, Some("other"), PageRequest::default())
            .await
            .unwrap();
        assert_eq!(none.total, 0);
        let listed = listing(&t, &admin, &ListRequest::default()).await.unwrap();
        assert_eq!(listed.items, std::slice::from_ref(&made));
        delete(&t, &owner, made.id).await.unwrap();
        let gone = get(&t, &owner, made.id).await;
        assert!(matches!(gone, Err(Error::NotFound("policy template"))));
    }
);

db_test!(drift_is_shown_accepted_and_put_back, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = sample::integration(&t, &owner, customer).await.id;
    let group = ExternalId(Uuid::from_u128(1));
    let own = with(|policy| {
        policy.selected_group_ids = vec![group];
        policy.include_guests = true;
        policy.delete_after_days = 90;
    });
    save(&t, &owner, id, own.clone()).await;
    let made = template(&t, &owner, with(|policy| policy.require_names = false)).await;
    assert_eq!(drift(&t, &owner, id).await.unwrap(), None);
    let manager = t.role_over(Role::UserManager, &[customer]).await;
    // Until an integration of theirs follows it, they don't see it.
    follow(&t, &owner, id, following(&made, false))
        .await
        .unwrap();
    let found = follow(&t, &manager, id, following(&made, false))
        .await
        .unwrap();
    assert_eq!(
        paths(&found),
        [
            "policy.delete_after_days",
            "policy.include_guests",
            "policy.require_names"
        ]
    );
    // Nothing of its settings changed by that.
    assert_eq!(integrations::get(&t, &owner, id).await.unwrap().policy, own);

    let days = decide(&["policy.delete_after_days"]);
    let found = accept(&t, &manager, id, &days).await.unwrap();
    assert_eq!(
        paths(&found),
        ["policy.include_guests", "policy.require_names"]
    );
    let [one] = &found.own[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (one.note.as_str(), one.by.as_str()),
        ("T-1", manager.actor_name())
    );
    assert_eq!(one.difference.as_ref().unwrap().after, Some(90.into()));
    let twice = accept(&t, &manager, id, &days).await;
    assert!(matches!(twice, Err(Error::Invalid(_))), "{twice:?}");

    let late = DriftDecision {
        hash: Some("another".to_owned()),
        ..decide(&[])
    };
    let late = put_back(&t, &manager, id, &late).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let found = put_back(&t, &manager, id, &decide(&[])).await.unwrap();
    assert_eq!(paths(&found), Vec::<&str>::new());
    let after = integrations::get(&t, &owner, id).await.unwrap().policy;
    let wanted = with(|policy| {
        policy.selected_group_ids = vec![group];
        policy.require_names = false;
        policy.delete_after_days = 90;
    });
    assert_eq!(after, wanted);
    let newest = store_versions::get::<IntegrationSettings>(&t, &owner, id, 3)
        .await
        .unwrap();
    assert_eq!(newest.source.to_string(), "Template Standard, version 1");

    // What was its own can be put back as well.
    let found = put_back(&t, &manager, id, &days).await.unwrap();
    assert_eq!((found.own.len(), paths(&found).len()), (0, 0));
    let nothing = put_back(&t, &manager, id, &decide(&[])).await;
    assert!(
        matches!(nothing, Err(Error::Conflict { .. })),
        "{nothing:?}"
    );

    leave(&t, &manager, id).await.unwrap();
    assert_eq!(drift(&t, &owner, id).await.unwrap(), None);
    let again = leave(&t, &manager, id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let reader = t.role_over(Role::HelpDesk, &[customer]).await;
    let refused = follow(&t, &reader, id, following(&made, true)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let never = Following {
        policy_template_id: PolicyTemplateId(t.ids.uuid()),
        take_settings: false,
    };
    let never = follow(&t, &manager, id, never).await;
    assert!(matches!(never, Err(Error::Invalid(_))), "{never:?}");
});

/// Three followers: one as the template, one that deviates, one with a setting of its own.
async fn three(
    t: &TestBackend,
    owner: &Scope,
    made: &PolicyTemplate,
) -> [(domain::id::CustomerId, IntegrationId); 3] {
    let mut all = Vec::new();
    for name in ["A", "B", "C"] {
        let customer = t.customer(name).await;
        let id = sample::integration(t, owner, customer).await.id;
        follow(t, owner, id, following(made, true)).await.unwrap();
        all.push((customer, id));
    }
    for (_, id) in &all[1..] {
        save(t, owner, *id, with(|policy| policy.delete_after_days = 90)).await;
    }
    let own = decide(&["policy.delete_after_days"]);
    accept(t, owner, all[2].1, &own).await.unwrap();
    all.try_into().unwrap()
}

db_test!(
    a_template_shows_what_it_touches_and_then_does_exactly_that,
    |t| {
        let owner = t.owner().await;
        let made = template(&t, &owner, Policy::default()).await;
        let all = three(&t, &owner, &made).await;
        let wanted = with(|policy| {
            policy.delete_after_days = 60;
            policy.include_guests = true;
        });
        let shown = effect(&t, &owner, made.id, wanted.clone()).await.unwrap();
        assert_eq!((shown.integrations, shown.customers), (3, 3));
        // Nothing was read of any of them yet.
        assert_eq!((shown.people, shown.need_a_read), (0, 3));
        let of = |at: usize| {
            let one = shown
                .followers
                .iter()
                .find(|one| one.integration_id == all[at].1);
            let one = one.unwrap();
            (one.changes.len(), one.kept.len())
        };
        assert_eq!([of(0), of(1), of(2)], [(2, 0), (1, 1), (1, 1)]);

        let confirmed = PolicyTemplateChange {
            hash: Some(shown.hash.clone()),
            ..new_policy(wanted.clone())
        };
        save(
            &t,
            &owner,
            all[0].1,
            with(|policy| policy.require_names = false),
        )
        .await;
        let late = change(&t, &owner, made.id, confirmed).await;
        assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
        let shown = effect(&t, &owner, made.id, wanted.clone()).await.unwrap();
        let confirmed = PolicyTemplateChange {
            hash: Some(shown.hash),
            ..new_policy(wanted)
        };
        let after = change(&t, &owner, made.id, confirmed).await.unwrap();
        assert_eq!((after.version, after.followers, after.behind), (2, 3, 3));
        run_until_idle(&t).await.unwrap();
        assert_eq!(get(&t, &owner, made.id).await.unwrap().behind, 0);
        let days_and_guests = async |at: usize| {
            let policy = integrations::get(&t, &owner, all[at].1)
                .await
                .unwrap()
                .policy;
            (
                policy.delete_after_days,
                policy.include_guests,
                policy.require_names,
            )
        };
        assert_eq!(days_and_guests(0).await, (60, true, false));
        assert_eq!(days_and_guests(1).await, (90, true, true));
        assert_eq!(days_and_guests(2).await, (90, true, true));
        // What deviated still does, and is said so.
        let page = followers(&t, &owner, made.id, PageRequest::default())
            .await
            .unwrap();
        let lines: Vec<_> = page
            .items
            .iter()
            .map(|one| (one.version, one.drift, one.own))
            .collect();
        assert_eq!(lines, [(2, 1, 0), (2, 1, 0), (2, 0, 1)]);
        let newest = store_versions::list::<IntegrationSettings>(
            &t,
            &owner,
            all[1].1,
            PageRequest::default(),
        );
        let newest = newest.await.unwrap().items.remove(0);
        assert_eq!(newest.source.cause, VersionCause::Template);
        assert_eq!(newest.changed, ["Guests included"]);
        let log = audit::AuditQuery {
            filter: audit::AuditFilter {
                action: Some(AuditAction::IntegrationUpdate),
                ..audit::AuditFilter::default()
            },
            page: PageRequest::new(1, 100),
            direction: Direction::Descending,
        };
        let log = audit::list(&t, &owner, log).await.unwrap();
        let by_template = log.items.iter();
        let by_template = by_template.filter(|one| one.note == "Template Standard, version 2");
        assert_eq!(by_template.count(), 3);
        let lines =
            store_versions::list::<Policy>(&t, &owner, made.id, PageRequest::default()).await;
        assert_eq!(
            lines.unwrap().items[0].changed,
            ["Days from Inactive to deleted", "Guests included"]
        );
    }
);

db_test!(versions_are_listed_looked_at_and_compared, |t| {
    let owner = t.owner().await;
    let made = template(&t, &owner, Policy::default()).await;
    let nested = with(|policy| policy.include_nested = true);
    let both = with(|policy| {
        policy.include_nested = true;
        policy.require_names = false;
    });
    for policy in [nested.clone(), both] {
        change(&t, &owner, made.id, new_policy(policy))
            .await
            .unwrap();
    }
    // Another name is no version.
    let renamed = PolicyTemplateChange {
        name: Some("Other".to_owned()),
        ..PolicyTemplateChange::default()
    };
    change(&t, &owner, made.id, renamed).await.unwrap();
    let page = store_versions::list::<Policy>(&t, &owner, made.id, PageRequest::default())
        .await
        .unwrap();
    let lines: Vec<_> = page
        .items
        .iter()
        .map(|line| {
            (
                line.number,
                line.changed.join(", "),
                line.source.to_string(),
            )
        })
        .collect();
    let line =
        |number, changed: &str, source: &str| (number, changed.to_owned(), source.to_owned());
    assert_eq!(
        lines,
        [
            line(3, "Names required", "Saved"),
            line(2, "Nested groups in scope", "Saved"),
            line(1, "", "Added"),
        ]
    );
    // A page knows what came before it.
    let second = store_versions::list::<Policy>(&t, &owner, made.id, PageRequest::new(2, 1)).await;
    assert_eq!(second.unwrap().items, page.items[1..2]);
    let request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let first = store_versions::listing::<Policy>(&t, &owner, made.id, &request).await;
    let first = first.unwrap();
    assert_eq!(first.items, page.items[..2]);
    let rest = ListRequest {
        cursor: first.next.map(|next| next.parse().unwrap()),
        ..request
    };
    let rest = store_versions::listing::<Policy>(&t, &owner, made.id, &rest)
        .await
        .unwrap();
    assert_eq!((rest.items, rest.next), (page.items[2..].to_vec(), None));

    let second = store_versions::get::<Policy>(&t, &owner, made.id, 2)
        .await
        .unwrap();
    assert_eq!(second.settings, nested);
    assert_eq!(second.saved_by, owner.actor_name());
    let none = store_versions::get::<Policy>(&t, &owner, made.id, 4).await;
    assert!(matches!(none, Err(Error::NotFound("version"))), "{none:?}");
    let places = async |number, against| {
        let found =
            store_versions::difference::<Policy>(&t, &owner, made.id, number, against).await;
        let found = found.unwrap().differences.into_iter();
        found
            .map(|one| (one.path, one.after))
            .collect::<Vec<(String, Option<serde_json::Value>)>>()
    };
    let place = |path: &str, after: bool| (path.to_owned(), Some(after.into()));
    assert_eq!(places(2, None).await, [place("policy.require_names", true)]);
    assert_eq!(
        places(2, Some(1)).await,
        [place("policy.include_nested", true)]
    );
    assert_eq!(places(3, None).await, []);
    let none = store_versions::difference::<Policy>(&t, &owner, made.id, 2, Some(9)).await;
    assert!(matches!(none, Err(Error::NotFound("version"))), "{none:?}");
    run_until_idle(&t).await.unwrap();
});

db_test!(a_restored_version_reaches_the_followers_as_shown, |t| {
    let owner = t.owner().await;
    let made = template(&t, &owner, Policy::default()).await;
    let all = three(&t, &owner, &made).await;
    let guests = with(|policy| policy.include_guests = true);
    change(&t, &owner, made.id, new_policy(guests))
        .await
        .unwrap();
    run_until_idle(&t).await.unwrap();
    let guests = async |at: usize| {
        let found = integrations::get(&t, &owner, all[at].1).await;
        found.unwrap().policy.include_guests
    };
    assert!(guests(0).await);

    let shown = versions::effect(&t, &owner, made.id, 1).await.unwrap();
    let [one] = &shown.differences[..] else {
        panic!("{shown:?}");
    };
    assert_eq!(one.path, "policy.include_guests");
    assert_eq!((shown.integrations, shown.customers), (3, 3));
    let restored =
        async |number, hash: &str| versions::restore(&t, &owner, made.id, number, Some(hash)).await;
    // One deviates meanwhile: what was looked at is another effect.
    save(
        &t,
        &owner,
        all[0].1,
        with(|policy| policy.require_names = false),
    )
    .await;
    let late = restored(1, &shown.hash).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    let shown = versions::effect(&t, &owner, made.id, 1).await.unwrap();
    assert_eq!(shown.integrations, 2);
    let after = restored(1, &shown.hash).await.unwrap();
    assert_eq!((after.version, after.behind), (3, 3));
    assert_eq!(after.policy, made.policy);
    run_until_idle(&t).await.unwrap();
    for at in 0..all.len() {
        assert!(!guests(at).await, "{at}");
    }
    let newest = store_versions::get::<Policy>(&t, &owner, made.id, 3)
        .await
        .unwrap();
    assert_eq!(newest.source, VersionSource::restored(1));
    let log = sample::audit_log(&t).await;
    let entry = |line: &String| line.contains("Restored from version 1");
    assert!(log.iter().any(entry), "{log:?}");

    // It is so already: no version, and nobody is reached.
    let again = versions::restore(&t, &owner, made.id, 1, None).await;
    assert_eq!(again.unwrap().version, 3);
    let none = versions::restore(&t, &owner, made.id, 9, None).await;
    assert!(matches!(none, Err(Error::NotFound("version"))), "{none:?}");
});

db_test!(reaching_stops_and_goes_on_where_it_stopped, |t| {
    let owner = t.owner().await;
    let made = template(&t, &owner, Policy::default()).await;
    let all = three(&t, &owner, &made).await;
    let wanted = with(|policy| policy.include_nested = true);
    change(&t, &owner, made.id, new_policy(wanted))
        .await
        .unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    assert!(!reach(&t, made.id, &stop).await.unwrap());
    assert_eq!(get(&t, &owner, made.id).await.unwrap().behind, 3);
    // One left meanwhile, and the customer of another lies in the bin.
    leave(&t, &owner, all[0].1).await.unwrap();
    crate::store::customers::delete(&t, &owner, all[1].0, None)
        .await
        .unwrap();
    let go = tokio_util::sync::CancellationToken::new();
    assert!(reach(&t, made.id, &go).await.unwrap());
    let left = integrations::get(&t, &owner, all[0].1).await.unwrap();
    assert!(!left.policy.include_nested);
    let reached = integrations::get(&t, &owner, all[2].1).await.unwrap();
    assert!(reached.policy.include_nested);
    run_until_idle(&t).await.unwrap();
});

db_test!(followers_of_other_customers_are_not_told_of, |t| {
    let owner = t.owner().await;
    let made = template(&t, &owner, Policy::default()).await;
    let all = three(&t, &owner, &made).await;
    let admin = t.administrator_of(&[all[1].0]).await;
    assert_eq!(get(&t, &admin, made.id).await.unwrap().followers, 1);
    let page = followers(&t, &admin, made.id, PageRequest::default())
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (1, 1));
    assert_eq!(page.items[0].integration_id, all[1].1);
    let listed = followers_listing(&t, &admin, made.id, &ListRequest::default()).await;
    assert_eq!(listed.unwrap().items, page.items);
    let missing = drift(&t, &admin, all[0].1).await;
    assert!(matches!(missing, Err(Error::NotFound("integration"))));
    let missing = accept(&t, &admin, all[0].1, &decide(&[])).await;
    assert!(matches!(missing, Err(Error::NotFound("integration"))));
    // Whoever deletes it leaves the settings as they are.
    let before = integrations::get(&t, &owner, all[1].1).await.unwrap();
    delete(&t, &owner, made.id).await.unwrap();
    assert_eq!(
        integrations::get(&t, &owner, all[1].1).await.unwrap(),
        before
    );
    assert_eq!(drift(&t, &owner, all[1].1).await.unwrap(), None);
});
