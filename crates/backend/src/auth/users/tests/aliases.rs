//! Signing in by an alias: with whose password, until when, and how tries are counted.

use super::*;
use crate::store::users::set_aliases;

const ANOTHER: &str = "seven paper lanterns drift";
/// Ada's other address, and at other customers an alias of others.
const ALIAS: &str = "countess@contoso.example";

/// A user of a customer with an account and this password.
async fn enrolled(
    t: &TestBackend,
    mail: &MailSink,
    customer: CustomerId,
    name: &str,
    password: &str,
) -> UserId {
    let owner = t.owner().await;
    let user = sample::user(t, customer, None, name, DirectoryStatus::Active).await;
    let link = invited(t, mail, &owner, user).await;
    activated(t, &link, password).await.unwrap();
    user
}

async fn alias(t: &TestBackend, user: UserId, address: &str) {
    let owner = t.owner().await;
    let given = [address.to_owned()];
    set_aliases(t, &owner, user, &given).await.unwrap();
}

/// Who gets in; none where nobody does.
async fn who(t: &TestBackend, user_name: &str, password: &str) -> Option<UserId> {
    match signing_in(t, user_name, password).await {
        Ok(scope) => Some(scope.user_id()),
        Err(Error::SignedOut) => None,
        Err(other) => panic!("{other:?}"),
    }
}

async fn waits(t: &TestBackend, user_name: &str, password: &str) -> bool {
    let tried = signing_in(t, user_name, password).await;
    matches!(tried, Err(Error::TooMany { .. }))
}

db_test!(an_alias_signs_in_until_it_is_taken_away, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let customer = t.customer("Adatum").await;
    let ada = enrolled(&t, &mail, customer, "Ada", PASSWORD).await;
    assert_eq!(who(&t, ALIAS, PASSWORD).await, None, "nobody's yet");
    alias(&t, ada, "Countess@contoso.example").await;
    assert_eq!(
        who(&t, " COUNTESS@contoso.example ", PASSWORD).await,
        Some(ada)
    );
    assert_eq!(who(&t, ALIAS, ANOTHER).await, None);
    assert_eq!(who(&t, "ada@x.example", PASSWORD).await, Some(ada));
    set_status(&t, ada, DirectoryStatus::Inactive).await;
    assert_eq!(who(&t, ALIAS, PASSWORD).await, None, "not in use");
    set_status(&t, ada, DirectoryStatus::Active).await;

    let owner = t.owner().await;
    set_aliases(&t, &owner, ada, &[]).await.unwrap();
    assert_eq!(who(&t, ALIAS, PASSWORD).await, None);
    assert_eq!(who(&t, "ada@x.example", PASSWORD).await, Some(ada));

    // Given to somebody else, it leads there alone.
    let bea = enrolled(&t, &mail, customer, "Bea", ANOTHER).await;
    alias(&t, bea, ALIAS).await;
    assert_eq!(who(&t, ALIAS, PASSWORD).await, None);
    assert_eq!(who(&t, ALIAS, ANOTHER).await, Some(bea));
});

db_test!(
    an_alias_that_is_a_name_elsewhere_leads_to_whose_password_it_is,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let (adatum, blue) = (t.customer("Adatum").await, t.customer("Blue").await);
        // The alias is the older one.
        let bea = enrolled(&t, &mail, adatum, "Bea", ANOTHER).await;
        alias(&t, bea, "ada@x.example").await;
        let ada = enrolled(&t, &mail, blue, "Ada", PASSWORD).await;
        assert_eq!(who(&t, "ada@x.example", ANOTHER).await, Some(bea));
        assert_eq!(who(&t, "ada@x.example", PASSWORD).await, Some(ada));
        assert_eq!(who(&t, "ada@x.example", "neither").await, None);
        assert_eq!(who(&t, "bea@x.example", PASSWORD).await, None);

        // A forgotten password is mailed to each at an address of their own, with a link of their own.
        let here = [192, 0, 2, 1].into();
        ask_for_new_password(&t, "ada@x.example", here)
            .await
            .unwrap();
        run_until_idle(&t).await.unwrap();
        let mut to: Vec<String> = mail.take().into_iter().map(|got| got.to).collect();
        to.sort();
        assert_eq!(to, ["ada@x.example", "bea@x.example"]);

        // Who isn't in use is nobody, and what was theirs is nobody else's.
        set_status(&t, ada, DirectoryStatus::Inactive).await;
        assert_eq!(who(&t, "ada@x.example", PASSWORD).await, None);
        set_status(&t, ada, DirectoryStatus::Active).await;
        set_status(&t, bea, DirectoryStatus::Inactive).await;
        assert_eq!(who(&t, "ada@x.example", ANOTHER).await, None);
    }
);

db_test!(a_user_name_goes_before_the_aliases_of_others, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    // More than are looked at, and all of them older, with the very password.
    for number in 0..=ACCOUNTS_MAX {
        let customer = t.customer(&format!("Customer {number}")).await;
        let other = enrolled(&t, &mail, customer, "Bea", PASSWORD).await;
        alias(&t, other, "ada@x.example").await;
    }
    let (_, ada) = adatum(&t).await;
    let owner = t.owner().await;
    let link = invited(&t, &mail, &owner, ada).await;
    activated(&t, &link, PASSWORD).await.unwrap();
    assert_eq!(who(&t, "ada@x.example", PASSWORD).await, Some(ada));
});

db_test!(user_name_and_alias_count_together, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let customer = t.customer("Adatum").await;
    let ada = enrolled(&t, &mail, customer, "Ada", PASSWORD).await;
    alias(&t, ada, ALIAS).await;
    let names = ["ada@x.example", ALIAS];
    for round in 0..2 {
        // Five tries are free, by whichever name.
        for name in [names[0], names[1], names[0], names[1], names[0]] {
            assert_eq!(who(&t, name, "wrong").await, None, "round {round}");
        }
        for name in names {
            assert!(waits(&t, name, PASSWORD).await, "round {round}: {name}");
        }
        assert_eq!(who(&t, "bea@x.example", "wrong").await, None, "she alone");
        t.clock.advance(Duration::seconds(5));
        // The right password has both begin anew.
        let name = names[1 - round];
        assert_eq!(who(&t, name, PASSWORD).await, Some(ada), "round {round}");
    }
});

db_test!(
    who_shares_a_name_does_not_guess_at_others_without_end,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let (adatum, blue) = (t.customer("Adatum").await, t.customer("Blue").await);
        let ada = enrolled(&t, &mail, adatum, "Ada", PASSWORD).await;
        alias(&t, ada, ALIAS).await;
        let eve = enrolled(&t, &mail, blue, "Eve", ANOTHER).await;
        alias(&t, eve, "ada@x.example").await;
        for guess in 1..=5 {
            assert_eq!(who(&t, "ada@x.example", "a guess").await, None);
            if guess < 5 {
                // Her own password lets her in, and lets her guess no further.
                assert_eq!(who(&t, "ada@x.example", ANOTHER).await, Some(eve));
            }
        }
        assert!(waits(&t, "ada@x.example", "a guess").await);
        assert!(
            waits(&t, ALIAS, "a guess").await,
            "by her other name neither"
        );
        assert_eq!(who(&t, "eve@x.example", ANOTHER).await, Some(eve));
        assert!(waits(&t, ALIAS, "a guess").await);
    }
);
