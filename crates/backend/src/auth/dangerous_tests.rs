//! What is dangerous: the one list. Each of it is refused to an operator who did not prove lately
//! that it is them, before it does anything, and not to a program, for which the permission counts.

use domain::{
    api_token::{ApiTokenKind, NewApiToken},
    credential_profile::{CredentialKind, CredentialProfileChange, NewSecondCredential},
    id::{ApiTokenId, CredentialProfileId, NotificationRecipientId, OperatorId, PasskeyId},
    notification::{NewNotificationRecipient, NotificationRecipientChange, RecipientKind},
    operator::{CustomerScope, NewOperator, OperatorChange},
    permission::Role,
};

use super::{
    second_factor::{self, SettingUp},
    *,
};
use crate::{
    db_test,
    store::{credential_profiles, notification_recipients, operators, sample, tokens},
    testing::{TestBackend, origin},
};

struct Things {
    /// A token that somebody else answers for.
    token: ApiTokenId,
    profile: CredentialProfileId,
    hook: NotificationRecipientId,
    /// An owner who is changed.
    owner: OperatorId,
    /// Somebody who isn't one.
    help_desk: OperatorId,
}

fn second() -> NewSecondCredential {
    NewSecondCredential {
        kind: CredentialKind::ClientSecret,
        client_secret: Some("x".to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    }
}

fn recipient(kind: RecipientKind, address: &str) -> NewNotificationRecipient {
    NewNotificationRecipient {
        kind,
        address: address.to_owned(),
        causes: None,
    }
}

fn invited(t: &TestBackend, role: Role) -> NewOperator {
    NewOperator {
        email: format!("{}@example.com", t.ids.uuid()),
        name: "New".to_owned(),
        role,
        scope: CustomerScope::All,
    }
}

async fn things(t: &TestBackend, owner: &Scope) -> Things {
    let address = format!("https://example.com/{}", t.ids.uuid());
    let hook = recipient(RecipientKind::Webhook, &address);
    let hook = notification_recipients::create(t, owner, None, hook);
    let help_desk = t.operator(Role::HelpDesk, CustomerScope::All).await;
    let another = t.owner().await;
    let token = tokens::create(
        t,
        &another,
        NewApiToken::of_everything("CI", Role::ReadOnly),
    );
    Things {
        token: token.await.unwrap().0.id,
        profile: sample::profile(t, owner, None, &address).await.id,
        hook: hook.await.unwrap().recipient.id,
        owner: t.owner().await.operator_id().unwrap(),
        help_desk: help_desk.operator_id().unwrap(),
    }
}

/// Whether it was asked to prove first.
fn asks<T>(given: Result<T>) -> bool {
    matches!(given, Err(Error::ProveAgain))
}

/// Everything that is dangerous, as `scope` would do it, but for approving what is held, which
/// needs a run (`sync::tests::deciding`).
async fn dangerous(t: &TestBackend, w: &Things, scope: &Scope) -> Vec<(&'static str, bool)> {
    let role = |role| OperatorChange {
        role: Some(role),
        ..OperatorChange::default()
    };
    let rename = || OperatorChange {
        name: Some("Another".to_owned()),
        ..OperatorChange::default()
    };
    let secret = CredentialProfileChange {
        client_secret: Some("y".to_owned()),
        ..CredentialProfileChange::default()
    };
    let rotate = NotificationRecipientChange {
        rotate_secret: true,
        ..NotificationRecipientChange::default()
    };
    let webhook = recipient(RecipientKind::Webhook, "https://example.com/other");
    let new = sample::new_profile(None, "New");
    let (profile, hook) = (w.profile, w.hook);
    vec![
        (
            "change an owner",
            asks(operators::change(t, scope, w.owner, rename()).await),
        ),
        (
            "make somebody an owner",
            asks(operators::change(t, scope, w.help_desk, role(Role::Owner)).await),
        ),
        (
            "remove an owner",
            asks(operators::remove(t, scope, w.owner).await),
        ),
        (
            "invite an owner",
            asks(operators::invite(t, scope, invited(t, Role::Owner)).await),
        ),
        (
            "reset somebody’s second factor",
            asks(second_factor::reset(t, scope, w.help_desk).await),
        ),
        (
            "say which roles need one",
            asks(second_factor::require_of_roles(t, scope, vec![]).await),
        ),
        (
            "add a credential",
            asks(credential_profiles::create(t, scope, new).await),
        ),
        (
            "replace a credential",
            asks(credential_profiles::change(t, scope, profile, secret).await),
        ),
        (
            "add a second credential",
            asks(credential_profiles::put_second(t, scope, profile, second()).await),
        ),
        (
            "use the second credential",
            asks(credential_profiles::use_second(t, scope, profile).await),
        ),
        (
            "remove the second credential",
            asks(credential_profiles::remove_second(t, scope, profile).await),
        ),
        (
            "add a webhook",
            asks(notification_recipients::create(t, scope, None, webhook).await),
        ),
        (
            "add a webhook whose secret was shown",
            asks(
                notification_recipients::create_with(
                    t,
                    scope,
                    None,
                    recipient(RecipientKind::Webhook, "https://example.com/shown"),
                    hook,
                    "",
                )
                .await,
            ),
        ),
        (
            "give a webhook a new secret",
            asks(notification_recipients::change(t, scope, hook, rotate).await),
        ),
        (
            "give a webhook the secret that was shown",
            asks(notification_recipients::rotate_to(t, scope, hook, "").await),
        ),
    ]
}

/// The same with tokens.
async fn dangerous_with_tokens(
    t: &TestBackend,
    w: &Things,
    scope: &Scope,
) -> Vec<(&'static str, bool)> {
    let for_itself = |kind| NewApiToken {
        kind,
        ..NewApiToken::of_everything("x", Role::ReadOnly)
    };
    vec![
        (
            "make a token for a program",
            asks(tokens::create(t, scope, for_itself(ApiTokenKind::Program)).await),
        ),
        (
            "make a token for oneself",
            asks(tokens::create(t, scope, for_itself(ApiTokenKind::Personal)).await),
        ),
        (
            "make the token that was shown",
            asks(tokens::create_with(t, scope, for_itself(ApiTokenKind::Program), "").await),
        ),
        (
            "give a token a new secret",
            asks(tokens::rotate(t, scope, w.token, 1).await),
        ),
        (
            "give a token the secret that was shown",
            asks(tokens::rotate_to(t, scope, w.token, 1, "").await),
        ),
        (
            "take a token over",
            asks(tokens::take_over(t, scope, w.token, 1, "").await),
        ),
    ]
}

/// What of one's own second factors is dangerous. A program has none.
async fn of_ones_own(t: &TestBackend, scope: &Scope) -> Vec<(&'static str, bool)> {
    let who = SettingUp::Operator {
        scope: scope.clone(),
        session: None,
    };
    let password = PasswordChange {
        old: "an old password".into(),
        new: "a new long password".into(),
        keep: None,
        revoke_tokens: false,
    };
    vec![
        (
            "be shown a key",
            asks(second_factor::offer_authenticator(t, &who, None).await),
        ),
        (
            "set up an app",
            asks(second_factor::confirm_authenticator(t, &who, "", "").await),
        ),
        (
            "be shown recovery codes",
            asks(second_factor::offer_recovery_codes(t, scope).await),
        ),
        (
            "make recovery codes",
            asks(second_factor::keep_recovery_codes(t, scope, "").await),
        ),
        (
            "remove a passkey",
            asks(second_factor::remove_passkey(t, scope, PasskeyId(t.ids.uuid())).await),
        ),
        (
            "end one of one’s sessions",
            asks(sessions::end(t, scope, t.ids.uuid()).await),
        ),
        (
            "end one’s other sessions",
            asks(sessions::end_all_others(t, scope, None).await),
        ),
        (
            "change the password, with a second factor",
            asks(change_password(t, scope, password).await),
        ),
        (
            "remove the app",
            asks(second_factor::remove_authenticator(t, scope).await),
        ),
    ]
}

fn all(outcomes: &[(&'static str, bool)], asked: bool) {
    let others: Vec<_> = outcomes.iter().filter(|(_, was)| *was != asked).collect();
    assert!(others.is_empty(), "asked: {}: {others:?}", !asked);
}

db_test!(what_is_dangerous_is_asked_for_with_a_proof, |t| {
    let owner = t.owner().await;
    let w = things(&t, &owner).await;
    sample::authenticator(&t, &owner).await;
    let stale = t.stale_scope_of(owner.operator_id().unwrap()).await;
    all(&dangerous(&t, &w, &stale).await, true);
    all(&dangerous_with_tokens(&t, &w, &stale).await, true);
    all(&of_ones_own(&t, &stale).await, true);

    // Not dangerous.
    let rename = || OperatorChange {
        name: Some("Another".to_owned()),
        ..OperatorChange::default()
    };
    operators::change(&t, &stale, w.help_desk, rename())
        .await
        .unwrap();
    operators::invite(&t, &stale, invited(&t, Role::HelpDesk))
        .await
        .unwrap();
    let change = CredentialProfileChange {
        name: Some("Another".to_owned()),
        ..CredentialProfileChange::default()
    };
    credential_profiles::change(&t, &stale, w.profile, change)
        .await
        .unwrap();
    let mail = recipient(RecipientKind::Mail, "desk@example.com");
    notification_recipients::create(&t, &stale, None, mail)
        .await
        .unwrap();

    let id = ApiTokenId(t.ids.uuid());
    let token = Scope::token((id, "x"), Role::Owner, Customers::All, id.0, origin("r"));
    all(&dangerous(&t, &w, &token).await, false);
    all(&dangerous_with_tokens(&t, &w, &token).await, false);
    let w = things(&t, &owner).await;
    all(&dangerous(&t, &w, &owner).await, false);
    all(&dangerous_with_tokens(&t, &w, &owner).await, false);
    all(&of_ones_own(&t, &owner).await, false);
});
