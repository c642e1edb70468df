//! Providers as they are: keys that change, answers that fail, people who turn back.

use super::*;

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
    a_provider_has_to_have_asked_for_what_configuration_wants,
    |t| {
        let stub = StubProvider::start().await;
        let w = World::with(t, stub, |given| {
            given.required_amr = vec!["mfa".to_owned(), "hwk".to_owned()];
            given.required_acr = vec!["urn:example:2fa".to_owned()];
        });
        let says = |amr: serde_json::Value, acr: serde_json::Value| {
            w.stub.tokens(move |token| {
                token.claims["amr"] = amr.clone();
                token.claims["acr"] = acr.clone();
            });
        };
        let strong = json!("urn:example:2fa");
        says(json!(["pwd", "mfa"]), strong.clone());
        w.joined("bob", Role::ReadOnly).await;
        let asked = w.go(Intent::SignIn).await.unwrap();
        let mut query = asked.query_pairs();
        assert!(query.any(|(name, value)| name == "acr_values" && value == "urn:example:2fa"));

        for (amr, acr) in [
            (json!(["pwd"]), strong.clone()),
            (json!([]), strong.clone()),
            (json!(null), strong.clone()),
            (json!(["MFA"]), strong.clone()),
            (json!(["mfa"]), json!("1")),
            (json!(["mfa"]), json!(null)),
        ] {
            says(amr.clone(), acr.clone());
            let message = refused(w.sign_in("bob").await);
            assert!(
                message.contains("without the second factor"),
                "{amr} {acr}: {message}"
            );
        }
        assert_eq!(w.reasons().await, ["too_weak"; 6]);
        says(json!(["hwk"]), strong);
        signed_in(w.sign_in("bob").await);
    }
);
