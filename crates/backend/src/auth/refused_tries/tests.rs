//! What a refused try leaves, and that going on leaves no more.

use domain::{api_token::NewApiToken, permission::Role, user::DirectoryStatus};
use secrecy::ExposeSecret;

use super::*;
use crate::{
    Error,
    auth::{
        SignIn, add_operator, sign_in,
        slow_down::{Subject, count_try, count_unknown},
        token_scope,
    },
    db_test, jobs,
    store::{sample, tokens},
    testing::{TestBackend, origin},
};

/// A wrong password; what came of it is another test's matter.
async fn guess(t: &TestBackend, email: &str, address: &str) {
    let given = SignIn {
        browser: None,
        email: email.to_owned(),
        password: "guess".into(),
        address: address.parse().unwrap(),
        user_agent: String::new(),
        request_id: "r1".to_owned(),
    };
    assert!(sign_in(t, given).await.is_err());
}

/// The entries of refused tries, in the order in which they were written.
async fn told(t: &TestBackend) -> Vec<String> {
    let log = sample::audit_log(t).await;
    let of_refused = |line: &String| {
        ["_slowed", "api_token.refused", "api_token.unknown"]
            .iter()
            .any(|action| line.contains(action))
    };
    log.into_iter().filter(of_refused).collect()
}

fn from(address: [u8; 4]) -> Origin {
    Origin::api(Some(address.into()), "r")
}

db_test!(
    the_first_slowed_try_is_told_and_the_others_are_counted,
    |t| {
        let password = "correct horse battery".into();
        let mina = add_operator(&t, "mina@example.com", "Mina", Role::Owner, password);
        mina.await.unwrap();
        for name in ["mina@example.com", "nobody@example.com", "a pass phrase"] {
            for _ in 0..5 + 3 {
                guess(&t, name, "192.0.2.7").await;
            }
        }
        let slowed = |name: &str, changes: &str| {
            format!("Not signed in operator.sign_in_slowed {name} ({changes})")
        };
        let firsts = [
            slowed("mina@example.com", "retry_after_s: – → 5"),
            slowed("nobody@example.com", "retry_after_s: – → 5"),
            slowed("Not a mail address", "retry_after_s: – → 5"),
        ];
        assert_eq!(told(&t).await, firsts);
        t.clock.advance(Duration::minutes(59));
        tell_counted(&t).await.unwrap();
        assert_eq!(told(&t).await, firsts, "the hour isn’t over");

        t.clock.advance(Duration::minutes(1));
        tell_counted(&t).await.unwrap();
        tell_counted(&t).await.unwrap();
        let counts = told(&t).await[3..].to_vec();
        assert_eq!(counts.len(), 3, "{counts:?}");
        for name in [
            "mina@example.com",
            "nobody@example.com",
            "Not a mail address",
        ] {
            let begins = format!("Not signed in operator.sign_in_slowed {name} (since: – → 2026-");
            let count = counts.iter().find(|count| count.starts_with(&begins));
            let count = count.unwrap_or_else(|| panic!("{name}: {counts:?}"));
            assert!(count.ends_with(", tries: – → 3)"), "{count}");
        }
        let mut tx = t.db.read().await.unwrap();
        let at = fetch_all!(
            &mut tx,
            (String, String),
            "SELECT channel, address FROM audit_event WHERE action = 'operator.sign_in_slowed'"
        );
        let page = ("page".to_owned(), "192.0.2.7".to_owned());
        assert_eq!(at.unwrap(), vec![page; 6]);
        drop(tx);
        assert!(crate::store::audit::verify(&t, None).await.unwrap().holds());
    }
);

db_test!(a_network_that_guesses_at_many_accounts_is_told_once, |t| {
    for n in 0..20 + 10 {
        guess(&t, &format!("p{n}@example.com"), "203.0.113.5").await;
    }
    assert_eq!(
        told(&t).await,
        ["Not signed in operator.sign_in_slowed Any account (retry_after_s: – → 5)"]
    );
});

db_test!(a_user_of_a_directory_is_told_in_their_customers_log, |t| {
    let a = t.customer("A").await;
    let ada = sample::user(&t, a, None, "Ada", DirectoryStatus::Active).await;
    let subject = Subject::user_by_any_name(ada, [192, 0, 2, 1].into());
    for _ in 0..5 + 2 {
        let _ = count_try(&t, &[&subject], &origin("r")).await;
    }
    let mut tx = t.db.read().await.unwrap();
    let entries = fetch_all!(
        &mut tx,
        (CustomerId, String, Option<Uuid>),
        "SELECT customer_id, object_name, object_id FROM audit_event
          WHERE action = 'user.sign_in_slowed'"
    );
    assert_eq!(entries.unwrap(), [(a, "Ada".to_owned(), Some(ada.0))]);
});

db_test!(strangers_of_all_networks_are_told_once_an_hour, |t| {
    let ask = async || count_unknown(&t, &origin("r")).await;
    for _ in 0..300 {
        ask().await.unwrap();
    }
    for _ in 0..20 {
        assert!(matches!(ask().await, Err(Error::TooMany { .. })));
    }
    assert_eq!(told(&t).await.len(), 1);
});

db_test!(calls_with_unknown_tokens_are_told_by_network, |t| {
    let unknown = crate::auth::token::make(&t);
    let call = async |token: &str, address: [u8; 4]| {
        let refused = token_scope(&t, token, from(address)).await;
        assert!(matches!(refused, Err(Error::SignedOut)), "{refused:?}");
    };
    for token in [unknown.as_str(), "rc_mistyped", "no token at all"] {
        call(token, [192, 0, 2, 7]).await;
        call(token, [192, 0, 2, 7]).await;
    }
    call(&unknown, [198, 51, 100, 7]).await;
    let first = "Not signed in api_token.unknown Unknown";
    assert_eq!(told(&t).await, [first, first]);
    // The next one, after the hour, tells how many they were.
    t.clock.advance(Duration::hours(1));
    call(&unknown, [192, 0, 2, 7]).await;
    let log = told(&t).await;
    assert_eq!(log.len(), 4);
    assert!(log[2].contains("tries: – → 6"), "{log:?}");
    assert_eq!(log[3], first);
    // The job of every hour tells it too. One that stayed alone has its entry already.
    call(&unknown, [192, 0, 2, 7]).await;
    t.clock.advance(Duration::hours(2));
    jobs::run_until_idle(&t).await.unwrap();
    let log = told(&t).await;
    assert_eq!(log.len(), 5);
    assert!(log[4].contains("tries: – → 2"), "{log:?}");
});

db_test!(a_token_that_ended_is_told_with_the_reason, |t| {
    let owner = t.owner().await;
    let new = NewApiToken::of_everything("CI", Role::ReadOnly);
    let (token, secret) = tokens::create(&t, &owner, new).await.unwrap();
    tokens::revoke(&t, &owner, token.id).await.unwrap();
    for _ in 0..3 {
        let refused = token_scope(&t, secret.expose_secret(), from([192, 0, 2, 7])).await;
        assert!(matches!(refused, Err(Error::TokenRefused(_))));
    }
    let log = told(&t).await;
    assert_eq!(log.len(), 1);
    assert!(
        log[0].starts_with("CI api_token.refused CI (reason: – → This API token was revoked"),
        "{log:?}"
    );
});

db_test!(many_networks_leave_only_so_many_entries, |t| {
    let network = |n: u16| IpAddr::from([0x2001, 0xdb8, n, 0, 0, 0, 0, 1]);
    for n in 0..310 {
        let _ = token_scope(&t, "no token", Origin::api(Some(network(n)), "r")).await;
    }
    assert_eq!(told(&t).await.len(), 300);
    t.clock.advance(Duration::seconds(1));
    let _ = token_scope(&t, "no token", Origin::api(Some(network(999)), "r")).await;
    assert_eq!(told(&t).await.len(), 301);
    // Who was told of is counted on, whoever else comes.
    let _ = token_scope(&t, "no token", Origin::api(Some(network(0)), "r")).await;
    let mut tx = t.db.read().await.unwrap();
    let most = crate::fetch_scalar!(&mut tx, i64, "SELECT MAX(tries) FROM refused_try");
    assert_eq!(most.unwrap(), 2);
});
