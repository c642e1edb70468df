//! Passkeys: alone and after the password.

use super::*;

db_test!(a_passkey_signs_in_alone_and_after_the_password, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    assert!(are_offered(&t));
    let mut key = passkey(&t, &signed_in(&scope), "Laptop").await;
    let lines = mine(&t, &scope).await.unwrap().passkeys;
    assert_eq!((lines.len(), lines[0].name.as_str()), (1, "Laptop"));

    let asked = ask_for_sign_in(&t).await.unwrap();
    let answer = key.give(&asked.question.options);
    let by_key = alone(&t, &asked, answer.clone()).await.unwrap();
    assert_eq!(by_key.id, mina.id);
    assert_eq!(
        field(alone(&t, &asked, answer).await),
        "passkey",
        "replayed"
    );

    let half = half(&t).await;
    assert_eq!(half.asked(&t).await.unwrap().unwrap().ways, [Way::Passkey]);
    let asked = half.ask_for_passkey(&t).await.unwrap();
    let answer = key.give(&asked.question.options);
    // What was asked to sign in alone is not answered by that, nor the other way.
    assert_eq!(field(alone(&t, &asked, answer.clone()).await), "passkey");
    let (from, agent) = (origin("r"), "Browser");
    half.give_passkey(&t, asked.id, &answer, &from, agent)
        .await
        .unwrap();

    // Minutes later nobody waits for the answer any more.
    let asked = ask_for_sign_in(&t).await.unwrap();
    t.clock.advance(Duration::minutes(5));
    let answer = key.give(&asked.question.options);
    assert_eq!(
        field(alone(&t, &asked, answer).await),
        "passkey",
        "too late"
    );
    delete_expired(&t).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let left = fetch_all!(&mut tx, (Uuid,), "SELECT id FROM passkey_question").unwrap();
    drop(tx);
    assert_eq!(left, []);

    // Of another site, by somebody who didn't unlock it, of nobody, and of who is disabled.
    let mut refused = async |change: &dyn Fn(&mut Authenticator)| {
        let asked = ask_for_sign_in(&t).await.unwrap();
        change(&mut key);
        let answer = key.give(&asked.question.options);
        (key.origin, key.verifies) = (SITE.to_owned(), true);
        field(alone(&t, &asked, answer).await)
    };
    assert_eq!(refused(&|_| {}).await, "taken");
    assert_eq!(
        refused(&|key| key.origin = "https://evil.example".to_owned()).await,
        "passkey"
    );
    assert_eq!(refused(&|key| key.verifies = false).await, "passkey");
    let asked = ask_for_sign_in(&t).await.unwrap();
    assert_eq!(field(alone(&t, &asked, "{}".to_owned()).await), "passkey");
    auth::set_enabled(&t, "mina@example.com", false)
        .await
        .unwrap();
    let asked = ask_for_sign_in(&t).await.unwrap();
    let answer = key.give(&asked.question.options);
    assert_eq!(
        field(alone(&t, &asked, answer).await),
        "passkey",
        "disabled"
    );
});

db_test!(
    a_passkey_whose_counter_goes_back_is_refused_and_written_down,
    |t| {
        let mut t = t;
        let (_, scope) = mina(&mut t).await;
        let mut key = passkey(&t, &signed_in(&scope), "Key").await;
        let mut give = async |counter: u32| {
            key.counter = counter;
            let asked = ask_for_sign_in(&t).await.unwrap();
            let answer = key.give(&asked.question.options);
            field(alone(&t, &asked, answer).await)
        };
        assert_eq!(give(0).await, "taken");
        assert_eq!(give(0).await, "taken", "it doesn't count");
        assert_eq!(give(7).await, "taken");
        assert_eq!(give(8).await, "taken");
        for copied in [8, 3, 0] {
            assert_eq!(give(copied).await, "passkey", "{copied}");
        }
        assert_eq!(give(9).await, "taken");
        let log = sample::audit_log(&t).await;
        let copies = log
            .iter()
            .filter(|line| line.contains("operator.passkey_copied"));
        assert_eq!(copies.count(), 3, "{log:?}");
    }
);

db_test!(passkeys_are_ones_own_and_added_once, |t| {
    let mut t = t;
    let (_, scope) = mina(&mut t).await;
    let who = signed_in(&scope);
    let asked = ask_for_new(&t, &who).await.unwrap();
    let answer = Authenticator::new(SITE).create(&asked.question.options);
    let noor = t.owner().await;
    let others = add_passkey(&t, &signed_in(&noor), asked.id, &answer, "Mine").await;
    assert_eq!(field(others), "passkey", "asked of another");
    let unnamed = add_passkey(&t, &who, asked.id, &answer, " ").await;
    assert_eq!(field(unnamed), "name");
    let gone = add_passkey(&t, &who, asked.id, &answer, "Mine").await;
    assert_eq!(field(gone), "passkey", "the other one's answer used it up");

    let mut made = passkey(&t, &who, "Mine").await;
    let asked = ask_for_new(&t, &who).await.unwrap();
    let twice = made.create(&asked.question.options);
    let twice = add_passkey(&t, &who, asked.id, &twice, "Again").await;
    assert!(twice.is_err(), "the same once more");

    let id = mine(&t, &scope).await.unwrap().passkeys[0].id;
    for refused in [
        rename_passkey(&t, &noor, id, "Hers").await,
        remove_passkey(&t, &noor, id).await,
    ] {
        assert!(matches!(refused, Err(Error::NotFound("passkey"))));
    }
    rename_passkey(&t, &scope, id, "Key").await.unwrap();
    remove_passkey(&t, &scope, id).await.unwrap();
    assert!(mine(&t, &scope).await.unwrap().is_empty());
    // An address without a name has no passkeys.
    t.backend.settings = Arc::new(Settings {
        public_url: "http://192.0.2.1:3000".parse().unwrap(),
        ..(*t.backend.settings).clone()
    });
    assert!(!are_offered(&t));
    assert!(matches!(
        ask_for_sign_in(&t).await,
        Err(Error::Unavailable(_))
    ));
});
