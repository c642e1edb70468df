//! The ways in which somebody may try to come in who isn't who they say.

use super::*;

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
            token.signing = Signing::Foreign;
        }),
        ("for another client", |token| {
            token.claims["aud"] = json!("other");
        }),
        ("for others too", |token| {
            token.claims["aud"] = json!(["rollcall", "other"]);
        }),
        ("for nobody", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("aud");
        }),
        ("asked for by another client", |token| {
            token.claims["azp"] = json!("other");
        }),
        ("of another issuer", |token| {
            token.claims["iss"] = json!("https://evil.example");
        }),
        ("of no issuer", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("iss");
        }),
        ("with another nonce", |token| {
            token.claims["nonce"] = json!("other");
        }),
        ("without a nonce", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("nonce");
        }),
        ("over", |token| {
            token.claims["exp"] = token.claims["iat"].clone();
        }),
        ("without an end", |token| {
            _ = token.claims.as_object_mut().unwrap().remove("exp");
        }),
        ("from the future", |token| {
            token.claims["iat"] = json!(token.claims["iat"].as_i64().unwrap() + 301);
            token.claims["exp"] = json!(token.claims["exp"].as_i64().unwrap() + 301);
        }),
        ("of nobody", |token| token.claims["sub"] = json!("")),
        ("of a name too long", |token| {
            token.claims["sub"] = json!("x".repeat(256));
        }),
        ("with a critical header", |token| {
            token.header["crit"] = json!(["exp"]);
        }),
        ("of a key that isn’t known", |token| {
            token.header["kid"] = json!("k9");
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
