//! No secret stands anywhere in the database in the clear.

use domain::{
    api_token::NewApiToken, credential_profile::NewSecondCredential, id::CredentialProfileId,
    permission::Role,
};
use secrecy::ExposeSecret;

use super::{
    consent_links, credential_profiles, imports, notification_recipients, sample, sessions, tokens,
};
use crate::{
    Scope, auth,
    sealer::{self, places},
    testing::{Kind, TestBackend},
};

/// Every sealed column has something in it by now, so that a new one has to be added here; and
/// nothing in it is of any other form than the sealed one.
async fn everything_sealed_is_of_this_form(t: &TestBackend) {
    let mut tx = t.db.read().await.unwrap();
    for column in places::COLUMNS {
        let sealed = column.all(&mut tx).await.unwrap();
        assert!(
            !sealed.is_empty(),
            "{column:?} is empty: give this test a secret for it"
        );
        for value in sealed {
            assert!(
                sealer::is_sealed_with(&value, t.sealer.fingerprint()),
                "{column:?}"
            );
        }
    }
}

/// The key of an app in hexadecimal, and a recovery code.
async fn second_factor(t: &TestBackend, owner: &Scope) -> (String, String) {
    let app = hex::encode(sample::authenticator(t, owner).await);
    let mut offer = auth::second_factor::offer_recovery_codes(t, owner)
        .await
        .unwrap();
    auth::second_factor::keep_recovery_codes(t, owner, &offer.sealed)
        .await
        .unwrap();
    (app, offer.codes.remove(0))
}

/// The secrets of a webhook, before and after a new one was made.
async fn webhook(t: &TestBackend, owner: &Scope) -> [String; 2] {
    let hook = domain::notification::NewNotificationRecipient {
        kind: domain::notification::RecipientKind::Webhook,
        address: "https://example.com/hook".to_owned(),
        causes: None,
    };
    let hook = notification_recipients::create(t, owner, None, hook)
        .await
        .unwrap();
    let rotate = domain::notification::NotificationRecipientChange {
        rotate_secret: true,
        ..Default::default()
    };
    let rotated = notification_recipients::change(t, owner, hook.recipient.id, rotate)
        .await
        .unwrap();
    [hook.secret.unwrap(), rotated.secret.unwrap()]
}

/// What stands in a consent link.
async fn consent(t: &TestBackend, owner: &Scope, profile: CredentialProfileId) -> String {
    let customer = t.customer("Contoso").await;
    let link = domain::consent_link::NewConsentLink {
        credential_profile_id: profile,
        cloud: "global".to_owned(),
        tenant: "contoso.example".to_owned(),
        object_types: vec![domain::policy::ObjectType::User],
    };
    let link = consent_links::create(t, owner, customer, link);
    let url = link.await.unwrap().url;
    let (_, secret) = url.split_once("secret=").unwrap();
    secret.to_owned()
}

#[expect(clippy::too_many_lines, reason = "every secret there is")]
#[tokio::test]
async fn no_secret_stands_in_the_database_file_in_the_clear() {
    let t = TestBackend::new(Kind::Sqlite).await.unwrap();
    let owner = t.owner().await;
    let password = "a password nobody guesses";
    auth::add_operator(&t, "o@x.example", "O", Role::Owner, password.into())
        .await
        .unwrap();
    let mut new = sample::new_profile(None, "Shared");
    new.client_secret = Some("first-secret-value".to_owned());
    let profile = credential_profiles::create(&t, &owner, new).await.unwrap();
    let change = domain::credential_profile::CredentialProfileChange {
        client_secret: Some("second-secret-value".to_owned()),
        ..Default::default()
    };
    credential_profiles::change(&t, &owner, profile.id, change)
        .await
        .unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(["x.example".to_owned()]).unwrap();
    let mut new = sample::new_profile(None, "Certificate");
    new.kind = domain::credential_profile::CredentialKind::Certificate;
    new.client_secret = None;
    new.certificate_pem = Some(certificate.self_signed(&key).unwrap().pem());
    new.private_key_pem = Some(key.serialize_pem());
    credential_profiles::create(&t, &owner, new).await.unwrap();
    let mut second = NewSecondCredential {
        kind: domain::credential_profile::CredentialKind::ClientSecret,
        client_secret: Some("third-secret-value".to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    };
    credential_profiles::put_second(&t, &owner, profile.id, second.clone())
        .await
        .unwrap();
    credential_profiles::use_second(&t, &owner, profile.id)
        .await
        .unwrap();
    second.kind = domain::credential_profile::CredentialKind::Certificate;
    second.client_secret = None;
    second.certificate_years = Some(1);
    credential_profiles::put_second(&t, &owner, profile.id, second)
        .await
        .unwrap();
    let (_, token) = tokens::create(&t, &owner, NewApiToken::of_everything("CI", Role::Owner))
        .await
        .unwrap();
    let signing = webhook(&t, &owner).await;
    let cookie = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff01_i128;
    sessions::create(&t, cookie, "{}").await.unwrap();
    let invitation = "what-stands-in-a-link";
    let consent = &consent(&t, &owner, profile.id).await;
    sample::mail_with_link(&t, owner.operator_id().unwrap(), invitation).await;
    let activation = "what-stands-in-the-link-of-a-user";
    sample::mail_with_link_to_user(&t, activation).await;

    let imported = "what-an-imported-person-signs-in-with";
    let file = format!("upn,name,password\nada@x.example,Ada,{imported}\n");
    let customer = t.customer("Imported").await;
    imports::from_file(&t, &owner, customer, "users.csv", file.into(), None)
        .await
        .unwrap();

    let (app, recovery_code) = second_factor(&t, &owner).await;

    everything_sealed_is_of_this_form(&t).await;
    t.db.close().await;
    let mut bytes = Vec::new();
    for file in ["rollcall.db", "rollcall.db-wal"] {
        if let Ok(read) = std::fs::read(t.folder.path().join(file)) {
            bytes.extend(read);
        }
    }
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(b"Shared"), "the right files are looked through");
    // A line from the middle of the key: its first one is the same in every key.
    let pem = key.serialize_pem();
    let of_key = pem.lines().nth(5).unwrap();
    let master = hex::encode([7_u8; 32]);
    for secret in [
        password,
        "first-secret-value",
        "second-secret-value",
        "third-secret-value",
        invitation,
        activation,
        imported,
        consent,
        of_key,
        "PRIVATE KEY",
        token.expose_secret(),
        &token.expose_secret()[3..46],
        &master,
        "whsec_",
        &signing[0][6..],
        &signing[1][6..],
        &app,
        &recovery_code,
        &recovery_code.replace('-', ""),
    ] {
        assert!(!holds(secret.as_bytes()), "{secret}");
    }
    assert!(!holds(&cookie.to_be_bytes()));
    assert!(!holds(&[7_u8; 32]), "the master key");
    assert!(!holds(&hex::decode(app).unwrap()), "the key of an app");
}
