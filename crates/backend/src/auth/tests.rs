//! Signing in, and what ends it.

use chrono::Duration;

use super::*;
use crate::{
    db_test,
    store::sample,
    testing::{TestBackend, origin},
};

const PASSWORD: &str = "correct horse battery";

async fn mina(t: &TestBackend) -> Operator {
    add_operator(
        t,
        "Mina@Example.com",
        "Mina",
        Role::Administrator,
        PASSWORD.into(),
    )
    .await
    .unwrap()
}

fn changed(old: &str, new: &str, keep: Option<Uuid>) -> PasswordChange {
    PasswordChange {
        old: old.into(),
        new: new.into(),
        keep,
        revoke_tokens: false,
    }
}

fn given(email: &str, password: &str, address: &str) -> SignIn {
    SignIn {
        browser: None,
        email: email.to_owned(),
        password: password.into(),
        address: address.parse().unwrap(),
        user_agent: String::new(),
        request_id: "r1".to_owned(),
    }
}

async fn try_it(t: &TestBackend, email: &str, password: &str, address: &str) -> Result<Operator> {
    let signed_in = sign_in(t, given(email, password, address)).await?;
    Ok(signed_in.operator().expect("nothing more is asked"))
}

db_test!(
    the_right_password_signs_in_whatever_the_case_of_the_address,
    |t| {
        let mina = mina(&t).await;
        let signed_in = try_it(&t, " mina@example.COM ", PASSWORD, "192.0.2.1")
            .await
            .unwrap();
        assert_eq!(signed_in.id, mina.id);
        assert_eq!(signed_in.last_signed_in_at, Some(t.clock.now()));
        let scope = operator_scope(&t, mina.id, origin("r7")).await.unwrap();
        assert!(scope.sees_all() && scope.role() == Role::Administrator);
        assert_eq!((scope.actor_name(), scope.request_id()), ("Mina", "r7"));
        assert_eq!(operator(&t, &scope).await.unwrap(), signed_in);

        let wrong = try_it(&t, "mina@example.com", "wrong horse", "192.0.2.1").await;
        assert!(matches!(wrong, Err(Error::SignedOut)));
        let unknown = try_it(&t, "nobody@example.com", PASSWORD, "192.0.2.1").await;
        assert!(matches!(unknown, Err(Error::SignedOut)));
        let gone = operator_scope(&t, OperatorId(t.ids.uuid()), origin("r")).await;
        assert!(matches!(gone, Err(Error::SignedOut)));
    }
);

db_test!(
    an_account_that_was_guessed_at_waits_and_so_does_an_unknown_one,
    |t| {
        mina(&t).await;
        for email in ["mina@example.com", "nobody@example.com"] {
            for _ in 0..5 {
                let wrong = try_it(&t, email, "guess", "198.51.100.1").await;
                assert!(matches!(wrong, Err(Error::SignedOut)), "{wrong:?}");
            }
            let right = try_it(&t, email, PASSWORD, "198.51.100.1").await;
            assert!(
                matches!(right, Err(Error::TooMany { retry_after_s: 5 })),
                "{right:?}"
            );
        }
        t.clock.advance(Duration::seconds(5));
        try_it(&t, "mina@example.com", PASSWORD, "198.51.100.1")
            .await
            .unwrap();
        let anew = try_it(&t, "mina@example.com", "guess", "198.51.100.1").await;
        assert!(matches!(anew, Err(Error::SignedOut)), "{anew:?}");
    }
);

db_test!(a_stranger_makes_no_owner_wait, |t| {
    let mina = mina(&t).await;
    let known = known_browsers::remember(&t, mina.id, None).await.unwrap();
    let with = async |browser: Option<&SecretString>, password: &str, address: &str| {
        let given = SignIn {
            browser: browser.cloned(),
            ..given("mina@example.com", password, address)
        };
        sign_in(&t, given).await.map(|_| ())
    };
    let waits = |given: Result<()>| match given {
        Err(Error::TooMany { retry_after_s }) => Some(retry_after_s),
        _ => None,
    };
    for network in 1..10 {
        let address = format!("198.51.100.{network}");
        while waits(with(None, "guess", &address).await).is_none() {}
    }
    // From elsewhere she comes in; in a browser that knows her also from where the stranger is.
    with(None, PASSWORD, "192.0.2.1").await.unwrap();
    with(Some(&known), PASSWORD, "198.51.100.1").await.unwrap();
    assert!(waits(with(None, PASSWORD, "198.51.100.1").await).is_some());

    // What is tried there is counted too, apart.
    for _ in 0..10 {
        let wrong = with(Some(&known), "guess", "192.0.2.1").await;
        assert!(matches!(wrong, Err(Error::SignedOut)), "{wrong:?}");
    }
    assert_eq!(
        waits(with(Some(&known), PASSWORD, "192.0.2.1").await),
        Some(5)
    );
    with(None, PASSWORD, "192.0.2.1").await.unwrap();
    // A new password that was asked for by mail ends all waits, and what browsers know.
    let link = sample::reset_link(&t, mina.id).await;
    reset_password(&t, link, PASSWORD.into(), false, &origin("r"))
        .await
        .unwrap();
    let email = "mina@example.com";
    let browser = known_browsers::known(&t, email, Some(&known)).await;
    assert!(browser.unwrap().is_none());
    with(None, PASSWORD, "198.51.100.1").await.unwrap();
});

db_test!(made_up_addresses_leave_only_so_much, |t| {
    let mina = mina(&t).await;
    let known = known_browsers::remember(&t, mina.id, None).await.unwrap();
    let mut left = 0;
    let waited = loop {
        let email = format!("{left}@example.com");
        let address = format!("2001:db8:{left:x}::1");
        match try_it(&t, &email, "guess", &address).await {
            Err(Error::SignedOut) => left += 1,
            other => break other,
        }
    };
    assert_eq!(left, 300, "of all networks together");
    assert!(matches!(waited, Err(Error::TooMany { retry_after_s: 1 })));
    let mut tx = t.db.read().await.unwrap();
    let rows = crate::fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM sign_in_failure");
    assert_eq!(rows.unwrap(), 600);
    drop(tx);
    // Who signed in with a browser before isn’t kept out by it.
    let given = SignIn {
        browser: Some(known),
        ..given("mina@example.com", PASSWORD, "2001:db8::1")
    };
    sign_in(&t, given).await.unwrap();
    t.clock.advance(Duration::seconds(1));
    let next = try_it(&t, "x@example.com", "guess", "192.0.2.1").await;
    assert!(matches!(next, Err(Error::SignedOut)), "{next:?}");
});

db_test!(an_address_that_guesses_at_many_accounts_waits, |t| {
    for n in 0..20 {
        let wrong = try_it(&t, &format!("p{n}@example.com"), "guess", "203.0.113.5").await;
        assert!(matches!(wrong, Err(Error::SignedOut)), "{wrong:?}");
    }
    let next = try_it(&t, "p20@example.com", "guess", "203.0.113.5").await;
    assert!(matches!(next, Err(Error::TooMany { .. })), "{next:?}");
    let elsewhere = try_it(&t, "p20@example.com", "guess", "203.0.113.6").await;
    assert!(matches!(elsewhere, Err(Error::SignedOut)), "{elsewhere:?}");
});

db_test!(a_new_password_ends_the_other_sessions, |t| {
    let mina = mina(&t).await;
    let scope = operator_scope(&t, mina.id, origin("r")).await.unwrap();
    for cookie in [1, 2, 3] {
        let data = format!(r#"{{"operator_id":"{}"}}"#, mina.id);
        sessions::create(&t, cookie, &data).await.unwrap();
    }
    let here = sessions::public_id(&t, 2).await.unwrap();
    let change =
        async |old: &str, new: &str| match change_password(&t, &scope, changed(old, new, here))
            .await
        {
            Err(Error::Invalid(field)) => field.field,
            other => format!("{other:?}"),
        };
    assert_eq!(change(PASSWORD, "too short").await, "new_password");
    assert_eq!(
        change("not that one", "another good one").await,
        "old_password"
    );
    assert_eq!(sessions::list(&t, &scope, here).await.unwrap().len(), 3);
    assert_eq!(change(PASSWORD, "another good one").await, "Ok(())");
    let left = sessions::list(&t, &scope, here).await.unwrap();
    assert!(left.len() == 1 && left[0].current);
    assert!(
        try_it(&t, &mina.email, PASSWORD, "192.0.2.1")
            .await
            .is_err()
    );
    try_it(&t, &mina.email, "another good one", "192.0.2.1")
        .await
        .unwrap();
    let id = domain::id::ApiTokenId(t.ids.uuid());
    let token = Scope::token((id, "x"), Role::Owner, Customers::All, id.0, origin("r"));
    let refused = change_password(&t, &token, changed(PASSWORD, PASSWORD, None)).await;
    assert!(matches!(refused, Err(Error::SignedOut)));
});

db_test!(an_operator_is_added_once_and_in_full, |t| {
    mina(&t).await;
    let add = async |email: &str, name: &str, password: &str| match add_operator(
        &t,
        email,
        name,
        Role::Owner,
        password.into(),
    )
    .await
    {
        Err(Error::Invalid(field)) => field.field,
        other => format!("{other:?}"),
    };
    assert_eq!(add("MINA@example.com", "M", PASSWORD).await, "email");
    assert_eq!(add("mina", "M", PASSWORD).await, "email");
    assert_eq!(add("m@example.com", " ", PASSWORD).await, "name");
    assert_eq!(add("m@example.com", "M", "short").await, "password");
    assert_eq!(
        sample::audit_log(&t).await,
        ["Command line operator.create Mina@Example.com"]
    );
});

db_test!(each_sign_in_and_each_that_failed_is_written_down, |t| {
    let mina = mina(&t).await;
    for (email, password) in [
        ("mina@example.com", PASSWORD),
        ("mina@example.com", "guess"),
        ("nobody@example.com", "guess"),
        ("my secret pass phrase", "guess"),
    ] {
        let _ = try_it(&t, email, password, "192.0.2.7").await;
    }
    sessions::create(&t, 9, &format!(r#"{{"operator_id":"{}"}}"#, mina.id))
        .await
        .unwrap();
    let scope = operator_scope(&t, mina.id, origin("r")).await.unwrap();
    let wrong = change_password(&t, &scope, changed("guess", "another good one", None)).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    sessions::sign_out(&t, &scope, 9).await.unwrap();
    sessions::sign_out(&t, &scope, 9).await.unwrap();
    let log = sample::audit_log(&t).await;
    assert_eq!(
        log[1..],
        [
            "Mina operator.sign_in Mina@Example.com (user_agent: – → )",
            "Not signed in operator.sign_in_failed Mina@Example.com (user_agent: – → )",
            "Not signed in operator.sign_in_failed nobody@example.com (user_agent: – → )",
            "Not signed in operator.sign_in_failed Not a mail address (user_agent: – → )",
            "Mina operator.password_refused Mina@Example.com",
            "Mina operator.sign_out Mina",
        ]
    );
    let mut tx = t.db.read().await.unwrap();
    let from = fetch_all!(
        &mut tx,
        (String, String, String),
        "SELECT channel, address, request_id FROM audit_event
          WHERE action = 'operator.sign_in_failed'"
    )
    .unwrap();
    let from_there = ("page".to_owned(), "192.0.2.7".to_owned(), "r1".to_owned());
    assert_eq!(from, vec![from_there; 3]);
});

db_test!(
    a_hash_of_a_lower_cost_is_made_anew_at_the_next_sign_in,
    |t| {
        use argon2::{
            Algorithm, Argon2, Params, PasswordHasher as _, Version, password_hash::SaltString,
        };
        let mina = mina(&t).await;
        let cheap = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8_192, 1, 1, None).unwrap(),
        );
        let salt = SaltString::encode_b64(b"sixteen bytes it").unwrap();
        let old = cheap.hash_password(PASSWORD.as_bytes(), &salt).unwrap();
        let old = old.to_string();
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "UPDATE operator SET password_hash = $1 WHERE id = $2",
            &old,
            mina.id
        )
        .unwrap();
        tx.commit().await.unwrap();
        let kept = async || {
            let mut tx = t.db.read().await.unwrap();
            let hash = fetch_scalar!(
                &mut tx,
                String,
                "SELECT password_hash FROM operator WHERE id = $1",
                mina.id
            );
            hash.unwrap()
        };
        assert!(try_it(&t, &mina.email, "guess", "192.0.2.1").await.is_err());
        assert_eq!(kept().await, old);
        try_it(&t, &mina.email, PASSWORD, "192.0.2.1")
            .await
            .unwrap();
        let new = kept().await;
        assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
        try_it(&t, &mina.email, PASSWORD, "192.0.2.1")
            .await
            .unwrap();
        assert_eq!(kept().await, new, "once is enough");
    }
);
