//! Who sees and changes whom, and that nobody gives out more than they have.

use domain::{
    id::CustomerId,
    operator::{NewOperator, OperatorChange},
};

use super::*;
use crate::{
    auth::{self, command_line_scope, operator_scope},
    db_test,
    store::{customers, sessions as rows},
    testing::{TestBackend, origin},
};

fn some(customers: &[CustomerId]) -> CustomerScope {
    CustomerScope::Some {
        customer_ids: customers.to_vec(),
    }
}

fn except(customers: &[CustomerId]) -> CustomerScope {
    CustomerScope::AllExcept {
        customer_ids: customers.to_vec(),
    }
}

fn tagged(tags: &[&str]) -> CustomerScope {
    CustomerScope::Tags {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

fn id(scope: &Scope) -> OperatorId {
    scope.operator_id().unwrap()
}

/// What was refused: the field to blame, or the kind of error.
fn refused<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(field)) => field.field,
        Err(Error::Forbidden(_)) => "forbidden".to_owned(),
        Err(Error::NotFound(_)) => "not found".to_owned(),
        Err(Error::Conflict { .. }) => "conflict".to_owned(),
        Err(Error::SignedOut) => "signed out".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn role(role: Role) -> OperatorChange {
    OperatorChange {
        role: Some(role),
        ..OperatorChange::default()
    }
}

fn reach(scope: CustomerScope) -> OperatorChange {
    OperatorChange {
        scope: Some(scope),
        ..OperatorChange::default()
    }
}

fn enabled(enabled: bool) -> OperatorChange {
    OperatorChange {
        enabled: Some(enabled),
        ..OperatorChange::default()
    }
}

async fn try_invite(
    t: &TestBackend,
    by: &Scope,
    role: Role,
    scope: CustomerScope,
) -> Result<Operator> {
    let new = NewOperator {
        email: format!("{}@example.com", t.ids.uuid()),
        name: "Noor".to_owned(),
        role,
        scope,
    };
    invite(t, by, new).await.map(|made| made.operator)
}

/// Customers A, B and C; A and B are tagged `north`, C `south`.
async fn three(t: &TestBackend) -> (CustomerId, CustomerId, CustomerId) {
    let (a, b, c) = (
        t.customer("A").await,
        t.customer("B").await,
        t.customer("C").await,
    );
    for (customer, tag) in [(a, "north"), (b, "north"), (c, "south")] {
        t.tag(customer, tag).await;
    }
    (a, b, c)
}

db_test!(
    an_operator_is_seen_by_who_reaches_all_that_they_reach,
    |t| {
        let (a, b, c) = three(&t).await;
        let scopes = [
            CustomerScope::All,
            except(&[c]),
            except(&[b, c]),
            tagged(&["north"]),
            some(&[a, b]),
            some(&[a]),
            some(&[c]),
            tagged(&["nobody"]),
        ];
        let mut operators = Vec::new();
        for scope in scopes {
            operators.push(t.operator(Role::Administrator, scope).await);
        }
        let mut table = Vec::new();
        for viewer in &operators {
            let mut row = String::new();
            let listed = list(&t, viewer, OperatorQuery::default()).await.unwrap();
            assert_eq!(i64::try_from(listed.items.len()), Ok(listed.total));
            for target in &operators {
                let seen = get(&t, viewer, id(target)).await.is_ok();
                assert_eq!(listed.items.iter().any(|o| o.id == id(target)), seen);
                row.push(if seen { 'x' } else { '.' });
            }
            table.push(row);
        }
        // All, all but C, all but B and C, north, A and B, A, C, nobody: who sees them.
        assert_eq!(
            table,
            [
                "xxxxxxxx", ".xxxxx..", "..x..x..", "...xxx..", "...xxx..", ".....x..", "......x.",
                "........",
            ]
        );
        let reader = t.operator(Role::UserManager, CustomerScope::All).await;
        assert_eq!(
            refused(get(&t, &reader, id(&operators[0])).await),
            "forbidden"
        );
        assert_eq!(
            refused(list(&t, &reader, OperatorQuery::default()).await),
            "forbidden"
        );
    }
);

db_test!(
    nobody_gives_a_role_or_a_customer_that_they_don_t_hold,
    |t| {
        let (a, b, c) = three(&t).await;
        let of_a = t.administrator_of(&[a]).await;
        let north = t.operator(Role::Administrator, tagged(&["north"])).await;
        let but_c = t.operator(Role::Administrator, except(&[c])).await;
        let admin = Role::Administrator;
        for (by, wanted, scope, field) in [
            (&of_a, Role::Owner, some(&[a]), "role"),
            (&of_a, admin, some(&[a, b]), "scope.customer_ids"),
            (&of_a, admin, some(&[]), "scope.customer_ids"),
            (&of_a, admin, CustomerScope::All, "scope"),
            (&of_a, admin, except(&[b, c]), "scope"),
            (&of_a, admin, tagged(&["north"]), "scope.tags"),
            (&of_a, admin, tagged(&["nobody"]), "scope.tags"),
            (&of_a, admin, tagged(&[]), "scope.tags"),
            (&north, admin, tagged(&["south"]), "scope.tags"),
            (&north, admin, tagged(&["north", "south"]), "scope.tags"),
            (&north, admin, some(&[c]), "scope.customer_ids"),
            (&but_c, admin, CustomerScope::All, "scope"),
            (&but_c, admin, some(&[c]), "scope.customer_ids"),
            (&but_c, admin, except(&[c]), "scope.customer_ids"),
            (&but_c, admin, tagged(&["south"]), "scope.tags"),
        ] {
            let outcome = try_invite(&t, by, wanted, scope.clone()).await;
            assert_eq!(refused(outcome), field, "{wanted} {scope:?}");
        }
        let user_manager = t.role_over(Role::UserManager, &[a]).await;
        let outcome = try_invite(&t, &user_manager, Role::ReadOnly, some(&[a])).await;
        assert_eq!(refused(outcome), "forbidden");

        for (by, scope) in [
            (&of_a, some(&[a])),
            (&north, tagged(&["north"])),
            (&north, some(&[a, b])),
            (&but_c, tagged(&["north"])),
            (&but_c, some(&[a, b])),
        ] {
            let made = try_invite(&t, by, admin, scope.clone()).await.unwrap();
            assert_eq!((made.role, made.scope), (admin, scope));
            assert_eq!(made.state, OperatorState::Invited);
        }
    }
);

db_test!(
    who_is_kept_from_a_customer_lets_nobody_in_there_nor_learns_of_it,
    |t| {
        let (_, b, c) = three(&t).await;
        let but_c = t.operator(Role::Administrator, except(&[c])).await;
        let made = try_invite(&t, &but_c, Role::HelpDesk, except(&[b]))
            .await
            .unwrap();
        assert_eq!(made.scope, except(&[b]), "C is not told of");
        let all = t.owner().await;
        assert_eq!(get(&t, &all, made.id).await.unwrap().scope, except(&[b, c]));
        let changed = change(&t, &but_c, made.id, reach(except(&[])))
            .await
            .unwrap();
        assert_eq!(changed.scope, except(&[]));
        assert_eq!(get(&t, &all, made.id).await.unwrap().scope, except(&[c]));
    }
);

db_test!(nobody_changes_an_operator_who_has_more, |t| {
    let (a, b, _) = three(&t).await;
    let of_a = t.administrator_of(&[a]).await;
    let owner_of_a = t.role_over(Role::Owner, &[a]).await;
    let of_both = t.administrator_of(&[a, b]).await;
    let desk = t.role_over(Role::HelpDesk, &[a]).await;
    for (target, kind) in [(&owner_of_a, "forbidden"), (&of_both, "not found")] {
        let target = id(target);
        for wanted in [
            role(Role::ReadOnly),
            reach(some(&[a])),
            enabled(false),
            OperatorChange::default(),
        ] {
            assert_eq!(refused(change(&t, &of_a, target, wanted).await), kind);
        }
        assert_eq!(refused(remove(&t, &of_a, target).await), kind);
        assert_eq!(refused(end_sessions(&t, &of_a, target).await), kind);
        assert_eq!(
            refused(end_session(&t, &of_a, target, t.ids.uuid()).await),
            kind
        );
        assert_eq!(refused(resend(&t, &of_a, target).await), kind);
    }
    assert_eq!(
        refused(sessions(&t, &of_a, id(&of_both)).await),
        "not found"
    );
    // Up to one's own, and no further.
    let target = id(&desk);
    change(&t, &of_a, target, role(Role::Administrator))
        .await
        .unwrap();
    assert_eq!(
        refused(change(&t, &of_a, target, role(Role::Owner)).await),
        "role"
    );
    assert_eq!(
        refused(change(&t, &of_a, target, reach(some(&[a, b]))).await),
        "scope.customer_ids"
    );
    // Nobody lifts themselves, nor locks themselves out.
    let owner = t.owner().await;
    for wanted in [role(Role::Administrator), reach(some(&[a])), enabled(false)] {
        assert_eq!(
            refused(change(&t, &owner, id(&owner), wanted).await),
            "conflict"
        );
    }
    assert_eq!(refused(remove(&t, &owner, id(&owner)).await), "conflict");
    let renamed = OperatorChange {
        name: Some(" Mina ".to_owned()),
        ..OperatorChange::default()
    };
    let renamed = change(&t, &owner, id(&owner), renamed).await.unwrap();
    assert_eq!(renamed.name, "Mina");
});

db_test!(the_last_owner_stays, |t| {
    let machine = command_line_scope();
    let (a, _, _) = three(&t).await;
    let last = t.owner().await;
    // None of these may do everything for everybody, or can sign in.
    t.role_over(Role::Owner, &[a]).await;
    t.operator(Role::Owner, except(&[a])).await;
    t.operator(Role::Administrator, CustomerScope::All).await;
    let invited = try_invite(&t, &machine, Role::Owner, CustomerScope::All).await;
    invited.unwrap();
    let disabled = t.owner().await;
    change(&t, &last, id(&disabled), enabled(false))
        .await
        .unwrap();
    for wanted in [
        role(Role::Administrator),
        reach(some(&[a])),
        reach(except(&[a])),
        enabled(false),
    ] {
        let outcome = change(&t, &machine, id(&last), wanted).await;
        assert_eq!(refused(outcome), "conflict");
    }
    assert_eq!(refused(remove(&t, &machine, id(&last)).await), "conflict");
    assert!(operator_scope(&t, id(&last), origin("r")).await.is_ok());

    change(&t, &last, id(&disabled), enabled(true))
        .await
        .unwrap();
    remove(&t, &machine, id(&last)).await.unwrap();
});

db_test!(two_owners_can_t_disable_each_other_at_once, |t| {
    let (one, two) = (t.owner().await, t.owner().await);
    let (one_id, two_id) = (id(&one), id(&two));
    let (first, second) = tokio::join!(
        change(&t, &one, two_id, enabled(false)),
        change(&t, &two, one_id, enabled(false))
    );
    assert_eq!(
        u8::from(first.is_ok()) + u8::from(second.is_ok()),
        1,
        "{first:?} {second:?}"
    );
    let mut tx = t.db.read().await.unwrap();
    assert!(reach::has_owner(&mut tx).await.unwrap());
});

db_test!(
    what_is_taken_from_an_operator_is_gone_at_their_next_request,
    |t| {
        let (a, b, _) = three(&t).await;
        let owner = t.owner().await;
        let scope = t.administrator_of(&[a, b]).await;
        let mina = id(&scope);
        let data = format!(r#"{{"operator_id":"{mina}","address":"192.0.2.7"}}"#);
        for cookie in [1, 2] {
            rows::create(&t, cookie, &data).await.unwrap();
        }
        let lines = sessions(&t, &owner, mina).await.unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].address.as_deref(), Some("192.0.2.7"));

        change(&t, &owner, mina, role(Role::ReadOnly))
            .await
            .unwrap();
        let now = t.scope_of(mina).await;
        assert_eq!(now.role(), Role::ReadOnly);
        assert_eq!(
            refused(customers::rename(&t, &now, a, "x").await),
            "forbidden"
        );
        change(&t, &owner, mina, reach(some(&[b]))).await.unwrap();
        let now = t.scope_of(mina).await;
        assert_eq!(refused(customers::get(&t, &now, a).await), "not found");
        assert!(customers::get(&t, &now, b).await.is_ok());
        // A request that is under way doesn't see it either.
        assert_eq!(refused(customers::get(&t, &scope, a).await), "not found");

        end_session(&t, &owner, mina, lines[0].id).await.unwrap();
        assert_eq!(
            refused(end_session(&t, &owner, mina, lines[0].id).await),
            "not found"
        );
        assert_eq!(sessions(&t, &owner, mina).await.unwrap().len(), 1);
        change(&t, &owner, mina, enabled(false)).await.unwrap();
        assert_eq!(
            refused(operator_scope(&t, mina, origin("r")).await),
            "signed out"
        );
        assert!(sessions(&t, &owner, mina).await.unwrap().is_empty());
        assert_eq!(
            get(&t, &owner, mina).await.unwrap().state,
            OperatorState::Disabled
        );
        change(&t, &owner, mina, enabled(true)).await.unwrap();
        assert!(operator_scope(&t, mina, origin("r")).await.is_ok());

        rows::create(&t, 3, &data).await.unwrap();
        remove(&t, &owner, mina).await.unwrap();
        assert_eq!(
            refused(operator_scope(&t, mina, origin("r")).await),
            "signed out"
        );
        assert_eq!(rows::load(&t, 3).await.unwrap(), None);
        assert_eq!(refused(get(&t, &owner, mina).await), "not found");
    }
);

db_test!(
    a_tag_that_a_role_uses_is_changed_only_with_rights_over_all_it_reaches,
    |t| {
        let (a, b, c) = three(&t).await;
        let tags = async |by: &Scope, customer: CustomerId, tags: &[&str]| {
            let change = domain::customer::CustomerChange {
                tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
                ..domain::customer::CustomerChange::default()
            };
            customers::change(&t, by, customer, change).await
        };
        let of_a = t.administrator_of(&[a]).await;
        // While no role uses it, a tag is a label.
        tags(&of_a, a, &["north", " VIP "]).await.unwrap();
        let desk = t.operator(Role::HelpDesk, tagged(&["north"])).await;
        for wanted in [&["vip"][..], &[]] {
            assert_eq!(refused(tags(&of_a, a, wanted).await), "tags");
        }
        tags(&of_a, a, &["north"]).await.unwrap();
        let but_c = t.operator(Role::Administrator, except(&[c])).await;
        let of_all_three = t.administrator_of(&[a, b, c]).await;
        assert_eq!(tags(&but_c, b, &["south"]).await.unwrap().tags, ["south"]);
        tags(&of_all_three, c, &["north"]).await.unwrap();
        let now = t.scope_of(id(&desk)).await;
        assert!(now.sees(a) && !now.sees(b) && now.sees(c));
        // Now it reaches C, from which they are kept.
        assert_eq!(refused(tags(&but_c, a, &[]).await), "tags");
        // Nor does anybody change what an operator above them reaches.
        t.operator(Role::Owner, tagged(&["east"])).await;
        assert_eq!(
            refused(tags(&of_all_three, a, &["north", "east"]).await),
            "tags"
        );
        let owner = t.owner().await;
        tags(&owner, a, &["north", "east"]).await.unwrap();
        assert_eq!(refused(tags(&of_all_three, a, &["north"]).await), "tags");

        let bad = ["a,b"; 1];
        assert_eq!(refused(tags(&owner, a, &bad).await), "tags");
        let many: Vec<String> = (0..=domain::customer::TAGS_MAX)
            .map(|n| n.to_string())
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(refused(tags(&owner, a, &many).await), "tags");
    }
);

db_test!(the_list_is_searched_filtered_sorted_and_cut, |t| {
    let owner = command_line_scope();
    for (name, email, role) in [
        ("Zoë", "zoe@example.com", Role::ReadOnly),
        ("noor", "n@partner.example", Role::Owner),
        ("Ålund", "a@example.com", Role::HelpDesk),
    ] {
        let new = NewOperator {
            email: email.to_owned(),
            name: name.to_owned(),
            role,
            scope: CustomerScope::All,
        };
        invite(&t, &owner, new).await.unwrap();
        t.clock.advance(chrono::Duration::seconds(1));
    }
    let names = async |query: OperatorQuery| {
        let page = list(&t, &owner, query).await.unwrap();
        page.items.into_iter().map(|o| o.name).collect::<Vec<_>>()
    };
    let query = OperatorQuery::default;
    assert_eq!(names(query()).await, ["Ålund", "noor", "Zoë"]);
    let by = |q: &str| OperatorQuery {
        q: Some(q.to_owned()),
        ..query()
    };
    assert_eq!(names(by("ZOE")).await, ["Zoë"]);
    assert_eq!(names(by("partner.")).await, ["noor"]);
    let owners = OperatorQuery {
        role: Some(Role::Owner),
        ..query()
    };
    assert_eq!(names(owners).await, ["noor"]);
    for (state, number) in [(OperatorState::Invited, 3), (OperatorState::Active, 0)] {
        let of = OperatorQuery {
            state: Some(state),
            ..query()
        };
        assert_eq!(names(of).await.len(), number, "{state}");
    }
    for (sort, _) in SORTS {
        let sorted = OperatorQuery {
            sort: Some((*sort).to_owned()),
            ..query()
        };
        assert_eq!(names(sorted).await.len(), 3, "{sort}");
    }
    let by_role = OperatorQuery {
        sort: Some("role".to_owned()),
        page: PageRequest::new(1, 2),
        ..query()
    };
    assert_eq!(names(by_role).await, ["noor", "Ålund"]);

    let mut request = ListRequest {
        limit: 2,
        ..ListRequest::default()
    };
    let first = listing(&t, &owner, &request).await.unwrap();
    assert_eq!(first.items.len(), 2);
    request.cursor = first.next.map(|next| next.parse().unwrap());
    let rest = listing(&t, &owner, &request).await.unwrap();
    assert_eq!(rest.items[0].name, "Zoë");
    assert_eq!(rest.next, None);
});

db_test!(
    the_machine_itself_helps_operators_who_can_t_help_themselves,
    |t| {
        let machine = command_line_scope();
        let invited = try_invite(&t, &machine, Role::Owner, CustomerScope::All)
            .await
            .unwrap();
        let email = invited.email.to_uppercase();
        let sign_in = async |password: &str| {
            let given = auth::SignIn {
                browser: None,
                request_id: "r".to_owned(),
                email: email.clone(),
                password: password.to_owned().into(),
                address: [192, 0, 2, 1].into(),
                user_agent: String::new(),
            };
            auth::sign_in(&t, given).await
        };
        let set = async |email: &str, password: &str| {
            auth::set_password(&t, email, password.to_owned().into(), true).await
        };
        assert_eq!(
            refused(set("nobody@example.com", "a long pass phrase").await),
            "email"
        );
        assert_eq!(refused(set(&email, "short").await), "password-stdin");
        set(&email, "a long pass phrase").await.unwrap();
        sign_in("a long pass phrase").await.unwrap();
        let data = format!(r#"{{"operator_id":"{}"}}"#, invited.id);
        rows::create(&t, 1, &data).await.unwrap();
        for _ in 0..5 {
            assert_eq!(refused(sign_in("not this one").await), "signed out");
        }
        assert!(matches!(
            sign_in("a long pass phrase").await,
            Err(Error::TooMany { .. })
        ));
        // It ends their sessions, and the wait.
        set(&email, "another pass phrase").await.unwrap();
        assert_eq!(rows::load(&t, 1).await.unwrap(), None);
        sign_in("another pass phrase").await.unwrap();

        let owner = t.owner().await;
        auth::set_enabled(&t, &email, false).await.unwrap();
        assert_eq!(refused(sign_in("another pass phrase").await), "signed out");
        assert_eq!(
            refused(auth::set_enabled(&t, "nobody@example.com", true).await),
            "email"
        );
        auth::set_enabled(&t, &email, true).await.unwrap();
        sign_in("another pass phrase").await.unwrap();
        assert_eq!(auth::all_operators(&t).await.unwrap().len(), 2);
        drop(owner);
    }
);
