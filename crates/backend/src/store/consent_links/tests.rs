use domain::consent_link::NewConsentLink;
use secrecy::ExposeSecret;

use super::*;
use crate::{db_test, store::sample, testing::TestBackend};

fn new(profile: CredentialProfileId, tenant: &str) -> NewConsentLink {
    NewConsentLink {
        credential_profile_id: profile,
        cloud: "global".to_owned(),
        tenant: tenant.to_owned(),
        object_types: vec![ObjectType::Device, ObjectType::User, ObjectType::User],
    }
}

fn blamed<T: std::fmt::Debug>(refused: Result<T>) -> String {
    match refused {
        Err(Error::Invalid(error)) => error.field,
        other => panic!("{other:?}"),
    }
}

async fn hash_of(t: &TestBackend, id: ConsentLinkId) -> Vec<u8> {
    let mut tx = t.db.read().await.unwrap();
    let sql = "SELECT secret_hash FROM consent_link WHERE id = $1";
    fetch_optional!(&mut tx, (Vec<u8>,), sql, id)
        .unwrap()
        .unwrap()
        .0
}

db_test!(a_link_is_told_once_and_kept_as_a_hash, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let profile = sample::profile(&t, &owner, None, "Shared").await;
    let made = create(&t, &owner, customer, new(profile.id, " Contoso.Example ")).await;
    let made = made.unwrap();
    let (_, secret) = made.url.split_once("?secret=").unwrap();
    assert_eq!(secret.len(), 43);
    assert_eq!(made.link.tenant, "contoso.example");
    assert_eq!(
        made.link.object_types,
        [ObjectType::User, ObjectType::Device]
    );
    let needed: Vec<_> = made
        .link
        .permissions
        .iter()
        .map(|of| of.name.as_str())
        .collect();
    assert_eq!(
        needed,
        ["User.Read.All", "Device.Read.All", "Organization.Read.All"]
    );
    assert!(!format!("{made:?}").contains(secret));
    assert_eq!(
        hash_of(&t, made.link.id).await,
        crate::auth::token::hash(secret)
    );
    let line = get(&t, &owner, made.link.id).await.unwrap();
    assert_eq!(line.link, made.link);
    assert_eq!(line.credential_profile_name, "Shared");

    revoke(&t, &owner, made.link.id).await.unwrap();
    revoke(&t, &owner, made.link.id).await.unwrap();
    let revoked = get(&t, &owner, made.link.id).await.unwrap().link;
    assert_eq!(revoked.state, ConsentLinkState::Revoked);
    assert_eq!(revoked.revoked_at, Some(t.clock.now()));
    let log = sample::audit_log(&t).await;
    let of_links: Vec<_> = log
        .iter()
        .filter(|line| line.contains("consent_link."))
        .collect();
    assert_eq!(of_links.len(), 2, "{of_links:?}");
    assert!(log.iter().all(|line| !line.contains(secret)));
});

db_test!(a_form_makes_the_link_that_it_showed_once, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let profile = sample::profile(&t, &owner, None, "Shared").await;
    let offered = offer(&t, &owner).await.unwrap();
    let shown = offered.shown();
    let (_, secret) = shown.split_once("?secret=").unwrap();
    let new = new(profile.id, "contoso.example");
    let another = t.owner().await;
    for (by, sealed) in [
        (&another, offered.sealed.as_str()),
        (&owner, "x"),
        (&owner, ""),
    ] {
        let refused = create_with(&t, by, customer, new.clone(), sealed).await;
        assert_eq!(blamed(refused), "sealed_link");
    }
    let made = create_with(&t, &owner, customer, new.clone(), &offered.sealed)
        .await
        .unwrap();
    let secret = secrecy::SecretString::from(secret);
    assert_eq!(
        hash_of(&t, made.id).await,
        crate::auth::token::hash(secret.expose_secret())
    );
    let twice = create_with(&t, &owner, customer, new, &offered.sealed).await;
    assert_eq!(blamed(twice), "sealed_link");
});

db_test!(what_is_given_for_a_link_is_looked_at, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let elsewhere = t.customer("Elsewhere").await;
    let theirs = sample::profile(&t, &owner, Some(elsewhere), "Theirs").await;
    let shared = sample::profile(&t, &owner, None, "Shared").await;
    let good = new(shared.id, "contoso.example");
    for (given, field) in [
        (
            NewConsentLink {
                tenant: "common".to_owned(),
                ..good.clone()
            },
            "tenant",
        ),
        (
            NewConsentLink {
                cloud: "moon".to_owned(),
                ..good.clone()
            },
            "cloud",
        ),
        (
            NewConsentLink {
                object_types: Vec::new(),
                ..good.clone()
            },
            "object_types",
        ),
        (
            NewConsentLink {
                object_types: vec![ObjectType::Membership],
                ..good.clone()
            },
            "object_types",
        ),
        (new(theirs.id, "contoso.example"), "credential_profile_id"),
        (
            new(CredentialProfileId(t.ids.uuid()), "a.example"),
            "credential_profile_id",
        ),
    ] {
        let refused = create(&t, &owner, customer, given).await;
        assert_eq!(blamed(refused), field);
    }
    let reader = t
        .role_over(domain::permission::Role::ReadOnly, &[customer])
        .await;
    let refused = create(&t, &reader, customer, good).await;
    assert!(matches!(
        refused,
        Err(Error::Forbidden(Permission::IntegrationsWrite))
    ));
    let none = list(&t, &reader, customer, PageRequest::default()).await;
    assert_eq!(none.unwrap(), Page::empty());
    let refused = offer(&t, &reader).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
});

db_test!(links_are_listed_with_what_they_are_for, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Contoso").await;
    let elsewhere = t.customer("Elsewhere").await;
    let profile = sample::profile(&t, &owner, Some(customer), "Own").await;
    let mut made = Vec::new();
    for tenant in ["a.example", "b.example", "ab.example"] {
        let link = create(&t, &owner, customer, new(profile.id, tenant)).await;
        made.push(link.unwrap().link.id);
    }
    let integration = crate::store::integrations::create(
        &t,
        &owner,
        customer,
        sample::new_integration(&profile, "b.example"),
    );
    let integration = integration.await.unwrap();
    let reader = t
        .role_over(domain::permission::Role::ReadOnly, &[customer])
        .await;
    let page = list(&t, &reader, customer, PageRequest::new(1, 2)).await;
    let page = page.unwrap();
    let lines: Vec<_> = page
        .items
        .iter()
        .map(|of| (of.link.id, of.integration_id, of.integration_name.clone()))
        .collect();
    let name = Some(integration.name.clone());
    assert_eq!(
        lines,
        [(made[2], None, None), (made[1], Some(integration.id), name)]
    );
    assert_eq!(page.total, 3);
    assert_eq!(page.items[0].credential_profile_name, "Own");

    let ask = async |cursor: Option<&str>, q: Option<&str>| {
        let request = ListRequest {
            limit: 2,
            cursor: cursor.map(|text| text.parse().unwrap()),
            q: q.map(str::to_owned),
        };
        let found = listing(&t, &reader, customer, &request).await.unwrap();
        let ids: Vec<_> = found.items.iter().map(|of| of.link.id).collect();
        (ids, found.next)
    };
    let (first, next) = ask(None, None).await;
    assert_eq!(first, [made[2], made[1]]);
    assert_eq!(ask(next.as_deref(), None).await, (vec![made[0]], None));
    assert_eq!(ask(None, Some(" AB.")).await, (vec![made[2]], None));

    let other = t.administrator_of(&[elsewhere]).await;
    let hidden = list(&t, &other, customer, PageRequest::default()).await;
    assert!(matches!(hidden, Err(Error::NotFound("customer"))));
    let hidden = listing(&t, &other, customer, &ListRequest::default()).await;
    assert!(matches!(hidden, Err(Error::NotFound("customer"))));
});
