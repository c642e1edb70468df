//! The second secret of a profile, and certificates that Rollcall makes.

use chrono::Duration;
use domain::credential_profile::{CredentialKind, NewCredentialProfile, NewSecondCredential};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::{db_test, fetch_one, store::sample, testing::TestBackend};

fn secret(value: &str, expires_at: Option<DateTime>) -> NewSecondCredential {
    NewSecondCredential {
        kind: CredentialKind::ClientSecret,
        client_secret: Some(value.to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at,
    }
}

fn made(years: u32) -> NewSecondCredential {
    NewSecondCredential {
        kind: CredentialKind::Certificate,
        client_secret: None,
        certificate_years: Some(years),
        ..secret("", None)
    }
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

/// What the profile is according to the database's own sum of when it ends.
async fn ends_in_sql(t: &TestBackend, id: CredentialProfileId) -> Option<DateTime> {
    let mut tx = t.db.read().await.unwrap();
    let sql = format!(
        "SELECT {} FROM credential_profile p WHERE p.id = $1",
        ends_at!()
    );
    let (at,) = fetch_one!(&mut tx, (Option<DateTime>,), sqlx::AssertSqlSafe(sql), id).unwrap();
    at
}

async fn try_out(t: &TestBackend, id: CredentialProfileId) {
    let mut tx = t.db.write().await.unwrap();
    let (second, _) = second_credential(t, &mut tx, id).await.unwrap();
    tested(t, &mut tx, id, second).await.unwrap();
    tx.commit().await.unwrap();
}

db_test!(
    a_second_secret_stands_beside_the_first_until_the_two_change_places,
    |t| {
        let owner = t.owner().await;
        let (soon, late) = (
            t.clock.now() + Duration::days(10),
            t.clock.now() + Duration::days(400),
        );
        let new = NewCredentialProfile {
            expires_at: Some(soon),
            ..sample::new_profile(None, "Partner")
        };
        let id = create(&t, &owner, new).await.unwrap().id;
        assert!(matches!(
            use_second(&t, &owner, id).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            remove_second(&t, &owner, id).await,
            Err(Error::NotFound(_))
        ));

        let with = put_second(&t, &owner, id, secret("next value", Some(late)))
            .await
            .unwrap();
        assert_eq!(get(&t, &owner, id).await.unwrap(), with);
        let second = with.second.clone().unwrap();
        assert_eq!(
            (second.expires_at, second.is_next(), second.is_ready()),
            (Some(late), true, false)
        );
        assert_eq!((with.expires_at, with.ends_at()), (Some(soon), Some(soon)));
        assert_eq!(ends_in_sql(&t, id).await, with.ends_at());
        try_out(&t, id).await;
        let ready = get(&t, &owner, id).await.unwrap();
        assert_eq!(ready.ends_at(), Some(late), "it was tried out");
        assert_eq!(ends_in_sql(&t, id).await, ready.ends_at());

        t.clock.advance(Duration::hours(1));
        let after = use_second(&t, &owner, id).await.unwrap();
        assert_eq!(get(&t, &owner, id).await.unwrap(), after);
        assert_eq!(
            (after.expires_at, after.secret_set_at),
            (Some(late), second.set_at)
        );
        assert_eq!(
            (after.switched_at, after.switched_because.clone()),
            (Some(t.clock.now()), None)
        );
        let before = after.second.clone().unwrap();
        assert_eq!(
            (before.expires_at, before.replaced_at),
            (Some(soon), Some(t.clock.now()))
        );
        assert_eq!(
            (after.ends_at(), ends_in_sql(&t, id).await),
            (Some(late), Some(late))
        );
        let texts = |credential: graph::Credential| format!("{credential:?}");
        assert!(
            !texts(
                credential(&t, &mut t.db.read().await.unwrap(), id)
                    .await
                    .unwrap()
            )
            .contains("next value")
        );

        remove_second(&t, &owner, id).await.unwrap();
        let alone = get(&t, &owner, id).await.unwrap();
        assert_eq!((alone.second, alone.expires_at), (None, Some(late)));
        // Replacing the used one forgets how it came to be used.
        let change = domain::credential_profile::CredentialProfileChange {
            client_secret: Some("another".to_owned()),
            ..Default::default()
        };
        let replaced = super::change(&t, &owner, id, change).await.unwrap();
        assert_eq!(replaced.switched_at, None);
        assert_eq!(
            sample::audit_log(&t).await[1..4],
            [
                "Owner credential_profile.add_second Partner",
                "Owner credential_profile.use_second Partner",
                "Owner credential_profile.remove_second Partner",
            ]
        );
    }
);

db_test!(a_certificate_is_made_and_its_public_part_can_be_had, |t| {
    let owner = t.owner().await;
    let id = sample::profile(&t, &owner, None, "Müller & Söhne").await.id;
    assert!(matches!(
        certificate(&t, &owner, id, false).await,
        Err(Error::NotFound(_))
    ));
    let profile = put_second(&t, &owner, id, made(2)).await.unwrap();
    let second = profile.second.unwrap();
    assert_eq!(second.kind, CredentialKind::Certificate);
    let public = certificate(&t, &owner, id, true).await.unwrap();
    let (_, read) = X509Certificate::from_der(&public.der).unwrap();
    assert_eq!(read.subject().to_string(), "CN=Rollcall Müller & Söhne");
    assert!(!read.is_ca());
    let bits = read.public_key().parsed().unwrap().key_size();
    assert_eq!(bits, 3072);
    let ends = domain::DateTime::from_timestamp(read.validity().not_after.timestamp(), 0);
    assert_eq!(second.expires_at, ends);
    assert_eq!(
        ends,
        t.clock.now().checked_add_months(chrono::Months::new(24))
    );
    assert!(read.validity().not_before.timestamp() < t.clock.now().timestamp());
    let sha1 = hex::encode_upper(<sha1::Sha1 as sha2::Digest>::digest(&public.der));
    assert_eq!(
        second.certificate_thumbprint_sha1.as_deref(),
        Some(sha1.as_str())
    );
    assert!(public.pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(!public.pem.contains("PRIVATE"));
    let block = x509_parser::pem::Pem::iter_from_buffer(public.pem.as_bytes()).next();
    assert_eq!(block.unwrap().unwrap().contents, public.der);

    let used = use_second(&t, &owner, id).await.unwrap();
    assert_eq!(
        (used.kind, used.expires_at),
        (CredentialKind::Certificate, ends)
    );
    assert_eq!(certificate(&t, &owner, id, false).await.unwrap(), public);
    assert!(matches!(
        certificate(&t, &owner, id, true).await,
        Err(Error::NotFound(_))
    ));
    // Two certificates never have the same key.
    let other = put_second(&t, &owner, id, made(1))
        .await
        .unwrap()
        .second
        .unwrap();
    assert_ne!(other.certificate_thumbprint, used.certificate_thumbprint);
});

db_test!(a_profile_may_begin_with_a_certificate_that_is_made, |t| {
    let owner = t.owner().await;
    let new = |years| NewCredentialProfile {
        kind: CredentialKind::Certificate,
        client_secret: None,
        certificate_years: years,
        ..sample::new_profile(None, "Made")
    };
    let profile = create(&t, &owner, new(Some(1))).await.unwrap();
    assert!(
        profile
            .certificate_thumbprint_sha1
            .is_some_and(|print| print.len() == 40)
    );
    assert!(certificate(&t, &owner, profile.id, false).await.is_ok());
    credential(&t, &mut t.db.read().await.unwrap(), profile.id)
        .await
        .unwrap();
    for years in [0, 3, 100] {
        assert_eq!(
            field(create(&t, &owner, new(Some(years))).await),
            "certificate_years"
        );
    }
    let with_secret = NewCredentialProfile {
        certificate_years: Some(1),
        ..sample::new_profile(None, "x")
    };
    assert_eq!(
        field(create(&t, &owner, with_secret).await),
        "certificate_years"
    );
    let both = NewSecondCredential {
        certificate_pem: Some("x".to_owned()),
        ..made(1)
    };
    assert_eq!(
        field(put_second(&t, &owner, profile.id, both).await),
        "certificate_years"
    );
    let nothing = NewSecondCredential {
        certificate_years: None,
        ..made(1)
    };
    assert_eq!(
        field(put_second(&t, &owner, profile.id, nothing).await),
        "certificate_pem"
    );
});

db_test!(
    nobody_touches_the_second_secret_of_another_customer_or_of_all,
    |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let (owner, some) = (t.owner().await, t.administrator_of(&[a]).await);
        let shared = sample::profile(&t, &owner, None, "Shared").await.id;
        let of_b = sample::profile(&t, &owner, Some(b), "Of B").await.id;
        let of_a = sample::profile(&t, &some, Some(a), "Of A").await.id;
        for id in [shared, of_b] {
            put_second(&t, &owner, id, made(1)).await.unwrap();
        }
        let new = || secret("x y z", None);
        assert!(matches!(
            put_second(&t, &some, of_b, new()).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            use_second(&t, &some, of_b).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            remove_second(&t, &some, of_b).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            certificate(&t, &some, of_b, true).await,
            Err(Error::NotFound(_))
        ));
        assert!(matches!(
            put_second(&t, &some, shared, new()).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            use_second(&t, &some, shared).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            remove_second(&t, &some, shared).await,
            Err(Error::Forbidden(_))
        ));
        // What is uploaded to Entra is no secret.
        certificate(&t, &some, shared, true).await.unwrap();
        put_second(&t, &some, of_a, new()).await.unwrap();
        remove_second(&t, &some, of_a).await.unwrap();
    }
);
