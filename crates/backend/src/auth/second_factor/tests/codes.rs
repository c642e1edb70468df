//! Codes of an authenticator app, and for recovery.

use super::*;

db_test!(a_code_is_asked_for_after_the_password_and_taken_once, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    assert!(matches!(
        password(&t, PASSWORD).await,
        Ok(SignedIn::Whole(_))
    ));
    let who = signed_in(&scope);
    let offer = offer_authenticator(&t, &who, None).await.unwrap();
    let again = offer_authenticator(&t, &who, Some(&offer.sealed)).await;
    assert_eq!(again.unwrap().key, offer.key, "a form that came back");
    assert!(offer.uri.contains("mina%40example%2Ecom"));
    let wrong = confirm_authenticator(&t, &who, &offer.sealed, "000000").await;
    assert_eq!(field(wrong), "code");
    let noor = signed_in(&t.owner().await);
    let others = confirm_authenticator(&t, &noor, &offer.sealed, "000000").await;
    assert_eq!(field(others), "sealed_key", "another's");
    let key = sample::authenticator(&t, &scope).await;
    assert!(
        mine(&t, &scope)
            .await
            .unwrap()
            .authenticator_since
            .is_some()
    );

    let half = half(&t).await;
    let asked = half.asked(&t).await.unwrap().unwrap();
    assert_eq!(asked.ways, [Way::Authenticator]);
    assert!(!asked.must_set_up);
    // The one that set it up was taken by that.
    let taken = code_at(&key, t.clock.now());
    assert_eq!(field(code(&t, &half, &taken).await), "code");
    t.clock.advance(Duration::seconds(30));
    let next = code_at(&key, t.clock.now());
    let signed_in = code(&t, &half, &next).await.unwrap();
    assert_eq!(signed_in.id, mina.id);
    assert_eq!(field(code(&t, &half, &next).await), "code", "replayed");
    // Who is half signed in with a factor can set up none beside it.
    let (half, origin) = (half, origin("r"));
    let other = offer_authenticator(&t, &SettingUp::Half { half, origin }, None).await;
    assert!(matches!(other, Err(Error::SignedOut)));
    let log = sample::audit_log(&t).await;
    let last: Vec<_> = log.iter().rev().take(3).rev().collect();
    assert!(
        last[0].contains("operator.second_factor_refused"),
        "{log:?}"
    );
    assert!(last[1].contains("operator.sign_in ") && last[1].contains("authenticator"));
});

db_test!(wrong_codes_slow_down_the_next_ones, |t| {
    let mut t = t;
    let (_, scope) = mina(&mut t).await;
    let key = sample::authenticator(&t, &scope).await;
    t.clock.advance(Duration::minutes(2));
    let half = half(&t).await;
    for _ in 0..5 {
        assert_eq!(field(code(&t, &half, "123456").await), "code");
    }
    let right = code_at(&key, t.clock.now());
    let right = code(&t, &half, &right).await;
    assert!(
        matches!(right, Err(Error::TooMany { retry_after_s: 5 })),
        "{right:?}"
    );
    // A new half sign-in is no way around it.
    let other = self::half(&t).await;
    assert!(matches!(
        code(&t, &other, "1").await,
        Err(Error::TooMany { .. })
    ));
    t.clock.advance(Duration::seconds(5));
    let right = code_at(&key, t.clock.now());
    code(&t, &half, &right).await.unwrap();
});

db_test!(a_recovery_code_works_once, |t| {
    let mut t = t;
    let (_, scope) = mina(&mut t).await;
    assert!(matches!(
        offer_recovery_codes(&t, &scope).await,
        Err(Error::Conflict { .. })
    ));
    sample::authenticator(&t, &scope).await;
    let shown = offer_recovery_codes(&t, &scope).await.unwrap();
    assert_eq!(mine(&t, &scope).await.unwrap().recovery_codes, 0);
    keep_recovery_codes(&t, &scope, &shown.sealed)
        .await
        .unwrap();
    assert_eq!(mine(&t, &scope).await.unwrap().recovery_codes, 10);
    let (half, first) = (half(&t).await, &shown.codes[0]);
    code(&t, &half, &first.to_lowercase().replace('-', " "))
        .await
        .unwrap();
    assert_eq!(field(code(&t, &half, first).await), "code");
    code(&t, &half, &shown.codes[1]).await.unwrap();
    assert_eq!(mine(&t, &scope).await.unwrap().recovery_codes, 8);
    // New ones take the place of those before.
    let new = offer_recovery_codes(&t, &scope).await.unwrap();
    keep_recovery_codes(&t, &scope, &new.sealed).await.unwrap();
    assert_eq!(field(code(&t, &half, &shown.codes[2]).await), "code");
    code(&t, &half, &new.codes[9]).await.unwrap();
    // They stand in for a second factor: without one they go.
    remove_authenticator(&t, &scope).await.unwrap();
    assert_eq!(mine(&t, &scope).await.unwrap(), SecondFactors::default());
    assert!(matches!(
        password(&t, PASSWORD).await,
        Ok(SignedIn::Whole(_))
    ));
});
