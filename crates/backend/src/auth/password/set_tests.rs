//! Every way to set a password looks at it.

use domain::{
    operator::{CustomerScope, NewOperator},
    permission::Role,
};
use secrecy::SecretString;

use super::breached::tests::list_of;
use crate::{
    Error, Result,
    auth::{
        BreachedPasswords, FirstOwner, PasswordChange, accept_invitation, add_operator,
        change_password, create_first_owner, operator_scope, reset_password, set_password,
        setup_code,
    },
    db_test,
    store::{operators, sample},
    testing::{TestBackend, origin},
};

const GOOD: &str = "correct horse battery";

/// The field that is blamed, and why.
fn blamed<T>(given: Result<T>) -> (String, String) {
    match given {
        Err(Error::Invalid(field)) => (field.field, field.message),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// Tries `password` at every way, and answers what each said.
async fn everywhere(t: &TestBackend, password: &str) -> Vec<(String, String)> {
    let given = || SecretString::from(password);
    let (email, name) = ("mina@example.com", "Mina");
    let code = setup_code(t).await.unwrap().expect("nobody is there yet");
    let owner = FirstOwner {
        code,
        email: email.to_owned(),
        name: name.to_owned(),
        password: given(),
        require_second_factor: false,
    };
    let first = create_first_owner(t, owner, &origin("r")).await;
    let added = add_operator(t, email, name, Role::Owner, given()).await;
    let mut said = vec![blamed(first), blamed(added)];

    let mina = add_operator(t, email, name, Role::Owner, GOOD.into());
    let mina = mina.await.unwrap();
    let scope = operator_scope(t, mina.id, origin("r")).await.unwrap();
    said.push(blamed(
        change_password(
            t,
            &scope,
            PasswordChange {
                old: GOOD.into(),
                new: given(),
                keep: None,
                revoke_tokens: false,
            },
        )
        .await,
    ));
    said.push(blamed(set_password(t, email, given(), false).await));

    let new = NewOperator {
        email: "noor@example.com".to_owned(),
        name: "Noor".to_owned(),
        role: Role::ReadOnly,
        scope: CustomerScope::All,
    };
    let invited = operators::invite(t, &scope, new).await.unwrap();
    let link = invited.secret();
    said.push(blamed(
        accept_invitation(t, link.clone(), "Noor", given(), &origin("r")).await,
    ));
    // What was refused uses the link up no more than it sets anything.
    accept_invitation(t, link, "Noor", GOOD.into(), &origin("r"))
        .await
        .unwrap();

    let link = sample::reset_link(t, mina.id).await;
    said.push(blamed(
        reset_password(t, link.clone(), given(), false, &origin("r")).await,
    ));
    reset_password(t, link, GOOD.into(), false, &origin("r"))
        .await
        .unwrap();
    said
}

const FIELDS: [&str; 6] = [
    "password",
    "password",
    "new_password",
    "password-stdin",
    "password",
    "password",
];

db_test!(what_is_guessed_first_is_refused_wherever_it_is_set, |t| {
    let said = everywhere(&t, "password1234").await;
    for ((field, why), expected) in said.iter().zip(FIELDS) {
        assert_eq!(field, expected);
        assert!(
            why.ends_with("Use a few words that don’t belong together."),
            "{why}"
        );
    }
    assert_eq!(said.len(), FIELDS.len());
});

db_test!(
    what_was_stolen_elsewhere_is_refused_wherever_it_is_set,
    |t| {
        let mut t = t;
        let list = list_of("seven small green teapots", 37).await;
        t.backend.breached_passwords = BreachedPasswords::new(Some(list)).unwrap();
        let said = everywhere(&t, "seven small green teapots").await;
        for ((field, why), expected) in said.iter().zip(FIELDS) {
            assert_eq!(field, expected);
            assert!(why.contains("stolen elsewhere (37 times)"), "{why}");
        }
        assert_eq!(said.len(), FIELDS.len());
    }
);
