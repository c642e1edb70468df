//! The first second factor, and roles that need one.

use super::*;

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

db_test!(the_first_owner_sets_one_up_before_they_are_in, |t| {
    let code = auth::setup_code(&t).await.unwrap().unwrap();
    let owner = auth::FirstOwner {
        code,
        email: "mina@example.com".to_owned(),
        name: "Mina".to_owned(),
        password: PASSWORD.into(),
        require_second_factor: true,
    };
    let made = auth::create_first_owner(&t, owner, &origin("r1")).await;
    let Ok(SignedIn::Half(half)) = made else {
        panic!("nobody is in without a second factor: {made:?}");
    };
    let asked = half.asked(&t).await.unwrap().unwrap();
    assert!(asked.must_set_up && asked.ways.is_empty());
    let log = sample::audit_log(&t).await;
    assert!(
        log[1].starts_with("Mina installation.require_second_factor"),
        "{log:?}"
    );
    let who = SettingUp::Half {
        half: half.clone(),
        origin: origin("r2"),
    };
    let offer = offer_authenticator(&t, &who, None).await.unwrap();
    let code = code_at(&key_in(&offer.key), t.clock.now());
    confirm_authenticator(&t, &who, &offer.sealed, &code)
        .await
        .unwrap();
    let mina = half.set_up(&t, Way::Authenticator, &origin("r3"), "").await;
    let scope = fresh(&t, &mina.unwrap()).await;
    let required = required_roles(&t, &scope).await.unwrap();
    assert_eq!(required, [Role::Owner, Role::Administrator]);
    // Administrators who are added have to, others not.
    let has_to = async |email: &str, role| {
        let added = add_operator(&t, email, "A", role, PASSWORD.into());
        added.await.unwrap();
        let given = SignIn {
            email: email.to_owned(),
            ..given(PASSWORD)
        };
        matches!(auth::sign_in(&t, given).await, Ok(SignedIn::Half(_)))
    };
    assert!(has_to("a@example.com", Role::Administrator).await);
    assert!(!has_to("b@example.com", Role::HelpDesk).await);
});
