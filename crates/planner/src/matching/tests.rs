use domain::run::{Action, Reason};
use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn ada() -> Brought {
    Brought {
        user_name: text("ada@x.example"),
        mail: text("a.lovelace@x.example"),
        employee_id: text("e7"),
        aliases: vec!["countess@x.example".to_owned()],
        given_name: text("Ada"),
        surname: text("Lovelace"),
        sign_in_blocked: false,
    }
}

fn nobody() -> Here {
    Here {
        id: Uuid::from_u128(1),
        user_name: text("other@x.example"),
        mail: None,
        employee_id: None,
        aliases: Vec::new(),
        given_name: text("Ada"),
        surname: text("Byron"),
        status: DirectoryStatus::Active,
        other_source: false,
        administrator: false,
        protected: false,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_the_same_and_how_sure_that_is() {
    use MatchDoubt as D;
    use MatchKey as K;
    use MatchStrength::{Exact, Likely, New};
    let by_name = Here {
        user_name: text("ada@x.example"),
        ..nobody()
    };
    let cases: Vec<(Here, Vec<K>, Vec<D>, MatchStrength)> = vec![
        (nobody(), vec![], vec![], New),
        (by_name.clone(), vec![K::UserPrincipalName], vec![], Exact),
        (
            Here {
                employee_id: text("e7"),
                ..nobody()
            },
            vec![K::EmployeeId],
            vec![],
            Exact,
        ),
        (
            Here {
                employee_id: text("e8"),
                ..by_name.clone()
            },
            vec![K::UserPrincipalName],
            vec![D::EmployeeIdDiffers],
            Likely,
        ),
        (
            Here {
                given_name: text("Bob"),
                ..by_name.clone()
            },
            vec![K::UserPrincipalName],
            vec![D::NamesDiffer],
            Likely,
        ),
        (
            Here {
                status: DirectoryStatus::Inactive,
                ..by_name.clone()
            },
            vec![K::UserPrincipalName],
            vec![D::Inactive],
            Likely,
        ),
        (
            Here {
                other_source: true,
                administrator: true,
                protected: true,
                ..by_name.clone()
            },
            vec![K::UserPrincipalName],
            vec![D::OtherSource, D::Administrator, D::Protected],
            Exact,
        ),
        (
            Here {
                mail: text("ada@x.example"),
                ..nobody()
            },
            vec![K::Mail],
            vec![],
            Likely,
        ),
        (
            Here {
                user_name: text("a.lovelace@x.example"),
                ..nobody()
            },
            vec![K::Mail],
            vec![],
            Likely,
        ),
        (
            Here {
                aliases: vec!["a.lovelace@x.example".to_owned()],
                ..nobody()
            },
            vec![K::Alias],
            vec![],
            Likely,
        ),
        (
            Here {
                status: DirectoryStatus::Deleted,
                ..by_name
            },
            vec![],
            vec![],
            New,
        ),
    ];
    for (here, keys, doubts, sure) in cases {
        let found: Vec<Candidate> = compare(&ada(), &here).into_iter().collect();
        assert_eq!(strength(&found), sure, "{here:?}");
        let found = found.first();
        assert_eq!(
            found.map_or(Vec::new(), |one| one.keys.clone()),
            keys,
            "{here:?}"
        );
        assert_eq!(
            found.map_or(Vec::new(), |one| one.doubts.clone()),
            doubts,
            "{here:?}"
        );
    }
}

#[test]
fn another_address_of_the_mailbox_is_likely_the_same_person() {
    let here = |change: fn(&mut Here, String)| {
        let mut here = nobody();
        change(&mut here, "countess@x.example".to_owned());
        here
    };
    for here in [
        here(|here, address| here.user_name = Some(address)),
        here(|here, address| here.mail = Some(address)),
        here(|here, address| here.aliases.push(address)),
    ] {
        let found = compare(&ada(), &here).unwrap();
        assert_eq!(found.keys, [MatchKey::Alias], "{here:?}");
        assert!(!found.holds_name, "nobody here signs in by the user name");
        let found = weigh(vec![found], |_| false);
        assert_eq!(strength(&found), MatchStrength::Likely);
        // Whatever a rule names, an address is never enough.
        let rules = rules(MatchKey::ALL, false);
        assert_eq!(automatic(&rules, &found), None);
    }
}

#[test]
fn the_other_addresses_of_a_mailbox_are_those_of_exchange_but_the_own_ones() {
    let listed = serde_json::json!([
        "SMTP:Ada@x.example",
        "smtp:a.lovelace@x.example",
        "smtp:Countess@x.example",
        "smtp:countess@x.example",
        "SIP:sip@x.example",
        "X500:/o=x",
        "smtp:",
        "none",
        7
    ]);
    let content = Content {
        user_principal_name: Some("ada@x.example".to_owned()),
        mail: Some("A.Lovelace@x.example".to_owned()),
        attributes: [("proxyAddresses".to_owned(), listed)].into(),
        ..Content::default()
    };
    assert_eq!(other_addresses(&content), ["countess@x.example"]);
    assert!(other_addresses(&Content::named("Ada")).is_empty());
}

#[test]
fn what_is_empty_is_in_common_with_nobody() {
    let blank = Brought {
        user_name: Some(String::new()),
        mail: Some(String::new()),
        employee_id: Some(String::new()),
        aliases: vec![String::new()],
        ..Brought::default()
    };
    let here = Here {
        user_name: Some(String::new()),
        mail: Some(String::new()),
        employee_id: Some(String::new()),
        aliases: vec![String::new()],
        ..nobody()
    };
    assert_eq!(compare(&blank, &here), None);
    let none = Here {
        user_name: None,
        ..nobody()
    };
    assert_eq!(compare(&Brought::default(), &none), None);
}

fn rules(automatic: &[MatchKey], confirm_new: bool) -> MatchingRules {
    MatchingRules {
        automatic: automatic.to_vec(),
        confirm_new,
    }
}

fn fits(id: u128, here: &Here) -> Candidate {
    let here = Here {
        id: Uuid::from_u128(id),
        ..here.clone()
    };
    compare(&ada(), &here).unwrap()
}

#[test]
fn several_on_either_side_are_never_exact() {
    let by_name = Here {
        user_name: text("ada@x.example"),
        ..nobody()
    };
    let by_mail = Here {
        mail: text("ada@x.example"),
        ..nobody()
    };
    let two = weigh(vec![fits(2, &by_mail), fits(1, &by_name)], |_| false);
    assert_eq!(two[0].id, Uuid::from_u128(1), "the likelier comes first");
    assert_eq!(strength(&two), MatchStrength::Likely);
    let claimed = weigh(vec![fits(1, &by_name)], |_| true);
    assert_eq!(strength(&claimed), MatchStrength::Likely);
    let all = rules(&[MatchKey::UserPrincipalName, MatchKey::EmployeeId], false);
    assert_eq!(automatic(&all, &two), None);
    assert_eq!(automatic(&all, &claimed), None);
    let one = weigh(vec![fits(1, &by_name)], |_| false);
    assert_eq!(automatic(&all, &one), Some(Uuid::from_u128(1)));
    let other = rules(&[MatchKey::EmployeeId], false);
    assert_eq!(automatic(&other, &one), None);
}

#[test]
fn a_decision_stands_for_those_it_was_made_about() {
    let by_name = fits(
        1,
        &Here {
            user_name: text("ada@x.example"),
            ..nobody()
        },
    );
    let by_mail = fits(
        2,
        &Here {
            mail: text("ada@x.example"),
            ..nobody()
        },
    );
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let ask = rules(&[], false);
    let on = Actions::default();
    let verdict_of =
        |candidates: &[Candidate], decided: Decided| verdict(&ask, on, candidates, &decided);
    let undecided = Verdict {
        standing: Standing::Undecided,
        ..Verdict::default()
    };
    let both = [by_name.clone(), by_mail.clone()];
    assert_eq!(verdict_of(&both, Decided::Nothing), undecided);
    let refused = |refused: &[Uuid]| Decided::Other {
        refused: refused.to_vec(),
    };
    assert_eq!(verdict_of(&both, refused(&[one])), undecided);
    let created = verdict_of(&both, refused(&[one, two]));
    assert_eq!((created.standing, created.same), (Standing::Settled, None));
    assert!(created.name_taken, "the one by name signs in by it");
    let same = |user, can| Decided::Same { user, can };
    let chosen = verdict_of(&both, same(one, true));
    assert_eq!((chosen.same, chosen.name_taken), (Some(one), false));
    let other = verdict_of(&both, same(two, true));
    assert_eq!((other.same, other.name_taken), (Some(two), true));
    assert_eq!(verdict_of(&both, same(one, false)), undecided);
    assert_eq!(
        verdict_of(&both, Decided::Ignored).standing,
        Standing::Ignored
    );
    assert_eq!(verdict_of(&[], Decided::Nothing), Verdict::default());
}

#[test]
fn new_people_are_confirmed_where_the_rule_says_so_and_they_would_come_in() {
    let confirm = rules(&[], true);
    let on = Actions::default();
    let off = Actions {
        create: false,
        ..on
    };
    let standing = |actions, decided: Decided| verdict(&confirm, actions, &[], &decided).standing;
    assert_eq!(standing(on, Decided::Nothing), Standing::Unconfirmed);
    assert_eq!(standing(on, Decided::TakenBack), Standing::Unconfirmed);
    assert_eq!(standing(off, Decided::Nothing), Standing::Settled);
    let confirmed = Decided::Other {
        refused: Vec::new(),
    };
    assert_eq!(standing(on, confirmed), Standing::Settled);
}

#[test]
fn a_match_is_an_update_and_switched_like_one() {
    let on = Actions::default();
    let off = Actions {
        update: false,
        ..on
    };
    let id = Some(Uuid::from_u128(1));
    let create = Outcome::Change(Step {
        action: Action::Create,
        reason: None,
    });
    let matched = |reason| {
        Outcome::Change(Step {
            action: Action::Match,
            reason,
        })
    };
    assert_eq!(settle(on, Derived::Active, create, id), matched(None));
    assert_eq!(settle(on, Derived::Active, create, None), create);
    assert_eq!(
        settle(on, Derived::Blocked, create, id),
        matched(Some(Reason::SignInBlocked))
    );
    assert_eq!(
        settle(off, Derived::Active, create, id),
        Outcome::Filtered(Reason::ActionOff)
    );
    let filtered = Outcome::Filtered(Reason::Guest);
    assert_eq!(
        settle(on, Derived::Filtered(Reason::Guest), filtered, id),
        filtered
    );
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned))
}

fn any_brought() -> impl Strategy<Value = Brought> {
    let texts = (any_text(), any_text(), any_text(), any_text(), any_text());
    (texts, any_text(), any::<bool>()).prop_map(
        |((user_name, mail, employee_id, given, surname), other, blocked)| Brought {
            user_name,
            mail,
            employee_id,
            aliases: other.into_iter().collect(),
            given_name: given,
            surname,
            sign_in_blocked: blocked,
        },
    )
}

fn any_here() -> impl Strategy<Value = Here> {
    let status = prop::sample::select(DirectoryStatus::ALL.to_vec());
    let aliases = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..2);
    (any_brought(), status, aliases, any::<[bool; 3]>(), 0u128..4).prop_map(
        |(who, status, aliases, flags, id)| Here {
            id: Uuid::from_u128(id),
            user_name: who.user_name,
            mail: who.mail,
            employee_id: who.employee_id,
            aliases: aliases.into_iter().map(str::to_owned).collect(),
            given_name: who.given_name,
            surname: who.surname,
            status,
            other_source: flags[0],
            administrator: flags[1],
            protected: flags[2],
        },
    )
}

proptest! {
    /// Whoever has something in common with somebody here neither comes in nor is made one with them
    /// before that is decided, unless the policy says so and there is nothing to say against it.
    #[test]
    fn nobody_is_duplicated_or_merged_silently(
        brought in any_brought(),
        here in prop::collection::vec(any_here(), 0..3),
        by_rule in prop::sample::subsequence(vec![MatchKey::UserPrincipalName, MatchKey::EmployeeId], 0..=2),
        confirm_new in any::<bool>(),
        claimed in any::<bool>(),
    ) {
        let found = here.iter().filter_map(|one| compare(&brought, one)).collect();
        let candidates = weigh(found, |_| claimed);
        let rules = MatchingRules { automatic: by_rule, confirm_new };
        let verdict = verdict(&rules, Actions::default(), &candidates, &Decided::Nothing);
        match verdict.same {
            Some(id) => {
                prop_assert_eq!(strength(&candidates), MatchStrength::Exact);
                prop_assert!(!claimed && candidates.len() == 1 && candidates[0].id == id);
                let one = here.iter().find(|one| one.id == id).unwrap();
                prop_assert!(!one.other_source && !one.protected && !one.administrator);
                prop_assert_eq!(one.status, DirectoryStatus::Active);
            }
            None if !candidates.is_empty() => {
                prop_assert_eq!(verdict.standing, Standing::Undecided);
            }
            None => {
                let confirm = if confirm_new { Standing::Unconfirmed } else { Standing::Settled };
                prop_assert_eq!(verdict.standing, confirm);
            }
        }
    }

    /// A decision ends the question for those it was made about.
    #[test]
    fn what_is_decided_is_not_asked_again(
        brought in any_brought(),
        here in prop::collection::vec(any_here(), 0..3),
        confirm_new in any::<bool>(),
    ) {
        let found = here.iter().filter_map(|one| compare(&brought, one)).collect();
        let candidates = weigh(found, |_| false);
        let rules = MatchingRules { automatic: Vec::new(), confirm_new };
        let refused = candidates.iter().map(|one| one.id).collect();
        let mut decisions = vec![Decided::Ignored, Decided::Other { refused }];
        decisions.extend(candidates.iter().map(|one| Decided::Same { user: one.id, can: true }));
        for decided in decisions {
            let verdict = verdict(&rules, Actions::default(), &candidates, &decided);
            let asked = matches!(verdict.standing, Standing::Undecided | Standing::Unconfirmed);
            prop_assert!(!asked, "{:?}", decided);
        }
    }
}
