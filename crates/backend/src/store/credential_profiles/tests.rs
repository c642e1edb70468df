use domain::credential_profile::{CredentialKind, CredentialProfileChange, NewCredentialProfile};
use secrecy::ExposeSecret;

use super::*;
use crate::{
    db_test, fetch_all,
    store::{integrations, sample},
    testing::TestBackend,
};

/// A certificate for an RSA key, and the key, in PEM.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let parameters = rcgen::CertificateParams::new(["rollcall.example".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

fn with_certificate((certificate, key): &(String, String)) -> NewCredentialProfile {
    NewCredentialProfile {
        kind: CredentialKind::Certificate,
        client_secret: None,
        certificate_pem: Some(certificate.clone()),
        private_key_pem: Some(key.clone()),
        ..sample::new_profile(None, "Certificate")
    }
}

async fn opened(t: &TestBackend, id: CredentialProfileId) -> String {
    let mut tx = t.db.read().await.unwrap();
    let (sealed,) = fetch_all!(
        &mut tx,
        (Vec<u8>,),
        "SELECT secret_sealed FROM credential_profile WHERE id = $1",
        id
    )
    .unwrap()
    .remove(0);
    let place = material::place(id);
    t.sealer
        .open(place, &sealed)
        .await
        .unwrap()
        .expose_secret()
        .to_owned()
}

db_test!(a_profile_is_added_changed_and_deleted, |t| {
    let owner = t.owner().await;
    let end = t.clock.now() + chrono::Duration::days(90);
    let new = NewCredentialProfile {
        client_secret: Some("  s3cret\n".to_owned()),
        expires_at: Some(end),
        ..sample::new_profile(None, " Partner ")
    };
    let profile = create(&t, &owner, new).await.unwrap();
    assert_eq!(get(&t, &owner, profile.id).await.unwrap(), profile);
    assert_eq!(
        (profile.name.as_str(), profile.expires_at),
        ("Partner", Some(end))
    );
    assert_eq!(opened(&t, profile.id).await, "s3cret");
    credential(&t, &mut t.db.read().await.unwrap(), profile.id)
        .await
        .unwrap();

    t.clock.advance(chrono::Duration::hours(1));
    let renamed = CredentialProfileChange {
        name: Some("P2".into()),
        ..Default::default()
    };
    let after = change(&t, &owner, profile.id, renamed).await.unwrap();
    assert_eq!(
        (after.secret_set_at, after.expires_at),
        (profile.secret_set_at, Some(end))
    );
    assert_eq!(opened(&t, profile.id).await, "s3cret");

    let secret = CredentialProfileChange {
        client_secret: Some("n3w".into()),
        ..Default::default()
    };
    let after = change(&t, &owner, profile.id, secret).await.unwrap();
    assert_eq!(
        (after.secret_set_at, after.expires_at),
        (t.clock.now(), None)
    );
    assert_eq!(opened(&t, profile.id).await, "n3w");
    let dated = CredentialProfileChange {
        expires_at: Some(end),
        ..Default::default()
    };
    let after = change(&t, &owner, profile.id, dated).await.unwrap();
    assert_eq!(after.expires_at, Some(end));
    assert_eq!(get(&t, &owner, profile.id).await.unwrap(), after);

    delete(&t, &owner, profile.id).await.unwrap();
    assert!(matches!(
        get(&t, &owner, profile.id).await,
        Err(Error::NotFound(_))
    ));
    let rfc = |at: domain::DateTime| {
        serde_json::to_value(at)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        sample::audit_log(&t).await,
        [
            "Owner credential_profile.create Partner",
            "Owner credential_profile.update P2 (name: Partner → P2)",
            &format!(
                "Owner credential_profile.update P2 (client_secret: – → changed, expires_at: {} → –)",
                rfc(end)
            ),
            &format!(
                "Owner credential_profile.update P2 (expires_at: – → {})",
                rfc(end)
            ),
            "Owner credential_profile.delete P2",
        ]
    );
});

db_test!(a_certificate_tells_its_thumbprint_and_its_end, |t| {
    let owner = t.owner().await;
    let pair = pair();
    let profile = create(&t, &owner, with_certificate(&pair)).await.unwrap();
    assert_eq!(
        profile.certificate_thumbprint.as_deref().map(str::len),
        Some(64)
    );
    assert!(profile.expires_at.is_some());
    assert_eq!(opened(&t, profile.id).await, pair.1.trim());
    credential(&t, &mut t.db.read().await.unwrap(), profile.id)
        .await
        .unwrap();
    let dated = CredentialProfileChange {
        expires_at: profile.expires_at,
        ..Default::default()
    };
    assert_eq!(
        field(change(&t, &owner, profile.id, dated).await),
        "expires_at"
    );
});

db_test!(what_does_not_fit_is_refused_by_its_field, |t| {
    let owner = t.owner().await;
    let ok = || sample::new_profile(None, "x");
    let pair = pair();
    let cases = [
        (
            NewCredentialProfile {
                name: " ".into(),
                ..ok()
            },
            "name",
        ),
        (
            NewCredentialProfile {
                client_id: "app".into(),
                ..ok()
            },
            "client_id",
        ),
        (
            NewCredentialProfile {
                client_secret: Some(" ".into()),
                ..ok()
            },
            "client_secret",
        ),
        (
            NewCredentialProfile {
                client_secret: Some(uuid::Uuid::nil().to_string()),
                ..ok()
            },
            "client_secret",
        ),
        (
            NewCredentialProfile {
                private_key_pem: Some(pair.1.clone()),
                ..ok()
            },
            "private_key_pem",
        ),
        (
            NewCredentialProfile {
                client_secret: Some("s".into()),
                ..with_certificate(&pair)
            },
            "client_secret",
        ),
        (
            NewCredentialProfile {
                certificate_pem: None,
                ..with_certificate(&pair)
            },
            "certificate_pem",
        ),
        (
            NewCredentialProfile {
                certificate_pem: Some("x".into()),
                ..with_certificate(&pair)
            },
            "certificate_pem",
        ),
        (
            NewCredentialProfile {
                private_key_pem: None,
                ..with_certificate(&pair)
            },
            "private_key_pem",
        ),
        (
            NewCredentialProfile {
                private_key_pem: Some("x".into()),
                ..with_certificate(&pair)
            },
            "private_key_pem",
        ),
        (
            NewCredentialProfile {
                expires_at: Some(t.clock.now()),
                ..with_certificate(&pair)
            },
            "expires_at",
        ),
        (
            sample::new_profile(Some(CustomerId(t.ids.uuid())), "x"),
            "customer_id",
        ),
    ];
    for (new, blamed) in cases {
        assert_eq!(
            field(create(&t, &owner, new.clone()).await),
            blamed,
            "{new:?}"
        );
    }
});

db_test!(
    nobody_sees_another_customers_profiles_or_changes_shared_ones,
    |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
        let shared = sample::profile(&t, &owner, None, "Shared").await;
        let of_a = sample::profile(&t, &some, Some(a), "Of A").await;
        let of_b = sample::profile(&t, &owner, Some(b), "Of B").await;

        let query = CredentialProfileQuery::default;
        let names = |page: Page<CredentialProfileLine>| -> Vec<String> {
            page.items
                .into_iter()
                .map(|line| line.profile.name)
                .collect()
        };
        assert_eq!(
            names(list(&t, &some, query()).await.unwrap()),
            ["Of A", "Shared"]
        );
        assert_eq!(
            names(list(&t, &owner, query()).await.unwrap()),
            ["Of A", "Of B", "Shared"]
        );
        let for_b = CredentialProfileQuery {
            customer_id: Some(b),
            q: Some("S".into()),
            ..query()
        };
        assert_eq!(names(list(&t, &owner, for_b).await.unwrap()), ["Shared"]);
        for (sort, _) in SORTS {
            let sorted = CredentialProfileQuery {
                sort: Some((*sort).into()),
                ..query()
            };
            assert_eq!(list(&t, &owner, sorted).await.unwrap().total, 3, "{sort}");
        }
        let request = ListRequest {
            limit: 1,
            ..ListRequest::default()
        };
        let part = listing(&t, &some, &request).await.unwrap();
        assert_eq!(part.items[0].id, of_a.id);
        let request = ListRequest {
            cursor: part.next.map(|c| c.parse().unwrap()),
            ..request
        };
        let part = listing(&t, &some, &request).await.unwrap();
        assert_eq!((part.items[0].id, part.next), (shared.id, None));

        let ids = |profiles: Vec<CredentialProfile>| -> Vec<_> {
            profiles.into_iter().map(|p| p.id).collect()
        };
        assert_eq!(ids(choices(&t, &some, a).await.unwrap()), [of_a.id]);
        assert_eq!(
            ids(choices(&t, &owner, a).await.unwrap()),
            [of_a.id, shared.id]
        );
        assert!(matches!(
            choices(&t, &some, b).await,
            Err(Error::NotFound("customer"))
        ));

        let nothing = CredentialProfileChange::default;
        assert!(matches!(
            get(&t, &some, of_b.id).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            uses(&t, &some, of_b.id).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            change(&t, &some, of_b.id, nothing()).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            delete(&t, &some, of_b.id).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            change(&t, &some, shared.id, nothing()).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            delete(&t, &some, shared.id).await,
            Err(Error::Forbidden(_))
        ));
        let refused = create(&t, &some, sample::new_profile(None, "x")).await;
        assert_eq!(field(refused), "customer_id");
        assert_eq!(
            field(create(&t, &some, sample::new_profile(Some(b), "x")).await),
            "customer_id"
        );
    }
);

db_test!(a_profile_in_use_stays_and_names_only_visible_uses, |t| {
    let (a, b) = (t.customer("Adatum").await, t.customer("Blue").await);
    let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
    let shared = sample::profile(&t, &owner, None, "Shared").await;
    for (customer, tenant) in [(a, "a.example"), (b, "b.example")] {
        let new = sample::new_integration(&shared, tenant);
        integrations::create(&t, &owner, customer, new)
            .await
            .unwrap();
    }
    let refused = delete(&t, &owner, shared.id).await.unwrap_err().to_string();
    assert!(
        refused.contains("a.example (Adatum), b.example (Blue)"),
        "{refused}"
    );
    let seen = uses(&t, &some, shared.id).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].customer_id, seen[0].integration_name.as_str()),
        (a, "a.example")
    );
    let line = list(&t, &some, CredentialProfileQuery::default())
        .await
        .unwrap();
    assert_eq!(line.items[0].used_by, 1, "no count of the rest");
    let line = list(&t, &owner, CredentialProfileQuery::default())
        .await
        .unwrap();
    assert_eq!(line.items[0].used_by, 2);
});
