use chrono::Duration;
use domain::{
    api_token::{ApiToken, ApiTokenKind, ApiTokenState, NewApiToken},
    customer::CustomerChange,
    id::CustomerId,
    operator::{CustomerScope, OperatorChange},
    permission::{Permission, Role},
};
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::{
    Backend, Origin,
    auth::{self, command_line_scope, second_factor, token, token_scope},
    db_test, execute, fetch_all,
    store::{customers, operators, sample},
    testing::{TestBackend, origin},
};

fn new(role: Role, customers: Option<&[CustomerId]>) -> NewApiToken {
    NewApiToken {
        customer_ids: customers.map(<[CustomerId]>::to_vec),
        ..NewApiToken::of_everything("CI", role)
    }
}

async fn made(b: &Backend, scope: &Scope, new: NewApiToken) -> (ApiToken, SecretString) {
    create(b, scope, new).await.unwrap()
}

/// Every token that the caller sees, the newest first.
async fn seen_by_them(b: &Backend, scope: &Scope) -> Vec<ApiToken> {
    let query = ApiTokenQuery {
        page: PageRequest::new(1, 1000),
        sort: Some("created".to_owned()),
        direction: Direction::Descending,
        ..ApiTokenQuery::default()
    };
    let page = list(b, scope, query).await.unwrap();
    assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
    page.items
}

async fn used(b: &Backend, secret: &SecretString) -> Result<Scope> {
    token_scope(b, secret.expose_secret(), origin("r")).await
}

fn from(address: [u8; 4]) -> Origin {
    Origin::api(Some(address.into()), "r")
}

fn why<T: std::fmt::Debug>(refused: Result<T>) -> String {
    match refused {
        Err(Error::TokenRefused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn blamed<T: std::fmt::Debug>(refused: Result<T>) -> String {
    match refused {
        Err(Error::Invalid(error)) => error.field,
        other => panic!("{other:?}"),
    }
}

/// Every action in the audit log.
async fn written(t: &TestBackend) -> Vec<String> {
    let mut tx = t.db.read().await.unwrap();
    let rows = fetch_all!(&mut tx, (String,), "SELECT action FROM audit_event").unwrap();
    rows.into_iter().map(|(action,)| action).collect()
}

fn is_forbidden<T>(refused: Result<T>) -> bool {
    matches!(refused, Err(Error::Forbidden(Permission::TokensWrite)))
}

db_test!(a_token_signs_in_until_it_ends_or_is_revoked, |t| {
    let owner = command_line_scope();
    let end = t.clock.now() + Duration::days(1);
    let wanted = NewApiToken {
        name: " CI ".to_owned(),
        expires_at: Some(end),
        ..new(Role::Administrator, None)
    };
    let (token, secret) = made(&t, &owner, wanted).await;
    assert_eq!((token.name.as_str(), token.customer_ids), ("CI", None));
    assert_eq!(token.state, ApiTokenState::Active);

    let scope = token_scope(&t, secret.expose_secret(), origin("r1"))
        .await
        .unwrap();
    assert!(scope.sees_all() && scope.is_token() && scope.operator_id().is_none());
    assert_eq!((scope.actor_name(), scope.request_id()), ("CI", "r1"));

    let unknown = token_scope(&t, &token::make(&t), origin("r")).await;
    assert!(matches!(unknown, Err(Error::SignedOut)));
    let nonsense = token_scope(&t, "rc_nothing", origin("r")).await;
    assert!(matches!(nonsense, Err(Error::SignedOut)));
    revoke(&t, &owner, token.id).await.unwrap();
    revoke(&t, &owner, token.id).await.unwrap();
    assert!(why(used(&t, &secret).await).contains("revoked"));

    let wanted = NewApiToken {
        expires_at: Some(end),
        ..new(Role::Owner, None)
    };
    let (_, secret) = made(&t, &owner, wanted).await;
    t.clock.advance(Duration::days(1));
    assert!(why(used(&t, &secret).await).contains("ended on 2026-03-02"));
    assert_eq!(
        seen_by_them(&t, &owner).await[0].state,
        ApiTokenState::Expired
    );
});

db_test!(use_is_noted_to_the_minute_and_from_where_at_once, |t| {
    let owner = t.owner().await;
    let (_, secret) = made(&t, &owner, new(Role::ReadOnly, None)).await;
    let mut seen = Vec::new();
    for (seconds, address) in [(0, 1), (59, 1), (1, 1), (1, 2)] {
        t.clock.advance(Duration::seconds(seconds));
        let origin = from([198, 51, 100, address]);
        token_scope(&t, secret.expose_secret(), origin)
            .await
            .unwrap();
        let token = seen_by_them(&t, &owner).await.remove(0);
        let after = token.last_used_at.unwrap() - token.created_at;
        seen.push((after.num_seconds(), token.last_used_address.unwrap()));
    }
    let (one, two) = ("198.51.100.1".to_owned(), "198.51.100.2".to_owned());
    assert_eq!(
        seen,
        [(0, one.clone()), (0, one.clone()), (60, one), (61, two)]
    );
});

db_test!(nobody_gives_away_more_than_they_have, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let admin = Role::Administrator;
    for (wanted, field) in [
        (new(Role::Owner, Some(&[a])), "role"),
        (new(admin, Some(&[])), "customer_ids"),
        (new(admin, Some(&[a, b])), "customer_ids"),
        (
            NewApiToken {
                name: " ".to_owned(),
                ..new(admin, None)
            },
            "name",
        ),
        (
            NewApiToken {
                addresses: vec!["x".to_owned()],
                ..new(admin, None)
            },
            "addresses",
        ),
        (
            NewApiToken {
                expires_at: Some(t.clock.now()),
                ..new(admin, None)
            },
            "expires_at",
        ),
        (
            NewApiToken {
                expires_at: Some(t.clock.now() + Duration::days(367)),
                ..new(admin, None)
            },
            "expires_at",
        ),
    ] {
        assert_eq!(blamed(create(&t, &some, wanted).await), field);
    }

    let (token, secret) = made(&t, &some, new(admin, Some(&[a, a]))).await;
    assert_eq!(token.customer_ids, Some(vec![a]));
    assert_eq!(token.expires_at - token.created_at, Duration::days(90));
    let scope = used(&t, &secret).await.unwrap();
    assert!(scope.sees(a) && !scope.sees(b) && !scope.sees_all());
    assert!(
        is_forbidden(create(&t, &scope, new(Role::ReadOnly, None)).await),
        "a token makes none"
    );

    let reader = t.role_over(Role::ReadOnly, &[a]).await;
    assert!(is_forbidden(
        create(&t, &reader, new(Role::ReadOnly, None)).await
    ));
    let own = NewApiToken {
        kind: ApiTokenKind::Personal,
        ..new(Role::ReadOnly, None)
    };
    made(&t, &reader, own).await;
});

db_test!(a_token_lists_some_customers_and_not_too_many, |t| {
    let a = t.customer("A").await;
    let owner = t.owner().await;
    let said = async |customers: &[CustomerId]| {
        let wanted = new(Role::ReadOnly, Some(customers));
        match create(&t, &owner, wanted).await {
            Err(Error::Invalid(error)) => format!("{}: {}", error.field, error.message),
            other => panic!("{other:?}"),
        }
    };
    let unknown = CustomerId(t.ids.uuid());
    let many: Vec<_> = (0..=10_000).map(|_| CustomerId(t.ids.uuid())).collect();
    assert_eq!(
        said(&[]).await,
        "customer_ids: Choose at least one customer."
    );
    assert_eq!(
        said(&[a, unknown]).await,
        format!("customer_ids: There is no customer {unknown}.")
    );
    assert_eq!(
        said(&many).await,
        "customer_ids: Choose at most 10000 customers one by one."
    );
});

/// What a token may do, by the scope in memory and by the statement that keeps others out.
async fn reached(t: &TestBackend, secret: &SecretString, of: &[CustomerId]) -> Vec<CustomerId> {
    let scope = used(t, secret).await.unwrap();
    let by_scope: Vec<_> = of.iter().copied().filter(|id| scope.sees(*id)).collect();
    let mut by_statement: Vec<_> = customers::names(t, &scope, None).await.unwrap();
    by_statement.sort_by_key(|(_, name)| name.clone());
    let by_statement: Vec<_> = by_statement.into_iter().map(|(id, _)| id).collect();
    assert_eq!(by_scope, by_statement);
    by_scope
}

db_test!(a_token_is_cut_to_what_its_operator_may_now, |t| {
    let (a, b, c) = (
        t.customer("A").await,
        t.customer("B").await,
        t.customer("C").await,
    );
    let all = [a, b, c];
    let owner = t.owner().await;
    customers::change(
        &t,
        &owner,
        c,
        CustomerChange {
            tags: Some(vec!["north".to_owned()]),
            ..CustomerChange::default()
        },
    )
    .await
    .unwrap();
    let maker = t.operator(Role::Administrator, CustomerScope::All).await;
    let id = maker.operator_id().unwrap();
    let (_, listed) = made(&t, &maker, new(Role::Administrator, Some(&[a, b]))).await;
    let (_, whole) = made(&t, &maker, new(Role::Administrator, None)).await;
    let (_, reader) = made(&t, &maker, new(Role::ReadOnly, None)).await;
    let give = async |change: OperatorChange| {
        operators::change(&t, &owner, id, change).await.unwrap();
    };
    for (scope, of_listed, of_whole) in [
        (CustomerScope::All, vec![a, b], vec![a, b, c]),
        (
            CustomerScope::Some {
                customer_ids: vec![b, c],
            },
            vec![b],
            vec![b, c],
        ),
        (
            CustomerScope::AllExcept {
                customer_ids: vec![b],
            },
            vec![a],
            vec![a, c],
        ),
        (
            CustomerScope::Tags {
                tags: vec!["north".to_owned()],
            },
            vec![],
            vec![c],
        ),
    ] {
        give(OperatorChange {
            scope: Some(scope),
            ..OperatorChange::default()
        })
        .await;
        assert_eq!(reached(&t, &listed, &all).await, of_listed);
        assert_eq!(reached(&t, &whole, &all).await, of_whole);
    }
    let role_of = async |secret: &SecretString| used(&t, secret).await.unwrap().role();
    assert_eq!(role_of(&whole).await, Role::Administrator);
    give(OperatorChange {
        role: Some(Role::HelpDesk),
        ..OperatorChange::default()
    })
    .await;
    assert_eq!(role_of(&whole).await, Role::HelpDesk);
    assert_eq!(role_of(&reader).await, Role::ReadOnly);

    give(OperatorChange {
        enabled: Some(false),
        ..OperatorChange::default()
    })
    .await;
    assert!(why(used(&t, &whole).await).contains("disabled"));
    assert_eq!(
        seen_by_them(&t, &owner).await[0].state,
        ApiTokenState::Stopped
    );
    give(OperatorChange {
        enabled: Some(true),
        ..OperatorChange::default()
    })
    .await;
    used(&t, &whole).await.unwrap();
    operators::remove(&t, &owner, id).await.unwrap();
    assert!(matches!(used(&t, &whole).await, Err(Error::SignedOut)));
    let written = written(&t).await;
    assert_eq!(
        written
            .iter()
            .filter(|action| action.as_str() == "api_token.revoke")
            .count(),
        3
    );
});

db_test!(who_sees_which_token_and_may_do_what_with_it, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let owner = t.owner().await;
    let of_a = t.administrator_of(&[a]).await;
    let also_a = t.administrator_of(&[a]).await;
    let of_b = t.administrator_of(&[b]).await;
    let help = t.role_over(Role::HelpDesk, &[a]).await;
    let personal = NewApiToken {
        kind: ApiTokenKind::Personal,
        ..new(Role::HelpDesk, None)
    };
    let (mine, secret) = made(&t, &help, personal).await;
    let (listed, _) = made(&t, &of_a, new(Role::Administrator, Some(&[a]))).await;
    let (whole, whole_secret) = made(&t, &of_a, new(Role::Administrator, None)).await;
    let (of_owner, _) = made(&t, &owner, new(Role::Owner, None)).await;
    let (by_owner, _) = made(&t, &owner, new(Role::Owner, Some(&[a]))).await;
    let seen = async |scope: &Scope| {
        let tokens = seen_by_them(&t, scope).await;
        let mut ids: Vec<_> = tokens.into_iter().map(|token| token.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(seen(&owner).await.len(), 5);
    assert_eq!(seen(&help).await, [mine.id]);
    assert_eq!(
        seen(&also_a).await,
        [mine.id, listed.id, whole.id, by_owner.id]
    );
    assert!(seen(&of_b).await.is_empty());
    let itself = used(&t, &secret).await.unwrap();
    assert_eq!(seen(&itself).await, [mine.id]);

    let hidden = |refused: Result<()>| matches!(refused, Err(Error::NotFound(_)));
    assert!(hidden(revoke(&t, &of_b, listed.id).await));
    assert!(hidden(revoke(&t, &also_a, of_owner.id).await));
    assert!(
        is_forbidden(revoke(&t, &also_a, by_owner.id).await),
        "more than their own role"
    );
    assert!(is_forbidden(rotate(&t, &also_a, by_owner.id, 1).await));
    assert!(
        is_forbidden(rotate(&t, &owner, mine.id, 1).await),
        "somebody’s own"
    );
    assert!(is_forbidden(
        offer_to_take_over(&t, &also_a, by_owner.id).await
    ));
    assert!(matches!(
        offer_to_take_over(&t, &owner, mine.id).await,
        Err(Error::Conflict { .. })
    ));
    rotate(&t, &itself, mine.id, 1).await.unwrap();
    revoke(&t, &also_a, mine.id).await.unwrap();

    let (_, next) = offer_to_take_over(&t, &also_a, whole.id).await.unwrap();
    let taken = take_over(&t, &also_a, whole.id, 1, &next.sealed)
        .await
        .unwrap();
    assert_eq!(taken.operator_id, also_a.operator_id());
    let again = offer_to_take_over(&t, &also_a, whole.id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
    used(&t, &whole_secret).await.unwrap();
    t.clock.advance(Duration::hours(1));
    let gone = used(&t, &whole_secret).await;
    assert!(
        matches!(gone, Err(Error::SignedOut)),
        "whoever had it before has it no more"
    );
    token_scope(&t, &next.shown(), origin("r")).await.unwrap();
    operators::remove(&t, &owner, of_a.operator_id().unwrap())
        .await
        .unwrap();
    assert_eq!(
        get(&t, &also_a, whole.id).await.unwrap().state,
        ApiTokenState::Active
    );
});

db_test!(rotating_leaves_the_secret_before_good_for_a_while, |t| {
    let owner = t.owner().await;
    let (token, first) = made(&t, &owner, new(Role::ReadOnly, None)).await;
    t.clock.advance(Duration::days(80));
    assert_eq!(
        blamed(rotate(&t, &owner, token.id, 169).await),
        "overlap_hours"
    );
    let (rotated, second) = rotate(&t, &owner, token.id, 24).await.unwrap();
    assert_eq!(rotated.expires_at - t.clock.now(), Duration::days(90));
    assert_eq!(
        rotated.previous_ends_at,
        Some(t.clock.now() + Duration::hours(24))
    );
    used(&t, &first).await.unwrap();
    used(&t, &second).await.unwrap();
    t.clock.advance(Duration::hours(24));
    assert!(matches!(used(&t, &first).await, Err(Error::SignedOut)));
    used(&t, &second).await.unwrap();
    assert_eq!(
        get(&t, &owner, token.id).await.unwrap().previous_ends_at,
        None
    );

    let (_, third) = rotate(&t, &owner, token.id, 1).await.unwrap();
    let (_, fourth) = rotate(&t, &owner, token.id, 0).await.unwrap();
    for gone in [second, third] {
        assert!(matches!(used(&t, &gone).await, Err(Error::SignedOut)));
    }
    used(&t, &fourth).await.unwrap();

    let (_, fifth) = rotate(&t, &owner, token.id, 1).await.unwrap();
    revoke(&t, &owner, token.id).await.unwrap();
    assert!(
        matches!(used(&t, &fourth).await, Err(Error::SignedOut)),
        "at once"
    );
    assert!(why(used(&t, &fifth).await).contains("revoked"));
    let over = rotate(&t, &owner, token.id, 0).await;
    assert!(matches!(over, Err(Error::Conflict { .. })));
});

db_test!(
    a_token_is_refused_from_elsewhere_and_that_is_written_down,
    |t| {
        let owner = t.owner().await;
        let wanted = NewApiToken {
            addresses: vec!["203.0.113.0/24".to_owned(), "2001:db8::/32".to_owned()],
            ..new(Role::ReadOnly, None)
        };
        let (token, secret) = made(&t, &owner, wanted).await;
        assert_eq!(token.addresses, ["203.0.113.0/24", "2001:db8::/32"]);
        let text = secret.expose_secret();
        token_scope(&t, text, from([203, 0, 113, 9])).await.unwrap();
        for _ in 0..2 {
            let refused = why(token_scope(&t, text, from([198, 51, 100, 9])).await);
            assert!(refused.contains("198.51.100.9"), "{refused}");
        }
        assert!(why(token_scope(&t, text, Origin::api(None, "r")).await).contains("unknown"));
        let written = written(&t).await;
        let refusals = written
            .iter()
            .filter(|action| action.as_str() == "api_token.refused");
        assert_eq!(refusals.count(), 2, "once a network and hour");
    }
);

db_test!(
    a_text_that_a_form_showed_is_accepted_from_its_own_operator_only,
    |t| {
        let (mina, noor) = (t.owner().await, t.owner().await);
        let offered = offer_new(&t, &mina).await.unwrap();
        let wanted = || new(Role::ReadOnly, None);
        for (scope, sealed) in [
            (&noor, offered.sealed.as_str()),
            (&mina, "00ff"),
            (&mina, "x"),
        ] {
            let refused = create_with(&t, scope, wanted(), sealed).await;
            assert_eq!(blamed(refused), "sealed_token");
        }
        let made = create_with(&t, &mina, wanted(), &offered.sealed)
            .await
            .unwrap();
        let scope = token_scope(&t, &offered.shown(), origin("r"))
            .await
            .unwrap();
        assert_eq!(scope.token_id(), Some(made.id));
        let twice = create_with(&t, &mina, wanted(), &offered.sealed).await;
        assert_eq!(blamed(twice), "sealed_token");

        let (_, next) = offer(&t, &mina, made.id).await.unwrap();
        rotate_to(&t, &mina, made.id, 0, &next.sealed)
            .await
            .unwrap();
        token_scope(&t, &next.shown(), origin("r")).await.unwrap();
    }
);

db_test!(only_the_hash_is_kept, |t| {
    let owner = command_line_scope();
    let (token, first) = made(&t, &owner, new(Role::Owner, None)).await;
    let (_, second) = rotate(&t, &owner, token.id, 1).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let kept = fetch_all!(
        &mut tx,
        (Vec<u8>, Vec<u8>),
        "SELECT secret_hash, previous_secret_hash FROM api_token"
    )
    .unwrap();
    let hash = |secret: &SecretString| token::hash(secret.expose_secret());
    assert_eq!(kept, [(hash(&second), hash(&first))]);
});

db_test!(an_operator_who_goes_takes_their_tokens_along, |t| {
    let owner = t.owner().await;
    let maker = t.owner().await;
    let (_, secret) = made(&t, &maker, new(Role::Owner, None)).await;
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "DELETE FROM operator WHERE id = $1",
        maker.operator_id()
    )
    .unwrap();
    tx.commit().await.unwrap();
    assert!(
        matches!(used(&t, &secret).await, Err(Error::SignedOut)),
        "never uncut"
    );
    assert!(seen_by_them(&t, &owner).await.is_empty());
});

db_test!(
    a_new_password_ends_ones_own_tokens_where_that_is_wished,
    |t| {
        let (mina, noor) = (t.owner().await, t.owner().await);
        let personal = |name: &str| NewApiToken {
            kind: ApiTokenKind::Personal,
            ..NewApiToken::of_everything(name, Role::ReadOnly)
        };
        let id = mina.operator_id().unwrap();
        let email = auth::operator(&t, &mina).await.unwrap().email;
        let (_, others) = made(&t, &noor, personal("Noor’s")).await;
        let (_, program) = made(&t, &mina, new(Role::ReadOnly, None)).await;
        let (old, new) = ("correct horse battery", "seven small green teapots");
        auth::set_password(&t, &email, old.into(), true)
            .await
            .unwrap();

        // By the form, not unless it is chosen; by link and on the machine likewise.
        for revoke_tokens in [false, true] {
            let change = async || {
                let given = auth::PasswordChange {
                    old: old.into(),
                    new: old.into(),
                    keep: None,
                    revoke_tokens,
                };
                auth::change_password(&t, &t.scope_of(id).await, given).await
            };
            let (_, one) = made(&t, &t.scope_of(id).await, personal("1")).await;
            change().await.unwrap();
            assert_eq!(used(&t, &one).await.is_err(), revoke_tokens);

            let (_, two) = made(&t, &t.scope_of(id).await, personal("2")).await;
            let link = sample::reset_link(&t, id).await;
            auth::reset_password(&t, link, new.into(), revoke_tokens, &origin("r"))
                .await
                .unwrap();
            assert_eq!(used(&t, &two).await.is_err(), revoke_tokens);

            let (_, three) = made(&t, &t.scope_of(id).await, personal("3")).await;
            auth::set_password(&t, &email, old.into(), revoke_tokens)
                .await
                .unwrap();
            assert_eq!(used(&t, &three).await.is_err(), revoke_tokens);
        }
        // Of others, and of programs, none.
        used(&t, &others).await.unwrap();
        used(&t, &program).await.unwrap();
        let revoked = written(&t).await;
        let revoked = revoked
            .iter()
            .filter(|action| *action == "api_token.revoke");
        assert_eq!(revoked.count(), 6, "each of both rounds, once");
    }
);

db_test!(
    a_token_stops_while_its_operator_lacks_the_second_factor_that_they_need,
    |t| {
        let mina = t.operator(Role::Administrator, CustomerScope::All).await;
        let owner = t.owner().await;
        let (_, secret) = made(&t, &mina, new(Role::ReadOnly, None)).await;
        let by_provider = t.owner().await;
        let id = by_provider.operator_id().unwrap();
        t.identity(id).await;
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "UPDATE operator SET password_hash = NULL WHERE id = $1",
            id
        )
        .unwrap();
        tx.commit().await.unwrap();
        let (_, of_theirs) = made(&t, &by_provider, new(Role::ReadOnly, None)).await;
        let (_, of_machine) = made(&t, &command_line_scope(), new(Role::ReadOnly, None)).await;
        sample::authenticator(&t, &owner).await;
        second_factor::require_of_roles(&t, &owner, vec![Role::Administrator, Role::Owner])
            .await
            .unwrap();
        assert!(why(used(&t, &secret).await).contains("needs a second factor"));
        let state = async || {
            let all = seen_by_them(&t, &owner).await;
            let token = all
                .into_iter()
                .find(|token| token.operator_id == mina.operator_id());
            token.unwrap().state
        };
        assert_eq!(state().await, ApiTokenState::Stopped);
        used(&t, &of_machine).await.unwrap();

        sample::authenticator(&t, &mina).await;
        used(&t, &secret).await.unwrap();
        assert_eq!(state().await, ApiTokenState::Active);

        // Who signs in by a provider alone is asked for it there.
        used(&t, &of_theirs).await.unwrap();
    }
);
