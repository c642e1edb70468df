//! Signing in at a provider that behaves, and at one that doesn't.

use std::collections::HashMap;

use chrono::Duration;
use domain::{
    operator::{CustomerScope, NewOperator, OperatorState},
    permission::Role,
};
use serde_json::json;

use super::*;
use crate::{
    db_test, fetch_all,
    store::sample,
    testing::{
        TestBackend, origin,
        provider::{Authorized, Signing, StubProvider, Token},
    },
};

const TENANT: &str = "63122682-6e3c-4cbb-9f35-7c1da11e1e1e";
const OTHER_TENANT: &str = "99999999-6e3c-4cbb-9f35-7c1da11e1e1e";
const OBJECT: &str = "0a0a0a0a-0000-4000-8000-000000000001";

/// A Rollcall with the provider `contoso`, and a browser.
struct World {
    t: TestBackend,
    stub: StubProvider,
    browser: SecretString,
}

impl World {
    async fn new(t: TestBackend) -> Self {
        let stub = StubProvider::start().await;
        Self::with(t, stub, |_| {}).await
    }

    /// With the provider set up otherwise.
    async fn with(
        mut t: TestBackend,
        stub: StubProvider,
        change: impl FnOnce(&mut ProviderGiven),
    ) -> Self {
        let mut given = stub.given("contoso");
        change(&mut given);
        let settings = ProviderSettings::checked(given).unwrap();
        t.backend.oidc = Providers::new(vec![settings]).unwrap();
        let browser = new_browser(&t);
        Self { t, stub, browser }
    }

    /// Entra ID for many tenants, of which one may sign in.
    async fn entra(t: TestBackend) -> Self {
        let stub = StubProvider::start().await;
        stub.metadata("issuer", format!("{}/{{tenantid}}/v2.0", stub.issuer()));
        stub.metadata("authorization_response_iss_parameter_supported", false);
        let issuer = format!("{}/organizations/v2.0", stub.issuer());
        let w = Self::with(t, stub, |given| {
            given.kind = Some("entra".to_owned());
            given.issuer = issuer;
            given.tenant_ids = vec![TENANT.to_owned()];
        })
        .await;
        w.entra_tokens(TENANT, TENANT);
        w
    }

    /// Tokens of a tenant, whose issuer is that of another where the two differ.
    fn entra_tokens(&self, tenant: &str, issuer: &str) {
        let issuer = format!("{}/{issuer}/v2.0", self.stub.issuer());
        let tenant = tenant.to_owned();
        self.stub.tokens(move |token| {
            token.claims["iss"] = json!(issuer);
            token.claims["tid"] = json!(tenant);
            token.claims["oid"] = json!(OBJECT);
        });
    }

    async fn go(&self, intent: Intent<'_>) -> Result<Url> {
        let asked = Begin {
            provider: "contoso",
            intent,
            return_to: "/users".to_owned(),
            browser: &self.browser,
            address: [192, 0, 2, 1].into(),
        };
        begin(&self.t, asked).await
    }

    /// Goes to the provider and signs in there.
    async fn authorized(&self, intent: Intent<'_>, subject: &str) -> Authorized {
        let question = self.go(intent).await.unwrap();
        self.stub.authorize(&question, subject, self.t.clock.now())
    }

    fn answer(&self, authorized: &Authorized) -> Answer {
        Answer {
            provider: "contoso".to_owned(),
            state: Some(authorized.state.clone()),
            code: Some(authorized.code.clone()),
            iss: Some(self.stub.issuer().to_owned()),
            error: None,
        }
    }

    async fn finish_as(&self, answer: Answer, scope: Option<&Scope>) -> Result<Finished> {
        let browser = Browser {
            secret: Some(self.browser.clone()),
            scope,
            address: [192, 0, 2, 1].into(),
            user_agent: "Browser 1".to_owned(),
            request_id: "r1".to_owned(),
        };
        finish(&self.t, answer, browser).await
    }

    async fn finish(&self, answer: Answer) -> Finished {
        self.finish_as(answer, None).await.unwrap()
    }

    /// The whole way of a sign-in with this account.
    async fn sign_in(&self, subject: &str) -> Finished {
        let authorized = self.authorized(Intent::SignIn, subject).await;
        let mut answer = self.answer(&authorized);
        if self.t.oidc.list[0].settings.entra {
            answer.iss = None;
        }
        self.finish(answer).await
    }

    /// Somebody who was invited; answers the secret of the link.
    async fn invited(&self, email: &str, role: Role) -> SecretString {
        let owner = self.t.owner().await;
        let new = NewOperator {
            email: email.to_owned(),
            name: "Bob".to_owned(),
            role,
            scope: CustomerScope::All,
        };
        let invited = operators::invite(&self.t, &owner, new).await.unwrap();
        let url = invited.invitation_url.unwrap();
        let (_, secret) = url.split_once("secret=").unwrap();
        secret.to_owned().into()
    }

    /// An operator who accepted an invitation with this account.
    async fn joined(&self, subject: &str, role: Role) -> Operator {
        let secret = self.invited(&format!("{subject}@example.com"), role).await;
        let authorized = self
            .authorized(Intent::AcceptInvitation(secret), subject)
            .await;
        let mut answer = self.answer(&authorized);
        if self.t.oidc.list[0].settings.entra {
            answer.iss = None;
        }
        match self.finish(answer).await {
            Finished::SignedIn { operator, .. } => *operator,
            other => panic!("{other:?}"),
        }
    }

    async fn scope(&self, operator: &Operator) -> Scope {
        crate::auth::operator_scope(&self.t, operator.id, origin("r2"))
            .await
            .unwrap()
    }

    /// The reasons of the refusals in the audit log.
    async fn reasons(&self) -> Vec<String> {
        let mut tx = self.t.db.read().await.unwrap();
        let rows = fetch_all!(
            &mut tx,
            (String,),
            "SELECT changes FROM audit_event WHERE action = 'operator.sign_in_failed' ORDER BY id"
        );
        let reason = |(changes,): (String,)| {
            let changes: serde_json::Value = serde_json::from_str(&changes).unwrap();
            changes["after"]["reason"].as_str().unwrap().to_owned()
        };
        rows.unwrap().into_iter().map(reason).collect()
    }
}

#[track_caller]
fn refused(finished: Finished) -> String {
    match finished {
        Finished::Refused { message } => message,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn signed_in(finished: Finished) -> Operator {
    match finished {
        Finished::SignedIn { operator, .. } => *operator,
        other => panic!("{other:?}"),
    }
}

db_test!(an_invitation_accepted_with_an_account_lets_it_in, |t| {
    let w = World::new(t).await;
    let unknown = refused(w.sign_in("bob").await);
    assert!(
        unknown.contains("bob@provider.example") && unknown.contains("Ask for an invitation"),
        "{unknown}"
    );
    let bob = w.joined("bob", Role::HelpDesk).await;
    assert_eq!(
        (bob.state, bob.role, bob.email.as_str()),
        (OperatorState::Active, Role::HelpDesk, "bob@example.com")
    );
    w.t.clock.advance(Duration::hours(1));
    let authorized = w.authorized(Intent::SignIn, "bob").await;
    match w.finish(w.answer(&authorized)).await {
        Finished::SignedIn {
            operator,
            return_to,
        } => {
            assert_eq!((operator.id, return_to.as_str()), (bob.id, "/users"));
        }
        other => panic!("{other:?}"),
    }
    let ways = ways_to_sign_in(&w.t, &w.scope(&bob).await).await.unwrap();
    assert!(!ways.has_password && ways.identities.len() == 1);
    let linked = &ways.identities[0];
    assert_eq!(
        (linked.provider.as_str(), linked.display.as_str()),
        ("Provider contoso", "bob@provider.example")
    );
    assert_eq!(linked.last_used_at, Some(w.t.clock.now()));
    let log = sample::audit_log(&w.t).await;
    assert_eq!(
        log,
        [
            "Not signed in operator.sign_in_failed bob@provider.example (provider: – → Provider contoso, reason: – → unknown_account, user_agent: – → Browser 1)",
            "Owner operator.invite bob@example.com (email: – → bob@example.com, name: – → Bob, role: – → help_desk, scope.kind: – → all)",
            "Bob operator.accept_invitation bob@example.com (account: – → bob@provider.example, provider: – → Provider contoso)",
            "Bob operator.sign_in bob@example.com (provider: – → Provider contoso, user_agent: – → Browser 1)",
            "Bob operator.sign_in bob@example.com (provider: – → Provider contoso, user_agent: – → Browser 1)",
        ]
    );
});

db_test!(an_account_is_found_by_nothing_but_itself, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    // The same name and the same mail address, and another account.
    w.stub.tokens(|token| {
        token.claims["sub"] = json!("eve");
        token.claims["preferred_username"] = json!("bob@provider.example");
        token.claims["email"] = json!("bob@example.com");
        token.claims["email_verified"] = json!(true);
    });
    assert!(refused(w.sign_in("eve").await).contains("Ask for an invitation"));
    w.stub.tokens(|token| token.claims["sub"] = json!("BOB"));
    assert!(refused(w.sign_in("bob").await).contains("Ask for an invitation"));
});

db_test!(an_invitation_is_good_once_and_for_one_account, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let secret = w.invited("amy@example.com", Role::ReadOnly).await;
    let first = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "bob")
        .await;
    let second = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "amy")
        .await;
    let third = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "ann")
        .await;
    let taken = refused(w.finish(w.answer(&first)).await);
    assert!(
        taken.contains("belongs to an operator here already"),
        "{taken}"
    );
    let amy = signed_in(w.finish(w.answer(&second)).await);
    assert_eq!(amy.email, "amy@example.com");
    let ended = refused(w.finish(w.answer(&third)).await);
    assert!(ended.contains("has ended"), "{ended}");
    let again = w.go(Intent::AcceptInvitation(secret)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert_eq!(w.reasons().await, ["account_taken", "invitation_ended"]);
});

db_test!(an_answer_is_good_once_here_and_for_ten_minutes, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let used = w.authorized(Intent::SignIn, "bob").await;
    signed_in(w.finish(w.answer(&used)).await);
    let replayed = refused(w.finish(w.answer(&used)).await);
    assert!(replayed.contains("used already"), "{replayed}");

    // A failed one is used up too.
    let failed = w.authorized(Intent::SignIn, "bob").await;
    let wrong = Answer {
        code: Some("guess".to_owned()),
        ..w.answer(&failed)
    };
    assert!(refused(w.finish(wrong).await).contains("refused to finish"));
    assert!(refused(w.finish(w.answer(&failed)).await).contains("used already"));

    let late = w.authorized(Intent::SignIn, "bob").await;
    w.t.clock.advance(Duration::minutes(10));
    assert!(refused(w.finish(w.answer(&late)).await).contains("ten minutes"));

    let elsewhere = w.authorized(Intent::SignIn, "bob").await;
    let mut other = World {
        browser: new_browser(&w.t),
        ..w
    };
    assert!(refused(other.finish(other.answer(&elsewhere)).await).contains("another browser"));
    for state in [None, Some(String::new()), Some("guess".to_owned())] {
        let made_up = Answer {
            state,
            ..other.answer(&elsewhere)
        };
        assert!(refused(other.finish(made_up).await).contains("another browser"));
    }
    other.browser = new_browser(&other.t);
    let nothing = Browser {
        secret: None,
        scope: None,
        address: [192, 0, 2, 1].into(),
        user_agent: String::new(),
        request_id: "r".to_owned(),
    };
    let answer = Answer {
        provider: "contoso".to_owned(),
        ..Answer::default()
    };
    refused(finish(&other.t, answer, nothing).await.unwrap());
});

db_test!(nothing_of_a_sign_in_under_way_is_kept_in_clear, |t| {
    let w = World::new(t).await;
    let question = w.go(Intent::SignIn).await.unwrap();
    let asked: HashMap<_, _> = question.query_pairs().into_owned().collect();
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (Vec<u8>, Vec<u8>),
        "SELECT state_hash, browser_hash FROM provider_sign_in"
    )
    .unwrap();
    assert_eq!(
        rows,
        [(hash(&asked["state"]), hash(w.browser.expose_secret()))]
    );
    assert_ne!(asked["nonce"], asked["state"]);
    assert_eq!(
        asked["redirect_uri"],
        "http://127.0.0.1:3000/sign-in/oidc/contoso/callback"
    );
    drop(tx);
    w.t.clock.advance(Duration::minutes(10));
    delete_expired(&w.t).await.unwrap();
    let mut tx = w.t.db.read().await.unwrap();
    let left = fetch_all!(
        &mut tx,
        (String,),
        "SELECT provider_id FROM provider_sign_in"
    );
    assert!(left.unwrap().is_empty());
});

type Change = fn(&mut Token);

db_test!(a_token_is_believed_only_where_everything_is_right, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let attacks: [(&str, Change); 17] = [
        ("not signed", |token| token.signing = Signing::None),
        ("signed by another key", |token| {
            token.signing = Signing::Foreign
        }),
        ("for another client", |token| {
            token.claims["aud"] = json!("other")
        }),
        ("for others too", |token| {
            token.claims["aud"] = json!(["rollcall", "other"])
        }),
        ("for nobody", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("aud")
        }),
        ("asked for by another client", |token| {
            token.claims["azp"] = json!("other")
        }),
        ("of another issuer", |token| {
            token.claims["iss"] = json!("https://evil.example")
        }),
        ("of no issuer", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("iss")
        }),
        ("with another nonce", |token| {
            token.claims["nonce"] = json!("other")
        }),
        ("without a nonce", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("nonce")
        }),
        ("over", |token| {
            token.claims["exp"] = token.claims["iat"].clone()
        }),
        ("without an end", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("exp")
        }),
        ("from the future", |token| {
            token.claims["iat"] = json!(token.claims["iat"].as_i64().unwrap() + 301);
            token.claims["exp"] = json!(token.claims["exp"].as_i64().unwrap() + 301);
        }),
        ("of nobody", |token| token.claims["sub"] = json!("")),
        ("of a name too long", |token| {
            token.claims["sub"] = json!("x".repeat(256))
        }),
        ("with a critical header", |token| {
            token.header["crit"] = json!(["exp"]);
        }),
        ("of a key that isn’t known", |token| {
            token.header["kid"] = json!("k9")
        }),
    ];
    for (what, change) in attacks {
        w.stub.tokens(change);
        let message = refused(w.sign_in("bob").await);
        assert!(
            message.contains("can’t be relied on") || message.contains("refused to finish"),
            "a token {what}: {message}"
        );
        w.t.clock.advance(Duration::hours(1));
    }
    let public = w.stub.public_key();
    for secret in [public, b"stub: secret/".to_vec()] {
        w.stub
            .tokens(move |token| token.signing = Signing::Hs256(secret.clone()));
        refused(w.sign_in("bob").await);
        w.t.clock.advance(Duration::hours(1));
    }
    let reasons = w.reasons().await;
    assert_eq!(reasons.len(), 19);
    assert!(
        reasons
            .iter()
            .all(|reason| ["token_refused", "code_refused"].contains(&reason.as_str()))
    );
    w.stub.tokens(|_| {});
    signed_in(w.sign_in("bob").await);
});

db_test!(an_old_token_is_no_answer_to_a_new_question, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let old = w.authorized(Intent::SignIn, "bob").await;
    signed_in(w.finish(w.answer(&old)).await);
    let nonce = old.nonce;
    w.stub
        .tokens(move |token| token.claims["nonce"] = json!(nonce));
    assert!(refused(w.sign_in("bob").await).contains("can’t be relied on"));
    // Nor is the code of one sign-in an answer to another: the verifier is another one.
    w.stub.tokens(|_| {});
    let one = w.authorized(Intent::SignIn, "bob").await;
    let two = w.authorized(Intent::SignIn, "bob").await;
    let swapped = Answer {
        code: Some(one.code),
        ..w.answer(&two)
    };
    assert!(refused(w.finish(swapped).await).contains("refused to finish"));
});

db_test!(
    rsa_and_new_keys_are_taken_and_unknown_ones_asked_for_once_a_minute,
    |t| {
        let w = World::new(t).await;
        w.joined("bob", Role::ReadOnly).await;
        assert_eq!((w.stub.asked("metadata"), w.stub.asked("keys")), (1, 1));
        w.stub.publish_rsa();
        w.stub.tokens(|token| token.signing = Signing::Rs256);
        // Nobody knows the new key yet, and it is too early to ask again.
        refused(w.sign_in("bob").await);
        assert_eq!(w.stub.asked("keys"), 1);
        w.t.clock.advance(Duration::minutes(1));
        signed_in(w.sign_in("bob").await);
        assert_eq!(w.stub.asked("keys"), 2);
        w.stub.tokens(|token| token.header["kid"] = json!("k7"));
        for _ in 0..3 {
            refused(w.sign_in("bob").await);
        }
        assert_eq!(w.stub.asked("keys"), 2);
        w.stub.tokens(|_| {});
        w.stub.rotate_key("k2");
        w.t.clock.advance(Duration::hours(24));
        signed_in(w.sign_in("bob").await);
        assert_eq!((w.stub.asked("metadata"), w.stub.asked("keys")), (2, 3));
    }
);

db_test!(an_answer_of_another_provider_is_thrown_away, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let evil = Some("https://evil.example".to_owned());
    for iss in [
        None,
        evil,
        Some(String::new()),
        Some(format!("{}/", w.stub.issuer())),
    ] {
        let authorized = w.authorized(Intent::SignIn, "bob").await;
        let answer = Answer {
            iss,
            ..w.answer(&authorized)
        };
        assert!(refused(w.finish(answer).await).contains("another provider"));
        w.t.clock.advance(Duration::hours(1));
    }
    assert_eq!(w.reasons().await, ["other_provider"; 4]);
    // The code was given to nobody.
    assert_eq!(w.stub.asked("token"), 1);
});

db_test!(each_provider_answers_at_its_own_address, |mut_t| {
    let mut t = mut_t;
    let (one, two) = (StubProvider::start().await, StubProvider::start().await);
    let settings =
        |stub: &StubProvider, id: &str| ProviderSettings::checked(stub.given(id)).unwrap();
    t.backend.oidc =
        Providers::new(vec![settings(&one, "contoso"), settings(&two, "fabrikam")]).unwrap();
    let browser = new_browser(&t);
    let w = World {
        t,
        stub: one,
        browser,
    };
    let bob = w.joined("bob", Role::ReadOnly).await;
    let authorized = w.authorized(Intent::SignIn, "bob").await;
    assert!(authorized.redirect_uri.ends_with("/contoso/callback"));
    let elsewhere = Answer {
        provider: "fabrikam".to_owned(),
        ..w.answer(&authorized)
    };
    assert!(refused(w.finish(elsewhere).await).contains("another provider"));
    let nowhere = Answer {
        provider: "nobody".to_owned(),
        ..w.answer(&authorized)
    };
    let nowhere = w.finish_as(nowhere, None).await;
    assert!(matches!(nowhere, Err(Error::NotFound(_))), "{nowhere:?}");

    // The same subject of the other provider is another account.
    let asked = Begin {
        provider: "fabrikam",
        intent: Intent::SignIn,
        return_to: "/".to_owned(),
        browser: &w.browser,
        address: [192, 0, 2, 1].into(),
    };
    let question = begin(&w.t, asked).await.unwrap();
    let authorized = two.authorize(&question, "bob", w.t.clock.now());
    let answer = Answer {
        provider: "fabrikam".to_owned(),
        iss: Some(two.issuer().to_owned()),
        ..w.answer(&authorized)
    };
    assert!(refused(w.finish(answer).await).contains("Ask for an invitation"));
    assert_eq!(bob.state, OperatorState::Active);
});

db_test!(of_entra_only_listed_tenants_come_in, |t| {
    let w = World::entra(t).await;
    let question = w.go(Intent::SignIn).await.unwrap();
    assert!(!question.as_str().contains("prompt="));
    let bob = w.joined("bob", Role::ReadOnly).await;
    // Whatever sub says, which is another one in each application.
    let issuer = format!("{}/{TENANT}/v2.0", w.stub.issuer());
    assert_eq!(signed_in(w.sign_in("another-sub").await).id, bob.id);

    w.entra_tokens(OTHER_TENANT, OTHER_TENANT);
    assert!(refused(w.sign_in("bob").await).contains("Your organization"));
    // A tenant that says it is another one, either way.
    w.entra_tokens(TENANT, OTHER_TENANT);
    refused(w.sign_in("bob").await);
    w.entra_tokens(OTHER_TENANT, TENANT);
    refused(w.sign_in("bob").await);
    w.entra_tokens("nobody", TENANT);
    refused(w.sign_in("bob").await);
    assert_eq!(
        w.reasons().await,
        ["tenant", "token_refused", "tenant", "tenant"]
    );

    let template = format!("{}/{{tenantid}}/v2.0", w.stub.issuer());
    w.stub.tokens(move |token| {
        token.claims["iss"] = json!(template);
        token.claims["tid"] = json!(TENANT);
        token.claims["oid"] = json!(OBJECT);
    });
    refused(w.sign_in("bob").await);
    w.stub.tokens(move |token| {
        token.claims["iss"] = json!(issuer);
        token.claims["tid"] = json!(TENANT);
    });
    refused(w.sign_in("bob").await);
    let reasons = w.reasons().await;
    assert_eq!(
        reasons[4..],
        ["token_refused", "token_refused"],
        "no oid, no account"
    );
});

db_test!(a_key_of_entra_signs_for_the_tenant_that_it_names, |t| {
    let w = World::entra(t).await;
    w.joined("bob", Role::ReadOnly).await;
    for (issuer, good) in [
        (format!("{}/{{tenantid}}/v2.0", w.stub.issuer()), true),
        (format!("{}/{TENANT}/v2.0", w.stub.issuer()), true),
        (format!("{}/{OTHER_TENANT}/v2.0", w.stub.issuer()), false),
    ] {
        w.stub.key_issuer(&issuer);
        w.t.clock.advance(Duration::hours(25));
        let finished = w.sign_in("bob").await;
        assert_eq!(
            matches!(finished, Finished::SignedIn { .. }),
            good,
            "{issuer}"
        );
    }
});

db_test!(
    a_provider_that_fails_is_told_and_not_asked_by_everybody,
    |t| {
        let w = World::new(t).await;
        w.stub.down(true);
        for _ in 0..3 {
            let down = w.go(Intent::SignIn).await;
            assert!(matches!(down, Err(Error::Unavailable(_))), "{down:?}");
        }
        assert_eq!(w.stub.asked("metadata"), 1);
        w.stub.down(false);
        w.t.clock.advance(Duration::seconds(10));
        w.go(Intent::SignIn).await.unwrap();
        // Metadata of somebody else, or without TLS elsewhere.
        w.stub.metadata("issuer", "https://evil.example");
        w.t.clock.advance(Duration::hours(25));
        assert!(w.go(Intent::SignIn).await.is_err());
        w.stub.metadata("issuer", w.stub.issuer().to_owned());
        w.stub.metadata("token_endpoint", "ftp://127.0.0.1/token");
        w.t.clock.advance(Duration::hours(25));
        assert!(w.go(Intent::SignIn).await.is_err());
    }
);

db_test!(who_turns_back_at_the_provider_is_told_so, |t| {
    let w = World::new(t).await;
    for (error, part) in [
        ("access_denied", "turned back"),
        ("server_error", "couldn’t sign you in"),
    ] {
        let authorized = w.authorized(Intent::SignIn, "bob").await;
        let answer = Answer {
            code: None,
            error: Some(error.to_owned()),
            ..w.answer(&authorized)
        };
        assert!(refused(w.finish(answer).await).contains(part));
    }
    assert_eq!(w.reasons().await, ["access_denied", "provider_error"]);
});

db_test!(
    an_operator_links_an_account_and_unlinks_all_but_the_last_way_in,
    |t| {
        let w = World::new(t).await;
        let mina = crate::auth::add_operator(
            &w.t,
            "mina@example.com",
            "Mina",
            Role::Administrator,
            "correct horse battery".into(),
        );
        let mina = mina.await.unwrap();
        let scope = w.scope(&mina).await;
        let link = async |subject: &str, scope: &Scope, by: Option<&Scope>| {
            let authorized = w.authorized(Intent::Link(scope), subject).await;
            w.finish_as(w.answer(&authorized), by).await.unwrap()
        };
        match link("mina", &scope, Some(&scope)).await {
            Finished::Linked { account } => {
                assert_eq!(account, "mina@provider.example of Provider contoso")
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(signed_in(w.sign_in("mina").await).id, mina.id);
        // It belongs to who began it: not to somebody else who signed in meanwhile, nor to nobody.
        let other = w.t.owner().await;
        refused(link("second", &scope, Some(&other)).await);
        refused(link("second", &scope, None).await);
        assert!(
            refused(link("mina", &other, Some(&other)).await).contains("belongs to an operator")
        );

        let bob = w.joined("bob", Role::ReadOnly).await;
        let bobs = w.scope(&bob).await;
        let identity =
            async |scope: &Scope| ways_to_sign_in(&w.t, scope).await.unwrap().identities[0].id;
        let last = unlink(&w.t, &bobs, identity(&bobs).await, None).await;
        assert!(matches!(last, Err(Error::Conflict { .. })), "{last:?}");
        let anothers = unlink(&w.t, &bobs, identity(&scope).await, None).await;
        assert!(matches!(anothers, Err(Error::NotFound(_))), "{anothers:?}");

        unlink(&w.t, &scope, identity(&scope).await, None)
            .await
            .unwrap();
        assert!(refused(w.sign_in("mina").await).contains("Ask for an invitation"));
        let log = sample::audit_log(&w.t).await;
        let about = |action: &str| log.iter().filter(|line| line.contains(action)).count();
        assert_eq!(
            (
                about("operator.link_identity"),
                about("operator.unlink_identity")
            ),
            (1, 1)
        );
    }
);

db_test!(who_is_disabled_or_removed_stays_out, |t| {
    let w = World::new(t).await;
    let bob = w.joined("bob", Role::ReadOnly).await;
    crate::auth::set_enabled(&w.t, &bob.email, false)
        .await
        .unwrap();
    assert!(refused(w.sign_in("bob").await).contains("disabled here"));
    assert_eq!(w.reasons().await, ["disabled"]);
    let owner = w.t.owner().await;
    operators::remove(&w.t, &owner, bob.id).await.unwrap();
    assert!(refused(w.sign_in("bob").await).contains("Ask for an invitation"));
});

db_test!(
    the_provider_gives_the_role_and_never_takes_the_last_owner,
    |t| {
        let stub = StubProvider::start().await;
        let w = World::with(t, stub, |given| {
            for (value, role) in [("Rollcall.Owner", "owner"), ("Rollcall.Help", "help_desk")] {
                given.role_mapping.insert(value.to_owned(), role.to_owned());
            }
        })
        .await;
        let roles = |values: &'static [&'static str]| {
            w.stub
                .tokens(move |token| token.claims["roles"] = json!(values));
        };
        roles(&["Rollcall.Help", "Other"]);
        let bob = w.joined("bob", Role::ReadOnly).await;
        assert_eq!(
            bob.role,
            Role::HelpDesk,
            "the provider says more than the invitation"
        );
        roles(&["Rollcall.Help", "Rollcall.Owner"]);
        assert_eq!(signed_in(w.sign_in("bob").await).role, Role::Owner);
        roles(&["Other"]);
        let none = refused(w.sign_in("bob").await);
        assert!(none.contains("None of your roles"), "{none}");

        // Bob becomes the only owner of all customers who can sign in.
        for other in crate::auth::all_operators(&w.t).await.unwrap() {
            if other.id != bob.id && other.role == Role::Owner {
                crate::auth::set_enabled(&w.t, &other.email, false)
                    .await
                    .unwrap();
            }
        }
        roles(&["Rollcall.Help"]);
        let last = refused(w.sign_in("bob").await);
        assert!(last.contains("the last owner"), "{last}");
        assert_eq!(w.reasons().await, ["no_role", "last_owner"]);
        let log = sample::audit_log(&w.t).await;
        let changes: Vec<_> = log
            .iter()
            .filter(|line| line.contains("operator.update"))
            .collect();
        assert_eq!(
            changes,
            [
                "Rollcall operator.update bob@example.com: As Provider contoso says (role: read_only → help_desk)",
                "Rollcall operator.update bob@example.com: As Provider contoso says (role: help_desk → owner)",
            ]
        );
    }
);

db_test!(failed_answers_slow_down_the_address, |t| {
    let w = World::new(t).await;
    for _ in 0..20 {
        let made_up = Answer {
            provider: "contoso".to_owned(),
            state: Some("x".to_owned()),
            ..Answer::default()
        };
        refused(w.finish(made_up).await);
    }
    let made_up = Answer {
        provider: "contoso".to_owned(),
        ..Answer::default()
    };
    let next = w.finish_as(made_up, None).await;
    assert!(matches!(next, Err(Error::TooMany { .. })), "{next:?}");
    assert_eq!(w.reasons().await.len(), 20);
    // What is begun and not finished has an end too.
    for _ in 0..60 {
        w.go(Intent::SignIn).await.unwrap();
    }
    let next = w.go(Intent::SignIn).await;
    assert!(matches!(next, Err(Error::TooMany { .. })), "{next:?}");
    let mut tx = w.t.db.read().await.unwrap();
    let kept = fetch_all!(
        &mut tx,
        (String,),
        "SELECT provider_id FROM provider_sign_in"
    )
    .unwrap();
    assert_eq!(kept.len(), 10, "of one browser only so many");
});
