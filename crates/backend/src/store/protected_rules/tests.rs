use domain::{
    integration::IntegrationChange,
    protection::{Matching, ProtectedFilter},
    user::DirectoryStatus,
};

use super::*;
use crate::{
    Error, db_test,
    store::{sample, users},
};

fn rule(attribute: ProtectedAttribute, matches: Matching, value: &str) -> ProtectedRule {
    ProtectedRule {
        attribute,
        matches,
        value: value.to_owned(),
    }
}

db_test!(a_forecast_counts_people_of_todays_directory, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    for (name, status) in [
        ("Ada Admin", DirectoryStatus::Active),
        ("Zoë Admin", DirectoryStatus::Inactive),
        ("Bo", DirectoryStatus::Active),
        ("Gone Admin", DirectoryStatus::Deleted),
    ] {
        sample::user(&t, customer, Some(integration), name, status).await;
    }
    sample::user(&t, customer, None, "Other Admin", DirectoryStatus::Active).await;
    let rules = vec![
        rule(ProtectedAttribute::DisplayName, Matching::EndsWith, "ADMIN"),
        rule(
            ProtectedAttribute::UserPrincipalName,
            Matching::StartsWith,
            "zoe",
        ),
        rule(ProtectedAttribute::Department, Matching::Is, "sales"),
        rule(ProtectedAttribute::Mail, Matching::Contains, "x"),
    ];
    let asked = async |rules| forecast(&t, &owner, integration, rules).await;
    let said = asked(Some(rules.clone())).await.unwrap();
    let people: Vec<u64> = said.rules.iter().map(|rule| rule.people).collect();
    assert_eq!(people, [2, 1, 3, 0]);
    assert_eq!((said.people, said.looked_at, said.complete), (3, 3, true));
    assert_eq!(asked(None).await.unwrap().rules, []);
    let wrong = vec![rule(ProtectedAttribute::Mail, Matching::Is, " ")];
    assert!(matches!(
        asked(Some(wrong)).await,
        Err(Error::Invalid(error)) if error.field == "policy.protected[0].value"
    ));
    let other = t.customer("Other").await;
    let stranger = t.administrator_of(&[other]).await;
    assert!(matches!(
        forecast(&t, &stranger, integration, Some(rules)).await,
        Err(Error::NotFound("integration"))
    ));
});

db_test!(a_saved_rule_protects_at_once_and_says_so, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let integration = sample::integration(&t, &owner, customer).await;
    let user = sample::user(
        &t,
        customer,
        Some(integration.id),
        "Ada",
        DirectoryStatus::Inactive,
    )
    .await;
    let seen = async || users::whole(&t, &owner, user).await.unwrap();
    assert_eq!(seen().await.protected, None);
    let rule = rule(ProtectedAttribute::DisplayName, Matching::Is, "ADA");
    let change = |protected| IntegrationChange {
        policy: Some(Policy {
            protected,
            ..integration.policy.clone()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&t, &owner, integration.id, change(vec![rule.clone()]))
        .await
        .unwrap();
    let by_rule = ProtectedByRule {
        integration_id: integration.id,
        rule,
    };
    let protected = seen().await.protected.unwrap();
    assert_eq!(protected.by_rule, Some(by_rule.clone()));
    assert_eq!(protected.by_hand, None);
    let detail = users::detail(&t, &owner, user).await.unwrap();
    assert_eq!(detail.protecting_rule, Some(by_rule));

    // By hand too: then both are told, and it is found either way.
    crate::store::protection::protect(&t, &owner, user, "")
        .await
        .unwrap();
    assert!(seen().await.protected.unwrap().by_hand.is_some());
    let found = async |protected| {
        let query = users::UserQuery {
            protected: Some(protected),
            ..users::UserQuery::default()
        };
        users::list(&t, &owner, query).await.unwrap().total
    };
    assert_eq!(found(ProtectedFilter::ByHand).await, 1);
    assert_eq!(found(ProtectedFilter::Any).await, 1);
    assert_eq!(found(ProtectedFilter::No).await, 0);
    integrations::change(&t, &owner, integration.id, change(Vec::new()))
        .await
        .unwrap();
    assert_eq!(seen().await.protected.unwrap().by_rule, None);
});
