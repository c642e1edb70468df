//! Whose account it is: invitations, linking, roles.

use super::*;

db_test!(an_invitation_accepted_with_an_account_lets_it_in, |t| {
    let w = World::new(t).await;
    let unknown = refused(w.sign_in("bob").await);
    assert!(
        unknown.contains("bob@provider.example") && unknown.contains("Ask for an invitation"),
        "{unknown}"
    );
    let bob = w.joined("bob", Role::HelpDesk).await;
    assert_eq!(
        (bob.state, bob.role, bob.email.as_str()),
        (OperatorState::Active, Role::HelpDesk, "bob@example.com")
    );
    w.t.clock.advance(Duration::hours(1));
    let authorized = w.authorized(Intent::SignIn, "bob").await;
    match w.finish(w.answer(&authorized)).await {
        Finished::SignedIn {
            operator,
            return_to,
        } => {
            assert_eq!((operator.id, return_to.as_str()), (bob.id, "/users"));
        }
        other => panic!("{other:?}"),
    }
    let ways = ways_to_sign_in(&w.t, &w.scope(&bob).await).await.unwrap();
    assert!(!ways.has_password && ways.identities.len() == 1);
    let linked = &ways.identities[0];
    assert_eq!(
        (linked.provider.as_str(), linked.display.as_str()),
        ("Provider contoso", "bob@provider.example")
    );
    assert_eq!(linked.last_used_at, Some(w.t.clock.now()));
    let log = sample::audit_log(&w.t).await;
    assert_eq!(
        log,
        [
            "Not signed in operator.sign_in_failed bob@provider.example (provider: – → Provider contoso, reason: – → unknown_account, user_agent: – → Browser 1)",
            "Owner operator.invite bob@example.com (email: – → bob@example.com, name: – → Bob, role: – → help_desk, scope.kind: – → all)",
            "Bob operator.accept_invitation bob@example.com (account: – → bob@provider.example, provider: – → Provider contoso)",
            "Bob operator.sign_in bob@example.com (provider: – → Provider contoso, user_agent: – → Browser 1)",
            "Bob operator.sign_in bob@example.com (provider: – → Provider contoso, user_agent: – → Browser 1)",
        ]
    );
});

db_test!(an_account_is_found_by_nothing_but_itself, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    // The same name and the same mail address, and another account.
    w.stub.tokens(|token| {
        token.claims["sub"] = json!("eve");
        token.claims["preferred_username"] = json!("bob@provider.example");
        token.claims["email"] = json!("bob@example.com");
        token.claims["email_verified"] = json!(true);
    });
    assert!(refused(w.sign_in("eve").await).contains("Ask for an invitation"));
    w.stub.tokens(|token| token.claims["sub"] = json!("BOB"));
    assert!(refused(w.sign_in("bob").await).contains("Ask for an invitation"));
});

db_test!(an_invitation_is_good_once_and_for_one_account, |t| {
    let w = World::new(t).await;
    w.joined("bob", Role::ReadOnly).await;
    let secret = w.invited("amy@example.com", Role::ReadOnly).await;
    let first = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "bob")
        .await;
    let second = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "amy")
        .await;
    let third = w
        .authorized(Intent::AcceptInvitation(secret.clone()), "ann")
        .await;
    let taken = refused(w.finish(w.answer(&first)).await);
    assert!(
        taken.contains("belongs to an operator here already"),
        "{taken}"
    );
    let amy = signed_in(w.finish(w.answer(&second)).await);
    assert_eq!(amy.email, "amy@example.com");
    let ended = refused(w.finish(w.answer(&third)).await);
    assert!(ended.contains("has ended"), "{ended}");
    let again = w.go(Intent::AcceptInvitation(secret)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert_eq!(w.reasons().await, ["account_taken", "invitation_ended"]);
});

db_test!(
    an_operator_links_an_account_and_unlinks_all_but_the_last_way_in,
    |t| {
        let w = World::new(t).await;
        let mina = crate::auth::add_operator(
            &w.t,
            "mina@example.com",
            "Mina",
            Role::Administrator,
            "correct horse battery".into(),
        );
        let mina = mina.await.unwrap();
        let scope = w.scope(&mina).await;
        let link = async |subject: &str, scope: &Scope, by: Option<&Scope>| {
            let authorized = w.authorized(Intent::Link(scope), subject).await;
            w.finish_as(w.answer(&authorized), by).await.unwrap()
        };
        match link("mina", &scope, Some(&scope)).await {
            Finished::Linked { account } => {
                assert_eq!(account, "mina@provider.example of Provider contoso");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(signed_in(w.sign_in("mina").await).id, mina.id);
        // It belongs to who began it: not to somebody else who signed in meanwhile, nor to nobody.
        let other = w.t.owner().await;
        refused(link("second", &scope, Some(&other)).await);
        refused(link("second", &scope, None).await);
        assert!(
            refused(link("mina", &other, Some(&other)).await).contains("belongs to an operator")
        );

        let bob = w.joined("bob", Role::ReadOnly).await;
        let bobs = w.scope(&bob).await;
        let identity =
            async |scope: &Scope| ways_to_sign_in(&w.t, scope).await.unwrap().identities[0].id;
        let last = unlink(&w.t, &bobs, identity(&bobs).await, None).await;
        assert!(matches!(last, Err(Error::Conflict { .. })), "{last:?}");
        let anothers = unlink(&w.t, &bobs, identity(&scope).await, None).await;
        assert!(matches!(anothers, Err(Error::NotFound(_))), "{anothers:?}");

        unlink(&w.t, &scope, identity(&scope).await, None)
            .await
            .unwrap();
        assert!(refused(w.sign_in("mina").await).contains("Ask for an invitation"));
        let log = sample::audit_log(&w.t).await;
        let about = |action: &str| log.iter().filter(|line| line.contains(action)).count();
        assert_eq!(
            (
                about("operator.link_identity"),
                about("operator.unlink_identity")
            ),
            (1, 1)
        );
    }
);

db_test!(who_is_disabled_or_removed_stays_out, |t| {
    let w = World::new(t).await;
    let bob = w.joined("bob", Role::ReadOnly).await;
    crate::auth::set_enabled(&w.t, &bob.email, false)
        .await
        .unwrap();
    assert!(refused(w.sign_in("bob").await).contains("disabled here"));
    assert_eq!(w.reasons().await, ["disabled"]);
    let owner = w.t.owner().await;
    operators::remove(&w.t, &owner, bob.id).await.unwrap();
    assert!(refused(w.sign_in("bob").await).contains("Ask for an invitation"));
});

db_test!(
    the_provider_gives_the_role_and_never_takes_the_last_owner,
    |t| {
        let stub = StubProvider::start().await;
        let w = World::with(t, stub, |given| {
            for (value, role) in [("Rollcall.Owner", "owner"), ("Rollcall.Help", "help_desk")] {
                given.role_mapping.insert(value.to_owned(), role.to_owned());
            }
        });
        let roles = |values: &'static [&'static str]| {
            w.stub
                .tokens(move |token| token.claims["roles"] = json!(values));
        };
        roles(&["Rollcall.Help", "Other"]);
        let bob = w.joined("bob", Role::ReadOnly).await;
        assert_eq!(
            bob.role,
            Role::HelpDesk,
            "the provider says more than the invitation"
        );
        roles(&["Rollcall.Help", "Rollcall.Owner"]);
        assert_eq!(signed_in(w.sign_in("bob").await).role, Role::Owner);
        roles(&["Other"]);
        let none = refused(w.sign_in("bob").await);
        assert!(none.contains("None of your roles"), "{none}");

        // Bob becomes the only owner of all customers who can sign in.
        for other in crate::auth::all_operators(&w.t).await.unwrap() {
            if other.id != bob.id && other.role == Role::Owner {
                crate::auth::set_enabled(&w.t, &other.email, false)
                    .await
                    .unwrap();
            }
        }
        roles(&["Rollcall.Help"]);
        let last = refused(w.sign_in("bob").await);
        assert!(last.contains("the last owner"), "{last}");
        assert_eq!(w.reasons().await, ["no_role", "last_owner"]);
        let log = sample::audit_log(&w.t).await;
        let changes: Vec<_> = log
            .iter()
            .filter(|line| line.contains("operator.update"))
            .collect();
        assert_eq!(
            changes,
            [
                "Rollcall operator.update bob@example.com: As Provider contoso says (role: read_only → help_desk)",
                "Rollcall operator.update bob@example.com: As Provider contoso says (role: help_desk → owner)",
            ]
        );
    }
);
