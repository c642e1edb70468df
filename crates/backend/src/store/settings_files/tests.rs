use domain::{
    enrolment::{EnrolmentSettings, Language},
    id::{CustomerId, ExternalId, IntegrationId},
    integration::{Integration, IntegrationChange},
    notification::{NewNotificationRecipient, NotificationCause, RecipientKind},
    permission::Role,
    policy::{Limit, OutOfScope, Policy},
    protection::{Matching, ProtectedAttribute, ProtectedRule},
    schedule::Schedule,
    settings::{
        IntegrationSettings,
        file::{FileFormat, NotApplied},
        version::VersionCause,
    },
};
use uuid::Uuid;

use super::*;
use crate::{
    Scope, db_test, execute,
    store::{customers, enrolment, integrations, notification_recipients, sample, versions},
    testing::TestBackend,
};

const A: ExternalId = ExternalId(Uuid::from_u128(0xa));
const B: ExternalId = ExternalId(Uuid::from_u128(0xb));

fn import(text: &str) -> Import<'_> {
    Import {
        text,
        find_groups: false,
        hash: None,
    }
}

/// Settings of which none is the usual one.
fn unusual() -> IntegrationChange {
    let mut policy = Policy {
        selected_group_ids: vec![A, B],
        include_nested: true,
        include_guests: true,
        require_names: false,
        out_of_scope: OutOfScope::Delete,
        delete_after_days: 90,
        protected: vec![ProtectedRule {
            attribute: ProtectedAttribute::Department,
            matches: Matching::Is,
            value: "Board “A” = [x]".to_owned(),
        }],
        ..Policy::default()
    };
    policy.actions.delete = false;
    policy.guard.user = Limit {
        max_count: None,
        max_percent: 7,
    };
    IntegrationChange {
        enabled: Some(false),
        schedule: Some(Schedule::cron("0 6 * * 1-5")),
        policy: Some(policy),
        ..IntegrationChange::default()
    }
}

async fn changed(t: &TestBackend, scope: &Scope, of: &Integration) -> Integration {
    integrations::change(t, scope, of.id, unusual())
        .await
        .unwrap()
}

db_test!(
    what_is_exported_and_imported_again_differs_in_nothing,
    |t| {
        let (owner, customer) = (t.owner().await, t.customer("A").await);
        let made = sample::integration(&t, &owner, customer).await;
        for changes in [false, true] {
            if changes {
                changed(&t, &owner, &made).await;
            }
            for format in FileFormat::ALL {
                let text = of_integration(&t, &owner, made.id, *format).await.unwrap();
                let plan = plan_integration(&t, &owner, made.id, &import(&text))
                    .await
                    .unwrap();
                assert_eq!((plan.changes, plan.not_applied), (vec![], vec![]), "{text}");
                let whole = of_customer(&t, &owner, customer, *format).await.unwrap();
                let plan = plan_customer(&t, &owner, customer, &import(&whole))
                    .await
                    .unwrap();
                assert_eq!(
                    (plan.changes, plan.not_applied),
                    (vec![], vec![]),
                    "{whole}"
                );
                for id in [made.id.to_string(), made.credential_profile_id.to_string()] {
                    assert!(!whole.contains(&id), "{whole}");
                }
                assert!(!whole.contains("s3cret"), "{whole}");
            }
        }
    }
);

db_test!(a_file_brings_back_what_was, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let made = sample::integration(&t, &owner, customer).await;
    let before = IntegrationSettings::of(&changed(&t, &owner, &made).await);
    let text = of_integration(&t, &owner, made.id, FileFormat::Toml)
        .await
        .unwrap();
    let other = IntegrationChange {
        enabled: Some(true),
        policy: Some(Policy::default()),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, made.id, other)
        .await
        .unwrap();
    let plan = plan_integration(&t, &owner, made.id, &import(&text))
        .await
        .unwrap();
    let [change] = &plan.changes[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(change.integration_id, Some(made.id));
    assert!(change.differences.len() > 5, "{change:?}");

    // Somebody saves something else in between.
    let late = IntegrationChange {
        schedule: Some(Schedule::every(15)),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, made.id, late)
        .await
        .unwrap();
    let confirmed = Import {
        hash: Some(&plan.hash),
        ..import(&text)
    };
    let refused = import_integration(&t, &owner, made.id, &confirmed).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );

    let plan = plan_integration(&t, &owner, made.id, &import(&text))
        .await
        .unwrap();
    let confirmed = Import {
        hash: Some(&plan.hash),
        ..import(&text)
    };
    let (after, done) = import_integration(&t, &owner, made.id, &confirmed)
        .await
        .unwrap();
    assert_eq!(IntegrationSettings::of(&after), before);
    assert_eq!(done, plan);
    let newest = versions::get::<IntegrationSettings>(&t, &owner, made.id, 5)
        .await
        .unwrap();
    assert_eq!(newest.source.cause, VersionCause::Imported);
});

/// Another customer's integration, of another tenant.
async fn elsewhere(t: &TestBackend, scope: &Scope) -> (CustomerId, Integration) {
    let customer = t.customer("B").await;
    (customer, sample::integration(t, scope, customer).await)
}

db_test!(groups_of_another_tenant_are_not_applied_silently, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let made = sample::integration(&t, &owner, customer).await;
    changed(&t, &owner, &made).await;
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE integration_group SET display_name = 'Sales' WHERE external_id = $1",
        A
    )
    .unwrap();
    tx.commit().await.unwrap();
    let text = of_integration(&t, &owner, made.id, FileFormat::Json)
        .await
        .unwrap();
    assert!(text.contains("\"name\": \"Sales\""), "{text}");

    let (_, other) = elsewhere(&t, &owner).await;
    let own = IntegrationChange {
        policy: Some(Policy {
            selected_group_ids: vec![ExternalId(Uuid::from_u128(0xc))],
            ..Policy::default()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, other.id, own)
        .await
        .unwrap();
    let (after, plan) = import_integration(&t, &owner, other.id, &import(&text))
        .await
        .unwrap();
    let whats: Vec<_> = plan
        .not_applied
        .iter()
        .map(|one| one.what.clone())
        .collect();
    assert_eq!(
        whats,
        [
            "Sales".to_owned(),
            B.to_string(),
            "Selected Groups".to_owned()
        ]
    );
    // No group would be the whole tenant.
    assert_eq!(
        after.policy.selected_group_ids,
        [ExternalId(Uuid::from_u128(0xc))]
    );
    assert!(after.policy.include_guests);

    // What the tenant has by that very id is applied.
    let one_of_them = IntegrationChange {
        policy: Some(Policy {
            selected_group_ids: vec![A],
            ..Policy::default()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, other.id, one_of_them)
        .await
        .unwrap();
    let (after, plan) = import_integration(&t, &owner, other.id, &import(&text))
        .await
        .unwrap();
    assert_eq!(after.policy.selected_group_ids, [A]);
    let [left] = &plan.not_applied[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(left.what, B.to_string());
});

/// What of an integration's settings the tests of administrators look at.
async fn administrators(t: &TestBackend, scope: &Scope, id: IntegrationId) -> Option<ExternalId> {
    let found = integrations::get(t, scope, id).await.unwrap();
    found.policy.administrators_group_id
}

async fn administered_by(
    t: &TestBackend,
    scope: &Scope,
    id: IntegrationId,
    group: Option<ExternalId>,
) {
    let change = IntegrationChange {
        policy: Some(Policy {
            administrators_group_id: group,
            ..Policy::default()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(t, scope, id, change).await.unwrap();
}

db_test!(who_administers_the_workspace_goes_with_the_file, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let made = sample::integration(&t, &owner, customer).await;
    let file = async |format| of_integration(&t, &owner, made.id, format).await.unwrap();
    let by_nobody = file(FileFormat::Toml).await;
    assert!(
        by_nobody.contains("[integration.administrators]"),
        "{by_nobody}"
    );
    administered_by(&t, &owner, made.id, Some(A)).await;
    let by_group = file(FileFormat::Json).await;
    assert!(by_group.contains(&format!("\"id\": \"{A}\"")), "{by_group}");

    // Back and forth, in both formats.
    let plan = plan_integration(&t, &owner, made.id, &import(&by_nobody)).await;
    let [change] = &plan.unwrap().changes[..] else {
        panic!("one change");
    };
    let [difference] = &change.differences[..] else {
        panic!("{change:?}");
    };
    assert_eq!(difference.name, "Administrators");
    for (text, group) in [(&by_nobody, None), (&by_group, Some(A))] {
        import_integration(&t, &owner, made.id, &import(text))
            .await
            .unwrap();
        assert_eq!(administrators(&t, &owner, made.id).await, group);
    }

    // A file without the part leaves it as it is.
    let mut older: serde_json::Value = serde_json::from_str(&by_group).unwrap();
    let integration = older["integration"].as_object_mut().unwrap();
    integration.remove("administrators").unwrap();
    let plan = plan_integration(&t, &owner, made.id, &import(&older.to_string())).await;
    assert_eq!(plan.unwrap().changes, []);

    // A group whose members aren't read is refused where it stands.
    older["integration"]["selected_groups"] = serde_json::json!([{ "id": B }]);
    let refused = plan_integration(&t, &owner, made.id, &import(&older.to_string())).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(error))
            if error.field == "integration.administrators.group"),
        "{refused:?}"
    );
    let inside = by_group.replace(
        "\"include_guests\": false",
        &format!("\"include_guests\": false, \"administrators_group_id\": \"{A}\""),
    );
    let refused = plan_integration(&t, &owner, made.id, &import(&inside)).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(error))
            if error.message.contains("administrators.group")),
        "{refused:?}"
    );

    // Another tenant doesn't know the group: that is told, and nothing is guessed.
    let (_, other) = elsewhere(&t, &owner).await;
    administered_by(&t, &owner, other.id, Some(B)).await;
    let plan = plan_integration(&t, &owner, other.id, &import(&by_group))
        .await
        .unwrap();
    assert_eq!(plan.changes, []);
    let [NotApplied { what, why }] = &plan.not_applied[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(*what, format!("Administrators, {A}"));
    assert!(why.ends_with("stays as it is."), "{why}");
    // What it knows by that very id is applied.
    administered_by(&t, &owner, other.id, Some(A)).await;
    let plan = plan_integration(&t, &owner, other.id, &import(&by_group)).await;
    assert_eq!(plan.unwrap().not_applied, []);
});

/// How people are invited, of which nothing is the usual.
fn invites() -> EnrolmentSettings {
    EnrolmentSettings {
        language: Language::Dutch,
        sender_name: Some("Contoso “IT”".to_owned()),
        reply_to: Some("it@contoso.example".to_owned()),
        subject: Some("Welkom bij {customer}".to_owned()),
        text: Some("Hallo {name},\n\nwelkom.".to_owned()),
        link_days: 5,
    }
}

db_test!(how_people_are_invited_goes_with_the_file, |t| {
    let (owner, from, to) = (
        t.owner().await,
        t.customer("A").await,
        t.customer("B").await,
    );
    enrolment::change_settings(&t, &owner, from, invites())
        .await
        .unwrap();
    for format in FileFormat::ALL {
        let text = of_customer(&t, &owner, from, *format).await.unwrap();
        let same = plan_customer(&t, &owner, from, &import(&text)).await;
        assert_eq!(same.unwrap().changes, [], "{text}");
        enrolment::change_settings(&t, &owner, to, EnrolmentSettings::default())
            .await
            .unwrap();
        let plan = plan_customer(&t, &owner, to, &import(&text)).await.unwrap();
        let [change] = &plan.changes[..] else {
            panic!("{plan:?}");
        };
        assert_eq!((change.of.as_str(), change.differences.len()), ("B", 6));
        assert!(
            change
                .differences
                .iter()
                .all(|one| one.name.starts_with("Invitations: ")),
            "{change:?}"
        );
        let confirmed = Import {
            hash: Some(&plan.hash),
            ..import(&text)
        };
        // Somebody changes them by hand in between.
        let other = EnrolmentSettings {
            link_days: 30,
            ..EnrolmentSettings::default()
        };
        enrolment::change_settings(&t, &owner, to, other)
            .await
            .unwrap();
        let late = import_customer(&t, &owner, to, &confirmed).await;
        assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
        import_customer(&t, &owner, to, &import(&text))
            .await
            .unwrap();
        let after = enrolment::settings(&t, &owner, to).await.unwrap();
        assert_eq!(after, invites());
    }
    let log = sample::audit_log(&t).await;
    let changed = log
        .iter()
        .filter(|line| line.contains("customer.update_enrolment"));
    assert!(changed.count() >= 3, "{log:?}");

    // A file without the part leaves them as they are; what is wrong is named with its place.
    let text = of_customer(&t, &owner, from, FileFormat::Json)
        .await
        .unwrap();
    let mut older: serde_json::Value = serde_json::from_str(&text).unwrap();
    let customer = older["customer"].as_object_mut().unwrap();
    customer.remove("enrolment").unwrap();
    let plan = plan_customer(&t, &owner, to, &import(&older.to_string())).await;
    assert_eq!(plan.unwrap().changes, []);
    for (right, wrong, field) in [
        ("\"link_days\": 5", "\"link_days\": 61", "link_days"),
        ("it@contoso.example", "nowhere", "reply_to"),
        ("{customer}", "{costumer}", "subject"),
    ] {
        let refused = plan_customer(&t, &owner, to, &import(&text.replace(right, wrong))).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(error))
                if error.field == format!("customer.enrolment.{field}")),
            "{refused:?}"
        );
    }
});

async fn told(t: &TestBackend, scope: &Scope, customer: CustomerId, kind: RecipientKind, at: &str) {
    let new = NewNotificationRecipient {
        kind,
        address: at.to_owned(),
        causes: Some(vec![NotificationCause::Held]),
    };
    notification_recipients::create(t, scope, Some(customer), new)
        .await
        .unwrap();
}

/// A customer with everything that a file holds.
async fn whole(t: &TestBackend, owner: &Scope) -> CustomerId {
    let customer = customers::create_in(
        t,
        owner,
        "A",
        "Europe/Amsterdam",
        &["north".to_owned(), "gold".to_owned()],
    )
    .await
    .unwrap()
    .id;
    let made = sample::integration(t, owner, customer).await;
    changed(t, owner, &made).await;
    told(t, owner, customer, RecipientKind::Mail, "mina@a.example").await;
    let webhook = "https://hooks.a.example/s3cret";
    told(t, owner, customer, RecipientKind::Webhook, webhook).await;
    customer
}

db_test!(all_of_a_customers_settings_go_to_another_or_none_do, |t| {
    let owner = t.owner().await;
    let from = whole(&t, &owner).await;
    let text = of_customer(&t, &owner, from, FileFormat::Toml)
        .await
        .unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let again = plan_customer(&t, &owner, from, &import(&text))
        .await
        .unwrap();
    assert_eq!((again.changes, again.not_applied), (vec![], vec![]));

    let (to, integration) = elsewhere(&t, &owner).await;
    let plan = plan_customer(&t, &owner, to, &import(&text)).await.unwrap();
    let of: Vec<_> = plan
        .changes
        .iter()
        .map(|change| change.of.clone())
        .collect();
    assert_eq!(
        of,
        [
            "B".to_owned(),
            "mina@a.example".to_owned(),
            integration.name.clone()
        ]
    );
    let webhook = plan
        .not_applied
        .iter()
        .any(|one| one.what == "hooks.a.example");
    assert!(webhook, "{plan:?}");

    // A User Manager may change integrations, and neither tags nor recipients: nothing is saved.
    let manager = t.role_over(Role::UserManager, &[to]).await;
    let refused = import_customer(&t, &manager, to, &import(&text)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let same = plan_customer(&t, &owner, to, &import(&text)).await.unwrap();
    assert_eq!(same, plan);

    let confirmed = Import {
        hash: Some(&plan.hash),
        ..import(&text)
    };
    import_customer(&t, &owner, to, &confirmed).await.unwrap();
    let customer = customers::get(&t, &owner, to).await.unwrap();
    assert_eq!(customer.time_zone, "Europe/Amsterdam");
    assert_eq!(customer.tags, ["gold", "north"]);
    let after = integrations::get(&t, &owner, integration.id).await.unwrap();
    assert_eq!(after.policy.delete_after_days, 90);
    let left = plan_customer(&t, &owner, to, &import(&text)).await.unwrap();
    assert_eq!(left.changes, []);
    let late = import_customer(&t, &owner, to, &confirmed).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
});

db_test!(a_file_of_something_else_is_refused_as_that, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let made = sample::integration(&t, &owner, customer).await;
    let one = of_integration(&t, &owner, made.id, FileFormat::Json)
        .await
        .unwrap();
    let all = of_customer(&t, &owner, customer, FileFormat::Json)
        .await
        .unwrap();
    let field = |error: Error| match error {
        Error::Invalid(error) => error.field,
        other => panic!("{other:?}"),
    };
    let refused = plan_integration(&t, &owner, made.id, &import(&all)).await;
    assert_eq!(field(refused.unwrap_err()), "customer");
    let refused = plan_customer(&t, &owner, customer, &import(&one)).await;
    assert_eq!(field(refused.unwrap_err()), "integration");
    let bad = one.replace("\"delete_after_days\": 30", "\"delete_after_days\": 0");
    let refused = plan_integration(&t, &owner, made.id, &import(&bad)).await;
    assert_eq!(
        field(refused.unwrap_err()),
        "integration.policy.delete_after_days"
    );
    let unknown = all.replace("\"UTC\"", "\"Moon/Crater\"");
    let refused = import_customer(&t, &owner, customer, &import(&unknown)).await;
    assert_eq!(field(refused.unwrap_err()), "customer.time_zone");
    // An integration that the customer doesn't have is told, and nothing else is touched.
    let two = all.replace(&made.tenant, "unknown.example");
    let (to, _) = elsewhere(&t, &owner).await;
    let second = sample::new_integration(
        &sample::profile(&t, &owner, Some(to), "Second").await,
        "second.example",
    );
    integrations::create(&t, &owner, to, second).await.unwrap();
    let plan = plan_customer(&t, &owner, to, &import(&two)).await.unwrap();
    let [NotApplied { what, .. }] = &plan.not_applied[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(what, "unknown.example");
});

db_test!(a_draft_is_its_makers_and_ends, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let made = sample::integration(&t, &owner, customer).await;
    let text = of_integration(&t, &owner, made.id, FileFormat::Toml)
        .await
        .unwrap();
    let of = Of::Integration(made.id);
    let refused = keep_draft(&t, &owner, of, "x = 1", false).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let id = keep_draft(&t, &owner, of, &text, true).await.unwrap();
    let kept = draft(&t, &owner, of, id).await.unwrap();
    assert_eq!((kept.text, kept.find_groups), (text.clone(), true));
    let gone = |found: Result<Draft>| {
        assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
    };
    gone(draft(&t, &owner, Of::Customer(customer), id).await);
    let other = t.administrator_of(&[customer]).await;
    gone(draft(&t, &other, of, id).await);
    let stranger = t.customer("B").await;
    let stranger = t.administrator_of(&[stranger]).await;
    gone(draft(&t, &stranger, of, id).await);
    let reader = t.role_over(Role::ReadOnly, &[customer]).await;
    let refused = keep_draft(&t, &reader, of, &text, false).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");

    let next = keep_draft(&t, &owner, of, &text, false).await.unwrap();
    gone(draft(&t, &owner, of, id).await);
    t.clock.advance(chrono::Duration::hours(24));
    gone(draft(&t, &owner, of, next).await);
    draft::delete_old(&t).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let left = crate::fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM settings_draft").unwrap();
    assert_eq!(left, 0);
});
