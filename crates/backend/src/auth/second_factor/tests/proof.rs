//! Proving once more, within a session, that it is them.

use super::*;

db_test!(a_proof_is_by_the_best_there_is_and_grows_old, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    assert_eq!(ways_to_prove(&t, &scope).await.unwrap(), [Way::Password]);
    let by_password = async |t: &TestBackend, scope: &Scope, password: &str| {
        field(prove(t, scope, Proof::Password(password.to_owned().into())).await)
    };
    assert_eq!(by_password(&t, &scope, "guess").await, "password");
    assert_eq!(by_password(&t, &scope, PASSWORD).await, "taken");
    let key = sample::authenticator(&t, &scope).await;
    assert_eq!(
        ways_to_prove(&t, &scope).await.unwrap(),
        [Way::Authenticator]
    );
    assert_eq!(
        by_password(&t, &scope, PASSWORD).await,
        "password",
        "not enough any more"
    );
    t.clock.advance(Duration::minutes(1));
    let shown = code_at(&key, t.clock.now());
    let at = prove(&t, &scope, Proof::Code(shown.clone())).await.unwrap();
    assert_eq!(at, t.clock.now());
    assert_eq!(
        field(prove(&t, &scope, Proof::Code(shown)).await),
        "code",
        "replayed"
    );

    let proved = auth::session_scope(&t, mina.id, Some(at), origin("r"))
        .await
        .unwrap();
    t.clock
        .advance(Duration::minutes(10) - Duration::seconds(1));
    proved.require_recent_proof(t.clock.now()).unwrap();
    t.clock.advance(Duration::seconds(1));
    let old = proved.require_recent_proof(t.clock.now());
    assert!(matches!(old, Err(Error::ProveAgain)));

    let fresh = fresh(&t, &mina).await;
    let passkey = passkey(&t, &signed_in(&fresh), "Key").await;
    let asked = auth::ask_to_prove(&t, &fresh).await.unwrap();
    let answer = passkey.give(&asked.question.options);
    let given = Proof::Passkey {
        asked: asked.id,
        answer: answer.clone(),
    };
    prove(&t, &fresh, given).await.unwrap();
    let again = Proof::Passkey {
        asked: asked.id,
        answer,
    };
    assert_eq!(field(prove(&t, &fresh, again).await), "passkey");
    let log = sample::audit_log(&t).await;
    assert!(
        log.iter()
            .any(|line| line.contains("operator.confirm_refused"))
    );

    // Somebody without either, who signs in elsewhere.
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE operator SET password_hash = NULL WHERE id = $1",
        mina.id
    )
    .unwrap();
    tx.commit().await.unwrap();
    let keys = mine(&t, &fresh).await.unwrap().passkeys;
    remove_passkey(&t, &fresh, keys[0].id).await.unwrap();
    remove_authenticator(&t, &fresh).await.unwrap();
    assert_eq!(ways_to_prove(&t, &fresh).await.unwrap(), []);
});
