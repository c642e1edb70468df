//! Helping who lost theirs.

use super::*;

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
