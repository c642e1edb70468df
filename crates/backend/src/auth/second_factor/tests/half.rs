//! Being half signed in: when it ends, and that no link leads around it.

use super::*;

db_test!(
    half_signed_in_ends_with_time_a_new_password_and_being_disabled,
    |t| {
        let mut t = t;
        let (mina, scope) = mina(&mut t).await;
        let key = sample::authenticator(&t, &scope).await;
        let ended = async |t: &TestBackend, half: &Half| {
            t.clock.advance(Duration::seconds(30));
            let shown = code_at(&key, t.clock.now());
            assert_eq!(half.asked(t).await.unwrap(), None);
            assert!(matches!(code(t, half, &shown).await, Err(Error::SignedOut)));
            assert!(half.ask_for_passkey(t).await.is_err());
        };
        let late = half(&t).await;
        t.clock.advance(Duration::minutes(10));
        ended(&t, &late).await;

        let before = half(&t).await;
        auth::set_password(&t, &mina.email, "another long password".into(), true)
            .await
            .unwrap();
        ended(&t, &before).await;
        auth::set_password(&t, &mina.email, PASSWORD.into(), true)
            .await
            .unwrap();
        let disabled = half(&t).await;
        auth::set_enabled(&t, &mina.email, false).await.unwrap();
        ended(&t, &disabled).await;
    }
);

db_test!(a_new_password_by_link_is_no_way_around, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    sample::authenticator(&t, &scope).await;
    let secret = sample::reset_link(&t, mina.id).await;
    auth::reset_password(
        &t,
        secret,
        "another long password".into(),
        true,
        &origin("r"),
    )
    .await
    .unwrap();
    let new = password(&t, "another long password").await.unwrap();
    assert!(matches!(new, SignedIn::Half(_)));
});
