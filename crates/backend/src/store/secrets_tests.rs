//! No secret stands anywhere in the database in the clear.

use domain::{
    api_token::NewApiToken,
    credential_profile::{CredentialKind, CredentialProfileChange, NewSecondCredential},
    id::CredentialProfileId,
    permission::Role,
};
use secrecy::ExposeSecret;

use super::{
    consent_links, credential_profiles, imports, notification_recipients, sample, sessions, tokens,
};
use crate::{
    Db, Scope, auth, db_test,
    sealer::{self, places},
    testing::{
        TestBackend,
        secrets::{Secret, rows},
    },
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

/// The key of an app, and the recovery codes, with the strokes between their letters and without.
async fn second_factor(t: &TestBackend, owner: &Scope) -> Vec<Secret> {
    let key = sample::authenticator(t, owner).await;
    let mut secrets = vec![Secret::bytes("the key of an app", &key)];
    let offer = auth::second_factor::offer_recovery_codes(t, owner)
        .await
        .unwrap();
    auth::second_factor::keep_recovery_codes(t, owner, &offer.sealed)
        .await
        .unwrap();
    for code in offer.codes {
        let letters = code.replace('-', "");
        secrets.push(Secret::text("a recovery code", &code));
        secrets.push(Secret::text("a recovery code’s letters", &letters));
    }
    secrets
}

/// The secrets of a webhook, before and after a new one was made.
async fn webhook(t: &TestBackend, owner: &Scope) -> Vec<Secret> {
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
    let [first, second] = [hook.secret.unwrap(), rotated.secret.unwrap()];
    vec![
        Secret::text("what a webhook is signed with", &first["whsec_".len()..]),
        Secret::text("its next", &second["whsec_".len()..]),
    ]
}

/// What stands in a consent link.
async fn consent(t: &TestBackend, owner: &Scope, profile: CredentialProfileId) -> Secret {
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
    Secret::text("a consent link", secret)
}

/// Profiles with a secret, with a certificate, and with second ones of both.
async fn profiles(t: &TestBackend, owner: &Scope) -> (CredentialProfileId, Vec<Secret>) {
    let [first, second, third] =
        ["first", "second", "third"].map(|of| format!("{of} secret value"));
    let mut new = sample::new_profile(None, "Shared");
    new.client_secret = Some(first.clone());
    let profile = credential_profiles::create(t, owner, new).await.unwrap();
    let change = CredentialProfileChange {
        client_secret: Some(second.clone()),
        ..Default::default()
    };
    credential_profiles::change(t, owner, profile.id, change)
        .await
        .unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(["x.example".to_owned()]).unwrap();
    let mut new = sample::new_profile(None, "Certificate");
    new.kind = CredentialKind::Certificate;
    new.client_secret = None;
    new.certificate_pem = Some(certificate.self_signed(&key).unwrap().pem());
    new.private_key_pem = Some(key.serialize_pem());
    credential_profiles::create(t, owner, new).await.unwrap();
    let mut next = NewSecondCredential {
        kind: CredentialKind::ClientSecret,
        client_secret: Some(third.clone()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    };
    credential_profiles::put_second(t, owner, profile.id, next.clone())
        .await
        .unwrap();
    credential_profiles::use_second(t, owner, profile.id)
        .await
        .unwrap();
    next.kind = CredentialKind::Certificate;
    next.client_secret = None;
    next.certificate_years = Some(1);
    credential_profiles::put_second(t, owner, profile.id, next)
        .await
        .unwrap();
    // From the middle of the key: it begins alike in every key.
    let der = key.serialized_der();
    let pem = key.serialize_pem();
    let secrets = vec![
        Secret::text("a profile’s secret", &first),
        Secret::text("its next secret", &second),
        Secret::text("its second secret", &third),
        Secret::text("a line of a private key", pem.lines().nth(5).unwrap()),
        Secret::bytes("a private key", &der[der.len() / 2..][..32]),
        Secret::text("the head of a private key", "PRIVATE KEY"),
    ];
    (profile.id, secrets)
}

/// Mails with links that are on their way.
async fn links(t: &TestBackend, owner: &Scope) -> Vec<Secret> {
    let invitation = "what-stands-in-a-link";
    let operator = owner.operator_id().unwrap();
    sample::mail_with_link(t, operator, invitation).await;
    let activation = "what-stands-in-the-link-of-a-user";
    sample::mail_with_link_to_user(t, activation).await;
    let reset = sample::reset_link(t, operator).await;
    vec![
        Secret::text("an invitation", invitation),
        Secret::text("an activation link", activation),
        Secret::text("a link to a new password", reset.expose_secret()),
    ]
}

/// What operators, browsers and programs sign in with, and people of a file.
async fn passwords_and_tokens(t: &TestBackend, owner: &Scope) -> Vec<Secret> {
    let password = "a password nobody guesses";
    let operator = auth::add_operator(t, "o@x.example", "O", Role::Owner, password.into())
        .await
        .unwrap();
    let (_, token) = tokens::create(t, owner, NewApiToken::of_everything("CI", Role::Owner))
        .await
        .unwrap();
    let token = token.expose_secret();
    let cookie = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff01_i128;
    sessions::create(t, cookie, "{}").await.unwrap();
    let browser = auth::known_browsers::remember(t, operator.id, None)
        .await
        .unwrap();
    let imported = "what-an-imported-person-signs-in-with";
    let file = format!("upn,name,password\nada@x.example,Ada,{imported}\n");
    let customer = t.customer("Imported").await;
    imports::from_file(t, owner, customer, "users.csv", file.into(), None)
        .await
        .unwrap();
    vec![
        Secret::text("an operator’s password", password),
        Secret::text("an API token", token),
        // Without its prefix and its checksum.
        Secret::text("an API token’s letters", &token[3..46]),
        Secret::bytes("the number of a session", &cookie.to_be_bytes()),
        Secret::text("a known browser’s cookie", browser.expose_secret()),
        Secret::text("an imported password", imported),
    ]
}

/// What is in the database’s files; nothing where it is a server’s.
fn files(t: &TestBackend) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(t.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
    files
}

/// What has to be found there, so that what isn’t found would have been.
fn is_looked_through<'a>(places: impl IntoIterator<Item = &'a [u8]>, canary: &Secret) {
    let found = places
        .into_iter()
        .any(|place| canary.found_in(place).is_some());
    assert!(found, "{} isn’t found", canary.name);
}

db_test!(no_secret_stands_in_the_database_in_the_clear, |t| {
    let owner = t.owner().await;
    let (profile, mut secrets) = profiles(&t, &owner).await;
    secrets.extend(passwords_and_tokens(&t, &owner).await);
    secrets.extend(webhook(&t, &owner).await);
    secrets.push(consent(&t, &owner, profile).await);
    secrets.extend(links(&t, &owner).await);
    secrets.extend(second_factor(&t, &owner).await);
    secrets.push(Secret::bytes("the master key", &[7; 32]));
    everything_sealed_is_of_this_form(&t).await;

    let canaries = [
        Secret::text("the name of a profile", "Certificate"),
        // What is sealed begins with these bytes of its key’s fingerprint.
        Secret::bytes("the key’s id", &t.sealer.fingerprint()[..8]),
    ];
    let rows = rows(&t.db).await;
    for canary in &canaries {
        is_looked_through(rows.iter().map(|(_, row)| row.as_bytes()), canary);
    }
    for secret in &secrets {
        for (table, row) in &rows {
            let found = secret.found_in(row.as_bytes());
            assert_eq!(found, None, "{} in {table}", secret.name);
        }
    }
    let is_file = matches!(t.db, Db::Sqlite { .. });
    t.db.close().await;
    let files = files(&t);
    if is_file {
        for canary in &canaries {
            is_looked_through(files.iter().map(|(_, bytes)| &**bytes), canary);
        }
    }
    for secret in &secrets {
        for (file, bytes) in &files {
            assert_eq!(secret.found_in(bytes), None, "{} in {file}", secret.name);
        }
    }
});
