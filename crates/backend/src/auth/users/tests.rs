//! Activating an account by a link, signing in, and being out once one isn't in use any more.

mod aliases;

use chrono::Duration;
use domain::{id::CustomerId, user::DirectoryStatus};

use super::*;
use crate::{
    Scope, db_test,
    jobs::run_until_idle,
    notify::sinks::{self, MailSink},
    store::{enrolment, sample, sessions},
    testing::{TestBackend, origin},
};

const PASSWORD: &str = "green kettle sings often";

async fn with_mail(t: &mut TestBackend) -> MailSink {
    let mail = MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&mail));
    mail
}

/// What stands in the link of the one mail that came.
fn link_of(mail: &MailSink) -> SecretString {
    let got = mail.take();
    assert_eq!(got.len(), 1, "one mail");
    let text = got[0].text.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("secret=").expect("there is a link");
    rest.chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .into()
}

async fn invited(t: &TestBackend, mail: &MailSink, owner: &Scope, user: UserId) -> SecretString {
    enrolment::invite(t, owner, user).await.unwrap();
    run_until_idle(t).await.unwrap();
    link_of(mail)
}

fn whole(signed_in: UserSignedIn) -> UserScope {
    match signed_in {
        UserSignedIn::Whole(scope) => scope,
        UserSignedIn::Half(_) => panic!("a second factor is asked for"),
    }
}

fn half(signed_in: UserSignedIn) -> UserHalf {
    match signed_in {
        UserSignedIn::Half(half) => half,
        UserSignedIn::Whole(_) => panic!("the password alone was enough"),
    }
}

async fn activating(t: &TestBackend, link: &SecretString, password: &str) -> Result<UserSignedIn> {
    let password = password.to_owned().into();
    activate(t, link.clone(), password, origin("r"), "Browser").await
}

async fn activated(t: &TestBackend, link: &SecretString, password: &str) -> Result<UserScope> {
    activating(t, link, password).await.map(whole)
}

async fn signing_in(t: &TestBackend, user_name: &str, password: &str) -> Result<UserScope> {
    password_given(t, user_name, password).await.map(whole)
}

async fn password_given(t: &TestBackend, user_name: &str, password: &str) -> Result<UserSignedIn> {
    let given = UserSignIn {
        user_name: user_name.to_owned(),
        password: password.to_owned().into(),
        address: [192, 0, 2, 1].into(),
        user_agent: "Browser".to_owned(),
        request_id: "r".to_owned(),
    };
    sign_in(t, given).await
}

async fn set_status(t: &TestBackend, user: UserId, status: DirectoryStatus) {
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE directory_user SET status = $2 WHERE id = $1",
        user,
        status
    )
    .unwrap();
    tx.commit().await.unwrap();
}

async fn adatum(t: &TestBackend) -> (CustomerId, UserId) {
    let customer = t.customer("Adatum").await;
    let ada = sample::user(t, customer, None, "Ada", DirectoryStatus::Active).await;
    (customer, ada)
}

db_test!(
    a_link_activates_once_and_the_user_signs_in_from_then_on,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (_, ada) = adatum(&t).await;
        assert!(matches!(
            signing_in(&t, "ada@x.example", "").await,
            Err(Error::SignedOut)
        ));
        let link = invited(&t, &mail, &owner, ada).await;
        let shown = follow(&t, link.clone()).await.unwrap().unwrap();
        assert_eq!(
            (shown.name.as_str(), shown.user_name.as_str()),
            ("Ada", "ada@x.example")
        );
        assert_eq!(shown.customer_name, "Adatum");
        let weak = activated(&t, &link, "ada ada ada ada").await;
        assert!(matches!(weak, Err(Error::Invalid(field)) if field.field == "password"));
        let scope = activated(&t, &link, PASSWORD).await.unwrap();
        assert_eq!(scope.user_id(), ada);
        assert!(
            follow(&t, link.clone()).await.unwrap().is_none(),
            "it works once"
        );
        assert!(matches!(
            activated(&t, &link, PASSWORD).await,
            Err(Error::Conflict { .. })
        ));
        assert!(matches!(
            signing_in(&t, "ada@x.example", "wrong").await,
            Err(Error::SignedOut)
        ));
        let scope = signing_in(&t, " ADA@x.example ", PASSWORD).await.unwrap();
        let own = own_account(&t, &scope).await.unwrap();
        assert_eq!(
            (own.name.as_str(), own.customer_name.as_str()),
            ("Ada", "Adatum")
        );
        assert_eq!(own.aliases, [""; 0]);
        let names = [
            "countess@x.example".to_owned(),
            "ada.l@x.example".to_owned(),
        ];
        crate::store::users::set_aliases(&t, &owner, ada, &names)
            .await
            .unwrap();
        let own = own_account(&t, &scope).await.unwrap();
        assert_eq!(own.aliases, ["ada.l@x.example", "countess@x.example"]);
    }
);

db_test!(
    a_link_ends_with_time_with_a_newer_one_and_with_the_user,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (_, ada) = adatum(&t).await;
        let old = invited(&t, &mail, &owner, ada).await;
        let link = invited(&t, &mail, &owner, ada).await;
        assert!(
            follow(&t, old).await.unwrap().is_none(),
            "a newer one took its place"
        );
        set_status(&t, ada, DirectoryStatus::Inactive).await;
        assert!(
            follow(&t, link.clone()).await.unwrap().is_none(),
            "not in use"
        );
        assert!(matches!(
            activated(&t, &link, PASSWORD).await,
            Err(Error::Conflict { .. })
        ));
        set_status(&t, ada, DirectoryStatus::Active).await;
        t.clock.advance(Duration::days(14) - Duration::seconds(1));
        assert!(follow(&t, link.clone()).await.unwrap().is_some());
        t.clock.advance(Duration::seconds(1));
        assert!(
            follow(&t, link.clone()).await.unwrap().is_none(),
            "its time is over"
        );
        assert!(matches!(
            activated(&t, &link, PASSWORD).await,
            Err(Error::Conflict { .. })
        ));
    }
);

db_test!(who_is_deactivated_is_out_at_the_next_request, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let (_, ada) = adatum(&t).await;
    let link = invited(&t, &mail, &owner, ada).await;
    activated(&t, &link, PASSWORD).await.unwrap();
    assert!(user_scope(&t, ada, origin("r")).await.is_ok());
    for status in [DirectoryStatus::Inactive, DirectoryStatus::Deleted] {
        set_status(&t, ada, status).await;
        assert!(matches!(
            user_scope(&t, ada, origin("r")).await,
            Err(Error::SignedOut)
        ));
        let refused = signing_in(&t, "ada@x.example", PASSWORD).await;
        assert!(matches!(refused, Err(Error::SignedOut)));
    }
    set_status(&t, ada, DirectoryStatus::Active).await;
    assert!(signing_in(&t, "ada@x.example", PASSWORD).await.is_ok());
});

db_test!(
    the_same_user_name_at_two_customers_is_told_by_the_password,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (_, one) = adatum(&t).await;
        let blue = t.customer("Blue").await;
        let other = sample::user(&t, blue, None, "Ada", DirectoryStatus::Active).await;
        let link = invited(&t, &mail, &owner, one).await;
        activated(&t, &link, PASSWORD).await.unwrap();
        let link = invited(&t, &mail, &owner, other).await;
        let another = "seven paper lanterns drift";
        activated(&t, &link, another).await.unwrap();
        let scope = signing_in(&t, "ada@x.example", PASSWORD).await.unwrap();
        assert_eq!(scope.user_id(), one);
        let scope = signing_in(&t, "ada@x.example", another).await.unwrap();
        assert_eq!(scope.user_id(), other);
        assert_eq!(own_account(&t, &scope).await.unwrap().customer_name, "Blue");
    }
);

db_test!(
    a_forgotten_password_goes_by_mail_to_who_is_enrolled_alone,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (customer, ada) = adatum(&t).await;
        let bea = sample::user(&t, customer, None, "Bea", DirectoryStatus::Active).await;
        let here = [192, 0, 2, 1].into();
        let link = invited(&t, &mail, &owner, ada).await;
        activated(&t, &link, PASSWORD).await.unwrap();
        let link_of_bea = invited(&t, &mail, &owner, bea).await;
        for (user_name, mails) in [
            ("ada@x.example", 1),
            ("bea@x.example", 0),
            ("no@x.example", 0),
        ] {
            ask_for_new_password(&t, user_name, here).await.unwrap();
            let mut tx = t.db.read().await.unwrap();
            let waiting = crate::fetch_scalar!(
                &mut tx,
                i64,
                "SELECT COUNT(*) FROM enrolment_mail WHERE user_id IS NULL"
            );
            assert_eq!(waiting.unwrap(), 1, "the same rows, whoever it is");
            drop(tx);
            run_until_idle(&t).await.unwrap();
            assert_eq!(mail.take().len(), mails, "{user_name}");
        }
        assert!(
            follow(&t, link_of_bea).await.unwrap().is_some(),
            "no stranger ends it"
        );
        ask_for_new_password(&t, "ada@x.example", here)
            .await
            .unwrap();
        run_until_idle(&t).await.unwrap();
        assert!(mail.take().is_empty(), "she has one already");
        t.clock.advance(Duration::minutes(6));
        ask_for_new_password(&t, "ada@x.example", here)
            .await
            .unwrap();
        run_until_idle(&t).await.unwrap();
        let link = link_of(&mail);
        assert!(
            signing_in(&t, "ada@x.example", PASSWORD).await.is_ok(),
            "until she sets another"
        );
        let another = "seven paper lanterns drift";
        activated(&t, &link, another).await.unwrap();
        t.clock.advance(Duration::hours(1));
        assert!(signing_in(&t, "ada@x.example", PASSWORD).await.is_err());
        assert!(signing_in(&t, "ada@x.example", another).await.is_ok());
    }
);

db_test!(sessions_and_the_password_are_ones_own, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let (customer, ada) = adatum(&t).await;
    let bea = sample::user(&t, customer, None, "Bea", DirectoryStatus::Active).await;
    let mut scopes = Vec::new();
    for user in [ada, bea] {
        let link = invited(&t, &mail, &owner, user).await;
        scopes.push(activated(&t, &link, PASSWORD).await.unwrap());
    }
    let [ada_scope, bea_scope] = &scopes[..] else {
        panic!("two")
    };
    for (cookie, user) in [(1, ada), (2, ada), (3, ada), (4, bea)] {
        let data = format!(r#"{{"user_id":"{user}","user_agent":"B"}}"#);
        assert!(sessions::create(&t, cookie, &data).await.unwrap());
    }
    let here = sessions::public_id(&t, 1).await.unwrap();
    let lines = super::sessions(&t, ada_scope, here).await.unwrap();
    assert_eq!(lines.len(), 3);
    let other = lines.iter().find(|line| !line.current).unwrap().id;
    let refused = end_session(&t, bea_scope, other).await;
    assert!(matches!(refused, Err(Error::NotFound("session"))));
    end_session(&t, ada_scope, other).await.unwrap();
    let change = |old: &str, new: &str| UserPasswordChange {
        old: old.to_owned().into(),
        new: new.to_owned().into(),
        keep: here,
    };
    let another = "seven paper lanterns drift";
    let wrong = change_password(&t, ada_scope, change("wrong", another)).await;
    assert!(matches!(wrong, Err(Error::Invalid(field)) if field.field == "old_password"));
    change_password(&t, ada_scope, change(PASSWORD, another))
        .await
        .unwrap();
    assert_eq!(super::sessions(&t, ada_scope, here).await.unwrap().len(), 1);
    assert_eq!(super::sessions(&t, bea_scope, None).await.unwrap().len(), 1);
    assert!(signing_in(&t, "ada@x.example", another).await.is_ok());
    // An operator's session is no user's, and the other way round.
    assert_eq!(sessions::list(&t, &owner, None).await.unwrap().len(), 0);
});

/// Sets up an authenticator app; answers its key.
async fn with_app(t: &TestBackend, scope: &UserScope) -> Vec<u8> {
    let offer = offer_authenticator(t, scope, None).await.unwrap();
    let key = crate::auth::second_factor::key_in(&offer.key);
    let code = code_at(&key, t);
    confirm_authenticator(t, scope, None, PASSWORD.into(), &offer.sealed, &code)
        .await
        .unwrap();
    t.clock.advance(Duration::seconds(30));
    key
}

fn code_at(key: &[u8], t: &TestBackend) -> String {
    crate::auth::second_factor::code_at(key, t.clock.now())
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(error)) => error.field,
        Err(other) => format!("{other:?}"),
        Ok(_) => "taken".to_owned(),
    }
}

db_test!(
    a_second_factor_is_asked_for_after_the_password_and_after_a_link,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (_, ada) = adatum(&t).await;
        let link = invited(&t, &mail, &owner, ada).await;
        let scope = activated(&t, &link, PASSWORD).await.unwrap();
        let offer = offer_authenticator(&t, &scope, None).await.unwrap();
        assert!(offer.uri.contains("ada%40x%2Eexample"), "{}", offer.uri);
        let key = crate::auth::second_factor::key_in(&offer.key);
        let (sealed, right) = (&offer.sealed, code_at(&key, &t));
        let wrong = confirm_authenticator(&t, &scope, None, "guess".into(), sealed, &right).await;
        assert_eq!(field(wrong), "password");
        let wrong =
            confirm_authenticator(&t, &scope, None, PASSWORD.into(), sealed, "000000").await;
        assert_eq!(field(wrong), "code");
        assert!(
            signing_in(&t, "ada@x.example", PASSWORD).await.is_ok(),
            "none yet"
        );
        let key = with_app(&t, &scope).await;

        let give = async |half: &UserHalf, code: &str| {
            half.give_code(&t, code, &origin("r"), "Browser").await
        };
        let first = half(password_given(&t, "ada@x.example", PASSWORD).await.unwrap());
        let asked = first.asked(&t).await.unwrap().unwrap();
        assert_eq!(asked.email, "ada@x.example");
        assert_eq!(field(give(&first, "123456").await), "code");
        let code = code_at(&key, &t);
        assert_eq!(give(&first, &code).await.unwrap().user_id(), ada);
        assert_eq!(field(give(&first, &code).await), "code", "replayed");

        // A link to a new password is no way around it, and ends what was begun before.
        t.clock.advance(Duration::minutes(6));
        let late = half(password_given(&t, "ada@x.example", PASSWORD).await.unwrap());
        let link = invited(&t, &mail, &owner, ada).await;
        let another = "seven paper lanterns drift";
        let new = half(activating(&t, &link, another).await.unwrap());
        let code = code_at(&key, &t);
        assert_eq!(late.asked(&t).await.unwrap(), None);
        assert!(matches!(give(&late, &code).await, Err(Error::SignedOut)));
        assert_eq!(give(&new, &code).await.unwrap().user_id(), ada);
        t.clock.advance(Duration::minutes(10));
        assert_eq!(new.asked(&t).await.unwrap(), None, "it took too long");
        let log = sample::audit_log(&t).await.join("\n");
        assert!(log.contains("user.second_factor_refused"), "{log}");
        assert!(log.contains("user.add_authenticator"), "{log}");
    }
);

db_test!(recovery_codes_of_a_user_stand_in_and_go_with_the_app, |t| {
    let mut t = t;
    let mail = with_mail(&mut t).await;
    let owner = t.owner().await;
    let (customer, ada) = adatum(&t).await;
    let link = invited(&t, &mail, &owner, ada).await;
    let scope = activated(&t, &link, PASSWORD).await.unwrap();
    let none = offer_recovery_codes(&t, &scope).await;
    assert!(matches!(none, Err(Error::Conflict { .. })));
    with_app(&t, &scope).await;
    let shown = offer_recovery_codes(&t, &scope).await.unwrap();
    let guessed = keep_recovery_codes(&t, &scope, "guess".into(), &shown.sealed).await;
    assert_eq!(field(guessed), "password");
    keep_recovery_codes(&t, &scope, PASSWORD.into(), &shown.sealed)
        .await
        .unwrap();
    let give = async |code: &str| {
        let half = half(password_given(&t, "ada@x.example", PASSWORD).await.unwrap());
        half.give_code(&t, code, &origin("r"), "Browser").await
    };
    give(&shown.codes[0]).await.unwrap();
    assert_eq!(field(give(&shown.codes[0]).await), "code");
    let own = own_account(&t, &scope).await.unwrap();
    assert_eq!(own.second_factors.recovery_codes, 9);

    // Another customer's user has none of it.
    let bea = sample::user(&t, customer, None, "Bea", DirectoryStatus::Active).await;
    let link = invited(&t, &mail, &owner, bea).await;
    let bea = activated(&t, &link, PASSWORD).await.unwrap();
    let mine = own_account(&t, &bea).await.unwrap().second_factors;
    assert!(mine.is_empty() && mine.recovery_codes == 0);
    let stolen = keep_recovery_codes(&t, &bea, PASSWORD.into(), &shown.sealed).await;
    assert!(stolen.is_err());

    remove_authenticator(&t, &scope, PASSWORD.into())
        .await
        .unwrap();
    let own = own_account(&t, &scope).await.unwrap();
    assert!(own.second_factors.is_empty() && own.second_factors.recovery_codes == 0);
    assert!(signing_in(&t, "ada@x.example", PASSWORD).await.is_ok());
});

db_test!(
    a_lost_second_factor_is_reset_by_who_may_change_the_user,
    |t| {
        let mut t = t;
        let mail = with_mail(&mut t).await;
        let owner = t.owner().await;
        let (_, ada) = adatum(&t).await;
        let none = reset_second_factor(&t, &owner, ada).await;
        assert!(matches!(none, Err(Error::Conflict { .. })), "{none:?}");
        let link = invited(&t, &mail, &owner, ada).await;
        let scope = activated(&t, &link, PASSWORD).await.unwrap();
        with_app(&t, &scope).await;
        assert!(
            enrolment::get(&t, &owner, ada)
                .await
                .unwrap()
                .authenticator_since
                .is_some()
        );
        let data = format!(r#"{{"user_id":"{ada}","user_agent":"B"}}"#);
        assert!(sessions::create(&t, 1, &data).await.unwrap());
        let blue = t.customer("Blue").await;
        let stranger = t.administrator_of(&[blue]).await;
        let refused = reset_second_factor(&t, &stranger, ada).await;
        assert!(
            matches!(refused, Err(Error::NotFound("user"))),
            "{refused:?}"
        );
        let reader = domain::permission::Role::ReadOnly;
        let reader = t
            .operator(reader, domain::operator::CustomerScope::All)
            .await;
        let refused = reset_second_factor(&t, &reader, ada).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        reset_second_factor(&t, &owner, ada).await.unwrap();
        assert_eq!(sessions::load(&t, 1).await.unwrap(), None);
        assert!(signing_in(&t, "ada@x.example", PASSWORD).await.is_ok());
        let left = enrolment::get(&t, &owner, ada).await.unwrap();
        assert_eq!(left.authenticator_since, None);
    }
);
