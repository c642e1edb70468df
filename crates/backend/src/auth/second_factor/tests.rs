//! Signing in with a second factor, and the ways that must not lead around it.

use std::sync::Arc;

use chrono::Duration;
use domain::{
    operator::{CustomerScope, Operator},
    permission::Role,
    second_factor::Way,
};

use super::{testing::Authenticator, *};
use crate::{
    Settings,
    auth::{self, Half, Proof, SignIn, SignedIn, add_operator, prove, ways_to_prove},
    db_test, execute, fetch_all,
    store::sample,
    testing::{TestBackend, origin},
};

const PASSWORD: &str = "correct horse battery";
const SITE: &str = "https://rollcall.example";

/// Mina, and her scope in a session in which she proved just now that it is her.
async fn mina(t: &mut TestBackend) -> (Operator, Scope) {
    t.backend.settings = Arc::new(Settings {
        public_url: SITE.parse().unwrap(),
        ..(*t.backend.settings).clone()
    });
    let role = Role::Administrator;
    let mina = add_operator(t, "mina@example.com", "Mina", role, PASSWORD.into());
    let mina = mina.await.unwrap();
    let scope = fresh(t, &mina).await;
    (mina, scope)
}

async fn fresh(t: &TestBackend, operator: &Operator) -> Scope {
    let now = Some(t.clock.now());
    auth::session_scope(t, operator.id, now, origin("r"))
        .await
        .unwrap()
}

fn signed_in(scope: &Scope) -> SettingUp {
    SettingUp::Operator {
        scope: scope.clone(),
        session: None,
    }
}

async fn password(t: &TestBackend, password: &str) -> Result<SignedIn> {
    let given = SignIn {
        email: "mina@example.com".to_owned(),
        password: password.to_owned().into(),
        address: [192, 0, 2, 1].into(),
        user_agent: "Browser".to_owned(),
        request_id: "r".to_owned(),
    };
    auth::sign_in(t, given).await
}

/// Half signed in by the right password.
async fn half(t: &TestBackend) -> Half {
    match password(t, PASSWORD).await.unwrap() {
        SignedIn::Half(half) => half,
        SignedIn::Whole(_) => panic!("the password alone was enough"),
    }
}

async fn code(t: &TestBackend, half: &Half, code: &str) -> Result<Operator> {
    half.give_code(t, code, &origin("r"), "Browser").await
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(error)) => error.field,
        Err(other) => format!("{other:?}"),
        Ok(_) => "taken".to_owned(),
    }
}

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

async fn passkey(t: &TestBackend, who: &SettingUp, name: &str) -> Authenticator {
    let mut made = Authenticator::new(SITE);
    let asked = ask_for_new(t, who).await.unwrap();
    let answer = made.create(&asked.question.options);
    add_passkey(t, who, asked.id, &answer, name).await.unwrap();
    made
}

async fn alone(t: &TestBackend, asked: &PasskeyAsked, answer: String) -> Result<Operator> {
    let given = PasskeySignIn {
        asked: asked.id,
        answer,
        address: [192, 0, 2, 1].into(),
        user_agent: "Browser".to_owned(),
        request_id: "r".to_owned(),
    };
    sign_in_with_passkey(t, given).await
}

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

db_test!(the_first_second_factor_ends_the_other_sessions, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    for cookie in [1, 2, 3] {
        let data = format!(r#"{{"operator_id":"{}"}}"#, mina.id);
        sessions::create(&t, cookie, &data).await.unwrap();
    }
    let session = sessions::public_id(&t, 2).await.unwrap();
    let who = SettingUp::Operator {
        scope: scope.clone(),
        session,
    };
    passkey(&t, &who, "First").await;
    let left = sessions::list(&t, &scope, session).await.unwrap();
    assert!(left.len() == 1 && left[0].current);
    sessions::create(&t, 4, &format!(r#"{{"operator_id":"{}"}}"#, mina.id))
        .await
        .unwrap();
    passkey(&t, &who, "Second").await;
    assert_eq!(sessions::list(&t, &scope, session).await.unwrap().len(), 2);
});

db_test!(a_role_that_needs_one_lets_nobody_in_without, |t| {
    let mut t = t;
    let (mina, scope) = mina(&mut t).await;
    let owner = t.owner().await;
    let roles = vec![Role::Owner, Role::Administrator];
    let refused = require_of_roles(&t, &owner, roles.clone()).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "the owner has none"
    );
    let lesser = require_of_roles(&t, &scope, vec![]).await;
    assert!(matches!(lesser, Err(Error::Forbidden(_))));
    sample::authenticator(&t, &owner).await;
    require_of_roles(&t, &owner, roles.clone()).await.unwrap();
    assert_eq!(required_roles(&t, &scope).await.unwrap(), roles);

    // Signed in as she is, she is nobody from the next request on.
    let next = auth::operator_scope(&t, mina.id, origin("r")).await;
    assert!(matches!(next, Err(Error::SignedOut)));
    assert!(
        auth::operator_scope(&t, owner.operator_id().unwrap(), origin("r"))
            .await
            .is_ok()
    );
    let half = half(&t).await;
    let asked = half.asked(&t).await.unwrap().unwrap();
    assert!(asked.must_set_up && asked.ways.is_empty());
    assert!(matches!(
        code(&t, &half, "123456").await,
        Err(Error::SignedOut)
    ));
    let let_in = half.set_up(&t, Way::Passkey, &origin("r"), "Browser").await;
    assert!(
        matches!(let_in, Err(Error::SignedOut)),
        "nothing is set up yet"
    );

    let who = SettingUp::Half {
        half: half.clone(),
        origin: origin("r"),
    };
    let offer = offer_authenticator(&t, &who, None).await.unwrap();
    let shown = code_at(&key_in(&offer.key), t.clock.now());
    confirm_authenticator(&t, &who, &offer.sealed, &shown)
        .await
        .unwrap();
    half.set_up(&t, Way::Authenticator, &origin("r"), "Browser")
        .await
        .unwrap();
    let scope = fresh(&t, &mina).await;
    let last = remove_authenticator(&t, &scope).await;
    assert!(matches!(last, Err(Error::Conflict { .. })), "the last one");
    passkey(&t, &signed_in(&scope), "Key").await;
    remove_authenticator(&t, &scope).await.unwrap();

    // Not needed any more.
    require_of_roles(&t, &owner, vec![]).await.unwrap();
    let key = mine(&t, &scope).await.unwrap().passkeys[0].id;
    remove_passkey(&t, &scope, key).await.unwrap();
    assert!(matches!(
        password(&t, PASSWORD).await,
        Ok(SignedIn::Whole(_))
    ));
});

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
        auth::set_password(&t, &mina.email, "another long password".into())
            .await
            .unwrap();
        ended(&t, &before).await;
        auth::set_password(&t, &mina.email, PASSWORD.into())
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
    let secret = auth::link::make(&t);
    let mut tx = t.db.write().await.unwrap();
    let purpose = auth::Purpose::PasswordReset;
    auth::link::keep(&t, &mut tx, mina.id, purpose, &secret)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    auth::reset_password(&t, secret, "another long password".into(), &origin("r"))
        .await
        .unwrap();
    let new = password(&t, "another long password").await.unwrap();
    assert!(matches!(new, SignedIn::Half(_)));
});

db_test!(
    who_lost_theirs_is_helped_by_others_and_on_the_machine,
    |t| {
        let mut t = t;
        let (mina, scope) = mina(&mut t).await;
        let owner = t.owner().await;
        let none = reset(&t, &owner, mina.id).await;
        assert!(matches!(none, Err(Error::Conflict { .. })), "she has none");
        sample::authenticator(&t, &scope).await;
        passkey(&t, &signed_in(&scope), "Key").await;
        let data = format!(r#"{{"operator_id":"{}"}}"#, mina.id);
        sessions::create(&t, 1, &data).await.unwrap();

        assert!(
            matches!(
                reset(&t, &scope, mina.id).await,
                Err(Error::Conflict { .. })
            ),
            "herself"
        );
        let lesser = t.operator(Role::UserManager, CustomerScope::All).await;
        assert!(matches!(
            reset(&t, &lesser, mina.id).await,
            Err(Error::Forbidden(_))
        ));
        let boss = owner.operator_id().unwrap();
        sample::authenticator(&t, &owner).await;
        assert!(
            matches!(reset(&t, &scope, boss).await, Err(Error::Forbidden(_))),
            "above her"
        );
        let stale = t.stale_scope_of(boss).await;
        assert!(matches!(
            reset(&t, &stale, mina.id).await,
            Err(Error::ProveAgain)
        ));
        reset(&t, &owner, mina.id).await.unwrap();
        assert!(mine(&t, &scope).await.unwrap().is_empty());
        assert_eq!(sessions::load(&t, 1).await.unwrap(), None);
        assert!(matches!(
            password(&t, PASSWORD).await,
            Ok(SignedIn::Whole(_))
        ));

        sample::authenticator(&t, &scope).await;
        let unknown = reset_on_machine(&t, "nobody@example.com").await;
        assert_eq!(field(unknown), "email");
        reset_on_machine(&t, "MINA@example.com").await.unwrap();
        assert!(mine(&t, &scope).await.unwrap().is_empty());
        assert!(
            sample::audit_log(&t)
                .await
                .last()
                .unwrap()
                .contains("operator.reset_second_factor")
        );
    }
);

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
